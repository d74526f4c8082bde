#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>

#include "autoregressive.hpp"
#include "koushi/statistics/estimate.hpp"

using namespace koushi;

TEST_CASE("tau_int of an autoregressive series is its closed form", "[statistics][statistical]") {
  for (const double a : {0.0, 0.5, 0.9}) {
    const auto series = autoregressive(a, 8, 20000, 3);
    const Estimate estimate = gamma_method(series, 8);
    const double exact = (1 + a) / (2 * (1 - a));
    // Wolff eq. (42): sigma(tau)/tau ~ sqrt(4 (W + 1/2 - tau) / n) with W up to about 8 tau; 4.5 sigma. A lost factor 2
    // fails.
    const double sigma = exact * std::sqrt(4 * (8 * exact + 1) / static_cast<double>(series.size()));
    CHECK(std::abs(estimate.tau_int - exact) < 4.5 * sigma);
    CHECK(std::abs(estimate.error - std::sqrt(2 * exact / static_cast<double>(series.size()))) < 0.1 * estimate.error);
    CHECK(estimate.r_hat < 1.01);
  }
}

TEST_CASE("errors cover the true mean as often as they should", "[statistics][statistical]") {
  int inside = 0;
  const int repeats = 400;
  for (int r = 0; r < repeats; ++r) {
    const Estimate estimate = gamma_method(autoregressive(0.7, 4, 1000, 100U + static_cast<unsigned>(r)), 4);
    inside += std::abs(estimate.value) < estimate.error ? 1 : 0;
  }
  // Binomial with p = 0.6827: sigma = 9.3; naive errors (2.4 times too small) would cover about 0.33.
  CHECK(std::abs(inside - 0.6827 * repeats) < 4.5 * 9.3);
}

TEST_CASE("errors of short independent series are not too small, and alternating ones keep theirs",
          "[statistics][statistical]") {
  double square = 0;
  const int repeats = 4000;
  for (int r = 0; r < repeats; ++r) {
    const Estimate estimate = gamma_method(autoregressive(0.0, 1, 40, 100U + static_cast<unsigned>(r)), 1);
    square += estimate.value * estimate.value / (estimate.error * estimate.error) / repeats;
  }
  // Student's t of 39 degrees of freedom: 39/37 = 1.05, and tau_int too large now and then. Without the floor of 1/2
  // some had tau_int 0.03 and deviated by 7 sigma: 1.7.
  CHECK(square > 0.8);
  CHECK(square < 1.15);
  const Estimate alternating = gamma_method(autoregressive(-0.5, 1, 20000, 7), 1);
  CHECK(alternating.tau_int < 0.3);  // 1/6, from above
}

TEST_CASE("rounding errors of a constant are no signal", "[statistics]") {
  std::vector<double> series(1000, 1.0);
  for (std::size_t t = 500; t < 1000; ++t) series[t] = 1.0 + 2.3e-16;  // a slow mode, as sums in another order make
  const Estimate estimate = gamma_method(series, 1);
  CHECK(estimate.tau_int == 0.5);
  CHECK(estimate.error == 0);
}

TEST_CASE("a constant is one whatever its length, its last digits and what is made of it", "[statistics]") {
  for (const std::size_t n : {100U, 3000U, 30000U}) {
    for (const double c : {-2.0, 0.1, 1e9 / 3}) {
      std::vector<double> x(n, c);
      const std::vector<double> square(n, c * c);
      CAPTURE(n, c);
      // 1 - sum of 3000 numbers / 3000 is 1e-13, a deviation of every number that does not decay: tau_int was 352
      const auto variance = [](const std::vector<double>& m) { return 400 * (m[1] - m[0] * m[0]); };
      const Estimate exact = derived_gamma_method({x, square}, 1, variance);
      CHECK(std::abs(exact.value) <= 1e-13 * c * c);  // c^2 may be rounded once, in a fused sum
      CHECK(exact.error == 0);
      CHECK(exact.tau_int == 0.5);
      for (std::size_t t = 0; t < n; t += 3) x[t] *= 1 + 4e-16;  // sums in another order
      CHECK(is_constant(x));
      for (const Estimate& e :
           {gamma_method(x, 2), derived_gamma_method({x}, 2, [](const std::vector<double>& m) { return 7 * m[0]; })}) {
        CHECK(e.error == 0);
        CHECK(e.tau_int == 0.5);
        CHECK(e.r_hat == 1);
      }
      for (std::size_t t = 0; t < n; t += 3) x[t] = c * (1 + 1e-12);  // a signal, if a small one
      CHECK_FALSE(is_constant(x));
      CHECK(gamma_method(x, 1).error > 0);
    }
  }
}

TEST_CASE("R-hat of chains that stand still at numbers of their own is infinite", "[statistics]") {
  const std::int64_t length = 1000;
  for (const double offset : {0.0, 1000.0}) {
    std::vector<double> charge;
    for (const double q :
         {1.0, -1.0, 2.0, 0.0, -2.0, 0.0, 1.0, -1.0}) {  // their mean is 0, which is no measure of them
      for (std::int64_t t = 0; t < length; ++t)
        charge.push_back(offset + q + (t % 7 == 0 ? 1e-16 * offset : 0) + q * 2e-16 * (t % 2));
    }
    CHECK(std::isinf(split_r_hat(charge, 8)));
    CHECK(std::isinf(gamma_method(charge, 8).r_hat));
    const auto same = [](const std::vector<double>& m) { return m[0]; };
    CHECK(std::isinf(derived_gamma_method({charge}, 8, same).r_hat));
  }
}

TEST_CASE("R-hat sees a chain that sits elsewhere", "[statistics]") {
  auto series = autoregressive(0.0, 4, 1000, 5);
  CHECK(split_r_hat(series, 4) < 1.02);
  for (std::size_t t = 0; t < 1000; ++t) series[t] += 3;
  CHECK(split_r_hat(series, 4) > 1.5);
  CHECK(warnings(gamma_method(series, 4), 1000).size() == 2);
}

TEST_CASE("a constant series has no variance and no NaN", "[statistics]") {
  const Estimate estimate = gamma_method(std::vector<double>(100, 2.5), 2);
  CHECK(estimate.value == 2.5);
  CHECK(estimate.error == 0);
  CHECK(estimate.r_hat == 1);
}

TEST_CASE("chain means and V-score by hand", "[statistics]") {
  const Estimate estimate = estimate_from_chain_means({1, 2, 3, 6});
  CHECK(estimate.value == 3);
  CHECK(std::abs(estimate.error - std::sqrt(14.0 / 3 / 4)) < 1e-15);
  CHECK(v_score(10, -4, 0.32, 0) == 0.2);
}

TEST_CASE("the error of a ratio of correlated series is that of its linear part", "[statistics][statistical]") {
  // x = a u + noise, y = b u + noise from one AR(1) process u: Var(x/y) to first order is known, and so is tau_int.
  const std::int64_t chains = 8;
  const std::int64_t length = 20000;
  const double rho = 0.8;
  std::mt19937_64 engine(5);
  std::normal_distribution<double> normal;
  std::vector<std::vector<double>> series(2);
  for (std::int64_t c = 0; c < chains; ++c) {
    double u = normal(engine) / std::sqrt(1 - rho * rho);
    for (std::int64_t t = 0; t < length; ++t) {
      u = rho * u + normal(engine);
      series[0].push_back(2.0 + 0.1 * u);
      series[1].push_back(4.0 - 0.1 * u);
    }
  }
  const auto ratio = [](const std::vector<double>& x) { return x[0] / x[1]; };
  const Estimate estimate = derived_gamma_method(series, chains, ratio);
  // d(x/y) = (1/4 + 2/16) 0.1 du; the error of the mean of u is sqrt(2 tau Var / n), tau = (1 + rho) / (2 (1 - rho))
  const double tau = 0.5 * (1 + rho) / (1 - rho);
  const double expected = 0.375 * 0.1 * std::sqrt(2 * tau / (1 - rho * rho) / static_cast<double>(chains * length));
  CHECK(std::abs(estimate.error / expected - 1) < 0.08);
  CHECK(std::abs(estimate.tau_int / tau - 1) < 0.1);
  CHECK(std::abs(estimate.value - 0.5) < 4.5 * expected);
  const Estimate plain = derived_gamma_method({series[0]}, chains, [](const std::vector<double>& x) { return x[0]; });
  CHECK(std::abs(plain.error / gamma_method(series[0], chains).error - 1) < 1e-9);
}
