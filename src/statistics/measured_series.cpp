#include "koushi/statistics/measured_series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

/// d value / d (mean of the first series), which scales the imaginary part as well.
double slope(const Observable& observable, const std::vector<std::vector<double>>& series) {
  if (!observable.value) return 1;
  std::vector<double> means;
  for (const std::vector<double>& x : series) {
    double mean = 0;
    for (const double v : x) mean += v / static_cast<double>(x.size());
    means.push_back(mean);
  }
  double square = 0;
  for (const double v : series[0]) square += (v - means[0]) * (v - means[0]) / static_cast<double>(series[0].size());
  const double step = std::sqrt(square / static_cast<double>(series[0].size()));
  if (!(step > 0)) return 0;
  std::vector<double> at = means;
  at[0] = means[0] + step;
  const double above = observable.value(at);
  at[0] = means[0] - step;
  return (above - observable.value(at)) / (2 * step);
}

}  // namespace

void MeasuredSeries::add(const std::string& name, const std::vector<double>& values) {
  Series& series = series_[name];
  series.width = static_cast<std::int64_t>(values.size()) / n_chains_;
  series.values.insert(series.values.end(), values.begin(), values.end());
}

void MeasuredSeries::add_chain_by_chain(const std::string& name, std::int64_t width,
                                        const std::vector<double>& values) {
  Series& series = series_[name];
  series.width = width;
  if (n_chains_ == 0) return;
  const auto entries = static_cast<std::size_t>(width);
  const auto chains = static_cast<std::size_t>(n_chains_);
  const std::size_t length = values.size() / (chains * entries);
  const std::size_t before = series.values.size();
  series.values.resize(before + values.size());
  for (std::size_t c = 0; c < chains; ++c) {
    for (std::size_t t = 0; t < length; ++t) {
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>((c * length + t) * entries), entries,
                  series.values.begin() + static_cast<std::ptrdiff_t>(before + (t * chains + c) * entries));
    }
  }
}

void MeasuredSeries::set(const std::string& name, std::int64_t width, std::vector<double> values) {
  series_[name] = {width, std::move(values)};
}

std::int64_t MeasuredSeries::measured(const std::string& name) const {
  const auto found = series_.find(name);
  if (found == series_.end() || n_chains_ == 0 || found->second.width == 0) return 0;
  return static_cast<std::int64_t>(found->second.values.size()) / (n_chains_ * found->second.width);
}

std::vector<double> MeasuredSeries::column(const SeriesColumn& from) const {
  const auto found = series_.find(from.series);
  if (found == series_.end()) throw InternalError("there is no series " + from.series);
  const Series& series = found->second;
  const auto chains = static_cast<std::size_t>(n_chains_);
  const auto n = static_cast<std::size_t>(measured(from.series));
  const auto width = static_cast<std::size_t>(series.width);
  std::vector<double> result(n * chains);
  for (std::size_t t = 0; t < n; ++t) {
    for (std::size_t c = 0; c < chains; ++c) result[c * n + t] = series.values[(t * chains + c) * width + from.column];
  }
  return result;
}

Estimate MeasuredSeries::estimate(const Observable& observable) const {
  std::vector<std::vector<double>> series;
  for (const SeriesColumn& from : observable.series) {
    series.push_back(column(from));
    if (series.back().size() != series.front().size()) {
      throw StoreError(
          fmt::format("{} has {} measurements, {} has {}: the version of koushi that began this run did not "
                      "record both\n  expected: that version to go on, or --overwrite",
                      observable.series.front().series, series.front().size(), from.series, series.back().size()));
    }
  }
  Estimate estimate = observable.value ? derived_gamma_method(series, n_chains_, observable.value, observable.gradient)
                                       : gamma_method(series.front(), n_chains_);
  if (observable.imaginary) {
    double square = 0;
    const std::vector<double> imaginary = column(*observable.imaginary);
    for (const double x : imaginary) square += x * x;
    const double factor = slope(observable, series);
    estimate.variance += factor * factor * square / static_cast<double>(imaginary.size());
  }
  return estimate;
}

double MeasuredSeries::quoted_error(const Observable& observable, const Estimate& estimate) const {
  const std::int64_t n = measured(observable.series.front().series);
  const bool enough =
      n >= fewest && static_cast<double>(n) >= 50 * std::max(0.5, estimate.tau_int) && std::isfinite(estimate.value);
  const auto fluctuates = [this](const SeriesColumn& from) { return !is_constant(column(from)); };
  if (!enough || std::isinf(estimate.r_hat) ||
      (estimate.error == 0 && std::none_of(observable.series.begin(), observable.series.end(), fluctuates)))
    return std::nan("");
  return estimate.error;
}

Estimate of_independent_bins(const MeasuredSeries& series, const Observable& observable) {
  Estimate e = series.estimate(observable);
  e.error /= std::sqrt(2 * e.tau_int);
  e.tau_int = 0.5;
  return e;
}

}  // namespace koushi
