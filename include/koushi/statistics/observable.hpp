#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace koushi {

/// A series that is measured: `width` numbers of every configuration.
struct SeriesInfo {
  std::string name;
  std::int64_t width = 1;
  std::string unit = "lattice units";
  std::string symbol{};  ///< on the axis of a plot, as LaTeX in the form of matplotlib; empty: the name
};

/// One number of a measured series.
struct SeriesColumn {
  std::string series;
  std::size_t column = 0;
};

/// The same number taken from later times, where excited states contribute less.
struct LaterValue {
  std::vector<SeriesColumn> series{};
  std::function<double(const std::vector<double>&)> value{};                  ///< empty: there is none
  std::function<std::vector<double>(const std::vector<double>&)> gradient{};  ///< as of an Observable
  std::string cause{};  ///< why the two differ by more than the error, and what helps
};

/// A number that is estimated from the means of measured series.
struct Observable {
  std::string name;
  std::string help;
  std::vector<SeriesColumn> series;
  std::function<double(const std::vector<double>&)> value;
  std::string undefined =
      "noise outweighs the signal; remedy: more [study] measurements";  ///< why the means may give no number
  std::string unit = "lattice units";
  std::string symbol{};  ///< on the axis of a plot, as LaTeX in the form of matplotlib; empty: the name
  /// The imaginary part of one measurement, whose mean is 0: its mean square is a part of the variance, not of the
  /// error.
  std::optional<SeriesColumn> imaginary{};
  /// d value / d means, where `value` cannot follow a step of one error of a single mean; empty: differences do.
  std::function<std::vector<double>(const std::vector<double>&)> gradient{};
  LaterValue later{};
};

/// Observables along an axis, as a correlator against distance.
struct Curve {
  std::string name;
  std::string help;
  std::string axis;
  std::vector<double> x;
  std::vector<Observable> points;
  std::string unit = "lattice units";
  std::string symbol{};  ///< on the axis of a plot, as LaTeX in the form of matplotlib; empty: the name
};

}  // namespace koushi
