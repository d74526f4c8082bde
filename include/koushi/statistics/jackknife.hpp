#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace koushi {

/// Measurements of several quantities in independent chains, cut into bins for the jackknife.
///
/// Bins do not span chains. Chains may differ in length: one of n measurements gives max(1, n / bin_length) bins, whose
/// lengths differ by at most one, so no measurement is left out.
/// Shapes      chains[c][t * width + k], k the quantity
class JackknifeBins {
 public:
  JackknifeBins(const std::vector<std::vector<double>>& chains, std::size_t width, std::int64_t bin_length);
  std::size_t count() const { return sizes_.size(); }
  std::size_t width() const { return width_; }
  /// Means over all measurements, [k].
  std::vector<double> means() const;
  /// Means over all measurements but those of one bin, [k].
  std::vector<double> means_without(std::size_t bin) const;

 private:
  std::size_t width_;
  std::vector<double> totals_;             ///< sums, [k]
  std::vector<std::vector<double>> sums_;  ///< [bin][k]
  std::vector<double> sizes_;              ///< measurements, [bin]
  double size_ = 0;
};

/// Several numbers with their covariance, by the jackknife.
struct JackknifeEstimate {
  std::vector<double> value;
  std::vector<double> error;       ///< one standard deviation
  std::vector<double> covariance;  ///< [i * value.size() + j]
  std::size_t bins = 0;
};

/// The estimate from `value` and the numbers samples[b][i] that come out where bin b is left out:
///
///   cov_ij = (B - 1)/B sum_b (f_i^(b) - f_i)(f_j^(b) - f_j),   f_i the mean of f_i^(b)
///
/// Not a number where any sample is none, or for fewer than two bins.
/// Source      B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans (SIAM, 1982), ch. 3
JackknifeEstimate jackknife_of_samples(const std::vector<double>& value,
                                       const std::vector<std::vector<double>>& samples);

/// f of the means, with the covariance of its components. Cost: one call of f per bin.
JackknifeEstimate jackknife(const JackknifeBins& bins,
                            const std::function<std::vector<double>(const std::vector<double>&)>& f);

/// The number of bins below which no error is quoted: an error from B bins is itself uncertain by 1 / sqrt(2 (B - 1)),
/// 16 % for B = 20.
constexpr std::size_t fewest_bins = 20;

/// Bin length for a series with this tau_int. Bins of B measurements of an autoregressive process give a variance that
/// is too small by the fraction tau_int / B, so bins are long, 20 tau_int, as long as at least `enough` of them are
/// left; never shorter than 2 tau_int.
std::int64_t jackknife_bin_length(double tau_int, std::int64_t measurements, std::int64_t enough = 200);

}  // namespace koushi
