#pragma once

#include <string>
#include <utility>
#include <vector>

#include "koushi/bench/bench.hpp"

namespace koushi {

/// The rows that are asked for, and the limits that these are fractions of, each measured when a row first wants it.
class BenchRows {
 public:
  /// `only`: what a name must contain.
  explicit BenchRows(std::string only) : only_(std::move(only)) {}

  /// Whether one of these is asked for.
  bool want(const std::vector<std::string>& names);
  /// Keeps a row that is asked for; an indented one goes with the row before it.
  void add(BenchRow row);
  double peak();   ///< Gflop/s
  double triad();  ///< GB/s

  const std::vector<BenchRow>& all() const { return rows_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  bool matches(const std::string& name) const { return name.find(only_) != std::string::npos; }

  std::string only_;
  std::vector<std::string> names_;  ///< all that there are
  std::vector<BenchRow> rows_;
  bool keeps_ = true;
  double peak_ = 0;
  double triad_ = 0;
};

}  // namespace koushi
