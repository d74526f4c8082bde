#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>

#include "koushi/statistics/fit.hpp"

using namespace koushi;

namespace {

std::vector<double> range(int first, int last) {
  std::vector<double> t;
  for (int k = first; k <= last; ++k) t.push_back(k);
  return t;
}

std::vector<double> cosh_values(const std::vector<double>& t, double period, const std::vector<double>& amplitude,
                                const std::vector<double>& mass) {
  std::vector<double> values;
  for (const double x : t) {
    values.push_back(0);
    for (std::size_t k = 0; k < mass.size(); ++k) values.back() += amplitude[k] * std::cosh(mass[k] * (x - period / 2));
  }
  return values;
}

std::vector<double> unit(std::size_t n) {
  std::vector<double> covariance(n * n);
  for (std::size_t k = 0; k < n; ++k) covariance[k * n + k] = 1;
  return covariance;
}

}  // namespace

TEST_CASE("Q values have their closed forms", "[statistics]") {
  for (const double x : {0.1, 1.0, 7.0, 30.0}) {
    CHECK(std::abs(q_value(x, 2) / std::exp(-x / 2) - 1) < 1e-12);
    CHECK(std::abs(q_value(x, 1) / std::erfc(std::sqrt(x / 2)) - 1) < 1e-12);
    CHECK(std::abs(q_value(x, 4) / (std::exp(-x / 2) * (1 + x / 2)) - 1) < 1e-12);
  }
  CHECK(q_value(3, 0) == 1);
}

TEST_CASE("exact correlators give their masses back", "[statistics]") {
  const auto t = range(1, 16);
  const auto flat = Whitening::of(unit(t.size()), t.size(), true, 0).value();
  for (const double mass : {0.05, 0.5, 2.0}) {
    const CorrelatorFit fit = fit_correlator(t, cosh_values(t, 32, {0.3}, {mass}), flat, {true, 1, 32});
    CHECK(fit.converged);
    CHECK(std::abs(fit.mass[0] / mass - 1) < 1e-6);
    CHECK(std::abs(fit.amplitude[0] / 0.3 - 1) < 1e-5);
    CHECK(fit.degrees_of_freedom == 14);
  }
  const CorrelatorFit two = fit_correlator(t, cosh_values(t, 32, {0.3, 0.02}, {0.3, 0.8}), flat, {true, 2, 32});
  CHECK(std::abs(two.mass[0] / 0.3 - 1) < 1e-5);
  CHECK(std::abs(two.mass[1] / 0.8 - 1) < 1e-5);
  CHECK(std::abs(two.amplitude[1] / 0.02 - 1) < 1e-4);
  std::vector<double> decay;
  for (const double x : t) decay.push_back(1.5 * std::exp(-0.7 * x));
  const CorrelatorFit exponential = fit_correlator(t, decay, flat, {false, 1, 0});
  CHECK(std::abs(exponential.mass[0] / 0.7 - 1) < 1e-6);
  CHECK(std::abs(exponential.amplitude[0] / 1.5 - 1) < 1e-6);
}

TEST_CASE("a fit that runs away has no minimum", "[statistics]") {
  // chi^2 falls for ever towards a state that is in one point alone, or towards a constant: the search stops where it is
  // flat to rounding, at a mass of 78 or so, which every jackknife sample repeats
  for (const double first : {0.0, 2.0}) {
    std::vector<double> t;
    for (int k = 0; k < 4; ++k) t.push_back(first + k);
    for (const bool periodic : {true, false}) {
      const CorrelatorModel model{periodic, 1, 12};
      const auto whitening = Whitening::of({0.01, 0, 0, 0, 0, 0.04, 0, 0, 0, 0, 0.04, 0, 0, 0, 0, 0.02}, 4, true, 0);
      const auto converged = [&](const std::vector<double>& g) {
        return fit_correlator(t, g, *whitening, model).converged;
      };
      CAPTURE(first, periodic);
      CHECK(converged({1, 0.5, 0.2, 0.1}));
      CHECK_FALSE(converged({0.2, -0.07, -0.08, 0.01}));
      CHECK_FALSE(converged({1, 0, 0, 0}));
      CHECK_FALSE(converged({0.8, 0.9, 1, 1.1}));
    }
  }
}

TEST_CASE("the mass of a step of a cosh is its mass", "[statistics]") {
  const auto t = range(0, 16);
  const auto values = cosh_values(t, 32, {1.0}, {0.4});
  for (std::size_t k = 0; k + 1 < t.size(); ++k)
    CHECK(std::abs(cosh_mass(values[k] / values[k + 1], t[k], 32) / 0.4 - 1) < 1e-8);
  CHECK(std::isnan(cosh_mass(0.9, 3, 32)));
  CHECK(std::isnan(cosh_mass(-1.5, 3, 32)));
}

TEST_CASE("a covariance without an inverse is told", "[statistics]") {
  CHECK(Whitening::of({1, 0.5, 0.5, 1}, 2, true, 0).has_value());
  CHECK(!Whitening::of({1, 1, 1, 1}, 2, true, 0).has_value());
  CHECK(Whitening::of({1, 1, 1, 1}, 2, false, 0).has_value());
  CHECK(!Whitening::of({1, 0, 0, 0}, 2, false, 0).has_value());
  CHECK(!Whitening::of({1, 0, 0, std::nan("")}, 2, true, 0).has_value());
  CHECK(!Whitening::of({1, 0.5, 0.5, 1}, 2, true, 2).has_value());  // one degree of freedom for two variances
}

TEST_CASE("chi^2 of correlated data has its distribution", "[statistics][statistical]") {
  const auto t = range(2, 12);
  const std::size_t n = t.size();
  const auto truth = cosh_values(t, 24, {1e-3}, {0.5});
  std::vector<double> covariance(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j)
      covariance[i * n + j] = 1e-6 * truth[i] * truth[j] * std::pow(0.8, std::abs(t[i] - t[j]));
  }
  const auto whole = Whitening::of(covariance, n, true, 0).value();
  const auto diagonal = Whitening::of(covariance, n, false, 0).value();
  std::mt19937_64 engine(11);
  std::normal_distribution<double> normal;
  const int repeats = 2000;
  std::vector<double> q;
  std::vector<double> q_diagonal;
  double mean = 0;
  for (int k = 0; k < repeats; ++k) {
    auto values = truth;
    double u = normal(engine);  // an autoregressive deviation has the correlation 0.8^|t - t'|
    for (std::size_t i = 0; i < n; ++i) {
      values[i] += 1e-3 * truth[i] * u;
      u = 0.8 * u + 0.6 * normal(engine);
    }
    const CorrelatorFit fit = fit_correlator(t, values, whole, {true, 1, 24});
    REQUIRE(fit.converged);
    mean += fit.chi_squared / repeats;
    q.push_back(q_value(fit.chi_squared, fit.degrees_of_freedom));
    const CorrelatorFit rough = fit_correlator(t, values, diagonal, {true, 1, 24});
    q_diagonal.push_back(q_value(rough.chi_squared, rough.degrees_of_freedom));
  }
  const auto distance = [](std::vector<double> x) {  // Kolmogorov and Smirnov, from the uniform distribution
    std::sort(x.begin(), x.end());
    double d = 0;
    for (std::size_t k = 0; k < x.size(); ++k)
      d = std::max({d, x[k] - static_cast<double>(k) / static_cast<double>(x.size()),
                    static_cast<double>(k + 1) / static_cast<double>(x.size()) - x[k]});
    return d;
  };
  CHECK(std::abs(mean - 9) < 4.5 * std::sqrt(2.0 * 9 / repeats));
  CHECK(distance(q) < std::sqrt(-0.5 * std::log(0.5e-5) / repeats));  // probability 1e-5
  CHECK(distance(q_diagonal) > 0.2);                                  // a fit that forgets the correlations shows
}
