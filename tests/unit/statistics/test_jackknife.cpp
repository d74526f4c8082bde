#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "autoregressive.hpp"
#include "koushi/statistics/estimate.hpp"
#include "koushi/statistics/jackknife.hpp"

using namespace koushi;

namespace {

/// [chain][t * series.size() + k] of series[k][chain * length + t].
std::vector<std::vector<double>> woven(const std::vector<std::vector<double>>& series, std::size_t n_chains) {
  const std::size_t length = series[0].size() / n_chains;
  std::vector<std::vector<double>> chains(n_chains);
  for (std::size_t c = 0; c < n_chains; ++c) {
    for (std::size_t t = 0; t < length; ++t) {
      for (const auto& s : series) chains[c].push_back(s[c * length + t]);
    }
  }
  return chains;
}

std::vector<double> identity(const std::vector<double>& x) { return x; }

}  // namespace

TEST_CASE("bins of one measurement give the standard error of a mean", "[statistics]") {
  const JackknifeBins bins({{1, 2, 3, 6}}, 1, 1);
  const JackknifeEstimate estimate = jackknife(bins, identity);
  CHECK(estimate.bins == 4);
  CHECK(std::abs(estimate.value[0] - 3) < 1e-15);
  CHECK(std::abs(estimate.error[0] - std::sqrt(14.0 / 3 / 4)) < 1e-14);
}

TEST_CASE("chains of any length are cut without a rest", "[statistics]") {
  std::vector<std::vector<double>> chains{{}, {5}, std::vector<double>(23, 1.0), std::vector<double>(10, 2.0)};
  const JackknifeBins bins(chains, 1, 5);
  CHECK(bins.count() == 1 + 4 + 2);
  CHECK(std::abs(bins.means()[0] - 48.0 / 34) < 1e-15);
  CHECK(std::abs(bins.means_without(0)[0] - 43.0 / 33) < 1e-15);
  CHECK(std::isnan(jackknife(JackknifeBins({{1, 2, 3}}, 1, 3), identity).error[0]));
}

TEST_CASE("the jackknife of an autoregressive mean has its exact error", "[statistics][statistical]") {
  const int length = 20000;
  for (const double a : {0.0, 0.5, 0.9}) {
    const double tau = 0.5 * (1 + a) / (1 - a);
    const std::int64_t bin = jackknife_bin_length(tau, 8 * length);
    const JackknifeBins bins(woven({autoregressive(a, 8, length, 3)}, 8), 1, bin);
    const JackknifeEstimate estimate = jackknife(bins, identity);
    // The variance of the mean of B values is [2 tau - 2 a (1 - a^B) / (B (1 - a)^2)] / B; that of a variance from n
    // bins 2 / (n - 1) of its square.
    const auto n = static_cast<double>(bins.count());
    const double B = 8.0 * length / n;
    const double expected = (2 * tau - 2 * a * (1 - std::pow(a, B)) / (B * (1 - a) * (1 - a))) / B / n;
    INFO(a << " " << bin << " " << n);
    CHECK(bin >= static_cast<std::int64_t>(2 * tau));
    CHECK(std::abs(estimate.error[0] * estimate.error[0] / expected - 1) < 4.5 * std::sqrt(2 / (n - 1)));
    // what the bins lose is at most the promised 1 / 20, and a little for their number
    CHECK(expected > 0.9 * 2 * tau / (8 * length));
    CHECK(std::abs(estimate.value[0]) < 4.5 * std::sqrt(2 * tau / (8 * length)));
  }
}

TEST_CASE("ratios by jackknife and by the Gamma method agree", "[statistics][statistical]") {
  // x = 2 + 0.1 u, y = 4 - 0.1 u + 0.05 v: d(x/y) = 0.375 * 0.1 du - 0.125 * 0.05 dv
  const auto u = autoregressive(0.8, 8, 20000, 5);
  const auto v = autoregressive(0.3, 8, 20000, 6);
  std::vector<std::vector<double>> series(2);
  for (std::size_t t = 0; t < u.size(); ++t) {
    series[0].push_back(2 + 0.1 * u[t]);
    series[1].push_back(4 - 0.1 * u[t] + 0.05 * v[t]);
  }
  const auto ratio = [](const std::vector<double>& x) { return x[0] / x[1]; };
  const Estimate gamma = derived_gamma_method(series, 8, ratio);
  const JackknifeEstimate estimate = jackknife(JackknifeBins(woven(series, 8), 2, jackknife_bin_length(4.5, 160000)),
                                               [&](const std::vector<double>& x) {
                                                 return std::vector<double>{x[0], x[1], ratio(x)};
                                               });
  const double exact =
      std::hypot(0.0375 * std::sqrt(2 * 4.5 / 160000), 0.00625 * std::sqrt(2 * 0.5 * 1.3 / 0.7 / 160000));
  // 1777 bins: 1.7 % in an error, and 2.5 % lost by bins of 20 tau
  CHECK(std::abs(estimate.error[2] / exact - 1) < 0.025 + 4.5 * 0.017);
  CHECK(std::abs(estimate.error[2] / gamma.error - 1) < 0.1);
  CHECK(std::abs(estimate.value[2] - gamma.value) < 1e-12);
  CHECK(std::abs(estimate.value[2] - 0.5) < 4.5 * exact);
  // Means are linear, so to first order the covariance of x/y with x is that of its linear part.
  const auto& c = estimate.covariance;
  const double linear = c[0] / 4 - 2.0 / 16 * c[1];
  CHECK(std::abs(c[2] / linear - 1) < 0.01);
  CHECK(c[1] == c[3]);
  CHECK(std::abs(c[1] / std::sqrt(c[0] * c[4]) + 0.97) < 0.03);
}
