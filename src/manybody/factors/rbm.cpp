#include "koushi/manybody/rbm.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <utility>

#include "../outer_product_rows.hpp"
#include "../stored_rows.hpp"
#include "koushi/base/lane_functions.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/refuse_beyond_memory.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/rbm_kernel.hpp"

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

template <typename Scalar>
Scalar value_at(const std::vector<double>& parameters, std::int64_t index) {
  if constexpr (std::is_same_v<Scalar, double>) {
    return parameters[static_cast<std::size_t>(index)];
  } else {
    return {parameters[static_cast<std::size_t>(2 * index)], parameters[static_cast<std::size_t>(2 * index + 1)]};
  }
}

template <bool is_complex, bool projected>
class Rbm final : public Factor {
 public:
  using Scalar = std::conditional_t<is_complex, std::complex<double>, double>;
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

  Rbm(const Space& space, RbmOptions options);
  int columns() const override {
    return shares() + (projected ? (2 * n_images() + simd_width() - 1) / simd_width() * simd_width() : 0);
  }
  const std::vector<double>& parameters() const override { return parameters_; }
  void set_parameters(const std::vector<double>& parameters) override;
  bool embed(const std::vector<double>& parameters) override;
  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& list, const MoveList& on_device,
                                     int first) const override;
  void refresh(const HostState& state, double* table) const override;
  std::complex<double> log_amplitude(const HostState& state) const override;
  void refresh_all(const HostStates& states, const RealRows::host_mirror_type& table, int first) const override;
  void add_log_amplitudes(const HostStates& states, std::complex<double>* sums) const override;
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const HostStates& states,
                                                   const RealRows::host_mirror_type& table, int first) const override;
  bool holomorphic() const override { return is_complex; }
  bool is_positive() const override { return !is_complex; }
  bool keeps_total_spin() const override { return options_.inputs == RbmInputs::charges; }
  bool is_invariant(const std::vector<int>& g) const override {
    const auto has = [&](const auto& group) { return std::find(group.begin(), group.end(), g) != group.end(); };
    return has(options_.symmetry) || has(options_.projection);
  }
  bool rows_need_tables() const override { return true; }
  /// Rows of a symmetrised RBM are kept, of a dense one their factors s and t.
  double bytes_per_row() const override;
  std::string description() const override {
    return fmt::format("{} hidden units{}", n_hidden() / n_images(),
                       n_images() > 1 ? fmt::format(", {} images", n_images()) : "");
  }

 private:
  int n_hidden() const { return static_cast<int>(weights_.cols()); }
  int n_places() const { return space_.n_places(); }
  SlabMatrix<is_complex> symmetrised_rows(std::int64_t count, const HostStates& states,
                                          const RealRows::host_mirror_type& t, int first) const;
  /// What place p holds, from -1 to 1.
  double input(const HostState& state, int p) const { return space_.local(p).centred(state.local[p]); }
  /// s_k, k = 0 ... n_inputs_ - 1, to `inputs`.
  void put_inputs(const HostState& state, double* inputs, std::ptrdiff_t stride) const {
    for (int k = 0; k < n_inputs_; ++k) inputs[k * stride] = 0;
    for (int p = 0; p < n_places(); ++p) {
      const auto at = static_cast<std::size_t>(p);
      if (share_[at] != 0) inputs[input_of_[at] * stride] += share_[at] * input(state, p);
    }
  }
  /// Its change by x_p -> x_p + c.
  double input_change(int p, int c) const { return 2.0 * c / (space_.local(p).max - space_.local(p).min); }
  bool symmetrised() const { return options_.symmetry.size() > 1 || projected; }
  int n_images() const { return static_cast<int>(images_.size()); }
  int units_of_image() const { return n_filters_ * static_cast<int>(options_.symmetry.size()); }
  /// Hidden unit (c, f, g), and its place in a plane of a table (RbmMoves).
  int place(int unit) const { return unit / units_of_image() * padded_ + unit % units_of_image(); }
  int plane() const { return n_images() * padded_; }
  /// States that are looked at together, a vector of numbers each.
  static constexpr int together = 2 * simd_width();
  template <typename Body>
  void for_theta(const HostStates& states, const Body& body) const;
  int shares() const { return (is_complex ? 2 : 1) * plane(); }
  void find_inputs();
  void find_images();
  /// A permutation of the places as one of the inputs.
  std::vector<int> of_inputs(const std::vector<int>& g) const {
    std::vector<int> moved(static_cast<std::size_t>(n_inputs_));
    for (std::size_t p = 0; p < g.size(); ++p) {
      if (share_[p] != 0) moved[static_cast<std::size_t>(input_of_[p])] = input_of_[static_cast<std::size_t>(g[p])];
    }
    return moved;
  }
  std::vector<std::complex<double>> log_images(const Vector& theta) const;
  static std::pair<std::complex<double>, std::vector<std::complex<double>>> shares_of(
      std::vector<std::complex<double>> logs);
  void expand();

  Space space_;
  RbmOptions options_;  ///< symmetry and projection as permutations of places
  int n_inputs_ = 0;
  std::vector<int> input_of_;  ///< [places]: the input that it is part of
  std::vector<double> share_;  ///< [places]: its factor there; 0: of none
  int n_filters_ = 0;
  int n_visible_ = 0;
  int padded_ = 0;  ///< hidden units of an image, rounded up as RbmMoves wants it
  /// [c] permutations of places, the identity first, one of each coset c G of the projection's group
  std::vector<std::vector<int>> images_;
  std::vector<int> orbit_;  ///< [inputs] -> visible bias
  static constexpr int columns_at_once = 4;
  std::vector<int> moved_;  ///< [k / 4][c][g][k % 4] -> c(g(k))
  std::vector<double> parameters_;
  Vector visible_;  ///< [places]
  Vector hidden_;   ///< [n_hidden]
  Matrix weights_;  ///< [places][n_hidden], units (c, f, g): image, filter, element of the group
};

template <bool is_complex, bool projected>
Rbm<is_complex, projected>::Rbm(const Space& space, RbmOptions options) : space_(space), options_(std::move(options)) {
  const int n = n_places();
  for (auto* group : {&options_.symmetry, &options_.projection}) {
    for (std::vector<int>& g : *group) {
      const std::vector<int> of_sites = std::exchange(g, {});
      for (int p = 0; p < n; ++p) {
        g.push_back(space_.place(space_.flavour_of(p), of_sites[static_cast<std::size_t>(space_.site_of(p))]));
      }
    }
  }
  if (options_.symmetry.empty()) {
    std::vector<int> identity(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) identity[static_cast<std::size_t>(i)] = i;
    options_.symmetry = {identity};
  }
  const int order = static_cast<int>(options_.symmetry.size());
  n_filters_ = (options_.density * space_.n_sites() + order - 1) / order;
  find_images();
  find_inputs();
  std::vector<std::vector<int>> moved;  // c(g(k)) of inputs k: [c][g]
  for (const auto& c : images_) {
    const std::vector<int> image = of_inputs(c);
    for (const auto& g : options_.symmetry) {
      moved.push_back(of_inputs(g));
      for (int& k : moved.back()) k = image[static_cast<std::size_t>(k)];
    }
  }
  orbit_.assign(static_cast<std::size_t>(n_inputs_), -1);
  for (int i = 0; i < n_inputs_; ++i) {
    if (orbit_[static_cast<std::size_t>(i)] >= 0) continue;
    for (const auto& g : moved) orbit_[static_cast<std::size_t>(g[static_cast<std::size_t>(i)])] = n_visible_;
    ++n_visible_;
  }
  if (!options_.visible_bias) n_visible_ = 0;
  const std::int64_t count = n_visible_ + n_filters_ + static_cast<std::int64_t>(n_filters_) * n_inputs_;
  parameters_.resize(static_cast<std::size_t>(count) * (is_complex ? 2 : 1));
  for (std::size_t p = 0; p < parameters_.size(); ++p)
    parameters_[p] = options_.width * initial_normal(options_.seed, options_.stream, p);
  for (int k = 0; k < n_inputs_; k += columns_at_once) {
    for (const auto& g : moved) {
      for (int q = k; q < k + columns_at_once; ++q)
        moved_.push_back(g[static_cast<std::size_t>(std::min(q, n_inputs_ - 1))]);
    }
  }
  const int unit = std::max(2, simd_width());  // RbmMoves wants an even number
  padded_ = (units_of_image() + unit - 1) / unit * unit;
  expand();
}

template <bool is_complex, bool projected>
void Rbm<is_complex, projected>::find_inputs() {
  const bool of_sites = options_.inputs != RbmInputs::places;
  n_inputs_ = of_sites ? space_.n_sites() : n_places();
  for (int p = 0; p < n_places(); ++p) {
    const int flavour = space_.flavour_of(p);
    input_of_.push_back(of_sites ? space_.site_of(p) : p);
    share_.push_back(!of_sites                               ? 1
                     : !space_.is_fermionic(p)               ? 0
                     : options_.inputs == RbmInputs::charges ? 0.5
                                                             : 0.5 - flavour);
  }
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
  const int n = n_places();
  const int order = static_cast<int>(options_.symmetry.size());
  visible_ = Vector::Zero(n);
  hidden_.resize(n_images() * units_of_image());
  weights_.resize(n, n_images() * units_of_image());
  Matrix of_inputs(n_inputs_, weights_.cols());
  for (int j = 0; j < n_hidden(); ++j) {
    const int c = j / units_of_image();
    const int f = j % units_of_image() / order;
    hidden_(j) = value_at<Scalar>(parameters_, n_visible_ + f);
    for (int k = 0; k < n_inputs_; ++k) {
      const int unit = c * order + j % order;
      const int to = moved_[static_cast<std::size_t>(
          (k / columns_at_once * n_images() * order + unit) * columns_at_once + k % columns_at_once)];
      of_inputs(to, j) =
          value_at<Scalar>(parameters_, n_visible_ + n_filters_ + static_cast<std::int64_t>(f) * n_inputs_ + k);
    }
  }
  for (int p = 0; p < n; ++p) {
    const auto at = static_cast<std::size_t>(p);
    weights_.row(p) = share_[at] * of_inputs.row(input_of_[at]);
    if (n_visible_ > 0)
      visible_(p) = share_[at] * value_at<Scalar>(parameters_, orbit_[static_cast<std::size_t>(input_of_[at])]);
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
  const std::size_t per_filter = (static_cast<std::size_t>(n_inputs_) + 1) * width;
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
std::unique_ptr<FactorMoves> Rbm<is_complex, projected>::moves(const std::vector<Move>& list, const MoveList& on_device,
                                                               int first) const {
  using Functor = RbmMoves<is_complex, projected>;
  Functor tables;
  tables.padded = padded_;
  tables.images = n_images();
  tables.plane = plane();
  tables.first = first;
  tables.moves = on_device;
  tables.tau = RealRows("koushi::manybody::tau", list.size(), static_cast<std::size_t>(shares()));
  tables.lane_factor = Kokkos::View<Complex** [2]>("koushi::manybody::move_factor", list.size(), images_.size());
  const auto tau = Kokkos::create_mirror_view(tables.tau);
  const auto factor = Kokkos::create_mirror_view(tables.lane_factor);
  Kokkos::parallel_for("koushi::manybody::move_table",
                       Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(list.size())),
                       [&](int k) {
                         const Move& move = list[static_cast<std::size_t>(k)];
                         double change[MoveSites::max_places];
                         Scalar bias(0.0);
                         for (int p = 0; p < move.n; ++p) {
                           const auto m = static_cast<std::size_t>(p);
                           change[p] = input_change(move.place[m], move.change[m]);
                           bias += change[p] * visible_(move.place[m]);
                         }
                         for (int c = 0; c < n_images(); ++c) {
                           Scalar log_factor(0.0);
                           for (int h = c * units_of_image(); h < (c + 1) * units_of_image(); ++h) {
                             Scalar delta(0.0);
                             for (int p = 0; p < move.n; ++p)
                               delta += change[p] * weights_(move.place[static_cast<std::size_t>(p)], h);
                             const Scalar tanh_delta = stable_tanh(delta);
                             log_factor += log_cosh(delta);
                             tau(k, place(h)) = std::real(tanh_delta);
                             if constexpr (is_complex) tau(k, plane() + place(h)) = std::imag(tanh_delta);
                           }
                           const std::complex<double> plus =
                               std::exp(std::complex<double>(log_factor + bias) / static_cast<double>(Functor::lanes));
                           const std::complex<double> minus =
                               std::exp(std::complex<double>(log_factor - bias) / static_cast<double>(Functor::lanes));
                           factor(k, c, 0) = Complex(plus.real(), plus.imag());
                           factor(k, c, 1) = Complex(minus.real(), minus.imag());
                         }
                       });
  Kokkos::deep_copy(tables.tau, tau);
  Kokkos::deep_copy(tables.lane_factor, factor);
  return std::make_unique<FunctorMoves<Functor>>(std::move(tables));
}

template <bool is_complex, bool projected>
void Rbm<is_complex, projected>::refresh(const HostState& state, double* t) const {
  Vector theta = hidden_;
  for (int p = 0; p < n_places(); ++p) theta += input(state, p) * weights_.row(p).transpose();
  for (int j = 0; j < n_hidden(); ++j) {
    const Scalar value = stable_tanh<Scalar>(theta(j));
    t[place(j)] = std::real(value);
    if constexpr (is_complex) t[plane() + place(j)] = std::imag(value);
  }
  if (!projected) return;
  const std::vector<std::complex<double>> share = shares_of(log_images(theta)).second;
  for (int c = 0; c < n_images(); ++c) {
    t[shares() + 2 * c] = share[static_cast<std::size_t>(c)].real();
    t[shares() + 2 * c + 1] = share[static_cast<std::size_t>(c)].imag();
  }
}

template <bool is_complex, bool projected>
std::complex<double> Rbm<is_complex, projected>::log_amplitude(const HostState& state) const {
  std::complex<double> sum = 0;
  Vector theta = hidden_;
  for (int p = 0; p < n_places(); ++p) {
    const double s = input(state, p);
    sum += s * visible_(p);
    theta += s * weights_.row(p).transpose();
  }
  return sum + shares_of(log_images(theta)).first;
}

/// body(first, count, input, theta) for blocks of states: their input [place][together] and theta, of hidden unit j
/// re [j][together] and behind all of them im. Cost: 2 (complex) or 1 FMA per weight and state.
template <bool is_complex, bool projected>
template <typename Body>
void Rbm<is_complex, projected>::for_theta(const HostStates& states, const Body& body) const {
  constexpr int width = simd_width();
  constexpr int parts = is_complex ? 2 : 1;
  constexpr int units = 4;
  const int n = n_places();
  const int hidden = n_hidden();
  const int count = states.count();
  Kokkos::parallel_for(
      "koushi::manybody::rbm_theta",
      Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, (count + together - 1) / together), [&](int b) {
        thread_local std::vector<double> input;
        thread_local std::vector<double> theta;
        input.assign(static_cast<std::size_t>(n) * together, 0.0);
        theta.resize(static_cast<std::size_t>(parts) * static_cast<std::size_t>(hidden) * together);
        const int first = b * together;
        const int here = std::min(together, count - first);
        for (int s = 0; s < here; ++s) {
          const HostState state = states.at(first + s);
          for (int p = 0; p < n; ++p) input[static_cast<std::size_t>(p * together + s)] = this->input(state, p);
        }
        const auto* weights = reinterpret_cast<const double*>(weights_.data());
        const auto* biases = reinterpret_cast<const double*>(hidden_.data());
        const auto some_units = [&](int j, auto n_units) {
          constexpr int numbers = decltype(n_units)::value * parts;
          Simd sum[numbers][2];
          unrolled<numbers>([&](auto k) { sum[k][0] = sum[k][1] = Simd(biases[parts * j + k]); });
          for (int p = 0; p < n; ++p) {
            const double* w = weights + (static_cast<std::ptrdiff_t>(p) * hidden + j) * parts;
            const Simd low = load(&input[static_cast<std::size_t>(p) * together]);
            const Simd high = load(&input[static_cast<std::size_t>(p) * together + width]);
            unrolled<numbers>([&](auto k) {
              const Simd factor(w[k]);
              sum[k][0] = Kokkos::fma(factor, low, sum[k][0]);
              sum[k][1] = Kokkos::fma(factor, high, sum[k][1]);
            });
          }
          unrolled<numbers>([&](auto k) {
            double* to = &theta[static_cast<std::size_t>((k % parts * hidden + j + k / parts) * together)];
            store(sum[k][0], to);
            store(sum[k][1], to + width);
          });
        };
        int j = 0;
        for (; j + units <= hidden; j += units) some_units(j, std::integral_constant<int, units>{});
        for (; j < hidden; ++j) some_units(j, std::integral_constant<int, 1>{});
        body(first, here, input.data(), theta.data());
      });
}

template <bool is_complex, bool projected>
void Rbm<is_complex, projected>::refresh_all(const HostStates& states, const RealRows::host_mirror_type& table,
                                             int first) const {
  if constexpr (projected) {
    Factor::refresh_all(states, table, first);
  } else {
    const int hidden = n_hidden();
    for_theta(states, [&](int begin, int count, const double* /*input*/, const double* theta) {
      for (int j = 0; j < hidden; ++j) {
        double t[2][together];
        for (int v = 0; v < together; v += simd_width()) {
          const Simd re = load(theta + j * together + v);
          if constexpr (is_complex) {
            Simd t_re;
            Simd t_im;
            lane_tanh(re, load(theta + (hidden + j) * together + v), t_re, t_im);
            store(t_re, t[0] + v);
            store(t_im, t[1] + v);
          } else {
            store(lane_tanh(re), t[0] + v);
          }
        }
        for (int s = 0; s < count; ++s) {
          double* row = table.data() + static_cast<std::size_t>(begin + s) * table.extent(1) + first;
          row[place(j)] = t[0][s];
          if constexpr (is_complex) row[plane() + place(j)] = t[1][s];
        }
      }
    });
  }
}

template <bool is_complex, bool projected>
void Rbm<is_complex, projected>::add_log_amplitudes(const HostStates& states, std::complex<double>* sums) const {
  if constexpr (projected) {
    Factor::add_log_amplitudes(states, sums);
  } else {
    const int hidden = n_hidden();
    for_theta(states, [&](int begin, int count, const double* input, const double* theta) {
      double re[together];
      double im[together] = {};
      for (int v = 0; v < together; v += simd_width()) {
        Simd sum(0.0);
        LogCoshSum<Simd> all;
        for (int j = 0; j < hidden; ++j) {
          const Simd x = load(theta + j * together + v);
          if constexpr (is_complex) {
            all.add(x, load(theta + (hidden + j) * together + v));
            if (j % 8 == 7) all.take_modulus_out();
          } else {
            sum = sum + lane_log_cosh(x);
          }
        }
        if constexpr (is_complex) {
          all.take_modulus_out();
          double parts[2][simd_width()];
          store(all.re, re + v);
          store(all.im, im + v);
          store(all.product_re, parts[0]);
          store(all.product_im, parts[1]);
          for (int l = 0; l < simd_width(); ++l) im[v + l] += std::atan2(parts[1][l], parts[0][l]);
        } else {
          store(sum, re + v);
        }
      }
      for (int s = 0; s < count; ++s) {
        std::complex<double> bias = 0;
        for (int p = 0; p < n_places() && n_visible_ > 0; ++p) bias += input[p * together + s] * visible_(p);
        sums[begin + s] += bias + std::complex<double>(re[s], im[s]);
      }
    });
  }
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
                                                                             const HostStates& states,
                                                                             const RealRows::host_mirror_type& t,
                                                                             int first) const {
  const int n = n_inputs_;
  if (symmetrised()) {
    return std::make_unique<StoredRows<is_complex>>(comm, rows, n_filters_ * (n + 1) + n_visible_,
                                                    symmetrised_rows(rows.count, states, t, first));
  }
  SlabMatrix<false> s(n, rows.count);
  SlabMatrix<is_complex> tanh_theta(n_hidden(), rows.count);
  Kokkos::parallel_for("koushi::manybody::rows",
                       Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(rows.count)),
                       [&](int w) {
                         thread_local std::vector<double> inputs;
                         inputs.resize(static_cast<std::size_t>(n));
                         put_inputs(states.at(w), inputs.data(), 1);
                         for (int k = 0; k < n; ++k) s.re(s.at(k, w)) = inputs[static_cast<std::size_t>(k)];
                         for (int j = 0; j < n_hidden(); ++j) {
                           tanh_theta.re(tanh_theta.at(j, w)) = t(w, first + place(j));
                           if constexpr (is_complex) {
                             tanh_theta.im(tanh_theta.at(j, w)) = t(w, first + plane() + place(j));
                           }
                         }
                       });
  return std::make_unique<OuterProductRows<is_complex>>(comm, rows, n, n_hidden(), std::move(s), std::move(tanh_theta),
                                                        n_visible_ > 0);
}

/// A row is sum_cg of the outer products moved back by c g, d log psi / d w_fk = sum_cg p_c t_cfg s_c(g(k)), for as
/// many samples at once as a vector has lanes.
template <bool is_complex, bool projected>
SlabMatrix<is_complex> Rbm<is_complex, projected>::symmetrised_rows(std::int64_t count, const HostStates& states,
                                                                    const RealRows::host_mirror_type& t,
                                                                    int first_column) const {
  constexpr int width = simd_width();
  const int n = n_inputs_;
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
          put_inputs(states.at(first + l), s.data() + l, width);
          for (int j = 0; j < n_hidden(); ++j) {
            const int c = j / units_of_image();
            const int to = j % units_of_image() / order * units + c * order + j % order;  // [f][c][g]
            std::complex<double> value(t(first + l, first_column + place(j)),
                                       is_complex ? t(first + l, first_column + plane() + place(j)) : 0.0);
            if (projected)
              value *= std::complex<double>(t(first + l, first_column + shares() + 2 * c),
                                            t(first + l, first_column + shares() + 2 * c + 1));
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
      symmetrised() ? static_cast<double>(parameters_.size()) : 2 * (n_inputs_ + (is_complex ? 2.0 : 1.0) * n_hidden());
  return numbers * sizeof(double);
}

}  // namespace

std::unique_ptr<Factor> make_rbm(const Space& space, const RbmOptions& options) {
  const auto make = [&]<bool is_complex, bool projected>() -> std::unique_ptr<Factor> {
    return std::make_unique<Rbm<is_complex, projected>>(space, options);
  };
  if (options.projection.empty()) {
    return options.complex_weights ? make.template operator()<true, false>() : make.template operator()<false, false>();
  }
  return options.complex_weights ? make.template operator()<true, true>() : make.template operator()<false, true>();
}

namespace {

enum class Weights { real, complex };

struct RbmKeys {
  Weights weights = Weights::complex;
  int density = 1;
  SiteSymmetry symmetry = SiteSymmetry::none;
  SiteSymmetry projection = SiteSymmetry::none;
  RbmInputs inputs = RbmInputs::places;
  bool visible_bias = false;
  double width = 0.02;

  static const Keys<RbmKeys>& keys() {
    static const auto all =
        Keys<RbmKeys>()
            .choice("weights", &RbmKeys::weights, {{"real", Weights::real}, {"complex", Weights::complex}},
                    "real weights give positive factors")
            .integer("density", &RbmKeys::density, {1, 1024}, "hidden units per site")
            .grows()
            .choice("symmetry", &RbmKeys::symmetry, symmetry_words,
                    "filters run over the translations that are symmetries of H, or over these with rotations and "
                    "reflections: the factor is invariant under them")
            .choice("projection", &RbmKeys::projection, symmetry_words,
                    "the factor is the sum of such RBMs over the images of the state under this group: invariant too, "
                    "closer than more filters of the same cost, which is that of an RBM per image")
            .grows()
            .boolean("visible_bias", &RbmKeys::visible_bias, "a_i")
            .choice("inputs", &RbmKeys::inputs,
                    {{"all", RbmInputs::places}, {"charges", RbmInputs::charges}, {"spins", RbmInputs::spins}},
                    "all: what every flavour holds at every site; of electrons also charges, n_up + n_down - 1, which "
                    "keep a total spin, or spins, n_up - n_down")
            .real("width", &RbmKeys::width, {positive_number}, "standard deviation of initial parameters")
            .initial();
    return all;
  }
};

std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const RbmKeys keys = RbmKeys::keys().read(section);
  const std::vector<LocalSpace>& flavours = context.hamiltonian.space().flavours();
  if (keys.inputs != RbmInputs::places && std::count_if(flavours.begin(), flavours.end(), [](const LocalSpace& f) {
                                            return f.kind == LocalSpace::Kind::fermion;
                                          }) != 2)
    section.refuse("inputs", "these states have no electrons of two spins", "\"all\"");
  const RbmOptions options{.complex_weights = keys.weights == Weights::complex,
                           .density = keys.density,
                           .visible_bias = keys.visible_bias,
                           .symmetry = symmetry_group(keys.symmetry, context.lattice, context.hamiltonian),
                           .projection = symmetry_group(keys.projection, context.lattice, context.hamiltonian),
                           .inputs = keys.inputs,
                           .width = keys.width,
                           .seed = context.seed,
                           .stream = context.stream};
  const double group = static_cast<double>(std::max<std::size_t>(1, options.symmetry.size()));
  const double images = std::max(1.0, static_cast<double>(options.projection.size()) / group);
  const double places = context.hamiltonian.space().n_places();
  const double hidden =
      std::ceil(options.density * context.lattice.n_sites() / group) * group * (options.complex_weights ? 2 : 1);
  const double moves = 2.0 * static_cast<double>(context.hamiltonian.moves().size());
  const double bytes = hidden * 8 * (images * (places + moves) + 6 * places / group);
  refuse_beyond_memory(section, "density", "the weights, the table of moves and a few vectors of the solver", bytes);
  return make_rbm(context.hamiltonian.space(), options);
}

}  // namespace

FactorKind rbm_kind() {
  return {.name = "rbm",
          .help = "restricted Boltzmann machine, log psi = sum a s + sum ln cosh(b + W s)",
          .keys = RbmKeys::keys().list(),
          .make = make,
          .in_template = true};
}

}  // namespace koushi
