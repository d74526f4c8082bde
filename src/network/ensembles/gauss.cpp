#include <cmath>

#include "koushi/network/random_network.hpp"
#include "koushi/random/normal.hpp"

namespace koushi {

namespace {

struct GaussOptions {
  int dimension = 1;
  double weight = 1;
  double bias = 1;
  double output = 1;

  static const Keys<GaussOptions>& keys() {
    static const Keys<GaussOptions> all =
        Keys<GaussOptions>()
            .integer("dimension", &GaussOptions::dimension, {1, 4}, "d, of the input x")
            .real("weight", &GaussOptions::weight, {positive_number}, "sigma_w: weights are N(0, sigma_w^2 / d)")
            .real("bias", &GaussOptions::bias, {0}, "sigma_b: biases are N(0, sigma_b^2)")
            .real("output", &GaussOptions::output, {positive_number},
                  "sigma_v: output weights are N(0, sigma_v^2 / N)");
    return all;
  }
};

/// phi(x) = N^{-1/2} sum_j v_j exp(w_j x + b_j - sigma_b^2 - sigma_w^2 |x|^2 / d): the Gauss-net.
///
/// Random words of unit j: block 0 v and b, 1 and 2 w.
/// Flops       2 d + 22 per unit and point
template <typename T>
struct GaussOutputs {
  static constexpr int max_points = 64;  ///< at once
  NetworkPoints points;
  NetworkOutputs out;
  std::uint64_t seed;
  std::uint64_t first;
  int width;
  int dimension;
  double weight;  ///< sigma_w / sqrt(d)
  double bias;
  double output;  ///< sigma_v / sqrt(N)

  KOKKOS_FUNCTION void operator()(int draw) const {
    using L = Lanes<T>;
    const int all = static_cast<int>(points.extent(0));
    const std::uint64_t number = first + static_cast<std::uint64_t>(draw);
    for (int p_first = 0; p_first < all; p_first += max_points) {
      const int count = all - p_first < max_points ? all - p_first : max_points;
      T sum[max_points];
      for (int p = 0; p < count; ++p) sum[p] = T(0.0);
      for (int j = 0; j < width; j += L::width) {
        const auto units = L::words(static_cast<std::uint64_t>(j), 1);
        const auto normals = [&](std::uint64_t block, T& one, T& two) {
          const RandomLanes<T> r =
              philox_lanes<T>(seed, RandomPurpose::network_parameters, number, units, typename L::Word(block));
          box_muller(uniform_lanes<T>(r.word[0], r.word[1]), uniform_lanes<T>(r.word[2], r.word[3]), one, two);
        };
        T v;
        T b;
        T w[4];
        normals(0, v, b);
        normals(1, w[0], w[1]);
        if (dimension > 2) normals(2, w[2], w[3]);
        const T inside = L::select(L::first(width - j), T(output), T(0.0));  // units beyond the width
        for (int p = 0; p < count; ++p) {
          double square = 0;
          T exponent = T(bias) * b;
          for (int mu = 0; mu < dimension; ++mu) {
            const double x = points(p_first + p, mu);
            square += x * x;
            exponent = L::fma(T(weight * x), w[mu], exponent);
          }
          exponent = exponent - T(bias * bias + weight * weight * square);
          // beyond e^{-700} there is nothing
          const auto seen = T(-700.0) < exponent;
          const T value = lane_exp(L::select(seen, exponent, T(0.0)));
          sum[p] = L::fma(inside * v, L::select(seen, value, T(0.0)), sum[p]);
        }
      }
      for (int p = 0; p < count; ++p) {
        double total = 0;
        for (int l = 0; l < L::width; ++l) total += L::get(sum[p], l);
        out(draw, p_first + p) = total;
      }
    }
  }
};

class GaussNetwork final : public RandomNetwork {
 public:
  explicit GaussNetwork(const GaussOptions& options) : options_(options) {}
  int dimension() const override { return options_.dimension; }
  void outputs(std::uint64_t seed, int width, std::uint64_t first, const NetworkPoints& points,
               const NetworkOutputs& out) const override {
    const GaussOutputs<SiteVector> kernel{points,
                                          out,
                                          seed,
                                          first,
                                          width,
                                          options_.dimension,
                                          options_.weight / std::sqrt(options_.dimension),
                                          options_.bias,
                                          options_.output / std::sqrt(width)};
    Kokkos::parallel_for("koushi::network::gauss", Kokkos::RangePolicy<>(0, static_cast<int>(out.extent(0))), kernel);
  }
  /// sigma_v^2 e^{-sigma_w^2 |x - y|^2 / 2d}
  std::optional<double> two_point(const NetworkPoint& x, const NetworkPoint& y) const override {
    double square = 0;
    for (std::size_t mu = 0; mu < x.size(); ++mu) square += (x[mu] - y[mu]) * (x[mu] - y[mu]);
    return options_.output * options_.output *
           std::exp(-0.5 * options_.weight * options_.weight * square / options_.dimension);
  }
  bool is_exact() const override { return true; }
  /// 1/N { 3 sigma_v^4 e^{4 sigma_b^2 + sigma_w^2 (|sum x|^2 / 2 - sum |x|^2) / d} - sum over three pairings G G }
  std::optional<double> connected_four_point(int width, const std::array<NetworkPoint, 4>& x) const override {
    double of_sum = 0;
    double of_each = 0;
    for (std::size_t mu = 0; mu < x[0].size(); ++mu) {
      double sum = 0;
      for (const NetworkPoint& one : x) {
        sum += one[mu];
        of_each += one[mu] * one[mu];
      }
      of_sum += sum * sum;
    }
    const double v2 = options_.output * options_.output;
    const double all = 3 * v2 * v2 *
                       std::exp(4 * options_.bias * options_.bias +
                                options_.weight * options_.weight * (0.5 * of_sum - of_each) / options_.dimension);
    return (all - *two_point(x[0], x[1]) * *two_point(x[2], x[3]) - *two_point(x[0], x[2]) * *two_point(x[1], x[3]) -
            *two_point(x[0], x[3]) * *two_point(x[1], x[2])) /
           width;
  }
  std::int64_t n_parameters(int width) const override { return static_cast<std::int64_t>(width) * (dimension() + 2); }

 private:
  GaussOptions options_;
};

}  // namespace

NetworkKinds::OneKind gauss_kind() {
  return {"gauss", "exponentials normalised so that <phi phi> is a Gaussian of the distance at every width (Gauss-net)",
          GaussOptions::keys().list(), [](const DeckSection& section) -> std::shared_ptr<const RandomNetwork> {
            return std::make_shared<GaussNetwork>(GaussOptions::keys().read(section));
          }};
}

}  // namespace koushi
