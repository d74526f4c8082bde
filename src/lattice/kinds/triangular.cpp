#include <numbers>

#include "koushi/lattice/lattice_kinds.hpp"

namespace koushi {

LatticeKind triangular_kind() {
  return lattice_of_cells("triangular",
                          {Eigen::Matrix2d{{1, 0.5}, {0, std::numbers::sqrt3 / 2}}, {Eigen::Vector2d(0, 0)}});
}

}  // namespace koushi
