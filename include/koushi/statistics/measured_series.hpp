#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "koushi/statistics/estimate.hpp"
#include "koushi/statistics/observable.hpp"

namespace koushi {

/// What independent chains gave, measurement by measurement, under the names of series; estimates of observables come
/// from it. No call is collective.
///
/// Shapes      values of a series: [t][chain][width]; column(): [chain][t]
/// Errors      StoreError where the series of an observable are of different lengths
class MeasuredSeries {
 public:
  explicit MeasuredSeries(std::int64_t n_chains) : n_chains_(n_chains) {}

  /// One series of a name: its numbers, of `width` each.
  struct Series {
    std::int64_t width = 1;
    std::vector<double> values{};  ///< [t][chain][width]
  };

  std::int64_t n_chains() const { return n_chains_; }
  /// Takes one further measurement of every chain, [chain][width]; a width that is not given is that of the values.
  void add(const std::string& name, const std::vector<double>& values);
  /// Takes `count` further measurements of every chain, [chain][count][width], as chains are sampled one after the
  /// other.
  void add_chain_by_chain(const std::string& name, std::int64_t width, const std::vector<double>& values);
  /// Puts a whole series in the place of one of this name.
  void set(const std::string& name, std::int64_t width, std::vector<double> values);
  void clear() { series_.clear(); }

  bool contains(const std::string& name) const { return series_.count(name) > 0; }
  const std::map<std::string, Series>& all() const { return series_; }
  /// Measurements of every chain in a series; 0 if there is none of this name.
  std::int64_t measured(const std::string& name) const;
  /// Column w of a series, chain after chain.
  std::vector<double> column(const SeriesColumn& from) const;

  /// The estimate by the Gamma method; its variance includes the mean square of the imaginary part.
  Estimate estimate(const Observable& observable) const;
  /// The error of an estimate; NaN where the chains are too short for one (fewer than 50 tau_int, or than `fewest`
  /// measurements) or each gives the same number again and again; 0 where measurements differ but the observable does
  /// not depend on them.
  double quoted_error(const Observable& observable, const Estimate& estimate) const;
  static constexpr std::int64_t fewest = 20;

 private:
  std::int64_t n_chains_;
  std::map<std::string, Series> series_;
};

/// The estimate of an observable from measurements that are independent of each other, as bins of independent draws: the
/// error is that of their mean, tau_int 1/2. NaN with fewer than two.
Estimate of_independent_bins(const MeasuredSeries& series, const Observable& observable);

}  // namespace koushi
