#include <numbers>

#include "koushi/lattice/lattice_kinds.hpp"

namespace koushi {

/// Nearest neighbours have the distance 1, primitive vectors the length 2.
LatticeKind kagome_kind() {
  constexpr double h = std::numbers::sqrt3 / 2;
  return lattice_of_cells("kagome", {Eigen::Matrix2d{{2, 1}, {0, 2 * h}},
                                     {Eigen::Vector2d(0, 0), Eigen::Vector2d(1, 0), Eigen::Vector2d(0.5, h)}});
}

}  // namespace koushi
