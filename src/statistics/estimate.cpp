#include "koushi/statistics/estimate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace koushi {

namespace {

/// Deviations of this part of the numbers themselves are what rounding leaves of a constant.
constexpr double rounding_part = 1e-14;

/// Mean and sum of squared deviations. The mean of n numbers by one sum is off by up to n/2 eps, which would be a
/// deviation of every number: where deviations are small enough for that to matter, the mean is taken from the first
/// number on, exactly for a constant.
HalfChain moments(const double* x, std::size_t n) {
  HalfChain result;
  for (std::size_t t = 0; t < n; ++t) result.mean += x[t] / static_cast<double>(n);
  const auto add_squares = [&] {
    result.square = 0;
    for (std::size_t t = 0; t < n; ++t) result.square += (x[t] - result.mean) * (x[t] - result.mean);
  };
  add_squares();
  if (result.square > 1e-20 * static_cast<double>(n) * result.mean * result.mean) return result;
  double shift = 0;
  for (std::size_t t = 0; t < n; ++t) shift += x[t] - x[0];
  result.mean = x[0] + shift / static_cast<double>(n);
  add_squares();
  return result;
}

/// Deviations up to which n numbers with these moments are one number.
double rounding_of(const HalfChain& all, std::size_t n) {
  return rounding_part * std::sqrt(all.mean * all.mean + all.square / static_cast<double>(n));
}

double split_r_hat(const std::vector<HalfChain>& halves, std::int64_t half, double rounding) {
  if (half < 2) return std::numeric_limits<double>::quiet_NaN();
  const auto m = static_cast<std::int64_t>(halves.size());
  double within = 0;
  double grand = 0;
  double square = 0;
  for (const HalfChain& part : halves) {
    within += part.square / static_cast<double>(half - 1) / static_cast<double>(m);
    grand += part.mean / static_cast<double>(m);
    square += part.mean * part.mean / static_cast<double>(m);
  }
  double between = 0;  // B / h
  for (const HalfChain& part : halves)
    between += (part.mean - grand) * (part.mean - grand) / static_cast<double>(m - 1);
  const auto h = static_cast<double>(half);
  // a constant series leaves this much; the size of the numbers, not of their mean, which chains may cancel
  const double least = std::max(rounding * rounding, rounding_part * rounding_part * square);
  if (within <= least) return between <= least ? 1.0 : std::numeric_limits<double>::infinity();
  return std::sqrt(((h - 1) / h * within + between) / within);
}

double split_r_hat(const std::vector<double>& series, std::int64_t n_chains, double rounding) {
  const std::int64_t length = static_cast<std::int64_t>(series.size()) / n_chains;
  std::vector<HalfChain> all;
  for (std::int64_t c = 0; c < n_chains; ++c) {
    for (const HalfChain& part : halves(series.data() + c * length, length)) all.push_back(part);
  }
  return split_r_hat(all, length / 2, rounding);
}

/// The Gamma method for a series whose deviations up to `rounding` are rounding.
Estimate gamma_method(const std::vector<double>& series, std::int64_t n_chains, double rounding);

}  // namespace

bool is_constant(const std::vector<double>& series) {
  if (series.empty()) return true;
  const HalfChain all = moments(series.data(), series.size());
  return std::sqrt(all.square / static_cast<double>(series.size())) <= rounding_of(all, series.size());
}

Estimate estimate_from_chain_means(const std::vector<double>& means) {
  Estimate estimate;
  const auto n = static_cast<double>(means.size());
  for (const double m : means) estimate.value += m / n;
  double square = 0;
  for (const double m : means) square += (m - estimate.value) * (m - estimate.value);
  estimate.samples = static_cast<std::int64_t>(means.size());
  estimate.error = means.size() > 1 ? std::sqrt(square / (n - 1) / n) : std::numeric_limits<double>::quiet_NaN();
  return estimate;
}

Estimate gamma_method(const std::vector<double>& series, std::int64_t n_chains) {
  return gamma_method(series, n_chains, rounding_of(moments(series.data(), series.size()), series.size()));
}

namespace {

Estimate gamma_method(const std::vector<double>& series, std::int64_t n_chains, double rounding) {
  Estimate estimate;
  const auto n = static_cast<std::int64_t>(series.size());
  const std::int64_t length = n / n_chains;
  estimate.samples = n;
  estimate.value = moments(series.data(), series.size()).mean;
  const auto gamma = [&](std::int64_t lag) {
    double sum = 0;
    for (std::int64_t c = 0; c < n_chains; ++c) {
      const double* chain = series.data() + c * length;
      for (std::int64_t t = 0; t + lag < length; ++t)
        sum += (chain[t] - estimate.value) * (chain[t + lag] - estimate.value);
    }
    return sum / static_cast<double>(n_chains * (length - lag));
  };
  const double gamma_0 = gamma(0);
  estimate.variance = gamma_0;
  estimate.r_hat = split_r_hat(series, n_chains, rounding);
  if (std::isnan(gamma_0)) estimate.error = gamma_0;
  if (!(gamma_0 > rounding * rounding)) return estimate;
  constexpr double S = 1.5;
  double sum = 0.5;
  std::int64_t window = 0;
  for (std::int64_t lag = 1; lag < length / 2; ++lag) {
    sum += gamma(lag) / gamma_0;
    window = lag;
    const double tau = sum > 0.5 ? S / std::log((2 * sum + 1) / (2 * sum - 1)) : 1e-10;
    const auto w = static_cast<double>(lag);
    if (std::exp(-w / tau) - tau / std::sqrt(w * static_cast<double>(n)) < 0) break;
  }
  // A slow mode behind a fast or an alternating one adds up beyond the window: where a longer one finds clearly more,
  // it counts.
  const std::int64_t longest = std::min(length / 2, std::max<std::int64_t>(3 * window, 20));
  double longer = sum;
  double most = sum;
  for (std::int64_t lag = window + 1; lag < longest; ++lag) {
    longer += gamma(lag) / gamma_0;
    const double noise = std::abs(longer) * std::sqrt(2 * (2 * static_cast<double>(lag) + 1) / static_cast<double>(n));
    if (longer - 2 * noise <= sum || longer <= most) continue;
    most = longer;
    window = lag;
  }
  sum = most;
  // The mean was estimated from the same data: Gamma(t) is low by 2 tau_int variance / n on average.
  const double covariance = 2 * sum * gamma_0;
  const double corrected_0 = gamma_0 + covariance / static_cast<double>(n);
  estimate.variance = corrected_0;
  estimate.tau_int =
      (sum * gamma_0 + (static_cast<double>(window) + 0.5) * covariance / static_cast<double>(n)) / corrected_0;
  // Alternating series have less than 1/2; a short independent one may seem to, with an error that is far too small.
  // Error: Madras and Sokal's at 1/2.
  const double noise = 0.5 * std::sqrt(2 * (2 * static_cast<double>(window) + 1) / static_cast<double>(n));
  if (estimate.tau_int < 0.5 && 0.5 - estimate.tau_int < 3 * noise) estimate.tau_int = 0.5;
  estimate.tau_int = std::max(estimate.tau_int, 0.5 / static_cast<double>(n));
  estimate.error = std::sqrt(2 * estimate.tau_int * estimate.variance / static_cast<double>(n));
  return estimate;
}

}  // namespace

Estimate derived_gamma_method(const std::vector<std::vector<double>>& series, std::int64_t n_chains,
                              const std::function<double(const std::vector<double>&)>& f,
                              const std::function<std::vector<double>(const std::vector<double>&)>& gradient) {
  std::vector<double> means;
  std::vector<double> steps;
  std::vector<double> scales;
  for (const auto& x : series) {
    const auto n = static_cast<double>(x.size());
    const HalfChain all = moments(x.data(), x.size());
    const double deviation = std::sqrt(all.square / n);
    means.push_back(all.mean);
    steps.push_back(deviation <= rounding_of(all, x.size()) ? 0 : deviation / std::sqrt(n));
    scales.push_back(rounding_of(all, x.size()));
  }
  std::vector<double> projected(series.front().size());
  double rounding = 0;
  const std::vector<double> slopes = gradient ? gradient(means) : std::vector<double>{};
  const auto difference = [&](std::size_t k) {
    std::vector<double> at = means;
    at[k] = means[k] + steps[k];
    const double above = f(at);
    at[k] = means[k] - steps[k];
    return (above - f(at)) / (2 * steps[k]);
  };
  for (std::size_t k = 0; k < series.size(); ++k) {
    if (!(steps[k] > 0)) continue;  // a constant has no error to pass on
    const double slope = gradient ? slopes[k] : difference(k);
    rounding += std::abs(slope) * scales[k];
    for (std::size_t t = 0; t < projected.size(); ++t) projected[t] += slope * (series[k][t] - means[k]);
  }
  Estimate estimate = gamma_method(projected, n_chains, rounding);
  estimate.value = f(means);
  return estimate;
}

std::array<HalfChain, 2> halves(const double* chain, std::int64_t length) {
  const auto half = static_cast<std::size_t>(length / 2);
  if (half == 0) return {};
  return {moments(chain, half), moments(chain + static_cast<std::size_t>(length) - half, half)};
}

double split_r_hat(const std::vector<HalfChain>& halves, std::int64_t half) { return split_r_hat(halves, half, 0); }

double split_r_hat(const std::vector<double>& series, std::int64_t n_chains) {
  return split_r_hat(series, n_chains, 0);
}

double v_score(int n_sites, double energy, double variance, double infinite_temperature_energy) {
  const double difference = energy - infinite_temperature_energy;
  return n_sites * variance / (difference * difference);
}

std::vector<std::string> warnings(const Estimate& estimate, std::int64_t chain_length) {
  std::vector<std::string> found;
  if (estimate.r_hat > 1.1)
    found.push_back(fmt::format(
        "split R-hat = {:.3f} > 1.1: the chains disagree; more warm-up or another mixture of moves", estimate.r_hat));
  const double enough = 50 * std::max(0.5, estimate.tau_int);
  if (static_cast<double>(chain_length) < enough) {
    found.push_back(fmt::format("chains of {} measurements are shorter than 50 tau_int = {:.1f}: errors are uncertain",
                                chain_length, enough));
  }
  return found;
}

}  // namespace koushi
