#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace koushi {

/// Shows how far a long run is: one live line on a terminal, one line per interval in a log. Root only; others keep
/// quiet.
class Progress {
 public:
  /// `speaks`: whether this rank prints at all. The total may be reached from a resumed step. `noun`: what is counted.
  Progress(bool speaks, std::int64_t first_step, std::int64_t total_steps, std::string noun = "step");
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `status`: what the study wants seen, e.g. "E/N -0.70178(12)  R-hat 1.003".
  void step(std::int64_t done, const std::string& status);
  /// A message that must not be overwritten by the live line.
  void say(const std::string& message);

 private:
  using Clock = std::chrono::steady_clock;
  void end_live_line();

  bool speaks_;
  bool terminal_;
  bool line_open_ = false;
  std::int64_t first_step_;
  std::int64_t total_steps_;
  std::string noun_;
  double log_interval_ = 1;  ///< seconds; grows to a minute, so that short and long runs both have readable logs
  Clock::time_point started_ = Clock::now();
  Clock::time_point last_ = Clock::now();
};

}  // namespace koushi
