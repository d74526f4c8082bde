#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"
#include "koushi/store/result_file.hpp"
#include "koushi/study/phase_table.hpp"
#include "koushi/study/progress.hpp"
#include "koushi/study/provenance.hpp"
#include "koushi/study/stop_request.hpp"

namespace koushi {

struct StudyKind;

/// What to do when the result file is there already.
enum class ExistingResult { refuse, resume, overwrite };

struct RunOptions {
  std::string output{};  ///< overrides [output] file where not empty
  ExistingResult existing = ExistingResult::refuse;
  double time_limit = TimeLimit().seconds;  ///< seconds from now within which the run checkpoints and ends
  std::string petsc_options{};              ///< from the command line, after the deck's
};

/// What `koushi check` says of a run.
struct RunEstimate {
  std::string text{};
  double step_seconds = 0;  ///< of a step or sweep; 0: not known
  double seconds = 0;       ///< of the whole run
  std::string rejection{};  ///< why the run will refuse that number of ranks, or ""
};

/// The changed keys that make the value in study.reference one of another model: keys of the model (model_keys.hpp) and
/// those that the study names, where --set or [scan] have changed them but not this value. "": it is of what is run.
std::string keys_without_reference(const Deck& deck);
/// Whether the deck has study.reference.KEY and it is of what is run.
bool has_reference(const Deck& deck, const std::string& key);
/// What a table says where a known value is left out.
std::string outdated_reference_line(const Deck& deck);

/// What every study does around its physics: the result file and its checkpoints, requests to stop, warnings, the table
/// of phases.
/// Collective  all members
class StudyRun {
 public:
  StudyRun(const Communicator& comm, const Deck& deck, RunOptions options);
  ~StudyRun();
  StudyRun(const StudyRun&) = delete;
  StudyRun& operator=(const StudyRun&) = delete;

  enum class Begin { fresh, resumed, done };
  /// Looks at the result file and obeys the options; `resume` takes the state from a checkpoint. Before a fresh start
  /// it tries whether the file can be written, and takes a lock (FILE.lock, gone with the process) that keeps a second
  /// run away from it. Errors: UsageError, StoreError.
  Begin begin(const std::function<void(const ResultReader&)>& resume);
  /// Starts the clocks. With steps, SIGTERM and SIGINT are requests to stop from now on; an analysis in one go, which
  /// asks no checkpoint_if_due, ends by them.
  void start(bool with_steps = true);
  /// After a step: writes a checkpoint if one is due, or `now`, or if the run is asked to stop or has no time for
  /// another step: then true.
  bool checkpoint_if_due(bool now, const std::function<void(ResultWriter&)>& write);
  /// `status`: running, stopped or done.
  void checkpoint(const std::string& status, const std::function<void(ResultWriter&)>& write);
  /// The last checkpoint; then the root prints title, table, file and phases. The exit code. Collective
  int finish(const std::function<void(ResultWriter&)>& write, const std::function<std::string()>& table);
  /// Says a warning once and keeps it in the file.
  void warn(Progress& progress, const std::string& kind, const std::string& text);
  /// Why the result file could not be written, or "".
  std::string fault_of_output() const;
  /// Says goodbye after a stop on request; the exit code.
  int stopped(Progress& progress, const std::string& where) const;

  const Communicator& comm() const { return comm_; }
  const Deck& deck() const { return deck_; }
  const RunOptions& options() const { return options_; }
  const std::string& file() const { return file_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  /// The warnings as lines of a table.
  std::string warning_lines() const;
  PhaseTable& phases() { return phases_; }

 private:
  void lock();
  void refuse_own_input() const;

  using Clock = std::chrono::steady_clock;
  const Communicator& comm_;
  const Deck& deck_;
  const StudyKind& kind_;
  RunOptions options_;
  std::string file_;
  Provenance provenance_;
  std::vector<std::string> warnings_;
  PhaseTable phases_;
  std::string source_;  ///< the file that holds the last checkpoint; "" before the first
  int lock_ = -1;       ///< descriptor of FILE.lock, on the root
  TimeLimit limit_;
  int steps_ = 0;  ///< made in this process
  Clock::time_point constructed_ = Clock::now();
  Clock::time_point last_checkpoint_;
  Clock::time_point step_began_;
};

}  // namespace koushi
