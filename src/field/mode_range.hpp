#pragma once

#include <cmath>

#include "koushi/lattice/grid.hpp"

namespace koushi {

/// Smallest and largest momentum 0 <= k <= pi among the modes of -d^2 on the sites of one direction, whose eigenvalues
/// are 4 sin^2(k/2): 2 pi n/L (periodic), 2 pi (n + 1/2)/L (antiperiodic), pi n/L (open), pi n/(L + 1), n >= 1 (between
/// fixed ends).
struct ModeRange {
  double least = 0;
  double most = 0;
};

inline ModeRange mode_range(int extent, Boundary boundary) {
  const double pi = std::acos(-1.0);
  const double shortest = pi * (extent - 1) / extent;
  switch (boundary) {
    case Boundary::antiperiodic:
      return {pi / extent, extent % 2 == 0 ? shortest : pi};
    case Boundary::open:
      return {0, shortest};
    case Boundary::fixed:
      return {pi / (extent + 1), pi * extent / (extent + 1)};
    default:
      return {0, extent % 2 == 0 ? pi : shortest};
  }
}

/// 4 sin^2(k/2).
inline double lattice_momentum_squared(double k) {
  const double s = 2 * std::sin(0.5 * k);
  return s * s;
}

}  // namespace koushi
