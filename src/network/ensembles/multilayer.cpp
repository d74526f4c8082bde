#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "koushi/network/random_network.hpp"
#include "koushi/random/normal.hpp"

namespace koushi {

namespace {

enum class Activation { erf, tanh, relu, cosine };

struct LayerOptions {
  int dimension = 1;
  int depth = 1;
  Activation activation = Activation::erf;
  double weight = 1;
  double bias = 0;
  double output = 1;

  static const Keys<LayerOptions>& keys() {
    static const Keys<LayerOptions> all =
        Keys<LayerOptions>()
            .integer("dimension", &LayerOptions::dimension, {1, 4}, "d, of the input x")
            .integer("depth", &LayerOptions::depth, {1, 64}, "hidden layers, all of one width")
            .choice("activation", &LayerOptions::activation,
                    {{"erf", Activation::erf},
                     {"tanh", Activation::tanh},
                     {"relu", Activation::relu},
                     {"cos", Activation::cosine}},
                    "of the hidden units")
            .real("weight", &LayerOptions::weight, {positive_number},
                  "sigma_w: weights are N(0, sigma_w^2 / n), n the inputs of a unit")
            .real("bias", &LayerOptions::bias, {0}, "sigma_b: biases are N(0, sigma_b^2)")
            .real("output", &LayerOptions::output, {positive_number},
                  "sigma_v: output weights are N(0, sigma_v^2 / N), without bias");
    return all;
  }
};

KOKKOS_INLINE_FUNCTION double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::erf:
      return Kokkos::erf(x);
    case Activation::tanh:
      return Kokkos::tanh(x);
    case Activation::relu:
      return x > 0 ? x : 0;
    default:
      return Kokkos::cos(x);
  }
}

/// h^1 = sigma_w / sqrt(d) W x + sigma_b b, h^{l+1} = sigma_w / sqrt(N) W a(h^l) + sigma_b b, phi = sigma_v / sqrt(N) v
/// a(h^L).
///
/// Random words of unit i of layer l, stream l N + i: block c weights 2 c and 2 c + 1, the bias behind the last weight; v
/// is layer L.
/// Flops       2 N^2 (depth - 1) per point and 15 N^2 (depth - 1) of random numbers for all points together
template <typename T>
struct LayerOutputs {
  static constexpr int max_points = 32;  ///< at once
  NetworkPoints points;
  NetworkOutputs out;
  Kokkos::View<double***, Kokkos::LayoutRight> scratch;  ///< [draw][layer parity][unit * max_points]
  std::uint64_t seed;
  std::uint64_t first;
  int width;
  LayerOptions options;

  struct Stream {
    std::uint64_t seed;
    std::uint64_t number;
    typename Lanes<T>::Word units;
    KOKKOS_INLINE_FUNCTION void normals(std::uint64_t block, T& one, T& two) const {
      const RandomLanes<T> r =
          philox_lanes<T>(seed, RandomPurpose::network_parameters, number, units, typename Lanes<T>::Word(block));
      box_muller(uniform_lanes<T>(r.word[0], r.word[1]), uniform_lanes<T>(r.word[2], r.word[3]), one, two);
    }
  };

  KOKKOS_FUNCTION void operator()(int draw) const {
    const int all = static_cast<int>(points.extent(0));
    for (int p = 0; p < all; p += max_points) some(draw, p, all - p < max_points ? all - p : max_points);
  }

  KOKKOS_FUNCTION void some(int draw, int p_first, int count) const {
    using L = Lanes<T>;
    const std::uint64_t number = first + static_cast<std::uint64_t>(draw);
    const int d = options.dimension;
    for (int layer = 0; layer < options.depth; ++layer) {
      const int inputs = layer == 0 ? d : width;
      const double scale = options.weight / Kokkos::sqrt(static_cast<double>(inputs));
      const double* const in = &scratch(draw, (layer + 1) % 2, 0);
      double* const result = &scratch(draw, layer % 2, 0);
      for (int i = 0; i < width; i += L::width) {
        const Stream stream{seed, number,
                            L::words(static_cast<std::uint64_t>(layer) * static_cast<std::uint64_t>(width) +
                                         static_cast<std::uint64_t>(i),
                                     1)};
        T sum[max_points];
        for (int p = 0; p < count; ++p) sum[p] = T(0.0);
        const auto add = [&](int j, const T& weight) {
          const T scaled = T(scale) * weight;
          for (int p = 0; p < count; ++p) {
            const double x = layer == 0 ? points(p_first + p, j) : in[j * max_points + p];
            sum[p] = L::fma(scaled, T(x), sum[p]);
          }
        };
        for (int j = 0; j <= inputs; j += 2) {
          T one;
          T two;
          stream.normals(static_cast<std::uint64_t>(j / 2), one, two);
          if (j == inputs) {
            for (int p = 0; p < count; ++p) sum[p] = L::fma(T(options.bias), one, sum[p]);
            continue;
          }
          add(j, one);
          if (j + 1 < inputs) {
            add(j + 1, two);
          } else {
            for (int p = 0; p < count; ++p) sum[p] = L::fma(T(options.bias), two, sum[p]);
          }
        }
        for (int l = 0; l < L::width && i + l < width; ++l) {
          for (int p = 0; p < count; ++p)
            result[(i + l) * max_points + p] = activate(options.activation, L::get(sum[p], l));
        }
      }
    }
    const double* const in = &scratch(draw, (options.depth + 1) % 2, 0);
    const double scale = options.output / Kokkos::sqrt(static_cast<double>(width));
    double total[max_points];
    for (int p = 0; p < count; ++p) total[p] = 0;
    for (int j = 0; j < width; ++j) {
      const RandomBlock r = philox(
          seed, RandomPurpose::network_parameters, number,
          static_cast<std::uint64_t>(options.depth) * static_cast<std::uint64_t>(width) + static_cast<std::uint64_t>(j),
          0);
      const double v = scale * normal_pair(r).first;
      for (int p = 0; p < count; ++p) total[p] += v * in[j * max_points + p];
    }
    for (int p = 0; p < count; ++p) out(draw, p_first + p) = total[p];
  }
};

/// <a(u) a(v)> of two normal numbers with variances xx, yy and covariance xy.
///
/// erf: 2/pi arcsin(2 xy / sqrt((1 + 2 xx)(1 + 2 yy))) (C. K. I. Williams, Neural Comput. 10, 1203 (1998)); relu:
/// sqrt(xx yy) / 2 pi (sin t + (pi - t) cos t), cos t = xy / sqrt(xx yy) (Y. Cho, L. Saul, NIPS 22 (2009)); cos:
/// e^{-(xx + yy)/2} cosh xy; tanh: by the trapezoidal rule.
double mean_of_product(Activation activation, double xx, double xy, double yy) {
  using std::numbers::pi;
  switch (activation) {
    case Activation::erf:
      return 2 / pi * std::asin(2 * xy / std::sqrt((1 + 2 * xx) * (1 + 2 * yy)));
    case Activation::relu: {
      const double scale = std::sqrt(xx * yy);
      if (scale == 0) return 0;
      const double c = std::clamp(xy / scale, -1.0, 1.0);
      const double t = std::acos(c);
      return scale / (2 * pi) * (std::sin(t) + (pi - t) * c);
    }
    case Activation::cosine:
      return std::exp(-0.5 * (xx + yy)) * std::cosh(xy);
    case Activation::tanh:
      break;
  }
  // u = sqrt(xx) z, v = (xy u / xx) + sqrt(yy - xy^2 / xx) z', both z on a grid of step h: the error falls faster than
  // any power of h
  const double one = std::sqrt(xx);
  const double along = xx > 0 ? xy / one : 0;
  const double rest = std::sqrt(std::max(0.0, yy - along * along));
  constexpr int n = 120;
  constexpr double h = 9.0 / n;
  double sum = 0;
  double weight = 0;
  for (int i = -n; i <= n; ++i) {
    for (int j = -n; j <= n; ++j) {
      const double z = h * i;
      const double w = h * j;
      const double g = std::exp(-0.5 * (z * z + w * w));
      weight += g;
      sum += g * std::tanh(one * z) * std::tanh(along * z + rest * w);
    }
  }
  return sum / weight;
}

class MultilayerNetwork final : public RandomNetwork {
 public:
  explicit MultilayerNetwork(const LayerOptions& options) : options_(options) {}
  int dimension() const override { return options_.dimension; }
  void outputs(std::uint64_t seed, int width, std::uint64_t first, const NetworkPoints& points,
               const NetworkOutputs& out) const override {
    using Kernel = LayerOutputs<SiteVector>;
    const Kokkos::View<double***, Kokkos::LayoutRight> scratch("koushi::network::layers", out.extent(0), 2,
                                                               static_cast<std::size_t>(width) * Kernel::max_points);
    const Kernel kernel{points, out, scratch, seed, first, width, options_};
    Kokkos::parallel_for("koushi::network::multilayer", Kokkos::RangePolicy<>(0, static_cast<int>(out.extent(0))),
                         kernel);
  }
  /// K^1 = sigma_b^2 + sigma_w^2 x.y / d, K^{l+1} = sigma_b^2 + sigma_w^2 <a(u) a(v)>_{K^l}, then sigma_v^2 <a(u) a(v)>.
  std::optional<double> two_point(const NetworkPoint& x, const NetworkPoint& y) const override {
    const auto product = [&](const NetworkPoint& a, const NetworkPoint& b) {
      double sum = 0;
      for (std::size_t mu = 0; mu < a.size(); ++mu) sum += a[mu] * b[mu];
      return square(options_.bias) + square(options_.weight) * sum / options_.dimension;
    };
    double xx = product(x, x);
    double xy = product(x, y);
    double yy = product(y, y);
    for (int layer = 1; layer < options_.depth; ++layer) {
      const auto next = [&](double a, double b, double c) {
        return square(options_.bias) + square(options_.weight) * mean_of_product(options_.activation, a, b, c);
      };
      const double new_xx = next(xx, xx, xx);
      const double new_yy = next(yy, yy, yy);
      xy = next(xx, xy, yy);
      xx = new_xx;
      yy = new_yy;
    }
    return square(options_.output) * mean_of_product(options_.activation, xx, xy, yy);
  }
  bool is_exact() const override { return options_.depth == 1; }
  std::int64_t n_parameters(int width) const override {
    const std::int64_t n = width;
    return n * (options_.dimension + 1) + (options_.depth - 1) * n * (n + 1) + n;
  }

 private:
  static double square(double x) { return x * x; }
  LayerOptions options_;
};

}  // namespace

NetworkKinds::OneKind multilayer_kind() {
  return {"multilayer",
          "layers of units with normal weights; <phi phi> of infinite width by the recursion of its kernels",
          LayerOptions::keys().list(), [](const DeckSection& section) -> std::shared_ptr<const RandomNetwork> {
            return std::make_shared<MultilayerNetwork>(LayerOptions::keys().read(section));
          }};
}

}  // namespace koushi
