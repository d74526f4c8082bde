#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "koushi/solver/stochastic_reconfiguration.hpp"
#include "koushi/statistics/estimate.hpp"
#include "koushi/store/result_file.hpp"
#include "koushi/study/history.hpp"
#include "koushi/study/lower_states.hpp"
#include "koushi/study/sr_size.hpp"
#include "koushi/study/study_run.hpp"
#include "koushi/study/variational_model.hpp"

namespace koushi {

/// Stochastic reconfiguration, step by step, by the schedule of [solver]:
///
///   sample |psi|^2 -> local energies -> (S + lambda) delta = F -> theta <- theta - eta delta
///
/// An update after which the energy jumps by more than three standard deviations of the local energy (by less where all
/// states are enumerated), is not finite or is beyond every state of H is halved and the step repeated, at most 8
/// times. At the end it says which parameters are to be measured: those of the last step, their average over the last
/// steps (study.average), or those of an earlier step whose energy lies below.
///
/// Collective  all members
/// Errors      NumericalError where no shorter update mends the energy
class Optimisation {
 public:
  /// lower: what its energy is raised by where it overlaps with lower states.
  /// Refuses what cannot be a schedule. Errors: DeckError.
  Optimisation(StudyRun& run, VariationalModel& model, LowerStates& lower);

  std::int64_t steps() const { return step_; }
  std::int64_t n_steps() const { return n_steps_; }
  /// Whether all steps are made, or study.stop asks for no more.
  bool done() const { return step_ >= end_; }
  const History& history() const { return history_; }

  /// Makes one step, with the retries it takes.
  void step(Progress& progress);
  /// Warns of an optimisation that did not converge, and gives psi the parameters that are to be measured. Only the
  /// first call does: a run that is resumed in its measurement has them.
  void choose(Progress& progress);
  /// Whether the measured energy lies above the steps that the parameters come from; then psi has others, which are to
  /// be measured instead.
  bool falls_back(const Estimate& measured, Progress& progress);

  /// Whether choose() has been called.
  bool chosen() const { return chosen_ != Chosen::nothing; }
  /// Whether psi has the parameters of an earlier step, which its chains do not come from.
  bool went_back() const { return chosen_ == Chosen::best; }

  /// One update from the samples of the model, for `koushi check`.
  void update(const std::vector<std::complex<double>>& energies);
  /// The linear system of a step.
  SrSize system() const;

  /// Writes history/* and state/optimisation/*.
  void write(ResultWriter& writer) const;
  /// Reads these, also from files of versions that had them under other names.
  void read(const ResultReader& reader);

 private:
  /// Which parameters psi has at the end.
  enum class Chosen : std::int64_t { nothing = 0, last = 1, average = 2, best = 3 };

  /// goal: what is made small, the energy and the penalties of lower states.
  bool bad(const ChainMoments& now, const ChainMoments& goal) const;
  void halve_last_update();
  void add_to_average();
  void keep_the_best();
  void record(const ChainMoments& now, const ChainMoments& goal);
  void issue_warnings(const ChainMoments& now, Progress& progress);
  /// The series of the history that is made small.
  std::string goal() const { return lower_.size() > 0 ? "objective" : "energy"; }
  std::string name_of_goal() const { return lower_.size() > 0 ? "the objective per site" : "E/N"; }
  /// Its mean and error over steps [first, last).
  Estimate window(std::int64_t first, std::int64_t last) const;
  /// V-score of the last window.
  double mean_v_score() const;
  /// Whether a condition of study.stop is met.
  bool is_converged() const;
  std::int64_t window_length() const { return std::max<std::int64_t>(1, n_steps_ / 20); }
  /// Steps whose mean tells a better state from a lucky one; where states are enumerated every step does.
  std::int64_t best_length() const { return model_.sampler().n_chains() == 0 ? 1 : window_length(); }
  Estimate last_window() const { return window(std::max<std::int64_t>(0, step_ - window_length()), step_); }
  void warn_of_a_fall(Progress& progress);
  void warn_of_standing_still(Progress& progress);
  void warn_of_ups_and_downs(Progress& progress);
  void read_unnamed(const ResultReader& reader);

  StudyRun& run_;
  VariationalModel& model_;
  LowerStates& lower_;
  const Deck& deck_;
  std::int64_t n_steps_;
  std::int64_t end_;  ///< n_steps_, or where a condition of study.stop ended them
  std::int64_t n_averaged_;
  std::int64_t step_ = 0;
  std::vector<double> previous_parameters_;
  std::vector<double> previous_delta_;  ///< kept for its momentum alone
  double previous_energy_ = 0;          ///< with the penalties
  double previous_variance_ = 0;
  double previous_acceptance_ = 0;
  SrReport report_;
  double step_size_ = 0;
  std::vector<double> parameter_sum_;
  std::vector<double> last_parameters_;  ///< while psi has others: those of the last step
  /// The lowest step of the present window, and that of the lowest window so far, whose mean is best_.
  struct Lowest {
    std::int64_t step = -1;
    double energy = 0;
    std::vector<double> parameters;
  };
  Lowest candidate_;
  Lowest best_step_;
  Estimate best_;
  Chosen chosen_ = Chosen::nothing;
  History history_;
};

}  // namespace koushi
