#include <fmt/format.h>

#include <Eigen/LU>
#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/lattice/lattice.hpp"

namespace koushi {

namespace {

struct Found {
  double distance;
  BondClass bond;
};

/// All displacements up to their sign, a < b or a = b with the first non-zero component positive, to cells of coordinates
/// up to `reach`; sorted by the distance.
std::vector<Found> displacements(const UnitCell& cell, int reach) {
  const int d = cell.dimension();
  std::vector<Found> found;
  const int n_offsets = static_cast<int>(cell.offsets.size());
  Eigen::VectorXi t = Eigen::VectorXi::Constant(d, -reach);
  for (bool more = true; more;) {
    for (int a = 0; a < n_offsets; ++a) {
      for (int b = a; b < n_offsets; ++b) {
        if (a == b) {
          const auto* first = std::find_if(t.data(), t.data() + d, [](int x) { return x != 0; });
          if (first == t.data() + d || *first < 0) continue;
        }
        const double distance = (cell.vectors * t.cast<double>() + cell.offsets[static_cast<std::size_t>(b)] -
                                 cell.offsets[static_cast<std::size_t>(a)])
                                    .norm();
        found.push_back({distance, {a, b, t, 0, 0}});
      }
    }
    more = false;
    for (int k = d - 1; k >= 0; --k) {
      if (++t(k) <= reach) {
        more = true;
        break;
      }
      t(k) = -reach;
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& x, const Found& y) { return x.distance < y.distance - 1e-9; });
  return found;
}

}  // namespace

std::vector<BondClass> shell_bonds(const UnitCell& cell, int shells) {
  // a displacement to a cell beyond `reach` is longer than (reach + 1) heights of a cell less what its sites lie apart
  const double height = 1 / cell.vectors.inverse().rowwise().norm().maxCoeff();
  double apart = 0;
  for (const Eigen::VectorXd& a : cell.offsets) {
    for (const Eigen::VectorXd& b : cell.offsets) apart = std::max(apart, (a - b).norm());
  }
  for (int reach = 2;; reach *= 2) {
    const double complete = (reach + 1) * height - apart;
    std::vector<BondClass> classes;
    int shell = 0;
    int direction = 0;
    double last = -1;
    for (Found& f : displacements(cell, reach)) {
      if (f.distance > complete - 1e-6) break;
      if (f.distance > last + 1e-9) {
        last = f.distance;
        direction = 0;
        if (++shell > shells) return classes;
      }
      f.bond.shell = shell;
      f.bond.direction = direction++;
      classes.push_back(f.bond);
    }
  }
}

}  // namespace koushi
