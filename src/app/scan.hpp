#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koushi/deck/scan.hpp"
#include "koushi/study/study_run.hpp"

namespace koushi {

/// A deck with its [scan]: one deck per point, or, where there is none or one point was chosen, that alone.
struct Runs {
  std::vector<Deck> decks;
  std::vector<ScanPoint> points;  ///< of [scan], none without it
  int chosen = -1;                ///< point, or -1: all
  bool continues = false;         ///< every point begins where the one before ended

  bool is_scan() const { return !points.empty() && chosen < 0; }
  /// The result file of a point: that of [output], or of --output, with the name of the point before its suffix.
  std::string file(std::size_t point, const std::string& output) const;
};

/// Parses a point of a deck with some settings more, as of --set.
using ParseAt = std::function<ScannedDeck(std::size_t point, const std::vector<std::string>& settings)>;

/// The point `chosen` (-1: all) of a deck; `name` is the deck's, for messages; `output` that of --output. With
/// scan.continue every deck but the first names the result file of the point before it as what it begins with.
/// Errors  one DeckError with those of all points; UsageError where there is no such point
Runs scan_runs(const ParseAt& parse_at, int chosen, const std::string& name, const std::string& output);

/// Runs the points one after another until one ends with another exit code than 0, which is returned;
/// options.time_limit is that of all together. With ExistingResult::resume those that are done are skipped by their
/// studies.
///
/// Collective  yes
/// Errors      UsageError if there is a result of any point already and it shall be neither resumed nor overwritten
int run_scan(const Communicator& comm, const Runs& runs, const RunOptions& options,
             const std::function<int(const Deck&, const RunOptions&)>& run);

/// The estimate of the first point, then a line for each, and the sum; step_seconds is that of the slowest step.
RunEstimate estimate_scan(const Runs& runs, const std::function<RunEstimate(const Deck&)>& estimate);

}  // namespace koushi
