#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>
#include <functional>
#include <vector>

#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// Cholesky factorisation A = L L^dagger of a Hermitian (complex) or symmetric (real) positive definite matrix in tiles
/// of 64 x 64, lower half, whose columns of tiles are dealt to the ranks in turn and whose tiles are shared by the
/// threads of each.
///
/// A tile is updated by the columns to its left in their order, whoever does it, so the result is bitwise the same on
/// any number of ranks and threads.
/// Cost        n^3 / 3 flops (real) or 4 n^3 / 3 (complex), over all ranks; 4 or 8 n^2 bytes, over all ranks; each
///             column of tiles is broadcast once
/// Collective  solve
class TiledCholesky {
 public:
  TiledCholesky(const Communicator& comm, std::int64_t n, bool is_complex);
  /// write(tiles) writes the tiles of the lower half that are kept here (base/tile_product.hpp), all at once; entries
  /// beyond the end do not matter. It is called from the host thread.
  void fill(const std::function<void(const std::vector<GramTiles::Tile>&)>& write);
  /// A -> L. Collective.
  /// Errors  NumericalError on every rank where a pivot is not positive
  void factor();
  /// A^-1 b after factor(), replicated; complex numbers are interleaved. Collective.
  std::vector<double> solve(const std::vector<double>& right) const;

 private:
  using Buffer = Kokkos::View<double*, Kokkos::HostSpace>;
  struct Tile {
    std::int64_t row;
    std::int64_t column;
  };
  int owner(std::int64_t column) const { return static_cast<int>(column % comm_.size()); }
  double* tile(const Tile& at) const;
  void factor_diagonal(double* diagonal) const;
  void finish_column(std::int64_t k) const;
  void update(const Tile& target, std::int64_t k, const double* panel) const;
  void eliminate(std::int64_t row, std::int64_t k, const double* panel, std::vector<double>& x) const;
  void substitute_back(std::int64_t k, std::vector<double>& x) const;

  const Communicator& comm_;
  std::int64_t n_;
  std::int64_t n_tiles_;             ///< per side
  int planes_;                       ///< re and, where complex, im
  std::int64_t size_;                ///< numbers of a tile with its planes
  std::vector<std::int64_t> first_;  ///< [column] -> its first tile here, or -1
  std::vector<Tile> tiles_;          ///< of this rank, column by column
  Buffer storage_;
};

}  // namespace koushi
