#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "koushi/deck/declare.hpp"
#include "koushi/manybody/estimator.hpp"
#include "koushi/statistics/chain_moments.hpp"
#include "koushi/statistics/measured_series.hpp"
#include "koushi/store/result_file.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/study_run.hpp"
#include "koushi/study/variational_model.hpp"

namespace koushi {

/// The key study.measure.observables and those of the estimators, and those of the known energy.
std::vector<Key> observable_keys();
std::vector<Key> known_energy_keys();
/// The estimators that study.measure.observables names, the energy first. Errors: DeckError
std::vector<std::unique_ptr<Estimator>> make_estimators(const Deck& deck, const Lattice& lattice,
                                                        const Operator& hamiltonian);
/// Keys of study.measure and study.reference; `required`: there is nothing but the measurement.
std::vector<Key> measurement_keys(bool required);

/// Sweeps of a warm-up between two looks at the clock; fixed, because tables are recomputed at the start of each piece.
inline constexpr std::int64_t sweeps_at_once = 20;

/// The measurement of a wavefunction at fixed parameters: warm-up sweeps, then rounds of samples, of which every
/// estimator takes its series (study.measure), so many or until the energy is precise. Where all states are enumerated
/// one round is exact.
///
/// A rank keeps the series of its own chains; the root has those of all while it estimates.
/// Collective  all members
class Measurement {
 public:
  /// first_step: where its random numbers begin, away from those of all steps and of other measurements.
  Measurement(StudyRun& run, VariationalModel& model, std::uint64_t first_step);

  /// Whether study.measure asks for any.
  bool wanted() const { return wanted_ > 0; }
  /// Makes what is left of warm-up and rounds, then the estimates; false if the run was asked to stop before they were
  /// complete. checkpoint_if_due(now): as StudyRun's.
  bool run(const std::function<bool(bool now)>& checkpoint_if_due);
  /// Asks for at least so many sweeps of warm-up, for parameters that the chains do not come from.
  void warm_up_at_least(std::int64_t sweeps) { warm_up_ = std::max(warm_up_, sweeps); }
  /// Forgets everything, for a measurement of other parameters.
  void restart();
  /// Warnings of R-hat and of chains that are too short for an error. Errors: NumericalError if the energy is not that
  /// of any state.
  void issue_warnings(Progress& progress) const;

  /// Whether all states are enumerated.
  bool exact() const { return model_.sampler().n_chains() == 0; }
  /// The energy, whose error is there even where none is quoted.
  const Estimate& energy() const { return energy_; }
  double quoted_error() const { return results_.empty() ? 0 : results_.front().error; }
  /// Whether a round was made in this process.
  bool begun_here() const { return begun_here_; }
  std::int64_t warmed_up() const { return warmed_up_; }
  std::int64_t measured() const;
  const std::vector<StoredObservable>& observables() const { return results_; }
  const std::vector<StoredCurve>& curves() const { return curves_; }

  /// Writes series/*, observables/*, curves/* and state/measurement/*.
  void write(ResultWriter& writer) const;
  /// Reads these, also from files of versions that had them under other names.
  void read(const ResultReader& reader);

 private:
  std::int64_t rounds() const;
  std::int64_t samples_per_chain() const;
  /// The numbers of one draw from all estimators, [estimator][state][number].
  std::vector<std::vector<double>> numbers_of_samples();
  void add_round();
  /// Whether the error of the energy is as small as study.measure.precision asks for.
  bool is_precise() const;
  void estimate_exactly();
  void estimate_from_chains();
  void estimate_all(const std::function<Estimate(const Observable&, double& quoted)>& estimate);
  void read_unnamed(const ResultReader& reader);

  StudyRun& run_;
  VariationalModel& model_;
  std::uint64_t first_step_;
  std::int64_t wanted_;
  std::int64_t warm_up_;
  double precision_;                                    ///< 0: not asked for
  std::vector<std::unique_ptr<Estimator>> estimators_;  ///< the energy is the first
  std::int64_t warmed_up_ = 0;                          ///< sweeps that are made
  std::int64_t round_ = 0;                              ///< rounds that are made
  MeasuredSeries series_;                               ///< of the chains of this rank
  bool begun_here_ = false;
  Estimate energy_;
  std::vector<StoredObservable> results_;  ///< the energy is the first
  std::vector<Estimate> estimates_;        ///< theirs, with errors that are not quoted
  std::vector<StoredCurve> curves_;
};

}  // namespace koushi
