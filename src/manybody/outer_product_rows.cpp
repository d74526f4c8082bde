#include "outer_product_rows.hpp"

#include <utility>

namespace koushi {

template <bool is_complex>
OuterProductRows<is_complex>::OuterProductRows(const Communicator& comm, RowRange rows, std::int64_t n_sites,
                                               std::int64_t n_units, Spins spins, Units t, bool visible)
    : Base(comm, rows, (visible ? n_sites : 0) + n_units * (1 + n_sites)),
      n_sites_(n_sites),
      n_units_(n_units),
      n_visible_(visible ? n_sites : 0),
      spins_(std::move(spins)),
      t_(std::move(t)),
      spins_by_sample_(rows.count, n_sites),
      t_by_sample_(rows.count, n_units) {
  this->for_blocks([&](std::int64_t first, std::int64_t count) {
    for (std::int64_t s = first; s < first + count; ++s) {
      for (std::int64_t i = 0; i < n_sites_; ++i)
        spins_by_sample_.re(spins_by_sample_.at(s, i)) = spins_.re(spins_.at(i, s));
      for (std::int64_t j = 0; j < n_units_; ++j) {
        t_by_sample_.re(t_by_sample_.at(s, j)) = t_.re(t_.at(j, s));
        if constexpr (is_complex) t_by_sample_.im(t_by_sample_.at(s, j)) = t_.im(t_.at(j, s));
      }
    }
  });
}

template <bool is_complex>
void OuterProductRows<is_complex>::entries(const Space&, std::int64_t begin, std::int64_t rows,
                                           std::int64_t first_column, std::int64_t columns,
                                           const EntrySlabs& to) const {
  const bool imaginary = to.im.size() > 0;
  this->for_blocks(begin, rows, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t k = 0; k < columns; ++k) {  // t_unit s_site; -1: a factor 1
      const std::int64_t column = first_column + k;
      const std::int64_t weight = column - n_visible_ - n_units_;
      const std::int64_t unit = column < n_visible_ ? -1 : weight < 0 ? column - n_visible_ : weight / n_sites_;
      const std::int64_t site = column < n_visible_ ? column : weight < 0 ? -1 : weight % n_sites_;
      for (std::int64_t s = 0; s < count; ++s) {
        const double spin = site < 0 ? 1.0 : spins_.re(spins_.at(site, first + s));
        const std::int64_t at = to.at(first - begin + s, k);
        to.re(at) = spin * (unit < 0 ? 1.0 : t_.re(t_.at(unit, first + s)));
        if (!imaginary) continue;
        to.im(at) = 0;
        if constexpr (is_complex) {
          if (unit >= 0) to.im(at) = spin * t_.im(t_.at(unit, first + s));
        }
      }
    }
  });
}

namespace {

template <bool is_complex>
class OuterProductGram final : public GramTiles {
 public:
  OuterProductGram(SlabMatrix<false> spins, SlabMatrix<is_complex> t, bool visible)
      : spins_(std::move(spins)), t_(std::move(t)), visible_(visible ? 1.0 : 0.0) {}
  void write(const Space&, const std::vector<Tile>& tiles, const Finish& finish) const override {
    write_tiles(tiles, finish, [&](const Tile& tile) {
      alignas(64) double spins[tile_size] = {};
      std::fill_n(tile.re, tile_size, 0.0);
      if constexpr (is_complex) std::fill_n(tile.im, tile_size, 0.0);
      add_gram_tile(spins_, tile.row, tile.column, spins, nullptr);
      add_gram_tile(t_, tile.row, tile.column, tile.re, tile.im);
      for (int q = 0; q < tile_size; ++q) {
        tile.re[q] = tile.re[q] * (spins[q] + 1.0) + visible_ * spins[q];
        if constexpr (is_complex) tile.im[q] *= spins[q] + 1.0;
      }
    });
  }

 private:
  SlabMatrix<false> spins_;
  SlabMatrix<is_complex> t_;
  double visible_;
};

}  // namespace

template <bool is_complex>
std::unique_ptr<GramTiles> OuterProductRows<is_complex>::gram_tiles(const Space&) const {
  return std::make_unique<OuterProductGram<is_complex>>(gather_samples(this->comm_, spins_by_sample_),
                                                        gather_samples(this->comm_, t_by_sample_), n_visible_ > 0);
}

template <bool is_complex>
void OuterProductRows<is_complex>::row_norms(const Space&, const HostReals& norms) const {
  // |O_s|^2 = (|s|^2 + 1) |t|^2 (+ |s|^2)
  this->for_blocks([&](std::int64_t first, std::int64_t count) {
    for (std::int64_t s = first; s < first + count; ++s) {
      double sum = 0;
      for (std::int64_t j = 0; j < n_units_; ++j) {
        const std::int64_t at = t_by_sample_.at(s, j);
        sum += t_by_sample_.re(at) * t_by_sample_.re(at);
        if constexpr (is_complex) sum += t_by_sample_.im(at) * t_by_sample_.im(at);
      }
      double inputs = 0;
      for (std::int64_t i = 0; i < n_sites_; ++i) {
        const double x = spins_by_sample_.re(spins_by_sample_.at(s, i));
        inputs += x * x;
      }
      norms(s) = (inputs + 1) * sum + (n_visible_ > 0 ? inputs : 0.0);
    }
  });
}

template <bool is_complex>
void OuterProductRows<is_complex>::multiply(const Space&, const ConstHostReals& v, const HostComplexes& result) const {
  const double* b = v.data() + width * n_visible_;
  Units w(n_units_, n_sites_);
  for (std::int64_t j = 0; j < n_units_; ++j) {
    for (std::int64_t i = 0; i < n_sites_; ++i) {
      const double* from = b + width * (n_units_ + j * n_sites_ + i);
      w.re(w.at(j, i)) = from[0];
      if constexpr (is_complex) w.im(w.at(j, i)) = from[1];
    }
  }
  this->for_blocks([&](std::int64_t first, std::int64_t count) {
    double sum[2][tile_extent] = {};
    alignas(64) double u[width][tile_size];
    for (std::int64_t tile = 0; tile * tile_extent < n_units_; ++tile) {
      multiply_tile(w, first, tile, u);
      const std::int64_t units = std::min<std::int64_t>(tile_extent, n_units_ - tile * tile_extent);
      for (std::int64_t j = 0; j < units; ++j) {
        const std::int64_t unit = tile * tile_extent + j;
        for (int s = 0; s < static_cast<int>(count); ++s) {
          const std::int64_t at = t_by_sample_.at(first + s, unit);
          const int from = tile_at(s, static_cast<int>(j));
          const double xr = u[0][from] + b[width * unit];
          if constexpr (is_complex) {
            const double xi = u[1][from] + b[2 * unit + 1];
            sum[0][s] += t_by_sample_.re(at) * xr - t_by_sample_.im(at) * xi;
            sum[1][s] += t_by_sample_.re(at) * xi + t_by_sample_.im(at) * xr;
          } else {
            sum[0][s] += t_by_sample_.re(at) * xr;
          }
        }
      }
    }
    for (std::int64_t i = 0; i < n_visible_; ++i) {
      for (std::int64_t s = 0; s < count; ++s) {
        const double spin = spins_.re(spins_.at(i, first + s));
        for (int part = 0; part < width; ++part) sum[part][s] += spin * v(width * i + part);
      }
    }
    for (std::int64_t s = 0; s < count; ++s) result(first + s) = {sum[0][s], sum[1][s]};
  });
}

template <bool is_complex>
void OuterProductRows<is_complex>::multiply_adjoint(const Space&, const ConstHostComplexes& r,
                                                    const HostReals& result) const {
  std::vector<std::int64_t> offsets{0, width * n_visible_};
  for (std::int64_t j = 0; j < n_units_; j += tile_extent)
    offsets.push_back(width * (n_visible_ + n_units_ + j * n_sites_));
  offsets.push_back(this->parameters());
  this->sum_of_blocks(offsets, result, [&](std::int64_t first, std::int64_t count, std::int64_t part, double* values) {
    if (part == 0) {
      for (std::int64_t i = 0; i < n_visible_; ++i) {
        std::complex<double> sum = 0;
        for (std::int64_t s = 0; s < count; ++s) sum += spins_.re(spins_.at(i, first + s)) * r(first + s);
        put(values, i, sum.real(), sum.imag());
      }
      return;
    }
    const std::int64_t tile = part - 2;
    alignas(64) double weighted[width][tile_size];
    for (std::int64_t j = part == 1 ? 0 : tile; j * tile_extent < n_units_; ++j) {
      weigh(first, count, j, r, weighted);
      const std::int64_t units = std::min<std::int64_t>(tile_extent, n_units_ - j * tile_extent);
      if (part > 1) {
        adjoint_tile(first, static_cast<int>(count), units, weighted, values);
        return;
      }
      for (std::int64_t q = 0; q < units; ++q) {
        double sum[2] = {};
        for (int s = 0; s < static_cast<int>(count); ++s) {
          for (int p = 0; p < width; ++p) sum[p] += weighted[p][tile_at(static_cast<int>(q), s)];
        }
        put(values, j * tile_extent + q, sum[0], sum[1]);
      }
    }
  });
}

/// u = S V^T for the block's samples and one tile of units.
template <bool is_complex>
void OuterProductRows<is_complex>::multiply_tile(const Units& w, std::int64_t first, std::int64_t tile,
                                                 double (&u)[width][tile_size]) const {
  const double* s = spins_by_sample_.re.data() + spins_by_sample_.at(first, 0);
  const std::int64_t from = w.at(tile * tile_extent, 0);
  const int depth = static_cast<int>(n_sites_);
  for (int part = 0; part < width; ++part) {
    std::fill_n(u[part], tile_size, 0.0);
    add_tile_product<1>(u[part], s, spins_by_sample_.stride, (part == 0 ? w.re : w.im).data() + from, w.stride, depth);
  }
}

/// conj(t) r of one tile of units, [unit / 8][sample][8].
template <bool is_complex>
void OuterProductRows<is_complex>::weigh(std::int64_t first, std::int64_t count, std::int64_t tile,
                                         const ConstHostComplexes& r, double (&weighted)[width][tile_size]) const {
  for (int slab = 0; slab < tile_extent / slab_rows; ++slab) {
    const std::int64_t from = t_.at(tile * tile_extent + slab * slab_rows, first);
    for (std::int64_t s = 0; s < count; ++s) {
      const std::complex<double> value = r(first + s);
      const double* re = t_.re.data() + from + s * slab_rows;
      double* to = weighted[0] + slab * tile_extent * slab_rows + s * slab_rows;
      if constexpr (is_complex) {
        const double* im = t_.im.data() + from + s * slab_rows;
        double* to_im = weighted[1] + slab * tile_extent * slab_rows + s * slab_rows;
        for (int l = 0; l < slab_rows; ++l) {
          to[l] = re[l] * value.real() + im[l] * value.imag();
          to_im[l] = re[l] * value.imag() - im[l] * value.real();
        }
      } else {  // O is real here, so Re(O^dagger r) = O^T Re r
        for (int l = 0; l < slab_rows; ++l) to[l] = re[l] * value.real();
      }
    }
  }
}

/// weighted^T S of the block, into rows of W.
template <bool is_complex>
void OuterProductRows<is_complex>::adjoint_tile(std::int64_t first, int count, std::int64_t units,
                                                const double (&weighted)[width][tile_size], double* values) const {
  alignas(64) double w[tile_size];
  for (std::int64_t site = 0; site < n_sites_; site += tile_extent) {
    const int sites = static_cast<int>(std::min<std::int64_t>(tile_extent, n_sites_ - site));
    for (int part = 0; part < width; ++part) {
      std::fill_n(w, tile_size, 0.0);
      add_tile_product<1>(w, weighted[part], tile_extent * slab_rows, spins_.re.data() + spins_.at(site, first),
                          spins_.stride, count);
      for (int j = 0; j < static_cast<int>(units); ++j) {
        double* row = values + width * (j * n_sites_ + site) + part;
        for (int i = 0; i < sites; ++i) row[width * i] = w[tile_at(j, i)];
      }
    }
  }
}

template class OuterProductRows<false>;
template class OuterProductRows<true>;

}  // namespace koushi
