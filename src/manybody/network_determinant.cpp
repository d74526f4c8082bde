#include "network_determinant.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "evaluated_factor.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/simd.hpp"
#include "koushi/manybody/concatenated_rows.hpp"
#include "outer_product_rows.hpp"
#include "stored_rows.hpp"

namespace koushi {

namespace {

constexpr int block_of_samples = samples_at_once;
constexpr int lanes = simd_width();

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

int whole_vectors(int n) { return (n + lanes - 1) / lanes * lanes; }

// Rows of matrices: out[r][j] = base[r][j] + sum_c feature[r][c] w[c][j]. Written with folds over packs of (row, vector),
// so that g++ 12 keeps all sums in registers.

template <int vectors, int... k>
KOKKOS_FORCEINLINE_FUNCTION void load_sums(std::integer_sequence<int, k...> /*sums*/, Simd (&sum)[sizeof...(k)],
                                           const double* const* base, std::ptrdiff_t column) {
  ((sum[k] = load(base[k / vectors] + column + (k % vectors) * lanes)), ...);
}
template <int vectors, int... k>
KOKKOS_FORCEINLINE_FUNCTION void add_feature(std::integer_sequence<int, k...> /*sums*/, Simd (&sum)[sizeof...(k)],
                                             const double* const* feature, int c, const Simd (&w)[vectors]) {
  ((sum[k] = Kokkos::fma(Simd(feature[k / vectors][c]), w[k % vectors], sum[k])), ...);
}
template <int vectors, int... k>
KOKKOS_FORCEINLINE_FUNCTION void store_sums(std::integer_sequence<int, k...> /*sums*/, const Simd (&sum)[sizeof...(k)],
                                            double* const* out, std::ptrdiff_t column) {
  (store(sum[k], out[k / vectors] + column + (k % vectors) * lanes), ...);
}
template <int... v>
KOKKOS_FORCEINLINE_FUNCTION void load_weights(std::integer_sequence<int, v...> /*vectors*/, Simd (&w)[sizeof...(v)],
                                              const double* from) {
  ((w[v] = load(from + v * lanes)), ...);
}
template <int rows, int vectors>
void feature_rows(const double* w, std::ptrdiff_t stride, int channels, const double* const* feature,
                  const double* const* base, double* const* out, std::ptrdiff_t column) {
  constexpr std::make_integer_sequence<int, rows * vectors> sums;
  Simd sum[rows * vectors];
  const double* of_row[rows];
  for (int r = 0; r < rows; ++r) of_row[r] = feature[r];
  load_sums<vectors>(sums, sum, base, column);
  const double* from = w + column;
  for (int c = 0; c < channels; ++c, from += stride) {
    Simd wc[vectors];
    load_weights(std::make_integer_sequence<int, vectors>{}, wc, from);
    add_feature<vectors>(sums, sum, of_row, c, wc);
  }
  store_sums<vectors>(sums, sum, out, column);
}

/// Sums that are kept in registers.
constexpr int sums_at_once = lanes >= 8 ? 16 : 8;

/// All columns of the rows [first, end) of the lists, `vectors` of them at a time.
template <int rows>
void feature_rows_of(const double* w, int numbers, int channels, const double* const* feature,
                     const double* const* base, double* const* out) {
  std::ptrdiff_t column = 0;
  const auto take = [&](auto vectors) {
    if constexpr (rows * vectors <= sums_at_once || vectors == 1) {
      for (; column + vectors * lanes <= numbers; column += vectors * lanes)
        feature_rows<rows, vectors>(w, numbers, channels, feature, base, out, column);
    }
  };
  take(std::integral_constant<int, 4>{});
  take(std::integral_constant<int, 2>{});
  take(std::integral_constant<int, 1>{});
}

/// A product of numbers that cannot overflow.
struct LogProduct {
  double modulus = 0;  ///< log of what was taken out
  std::complex<double> rest = 1;
  void multiply(std::complex<double> z) {
    // Written out: products of complex numbers go through a function that looks for infinities.
    rest = {rest.real() * z.real() - rest.imag() * z.imag(), rest.real() * z.imag() + rest.imag() * z.real()};
    const double size = std::abs(rest.real()) + std::abs(rest.imag());
    if (size < 1e-100 || size > 1e100) take_out();
  }
  void take_out() {
    const double size = std::abs(rest);
    modulus += std::log(size);
    if (size > 0) rest = {rest.real() / size, rest.imag() / size};
  }
  std::complex<double> log() {
    take_out();
    return {modulus, std::arg(rest)};
  }
};

/// ln det of a matrix [row][columns rounded up to whole vectors], imaginary parts in a row behind its real ones; it is
/// overwritten. Gaussian elimination with the largest pivot of a column, a vector of columns at a time. -inf where the
/// matrix is singular.
template <bool is_complex>
std::complex<double> log_determinant_of(double* m, int n) {
  const int padded = whole_vectors(n);
  const int stride = (is_complex ? 2 : 1) * padded;
  LogProduct product;
  for (int k = 0; k < n; ++k) {
    const auto size = [&](int i) {
      const double* z = m + static_cast<std::ptrdiff_t>(i) * stride + k;
      return is_complex ? std::abs(z[0]) + std::abs(z[padded]) : std::abs(z[0]);
    };
    int pivot = k;
    double largest = size(k);
    for (int i = k + 1; i < n; ++i) {
      const double other = size(i);
      if (other > largest) {
        largest = other;
        pivot = i;
      }
    }
    if (largest == 0) return -std::numeric_limits<double>::infinity();
    const int first = k / lanes * lanes;
    double* of_pivot = m + static_cast<std::ptrdiff_t>(k) * stride;
    if (pivot != k) {
      double* other = m + static_cast<std::ptrdiff_t>(pivot) * stride;
      for (int part = 0; part < stride; part += padded) {
        for (int j = part + first; j < part + padded; j += lanes) {
          const Simd kept = load(of_pivot + j);
          store(load(other + j), of_pivot + j);
          store(kept, other + j);
        }
      }
    }
    const std::complex<double> z(of_pivot[k], is_complex ? of_pivot[padded + k] : 0.0);
    product.multiply(pivot == k ? z : -z);
    const double norm = std::norm(z);
    const double inverse_re = is_complex ? z.real() / norm : 1.0 / z.real();
    const double inverse_im = is_complex ? -z.imag() / norm : 0.0;
    for (int i = k + 1; i < n; ++i) {
      double* row = m + static_cast<std::ptrdiff_t>(i) * stride;
      if constexpr (is_complex) {
        const double re = row[k] * inverse_re - row[padded + k] * inverse_im;
        const double im = row[k] * inverse_im + row[padded + k] * inverse_re;
        for (int j = first; j < padded; j += lanes) {
          const Simd a = load(of_pivot + j);
          const Simd b = load(of_pivot + padded + j);
          store(Kokkos::fma(Simd(im), b, Kokkos::fma(Simd(-re), a, load(row + j))), row + j);
          store(Kokkos::fma(Simd(-im), a, Kokkos::fma(Simd(-re), b, load(row + padded + j))), row + padded + j);
        }
      } else {
        const Simd factor(-row[k] * inverse_re);
        for (int j = first; j < padded; j += lanes)
          store(Kokkos::fma(factor, load(of_pivot + j), load(row + j)), row + j);
      }
    }
  }
  return product.log();
}

/// Where the parameters stand, and what of the determinants does not depend on them.
struct Layout {
  std::vector<DeterminantBlock> blocks;
  int channels = 0;
  int positions = 1;
  bool is_complex = false;
  bool outer = true;         ///< no group has two rows: derivatives by B and V are outer products
  std::vector<int> groups;   ///< [block]
  std::int64_t bare = 0;     ///< numbers B of rows that see nothing
  std::int64_t seen = 0;     ///< numbers B of the others
  std::int64_t weights = 0;  ///< numbers V
  std::vector<std::vector<std::int64_t>>
      base_at;  ///< [block][row], of its first number among the bare or the seen ones
  std::vector<std::vector<std::int64_t>> weight_at;  ///< [block][group], of its first number among those of V

  Layout(std::vector<DeterminantBlock> the_blocks, const TensorShape& last, bool complex)
      : blocks(std::move(the_blocks)), channels(last.channels), positions(last.positions), is_complex(complex) {
    for (const DeterminantBlock& b : blocks) {
      std::vector<int> rows_of;
      base_at.emplace_back();
      weight_at.emplace_back();
      for (const RowFeatures& f : b.features) {
        std::int64_t& count = f.group < 0 ? bare : seen;
        base_at.back().push_back(count);
        count += b.columns();
        if (f.group < 0) continue;
        rows_of.resize(std::max(rows_of.size(), at(f.group) + 1));
        outer = outer && rows_of[at(f.group)] == 0;
        ++rows_of[at(f.group)];
      }
      groups.push_back(static_cast<int>(rows_of.size()));
      for (int g = 0; g < groups.back(); ++g) {
        weight_at.back().push_back(weights);
        weights += static_cast<std::int64_t>(b.columns()) * channels;
      }
    }
  }
  std::int64_t width() const { return is_complex ? 2 : 1; }
  /// Numbers of a row of block b in memory.
  int numbers(std::size_t b) const { return static_cast<int>(width()) * whole_vectors(blocks[b].columns()); }
  std::int64_t of_orbitals() const { return width() * (bare + seen + weights); }
};

template <bool is_complex>
class DeterminantAmplitudes final : public Amplitudes {
 public:
  using Scalar = std::conditional_t<is_complex, std::complex<double>, double>;
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  DeterminantAmplitudes(const Space& space, DeepNetwork the_network, std::shared_ptr<const Layout> layout)
      : Amplitudes(space), network_(std::move(the_network)), layout_(std::move(layout)) {}

  /// Weights of a row of orbitals are read once for so many states.
  int at_once() const override { return 4 * block_of_samples; }
  const Layout& layout() const { return *layout_; }
  const DeepNetwork& network() const { return network_; }

  void set_parameters(const std::vector<double>& parameters) {
    const Layout& l = *layout_;
    base_.assign(l.blocks.size(), {});
    weights_.assign(l.blocks.size(), {});
    const auto put = [&](std::int64_t from, double* to, int padded) {
      to[0] = parameters[at(l.width() * from)];
      if constexpr (is_complex) to[padded] = parameters[at(2 * from + 1)];
    };
    for (std::size_t b = 0; b < l.blocks.size(); ++b) {
      const DeterminantBlock& block = l.blocks[b];
      const int n = block.columns();
      const auto numbers = at(l.numbers(b));
      const int padded = whole_vectors(n);
      base_[b].assign(at(block.rows()) * numbers, 0.0);
      for (int r = 0; r < block.rows(); ++r) {
        const std::int64_t from = (block.features[at(r)].group < 0 ? 0 : l.bare) + l.base_at[b][at(r)];
        for (int k = 0; k < n; ++k) put(from + k, &base_[b][at(r) * numbers + at(k)], padded);
      }
      weights_[b].assign(at(l.groups[b]) * at(l.channels) * numbers, 0.0);
      for (int g = 0; g < l.groups[b]; ++g) {
        const std::int64_t from = l.bare + l.seen + l.weight_at[b][at(g)];
        for (int k = 0; k < n; ++k) {
          for (int c = 0; c < l.channels; ++c)
            put(from + static_cast<std::int64_t>(k) * l.channels + c,
                &weights_[b][(at(g) * at(l.channels) + at(c)) * numbers + at(k)], padded);
        }
      }
    }
    network_.set_parameters({parameters.begin() + l.of_orbitals(), parameters.end()});
  }

  void log_psi(const HostState* states, int count, std::complex<double>* to) const override {
    thread_local std::vector<double> features;
    thread_local std::vector<double> matrices;
    thread_local std::vector<double> last;
    const std::size_t per_state = at(layout_->channels) * at(layout_->positions);
    features.resize(at(count) * per_state);
    last.resize(per_state * block_of_samples);
    for (int first = 0; first < count; first += block_of_samples) {
      const int here = std::min(block_of_samples, count - first);
      network_.last_tensor(network_input(space(), states + first, here), last.data());
      for (int s = 0; s < here; ++s) write_features(last.data(), s, &features[at(first + s) * per_state]);
    }
    std::fill_n(to, count, 0.0);
    for (std::size_t b = 0; b < layout_->blocks.size(); ++b) {
      const int n = layout_->blocks[b].columns();
      const std::size_t size = at(n) * at(layout_->numbers(b));
      matrices.resize(at(count) * size);
      write_matrices(b, states, count, features.data(), matrices.data());
      for (int s = 0; s < count; ++s) to[s] += log_determinant_of<is_complex>(&matrices[at(s) * size], n);
    }
  }

  /// Of one sample, [position][channel].
  void write_features(const double* last, int sample, double* to) const {
    for (int c = 0; c < layout_->channels; ++c) {
      for (int p = 0; p < layout_->positions; ++p)
        to[p * layout_->channels + c] =
            last[(static_cast<std::ptrdiff_t>(c) * layout_->positions + p) * block_of_samples + sample];
    }
  }
  /// The row of block b of the orbitals that stands at row a of the matrix of a state.
  int row_of(std::size_t b, const HostState& state, int a) const {
    const DeterminantBlock& block = layout_->blocks[b];
    return a < block.particles ? state.particle[block.particle + a] - block.place
                               : block.places + (a - block.particles);
  }
  /// M_b of the states, [state][row][numbers(b)]; features: [state][position][channel].
  void write_matrices(std::size_t b, const HostState* states, int count, const double* features, double* to) const {
    const Layout& l = *layout_;
    const DeterminantBlock& block = l.blocks[b];
    const int n = block.columns();
    const int numbers = l.numbers(b);
    struct Row {
      const double* feature;
      const double* base;
      double* out;
    };
    thread_local std::vector<std::vector<Row>> of_group;
    of_group.resize(std::max(of_group.size(), at(l.groups[b])));
    for (auto& rows : of_group) rows.clear();
    for (int s = 0; s < count; ++s) {
      const double* of_state = features + static_cast<std::ptrdiff_t>(s) * l.channels * l.positions;
      for (int a = 0; a < n; ++a) {
        const int r = row_of(b, states[s], a);
        const RowFeatures& see = block.features[at(r)];
        const double* base = &base_[b][at(r) * at(numbers)];
        double* out = to + (static_cast<std::ptrdiff_t>(s) * n + a) * numbers;
        if (see.group < 0) {
          std::copy_n(base, numbers, out);
        } else {
          of_group[at(see.group)].push_back(
              {of_state + static_cast<std::ptrdiff_t>(see.position) * l.channels, base, out});
        }
      }
    }
    for (int g = 0; g < l.groups[b]; ++g) {
      const std::vector<Row>& rows = of_group[at(g)];
      const double* w = &weights_[b][at(g) * at(l.channels) * at(numbers)];
      std::size_t first = 0;
      const auto take = [&](auto together) {
        for (; first + together <= rows.size(); first += together) {
          const double* feature[together];
          const double* base[together];
          double* out[together];
          for (std::size_t r = 0; r < together; ++r) {
            feature[r] = rows[first + r].feature;
            base[r] = rows[first + r].base;
            out[r] = rows[first + r].out;
          }
          feature_rows_of<together>(w, numbers, l.channels, feature, base, out);
        }
      };
      take(std::integral_constant<int, sums_at_once / 2>{});  // half of the weights of a place fit into the first cache
      take(std::integral_constant<int, 4>{});
      take(std::integral_constant<int, 2>{});
      take(std::integral_constant<int, 1>{});
    }
  }
  /// The inverse of such a matrix of one state.
  Matrix inverse(std::size_t b, const double* m) const {
    const int n = layout_->blocks[b].columns();
    const int padded = whole_vectors(n);
    Matrix matrix(n, n);
    for (int i = 0; i < n; ++i) {
      const double* row = m + static_cast<std::ptrdiff_t>(i) * layout_->numbers(b);
      for (int j = 0; j < n; ++j) {
        if constexpr (is_complex) {
          matrix(i, j) = {row[j], row[padded + j]};
        } else {
          matrix(i, j) = row[j];
        }
      }
    }
    return matrix.inverse();
  }
  /// d[c] += sum_k w_k V[group][k][c]; w: [numbers(b)], zero beyond the last column.
  void add_feature_derivatives(std::size_t b, int group, const double* w, double* d, std::ptrdiff_t stride) const {
    const auto numbers = at(layout_->numbers(b));
    const double* v = &weights_[b][at(group) * at(layout_->channels) * numbers];
    for (int c = 0; c < layout_->channels; ++c, v += numbers, d += stride) {
      Simd sum(0.0);
      for (std::size_t k = 0; k < numbers; k += lanes) sum = Kokkos::fma(load(w + k), load(v + k), sum);
      double parts[lanes];
      store(sum, parts);
      for (int half = lanes / 2; half > 0; half /= 2) {
        for (int j = 0; j < half; ++j) parts[j] += parts[j + half];
      }
      *d += parts[0];
    }
  }

 private:
  DeepNetwork network_;
  std::shared_ptr<const Layout> layout_;
  std::vector<std::vector<double>> base_;     ///< [block], [row][numbers]
  std::vector<std::vector<double>> weights_;  ///< [block], [group][channel][numbers]
};

template <bool is_complex>
class NetworkDeterminant final : public EvaluatedFactor {
 public:
  using Of = DeterminantAmplitudes<is_complex>;
  using Slabs = SlabMatrix<is_complex>;

  NetworkDeterminant(std::shared_ptr<Of> of, std::vector<double> parameters, std::string description)
      : of_(std::move(of)), parameters_(std::move(parameters)), description_(std::move(description)) {
    of_->set_parameters(parameters_);
  }
  const std::vector<double>& parameters() const override { return parameters_; }
  void set_parameters(const std::vector<double>& parameters) override {
    // Moves that were asked for before keep the parameters that they had.
    if (of_.use_count() > 1) of_ = std::make_shared<Of>(*of_);
    parameters_ = parameters;
    of_->set_parameters(parameters_);
  }
  bool embed(const std::vector<double>& parameters) override {
    if (parameters.size() != parameters_.size()) return false;
    set_parameters(parameters);
    return true;
  }
  bool holomorphic() const override { return false; }
  bool is_real() const override { return !is_complex; }
  bool is_antisymmetric() const override { return true; }

  /// With W = M^-1: d log det M / d M[a][k] = W[k][a], so that
  ///
  ///   d / d B[r][k] = W[k][a],   d / d V[g][k][c] = W[k][a] h[c],   d / d h[c] = sum_ak W[k][a] V[g][k][c]
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const HostStates& states,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    const Layout& l = of_->layout();
    Rows to{Slabs(l.bare, rows.count), Slabs(l.seen + (l.outer ? 0 : l.weights), rows.count),
            SlabMatrix<false>(l.outer ? l.channels : 0, rows.count), Slabs(of_->network().n_parameters(), rows.count)};
    for_blocks_of_states("koushi::manybody::network_determinant_rows", states.count(), block_of_samples,
                         [&](int first, int count) { write_rows(states, first, count, to); });
    std::vector<std::unique_ptr<DistributedRows>> parts;
    if (l.bare > 0) parts.push_back(std::make_unique<StoredRows<is_complex>>(comm, rows, l.bare, std::move(to.bare)));
    if (l.outer) {
      parts.push_back(std::make_unique<OuterProductRows<is_complex>>(
          comm, rows, l.channels, l.seen, std::move(to.features), std::move(to.seen), false));
    } else {
      parts.push_back(std::make_unique<StoredRows<is_complex>>(comm, rows, l.seen + l.weights, std::move(to.seen)));
    }
    parts.push_back(std::make_unique<StoredRows<is_complex, false>>(comm, rows, of_->network().n_parameters(),
                                                                    std::move(to.network)));
    return std::make_unique<ConcatenatedRows>(std::move(parts));
  }
  double bytes_per_row() const override {
    const Layout& l = of_->layout();
    const double stored = static_cast<double>(l.bare + l.seen + (l.outer ? l.channels : l.weights));
    return 16.0 * static_cast<double>(l.width()) * stored +
           (is_complex ? 48.0 : 16.0) * static_cast<double>(of_->network().n_parameters());
  }
  double flops() const override {
    const Layout& l = of_->layout();
    double sum = of_->network().flops();
    for (const DeterminantBlock& b : l.blocks) {
      const double n = b.columns();
      const bool all = !b.features.empty() && b.features.front().group >= 0;
      sum += 2.0 * static_cast<double>(l.width()) * (all ? n : b.hidden) * n * l.channels;
      sum += (is_complex ? 4.0 : 1.0) * 2.0 / 3.0 * n * n * n;
    }
    return sum;
  }
  std::string description() const override { return description_; }

 protected:
  std::shared_ptr<const Amplitudes> amplitudes() const override { return of_; }

 private:
  struct Rows {
    Slabs bare;
    Slabs seen;  ///< and, where they are no outer products, V
    SlabMatrix<false> features;
    Slabs network;
  };
  static void put(Slabs& slabs, std::int64_t column, int sample, std::complex<double> value, bool add = false) {
    const std::int64_t to = slabs.at(column, sample);
    slabs.re(to) = (add ? slabs.re(to) : 0.0) + value.real();
    if constexpr (is_complex) slabs.im(to) = (add ? slabs.im(to) : 0.0) + value.imag();
  }
  void write_rows(const HostStates& states, int first, int count, Rows& to) const {
    const Layout& l = of_->layout();
    const std::int64_t columns = of_->network().n_parameters();
    std::vector<HostState> of;
    for (int s = 0; s < count; ++s) of.push_back(states.at(first + s));
    thread_local std::vector<double> d_re;
    thread_local std::vector<double> d_im;
    d_re.resize(at(columns) * block_of_samples);
    if (is_complex) d_im.resize(d_re.size());
    std::vector<double*> d_parameters{d_re.data()};
    if (is_complex) d_parameters.push_back(d_im.data());
    of_->network().pull_back(
        network_input(of_->space(), of.data(), count),
        [&](const double* last, const std::vector<double*>& d_last) {
          std::vector<double> features(at(l.channels) * at(l.positions));
          for (double* d : d_last) std::fill_n(d, features.size() * block_of_samples, 0.0);
          for (int s = 0; s < count; ++s) {
            of_->write_features(last, s, features.data());
            if (l.outer) {
              for (int c = 0; c < l.channels; ++c) to.features.re(to.features.at(c, first + s)) = features[at(c)];
            }
            for (std::size_t b = 0; b < l.blocks.size(); ++b)
              write_block(b, of[at(s)], features, first + s, s, d_last, to);
          }
        },
        d_parameters);
    for (std::int64_t k = 0; k < columns; ++k) {
      for (int s = 0; s < count; ++s)
        put(to.network, k, first + s,
            {d_re[at(k) * block_of_samples + at(s)], is_complex ? d_im[at(k) * block_of_samples + at(s)] : 0.0});
    }
  }
  void write_block(std::size_t b, const HostState& state, const std::vector<double>& features, int sample, int lane,
                   const std::vector<double*>& d_last, Rows& to) const {
    const Layout& l = of_->layout();
    const DeterminantBlock& block = l.blocks[b];
    const int n = block.columns();
    const auto numbers = at(l.numbers(b));
    const int padded = whole_vectors(n);
    std::vector<double> m(at(n) * numbers);
    of_->write_matrices(b, &state, 1, features.data(), m.data());
    const typename Of::Matrix w = of_->inverse(b, m.data());
    std::vector<double> of_re(numbers);  // (Re W, -Im W) makes the real part of W V, (Im W, Re W) the imaginary one
    std::vector<double> of_im(numbers);
    for (int a = 0; a < n; ++a) {
      const int r = of_->row_of(b, state, a);
      const RowFeatures& see = block.features[at(r)];
      for (int k = 0; k < n; ++k) {
        const std::complex<double> value = w(k, a);
        put(see.group < 0 ? to.bare : to.seen, l.base_at[b][at(r)] + k, sample, value);
        of_re[at(k)] = value.real();
        if constexpr (is_complex) {
          of_re[at(padded + k)] = -value.imag();
          of_im[at(k)] = value.imag();
          of_im[at(padded + k)] = value.real();
        }
      }
      if (see.group < 0) continue;
      const double* h = &features[at(see.position) * at(l.channels)];
      for (int k = 0; k < n && !l.outer; ++k) {
        const std::int64_t column = l.seen + l.weight_at[b][at(see.group)] + static_cast<std::int64_t>(k) * l.channels;
        for (int c = 0; c < l.channels; ++c)
          put(to.seen, column + c, sample, std::complex<double>(w(k, a)) * h[c], true);
      }
      const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(l.positions) * block_of_samples;
      const std::ptrdiff_t position = static_cast<std::ptrdiff_t>(see.position) * block_of_samples + lane;
      of_->add_feature_derivatives(b, see.group, of_re.data(), d_last[0] + position, stride);
      if constexpr (is_complex) of_->add_feature_derivatives(b, see.group, of_im.data(), d_last[1] + position, stride);
    }
  }

  std::shared_ptr<Of> of_;
  std::vector<double> parameters_;
  std::string description_;
};

template <bool is_complex>
std::unique_ptr<Factor> make(const Space& space, DeepNetwork network, std::shared_ptr<const Layout> layout,
                             double width, const std::function<double()>& normal, std::string description) {
  const Layout& l = *layout;
  std::vector<double> parameters(at(l.of_orbitals()));
  const auto put = [&](std::int64_t place, std::complex<double> value) {
    parameters[at(l.width() * place)] = value.real();
    if constexpr (is_complex) parameters[at(2 * place + 1)] = value.imag();
  };
  for (std::size_t b = 0; b < l.blocks.size(); ++b) {
    const DeterminantBlock& block = l.blocks[b];
    const int n = block.columns();
    double square = 0;
    int rows = 0;
    for (int r = 0; r < block.rows(); ++r) {
      const bool sees = block.features[at(r)].group >= 0;
      for (int k = 0; k < n; ++k) put((sees ? l.bare : 0) + l.base_at[b][at(r)] + k, block.orbitals(r, k));
      if (!sees) continue;
      square += block.orbitals.row(r).squaredNorm();
      ++rows;
    }
    const double size = rows > 0 && n > 0 ? std::sqrt(square / rows / n) : 0.0;
    const double scale = width * size / std::sqrt(static_cast<double>(l.channels));
    for (int g = 0; g < l.groups[b]; ++g) {
      for (std::int64_t q = 0; q < static_cast<std::int64_t>(n) * l.channels; ++q) {
        const double re = scale * normal();
        put(l.bare + l.seen + l.weight_at[b][at(g)] + q, {re, is_complex ? scale * normal() : 0.0});
      }
    }
  }
  const std::vector<double> of_network = network.initial_parameters(normal);
  parameters.insert(parameters.end(), of_network.begin(), of_network.end());
  auto of = std::make_shared<DeterminantAmplitudes<is_complex>>(space, std::move(network), std::move(layout));
  return std::make_unique<NetworkDeterminant<is_complex>>(std::move(of), std::move(parameters), std::move(description));
}

}  // namespace

std::unique_ptr<Factor> make_network_determinant(const Space& space, DeepNetwork network,
                                                 std::vector<DeterminantBlock> blocks, bool is_complex, double width,
                                                 const std::function<double()>& normal, std::string description) {
  if (network.n_parameters() == 0) throw InternalError("the network of the orbitals has no parameters");
  const auto layout = std::make_shared<const Layout>(std::move(blocks), network.last(), is_complex);
  if (is_complex) return make<true>(space, std::move(network), layout, width, normal, std::move(description));
  return make<false>(space, std::move(network), layout, width, normal, std::move(description));
}

namespace {

/// One block of all blocks, whose orbitals stay on their places.
OrbitalBlock join(const std::vector<OrbitalBlock>& blocks) {
  OrbitalBlock all{blocks.front().place, blocks.front().particle, {}};
  for (const OrbitalBlock& b : blocks) {
    const Eigen::Index rows = all.orbitals.rows();
    const Eigen::Index columns = all.orbitals.cols();
    Eigen::MatrixXcd larger = Eigen::MatrixXcd::Zero(rows + b.orbitals.rows(), columns + b.orbitals.cols());
    larger.topLeftCorner(rows, columns) = all.orbitals;
    larger.bottomRightCorner(b.orbitals.rows(), b.orbitals.cols()) = b.orbitals;
    all.orbitals = std::move(larger);
  }
  return all;
}

}  // namespace

void NetworkDeterminantOptions::add_layers(const DeckSection& section, NetworkBuilder& builder) const {
  if (section.sections("layer").empty()) {
    for (const int units : channels.value_or(std::vector<int>{32})) {
      builder.add(make_dense(builder.next(), units));
      builder.add(make_activation(builder.next(), activation));
    }
    return;
  }
  if (channels) section.refuse("channels", "there is a list of layers too", "one of the two");
  builder.add_layers(section);
  if (builder.n_parameters() == 0) section.refuse("kind", "no layer has parameters", "one that has, as \"dense\"");
}

MeanField NetworkDeterminantOptions::initial(const FactorContext& context, bool is_complex,
                                             const std::function<double()>& normal) const {
  MeanField orbitals_of_all =
      initial_orbitals(orbitals, context.hamiltonian, context.lattice, context.seed, starts, is_complex, 0.0, normal);
  if (joined) orbitals_of_all.blocks = {join(orbitals_of_all.blocks)};
  return orbitals_of_all;
}

}  // namespace koushi
