#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace koushi {

/// Where the potential of a path is taken: at the points; at the middle of two; half at each end of a step (the same as
/// the first on a ring).
enum class PathRule { end_point, mid_point, symmetrised };

/// A quantum-mechanical path of mass 1 in d = 1: S = sum_i { (x_{i+1} - x_i)^2 / (2 a) + a V(x) },
///
///   V = sum_k potential[k] x^k + sum_b height_b e^{-(x - centre_b)^2 / (2 width_b^2)},  k = 1 ... 8.
///
/// Source      M. Creutz, B. Freedman, Ann. Phys. 132, 427 (1981)
struct PathOptions {
  static constexpr std::size_t max_degree = 8;
  static constexpr std::size_t max_bumps = 4;
  double spacing = 1;             ///< a
  std::vector<double> potential;  ///< [k]; potential[0] is not used
  PathRule rule = PathRule::end_point;
  double ends[2] = {0, 0};  ///< x before the first and behind the last point, where the boundary is fixed
  double gap_time = 0;      ///< t of the gaps, see PathLevels; 0: from V
  std::vector<std::array<double, 3>> bumps{};  ///< height, centre, width
  int density_bins = 0;                        ///< of a histogram of x; 0: none

  double value(double x) const;  ///< V(x)
  double slope(double x) const;  ///< V'(x)
  /// The highest power of x in V that is not 0; 0 if there is none.
  std::size_t degree() const;
  bool is_even() const;  ///< V(x) = V(-x)
  /// Whether V rises to infinity on both sides.
  bool is_bound() const;
  /// An x > 0 beyond which V > energy on both sides, for a V that is_bound(). Source: A. L. Cauchy's bound of roots
  double reach(double energy) const;
};

}  // namespace koushi
