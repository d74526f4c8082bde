#include "koushi/statistics/jackknife.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace koushi {

JackknifeBins::JackknifeBins(const std::vector<std::vector<double>>& chains, std::size_t width, std::int64_t bin_length)
    : width_(width), totals_(width) {
  for (const auto& chain : chains) {
    const auto length = static_cast<std::int64_t>(chain.size() / width);
    if (length == 0) continue;
    const std::int64_t n_bins = std::max<std::int64_t>(1, length / std::max<std::int64_t>(1, bin_length));
    for (std::int64_t b = 0; b < n_bins; ++b) {
      const std::int64_t first = b * length / n_bins;
      const std::int64_t last = (b + 1) * length / n_bins;
      std::vector<double> sum(width);
      for (std::int64_t t = first; t < last; ++t) {
        for (std::size_t k = 0; k < width; ++k) sum[k] += chain[static_cast<std::size_t>(t) * width + k];
      }
      for (std::size_t k = 0; k < width; ++k) totals_[k] += sum[k];
      sums_.push_back(std::move(sum));
      sizes_.push_back(static_cast<double>(last - first));
    }
    size_ += static_cast<double>(length);
  }
}

std::vector<double> JackknifeBins::means() const {
  std::vector<double> result(totals_);
  for (double& x : result) x /= size_;
  return result;
}

std::vector<double> JackknifeBins::means_without(std::size_t bin) const {
  std::vector<double> result(totals_);
  for (std::size_t k = 0; k < width_; ++k) result[k] = (totals_[k] - sums_[bin][k]) / (size_ - sizes_[bin]);
  return result;
}

JackknifeEstimate jackknife_of_samples(const std::vector<double>& value,
                                       const std::vector<std::vector<double>>& samples) {
  const std::size_t n = value.size();
  const auto bins = static_cast<double>(samples.size());
  JackknifeEstimate estimate{value, std::vector<double>(n), std::vector<double>(n * n), samples.size()};
  if (samples.size() < 2) {
    std::fill(estimate.error.begin(), estimate.error.end(), std::numeric_limits<double>::quiet_NaN());
    std::fill(estimate.covariance.begin(), estimate.covariance.end(), std::numeric_limits<double>::quiet_NaN());
    return estimate;
  }
  std::vector<double> mean(n);
  for (const auto& sample : samples) {
    for (std::size_t i = 0; i < n; ++i) mean[i] += sample[i] / bins;
  }
  for (const auto& sample : samples) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j)
        estimate.covariance[i * n + j] += (bins - 1) / bins * (sample[i] - mean[i]) * (sample[j] - mean[j]);
    }
  }
  for (std::size_t i = 0; i < n; ++i) estimate.error[i] = std::sqrt(estimate.covariance[i * n + i]);
  return estimate;
}

JackknifeEstimate jackknife(const JackknifeBins& bins,
                            const std::function<std::vector<double>(const std::vector<double>&)>& f) {
  std::vector<std::vector<double>> samples;
  if (bins.count() > 1) {
    for (std::size_t b = 0; b < bins.count(); ++b) samples.push_back(f(bins.means_without(b)));
  }
  return jackknife_of_samples(f(bins.means()), samples);
}

std::int64_t jackknife_bin_length(double tau_int, std::int64_t measurements, std::int64_t enough) {
  const auto at_least = static_cast<std::int64_t>(std::ceil(2 * tau_int));
  const auto at_most = static_cast<std::int64_t>(std::ceil(20 * tau_int));
  return std::max<std::int64_t>({1, at_least, std::min(at_most, measurements / enough)});
}

}  // namespace koushi
