#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "koushi/statistics/measured_series.hpp"
#include "koushi/store/result_file.hpp"

namespace koushi {

/// An observable as a file holds it: PREFIXobservables/NAME/{value, error, tau_int, samples, ...}. These functions are
/// the only ones that know this layout, and that of PREFIXcurves and PREFIXseries.
struct StoredObservable {
  std::string name;
  double value = 0;
  double error = 0;  ///< NaN: none is quoted
  double tau_int = 0.5;
  std::int64_t samples = 0;
  std::optional<double> naive_error{};  ///< as if all measurements were independent
  std::optional<double> r_hat{};
  std::optional<double> variance{};  ///< of one measurement
  std::string help{};
  std::string error_help = "one standard deviation";
  std::string tau_help = "integrated autocorrelation time; 1/2 for independent measurements";
  std::string unit{};
  std::string counted = "measurements";  ///< what tau_int and samples count
  std::string symbol{};                  ///< on the axis of a plot; empty: the name
};

/// An estimate with all that a file tells of it. error: the one that is quoted.
StoredObservable stored(const Observable& observable, const Estimate& estimate, double error);

void write_observable(ResultWriter& writer, const std::string& prefix, const StoredObservable& observable);
/// Names of the observables below a prefix, sorted.
std::vector<std::string> observable_names(const ResultReader& reader, const std::string& prefix);
/// Errors  StoreError if there is no such observable
StoredObservable read_observable(const ResultReader& reader, const std::string& prefix, const std::string& name);
/// All observables below a prefix, sorted by name.
std::vector<StoredObservable> read_observables(const ResultReader& reader, const std::string& prefix);

/// A curve as a file holds it: PATH/{x, value, error}.
struct StoredCurve {
  std::string name;
  std::vector<double> x{};
  std::vector<double> value{};
  std::vector<double> error{};
  std::string axis{};
  std::string help{};
  std::string error_help = "one standard deviation";
  std::string unit = "lattice units";
  std::string symbol{};  ///< on the axis of a plot; empty: the name
};

/// Writes a curve below `group`: "curves" as a rule, with the prefix of a rung before it.
void write_curve(ResultWriter& writer, const std::string& group, const StoredCurve& curve);
StoredCurve read_curve(const ResultReader& reader, const std::string& group, const std::string& name);
std::vector<StoredCurve> read_curves(const ResultReader& reader, const std::string& group);

/// Writes numbers with their unit and meaning.
void write_reals(ResultWriter& writer, const std::string& path, const std::vector<double>& values,
                 const std::string& unit, const std::string& help);

/// Writes series of chains that every rank holds: PREFIXseries/NAME, [measurement][chain][entry]. `shape` says that in
/// words.
void write_series(ResultWriter& writer, const std::string& prefix, const MeasuredSeries& series,
                  const std::string& unit, const std::string& shape);
/// Takes all series below a prefix, of n_measurements each.
void read_series(const ResultReader& reader, const std::string& prefix, std::int64_t n_measurements,
                 MeasuredSeries& series);
/// Writes or reads one series whose chains are spread over the ranks; `series` has those of this rank.
void write_series(ResultWriter& writer, const SeriesInfo& info, RowRange chains, const MeasuredSeries& series);
void read_series(const ResultReader& reader, const SeriesInfo& info, RowRange chains, std::int64_t n_measurements,
                 MeasuredSeries& series);

}  // namespace koushi
