#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koushi/deck/scan.hpp"
#include "koushi/study/study_run.hpp"

namespace koushi {

/// What `koushi job` is told.
struct JobOptions {
  std::string deck;
  std::vector<std::string> sets;
  int ranks = 0;
  std::string time;
  bool array = false;  ///< of the points of the scan; false: one run
  bool gpus = false;
  std::string output;           ///< the script; empty: standard output
  std::vector<ScanPoint> scan;  ///< of the deck with these overrides
};

/// Checks the deck at one point of its scan or (-1) all of them, makes a step and says what the whole run takes.
using EstimateRun = std::function<RunEstimate(int point)>;

/// "key=a,[4,4],word" as an override of the deck: "scan.key=[a, [4,4], 'word']". Errors: UsageError.
std::string scan_override(const std::string& array);

/// Writes a script for sbatch, made of jobs/run.slurm or jobs/array.slurm, with the estimate as comments; warns where
/// --time is shorter than the estimate.
///
/// Collective  yes; the root writes
/// Errors      UsageError, DeckError; StoreError where the script cannot be written
void write_job(const Communicator& comm, const JobOptions& options, const EstimateRun& estimate);

}  // namespace koushi
