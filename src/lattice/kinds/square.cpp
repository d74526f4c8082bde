#include "koushi/lattice/lattice_kinds.hpp"

namespace koushi {

LatticeKind square_kind() {
  LatticeKind kind = lattice_of_cells("square", {Eigen::MatrixXd::Identity(2, 2), {Eigen::VectorXd::Zero(2)}});
  kind.in_template = true;
  return kind;
}

}  // namespace koushi
