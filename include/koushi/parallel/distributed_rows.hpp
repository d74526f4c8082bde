#pragma once

#include <Eigen/Core>
#include <Kokkos_Core.hpp>
#include <complex>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/base/tile_product.hpp"

namespace koushi {

/// Vectors that cross rooms on the host: replicated sums end there, and MPI and PETSc want them there.
using HostReals = Kokkos::View<double*, Kokkos::HostSpace>;
using ConstHostReals = Kokkos::View<const double*, Kokkos::HostSpace>;
using HostComplexes = Kokkos::View<std::complex<double>*, Kokkos::HostSpace>;
using ConstHostComplexes = Kokkos::View<const std::complex<double>*, Kokkos::HostSpace>;

/// The Gram matrix A A^dagger tile by tile (base/tile_product.hpp); A = O where holomorphic, else the real [Re O; Im
/// O].
class GramTiles {
 public:
  using Space = Kokkos::DefaultExecutionSpace;
  /// Entries (64 row + i, 64 column + j) in a host array of a tile; im: of complex matrices only.
  struct Tile {
    std::int64_t row;
    std::int64_t column;
    double* re;
    double* im;
  };
  using Finish = std::function<void(const Tile&)>;
  virtual ~GramTiles() = default;
  /// Writes these tiles of either half of the matrix, with any numbers beyond its end, and calls finish (may be empty)
  /// for each that is complete, from any thread. Called from the host thread, parallel inside; not collective.
  virtual void write(const Space& space, const std::vector<Tile>& tiles, const Finish& finish) const = 0;
};

/// Where entries of rows are written: slabs of 8 columns, in which the columns are fast and rows follow each other.
struct EntrySlabs {
  HostReals re;
  HostReals im;             ///< empty: not wanted
  std::int64_t stride = 0;  ///< numbers from slab to slab
  std::int64_t row = 0;     ///< place of the first row that is asked for
  std::int64_t column = 0;  ///< place of the first column that is asked for

  /// Place of the s-th row and k-th column that are asked for.
  std::int64_t at(std::int64_t s, std::int64_t k) const {
    return (column + k) / slab_rows * stride + (row + s) * slab_rows + (column + k) % slab_rows;
  }
};

/// The n x P matrix O_sk = d log psi(s) / d theta_k as a linear operator, its rows spread over the ranks.
///
/// holomorphic: O is complex-linear in P_c complex parameters, given as P = 2 P_c interleaved reals (re, im);
///   multiply is O v with complex v, multiply_adjoint is O^dagger r (complex, interleaved), gram is O O^dagger.
/// otherwise: P real parameters; multiply is O v with real v, multiply_adjoint is Re(O^dagger r), gram is the real
///   2n x 2n matrix A A^T with A = [Re O; Im O].
/// Nothing is centred or weighted here; that is the solver's.
///
/// Every call is made from the host thread and parallel inside, on `space` where the rows live on a device; what it
/// writes is complete when it returns.
class DistributedRows {
 public:
  using Space = GramTiles::Space;
  virtual ~DistributedRows() = default;
  virtual RowRange rows() const = 0;
  virtual std::int64_t parameters() const = 0;  ///< P, real numbers
  virtual bool holomorphic() const = 0;
  /// Whether Im O = 0 for every sample, so that solvers leave out the half of the rows that would be zero. The same on
  /// every rank.
  virtual bool real_valued() const { return false; }
  /// y = O v. v: [P], replicated; y: [rows().count]. Not collective.
  virtual void multiply(const Space& space, const ConstHostReals& v, const HostComplexes& y) const = 0;
  /// x = O^dagger r. r: [rows().count]; x: [P], replicated, summed in a fixed order. Collective.
  virtual void multiply_adjoint(const Space& space, const ConstHostComplexes& r, const HostReals& x) const = 0;
  /// norms: [rows().count], |O_s|^2 = sum_k |O_sk|^2. Not collective.
  virtual void row_norms(const Space& space, const HostReals& norms) const = 0;
  /// Sums over rows run over fixed blocks of this many; rank boundaries lie on block boundaries.
  virtual std::int64_t block_rows() const = 0;
  /// What the Gram matrix is made of, from all ranks. Where real_valued, rows of Im O may be left out. Collective.
  virtual std::unique_ptr<GramTiles> gram_tiles(const Space& space) const = 0;
  /// Entries O_sk of local rows [first, first + count) and columns [first_column, first_column + columns) of columns()
  /// into `to`; zeros into to.im, where it is wanted, of real_valued rows. No bit of an entry depends on the chunk that
  /// it is asked for in. Not collective.
  virtual void entries(const Space& space, std::int64_t first, std::int64_t count, std::int64_t first_column,
                       std::int64_t columns, const EntrySlabs& to) const = 0;

  /// Columns of O: P_c where holomorphic, else P.
  std::int64_t columns() const { return holomorphic() ? parameters() / 2 : parameters(); }

  /// The same calls with vectors of the standard library, on the default instance.
  std::vector<std::complex<double>> multiply(const std::vector<double>& v) const;
  std::vector<double> multiply_adjoint(const std::vector<std::complex<double>>& r) const;
  std::vector<double> row_norms() const;
  /// For tests: [rows().count] x columns().
  Eigen::MatrixXcd entries() const;
  /// For tests: the Gram matrix, n x n if holomorphic, else 2n x 2n. Collective.
  Eigen::MatrixXcd gram() const;
};

}  // namespace koushi
