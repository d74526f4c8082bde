#pragma once

#include <Eigen/LU>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>

namespace koushi {

/// ln det A by a factorisation, whose parts cannot overflow; -inf where a pivot is 0.
template <typename Matrix>
std::complex<double> log_determinant(const Matrix& a) {
  if (a.rows() == 0) return 0;
  const Eigen::PartialPivLU<Matrix> lu(a);
  std::complex<double> sum(0.0, lu.permutationP().determinant() < 0 ? std::numbers::pi : 0.0);
  for (Eigen::Index k = 0; k < a.rows(); ++k) {
    const std::complex<double> pivot = lu.matrixLU()(k, k);
    if (pivot == 0.0) return -std::numeric_limits<double>::infinity();
    sum += std::complex<double>(std::log(std::abs(pivot)), std::arg(pivot));
  }
  return sum;
}

}  // namespace koushi
