#include <numbers>

#include "koushi/lattice/lattice_kinds.hpp"

namespace koushi {

/// Nearest neighbours have the distance 1, primitive vectors the length sqrt(3).
LatticeKind honeycomb_kind() {
  constexpr double a = std::numbers::sqrt3;
  return lattice_of_cells(
      "honeycomb", {Eigen::Matrix2d{{a, a / 2}, {0, 1.5}}, {Eigen::Vector2d(0, 0), Eigen::Vector2d(a / 2, 0.5)}});
}

}  // namespace koushi
