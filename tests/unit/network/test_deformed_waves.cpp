// Networks of waves with a deformed law: what is measured of them, written out, and their chains against integrals over
// all parameters.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <numbers>

#include "koushi/network/deformed_waves.hpp"

using namespace koushi;

namespace {

using std::numbers::pi;

struct Measured {
  double mean = 0;
  double error = 0;
};

/// Means over chains, each of its own mean.
std::vector<Measured> sample(DeformedWaves& waves, bool trajectories, int warm_up, int measurements) {
  std::vector<double> sums;
  waves.draw(0);
  for (int sweep = 0; sweep < warm_up + measurements; ++sweep) {
    trajectories ? waves.trajectory(static_cast<std::uint64_t>(sweep))
                 : waves.redraw(static_cast<std::uint64_t>(sweep));
    const std::vector<double> now = waves.measure();
    sums.resize(now.size());
    for (std::size_t k = 0; k < now.size(); ++k) sums[k] += sweep < warm_up ? 0 : now[k] / measurements;
  }
  const auto numbers = static_cast<std::size_t>(waves.numbers());
  const std::size_t chains = sums.size() / numbers;
  std::vector<Measured> result(numbers);
  for (std::size_t k = 0; k < numbers; ++k) {
    double squares = 0;
    for (std::size_t c = 0; c < chains; ++c) {
      result[k].mean += sums[c * numbers + k] / static_cast<double>(chains);
      squares += sums[c * numbers + k] * sums[c * numbers + k] / static_cast<double>(chains);
    }
    result[k].error = std::sqrt((squares - result[k].mean * result[k].mean) / static_cast<double>(chains - 1));
  }
  return result;
}

/// <phi^2> to a relative error, <phi^4>, and the identity of Schwinger and Dyson.
void check_law(const std::vector<Measured>& found, double phi2, double phi4, double precision) {
  CHECK(std::abs(found[DeformedWaves::phi2].mean - phi2) < 4 * found[DeformedWaves::phi2].error);
  CHECK(std::abs(found[DeformedWaves::phi4].mean - phi4) < 4 * found[DeformedWaves::phi4].error);
  CHECK(std::abs(found[DeformedWaves::schwinger_dyson].mean) < 4 * found[DeformedWaves::schwinger_dyson].error);
  CHECK(found[DeformedWaves::phi2].error < precision * phi2);
}

}  // namespace

TEST_CASE("numbers of deformed waves are sums over their units and points", "[network]") {
  struct Case {
    MomentumOptions law;
    std::vector<int> extents;
    double spacing;
    bool normal;
  };
  const Case one = GENERATE(
      Case{{.dimension = 1, .mass = 0.7, .alpha = 0.3, .extents = {7}}, {7}, 1, false},
      Case{{.dimension = 2, .mass = 1.2, .alpha = -0.5, .cutoff = Cutoff::hard, .lambda = 5}, {5, 11}, 0.4, true},
      Case{{.dimension = 3, .mass = 0.9, .alpha = 0, .extents = {4, 3, 2}}, {4, 3, 2}, 1, true},
      Case{{.dimension = 4, .mass = 0.9, .alpha = 0.5, .lambda = 3}, {3, 2, 4, 2}, 0.6, false});
  constexpr int width = 5;
  const MomentumLaw law(one.law);
  DeformedWaves waves(law, {.width = width,
                            .normal = one.normal,
                            .extents = one.extents,
                            .spacing = one.spacing,
                            .coupling = 0.2,
                            .chains = 3,
                            .seed = 9});
  waves.draw(4);
  waves.redraw(1);
  waves.trajectory(2);
  const std::vector<double> found = waves.measure();
  const std::vector<double> state = waves.state();
  const auto d = static_cast<std::size_t>(one.law.dimension);
  int points = 1;
  for (const int n : one.extents) points *= n;
  for (std::size_t chain = 0; chain < 3; ++chain) {
    std::vector<double> phi(static_cast<std::size_t>(points), 0.0);
    std::vector<std::vector<double>> slope(width, phi);
    for (std::size_t x = 0; x < phi.size(); ++x) {
      for (std::size_t j = 0; j < width; ++j) {
        const double* const unit = state.data() + (chain * width + j) * (d + 2);
        double phase = unit[d + 1];
        auto rest = static_cast<int>(x);
        double k2 = 0;
        for (std::size_t mu = 0; mu < d; ++mu) {  // the first direction runs fastest
          phase += unit[mu] * one.spacing * (rest % one.extents[mu]);
          rest /= one.extents[mu];
          k2 += one.law.extents.empty() ? unit[mu] * unit[mu] : 4 * std::pow(std::sin(0.5 * unit[mu]), 2);
        }
        phi[x] += unit[d] * std::cos(phase);
        slope[j][x] = -unit[d] * std::sin(phase);
        const double size =
            std::sqrt(2 * law.omega() / width) * std::pow(k2 + one.law.mass * one.law.mass, 0.5 * one.law.alpha);
        if (!one.normal) CHECK(std::abs(unit[d] - size) < 1e-10 * size);
      }
    }
    double two = 0;
    double four = 0;
    double total = 0;
    for (const double value : phi) {
      total += value;
      two += value * value;
      four += std::pow(value, 4);
    }
    double identity = 0;
    for (std::size_t j = 0; j < width; ++j) {
      double linear = 0;
      double cubic = 0;
      for (std::size_t x = 0; x < phi.size(); ++x) {
        linear += phi[x] * slope[j][x];
        cubic += std::pow(phi[x], 3) * slope[j][x];
        identity += slope[j][x] * slope[j][x];
      }
      identity -= 4 * 0.2 * linear * cubic;
    }
    identity -= two;
    const double* const numbers = found.data() + chain * static_cast<std::size_t>(waves.numbers());
    CHECK(std::abs(numbers[DeformedWaves::phi2] - two / points) < 1e-12);
    CHECK(std::abs(numbers[DeformedWaves::phi4] - four / points) < 1e-12);
    CHECK(std::abs(numbers[DeformedWaves::mean2] - total * total / points) < 1e-12);
    CHECK(std::abs(numbers[DeformedWaves::deformation] - 0.2 * four) < 1e-11);
    CHECK(std::abs(numbers[DeformedWaves::schwinger_dyson] - identity / points) < 1e-11);
    const int n = one.extents[0];
    for (int r = 0; r <= n / 2; ++r) {
      double sum = 0;
      int pairs = 0;
      for (int x = 0; x < points; ++x) {
        if (one.law.extents.empty() && x % n + r >= n) continue;
        sum += phi[static_cast<std::size_t>(x)] * phi[static_cast<std::size_t>(x - x % n + (x % n + r) % n)];
        ++pairs;
      }
      CHECK(std::abs(numbers[DeformedWaves::sums + r] - sum / pairs) < 1e-12);
    }
  }
  // a state that is put back goes on bitwise
  DeformedWaves other(law, {.width = width,
                            .normal = one.normal,
                            .extents = one.extents,
                            .spacing = one.spacing,
                            .coupling = 0.2,
                            .chains = 3,
                            .seed = 9});
  other.set_state(state);
  for (DeformedWaves* const which : {&waves, &other}) {
    which->redraw(7);
    which->trajectory(8);
  }
  CHECK(waves.measure() == other.measure());
}

TEST_CASE("chains of deformed waves have their law", "[network][statistical]") {
  const bool trajectories = GENERATE(false, true);
  const double alpha = GENERATE(0.0, 0.6);
  CAPTURE(trajectories, alpha);
  const double g = 0.15;
  SECTION("momenta of a lattice, two units: sums over modes and phases") {
    const MomentumOptions options{.dimension = 1, .mass = 0.5, .alpha = alpha, .extents = {3}};
    const MomentumLaw law(options);
    DeformedWaves waves(
        law, {.width = 2, .extents = {3}, .coupling = g, .chains = 256, .seed = 5, .trajectory = 2, .steps = 12});
    constexpr int grid = 48;
    double norm = 0;
    double two = 0;
    double four = 0;
    for (int mode = 0; mode < 9; ++mode) {
      const double k[2] = {2 * pi * (mode % 3) / 3, 2 * pi * (mode / 3) / 3};
      double p = 1;
      double size[2];
      for (int j = 0; j < 2; ++j) {
        const double k2 = 4 * std::pow(std::sin(0.5 * k[j]), 2) + 0.25;
        p *= std::pow(k2, -alpha - 1);
        size[j] = std::sqrt(law.omega()) * std::pow(k2, 0.5 * alpha);
      }
      for (int b = 0; b < grid * grid; ++b) {
        double squares = 0;
        double fourths = 0;
        for (int x = 0; x < 3; ++x) {
          const double phi = size[0] * std::cos(k[0] * x + 2 * pi * (b % grid) / grid) +
                             size[1] * std::cos(k[1] * x + 2 * pi * (b / grid) / grid);
          squares += phi * phi / 3;
          fourths += std::pow(phi, 4) / 3;
        }
        const double weight = p * std::exp(-3 * g * fourths);
        norm += weight;
        two += weight * squares;
        four += weight * fourths;
      }
    }
    const std::vector<Measured> found = sample(waves, trajectories, 50, 400);
    check_law(found, two / norm, four / norm, 0.01);
  }
  SECTION("momenta of the line, one unit: integrals over momentum and phase") {
    const MomentumOptions options{.dimension = 1, .mass = 0.8, .alpha = alpha, .lambda = 4};
    const MomentumLaw law(options);
    DeformedWaves waves(law, {.width = 1,
                              .extents = {4},
                              .spacing = 0.5,
                              .coupling = g,
                              .chains = 256,
                              .seed = 6,
                              .trajectory = 3,
                              .steps = 20});
    double norm = 0;
    double two = 0;
    double four = 0;
    for (int i = 0; i < 4000; ++i) {
      const double k = 30.0 * (i + 0.5) / 4000;
      const double k2 = k * k + 0.64;
      const double p = std::exp(-k * k / 32) * std::pow(k2, -alpha - 1);
      const double size = std::sqrt(2 * law.omega()) * std::pow(k2, 0.5 * alpha);
      for (int b = 0; b < 64; ++b) {
        double squares = 0;
        double fourths = 0;
        for (int x = 0; x < 4; ++x) {
          const double phi = size * std::cos(k * 0.5 * x + 2 * pi * b / 64);
          squares += phi * phi / 4;
          fourths += std::pow(phi, 4) / 4;
        }
        const double weight = p * std::exp(-4 * g * fourths);
        norm += weight;
        two += weight * squares;
        four += weight * fourths;
      }
    }
    const std::vector<Measured> found = sample(waves, trajectories, 200, 1000);
    check_law(found, two / norm, four / norm, 0.02);
  }
}
