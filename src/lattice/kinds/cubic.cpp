#include "koushi/lattice/lattice_kinds.hpp"

namespace koushi {

LatticeKind cubic_kind() {
  return lattice_of_cells("cubic", {Eigen::MatrixXd::Identity(3, 3), {Eigen::VectorXd::Zero(3)}});
}

}  // namespace koushi
