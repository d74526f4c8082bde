#include "tiled_cholesky.hpp"

#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/base/tile_product.hpp"

namespace koushi {

namespace {

using HostSpace = Kokkos::DefaultHostExecutionSpace;
constexpr std::ptrdiff_t slab = tile_extent * slab_rows;

Kokkos::RangePolicy<HostSpace, Kokkos::Schedule<Kokkos::Dynamic>> dynamic_range(std::int64_t begin, std::int64_t end) {
  return Kokkos::RangePolicy<HostSpace, Kokkos::Schedule<Kokkos::Dynamic>>(static_cast<int>(begin),
                                                                           static_cast<int>(end))
      .set_chunk_size(1);
}

/// C <- C + sign A B^dagger of tiles with their planes.
template <int sign>
void add_product(int planes, double* c, const double* a, const double* b) {
  add_tile_product<sign>(c, a, slab, b, slab, tile_extent);
  if (planes == 1) return;
  add_tile_product<sign>(c, a + tile_size, slab, b + tile_size, slab, tile_extent);
  add_tile_product<sign>(c + tile_size, a + tile_size, slab, b, slab, tile_extent);
  add_tile_product<-sign>(c + tile_size, a, slab, b + tile_size, slab, tile_extent);
}

/// One tile with its columns contiguous, for the steps that are not products.
struct DenseTile {
  double re[tile_extent][tile_extent] = {};  ///< [column][row]
  double im[tile_extent][tile_extent] = {};

  /// column `to` <- column `to` - factor column `from`, from row `begin` on
  void subtract(const DenseTile& from_tile, int from, double factor_re, double factor_im, int to, int begin) {
    for (int i = begin; i < tile_extent; ++i) {
      re[to][i] -= factor_re * from_tile.re[from][i] - factor_im * from_tile.im[from][i];
      im[to][i] -= factor_re * from_tile.im[from][i] + factor_im * from_tile.re[from][i];
    }
  }
  void scale(int column, double factor) {
    for (int i = 0; i < tile_extent; ++i) {
      re[column][i] *= factor;
      im[column][i] *= factor;
    }
  }
};

}  // namespace

TiledCholesky::TiledCholesky(const Communicator& comm, std::int64_t n, bool is_complex)
    : comm_(comm),
      n_(n),
      n_tiles_((n + tile_extent - 1) / tile_extent),
      planes_(is_complex ? 2 : 1),
      size_(planes_ * tile_size) {
  for (std::int64_t column = 0; column < n_tiles_; ++column) {
    const bool here = column % comm.size() == comm.rank();
    first_.push_back(here ? static_cast<std::int64_t>(tiles_.size()) : -1);
    for (std::int64_t row = column; here && row < n_tiles_; ++row) tiles_.push_back({row, column});
  }
  storage_ = Buffer(Kokkos::view_alloc(Kokkos::WithoutInitializing, "koushi::solver::tiles"),
                    static_cast<std::size_t>(size_) * tiles_.size());
}

double* TiledCholesky::tile(const Tile& at) const {
  return storage_.data() + (first_[static_cast<std::size_t>(at.column)] + at.row - at.column) * size_;
}

void TiledCholesky::fill(const std::function<void(const std::vector<GramTiles::Tile>&)>& write) {
  std::vector<GramTiles::Tile> places;
  for (const Tile& at : tiles_) {
    double* values = tile(at);
    places.push_back({at.row, at.column, values, planes_ == 2 ? values + tile_size : nullptr});
  }
  write(places);
  for (const Tile& at : tiles_) {  // ones beyond the end
    if (at.row + 1 < n_tiles_) continue;
    double* values = tile(at);
    for (int i = static_cast<int>(n_ - at.row * tile_extent); i < tile_extent; ++i) {
      for (int j = 0; j < tile_extent; ++j) {
        for (int p = 0; p < planes_; ++p) values[p * tile_size + tile_at(i, j)] = 0;
        if (at.row != at.column) continue;
        for (int p = 0; p < planes_; ++p) values[p * tile_size + tile_at(j, i)] = 0;
      }
      if (at.row == at.column) values[tile_at(i, i)] = 1;
    }
  }
}

/// A_kk -> L_kk^-1, which is all that is needed of it; not a number where a pivot is not positive.
void TiledCholesky::factor_diagonal(double* diagonal) const {
  DenseTile l;
  for (int j = 0; j < tile_extent; ++j) {
    for (int i = j; i < tile_extent; ++i) {
      l.re[j][i] = diagonal[tile_at(i, j)];
      if (planes_ == 2 && i > j) l.im[j][i] = diagonal[tile_size + tile_at(i, j)];
    }
  }
  for (int j = 0; j < tile_extent; ++j) {
    l.scale(j, 1 / std::sqrt(l.re[j][j]));
    for (int q = j + 1; q < tile_extent; ++q) l.subtract(l, j, l.re[j][q], -l.im[j][q], q, q);
  }
  DenseTile inverse;
  for (int j = 0; j < tile_extent; ++j) {  // L x = e_j
    inverse.re[j][j] = 1;
    for (int q = j; q < tile_extent; ++q) {
      inverse.re[j][q] /= l.re[q][q];
      inverse.im[j][q] /= l.re[q][q];
      inverse.subtract(l, q, inverse.re[j][q], inverse.im[j][q], j, q + 1);
    }
  }
  for (int j = 0; j < tile_extent; ++j) {
    for (int i = 0; i < tile_extent; ++i) {
      diagonal[tile_at(i, j)] = i < j ? 0 : inverse.re[j][i];
      if (planes_ == 2) diagonal[tile_size + tile_at(i, j)] = i < j ? 0 : inverse.im[j][i];
    }
  }
}

/// L_kk and L_ik = A_ik L_kk^-dagger of an own column.
void TiledCholesky::finish_column(std::int64_t k) const {
  const double* inverse = tile({k, k});
  factor_diagonal(tile({k, k}));
  Kokkos::parallel_for("koushi::solver::finish_column", dynamic_range(k + 1, n_tiles_), [&](int row) {
    alignas(64) double product[2 * tile_size] = {};
    add_product<1>(planes_, product, tile({row, k}), inverse);
    std::copy_n(product, size_, tile({row, k}));
  });
}

/// A_IJ <- A_IJ - L_Ik L_Jk^dagger; panel: tiles k, k + 1, ... of column k.
void TiledCholesky::update(const Tile& target, std::int64_t k, const double* panel) const {
  add_product<-1>(planes_, tile(target), panel + (target.row - k) * size_, panel + (target.column - k) * size_);
}

/// x_row <- x_row - L_row,k x_k; for row k: x_k <- L_kk^-1 x_k. x: [tile][plane][64]
void TiledCholesky::eliminate(std::int64_t row, std::int64_t k, const double* panel, std::vector<double>& x) const {
  const double* l = panel + (row - k) * size_;
  double sum[2][tile_extent] = {};
  const double* from = x.data() + k * planes_ * tile_extent;
  for (int i = 0; i < tile_extent; i += slab_rows) {
    for (int j = 0; j < tile_extent; ++j) {
      const double* re = l + tile_at(i, j);
      for (int q = 0; q < slab_rows; ++q) sum[0][i + q] += re[q] * from[j];
      if (planes_ == 1) continue;
      for (int q = 0; q < slab_rows; ++q) {
        sum[0][i + q] -= re[tile_size + q] * from[tile_extent + j];
        sum[1][i + q] += re[q] * from[tile_extent + j] + re[tile_size + q] * from[j];
      }
    }
  }
  double* to = x.data() + row * planes_ * tile_extent;
  for (int p = 0; p < planes_; ++p) {
    for (int i = 0; i < tile_extent; ++i)
      to[p * tile_extent + i] = row == k ? sum[p][i] : to[p * tile_extent + i] - sum[p][i];
  }
}

/// x_k <- L_kk^-dagger (x_k - sum_I>k L_Ik^dagger x_I) of an own column.
void TiledCholesky::substitute_back(std::int64_t k, std::vector<double>& x) const {
  const std::int64_t length = planes_ * tile_extent;
  const auto add_adjoint = [&](const double* l, const double* from, double* sum) {  // sum_j + sum_i conj(L_ij) x_i
    for (int j = 0; j < tile_extent; ++j) {
      double re = 0;
      double im = 0;
      for (int i = 0; i < tile_extent; i += slab_rows) {
        const double* a = l + tile_at(i, j);
        for (int q = 0; q < slab_rows; ++q) re += a[q] * from[i + q];
        if (planes_ == 1) continue;
        for (int q = 0; q < slab_rows; ++q) {
          re += a[tile_size + q] * from[tile_extent + i + q];
          im += a[q] * from[tile_extent + i + q] - a[tile_size + q] * from[i + q];
        }
      }
      sum[j] += re;
      if (planes_ == 2) sum[tile_extent + j] += im;
    }
  };
  std::vector<double> parts(static_cast<std::size_t>((n_tiles_ - k) * length));
  Kokkos::parallel_for("koushi::solver::substitute_back",
                       Kokkos::RangePolicy<HostSpace>(static_cast<int>(k + 1), static_cast<int>(n_tiles_)),
                       [&](int row) {
                         add_adjoint(tile({row, k}), x.data() + row * length, parts.data() + (row - k) * length);
                       });
  double* at = x.data() + k * length;
  for (std::int64_t row = k + 1; row < n_tiles_; ++row) {
    for (std::int64_t q = 0; q < length; ++q) at[q] -= parts[static_cast<std::size_t>((row - k) * length + q)];
  }
  std::vector<double> solved(static_cast<std::size_t>(length));
  add_adjoint(tile({k, k}), at, solved.data());
  std::copy(solved.begin(), solved.end(), at);
}

void TiledCholesky::factor() {
  // The next panel is made first, and is on its way while all ranks work on what the last one changes.
  Buffer received[2];
  for (Buffer& buffer : received)
    buffer = Buffer(Kokkos::view_alloc(Kokkos::WithoutInitializing, "koushi::solver::panel"),
                    comm_.size() > 1 ? static_cast<std::size_t>(n_tiles_ * size_) : 0);
  const auto panel_of = [&](std::int64_t k) {
    return owner(k) == comm_.rank() ? tile({k, k}) : received[k % 2].data();
  };
  const auto column_begin = [this](std::int64_t k) {
    return std::partition_point(tiles_.begin(), tiles_.end(), [k](const Tile& t) { return t.column < k; }) -
           tiles_.begin();
  };
  Messages messages(comm_);
  const auto publish = [&](std::int64_t k) {
    if (owner(k) == comm_.rank()) finish_column(k);
    if (comm_.size() > 1) messages.broadcast(panel_of(k), static_cast<int>((n_tiles_ - k) * size_), owner(k));
  };
  publish(0);
  for (std::int64_t k = 0; k < n_tiles_; ++k) {
    messages.wait();
    const double* const panel = panel_of(k);
    if (!std::isfinite(panel[tile_size - 1])) {  // the last row of L_kk^-1 sees every pivot
      throw NumericalError(
          "stochastic reconfiguration: S + lambda could not be solved (the factorisation met a non-positive pivot); "
          "remedy: a larger shift");
    }
    if (k + 1 == n_tiles_) break;
    const auto next = column_begin(k + 1);
    const auto rest = column_begin(k + 2);
    Kokkos::parallel_for("koushi::solver::update_next_column", dynamic_range(next, rest),
                         [&](int task) { update(tiles_[static_cast<std::size_t>(task)], k, panel); });
    publish(k + 1);
    // This rank's tiles right of that column.
    Kokkos::parallel_for("koushi::solver::update_tiles", dynamic_range(rest, static_cast<std::int64_t>(tiles_.size())),
                         [&](int task) { update(tiles_[static_cast<std::size_t>(task)], k, panel); });
  }
}

std::vector<double> TiledCholesky::solve(const std::vector<double>& right) const {
  const std::int64_t length = planes_ * tile_extent;
  std::vector<double> x(static_cast<std::size_t>(n_tiles_ * length));
  const auto place = [&](std::int64_t i, int plane) {
    return static_cast<std::size_t>(i / tile_extent * length + plane * tile_extent + i % tile_extent);
  };
  for (std::int64_t i = 0; i < n_; ++i) {
    for (int p = 0; p < planes_; ++p) x[place(i, p)] = right[static_cast<std::size_t>(planes_ * i + p)];
  }
  for (std::int64_t k = 0; k < n_tiles_; ++k) {  // the owner of a column of tiles takes it from all that is below
    if (owner(k) == comm_.rank()) {
      const double* const panel = tile({k, k});
      eliminate(k, k, panel, x);
      Kokkos::parallel_for("koushi::solver::eliminate",
                           Kokkos::RangePolicy<HostSpace>(static_cast<int>(k + 1), static_cast<int>(n_tiles_)),
                           [&](int row) { eliminate(row, k, panel, x); });
    }
    comm_.broadcast(x.data() + k * length, (n_tiles_ - k) * length, owner(k));
  }
  for (std::int64_t k = n_tiles_ - 1; k >= 0; --k) {
    if (owner(k) == comm_.rank()) substitute_back(k, x);
    comm_.broadcast(x.data() + k * length, length, owner(k));
  }
  std::vector<double> solution(right.size());
  for (std::int64_t i = 0; i < n_; ++i) {
    for (int p = 0; p < planes_; ++p) solution[static_cast<std::size_t>(planes_ * i + p)] = x[place(i, p)];
  }
  return solution;
}

}  // namespace koushi
