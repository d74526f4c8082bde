#include "sr_systems.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "koushi/base/tile_product.hpp"
#include "koushi/parallel/tree_sum.hpp"

namespace koushi {

namespace {

using Complex = std::complex<double>;

/// Obar of the local rows as slabs of 8 columns, re and (where not real) im.
struct CentredSlabs {
  using Values = HostReals;
  std::int64_t stride;
  Values re;
  Values im;

  explicit CentredSlabs(const CentredRows& centred) : stride(centred.rows().rows().count * slab_rows) {
    const DistributedRows& rows = centred.rows();
    const std::int64_t slabs = (rows.columns() + tile_extent - 1) / tile_extent * (tile_extent / slab_rows);
    const auto make = [&] {
      return Values(Kokkos::view_alloc(Kokkos::WithoutInitializing, "koushi::solver::centred_rows"),
                    static_cast<std::size_t>(slabs * stride));
    };
    re = make();
    if (!rows.real_valued()) im = make();
    // Chunks that stay in the caches between the two kernels.
    constexpr std::int64_t cache = 1 << 19;
    const std::int64_t block_bytes = rows.block_rows() * slabs * slab_rows * 8 * (rows.real_valued() ? 1 : 2);
    const std::int64_t chunk = rows.block_rows() * Kokkos::DefaultHostExecutionSpace{}.concurrency() *
                               std::max<std::int64_t>(1, cache / block_bytes);
    for (std::int64_t first = 0; first < rows.rows().count; first += chunk) {
      const std::int64_t count = std::min(chunk, rows.rows().count - first);
      rows.entries(DistributedRows::Space{}, first, count, 0, rows.columns(),
                   {.re = re, .im = im, .stride = stride, .row = first});
      Kokkos::parallel_for("koushi::solver::centre_rows",
                           Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(
                               0, static_cast<int>((count + rows.block_rows() - 1) / rows.block_rows())),
                           [&](int block) {
                             const std::int64_t begin = first + block * rows.block_rows();
                             centre(centred, slabs, begin, std::min(begin + rows.block_rows(), first + count));
                           });
    }
  }

 private:
  /// Rows [begin, end), with zeros beyond the last column.
  void centre(const CentredRows& centred, std::int64_t slabs, std::int64_t begin, std::int64_t end) const {
    const DistributedRows& rows = centred.rows();
    for (std::int64_t slab = 0; slab < slabs; ++slab) {
      const int columns = static_cast<int>(std::clamp<std::int64_t>(rows.columns() - slab * slab_rows, 0, slab_rows));
      double mean_re[slab_rows] = {};
      double mean_im[slab_rows] = {};
      for (int l = 0; l < columns; ++l) {
        mean_re[l] = centred.mean_of_column(slab * slab_rows + l).real();
        mean_im[l] = centred.mean_of_column(slab * slab_rows + l).imag();
      }
      for (std::int64_t s = begin; s < end; ++s) {
        const double root = std::sqrt(centred.weights()[static_cast<std::size_t>(s)]);
        const auto scale = [&](double* at, const double* mean) {
          if (columns == slab_rows) {
            for (int l = 0; l < slab_rows; ++l) at[l] = root * (at[l] - mean[l]);
          } else {
            for (int l = 0; l < slab_rows; ++l) at[l] = l < columns ? root * (at[l] - mean[l]) : 0;
          }
        };
        scale(re.data() + slab * stride + s * slab_rows, mean_re);
        if (!rows.real_valued()) scale(im.data() + slab * stride + s * slab_rows, mean_im);
      }
    }
  }
};

/// S = Obar^dagger Obar (its real part where not holomorphic): the tiles of the lower half, or of the diagonal alone,
/// behind each other, column by column, re then im, on every rank.
std::vector<double> overlap_tiles(const CentredRows& centred, bool diagonal_alone) {
  const DistributedRows& rows = centred.rows();
  const CentredSlabs o(centred);
  const int planes = rows.holomorphic() ? 2 : 1;
  const std::int64_t n_tiles = (rows.columns() + tile_extent - 1) / tile_extent;
  std::vector<std::pair<std::int64_t, std::int64_t>> tiles;
  std::vector<std::int64_t> offsets{0};
  for (std::int64_t column = 0; column < n_tiles; ++column) {
    for (std::int64_t row = column; row < (diagonal_alone ? column + 1 : n_tiles); ++row) {
      tiles.emplace_back(row, column);
      offsets.push_back(offsets.back() + planes * tile_size);
    }
  }
  TreeSum sum(blocks_of(rows.rows(), rows.block_rows()), offsets.back());
  sum.add_parts(offsets, [&](std::int64_t block, std::int64_t part, double* values) {
    const std::int64_t first = block * rows.block_rows();
    const int depth = static_cast<int>(std::min(rows.block_rows(), rows.rows().count - first));
    const auto [row, column] = tiles[static_cast<std::size_t>(part)];
    const auto add = [&]<int sign>(std::integral_constant<int, sign>, double* to, const CentredSlabs::Values& a,
                                   const CentredSlabs::Values& b) {
      constexpr std::int64_t slabs = tile_extent / slab_rows;
      add_tile_product<sign>(to, a.data() + row * slabs * o.stride + first * slab_rows, o.stride,
                             b.data() + column * slabs * o.stride + first * slab_rows, o.stride, depth);
    };
    constexpr std::integral_constant<int, 1> plus;
    constexpr std::integral_constant<int, -1> minus;
    std::fill_n(values, planes * tile_size, 0.0);
    add(plus, values, o.re, o.re);
    if (rows.real_valued()) return;
    add(plus, values, o.im, o.im);
    if (planes == 1) return;
    add(plus, values + tile_size, o.re, o.im);
    add(minus, values + tile_size, o.im, o.re);
  });
  return sum.finish(centred.comm());
}

/// Tiles of S + diag(shifts), which are there already.
class OverlapTiles final : public GramTiles {
 public:
  OverlapTiles(const CentredRows& centred, std::vector<double> shifts, bool diagonal_alone)
      : tiles_(overlap_tiles(centred, diagonal_alone)),
        n_tiles_((centred.rows().columns() + tile_extent - 1) / tile_extent),
        shifts_(std::move(shifts)),
        diagonal_alone_(diagonal_alone),
        complex_(centred.rows().holomorphic()) {}
  void write(const Space&, const std::vector<Tile>& tiles, const Finish& finish) const override {
    Kokkos::parallel_for("koushi::solver::copy_tiles",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(tiles.size())),
                         [&](int t) {
                           copy(tiles[static_cast<std::size_t>(t)]);
                           if (finish) finish(tiles[static_cast<std::size_t>(t)]);
                         });
  }

 private:
  void copy(const Tile& tile) const {
    const auto& [row, column, re, im] = tile;
    // tiles of the columns to the left
    const std::int64_t before = diagonal_alone_ ? column : column * n_tiles_ - column * (column - 1) / 2;
    const double* from = tiles_.data() + (before + row - column) * (complex_ ? 2 : 1) * tile_size;
    std::copy_n(from, tile_size, re);
    if (complex_) std::copy_n(from + tile_size, tile_size, im);
    for (int i = 0; row == column && i < tile_extent; ++i) {
      const auto p = static_cast<std::size_t>(row * tile_extent + i);
      if (p < shifts_.size()) re[tile_at(i, i)] += shifts_[p];
    }
  }

  std::vector<double> tiles_;
  std::int64_t n_tiles_;
  std::vector<double> shifts_;
  bool diagonal_alone_;
  bool complex_;
};

/// Centred and weighted entries of the Gram matrix Obar Obar^dagger + lambda: with A_a = Re O, Im O (a = 0, 1) and m_b
/// = sum w A_b,
///   c_ab(i, j) = sqrt(w_i w_j) (A_a A_b^T - A_a m_b - m_a A_b^T + m_a m_b);   holomorphic: one complex quadrant, with
///   daggers
class CentredGram final : public GramTiles {
 public:
  CentredGram(const CentredRows& centred, double shift)
      : tiles_(centred.rows().gram_tiles(DistributedRows::Space{})),
        holomorphic_(centred.rows().holomorphic()),
        n_(centred.rows().rows().total),
        shift_(shift) {
    const DistributedRows& rows = centred.rows();
    const Communicator& comm = centred.comm();
    for (const double w : comm.all_gather(centred.weights())) root_.push_back(std::sqrt(w));
    for (int b = 0; b < (holomorphic_ || rows.real_valued() ? 1 : 2); ++b) {
      const std::vector<double>& mean = b == 0 ? centred.mean() : centred.mean_imaginary();
      std::vector<double> packed;
      for (const Complex& product : rows.multiply(mean)) packed.insert(packed.end(), {product.real(), product.imag()});
      products_[b] = comm.all_gather(packed);
      for (int a = 0; a < 2; ++a) {
        const std::vector<double>& other = a == 0 ? centred.mean() : centred.mean_imaginary();
        for (std::size_t k = 0; k < other.size(); ++k) means_[a][b] += other[k] * mean[k];
      }
    }
  }

  void write(const Space& space, const std::vector<Tile>& tiles, const Finish& finish) const override {
    tiles_->write(space, tiles, [&](const Tile& tile) {
      centre(tile);
      if (finish) finish(tile);
    });
  }

 private:
  std::int64_t equations() const { return products_[1].empty() ? n_ : 2 * n_; }

  void centre(const Tile& tile) const {
    const auto& [row, column, re, im] = tile;
    for (int j = 0; j < tile_extent; ++j) {
      const std::int64_t q = column * tile_extent + j;
      for (int i = 0; i < tile_extent; ++i) {
        const std::int64_t p = row * tile_extent + i;
        if (p >= equations() || q >= equations()) continue;
        const int a = p < n_ ? 0 : 1;
        const int b = q < n_ ? 0 : 1;
        const std::int64_t s = p % n_;
        const std::int64_t u = q % n_;
        const double weight = root_[static_cast<std::size_t>(s)] * root_[static_cast<std::size_t>(u)];
        const int at = tile_at(i, j);
        re[at] = weight * (re[at] - product(b, s, a) - product(a, u, b) + means_[a][b]) + (p == q ? shift_ : 0.0);
        if (holomorphic_) im[at] = weight * (im[at] - product(0, s, 1) + product(0, u, 1));
      }
    }
  }

  /// A_part m_b of sample s; holomorphic: re and im of O m^dagger.
  double product(int b, std::int64_t s, int part) const { return products_[b][static_cast<std::size_t>(2 * s + part)]; }

  std::unique_ptr<GramTiles> tiles_;
  bool holomorphic_;
  std::int64_t n_;
  double shift_;
  std::vector<double> root_;         ///< sqrt(w), of all ranks
  std::vector<double> products_[2];  ///< of all ranks
  double means_[2][2] = {};
};

}  // namespace

std::vector<double> SrSystem::diagonal() const {
  const std::unique_ptr<GramTiles> source = tiles(true);
  const std::int64_t n_tiles = (extent() + tile_extent - 1) / tile_extent;
  const int planes = is_complex() ? 2 : 1;
  std::vector<double> values(static_cast<std::size_t>(n_tiles * planes * tile_size));
  std::vector<Tile> places;
  for (std::int64_t k = 0; k < n_tiles; ++k) {
    double* re = values.data() + k * planes * tile_size;
    places.push_back({k, k, re, is_complex() ? re + tile_size : nullptr});
  }
  source->write(GramTiles::Space{}, places, {});
  std::vector<double> result(static_cast<std::size_t>(unknowns()));
  for (std::int64_t i = 0; i < unknowns(); ++i) {
    const std::int64_t k = i / planes;
    const int at = static_cast<int>(k % tile_extent);
    result[static_cast<std::size_t>(i)] = places[static_cast<std::size_t>(k / tile_extent)].re[tile_at(at, at)];
  }
  return result;
}

std::vector<double> ParameterSystem::multiply(const std::vector<double>& x) const {
  std::vector<double> y = rows_.multiply_adjoint(rows_.multiply(x));
  const std::size_t planes = is_complex() ? 2 : 1;
  for (std::size_t p = 0; p < y.size(); ++p) y[p] += shifts_[p / planes] * x[p];
  return y;
}

std::unique_ptr<GramTiles> ParameterSystem::tiles(bool diagonal_alone) const {
  return std::make_unique<OverlapTiles>(rows_, shifts_, diagonal_alone);
}

std::int64_t SampleSystem::extent() const {
  const DistributedRows& rows = rows_.rows();
  return rows.rows().total * (rows.holomorphic() || rows.real_valued() ? 1 : 2);
}

std::vector<double> SampleSystem::multiply(const std::vector<double>& x) const {
  std::vector<double> y = gather(rows_.multiply(rows_.multiply_adjoint(local(x))));
  for (std::size_t s = 0; s < y.size(); ++s) y[s] += shift_ * x[s];
  return y;
}

std::unique_ptr<GramTiles> SampleSystem::tiles(bool) const { return std::make_unique<CentredGram>(rows_, shift_); }

std::vector<double> SampleSystem::gather(const std::vector<Complex>& local) const {
  std::vector<double> packed;
  for (const Complex& e : local) packed.insert(packed.end(), {e.real(), e.imag()});
  std::vector<double> all = comm().all_gather(packed);
  if (is_complex()) return all;
  const auto n = static_cast<std::size_t>(rows_.rows().rows().total);
  std::vector<double> stacked(static_cast<std::size_t>(extent()));
  for (std::size_t s = 0; s < stacked.size(); ++s) stacked[s] = all[2 * (s % n) + s / n];
  return stacked;
}

std::vector<Complex> SampleSystem::local(const std::vector<double>& all) const {
  const RowRange range = rows_.rows().rows();
  const auto n = static_cast<std::size_t>(range.total);
  std::vector<Complex> here;
  for (auto s = static_cast<std::size_t>(range.first); s < static_cast<std::size_t>(range.first + range.count); ++s) {
    here.push_back(is_complex() ? Complex(all[2 * s], all[2 * s + 1])
                                : Complex(all[s], all.size() > n ? all[s + n] : 0.0));
  }
  return here;
}

}  // namespace koushi
