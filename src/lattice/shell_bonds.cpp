#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/lattice/lattice.hpp"

namespace koushi {

std::vector<BondClass> shell_bonds(const UnitCell& cell, int shells) {
  const int d = cell.dimension();
  const int reach = shells + 2;
  struct Found {
    double distance;
    BondClass bond;
  };
  std::vector<Found> found;
  const int n_offsets = static_cast<int>(cell.offsets.size());
  Eigen::VectorXi t = Eigen::VectorXi::Constant(d, -reach);
  for (bool more = true; more;) {
    for (int a = 0; a < n_offsets; ++a) {
      for (int b = a; b < n_offsets; ++b) {
        // Each displacement once up to its sign: a < b, or a = b with the first non-zero component positive.
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
  std::vector<BondClass> classes;
  int shell = 0;
  int direction = 0;
  double last = -1;
  for (Found& f : found) {
    if (f.distance > last + 1e-9) {
      last = f.distance;
      direction = 0;
      if (++shell > shells) break;
    }
    f.bond.shell = shell;
    f.bond.direction = direction++;
    classes.push_back(f.bond);
  }
  return classes;
}

}  // namespace koushi
