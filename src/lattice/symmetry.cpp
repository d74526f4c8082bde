#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <string>

#include "koushi/base/error.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/lattice/permutations.hpp"

namespace koushi {

namespace {

/// An isometry of the infinite lattice: site a of cell c goes to site target[a] of cell linear c + shift[a].
struct Isometry {
  Eigen::MatrixXi linear;
  std::vector<Eigen::VectorXi> shift;
  std::vector<int> target;
};

std::optional<Eigen::VectorXi> integers(const Eigen::VectorXd& x) {
  const Eigen::VectorXd nearest = x.array().round();
  if ((x - nearest).cwiseAbs().maxCoeff() > 1e-6) return std::nullopt;
  return nearest.cast<int>();
}

/// Integer matrices R with (A R)^T (A R) = A^T A for the primitive vectors A: the images of the vectors are searched
/// one after another.
void add_rotations(const Eigen::MatrixXd& vectors, Eigen::MatrixXi& linear, int column,
                   std::vector<Eigen::MatrixXi>& found) {
  const int d = static_cast<int>(vectors.cols());
  if (column == d) {
    found.push_back(linear);
    return;
  }
  const Eigen::MatrixXd gram = vectors.transpose() * vectors;
  const double scale = gram.diagonal().maxCoeff();
  // n = A^-1 x, so no component of a vector of length |a| exceeds |a| times the norm of its row of A^-1.
  const Eigen::VectorXd reach = vectors.inverse().rowwise().norm() * std::sqrt(gram(column, column)) * (1 + 1e-9);
  const Eigen::VectorXi bound = reach.array().floor().cast<int>();
  Eigen::VectorXi n = -bound;
  for (bool more = true; more;) {
    linear.col(column) = n;
    const Eigen::VectorXd products =
        (vectors * linear.leftCols(column + 1).cast<double>()).transpose() * (vectors * n.cast<double>());
    if ((products - gram.col(column).head(column + 1)).cwiseAbs().maxCoeff() < 1e-9 * scale)
      add_rotations(vectors, linear, column + 1, found);
    more = false;
    for (int k = d - 1; k >= 0; --k) {
      if (++n(k) <= bound(k)) {
        more = true;
        break;
      }
      n(k) = -bound(k);
    }
  }
}

/// The unimodular matrix U of a basis A U of short vectors, by taking multiples of one vector from another as long as
/// that shortens it: vectors of a deck may be as oblique as it likes, and the search above would try all the long way
/// between them.
Eigen::MatrixXi reduction(const Eigen::MatrixXd& vectors) {
  const auto d = vectors.cols();
  Eigen::MatrixXi u = Eigen::MatrixXi::Identity(d, d);
  for (bool shorter = true; shorter;) {
    shorter = false;
    for (Eigen::Index i = 0; i < d; ++i) {
      for (Eigen::Index j = 0; j < d; ++j) {
        const Eigen::VectorXd a = vectors * u.col(i).cast<double>();
        const Eigen::VectorXd b = vectors * u.col(j).cast<double>();
        const auto n = static_cast<int>(std::lround(a.dot(b) / b.squaredNorm()));
        if (i == j || n == 0 || (a - n * b).norm() > (1 - 1e-9) * a.norm()) continue;
        u.col(i) -= n * u.col(j);
        shorter = true;
      }
    }
  }
  return u;
}

/// One of each coset of the translations: every rotation or reflection, with site 0 of cell 0 going to every site of
/// cell 0.
std::vector<Isometry> isometries(const UnitCell& cell) {
  const Eigen::MatrixXi u = reduction(cell.vectors);
  const Eigen::MatrixXi back = u.cast<double>().inverse().array().round().cast<int>();
  std::vector<Eigen::MatrixXi> rotations;
  Eigen::MatrixXi linear(cell.dimension(), cell.dimension());
  add_rotations(cell.vectors * u.cast<double>(), linear, 0, rotations);
  for (Eigen::MatrixXi& rotation : rotations) rotation = u * rotation * back;
  const Eigen::MatrixXd inverse = cell.vectors.inverse();
  std::vector<Isometry> all;
  for (const Eigen::MatrixXi& rotation : rotations) {
    const Eigen::MatrixXd cartesian = cell.vectors * rotation.cast<double>() * inverse;
    for (const Eigen::VectorXd& image_of_first : cell.offsets) {
      Isometry g{rotation, {}, {}};
      for (const Eigen::VectorXd& offset : cell.offsets) {
        const Eigen::VectorXd image = image_of_first + cartesian * (offset - cell.offsets[0]);
        for (std::size_t b = 0; b < cell.offsets.size(); ++b) {
          if (const auto shift = integers(inverse * (image - cell.offsets[b]))) {
            g.shift.push_back(*shift);
            g.target.push_back(static_cast<int>(b));
            break;
          }
        }
      }
      if (g.target.size() == cell.offsets.size()) all.push_back(std::move(g));
    }
  }
  return all;
}

}  // namespace

Permutation Lattice::moved(const Eigen::MatrixXi& linear, const std::vector<Eigen::VectorXi>& shift,
                           const std::vector<int>& target) const {
  Permutation g;
  g.reserve(positions_.size());
  for (const Eigen::VectorXi& cell : cells_) {
    const Eigen::VectorXi image = linear * cell;
    for (std::size_t a = 0; a < target.size(); ++a) g.push_back(index_of(wrap(image + shift[a]).cell, target[a]));
  }
  return g;
}

std::vector<Lattice::Translation> Lattice::all_translations(
    const std::function<bool(const Permutation&)>& is_symmetry) const {
  const int d = cell_.dimension();
  std::vector<int> sites_of_cell;
  for (std::size_t a = 0; a < cell_.offsets.size(); ++a) sites_of_cell.push_back(static_cast<int>(a));
  const auto by_cells = [&](const Eigen::VectorXi& t) {
    return moved(Eigen::MatrixXi::Identity(d, d), std::vector<Eigen::VectorXi>(sites_of_cell.size(), t), sites_of_cell);
  };
  std::vector<Translation> units;
  for (int k = 0; k < d; ++k) {
    Permutation g = by_cells(Eigen::VectorXi::Unit(d, k));
    const bool accepted = is_symmetry(g);
    units.push_back({std::move(g), accepted});
  }
  // Most are a unit step after an earlier one, so neither their permutation nor, if both are symmetries, the answer has
  // to be found anew.
  std::vector<Translation> all;
  for (const Eigen::VectorXi& t : cells_) {
    Translation found;
    for (int k = 0; k < d && !found.is_symmetry; ++k) {
      const auto before =
          static_cast<std::size_t>(index_of(wrap(t - Eigen::VectorXi::Unit(d, k)).cell, 0)) / sites_of_cell.size();
      if (before >= all.size()) continue;
      const auto& unit = units[static_cast<std::size_t>(k)];
      if (found.sites.empty()) found.sites = product(unit.sites, all[before].sites);
      found.is_symmetry = unit.is_symmetry && all[before].is_symmetry;
    }
    if (found.sites.empty()) found.sites = by_cells(t);
    if (!found.is_symmetry) found.is_symmetry = is_symmetry(found.sites);
    all.push_back(std::move(found));
  }
  // the identity comes first
  std::stable_partition(all.begin(), all.end(),
                        [](const Translation& t) { return std::is_sorted(t.sites.begin(), t.sites.end()); });
  return all;
}

std::vector<Permutation> Lattice::translations(const std::function<bool(const Permutation&)>& is_symmetry) const {
  std::vector<Permutation> group;
  for (Translation& t : all_translations(is_symmetry)) {
    if (t.is_symmetry) group.push_back(std::move(t.sites));
  }
  return group;
}

std::vector<Permutation> Lattice::translations_by(const std::vector<int>& every,
                                                  const std::vector<Permutation>& group) const {
  const int d = cell_.dimension();
  if (static_cast<int>(every.size()) != d)
    throw UsageError(std::to_string(every.size()) + " numbers for " + std::to_string(d) + " directions");
  const std::vector<Eigen::VectorXi> none(cell_.offsets.size(), Eigen::VectorXi::Zero(d));
  std::vector<int> same(cell_.offsets.size());
  std::iota(same.begin(), same.end(), 0);
  const Permutation identity = moved(Eigen::MatrixXi::Identity(d, d), none, same);
  std::set<Permutation> reached{identity};
  std::vector<Permutation> open{identity};
  while (!open.empty()) {
    const Permutation from = open.back();
    open.pop_back();
    for (int k = 0; k < d; ++k) {
      const std::vector<Eigen::VectorXi> shift(cell_.offsets.size(),
                                               Eigen::VectorXi::Unit(d, k) * every[static_cast<std::size_t>(k)]);
      Permutation next = product(moved(Eigen::MatrixXi::Identity(d, d), shift, same), from);
      if (reached.insert(next).second) open.push_back(std::move(next));
    }
  }
  std::vector<Permutation> kept;
  for (const Permutation& g : group) {
    if (reached.count(g) > 0) kept.push_back(g);
  }
  return kept;
}

std::vector<Permutation> Lattice::space_group(const std::function<bool(const Permutation&)>& is_symmetry) const {
  std::vector<Permutation> group;
  for (SpaceGroupElement& g : space_group_elements(is_symmetry)) group.push_back(std::move(g.sites));
  return group;
}

std::vector<SpaceGroupElement> Lattice::space_group_elements(
    const std::function<bool(const Permutation&)>& is_symmetry) const {
  const Eigen::MatrixXd none = Eigen::MatrixXd::Identity(cell_.dimension(), cell_.dimension());
  if (!has_geometry_) return {{translations_[0], none}};  // the identity
  const std::vector<Translation> all = all_translations(is_symmetry);
  std::vector<Permutation> shifts;
  for (const Translation& t : all) {
    if (t.is_symmetry) shifts.push_back(t.sites);
  }
  std::vector<SpaceGroupElement> group;
  for (const Permutation& shift : shifts) group.push_back({shift, none});
  // On small lattices different isometries are one permutation. Cosets of the translations are the same or have nothing
  // in common, and each has one element that takes site 0 to the smallest site: translations move every site.
  const auto least = [&](const Permutation& g) {
    const auto shift = std::min_element(shifts.begin(), shifts.end(), [&](const Permutation& s, const Permutation& t) {
      return s[static_cast<std::size_t>(g[0])] < t[static_cast<std::size_t>(g[0])];
    });
    return product(*shift, g);
  };
  std::set<Permutation> known{least(shifts[0])};
  const Eigen::MatrixXd inverse = supercell_.cast<double>().inverse();
  for (const Isometry& g : isometries(cell_)) {
    if (!integers((inverse * (g.linear * supercell_).cast<double>()).reshaped())) continue;  // another torus
    const Permutation at_origin = moved(g.linear, g.shift, g.target);
    // Symmetries of one linear part and target differ by translations that are symmetries, so the first one found gives
    // all of them.
    for (const Translation& t : all) {
      const Permutation first = product(t.sites, at_origin);
      if (!is_symmetry(first)) continue;
      if (known.insert(least(first)).second) {
        const Eigen::MatrixXd rotation = cell_.vectors * g.linear.cast<double>() * cell_.vectors.inverse();
        for (const Permutation& shift : shifts) group.push_back({product(shift, first), rotation});
      }
      break;
    }
  }
  return group;
}

}  // namespace koushi
