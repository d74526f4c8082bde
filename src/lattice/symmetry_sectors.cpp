#include "koushi/lattice/symmetry_sectors.hpp"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <optional>
#include <set>

#include "koushi/base/error.hpp"
#include "koushi/lattice/permutations.hpp"

namespace koushi {

namespace {

using Characters = std::vector<std::complex<double>>;

constexpr double tolerance = 1e-6;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

bool is_identity(const Permutation& g) { return std::is_sorted(g.begin(), g.end()); }

/// The numbers that are meant: rounding of eigenvectors leaves 1e-15 of zeros.
std::complex<double> snapped(std::complex<double> x) {
  const auto snap = [](double y) {
    for (const double value : {0.0, 0.5, std::sqrt(0.5), std::sqrt(0.75), 1.0, 2.0, 3.0}) {
      if (std::abs(std::abs(y) - value) < 1e-12) return std::copysign(value, y);
    }
    return y;
  };
  return {snap(x.real()), snap(x.imag())};
}

}  // namespace

int FiniteGroup::inverse(int i) const {
  for (int j = 0; j < n; ++j) {
    if (times(i, j) == 0) return j;
  }
  throw InternalError("an element of a group has no inverse");
}

std::vector<int> FiniteGroup::generated(std::vector<int> elements) const {
  std::set<int> found{0};
  std::vector<int> open{0};
  while (!open.empty()) {
    const int g = open.back();
    open.pop_back();
    for (const int h : elements) {
      if (found.insert(times(h, g)).second) open.push_back(times(h, g));
    }
  }
  return {found.begin(), found.end()};
}

FiniteGroup FiniteGroup::subgroup(const std::vector<int>& elements) const {
  FiniteGroup group;
  group.n = static_cast<int>(elements.size());
  group.product.clear();
  for (const int g : elements) {
    for (const int h : elements) {
      const auto found = std::find(elements.begin(), elements.end(), times(g, h));
      if (found == elements.end()) throw InternalError("some elements of a group are no subgroup");
      group.product.push_back(static_cast<int>(found - elements.begin()));
    }
  }
  return group;
}

std::vector<Characters> characters(const FiniteGroup& group) {
  const int n = group.n;
  std::vector<int> class_of(at(n), -1);
  std::vector<int> sizes;
  std::vector<int> first;
  for (int g = 0; g < n; ++g) {
    if (class_of[at(g)] >= 0) continue;
    const int c = static_cast<int>(sizes.size());
    sizes.push_back(0);
    first.push_back(g);
    for (int h = 0; h < n; ++h) {
      const int conjugate = group.times(group.times(h, g), group.inverse(h));
      if (class_of[at(conjugate)] < 0) ++sizes[at(c)];
      class_of[at(conjugate)] = c;
    }
  }
  // M = sum_r x_r M_r with numbers x that no two eigenvalues have in common: (M_r)_st = the number of x in C_r and y in
  // C_s with x y = z_t.
  const auto classes = static_cast<Eigen::Index>(sizes.size());
  Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(classes, classes);
  for (int t = 0; t < static_cast<int>(classes); ++t) {
    for (int x = 0; x < n; ++x) {
      const int y = group.times(group.inverse(x), first[at(t)]);
      sum(class_of[at(y)], t) += std::sin(1.0 + std::numbers::sqrt2 * class_of[at(x)]);
    }
  }
  const Eigen::MatrixXcd vectors = Eigen::EigenSolver<Eigen::MatrixXd>(sum).eigenvectors();
  std::vector<Characters> all;
  for (Eigen::Index k = 0; k < classes; ++k) {
    const Eigen::VectorXcd omega = vectors.col(k) / vectors(0, k);
    double norm = 0;
    for (Eigen::Index t = 0; t < classes; ++t) norm += std::norm(omega(t)) / sizes[static_cast<std::size_t>(t)];
    const double dimension = std::round(std::sqrt(n / norm));
    Characters chi;
    for (int g = 0; g < n; ++g) {
      const int t = class_of[at(g)];
      chi.push_back(snapped(dimension * omega(t) / static_cast<double>(sizes[at(t)])));
    }
    all.push_back(std::move(chi));
  }
  const auto order = [](const Characters& chi) {
    std::vector<double> key{chi[0].real()};
    for (const auto& x : chi) key.push_back(-std::round(1e6 * x.real()));
    for (const auto& x : chi) key.push_back(-std::round(1e6 * x.imag()));
    return key;
  };
  std::sort(all.begin(), all.end(), [&](const Characters& a, const Characters& b) { return order(a) < order(b); });
  // They must be orthogonal: sum_g chi_a(g)* chi_b(g) = n delta_ab.
  for (std::size_t a = 0; a < all.size(); ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      std::complex<double> overlap = 0;
      for (std::size_t g = 0; g < all[a].size(); ++g) overlap += std::conj(all[a][g]) * all[b][g];
      if (std::abs(overlap - (a == b ? n : 0.0)) > tolerance * n)
        throw InternalError("characters of a group are not orthogonal");
    }
  }
  return all;
}

bool SymmetrySector::is_real() const {
  const auto real = [](const Characters& chi) {
    return std::all_of(chi.begin(), chi.end(), [](const auto& x) { return std::abs(x.imag()) < tolerance; });
  };
  return real(translation_characters) && real(point_characters);
}

namespace {

/// A point group with the rotation of each element.
struct PointGroup {
  std::vector<Permutation> sites;
  std::vector<Eigen::MatrixXd> rotation;
  FiniteGroup group;
};

/// The number of times after which a rotation is the identity.
int order_of(const Eigen::MatrixXd& rotation) {
  Eigen::MatrixXd power = rotation;
  for (int n = 1;; ++n) {
    if (power.isIdentity(1e-6) || n > 48) return n;
    power = rotation * power;
  }
}

/// The elements by which the representations of a point group are named.
struct NamingElements {
  std::optional<std::size_t> principal;  ///< the first rotation of the highest order, from 2
  int order = 1;
  std::optional<std::size_t> second;  ///< a mirror or another rotation
  std::optional<std::size_t> quarter;
  std::optional<std::size_t> inversion;

  NamingElements(const PointGroup& points, const Eigen::VectorXd& axis) {
    double closest = -2;
    for (std::size_t g = 0; g < points.rotation.size(); ++g) {
      const Eigen::MatrixXd& r = points.rotation[g];
      const bool proper = r.determinant() > 0;
      const int n = order_of(r);
      if (proper && n > order) {
        principal = g;
        order = n;
      }
      if (n == 4 && (!quarter || (proper && points.rotation[*quarter].determinant() < 0))) quarter = g;
      if (r.rows() == 3 && r.isApprox(-Eigen::MatrixXd::Identity(3, 3), 1e-6)) inversion = g;
      const double along = axis.dot(r * axis);
      if (!proper && n == 2 && g != inversion && along > closest + 1e-6) {
        second = g;
        closest = along;
      }
    }
    for (std::size_t g = 0; !second && principal && g < points.rotation.size(); ++g) {
      // a rotation by half a turn about another axis, in groups of rotations
      const Eigen::MatrixXd& r = points.rotation[g];
      const Eigen::MatrixXd& p = points.rotation[*principal];
      if (r.determinant() > 0 && order_of(r) == 2 && !r.isApprox(p, 1e-6) && !(r * p).isApprox(p * r, 1e-6)) second = g;
    }
  }
};

std::vector<std::string> names_of(const std::vector<Characters>& irreps, const PointGroup& points,
                                  const Eigen::VectorXd& axis) {
  const NamingElements by(points, axis);
  const bool cubic =
      std::any_of(irreps.begin(), irreps.end(), [](const Characters& chi) { return chi[0].real() > 2.5; });
  const auto several = [&](double dimension, const Characters& like) {
    return std::count_if(irreps.begin(), irreps.end(), [&](const Characters& chi) {
             return std::abs(chi[0].real() - dimension) < 0.5 &&
                    (!by.inversion || chi[*by.inversion].real() * like[*by.inversion].real() > 0);
           }) > 1;
  };
  std::vector<std::string> names;
  for (const Characters& chi : irreps) {
    const double d = std::round(chi[0].real());
    const auto positive = [&](const std::optional<std::size_t>& g) { return chi[*g].real() > 0; };
    const bool is_complex =
        std::any_of(chi.begin(), chi.end(), [](const auto& x) { return std::abs(x.imag()) > tolerance; });
    std::string name;
    if (is_complex) {
      const double turns = by.principal ? std::arg(chi[*by.principal] / d) / (2 * std::numbers::pi) * by.order : 0;
      const int l = static_cast<int>(std::lround(turns));
      name = fmt::format("E{}{}", by.order > 4 ? fmt::format("{}", std::abs(l)) : "", l >= 0 ? "+" : "-");
    } else if (d < 1.5) {
      name = std::string(cubic || !by.principal || positive(by.principal) ? "A" : "B");
      const auto& decides = cubic ? by.quarter : by.second;
      if (decides) name += positive(decides) ? "1" : "2";
    } else if (d < 2.5) {
      name = std::string("E");
      if (!cubic && by.principal && several(2, chi)) {
        const double cosine = std::clamp(chi[*by.principal].real() / 2, -1.0, 1.0);
        name += fmt::format("{}", std::lround(std::acos(cosine) / (2 * std::numbers::pi) * by.order));
      }
    } else {
      name = std::string("T");
      if (by.quarter) name += positive(by.quarter) ? "1" : "2";
    }
    if (by.inversion) name += positive(by.inversion) ? "g" : "u";
    names.push_back(std::move(name));
  }
  // Where these rules leave two of one name, a number tells them apart.
  for (std::size_t k = 0; k < names.size(); ++k) {
    const std::string name = names[k];
    if (std::count(names.begin(), names.end(), name) < 2) continue;
    int number = 0;
    for (std::string& other : names) {
      if (other == name) other += fmt::format("({})", ++number);
    }
  }
  return names;
}

/// How a space group is made of translations and rotations.
class Splitting {
 public:
  Splitting(const std::vector<SpaceGroupElement>& elements, int sites_per_cell) : elements_(elements) {
    for (std::size_t g = 0; g < elements.size(); ++g) {
      number_.emplace(elements[g].sites, static_cast<int>(g));
      if (elements[g].rotation.isIdentity(1e-6) && elements[g].sites[0] % sites_per_cell == 0)
        translations_.push_back(static_cast<int>(g));
    }
    for (std::size_t g = 0; g < elements.size(); ++g) {
      int least = static_cast<int>(g);
      for (const int t : translations_) least = std::min(least, times(t, static_cast<int>(g)));
      coset_.push_back(least);
    }
  }

  const std::vector<int>& translations() const { return translations_; }
  int times(int g, int h) const {
    const auto found = number_.find(product(elements_[at(g)].sites, elements_[at(h)].sites));
    if (found == number_.end()) throw InternalError("symmetries of a lattice are no group");
    return found->second;
  }
  /// Numbers of the elements of the point group; the identity alone where there is none.
  std::vector<int> point_group() const {
    const std::size_t rotations = elements_.size() / translations_.size();
    std::vector<int> fixing;
    for (std::size_t g = 0; g < elements_.size(); ++g) {
      if (elements_[g].sites[0] == 0) fixing.push_back(static_cast<int>(g));
    }
    if (fixing.size() == rotations) return fixing;
    std::vector<int> found{0};
    complete(found, rotations);
    return found;
  }

 private:
  /// Adds elements to a subgroup that meets every coset of the translations at most once, until it meets all.
  bool complete(std::vector<int>& subgroup, std::size_t rotations) const {
    if (subgroup.size() == rotations) return true;
    std::set<int> met;
    for (const int g : subgroup) met.insert(coset_[at(g)]);
    int next = -1;
    for (std::size_t g = 0; g < elements_.size() && next < 0; ++g) {
      if (met.count(coset_[g]) == 0) next = coset_[g];
    }
    for (std::size_t g = 0; g < elements_.size(); ++g) {
      if (coset_[g] != next) continue;
      std::vector<int> larger = closure(subgroup, static_cast<int>(g), rotations);
      if (larger.empty() || !complete(larger, rotations)) continue;
      subgroup = std::move(larger);
      return true;
    }
    return false;
  }
  /// The group of a subgroup and one element more; empty if it meets a coset twice.
  std::vector<int> closure(const std::vector<int>& subgroup, int g, std::size_t rotations) const {
    std::vector<int> generators = subgroup;
    generators.push_back(g);
    std::set<int> found{0};
    std::set<int> met{coset_[0]};
    std::vector<int> open{0};
    while (!open.empty()) {
      const int from = open.back();
      open.pop_back();
      for (const int h : generators) {
        const int reached = times(h, from);
        if (!found.insert(reached).second) continue;
        if (!met.insert(coset_[at(reached)]).second || found.size() > rotations) return {};
        open.push_back(reached);
      }
    }
    return {found.begin(), found.end()};
  }

  const std::vector<SpaceGroupElement>& elements_;
  std::map<Permutation, int> number_;
  std::vector<int> translations_;
  std::vector<int> coset_;  ///< [element], the least number of its coset
};

/// The elements of a point group and a one-dimensional representation of theirs that mark one partner of a
/// representation of more dimensions: lambda is contained in it once, and in no other one.
std::pair<std::vector<int>, Characters> partner_of(const FiniteGroup& group, const std::vector<Characters>& irreps,
                                                   std::size_t which) {
  std::set<std::vector<int>> subgroups;
  for (int g = 0; g < group.n; ++g) {
    for (int h = 0; h <= g; ++h) {
      for (int i = 0; i <= (group.n > 12 ? h : 0); ++i) subgroups.insert(group.generated({g, h, i}));
    }
  }
  std::pair<std::vector<int>, Characters> best;
  bool best_is_real = false;
  for (const std::vector<int>& elements : subgroups) {
    for (const Characters& lambda : characters(group.subgroup(elements))) {
      if (lambda[0].real() > 1.5) continue;
      const bool real = std::all_of(lambda.begin(), lambda.end(), [](const auto& x) { return x.imag() == 0; });
      if (std::make_pair(real, elements.size()) <= std::make_pair(best_is_real, best.first.size())) continue;
      bool marks = true;
      for (std::size_t k = 0; k < irreps.size() && marks; ++k) {
        std::complex<double> times = 0;
        for (std::size_t e = 0; e < elements.size(); ++e) times += std::conj(lambda[e]) * irreps[k][at(elements[e])];
        marks = std::abs(times / static_cast<double>(elements.size()) - (k == which ? 1.0 : 0.0)) < tolerance;
      }
      if (!marks) continue;
      best = {elements, lambda};
      best_is_real = real;
    }
  }
  if (best.first.empty()) throw InternalError("no subgroup marks a partner of a representation");
  return best;
}

}  // namespace

std::vector<SymmetrySector> symmetry_sectors(const Lattice& lattice, const std::vector<SpaceGroupElement>& elements) {
  const Splitting splitting(elements, lattice.sites_per_cell());
  const std::vector<int>& translations = splitting.translations();
  const std::vector<int> point_numbers = splitting.point_group();
  const auto n_translations = translations.size();

  // e^(-i K t) of every momentum that the translations tell apart
  std::vector<std::vector<int>> momenta;
  std::vector<Characters> of_momentum;
  const auto key = [](const Characters& chi) {
    std::vector<long> rounded;
    for (const auto& x : chi) {
      rounded.push_back(std::lround(1e6 * x.real()));
      rounded.push_back(std::lround(1e6 * x.imag()));
    }
    return rounded;
  };
  std::map<std::vector<long>, std::size_t> number;
  if (lattice.has_geometry()) {
    for (const std::vector<int>& n : lattice.momentum_numbers()) {
      const Eigen::VectorXd k = lattice.momentum(n);
      Characters chi;
      for (const int t : translations) {
        const int image = elements[at(t)].sites[0];
        chi.push_back(snapped(std::polar(1.0, -k.dot(lattice.position(image) - lattice.position(0)))));
      }
      if (!number.emplace(key(chi), momenta.size()).second) continue;
      momenta.push_back(n);
      of_momentum.push_back(std::move(chi));
    }
  } else {
    momenta.emplace_back();
    of_momentum.emplace_back(n_translations, 1.0);
    number.emplace(key(of_momentum[0]), 0);
  }
  if (momenta.size() != n_translations)
    throw InternalError("a lattice has another number of momenta than translations");

  // the image of momentum k under point p has the characters chi_k(p^-1 t p)
  std::vector<std::vector<std::size_t>> conjugate;  // [point][translation]
  for (const int p : point_numbers) {
    const Permutation back = inverse(elements[at(p)].sites);
    std::vector<std::size_t> row;
    for (const int t : translations) {
      const Permutation moved = product(back, product(elements[at(t)].sites, elements[at(p)].sites));
      std::size_t found = n_translations;
      for (std::size_t s = 0; s < n_translations; ++s) {
        if (elements[at(translations[s])].sites == moved) found = s;
      }
      if (found == n_translations) throw InternalError("translations of a lattice are no normal subgroup");
      row.push_back(found);
    }
    conjugate.push_back(std::move(row));
  }
  const auto image = [&](std::size_t k, std::size_t p) {
    Characters moved;
    for (const std::size_t t : conjugate[p]) moved.push_back(of_momentum[k][t]);
    return number.at(key(moved));
  };

  const Eigen::VectorXd axis = lattice.has_geometry() && lattice.n_sites() > 1
                                   ? Eigen::VectorXd(lattice.first_vector().normalized())
                                   : Eigen::VectorXd(Eigen::VectorXd::Ones(1));
  std::vector<SymmetrySector> sectors;
  std::set<std::size_t> known;
  for (std::size_t k = 0; k < momenta.size(); ++k) {
    if (known.count(k) > 0) continue;
    std::set<std::size_t> star;
    PointGroup little;
    std::vector<int> numbers;
    for (std::size_t p = 0; p < point_numbers.size(); ++p) {
      const std::size_t moved = image(k, p);
      star.insert(moved);
      if (moved != k) continue;
      const bool first = is_identity(elements[at(point_numbers[p])].sites);
      numbers.insert(first ? numbers.begin() : numbers.end(), point_numbers[p]);
    }
    known.insert(star.begin(), star.end());
    little.group.n = static_cast<int>(numbers.size());
    little.group.product.clear();
    for (const int g : numbers) {
      little.sites.push_back(elements[at(g)].sites);
      little.rotation.push_back(elements[at(g)].rotation);
      for (const int h : numbers) {
        const auto found = std::find(numbers.begin(), numbers.end(), splitting.times(g, h));
        if (found == numbers.end()) throw InternalError("the symmetries of a momentum are no group");
        little.group.product.push_back(static_cast<int>(found - numbers.begin()));
      }
    }
    const std::vector<Characters> irreps = characters(little.group);
    const std::vector<std::string> names = names_of(irreps, little, axis);
    for (std::size_t r = 0; r < irreps.size(); ++r) {
      SymmetrySector sector;
      if (n_translations > 1 || lattice.n_sites() == lattice.sites_per_cell()) sector.momentum = momenta[k];
      sector.representation = names[r];
      const int dimension = static_cast<int>(std::lround(irreps[r][0].real()));
      sector.degeneracy = static_cast<int>(star.size()) * dimension;
      for (const int t : translations) sector.translations.push_back(elements[at(t)].sites);
      sector.translation_characters = of_momentum[k];
      if (dimension == 1) {
        sector.points = little.sites;
        sector.point_characters = irreps[r];
      } else {
        const auto [partners, lambda] = partner_of(little.group, irreps, r);
        for (const int p : partners) sector.points.push_back(little.sites[at(p)]);
        sector.point_characters = lambda;
      }
      sectors.push_back(std::move(sector));
    }
  }
  return sectors;
}

}  // namespace koushi
