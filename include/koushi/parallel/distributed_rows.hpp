#pragma once

#include <Eigen/Core>
#include <complex>
#include <cstdint>
#include <memory>
#include <vector>

#include "koushi/base/archive.hpp"

namespace koushi {

/// The Gram matrix A A^dagger tile by tile (base/tile_product.hpp); A = O where holomorphic, else the real [Re O; Im
/// O].
class GramTiles {
 public:
  virtual ~GramTiles() = default;
  /// Tile (I, J) = entries (64 I + i, 64 J + j) into re, and im where the matrix is complex; anything beyond the end.
  /// Not collective, from any thread.
  virtual void tile(std::int64_t row, std::int64_t column, double* re, double* im) const = 0;
};

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
  /// What the Gram matrix is made of, from all ranks. Where real_valued, rows of Im O may be left out. Collective.
  virtual std::unique_ptr<GramTiles> gram_tiles() const = 0;
  /// Entries of local rows [first, first + count) as slabs of 8 columns, O_sk at k / 8 * stride + (s - first) * 8 + k %
  /// 8, k < P_c (holomorphic) or P; the last slab is filled up with 0. im is not written where real_valued. Not
  /// collective, from any thread.
  virtual void entries(std::int64_t first, std::int64_t count, double* re, double* im, std::int64_t stride) const = 0;

  std::int64_t columns() const { return holomorphic() ? parameters() / 2 : parameters(); }
  /// For tests: [rows().count] x columns().
  Eigen::MatrixXcd entries() const;
  /// For tests: the Gram matrix, n x n if holomorphic, else 2n x 2n. Collective.
  Eigen::MatrixXcd gram() const;
};

}  // namespace koushi
