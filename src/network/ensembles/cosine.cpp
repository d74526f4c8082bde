#include <fmt/format.h>

#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/network/momentum_law.hpp"
#include "koushi/network/random_network.hpp"
#include "koushi/network/wave_units.hpp"

namespace koushi {

namespace {

enum class Amplitude { constant, normal };

struct CosineOptions {
  int dimension = 1;
  double mass = 1;
  double alpha = 0;
  Cutoff cutoff = Cutoff::gaussian;
  double lambda = 10;
  std::optional<std::vector<int>> extents;
  Amplitude amplitude = Amplitude::constant;

  static const Keys<CosineOptions>& keys() {
    static const Keys<CosineOptions> all =
        Keys<CosineOptions>()
            .integer("dimension", &CosineOptions::dimension, {1, 4}, "d, of the input x")
            .real("mass", &CosineOptions::mass, {positive_number}, "m of the propagator 1 / (k^2 + m^2)")
            .real("alpha", &CosineOptions::alpha, {-1, 4},
                  "momenta have the density f(k^2) / (k^2 + m^2)^(alpha + 1), amplitudes (k^2 + m^2)^(alpha / 2)")
            .choice("cutoff", &CosineOptions::cutoff, {{"gaussian", Cutoff::gaussian}, {"hard", Cutoff::hard}},
                    "f = e^(-k^2 / (2 Lambda^2)), or 1 for |k| < Lambda")
            .real("Lambda", &CosineOptions::lambda, {positive_number}, "of the cutoff; not of a lattice")
            .integers("extents", &CosineOptions::extents, {1, 65536},
                      "momenta 2 pi n / L of a periodic lattice and k^2 = sum 4 sin^2(k / 2) instead")
            .choice("amplitude", &CosineOptions::amplitude,
                    {{"constant", Amplitude::constant}, {"normal", Amplitude::normal}},
                    "of every unit: all the same, or a standard normal number");
    return all;
  }
};

/// phi(x) = N^{-1/2} sum_j a_j w (k_j^2 + m^2)^{alpha/2} cos(k_j x + b_j), b uniform on the circle, w = sqrt(2 Omega).
///
/// Flops       d + 28 per unit and point, most of them of one cosine
template <typename T>
struct CosineOutputs {
  static constexpr int max_points = 64;  ///< at once
  WaveUnits units;
  NetworkPoints points;
  NetworkOutputs out;
  std::uint64_t seed;
  std::uint64_t first;
  int width;

  KOKKOS_FUNCTION void operator()(int draw) const {
    const int all = static_cast<int>(points.extent(0));
    for (int p = 0; p < all; p += max_points) {
      const int count = all - p < max_points ? all - p : max_points;
      switch (units.law.dimension) {
        case 1:
          some_points<1>(draw, p, count);
          break;
        case 2:
          some_points<2>(draw, p, count);
          break;
        case 3:
          some_points<3>(draw, p, count);
          break;
        default:
          some_points<4>(draw, p, count);
      }
    }
  }

  template <int d>
  KOKKOS_FUNCTION void some_points(int draw, int p_first, int count) const {
    using L = Lanes<T>;
    T sum[max_points];
    for (int p = 0; p < count; ++p) sum[p] = T(0.0);
    const std::uint64_t number = first + static_cast<std::uint64_t>(draw);
    for (int j = 0; j < width; j += L::width) {
      const auto numbers = L::words(static_cast<std::uint64_t>(j), 1);
      const auto words = [&](std::uint64_t block) {
        return philox_lanes<T>(seed, RandomPurpose::network_parameters, number, numbers, typename L::Word(block));
      };
      T k[d];
      T a;
      T b;
      units.draw(words, k, a, b);
      a = L::select(L::first(width - j), a, T(0.0));  // no units beyond the width
      for (int p = 0; p < count; ++p) {
        T turns = b;
        for (int mu = 0; mu < d; ++mu) turns = L::fma(k[mu], T(points(p_first + p, mu)), turns);
        T cosine;
        T sine;
        lane_circle(turns, cosine, sine);
        sum[p] = L::fma(a, cosine, sum[p]);
      }
    }
    for (int p = 0; p < count; ++p) {
      double total = 0;
      for (int l = 0; l < L::width; ++l) total += L::get(sum[p], l);
      out(draw, p_first + p) = total;
    }
  }
};

class CosineNetwork final : public RandomNetwork {
 public:
  explicit CosineNetwork(const CosineOptions& options)
      : normal_(options.amplitude == Amplitude::normal),
        law_({options.dimension, options.mass, options.alpha, options.cutoff, options.lambda,
              options.extents.value_or(std::vector<int>{})}) {}

  int dimension() const override { return law_.options().dimension; }
  std::vector<int> extents() const override { return law_.options().extents; }
  std::optional<Waves> waves() const override { return Waves{&law_, normal_}; }
  void outputs(std::uint64_t seed, int width, std::uint64_t first, const NetworkPoints& points,
               const NetworkOutputs& out) const override {
    const MomentumOptions& o = law_.options();
    const CosineOutputs<SiteVector> kernel{
        {law_.view(), o.alpha, o.mass * o.mass, std::sqrt(2 * law_.omega() / width), normal_},
        points,
        out,
        seed,
        first,
        width};
    Kokkos::parallel_for("koushi::network::cosine", Kokkos::RangePolicy<>(0, static_cast<int>(out.extent(0))), kernel);
  }
  std::optional<double> two_point(const NetworkPoint& x, const NetworkPoint& y) const override {
    NetworkPoint z = x;
    for (std::size_t mu = 0; mu < z.size(); ++mu) z[mu] -= y[mu];
    return law_.integral(-1, z);
  }
  bool is_exact() const override { return true; }
  /// 1/N { 1/2 Omega <a^4> sum over three pairings H(x_1 +- x_2 +- x_3 +- x_4) - sum over three pairings G G },
  /// H = Int f (k^2 + m^2)^{alpha - 1} e^{ikx}, Omega = Int f (k^2 + m^2)^{-alpha - 1}; a neuron's phase leaves the
  /// three combinations with two signs of each kind.
  std::optional<double> connected_four_point(int width, const std::array<NetworkPoint, 4>& x) const override {
    double sum = 0;
    for (std::size_t partner = 1; partner < 4; ++partner) {
      NetworkPoint z(x[0].size());
      std::vector<std::size_t> others;
      for (std::size_t k = 1; k < 4; ++k) {
        if (k != partner) others.push_back(k);
      }
      for (std::size_t mu = 0; mu < z.size(); ++mu)
        z[mu] = x[0][mu] + x[partner][mu] - x[others[0]][mu] - x[others[1]][mu];
      sum += 0.5 * law_.omega() * (normal_ ? 3 : 1) * law_.integral(law_.options().alpha - 1, z);
      sum -= *two_point(x[0], x[partner]) * *two_point(x[others[0]], x[others[1]]);
    }
    return sum / width;
  }
  std::int64_t n_parameters(int width) const override {
    return static_cast<std::int64_t>(width) * (dimension() + 1 + (normal_ ? 1 : 0));
  }

 private:
  bool normal_;
  MomentumLaw law_;
};

}  // namespace

NetworkKinds::OneKind cosine_kind() {
  return {.name = "cosine",
          .help = "cosines of random waves, whose propagator is that of a free field of mass m at every width",
          .keys = CosineOptions::keys().list(),
          .make = [](const DeckSection& section) -> std::shared_ptr<const RandomNetwork> {
            CosineOptions options = CosineOptions::keys().read(section);
            if (options.extents) {
              double volume = 1;
              for (const int n : *options.extents) volume *= n;
              if (options.extents->size() > 4 || volume > 1 << 22)
                section.refuse("extents", fmt::format("{} modes in {} directions", volume, options.extents->size()),
                               "1 to 4 directions, at most 4194304 modes");
              if (section.given("dimension") && options.dimension != static_cast<int>(options.extents->size()))
                section.refuse(
                    "dimension",
                    fmt::format("{} for a lattice in {} directions", options.dimension, options.extents->size()),
                    "that of the extents, or none");
              if (section.given("Lambda") || section.given("cutoff"))
                section.refuse(section.given("Lambda") ? "Lambda" : "cutoff", "a lattice is a cutoff already",
                               "no cutoff with extents");
              options.dimension = static_cast<int>(options.extents->size());
            }
            return std::make_shared<CosineNetwork>(options);
          },
          .in_template = true};
}

}  // namespace koushi
