#pragma once

#include <Eigen/Core>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <utility>

namespace koushi {

/// ln Pf A of a skew-symmetric matrix of even size by the factorisation P^T A P = L T L^T with T tridiagonal, whose
/// pivots are the largest of their column; -inf where one is 0. Cost: n^3 / 3 FMA
/// Source      B. N. Parlett, J. K. Reid, BIT 10, 386 (1970); M. Wimmer, ACM Trans. Math. Softw. 38, 30 (2012)
template <typename Matrix>
std::complex<double> log_pfaffian(Matrix a) {
  const Eigen::Index n = a.rows();
  std::complex<double> sum = 0;
  for (Eigen::Index k = 0; k + 1 < n; k += 2) {
    Eigen::Index largest = k + 1;
    for (Eigen::Index r = k + 2; r < n; ++r) {
      if (std::abs(a(r, k)) > std::abs(a(largest, k))) largest = r;
    }
    if (largest != k + 1) {
      a.row(k + 1).swap(a.row(largest));
      a.col(k + 1).swap(a.col(largest));
      sum += std::complex<double>(0.0, std::numbers::pi);
    }
    const auto pivot = a(k, k + 1);
    if (pivot == typename Matrix::Scalar(0.0)) return -std::numeric_limits<double>::infinity();
    sum += std::complex<double>(std::log(std::abs(pivot)), std::arg(std::complex<double>(pivot)));
    const Eigen::Index rest = n - k - 2;
    if (rest == 0) break;
    const Eigen::Matrix<typename Matrix::Scalar, 1, Eigen::Dynamic> tau = a.row(k).tail(rest) / pivot;
    const Eigen::Matrix<typename Matrix::Scalar, Eigen::Dynamic, 1> column = a.col(k + 1).tail(rest);
    // A_ij += tau_i column_j - column_i tau_j
    for (Eigen::Index i = 0; i < rest; ++i)
      a.row(k + 2 + i).tail(rest) += tau(i) * column.transpose() - column(i) * tau;
  }
  return sum;
}

}  // namespace koushi
