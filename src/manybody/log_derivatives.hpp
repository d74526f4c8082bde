#pragma once

#include <Kokkos_Core.hpp>
#include <complex>
#include <memory>
#include <utility>

#include "koushi/base/tile_product.hpp"
#include "koushi/manybody/wavefunction.hpp"
#include "koushi/parallel/tree_sum.hpp"

namespace koushi {

static_assert(rows_per_block == tile_extent);

/// Numbers [slab][row][8], first zero; re and, where complex, im.
template <bool is_complex>
struct SlabMatrix {
  std::int64_t rows = 0;
  std::int64_t stride = 0;  ///< of slabs
  Kokkos::View<double*, Kokkos::HostSpace> re;
  Kokkos::View<double*, Kokkos::HostSpace> im;

  SlabMatrix() = default;
  /// `indices` lie in slabs, `rows` behind each other; indices are filled up to whole tiles.
  SlabMatrix(std::int64_t indices, std::int64_t the_rows) : rows(the_rows), stride(the_rows * slab_rows) {
    const auto size = static_cast<std::size_t>((indices + tile_extent - 1) / tile_extent * tile_extent * rows);
    re = zeros(size);
    if (is_complex) im = zeros(size);
  }
  /// Touched first by the threads that will use them; Kokkos itself fills host arrays on one.
  static Kokkos::View<double*, Kokkos::HostSpace> zeros(std::size_t size) {
    Kokkos::View<double*, Kokkos::HostSpace> view(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "koushi::manybody::slabs"), size);
    Kokkos::parallel_for(
        "koushi::manybody::zeros",
        Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>((size + tile_size - 1) / tile_size)),
        [&](int piece) {
          const std::size_t first = static_cast<std::size_t>(piece) * tile_size;
          std::fill_n(view.data() + first, std::min<std::size_t>(tile_size, size - first), 0.0);
        });
    return view;
  }
  std::int64_t at(std::int64_t index, std::int64_t row) const {
    return index / slab_rows * stride + row * slab_rows + index % slab_rows;
  }
};

/// Common part of both row operators: blocks of samples, and the layouts of vectors.
template <bool is_complex>
class BlockedRows : public DistributedRows {
 public:
  BlockedRows(const Communicator& comm, RowRange rows, std::int64_t columns)
      : comm_(comm), rows_(rows), columns_(columns) {}
  RowRange rows() const override { return rows_; }
  std::int64_t parameters() const override { return columns_ * width; }
  bool holomorphic() const override { return is_complex; }
  bool real_valued() const override { return !is_complex; }
  std::int64_t block_rows() const override { return rows_per_block; }

 protected:
  static constexpr int width = is_complex ? 2 : 1;

  /// body(first row, rows) for every block, on all threads.
  template <typename Body>
  void for_blocks(const Body& body) const {
    Kokkos::parallel_for("koushi::manybody::row_blocks",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(
                             0, static_cast<int>(blocks_of(rows_, rows_per_block).count)),
                         [&](int block) {
                           const std::int64_t first = block * rows_per_block;
                           body(first, std::min(rows_per_block, rows_.count - first));
                         });
  }

  /// The sum over blocks of vectors over the columns, made part by part: leaf(first row, rows, part, values).
  template <typename Leaf>
  std::vector<double> sum_of_blocks(const std::vector<std::int64_t>& offsets, const Leaf& leaf) const {
    TreeSum sum(blocks_of(rows_, rows_per_block), offsets.back());
    sum.add_parts(offsets, [&](std::int64_t block, std::int64_t part, double* values) {
      const std::int64_t first = block * rows_per_block;
      leaf(first, std::min(rows_per_block, rows_.count - first), part, values);
    });
    return sum.finish(comm_);
  }

  const Communicator& comm_;
  RowRange rows_;
  std::int64_t columns_;
};

/// Rows that are kept, [column / 8][sample][column % 8]: used where a symmetry makes them short.
template <bool is_complex>
class StoredRows final : public BlockedRows<is_complex> {
  using Base = BlockedRows<is_complex>;
  using Base::width;

 public:
  using Slabs = SlabMatrix<is_complex>;
  StoredRows(const Communicator& comm, RowRange rows, std::int64_t columns, Slabs entries)
      : Base(comm, rows, columns), entries_(std::move(entries)) {}

  using Base::entries;
  void entries(std::int64_t first, std::int64_t count, double* re, double* im, std::int64_t stride) const override {
    for (std::int64_t slab = 0; slab < slabs(); ++slab) {
      const std::int64_t from = entries_.at(slab * slab_rows, first);
      std::copy_n(entries_.re.data() + from, count * slab_rows, re + slab * stride);
      if constexpr (is_complex) std::copy_n(entries_.im.data() + from, count * slab_rows, im + slab * stride);
    }
  }

  std::vector<double> row_norms() const override {
    std::vector<double> norms(static_cast<std::size_t>(this->rows_.count));
    this->for_blocks([&](std::int64_t first, std::int64_t count) {
      for (std::int64_t slab = 0; slab < slabs(); ++slab) {
        for (std::int64_t s = first; s < first + count; ++s) {
          double sum = 0;
          for (std::int64_t at = entries_.at(slab * slab_rows, s), l = 0; l < slab_rows; ++l, ++at) {
            sum += entries_.re(at) * entries_.re(at);
            if constexpr (is_complex) sum += entries_.im(at) * entries_.im(at);
          }
          norms[static_cast<std::size_t>(s)] += sum;
        }
      }
    });
    return norms;
  }

  std::vector<std::complex<double>> multiply(const std::vector<double>& v) const override {
    std::vector<double> re(static_cast<std::size_t>(slabs() * slab_rows));
    std::vector<double> im(re.size());
    for (std::size_t k = 0; k < static_cast<std::size_t>(this->columns_); ++k) {
      re[k] = v[width * k];
      if constexpr (is_complex) im[k] = v[2 * k + 1];
    }
    std::vector<std::complex<double>> result(static_cast<std::size_t>(this->rows_.count));
    this->for_blocks([&](std::int64_t first, std::int64_t count) {
      double sum_re[rows_per_block][slab_rows] = {};
      double sum_im[rows_per_block][slab_rows] = {};
      for (std::int64_t slab = 0; slab < slabs(); ++slab) {
        const double* a = entries_.re.data() + entries_.at(slab * slab_rows, first);
        const double* x = re.data() + slab * slab_rows;
        for (std::int64_t s = 0; s < count; ++s, a += slab_rows) {
          for (int l = 0; l < slab_rows; ++l) sum_re[s][l] += a[l] * x[l];
        }
        if constexpr (is_complex) {
          a -= count * slab_rows;
          const double* b = entries_.im.data() + entries_.at(slab * slab_rows, first);
          const double* y = im.data() + slab * slab_rows;
          for (std::int64_t s = 0; s < count; ++s, a += slab_rows, b += slab_rows) {
            for (int l = 0; l < slab_rows; ++l) {
              sum_re[s][l] -= b[l] * y[l];
              sum_im[s][l] += a[l] * y[l] + b[l] * x[l];
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
        result[static_cast<std::size_t>(first + s)] = {total[0], total[1]};
      }
    });
    return result;
  }

  std::vector<double> multiply_adjoint(const std::vector<std::complex<double>>& r) const override {
    constexpr std::int64_t slabs_per_part = 8;
    std::vector<std::int64_t> offsets;
    for (std::int64_t k = 0; k < this->columns_; k += slabs_per_part * slab_rows) offsets.push_back(width * k);
    offsets.push_back(this->parameters());
    return this->sum_of_blocks(offsets, [&](std::int64_t first, std::int64_t count, std::int64_t part, double* values) {
      const std::int64_t end = std::min(slabs(), (part + 1) * slabs_per_part);
      for (std::int64_t slab = part * slabs_per_part; slab < end; ++slab) {
        double x[slab_rows] = {};
        double y[slab_rows] = {};
        const std::int64_t from = entries_.at(slab * slab_rows, first);
        const double* a = entries_.re.data() + from;
        for (std::int64_t s = 0; s < count; ++s) {
          const double rr = r[static_cast<std::size_t>(first + s)].real();
          for (int l = 0; l < slab_rows; ++l) x[l] += a[s * slab_rows + l] * rr;
        }
        if constexpr (is_complex) {  // conj(O) r
          const double* b = entries_.im.data() + from;
          for (std::int64_t s = 0; s < count; ++s) {
            const std::complex<double> value = r[static_cast<std::size_t>(first + s)];
            for (int l = 0; l < slab_rows; ++l) {
              x[l] += b[s * slab_rows + l] * value.imag();
              y[l] += a[s * slab_rows + l] * value.imag() - b[s * slab_rows + l] * value.real();
            }
          }
        }
        for (int l = 0; l < slab_rows; ++l) {
          const std::int64_t k = slab * slab_rows + l;
          if (k >= this->columns_) break;
          double* to = values + width * (k - part * slabs_per_part * slab_rows);
          to[0] = x[l];
          if constexpr (is_complex) to[1] = y[l];
        }
      }
    });
  }

  /// All ranks' rows, with samples in slabs.
  std::unique_ptr<GramTiles> gram_tiles() const override {
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
    return std::make_unique<Tiles>(gather(this->comm_, by_sample));
  }

  /// Slabs of samples of all ranks behind each other; ranks hold whole tiles of samples.
  static Slabs gather(const Communicator& comm, const Slabs& local) {
    Slabs all = local;
    const auto join = [&](const auto& view) {
      const std::vector<double> values = comm.all_gather(std::vector<double>(view.data(), view.data() + view.size()));
      Kokkos::View<double*, Kokkos::HostSpace> joined("koushi::manybody::all_slabs", values.size());
      std::copy(values.begin(), values.end(), joined.data());
      return joined;
    };
    if (comm.size() == 1) return all;
    all.re = join(local.re);
    if constexpr (is_complex) all.im = join(local.im);
    return all;
  }
  /// C <- C + A_I A_J^dagger over slabs of samples.
  static void add_gram_tile(const Slabs& a, std::int64_t row, std::int64_t column, double* re, double* im) {
    const std::int64_t i = row * tile_extent / slab_rows * a.stride;
    const std::int64_t j = column * tile_extent / slab_rows * a.stride;
    const int depth = static_cast<int>(a.rows);
    add_tile_product<1>(re, a.re.data() + i, a.stride, a.re.data() + j, a.stride, depth);
    if constexpr (is_complex) {
      add_tile_product<1>(re, a.im.data() + i, a.stride, a.im.data() + j, a.stride, depth);
      add_tile_product<1>(im, a.im.data() + i, a.stride, a.re.data() + j, a.stride, depth);
      add_tile_product<-1>(im, a.re.data() + i, a.stride, a.im.data() + j, a.stride, depth);
    }
  }

 private:
  class Tiles final : public GramTiles {
   public:
    explicit Tiles(Slabs all) : all_(std::move(all)) {}
    void tile(std::int64_t row, std::int64_t column, double* re, double* im) const override {
      std::fill_n(re, tile_size, 0.0);
      if constexpr (is_complex) std::fill_n(im, tile_size, 0.0);
      add_gram_tile(all_, row, column, re, im);
    }

   private:
    Slabs all_;
  };

  std::int64_t slabs() const { return (this->columns_ + slab_rows - 1) / slab_rows; }

  Slabs entries_;
};

/// Rows s (x) t of the dense RBM, never formed. Columns [a (if visible)][b][W: hidden slow, site fast].
///
///   O v     = S a + rowsum(T o (S V^T + b)),   V_ji = v of W_ji         (one product of n x N x M)
///   O^H r   = [S^T r, T^H r, (conj(T) o r)^T S]                        (one product of n x N x M)
///   O O^H   = (S S^T) o (T T^H) + T T^H + S S^T
template <bool is_complex>
class OuterProductRows final : public BlockedRows<is_complex> {
  using Base = BlockedRows<is_complex>;
  using Base::width;
  using Stored = StoredRows<is_complex>;

 public:
  using Units = SlabMatrix<is_complex>;
  using Spins = SlabMatrix<false>;
  /// spins: [site / 8][sample][8], t: [unit / 8][sample][8]
  OuterProductRows(const Communicator& comm, RowRange rows, std::int64_t n_sites, std::int64_t n_units, Spins spins,
                   Units t, bool visible)
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

  using Base::entries;
  void entries(std::int64_t first, std::int64_t count, double* re, double* im, std::int64_t stride) const override {
    std::int64_t k = 0;
    const auto put = [&](std::int64_t unit, std::int64_t site) {  // t_unit s_site; -1: a factor 1
      for (std::int64_t s = 0; s < count; ++s) {
        const double spin = site < 0 ? 1.0 : spins_.re(spins_.at(site, first + s));
        const std::int64_t to = k / slab_rows * stride + s * slab_rows + k % slab_rows;
        re[to] = spin * (unit < 0 ? 1.0 : t_.re(t_.at(unit, first + s)));
        if constexpr (is_complex) im[to] = unit < 0 ? 0.0 : spin * t_.im(t_.at(unit, first + s));
      }
      ++k;
    };
    for (std::int64_t i = 0; i < n_visible_; ++i) put(-1, i);
    for (std::int64_t j = 0; j < n_units_; ++j) put(j, -1);
    for (std::int64_t j = 0; j < n_units_; ++j) {
      for (std::int64_t i = 0; i < n_sites_; ++i) put(j, i);
    }
    for (; k % slab_rows != 0; ++k) {
      for (std::int64_t s = 0; s < count; ++s) {
        const std::int64_t to = k / slab_rows * stride + s * slab_rows + k % slab_rows;
        re[to] = 0;
        if constexpr (is_complex) im[to] = 0;
      }
    }
  }

  std::unique_ptr<GramTiles> gram_tiles() const override {
    return std::make_unique<Tiles>(StoredRows<false>::gather(this->comm_, spins_by_sample_),
                                   Stored::gather(this->comm_, t_by_sample_), n_visible_ > 0);
  }

  std::vector<double> row_norms() const override {  // |s|^2 = N, so |O_s|^2 = (N + 1) |t|^2 (+ N)
    std::vector<double> norms(static_cast<std::size_t>(this->rows_.count));
    this->for_blocks([&](std::int64_t first, std::int64_t count) {
      for (std::int64_t s = first; s < first + count; ++s) {
        double sum = 0;
        for (std::int64_t j = 0; j < n_units_; ++j) {
          const std::int64_t at = t_by_sample_.at(s, j);
          sum += t_by_sample_.re(at) * t_by_sample_.re(at);
          if constexpr (is_complex) sum += t_by_sample_.im(at) * t_by_sample_.im(at);
        }
        norms[static_cast<std::size_t>(s)] = static_cast<double>(n_sites_ + 1) * sum + static_cast<double>(n_visible_);
      }
    });
    return norms;
  }

  std::vector<std::complex<double>> multiply(const std::vector<double>& v) const override {
    const double* b = v.data() + width * n_visible_;
    Units w(n_units_, n_sites_);
    for (std::int64_t j = 0; j < n_units_; ++j) {
      for (std::int64_t i = 0; i < n_sites_; ++i) {
        const double* from = b + width * (n_units_ + j * n_sites_ + i);
        w.re(w.at(j, i)) = from[0];
        if constexpr (is_complex) w.im(w.at(j, i)) = from[1];
      }
    }
    std::vector<std::complex<double>> result(static_cast<std::size_t>(this->rows_.count));
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
          for (int part = 0; part < width; ++part) sum[part][s] += spin * v[static_cast<std::size_t>(width * i + part)];
        }
      }
      for (std::int64_t s = 0; s < count; ++s) result[static_cast<std::size_t>(first + s)] = {sum[0][s], sum[1][s]};
    });
    return result;
  }

  std::vector<double> multiply_adjoint(const std::vector<std::complex<double>>& r) const override {
    std::vector<std::int64_t> offsets{0, width * n_visible_};
    for (std::int64_t j = 0; j < n_units_; j += tile_extent)
      offsets.push_back(width * (n_visible_ + n_units_ + j * n_sites_));
    offsets.push_back(this->parameters());
    return this->sum_of_blocks(offsets, [&](std::int64_t first, std::int64_t count, std::int64_t part, double* values) {
      if (part == 0) {
        for (std::int64_t i = 0; i < n_visible_; ++i) {
          std::complex<double> sum = 0;
          for (std::int64_t s = 0; s < count; ++s)
            sum += spins_.re(spins_.at(i, first + s)) * r[static_cast<std::size_t>(first + s)];
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

 private:
  class Tiles final : public GramTiles {
   public:
    Tiles(Spins spins, Units t, bool visible)
        : spins_(std::move(spins)), t_(std::move(t)), visible_(visible ? 1.0 : 0.0) {}
    void tile(std::int64_t row, std::int64_t column, double* re, double* im) const override {
      alignas(64) double spins[tile_size] = {};
      std::fill_n(re, tile_size, 0.0);
      if constexpr (is_complex) std::fill_n(im, tile_size, 0.0);
      StoredRows<false>::add_gram_tile(spins_, row, column, spins, nullptr);
      Stored::add_gram_tile(t_, row, column, re, im);
      for (int q = 0; q < tile_size; ++q) {
        re[q] = re[q] * (spins[q] + 1.0) + visible_ * spins[q];
        if constexpr (is_complex) im[q] *= spins[q] + 1.0;
      }
    }

   private:
    Spins spins_;
    Units t_;
    double visible_;
  };

  static void put(double* values, std::int64_t k, double re, double im) {
    values[width * k] = re;
    if constexpr (is_complex) values[2 * k + 1] = im;
  }

  /// u = S V^T for the block's samples and one tile of units.
  void multiply_tile(const Units& w, std::int64_t first, std::int64_t tile, double (&u)[width][tile_size]) const {
    const double* s = spins_by_sample_.re.data() + spins_by_sample_.at(first, 0);
    const std::int64_t from = w.at(tile * tile_extent, 0);
    const int depth = static_cast<int>(n_sites_);
    for (int part = 0; part < width; ++part) {
      std::fill_n(u[part], tile_size, 0.0);
      add_tile_product<1>(u[part], s, spins_by_sample_.stride, (part == 0 ? w.re : w.im).data() + from, w.stride,
                          depth);
    }
  }

  /// conj(t) r of one tile of units, [unit / 8][sample][8].
  void weigh(std::int64_t first, std::int64_t count, std::int64_t tile, const std::vector<std::complex<double>>& r,
             double (&weighted)[width][tile_size]) const {
    for (int slab = 0; slab < tile_extent / slab_rows; ++slab) {
      const std::int64_t from = t_.at(tile * tile_extent + slab * slab_rows, first);
      for (std::int64_t s = 0; s < count; ++s) {
        const std::complex<double> value = r[static_cast<std::size_t>(first + s)];
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
  void adjoint_tile(std::int64_t first, int count, std::int64_t units, const double (&weighted)[width][tile_size],
                    double* values) const {
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

  std::int64_t n_sites_;
  std::int64_t n_units_;
  std::int64_t n_visible_;
  Spins spins_;
  Units t_;
  Spins spins_by_sample_;
  Units t_by_sample_;
};

}  // namespace koushi
