#include "koushi/lattice/lattice_kinds.hpp"

namespace koushi {

LatticeKind chain_kind() {
  return lattice_of_cells("chain", {Eigen::MatrixXd::Identity(1, 1), {Eigen::VectorXd::Zero(1)}});
}

}  // namespace koushi
