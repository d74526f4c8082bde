#include "koushi/manybody/rbm.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <utility>

#include "koushi/manybody/rbm_kernel.hpp"
#include "outer_product_rows.hpp"
#include "stored_rows.hpp"
#include "tracked_wavefunction.hpp"

namespace koushi {

namespace {

/// ln cosh z without overflow: |Re z| - ln 2 + ln(1 + e^{-2|Re z|} e^{-+2i Im z}).
template <typename Scalar>
Scalar log_cosh(Scalar z) {
  if (std::real(z) < 0) z = -z;
  return z - std::numbers::ln2 + std::log(Scalar(1.0) + std::exp(-2.0 * z));
}

/// tanh z = (1 - e^{-2z}) / (1 + e^{-2z}) for Re z >= 0, odd.
template <typename Scalar>
Scalar stable_tanh(const Scalar& z) {
  const double sign = std::real(z) < 0 ? -1.0 : 1.0;
  const Scalar e = std::exp(-2.0 * sign * z);
  return sign * (Scalar(1.0) - e) / (Scalar(1.0) + e);
}

double standard_normal(std::uint64_t seed, std::uint64_t index) {
  const RandomBlock r = philox(seed, RandomPurpose::initial_parameters, index, 0, 0);
  const double u = 1.0 - uniform(r.word[0], r.word[1]);
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * uniform(r.word[2], r.word[3]));
}

template <typename Scalar>
Scalar value_at(const std::vector<double>& parameters, std::int64_t index) {
  if constexpr (std::is_same_v<Scalar, double>) {
    return parameters[static_cast<std::size_t>(index)];
  } else {
    return {parameters[static_cast<std::size_t>(2 * index)], parameters[static_cast<std::size_t>(2 * index + 1)]};
  }
}

template <bool is_complex, bool projected>
class Rbm {
 public:
  using Scalar = std::conditional_t<is_complex, std::complex<double>, double>;
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

  explicit Rbm(RbmOptions options);
  int n_sites() const { return options_.n_sites; }
  int table_columns() const {
    return shares() + (projected ? (2 * n_images() + simd_width() - 1) / simd_width() * simd_width() : 0);
  }
  const std::vector<double>& parameters() const { return parameters_; }
  void set_parameters(const std::vector<double>& parameters);
  bool embed(const std::vector<double>& parameters);
  RbmMoves<is_complex, projected> moves(const std::vector<SpinMove>& list) const;
  void refresh(const SpinBatch& batch) const;
  std::complex<double> log_amplitude(const std::int8_t* spins) const;
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows,
                                                   const SpinBatch& samples) const;
  bool holomorphic() const { return is_complex; }
  /// Rows of a symmetrised RBM are kept, of a dense one their factors s and t.
  double bytes_per_row() const;
  std::string description() const {
    return fmt::format("{} hidden units{}", n_hidden() / n_images(),
                       n_images() > 1 ? fmt::format(", {} images", n_images()) : "");
  }

 private:
  int n_hidden() const { return static_cast<int>(weights_.cols()); }
  template <typename SpinView, typename TableView>
  SlabMatrix<is_complex> symmetrised_rows(std::int64_t count, const SpinView& spins, const TableView& t) const;
  bool symmetrised() const { return options_.symmetry.size() > 1 || projected; }
  int n_images() const { return static_cast<int>(images_.size()); }
  int units_of_image() const { return n_filters_ * static_cast<int>(options_.symmetry.size()); }
  /// Hidden unit (c, f, g), and its place in a plane of a table (RbmMoves).
  int place(int unit) const { return unit / units_of_image() * padded_ + unit % units_of_image(); }
  int plane() const { return n_images() * padded_; }
  int shares() const { return (is_complex ? 2 : 1) * plane(); }
  void find_images();
  std::vector<std::complex<double>> log_images(const Vector& theta) const;
  static std::pair<std::complex<double>, std::vector<std::complex<double>>> shares_of(
      std::vector<std::complex<double>> logs);
  void expand();

  RbmOptions options_;
  int n_filters_ = 0;
  int n_visible_ = 0;
  int padded_ = 0;  ///< hidden units of an image, rounded up as RbmMoves wants it
  /// [c] permutations, the identity first, one of each coset c G of the projection's group
  std::vector<std::vector<int>> images_;
  std::vector<int> orbit_;  ///< [n_sites] -> visible bias
  static constexpr int columns_at_once = 4;
  std::vector<int> moved_;  ///< [k / 4][c][g][k % 4] -> c(g(k))
  std::vector<double> parameters_;
  Vector visible_;  ///< [n_sites]
  Vector hidden_;   ///< [n_hidden]
  Matrix weights_;  ///< [n_sites][n_hidden], units (c, f, g): image, filter, element of the group
};

template <bool is_complex, bool projected>
Rbm<is_complex, projected>::Rbm(RbmOptions options) : options_(std::move(options)) {
  const int n = options_.n_sites;
  if (options_.symmetry.empty()) {
    std::vector<int> identity(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) identity[static_cast<std::size_t>(i)] = i;
    options_.symmetry = {identity};
  }
  const int order = static_cast<int>(options_.symmetry.size());
  n_filters_ = (options_.density * n + order - 1) / order;
  find_images();
  orbit_.assign(static_cast<std::size_t>(n), -1);
  for (int i = 0; i < n; ++i) {
    if (orbit_[static_cast<std::size_t>(i)] >= 0) continue;
    for (const auto& c : images_) {
      for (const auto& g : options_.symmetry)
        orbit_[static_cast<std::size_t>(c[static_cast<std::size_t>(g[static_cast<std::size_t>(i)])])] = n_visible_;
    }
    ++n_visible_;
  }
  if (!options_.visible_bias) n_visible_ = 0;
  const std::int64_t count = n_visible_ + n_filters_ + static_cast<std::int64_t>(n_filters_) * n;
  parameters_.resize(static_cast<std::size_t>(count) * (is_complex ? 2 : 1));
  for (std::size_t p = 0; p < parameters_.size(); ++p)
    parameters_[p] = options_.width * standard_normal(options_.seed, p);
  for (int k = 0; k < n; k += columns_at_once) {
    for (const auto& c : images_) {
      for (const auto& g : options_.symmetry) {
        for (int q = k; q < k + columns_at_once; ++q)
          moved_.push_back(c[static_cast<std::size_t>(g[static_cast<std::size_t>(std::min(q, n - 1))])]);
      }
    }
  }
  const int unit = std::max(2, simd_width());  // RbmMoves wants an even number
  padded_ = (units_of_image() + unit - 1) / unit * unit;
  expand();
}

template <bool is_complex, bool projected>
void Rbm<is_complex, projected>::find_images() {
  images_ = {options_.symmetry[0]};
  std::set<std::vector<int>> known(options_.symmetry.begin(), options_.symmetry.end());
  for (const auto& c : options_.projection) {
    if (known.count(c) > 0) continue;
    images_.push_back(c);
    for (const auto& g : options_.symmetry) {
      std::vector<int> product;
      for (const int site : g) product.push_back(c[static_cast<std::size_t>(site)]);
      known.insert(std::move(product));
    }
  }
}

template <bool is_complex, bool projected>
void Rbm<is_complex, projected>::expand() {
  const int n = options_.n_sites;
  const int order = static_cast<int>(options_.symmetry.size());
  visible_ = Vector::Zero(n);
  hidden_.resize(n_images() * units_of_image());
  weights_.resize(n, n_images() * units_of_image());
  for (int i = 0; i < n && n_visible_ > 0; ++i)
    visible_(i) = value_at<Scalar>(parameters_, orbit_[static_cast<std::size_t>(i)]);
  for (int j = 0; j < n_hidden(); ++j) {
    const std::vector<int>& c = images_[static_cast<std::size_t>(j / units_of_image())];
    const int f = j % units_of_image() / order;
    const std::vector<int>& g = options_.symmetry[static_cast<std::size_t>(j % order)];
    hidden_(j) = value_at<Scalar>(parameters_, n_visible_ + f);
    for (int k = 0; k < n; ++k) {
      weights_(c[static_cast<std::size_t>(g[static_cast<std::size_t>(k)])], j) =
          value_at<Scalar>(parameters_, n_visible_ + n_filters_ + static_cast<std::int64_t>(f) * n + k);
    }
  }
}

template <bool is_complex, bool projected>
void Rbm<is_complex, projected>::set_parameters(const std::vector<double>& parameters) {
  parameters_ = parameters;
  expand();
}

template <bool is_complex, bool projected>
bool Rbm<is_complex, projected>::embed(const std::vector<double>& parameters) {
  const auto width = static_cast<std::size_t>(is_complex ? 2 : 1);
  const auto visible = static_cast<std::size_t>(n_visible_) * width;
  const std::size_t per_filter = (static_cast<std::size_t>(options_.n_sites) + 1) * width;
  if (parameters.size() > parameters_.size() || parameters.size() < visible ||
      (parameters.size() - visible) % per_filter != 0)
    return false;
  const std::size_t filters = (parameters.size() - visible) / per_filter;
  const std::size_t biases = filters * width;
  std::copy_n(parameters.begin(), visible + biases, parameters_.begin());
  std::copy(
      parameters.begin() + static_cast<std::ptrdiff_t>(visible + biases), parameters.end(),
      parameters_.begin() + static_cast<std::ptrdiff_t>(visible) + n_filters_ * static_cast<std::ptrdiff_t>(width));
  expand();
  return true;
}

template <bool is_complex, bool projected>
RbmMoves<is_complex, projected> Rbm<is_complex, projected>::moves(const std::vector<SpinMove>& moves) const {
  RbmMoves<is_complex, projected> tables;
  tables.n_sites = options_.n_sites;
  tables.padded = padded_;
  tables.images = n_images();
  tables.plane = plane();
  tables.tau = RealRows("koushi::manybody::tau", moves.size(), static_cast<std::size_t>(shares()));
  tables.lane_factor = Kokkos::View<Complex** [2]>("koushi::manybody::move_factor", moves.size(), images_.size());
  tables.sites = Kokkos::View<int* [2]>("koushi::manybody::move_sites", moves.size());
  const auto tau = Kokkos::create_mirror_view(tables.tau);
  const auto factor = Kokkos::create_mirror_view(tables.lane_factor);
  const auto sites = Kokkos::create_mirror_view(tables.sites);
  Kokkos::parallel_for(
      "koushi::manybody::move_table",
      Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(moves.size())), [&](int k) {
        const auto [i, j] = moves[static_cast<std::size_t>(k)];
        sites(k, 0) = i;
        sites(k, 1) = j;
        const Scalar bias = -2.0 * (visible_(i) - (j >= 0 ? visible_(j) : Scalar(0.0)));
        for (int c = 0; c < n_images(); ++c) {
          Scalar log_factor(0.0);
          for (int h = c * units_of_image(); h < (c + 1) * units_of_image(); ++h) {
            const Scalar delta = -2.0 * (weights_(i, h) - (j >= 0 ? weights_(j, h) : Scalar(0.0)));
            const Scalar tanh_delta = stable_tanh(delta);
            log_factor += log_cosh(delta);
            tau(k, place(h)) = std::real(tanh_delta);
            if constexpr (is_complex) tau(k, plane() + place(h)) = std::imag(tanh_delta);
          }
          const std::complex<double> plus = std::exp(std::complex<double>(log_factor + bias) /
                                                     static_cast<double>(RbmMoves<is_complex, projected>::lanes));
          const std::complex<double> minus = std::exp(std::complex<double>(log_factor - bias) /
                                                      static_cast<double>(RbmMoves<is_complex, projected>::lanes));
          factor(k, c, 0) = Complex(plus.real(), plus.imag());
          factor(k, c, 1) = Complex(minus.real(), minus.imag());
        }
      });
  Kokkos::deep_copy(tables.tau, tau);
  Kokkos::deep_copy(tables.lane_factor, factor);
  Kokkos::deep_copy(tables.sites, sites);
  return tables;
}

template <bool is_complex, bool projected>
void Rbm<is_complex, projected>::refresh(const SpinBatch& batch) const {
  const auto spins = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.spins);
  const auto t = Kokkos::create_mirror_view(batch.table);
  Kokkos::parallel_for("koushi::manybody::refresh",
                       Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(spins.extent(0))),
                       [&](int w) {
                         Vector theta = hidden_;
                         for (int i = 0; i < options_.n_sites; ++i) {
                           if (spins(w, i) > 0) {
                             theta += weights_.row(i).transpose();
                           } else {
                             theta -= weights_.row(i).transpose();
                           }
                         }
                         for (int j = 0; j < n_hidden(); ++j) {
                           const Scalar value = stable_tanh<Scalar>(theta(j));
                           t(w, place(j)) = std::real(value);
                           if constexpr (is_complex) t(w, plane() + place(j)) = std::imag(value);
                         }
                         if (!projected) return;
                         const std::vector<std::complex<double>> share = shares_of(log_images(theta)).second;
                         for (int c = 0; c < n_images(); ++c) {
                           t(w, shares() + 2 * c) = share[static_cast<std::size_t>(c)].real();
                           t(w, shares() + 2 * c + 1) = share[static_cast<std::size_t>(c)].imag();
                         }
                       });
  Kokkos::deep_copy(batch.table, t);
}

template <bool is_complex, bool projected>
std::complex<double> Rbm<is_complex, projected>::log_amplitude(const std::int8_t* spins) const {
  std::complex<double> sum = 0;
  Vector theta = hidden_;
  for (int i = 0; i < options_.n_sites; ++i) {
    sum += static_cast<double>(spins[i]) * visible_(i);
    theta += static_cast<double>(spins[i]) * weights_.row(i).transpose();
  }
  return sum + shares_of(log_images(theta)).first;
}

template <bool is_complex, bool projected>
std::vector<std::complex<double>> Rbm<is_complex, projected>::log_images(const Vector& theta) const {
  std::vector<std::complex<double>> logs(images_.size());
  for (int j = 0; j < n_hidden(); ++j)
    logs[static_cast<std::size_t>(j / units_of_image())] += log_cosh<Scalar>(theta(j));
  return logs;
}

/// ln sum_c e^(l_c) and the shares e^(l_c) of the sum.
template <bool is_complex, bool projected>
std::pair<std::complex<double>, std::vector<std::complex<double>>> Rbm<is_complex, projected>::shares_of(
    std::vector<std::complex<double>> logs) {
  if (logs.size() == 1) return {logs[0], {1.0}};
  const double largest = std::max_element(logs.begin(), logs.end(), [](const auto& a, const auto& b) {
                           return a.real() < b.real();
                         })->real();
  std::complex<double> sum = 0;
  for (auto& value : logs) sum += value = std::exp(value - largest);
  for (auto& value : logs) value /= sum;
  return {largest + std::log(sum), logs};
}

template <bool is_complex, bool projected>
std::unique_ptr<DistributedRows> Rbm<is_complex, projected>::log_derivatives(const Communicator& comm, RowRange rows,
                                                                             const SpinBatch& samples) const {
  const auto spins = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, samples.spins);
  const auto t = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, samples.table);
  if (symmetrised())
    return std::make_unique<StoredRows<is_complex>>(comm, rows, n_filters_ * (n_sites() + 1) + n_visible_,
                                                    symmetrised_rows(rows.count, spins, t));
  SlabMatrix<false> s(n_sites(), rows.count);
  SlabMatrix<is_complex> tanh_theta(n_hidden(), rows.count);
  Kokkos::parallel_for("koushi::manybody::rows",
                       Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(rows.count)),
                       [&](int w) {
                         for (int i = 0; i < n_sites(); ++i) s.re(s.at(i, w)) = spins(w, i);
                         for (int j = 0; j < n_hidden(); ++j) {
                           tanh_theta.re(tanh_theta.at(j, w)) = t(w, place(j));
                           if constexpr (is_complex) tanh_theta.im(tanh_theta.at(j, w)) = t(w, plane() + place(j));
                         }
                       });
  return std::make_unique<OuterProductRows<is_complex>>(comm, rows, n_sites(), n_hidden(), std::move(s),
                                                        std::move(tanh_theta), n_visible_ > 0);
}

/// A row is sum_cg of the outer products moved back by c g, d log psi / d w_fk = sum_cg p_c t_cfg s_c(g(k)), for as
/// many samples at once as a vector has lanes.
template <bool is_complex, bool projected>
template <typename SpinView, typename TableView>
SlabMatrix<is_complex> Rbm<is_complex, projected>::symmetrised_rows(std::int64_t count, const SpinView& spins,
                                                                    const TableView& t) const {
  constexpr int width = simd_width();
  const int n = n_sites();
  const int order = static_cast<int>(options_.symmetry.size());
  const int units = n_images() * order;  // of a filter
  SlabMatrix<is_complex> rows(n_filters_ * (n + 1) + n_visible_, count);
  Kokkos::parallel_for(
      "koushi::manybody::symmetrised_rows",
      Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>((count + width - 1) / width)),
      [&](int vector) {
        const int first = vector * width;
        const int lanes = static_cast<int>(std::min<std::int64_t>(width, count - first));
        std::vector<double> s(static_cast<std::size_t>(n * width));
        std::vector<double> table(static_cast<std::size_t>(2 * n_hidden() * width));
        for (int l = 0; l < lanes; ++l) {
          for (int i = 0; i < n; ++i) s[static_cast<std::size_t>(i * width + l)] = spins(first + l, i);
          for (int j = 0; j < n_hidden(); ++j) {
            const int c = j / units_of_image();
            const int to = j % units_of_image() / order * units + c * order + j % order;  // [f][c][g]
            std::complex<double> value(t(first + l, place(j)), is_complex ? t(first + l, plane() + place(j)) : 0.0);
            if (projected)
              value *= std::complex<double>(t(first + l, shares() + 2 * c), t(first + l, shares() + 2 * c + 1));
            table[static_cast<std::size_t>(2 * to * width + l)] = value.real();
            table[static_cast<std::size_t>((2 * to + 1) * width + l)] = value.imag();
          }
        }
        const auto put = [&](int column, const Simd& re, const Simd& im) {
          const std::int64_t to = rows.at(column, first);
          double values[2][width];
          store(re, values[0]);
          store(im, values[1]);
          for (int l = 0; l < lanes; ++l) {
            rows.re.data()[to + l * slab_rows] = values[0][l];
            if constexpr (is_complex) rows.im.data()[to + l * slab_rows] = values[1][l];
          }
        };
        for (int i = 0; i < n && n_visible_ > 0; ++i) {
          for (int l = 0; l < lanes; ++l)
            rows.re(rows.at(orbit_[static_cast<std::size_t>(i)], first + l)) +=
                s[static_cast<std::size_t>(i * width + l)];
        }
        for (int f = 0; f < n_filters_; ++f) {
          const double* filter = table.data() + static_cast<std::ptrdiff_t>(2 * f * units * width);
          Simd re(0.0);
          Simd im(0.0);
          for (int g = 0; g < units; ++g) {
            re = re + load(filter + 2 * g * width);
            im = im + load(filter + (2 * g + 1) * width);
          }
          put(n_visible_ + f, re, im);
          for (int k = 0; k < n; k += columns_at_once) {
            Simd sum[2][columns_at_once];
            unrolled<columns_at_once>([&](auto q) { sum[0][q] = sum[1][q] = Simd(0.0); });
            const int* from = moved_.data() + static_cast<std::ptrdiff_t>(k) * units;
            for (int g = 0; g < units; ++g, from += columns_at_once) {
              const Simd tr = load(filter + 2 * g * width);
              const Simd ti = load(filter + (2 * g + 1) * width);
              unrolled<columns_at_once>([&](auto q) {
                const Simd moved = load(s.data() + from[q] * width);
                sum[0][q] = Kokkos::fma(tr, moved, sum[0][q]);
                if constexpr (is_complex) sum[1][q] = Kokkos::fma(ti, moved, sum[1][q]);
              });
            }
            unrolled<columns_at_once>([&](auto q) {
              if (k + q < n) put(n_visible_ + n_filters_ + f * n + k + q, sum[0][q], sum[1][q]);
            });
          }
        }
      });
  return rows;
}

template <bool is_complex, bool projected>
double Rbm<is_complex, projected>::bytes_per_row() const {
  // by sample and by unit
  const auto numbers =
      symmetrised() ? static_cast<double>(parameters_.size()) : 2 * (n_sites() + (is_complex ? 2.0 : 1.0) * n_hidden());
  return numbers * sizeof(double);
}

}  // namespace

std::unique_ptr<SpinWavefunction> make_rbm(const RbmOptions& options) {
  const auto make = [&]<bool is_complex, bool projected>() -> std::unique_ptr<SpinWavefunction> {
    return std::make_unique<TrackedWavefunction<Rbm<is_complex, projected>>>(Rbm<is_complex, projected>(options));
  };
  if (options.projection.empty())
    return options.complex_weights ? make.template operator()<true, false>() : make.template operator()<false, false>();
  return options.complex_weights ? make.template operator()<true, true>() : make.template operator()<false, true>();
}

}  // namespace koushi
