#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/statistics/measured_series.hpp"
#include "koushi/study/history.hpp"

namespace koushi {

/// A theory at work: its replicas, its updaters, and what was measured of them. A study has one, or one per rung of a
/// ladder; all that a chain leaves in a file stands below its prefix: "", or "ladder/K/" for a rung other than
/// the deck's own.
/// Collective  all members that touch the theory or a file; estimates need no communication
class FieldChain {
 public:
  /// Errors  DeckError
  FieldChain(const Deck& deck, const Grid& grid, std::string prefix);

  FieldTheory& theory() const { return *theory_; }
  /// Time between two slices of the first direction; empty where they have no correlator.
  std::optional<double> spacing() const { return spacing_; }
  const std::vector<Observable>& observables() const { return observables_; }
  std::vector<std::string> descriptions() const;
  History& history() { return history_; }
  const History& history() const { return history_; }

  /// Runs updater k as often as it wants; `step` numbers the first time.
  void update(std::size_t k, std::uint64_t step, bool tunes);
  /// Measures the configuration of a sweep, and keeps every `save_every`th (0: none). Errors: NumericalError if the
  /// action is not finite.
  void measure(std::int64_t sweep, std::int64_t save_every);

  std::int64_t measured() const;
  Estimate estimate(const Observable& observable) const;
  /// The error of an estimate, NaN where the chains are too short for one (MeasuredSeries::quoted_error).
  double quoted_error(const Observable& observable, const Estimate& e) const {
    return series_.quoted_error(observable, e);
  }
  static constexpr std::int64_t fewest = MeasuredSeries::fewest;
  static constexpr const char* error_help =
      "one standard deviation, corrected for autocorrelation; NaN where the chain is too short";
  /// S/V of the last measurement, mean of the replicas.
  double last_action_density() const;
  struct OddAcceptance {
    std::size_t updater;
    double mean;
    std::string remedy;
  };
  /// Updaters whose mean acceptance after the warm-up is outside [0.1, 0.99] though it should not be.
  std::vector<OddAcceptance> odd_acceptances(std::int64_t warm_up) const;

  /// Writes the chain; large saved configurations are copied from the last checkpoint if they are in it.
  void write(ResultWriter& writer);
  /// To be called when the file of the last write() is in its place: configurations that it holds as large arrays are
  /// given out of memory.
  void checkpointed();
  /// Configurations saved since the last checkpoint, and their bytes on the average rank.
  std::int64_t waiting() const { return waiting_; }
  double waiting_bytes() const;
  void read(const ResultReader& reader, std::int64_t n_measurements);

 private:
  void write_observables(ResultWriter& writer) const;
  /// Errors: StoreError.
  void refuse_incomplete(const Observable& observable) const;

  const Grid& grid_;
  std::string prefix_;
  std::unique_ptr<FieldTheory> theory_;
  std::optional<double> spacing_;
  std::vector<std::unique_ptr<Updater>> updaters_;
  std::vector<Observable> observables_;
  std::map<std::int64_t, Configuration> saved_;  ///< configurations in memory, by sweep
  std::set<std::int64_t> filed_;                 ///< sweeps of those that are large arrays of the last checkpoint alone
  std::int64_t waiting_ = 0;                     ///< of saved_, since the last checkpoint
  std::vector<std::int64_t> written_;            ///< of saved_, as large arrays by the last write()
  MeasuredSeries series_;                        ///< of all replicas, on every rank
  mutable std::map<std::string, Estimate> estimates_;  ///< of the observables, since the last measurement
  History history_;
};

}  // namespace koushi
