#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace koushi {

/// What `koushi report` and `koushi plot` are asked for with several files.
struct CompareOptions {
  std::vector<std::string> files;
  /// a numeric key of the resolved deck; empty: the only one that differs, if there is one
  std::string x;
  std::vector<std::string> y;  ///< observables; none: all that every file has
};

/// Results of several files side by side.
struct Comparison {
  struct Row {
    std::string file;
    std::string status;
    double x = 0;
    std::vector<std::string> settings;  ///< values of `settings` below, as the deck has them
    /// value and error per observable; the error NaN where there is none
    std::vector<std::pair<double, double>> numbers;
  };
  std::string title;                  ///< of all files, or how many they are
  std::string x;                      ///< empty: rows in the order of the files
  std::vector<std::string> settings;  ///< further keys in which the physics of the files differs
  std::vector<std::string> y;
  std::map<std::string, std::string> symbols;  ///< of those y that the files have one for, on the axis of a plot
  std::vector<Row> rows;                       ///< by x, then by settings
};

/// Reads what the options name. Errors: UsageError (unknown names with the nearest, keys that are no numbers),
/// StoreError.
Comparison compare(const CompareOptions& options);

/// A table for reading, or comma-separated values for scripts.
std::string comparison_table(const Comparison& comparison);
std::string comparison_csv(const Comparison& comparison);
/// What the plot script reads: one line per distinct setting.
std::string comparison_json(const Comparison& comparison);

}  // namespace koushi
