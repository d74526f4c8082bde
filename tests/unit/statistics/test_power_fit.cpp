#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>

#include "koushi/statistics/power_fit.hpp"

using namespace koushi;

namespace {

std::vector<FitPoint> exact(const std::vector<double>& parameters, const std::vector<double>& powers) {
  std::vector<FitPoint> points;
  for (const double x : {4.0, 6.0, 8.0, 12.0, 16.0, 24.0}) {
    FitPoint point{x, parameters[0], 1e-3 * (1 + 20 / x)};
    for (std::size_t k = 0; k < powers.size(); ++k) point.value += parameters[k + 1] * std::pow(x, powers[k]);
    points.push_back(point);
  }
  return points;
}

}  // namespace

TEST_CASE("exact powers are found", "[power-fit]") {
  for (const std::vector<double>& powers : {std::vector<double>{-3}, {-3, -4}, {0.5, 2}}) {
    const std::vector<double> parameters =
        powers.size() == 1 ? std::vector<double>{-0.67, -2.3} : std::vector<double>{-0.67, -2.3, 1.7};
    for (const bool weighted : {true, false}) {
      const PowerFit fit = fit_powers(exact(parameters, powers), powers, weighted);
      REQUIRE(fit.solvable);
      for (std::size_t k = 0; k < parameters.size(); ++k) CHECK(std::abs(fit.parameters[k] - parameters[k]) < 1e-9);
      CHECK(fit.chi_squared < 1e-15);
      CHECK(fit.degrees_of_freedom == 6 - static_cast<int>(parameters.size()));
      CHECK(std::abs(fit(10, powers) - exact(parameters, powers)[0].value) > 1e-6);
      CHECK(std::abs(fit(4, powers) - exact(parameters, powers)[0].value) < 1e-9);
    }
  }
}

TEST_CASE("a straight line through three points, by hand", "[power-fit]") {
  // y = 1, 2, 4 at x = 1, 2, 3: a_1 = 3/2, a_0 = -2/3, sum of squares 1/6, (A^T A)^{-1} = [[7/3, -1], [-1, 1/2]].
  const std::vector<FitPoint> points{{1, 1, 0.5}, {2, 2, 0.5}, {3, 4, 0.5}};
  const PowerFit weighted = fit_powers(points, {1}, true);
  const PowerFit alike = fit_powers(points, {1}, false);
  for (const PowerFit& fit : {weighted, alike}) {
    CHECK(std::abs(fit.parameters[0] + 2.0 / 3) < 1e-12);
    CHECK(std::abs(fit.parameters[1] - 1.5) < 1e-12);
  }
  CHECK(std::abs(weighted.chi_squared - 4.0 / 6) < 1e-12);
  CHECK(std::abs(alike.chi_squared - 1.0 / 6) < 1e-12);
  const double expected[] = {7.0 / 3, -1, -1, 0.5};
  for (int k = 0; k < 4; ++k) {
    CHECK(std::abs(weighted.covariance[static_cast<std::size_t>(k)] - 0.25 * expected[k]) < 1e-12);
    CHECK(std::abs(alike.covariance[static_cast<std::size_t>(k)] - expected[k] / 6) < 1e-12);
  }
  CHECK(std::abs(weighted.errors[0] - std::sqrt(7.0 / 12)) < 1e-12);
  CHECK(std::isnan(alike.q));
}

TEST_CASE("pulls have unit width and Q is uniform", "[power-fit]") {
  std::mt19937_64 engine(7);
  std::normal_distribution<double> normal;
  const std::vector<double> powers{-3, -4};
  const std::vector<double> truth{-0.67, -2.3, 1.7};
  const int trials = 4000;
  double mean[3] = {};
  double square[3] = {};
  double q = 0;
  double q_square = 0;
  double chi_squared = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<FitPoint> points = exact(truth, powers);
    for (FitPoint& point : points) point.value += point.error * normal(engine);
    const PowerFit fit = fit_powers(points, powers, true);
    for (std::size_t k = 0; k < 3; ++k) {
      const double pull = (fit.parameters[k] - truth[k]) / fit.errors[k];
      mean[k] += pull / trials;
      square[k] += pull * pull / trials;
    }
    chi_squared += fit.chi_squared / trials;
    q += fit.q / trials;
    q_square += fit.q * fit.q / trials;
  }
  const double sigma = 1 / std::sqrt(trials);  // bounds of 4.5 sigma: 2e-5 for all of them together
  for (int k = 0; k < 3; ++k) {
    CHECK(std::abs(mean[k]) < 4.5 * sigma);
    CHECK(std::abs(square[k] - 1) < 4.5 * std::sqrt(2.0) * sigma);
  }
  CHECK(std::abs(chi_squared - 3) < 4.5 * std::sqrt(6.0) * sigma);
  CHECK(std::abs(q - 0.5) < 4.5 * sigma / std::sqrt(12.0));
  CHECK(std::abs(q_square - 1.0 / 3) < 4.5 * std::sqrt(4.0 / 45) * sigma);
}

TEST_CASE("errors of x widen those of the limit as the slope does", "[power-fit]") {
  // Beside exact values of y the points lie as far from the line as errors of y of slope times those of x.
  std::mt19937_64 engine(11);
  std::normal_distribution<double> normal;
  const int trials = 2000;
  double square = 0;
  double chi_squared = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<FitPoint> points;
    for (const double x : {1.0, 2.0, 3.0, 4.0, 5.0})
      points.push_back({x + 0.01 * normal(engine), 1 + 2 * x + 0.01 * normal(engine), 0.01, 0.01});
    const PowerFit fit = fit_powers(points, {1}, true);
    square += std::pow((fit.parameters[0] - 1) / fit.errors[0], 2) / trials;
    chi_squared += fit.chi_squared / trials;
  }
  const double sigma = std::sqrt(2.0 / trials);
  CHECK(std::abs(square - 1) < 4.5 * sigma);
  CHECK(std::abs(chi_squared - 3) < 4.5 * std::sqrt(6.0 / trials));
  const PowerFit fit = fit_powers({{1, 3, 0.01, 0.03}, {2, 5, 0.01, 0.03}, {3, 7, 0.01, 0.03}}, {1}, true);
  const PowerFit same = fit_powers(
      {{1, 3, std::hypot(0.01, 0.06)}, {2, 5, std::hypot(0.01, 0.06)}, {3, 7, std::hypot(0.01, 0.06)}}, {1}, true);
  CHECK(std::abs(fit.errors[0] - same.errors[0]) < 1e-12);
}

TEST_CASE("what does not determine the parameters is said", "[power-fit]") {
  CHECK_FALSE(fit_powers({{1, 1, 1}}, {-1}, true).solvable);
  CHECK_FALSE(fit_powers({{2, 1, 1}, {2, 2, 1}, {2, 3, 1}}, {-1}, true).solvable);
  CHECK_FALSE(fit_powers({{2, 1, 1}, {4, 2, 1}, {2, 3, 1}}, {-1, -2}, true).solvable);
  const PowerFit determined = fit_powers({{2, 1, 0.1}, {4, 2, 0.1}}, {-1}, true);
  REQUIRE(determined.solvable);
  CHECK(determined.q == 1);
  CHECK(std::isnan(fit_powers({{2, 1, 0.1}, {4, 2, 0.1}}, {-1}, false).errors[0]));
}
