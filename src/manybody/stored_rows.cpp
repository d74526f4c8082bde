#include "stored_rows.hpp"

#include <utility>

#include "koushi/manybody/make_stored_rows.hpp"
#include "koushi/manybody/wavefunction.hpp"

namespace koushi {

static_assert(rows_per_block == tile_extent);

template <bool is_complex, bool is_holomorphic>
StoredRows<is_complex, is_holomorphic>::StoredRows(const Communicator& comm, RowRange rows, std::int64_t columns,
                                                   Slabs entries)
    : Base(comm, rows, columns), entries_(std::move(entries)) {}

template <bool is_complex, bool is_holomorphic>
void StoredRows<is_complex, is_holomorphic>::entries(const Space&, std::int64_t begin, std::int64_t rows,
                                                     std::int64_t first_column, std::int64_t columns,
                                                     const EntrySlabs& to) const {
  const bool imaginary = to.im.size() > 0;
  const bool aligned = first_column % slab_rows == 0 && to.column % slab_rows == 0;
  this->for_blocks(begin, rows, [&](std::int64_t first, std::int64_t count) {
    const std::int64_t row = first - begin;
    std::int64_t k = 0;
    for (; aligned && k + slab_rows <= columns; k += slab_rows) {  // whole slabs
      const std::int64_t from = entries_.at(first_column + k, first);
      std::copy_n(entries_.re.data() + from, count * slab_rows, to.re.data() + to.at(row, k));
      if (!imaginary) continue;
      double* im = to.im.data() + to.at(row, k);
      if constexpr (is_complex) {
        std::copy_n(entries_.im.data() + from, count * slab_rows, im);
      } else {
        std::fill_n(im, count * slab_rows, 0.0);
      }
    }
    for (; k < columns; ++k) {
      for (std::int64_t s = 0; s < count; ++s) {
        const std::int64_t from = entries_.at(first_column + k, first + s);
        to.re(to.at(row + s, k)) = entries_.re(from);
        if (!imaginary) continue;
        if constexpr (is_complex) {
          to.im(to.at(row + s, k)) = entries_.im(from);
        } else {
          to.im(to.at(row + s, k)) = 0;
        }
      }
    }
  });
}

template <bool is_complex, bool is_holomorphic>
void StoredRows<is_complex, is_holomorphic>::row_norms(const Space&, const HostReals& norms) const {
  this->for_blocks([&](std::int64_t first, std::int64_t count) {
    for (std::int64_t s = first; s < first + count; ++s) norms(s) = 0;
    for (std::int64_t slab = 0; slab < slabs(); ++slab) {
      for (std::int64_t s = first; s < first + count; ++s) {
        double sum = 0;
        for (std::int64_t at = entries_.at(slab * slab_rows, s), l = 0; l < slab_rows; ++l, ++at) {
          sum += entries_.re(at) * entries_.re(at);
          if constexpr (is_complex) sum += entries_.im(at) * entries_.im(at);
        }
        norms(s) += sum;
      }
    }
  });
}

template <bool is_complex, bool is_holomorphic>
void StoredRows<is_complex, is_holomorphic>::multiply(const Space&, const ConstHostReals& v,
                                                      const HostComplexes& result) const {
  std::vector<double> re(static_cast<std::size_t>(slabs() * slab_rows));
  std::vector<double> im(is_holomorphic ? re.size() : 0);
  for (std::size_t k = 0; k < static_cast<std::size_t>(this->columns_); ++k) {
    re[k] = v[width * k];
    if constexpr (is_holomorphic) im[k] = v[2 * k + 1];
  }
  this->for_blocks([&](std::int64_t first, std::int64_t count) {
    double sum_re[Base::block][slab_rows] = {};
    double sum_im[Base::block][slab_rows] = {};
    for (std::int64_t slab = 0; slab < slabs(); ++slab) {
      const double* a = entries_.re.data() + entries_.at(slab * slab_rows, first);
      const double* x = re.data() + slab * slab_rows;
      for (std::int64_t s = 0; s < count; ++s, a += slab_rows) {
        for (int l = 0; l < slab_rows; ++l) sum_re[s][l] += a[l] * x[l];
      }
      if constexpr (is_complex) {
        a -= count * slab_rows;
        const double* b = entries_.im.data() + entries_.at(slab * slab_rows, first);
        if constexpr (is_holomorphic) {
          const double* y = im.data() + slab * slab_rows;
          for (std::int64_t s = 0; s < count; ++s, a += slab_rows, b += slab_rows) {
            for (int l = 0; l < slab_rows; ++l) {
              sum_re[s][l] -= b[l] * y[l];
              sum_im[s][l] += a[l] * y[l] + b[l] * x[l];
            }
          }
        } else {
          for (std::int64_t s = 0; s < count; ++s, b += slab_rows) {
            for (int l = 0; l < slab_rows; ++l) sum_im[s][l] += b[l] * x[l];
          }
        }
      }
    }
    for (std::int64_t s = 0; s < count; ++s) {
      double total[2] = {};
      for (int l = 0; l < slab_rows; ++l) {
        total[0] += sum_re[s][l];
        total[1] += sum_im[s][l];
      }
      result(first + s) = {total[0], total[1]};
    }
  });
}

template <bool is_complex, bool is_holomorphic>
void StoredRows<is_complex, is_holomorphic>::multiply_adjoint(const Space&, const ConstHostComplexes& r,
                                                              const HostReals& result) const {
  constexpr std::int64_t slabs_per_part = 8;
  std::vector<std::int64_t> offsets;
  for (std::int64_t k = 0; k < this->columns_; k += slabs_per_part * slab_rows) offsets.push_back(width * k);
  offsets.push_back(this->parameters());
  this->sum_of_blocks(offsets, result, [&](std::int64_t first, std::int64_t count, std::int64_t part, double* values) {
    const std::int64_t end = std::min(slabs(), (part + 1) * slabs_per_part);
    for (std::int64_t slab = part * slabs_per_part; slab < end; ++slab) {
      double x[slab_rows] = {};
      double y[slab_rows] = {};
      const std::int64_t from = entries_.at(slab * slab_rows, first);
      const double* a = entries_.re.data() + from;
      for (std::int64_t s = 0; s < count; ++s) {
        const double rr = r(first + s).real();
        for (int l = 0; l < slab_rows; ++l) x[l] += a[s * slab_rows + l] * rr;
      }
      if constexpr (is_complex) {  // conj(O) r
        const double* b = entries_.im.data() + from;
        for (std::int64_t s = 0; s < count; ++s) {
          const std::complex<double> value = r(first + s);
          for (int l = 0; l < slab_rows; ++l) {
            x[l] += b[s * slab_rows + l] * value.imag();
            if constexpr (is_holomorphic)
              y[l] += a[s * slab_rows + l] * value.imag() - b[s * slab_rows + l] * value.real();
          }
        }
      }
      for (int l = 0; l < slab_rows; ++l) {
        const std::int64_t k = slab * slab_rows + l;
        if (k >= this->columns_) break;
        double* to = values + width * (k - part * slabs_per_part * slab_rows);
        to[0] = x[l];
        if constexpr (is_holomorphic) to[1] = y[l];
      }
    }
  });
}

namespace {

template <bool is_complex>
class StoredGram final : public GramTiles {
 public:
  explicit StoredGram(SlabMatrix<is_complex> all) : all_(std::move(all)) {}
  void write(const Space&, const std::vector<Tile>& tiles, const Finish& finish) const override {
    write_tiles(tiles, finish, [&](const Tile& tile) {
      std::fill_n(tile.re, tile_size, 0.0);
      if constexpr (is_complex) std::fill_n(tile.im, tile_size, 0.0);
      add_gram_tile(all_, tile.row, tile.column, tile.re, tile.im);
    });
  }

 private:
  SlabMatrix<is_complex> all_;
};

}  // namespace

template <bool is_complex, bool is_holomorphic>
std::unique_ptr<GramTiles> StoredRows<is_complex, is_holomorphic>::gram_tiles(const Space&) const {
  const RowRange rows = this->rows_;
  Slabs by_sample(rows.count, this->columns_);
  this->for_blocks([&](std::int64_t first, std::int64_t count) {
    for (std::int64_t k = 0; k < this->columns_; ++k) {
      for (std::int64_t s = first; s < first + count; ++s) {
        by_sample.re(by_sample.at(s, k)) = entries_.re(entries_.at(k, s));
        if constexpr (is_complex) by_sample.im(by_sample.at(s, k)) = entries_.im(entries_.at(k, s));
      }
    }
  });
  Slabs all = gather_samples(this->comm_, by_sample);
  if constexpr (is_complex && !is_holomorphic) {  // [Re O; Im O], which need not part at a tile
    SlabMatrix<false> stacked(2 * rows.total, this->columns_);
    this->for_blocks(0, rows.total, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t s = first; s < first + count; ++s) {
        for (std::int64_t k = 0; k < this->columns_; ++k) {
          stacked.re(stacked.at(s, k)) = all.re(all.at(s, k));
          stacked.re(stacked.at(rows.total + s, k)) = all.im(all.at(s, k));
        }
      }
    });
    return std::make_unique<StoredGram<false>>(std::move(stacked));
  } else {
    return std::make_unique<StoredGram<is_complex>>(std::move(all));
  }
}

template class StoredRows<false>;
template class StoredRows<true>;
template class StoredRows<true, false>;

namespace {

/// Rows as they come into slabs of columns.
template <bool is_complex, typename Entries>
SlabMatrix<is_complex> slabs_of(RowRange rows, const Entries& entries) {
  const auto columns = static_cast<std::int64_t>(entries.extent(1));
  SlabMatrix<is_complex> slabs(columns, rows.count);
  Kokkos::parallel_for("koushi::manybody::slabs_of_rows",
                       Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(rows.count)),
                       [&](int s) {
                         for (std::int64_t k = 0; k < columns; ++k) {
                           if constexpr (is_complex) {
                             slabs.re(slabs.at(k, s)) = entries(s, k).real();
                             slabs.im(slabs.at(k, s)) = entries(s, k).imag();
                           } else {
                             slabs.re(slabs.at(k, s)) = entries(s, k);
                           }
                         }
                       });
  return slabs;
}

}  // namespace

std::unique_ptr<DistributedRows> make_stored_rows(const Communicator& comm, RowRange rows, const RealEntries& entries) {
  return std::make_unique<StoredRows<false>>(comm, rows, static_cast<std::int64_t>(entries.extent(1)),
                                             slabs_of<false>(rows, entries));
}

std::unique_ptr<DistributedRows> make_stored_rows(const Communicator& comm, RowRange rows,
                                                  const ComplexEntries& entries, bool holomorphic) {
  const auto columns = static_cast<std::int64_t>(entries.extent(1));
  if (holomorphic) return std::make_unique<StoredRows<true>>(comm, rows, columns, slabs_of<true>(rows, entries));
  return std::make_unique<StoredRows<true, false>>(comm, rows, columns, slabs_of<true>(rows, entries));
}

}  // namespace koushi
