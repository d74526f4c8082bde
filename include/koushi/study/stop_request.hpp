#pragma once

#include <initializer_list>
#include <limits>
#include <string>

#include "koushi/parallel/communicator.hpp"

namespace koushi {

/// Turns these signals into a request that the study looks at between two steps.
void stop_on(std::initializer_list<int> signals);

/// True on every rank if any rank was asked to stop, or `time_is_up` on the root. Collective.
bool stop_is_requested(const Communicator& comm, bool time_is_up);

/// When a run has to stop so that it ends before a limit: after a step, once another step and a checkpoint, each half
/// as long again as the longest so far, and a margin for the end of the process (5 % of the limit, at most 30 s) would
/// not fit. All in seconds.
struct TimeLimit {
  double seconds = std::numeric_limits<double>::infinity();  ///< 0 or less: over already
  double longest_step = 0;
  double longest_checkpoint = 0;

  bool given() const { return seconds < std::numeric_limits<double>::infinity(); }
  double reserve() const;
  bool is_near(double elapsed) const { return elapsed + reserve() > seconds; }
};

/// Seconds from `now` (Unix time) to the end of the Slurm job, the `value` of SLURM_JOB_END_TIME (null: not set);
/// infinite, with a warning, if it is no time.
double slurm_time_left(const char* value, double now, std::string& warning);

}  // namespace koushi
