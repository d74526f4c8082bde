#pragma once

#include <Eigen/Core>
#include <complex>
#include <cstdint>
#include <vector>

#include "koushi/base/archive.hpp"

namespace koushi {

/// The n x P matrix O_sk = d log psi(s) / d theta_k as a linear operator, its rows spread over the ranks.
///
/// holomorphic: O is complex-linear in P_c complex parameters, given as P = 2 P_c interleaved reals (re, im);
///   multiply is O v with complex v, multiply_adjoint is O^dagger r (complex, interleaved), gram is O O^dagger.
/// otherwise: P real parameters; multiply is O v with real v, multiply_adjoint is Re(O^dagger r), gram is the real
///   2n x 2n matrix A A^T with A = [Re O; Im O].
/// Nothing is centred or weighted here; that is the solver's.
class DistributedRows {
 public:
  virtual ~DistributedRows() = default;
  virtual RowRange rows() const = 0;
  virtual std::int64_t parameters() const = 0;  ///< P, real numbers
  virtual bool holomorphic() const = 0;
  /// Im O = 0 for every sample: solvers leave out the half of the rows that would be zero. The same on every rank.
  virtual bool real_valued() const { return false; }
  /// v: [P], replicated -> [rows().count]. Not collective.
  virtual std::vector<std::complex<double>> multiply(const std::vector<double>& v) const = 0;
  /// r: [rows().count] -> [P], replicated, summed in a fixed order. Collective.
  virtual std::vector<double> multiply_adjoint(const std::vector<std::complex<double>>& r) const = 0;
  /// |O_s|^2 = sum_k |O_sk|^2 of the local rows. Not collective.
  virtual std::vector<double> row_norms() const = 0;
  /// Sums over rows run over fixed blocks of this many; rank boundaries lie on block boundaries.
  virtual std::int64_t block_rows() const = 0;
  /// Replicated Gram matrix: n x n if holomorphic, else 2n x 2n and real. Collective.
  virtual Eigen::MatrixXcd gram() const = 0;
  /// Entries of the local rows: [rows().count] x P_c (holomorphic) or x P. Not collective.
  virtual Eigen::MatrixXcd entries() const = 0;
};

}  // namespace koushi
