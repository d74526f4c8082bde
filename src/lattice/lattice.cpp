#include "koushi/lattice/lattice.hpp"

#include <fmt/format.h>

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>
#include <utility>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

bool less(const Eigen::VectorXi& a, const Eigen::VectorXi& b) {
  return std::lexicographical_compare(a.data(), a.data() + a.size(), b.data(), b.data() + b.size());
}

}  // namespace

Lattice::Lattice(UnitCell cell, Eigen::MatrixXi supercell, std::vector<Boundary> boundary,
                 const std::vector<BondClass>& bonds, std::vector<double> twist)
    : cell_(std::move(cell)),
      supercell_(std::move(supercell)),
      boundary_(std::move(boundary)),
      twist_(std::move(twist)) {
  const int d = cell_.dimension();
  const auto volume = static_cast<int>(std::lround(std::abs(supercell_.cast<double>().determinant())));
  if (volume == 0)
    throw UsageError(
        "the supercell's vectors are linearly dependent, so it has no volume; give independent integer vectors");
  const bool tilted = !supercell_.isDiagonal();
  if (tilted && std::count(boundary_.begin(), boundary_.end(), Boundary::open) > 0) {
    throw UsageError(
        "open boundaries need a supercell along the primitive vectors; give extents, or periodic boundaries");
  }
  // All cells, reduced: every integer point of the bounding box wraps into exactly one of `volume` cells.
  const int reach = supercell_.cwiseAbs().rowwise().sum().maxCoeff();
  const auto order = [](const Eigen::VectorXi& a, const Eigen::VectorXi& b) { return less(a, b); };
  std::set<Eigen::VectorXi, decltype(order)> reduced(order);
  Eigen::VectorXi t = Eigen::VectorXi::Zero(d);
  for (bool more = true; more && static_cast<int>(reduced.size()) < volume;) {
    reduced.insert(wrap(t).cell);
    more = false;
    for (int k = d - 1; k >= 0; --k) {
      if (++t(k) <= reach) {
        more = true;
        break;
      }
      t(k) = 0;
    }
  }
  cells_.assign(reduced.begin(), reduced.end());
  if (static_cast<int>(cells_.size()) != volume) throw InternalError("Lattice: the supercell was not filled");
  for (const Eigen::VectorXi& c : cells_) {
    for (const Eigen::VectorXd& offset : cell_.offsets) positions_.push_back(cell_.vectors * c.cast<double>() + offset);
  }

  for (const BondClass& bond : bonds) {
    const std::vector<Bond> here = bonds_of(bond);
    bonds_.insert(bonds_.end(), here.begin(), here.end());
    if (bond.shell == 1) nearest_.push_back(bond);
  }
  translations_ = translations_of_bonds();
  if (static_cast<int>(translations_.size()) < volume) {
    remarks_.push_back(fmt::format("{} of {} translations are symmetries", translations_.size(), volume));
  }
  if (sublattice_sign().empty())
    remarks_.push_back("the lattice is not bipartite: no Marshall rotation, no staggered field");
}

Lattice Lattice::with_shells(UnitCell cell, Eigen::MatrixXi supercell, std::vector<Boundary> boundary,
                             std::vector<double> twist) {
  const std::vector<BondClass> nearest = shell_bonds(cell, 1);
  Lattice lattice(std::move(cell), std::move(supercell), std::move(boundary), nearest, std::move(twist));
  lattice.makes_shells_ = true;
  return lattice;
}

Lattice Lattice::of_sites(int n_sites) {
  UnitCell line{Eigen::MatrixXd::Constant(1, 1, n_sites), {}};
  for (int i = 0; i < n_sites; ++i) line.offsets.emplace_back(Eigen::VectorXd::Constant(1, i));
  Lattice lattice(line, Eigen::MatrixXi::Identity(1, 1), {Boundary::open}, {});
  lattice.has_geometry_ = false;
  lattice.remarks_.clear();
  return lattice;
}

std::vector<Bond> Lattice::bonds_of(const BondClass& bond) const {
  std::vector<Bond> bonds;
  for (const Eigen::VectorXi& c : cells_) {
    const Wrapped target = wrap(c + bond.cell);
    if (!target.inside) continue;
    const int i = index_of(c, bond.from);
    const int j = index_of(target.cell, bond.to);
    if (i == j) {
      throw UsageError(
          fmt::format("a bond of shell {} joins site {} with itself through the boundary: the lattice is too small for "
                      "it; enlarge the extents, open the boundary, or leave out the shell",
                      bond.shell, i));
    }
    bonds.push_back({i, j, bond.shell, bond.direction, target.sign, target.turns});
  }
  return bonds;
}

std::vector<Ring> Lattice::rings(int corners) const {
  using Corner = std::vector<int>;  // cell, offset
  using Walk = std::vector<Corner>;
  const int d = cell_.dimension();
  const auto n = static_cast<std::size_t>(corners);
  const auto beyond = [d](const Corner& from, const BondClass& bond, bool back) {
    Corner to = from;
    for (int k = 0; k < d; ++k) to[static_cast<std::size_t>(k)] += back ? -bond.cell(k) : bond.cell(k);
    to.back() = back ? bond.from : bond.to;
    return to;
  };
  const auto neighbours = [&](const Corner& from) {
    Walk all;
    for (const BondClass& bond : nearest_) {
      if (bond.from == from.back()) all.push_back(beyond(from, bond, false));
      if (bond.to == from.back()) all.push_back(beyond(from, bond, true));
    }
    return all;
  };
  // of the ways around a ring, each moved so that it begins in the cell at the origin, the smallest
  const auto least = [d, n](const Walk& ring) {
    Walk best;
    for (std::size_t way = 0; way < 2 * n; ++way) {
      Walk one;
      for (std::size_t k = 0; k < n; ++k) one.push_back(ring[(way + (way < n ? k : n - k)) % n]);
      const Corner first = one[0];
      for (Corner& corner : one) {
        for (int k = 0; k < d; ++k) corner[static_cast<std::size_t>(k)] -= first[static_cast<std::size_t>(k)];
      }
      if (way == 0 || one < best) best = one;
    }
    return best;
  };
  std::set<Walk> classes;
  const std::function<void(Walk&)> go_on = [&](Walk& walk) {
    for (const Corner& next : neighbours(walk.back())) {
      if (walk.size() == n) {
        if (next == walk.front()) classes.insert(least(walk));
      } else if (std::count(walk.begin(), walk.end(), next) == 0) {
        walk.push_back(next);
        go_on(walk);
        walk.pop_back();
      }
    }
  };
  for (int a = 0; a < sites_per_cell(); ++a) {
    Walk walk{Corner(static_cast<std::size_t>(d) + 1, 0)};
    walk[0].back() = a;
    go_on(walk);
  }
  std::vector<Ring> rings;
  for (Walk ring : classes) {
    std::vector<Eigen::VectorXd> place;
    for (const Corner& corner : ring)
      place.emplace_back(cell_.vectors * Eigen::Map<const Eigen::VectorXi>(corner.data(), d).cast<double>() +
                         cell_.offsets[static_cast<std::size_t>(corner.back())]);
    double area = 0;
    for (std::size_t k = 0; k < n && place[0].size() == 2; ++k)
      area += place[k](0) * place[(k + 1) % n](1) - place[k](1) * place[(k + 1) % n](0);
    if (area < 0) std::reverse(ring.begin() + 1, ring.end());
    Eigen::VectorXd centre = Eigen::VectorXd::Zero(place[0].size());
    for (const Eigen::VectorXd& one : place) centre += one / corners;
    for (const Eigen::VectorXi& c : cells_) {
      Ring here;
      for (const Corner& corner : ring) {
        const Wrapped at = wrap(c + Eigen::Map<const Eigen::VectorXi>(corner.data(), d));
        if (!at.inside) break;
        here.sites.push_back(index_of(at.cell, corner.back()));
        here.sign.push_back(at.sign);
        here.turns.push_back(at.turns);
      }
      if (here.sites.size() < n) continue;
      here.centre = cell_.vectors * c.cast<double>() + centre;
      for (std::size_t k = n; k-- > 0;) {
        here.sign[k] *= here.sign[0];
        here.turns[k] -= here.turns[0];
        if (std::count(here.sites.begin(), here.sites.end(), here.sites[k]) > 1)
          throw UsageError(fmt::format("two corners of a ring of {} bonds are site {}: the lattice is too small for it",
                                       corners, here.sites[k]));
      }
      rings.push_back(here);
    }
  }
  return rings;
}

Eigen::VectorXd Lattice::displacement(int i, int j) const {
  const int d = cell_.dimension();
  const Eigen::MatrixXd torus = cell_.vectors * supercell_.cast<double>();
  const Eigen::VectorXd direct = position(j) - position(i);
  Eigen::VectorXd shortest = direct;
  int images = 1;
  for (int k = 0; k < d; ++k) images *= 3;
  for (int image = 0; image < images; ++image) {
    Eigen::VectorXd shift = Eigen::VectorXd::Zero(d);
    bool allowed = true;
    for (int k = 0, rest = image; k < d; ++k, rest /= 3) {
      shift(k) = rest % 3 - 1;
      allowed = allowed && (shift(k) == 0 || boundary_[static_cast<std::size_t>(k)] != Boundary::open);
    }
    const Eigen::VectorXd image_of_direct = direct + torus * shift;
    // Of several of the same length the first, whatever rounding makes of them.
    if (allowed && image_of_direct.norm() < shortest.norm() * (1 - 1e-9)) shortest = image_of_direct;
  }
  return shortest;
}

Eigen::VectorXd Lattice::momentum(const std::vector<int>& n) const {
  const Eigen::MatrixXd dual = 2 * std::acos(-1.0) * (cell_.vectors * supercell_.cast<double>()).inverse().transpose();
  return dual * Eigen::Map<const Eigen::VectorXi>(n.data(), static_cast<Eigen::Index>(n.size())).cast<double>();
}

std::vector<Eigen::VectorXd> Lattice::momenta() const {
  std::vector<Eigen::VectorXd> found;
  for (const std::vector<int>& n : momentum_numbers()) found.push_back(momentum(n));
  return found;
}

std::vector<std::vector<int>> Lattice::momentum_numbers() const {
  // Integer points n modulo the transposed supercell: the cells of the dual torus.
  const int d = cell_.dimension();
  const auto volume = static_cast<std::int64_t>(std::llround(std::abs(supercell_.cast<double>().determinant())));
  const Eigen::MatrixXd turn = supercell_.cast<double>().transpose().inverse();  // n in units of the reciprocal lattice
  std::vector<std::vector<int>> found;
  std::set<std::vector<std::int64_t>> seen;
  std::vector<int> n(static_cast<std::size_t>(d), 0);
  const auto reach = static_cast<int>(volume);
  while (static_cast<std::int64_t>(found.size()) < volume) {
    Eigen::VectorXd integers(d);
    for (int k = 0; k < d; ++k) integers(k) = n[static_cast<std::size_t>(k)];
    std::vector<std::int64_t> key;  // the fractional parts times the volume are integers
    for (const double x : (turn * integers).eval()) {
      const auto scaled = static_cast<std::int64_t>(std::llround(x * static_cast<double>(volume)));
      key.push_back((scaled % volume + volume) % volume);
    }
    if (seen.insert(key).second) found.push_back(n);
    int k = d - 1;
    while (k >= 0 && ++n[static_cast<std::size_t>(k)] >= reach) n[static_cast<std::size_t>(k--)] = 0;
    if (k < 0) break;
  }
  return found;
}

bool Lattice::turns_what_goes_around() const {
  return std::count(boundary_.begin(), boundary_.end(), Boundary::antiperiodic) > 0 ||
         std::any_of(twist_.begin(), twist_.end(), [](double turns) { return turns != std::round(turns); });
}

int Lattice::n_shells() const {
  int last = 0;
  for (const Bond& bond : bonds_) last = std::max(last, bond.shell);
  return last;
}

std::vector<Bond> Lattice::bonds(int shell) const {
  if (makes_shells_ && shell > n_shells()) {
    const int known = n_shells();
    for (const BondClass& bond : shell_bonds(cell_, shell)) {
      if (bond.shell <= known) continue;
      const std::vector<Bond> here = bonds_of(bond);
      bonds_.insert(bonds_.end(), here.begin(), here.end());
    }
  }
  std::vector<Bond> found;
  std::copy_if(bonds_.begin(), bonds_.end(), std::back_inserter(found),
               [&](const Bond& b) { return b.shell == shell; });
  return found;
}

int Lattice::doubled_pairs(int shells) const {
  std::map<std::pair<int, int>, int> multiplicity;
  for (const Bond& bond : bonds_) {
    if (bond.shell <= shells) ++multiplicity[std::minmax(bond.i, bond.j)];
  }
  return static_cast<int>(
      std::count_if(multiplicity.begin(), multiplicity.end(), [](const auto& m) { return m.second > 1; }));
}

Lattice::Wrapped Lattice::wrap(const Eigen::VectorXi& cell) const {
  // cell = supercell * n + reduced, n = floor(supercell^-1 cell), in exact integers through the adjugate.
  const int d = static_cast<int>(cell.size());
  const auto determinant = static_cast<std::int64_t>(std::llround(supercell_.cast<double>().determinant()));
  const Eigen::MatrixXd inverse = supercell_.cast<double>().inverse() * static_cast<double>(determinant);
  Wrapped result;
  Eigen::Matrix<std::int64_t, Eigen::Dynamic, 1> reduced = cell.cast<std::int64_t>();
  for (int k = 0; k < d; ++k) {
    std::int64_t numerator = 0;
    for (int l = 0; l < d; ++l) numerator += std::llround(inverse(k, l)) * cell(l);
    const std::int64_t divisor = std::abs(determinant);
    if (determinant < 0) numerator = -numerator;
    std::int64_t n = numerator / divisor;
    if (numerator % divisor < 0) --n;
    reduced -= n * supercell_.col(k).cast<std::int64_t>();
    if (n == 0) continue;
    const auto column = static_cast<std::size_t>(k);
    if (boundary_[column] == Boundary::open) result.inside = false;
    if (boundary_[column] == Boundary::antiperiodic && n % 2 != 0) result.sign = -result.sign;
    if (!twist_.empty()) result.turns += static_cast<double>(n) * twist_[column];
  }
  result.cell = reduced.cast<int>();
  return result;
}

int Lattice::cell_beyond(int cell, const std::vector<int>& step) const {
  const Eigen::VectorXi beyond = cells_[static_cast<std::size_t>(cell)] +
                                 Eigen::Map<const Eigen::VectorXi>(step.data(), static_cast<Eigen::Index>(step.size()));
  const Wrapped there = wrap(beyond);
  return there.inside ? index_of(there.cell, 0) / sites_per_cell() : -1;
}

int Lattice::index_of(const Eigen::VectorXi& reduced, int offset) const {
  const auto at = std::lower_bound(cells_.begin(), cells_.end(), reduced, less);
  return static_cast<int>(at - cells_.begin()) * static_cast<int>(cell_.offsets.size()) + offset;
}

std::vector<Permutation> Lattice::translations_of_bonds() const {
  // A permutation of the sites maps different labelled bonds to different ones, so it is enough that each has the
  // multiplicity of its image.
  const auto n = static_cast<std::uint64_t>(n_sites());
  const auto key = [&](int i, int j, const Bond& bond) {
    const auto [low, high] = std::minmax(i, j);
    return (static_cast<std::uint64_t>(bond.shell * 4096 + bond.direction) * n + static_cast<std::uint64_t>(low)) * n +
           static_cast<std::uint64_t>(high);
  };
  std::unordered_map<std::uint64_t, int> multiplicity;
  for (const Bond& bond : bonds_) ++multiplicity[key(bond.i, bond.j, bond)];
  return translations([&](const Permutation& g) {
    return std::all_of(bonds_.begin(), bonds_.end(), [&](const Bond& bond) {
      const auto image =
          multiplicity.find(key(g[static_cast<std::size_t>(bond.i)], g[static_cast<std::size_t>(bond.j)], bond));
      return image != multiplicity.end() && image->second == multiplicity.at(key(bond.i, bond.j, bond));
    });
  });
}

int Lattice::n_pieces(const std::vector<int>& shells) const {
  std::vector<int> piece(static_cast<std::size_t>(n_sites()));
  for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = static_cast<int>(i);
  const auto root = [&](int i) {
    while (piece[static_cast<std::size_t>(i)] != i) i = piece[static_cast<std::size_t>(i)];
    return i;
  };
  int pieces = n_sites();
  for (const Bond& bond : bonds_) {
    if (std::count(shells.begin(), shells.end(), bond.shell) == 0) continue;
    const int i = root(bond.i);
    const int j = root(bond.j);
    if (i == j) continue;
    piece[static_cast<std::size_t>(std::max(i, j))] = std::min(i, j);
    --pieces;
  }
  return pieces;
}

std::vector<std::int8_t> Lattice::sublattice_sign(const std::vector<int>& shells) const {
  std::vector<std::vector<int>> neighbours(static_cast<std::size_t>(n_sites()));
  for (const Bond& bond : bonds_) {
    if (std::count(shells.begin(), shells.end(), bond.shell) == 0) continue;
    neighbours[static_cast<std::size_t>(bond.i)].push_back(bond.j);
    neighbours[static_cast<std::size_t>(bond.j)].push_back(bond.i);
  }
  std::vector<std::int8_t> sign(static_cast<std::size_t>(n_sites()), 0);
  for (std::size_t start = 0; start < sign.size(); ++start) {
    if (sign[start] != 0) continue;
    sign[start] = 1;
    std::queue<std::size_t> open;
    open.push(start);
    while (!open.empty()) {
      const std::size_t site = open.front();
      open.pop();
      for (const int other : neighbours[site]) {
        auto& colour = sign[static_cast<std::size_t>(other)];
        if (colour == sign[site]) return {};
        if (colour == 0) {
          colour = static_cast<std::int8_t>(-sign[site]);
          open.push(static_cast<std::size_t>(other));
        }
      }
    }
  }
  return sign;
}

}  // namespace koushi
