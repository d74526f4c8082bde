#include <Eigen/Eigenvalues>
#include <cmath>
#include <utility>

#include "pfaffian_factor.hpp"

namespace koushi {

std::vector<SpinRotation> spin_projection(int spin, int points) {
  // The nodes are the eigenvalues of the Jacobi matrix of Legendre polynomials (G. H. Golub, J. H. Welsch, Math. Comp.
  // 23, 221 (1969)).
  Eigen::MatrixXd jacobi = Eigen::MatrixXd::Zero(points, points);
  for (int k = 1; k < points; ++k) jacobi(k, k - 1) = jacobi(k - 1, k) = k / std::sqrt(4.0 * k * k - 1);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(jacobi);
  std::vector<SpinRotation> terms;
  for (int k = 0; k < points; ++k) {
    const double x = solver.eigenvalues()(k);
    double before = 0;
    double legendre = 1;
    for (int l = 0; l < spin; ++l)
      before = std::exchange(legendre, ((2 * l + 1) * x * legendre - l * before) / (l + 1));
    const double w = 2 * solver.eigenvectors()(0, k) * solver.eigenvectors()(0, k);
    terms.push_back({std::acos(x), 0.5 * (2 * spin + 1) * w * legendre});
  }
  return terms;
}

}  // namespace koushi
