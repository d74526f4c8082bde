#pragma once

#include <algorithm>
#include <complex>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "koushi/statistics/estimate.hpp"
#include "koushi/study/catalogue.hpp"
#include "koushi/study/ground_state.hpp"
#include "koushi/study/history.hpp"
#include "koushi/study/spin_model.hpp"

namespace koushi {

/// A run of ground_state.hpp: its steps and measurement (ground_state.cpp), and what `check` says of it
/// (ground_state_estimate.cpp).
class GroundState {
 public:
  GroundState(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        run_(comm, deck, options),
        phases_(run_.phases()),
        lattice_(make_lattice(deck)),
        hamiltonian_(make_hamiltonian(deck, lattice_)),
        psi_(make_wavefunction(deck, lattice_, hamiltonian_)),
        sampler_(make_sampler(comm, deck, lattice_, hamiltonian_, *psi_)),
        terms_(make_terms(hamiltonian_)),
        measure_only_(deck.text("study.kind") == "measure"),
        n_steps_(measure_only_ ? 0 : deck.integer("study.steps")),
        n_averaged_(measure_only_ ? 0 : std::min(n_steps_, deck.integer("study.average"))) {
    if (!measure_only_) sr_schedule(deck, 0, n_steps_);  // refuses what cannot be a schedule
  }

  int run();
  RunEstimate describe(int ranks);

 private:
  struct Summary {
    double energy = 0;
    double error = 0;
    double variance = 0;
    double r_hat = 1;
    double acceptance = 0;
  };
  struct Update {
    SrReport report;
    double step_size;
  };

  void draw(std::uint64_t step, int attempt = 0);
  void warm_up_chains(std::uint64_t step, std::int64_t first_sweep, std::int64_t sweeps);
  std::vector<std::complex<double>> energies_of_samples();
  /// All ranks' sums run over the gathered series, in the order of the rows.
  Summary summarise(const std::vector<std::complex<double>>& energies);
  bool bad(const Summary& now) const;
  void halve_last_update();
  Update update(const std::vector<std::complex<double>>& energies);
  void add_to_average();
  void record(const Summary& now, const SrReport& report, double step_size);
  /// Statistical danger, each said once and kept in the file.
  void watch(const Summary& now, const SrReport& report, Progress& progress);
  /// Mean energy and its error over steps [first, last) of the history.
  Estimate window(std::int64_t first, std::int64_t last) const;
  static bool lies_above(const Estimate& a, const Estimate& b, double tolerance = 1e-3);
  /// The last twentieth of the optimisation.
  Estimate last_energy() const { return window(n_steps_ - std::max<std::int64_t>(1, n_steps_ / 20), n_steps_); }
  void watch_for_a_rise(Progress& progress);
  /// Rounds of samples at fixed parameters; false if the run was asked to stop before they were complete.
  bool measure(Progress& progress);
  /// The chains of an optimisation know the configurations that it has shaped. A wavefunction may have as much weight
  /// in others, which it never met; chains from random states go there.
  /// False if the run was asked to stop before it was done: to look again, and then, as the only thing left to do,
  /// without a stop.
  bool look_from_afresh(Progress& progress, bool may_stop);
  void refuse_without_number() const;
  /// Goes back to the parameters of the last step, to be measured anew, where the averaged ones lie above the steps
  /// they come from.
  bool take_back_the_average(Progress& progress);
  /// True if the run was asked to stop, and is checkpointed.
  bool checkpoint_if_due(bool now);
  void write(ResultWriter& writer) const;
  void write_observables(ResultWriter& writer) const;
  void load_parameters(const std::string& key);
  bool begin();
  void resume(const ResultReader& reader);
  std::string result_text() const;
  void note_symmetries(const std::function<void(const std::string&)>& note) const;
  std::int64_t n_unknowns() const { return psi_->n_parameters() / (psi_->holomorphic() ? 2 : 1); }
  SrRoute route() const;
  double solver_bytes(int ranks) const;

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  PhaseTable& phases_;
  Lattice lattice_;
  SpinHamiltonian hamiltonian_;
  std::unique_ptr<SpinWavefunction> psi_;
  std::unique_ptr<SpinSampler> sampler_;
  SpinTerms terms_;
  bool measure_only_;
  std::int64_t n_steps_;
  std::int64_t n_averaged_;
  std::int64_t step_ = 0;
  std::vector<double> previous_parameters_;
  std::vector<double> previous_delta_;  ///< kept for its momentum alone
  double previous_energy_ = 0;
  double previous_variance_ = 0;
  std::vector<double> parameter_sum_;
  bool measuring_ = false;
  std::int64_t warmed_up_ = 0;     ///< sweeps before the measurement that are made
  std::vector<double> measured_;   ///< Re E_loc, [round][chain][t]
  double measured_imaginary_ = 0;  ///< sum of their (Im E_loc)^2
  History history_;
  Estimate energy_;
};

}  // namespace koushi
