#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koushi/study/study_run.hpp"

namespace koushi {

/// What `koushi job` is told.
struct JobOptions {
  std::string deck;
  std::vector<std::string> sets;
  int ranks = 0;
  std::string time;
  std::string array;  ///< key=a,b,c; empty: one run
  bool gpus = false;
  std::string output;  ///< the script; empty: standard output
};

/// Checks the deck with these overrides, makes a step and says what the whole run takes.
using EstimateRun = std::function<RunEstimate(const std::vector<std::string>& sets)>;

/// Writes a script for sbatch, made of jobs/run.slurm or jobs/array.slurm, with the estimate as comments; warns where --time is shorter than the estimate.
///
/// Collective  yes; the root writes
/// Errors      UsageError, DeckError; StoreError where the script cannot be written
void write_job(const Communicator& comm, const JobOptions& options, const EstimateRun& estimate);

}  // namespace koushi
