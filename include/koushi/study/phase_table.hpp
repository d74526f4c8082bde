#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace koushi {

/// Wall time of the phases of a run, in the order of their first appearance.
class PhaseTable {
 public:
  struct Row {
    std::string name;
    double seconds = 0;
    double work = 0;  ///< things done, in units of `unit`; 0 if not counted
    std::string unit;
  };
  /// Adds the seconds since the last call of start() or of lap() to `phase`.
  void lap(const std::string& phase, double work = 0, const std::string& unit = "");
  void start() { last_ = Clock::now(); }
  const std::vector<Row>& rows() const { return rows_; }
  double seconds() const;
  /// The table of phases with their share of time and rate.
  std::string text() const;

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
  std::vector<Row> rows_;
};

}  // namespace koushi
