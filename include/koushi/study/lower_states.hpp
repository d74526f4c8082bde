#pragma once

#include <complex>
#include <memory>
#include <string>
#include <vector>

#include "koushi/deck/section.hpp"
#include "koushi/statistics/estimate.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/variational_model.hpp"

namespace koushi {

/// The state phi of a finished run beside that of a model, psi, with samples of its own from |phi|^2.
class FinishedState {
 public:
  /// Ratios of the two states, in units of the largest phi / psi of the samples of psi: states are not normalised.
  struct Ratios {
    std::vector<std::complex<double>> of_samples;  ///< phi(x) / psi(x) of the model's samples here
    std::complex<double> mean;                     ///< over |psi|^2
    std::complex<double> inverse;                  ///< the mean of psi / phi over |phi|^2
    Estimate overlap;                              ///< mean inverse = |<phi|psi>|^2 / (<phi|phi> <psi|psi>)
  };
  /// key: that names the file. same_hamiltonian: whether that run must have the H of the model, not its states alone.
  /// number: of this state in the run, where its random numbers begin.
  /// Errors  DeckError at the key where the file is no run of states of this space and sector
  FinishedState(VariationalModel& model, const std::string& key, const std::string& file, bool same_hamiltonian,
                std::size_t number);
  const std::string& file() const { return file_; }
  const Wavefunction& psi() const { return *psi_; }
  void start();
  void draw(std::uint64_t step, int attempt);
  Ratios ratios();
  /// The chains: state/lower_NUMBER/*.
  void write(Archive& archive) const;
  void read(const Archive& archive);

 private:
  std::complex<double> mean(const Sampler& sampler, const std::vector<std::complex<double>>& values, double& error);

  VariationalModel& model_;
  std::string file_;
  std::size_t number_;
  std::unique_ptr<Wavefunction> psi_;
  std::unique_ptr<Sampler> sampler_;
};

/// The keys study.orthogonal_to, study.penalty and study.target.
std::vector<Key> lower_states_keys();

/// States phi_i of finished runs that an optimisation keeps away from, so that it ends in an excited state: it lowers
///
///   <H> + penalty sum_i F_i,   F_i = |<phi_i|psi>|^2 / (<phi_i|phi_i> <psi|psi>)
///
/// which is the energy of H + penalty sum_i P_i with the projectors P_i, whose local values are
///
///   P_i(x) = c_i phi_i(x) / psi(x),   c_i = <phi_i|psi> / <phi_i|phi_i> = the mean of psi / phi_i over |phi_i|^2
///
/// c_i is measured by chains of its own, as many as psi has, so that no mean has a heavy tail: the variance of P_i over
/// |psi|^2 is F_i (1 - F_i).
///
/// With study.target the optimisation makes the state of that run instead, whatever H is: it lowers -log F, whose local
/// values -(phi / psi) / (mean of phi / psi) need no other samples than those of psi. Where the rows of psi span all
/// states, a step of length 1 is all it takes.
///
/// Source      K. Choo, G. Carleo, N. Regnault, T. Neupert, Phys. Rev. Lett. 121, 167204 (2018); M. T. Entwistle et
///             al., Nat. Commun. 14, 274 (2023)
/// Cost        per state and draw: one draw of its chains, amplitudes of both states at the samples of both
/// Collective  construction and all calls but the questions
class LowerStates {
 public:
  /// Errors  DeckError where its keys do not fit together
  explicit LowerStates(VariationalModel& model);
  /// Reads the runs that the deck names; where there are none, every call does nothing.
  /// Errors  DeckError at study.orthogonal_to where a file is no run of states of this Hamiltonian and sector, or where
  /// neither state can change its sign
  void load();

  std::size_t size() const { return states_.size(); }
  /// Whether psi is to become the one state there is.
  bool is_target() const { return is_target_; }
  const std::string& file(std::size_t i) const { return states_[i].file(); }
  void start();
  /// Draws from all |phi_i|^2, beside the samples that the model has of |psi|^2.
  void draw(std::uint64_t step, int attempt = 0);
  /// What the optimisation makes small in place of the energy, by the local energies of the model's samples here: with
  /// penalty sum_i P_i(x) added, or that of a target.
  void change(std::vector<std::complex<double>>& energies);
  /// F_i of the last call of change(), with its error from the means of the chains.
  const std::vector<Estimate>& overlaps() const { return overlaps_; }
  /// The overlaps of fresh samples at the present parameters, once: they are kept from then on. step: of the random
  /// numbers.
  void measure(std::uint64_t step);
  /// What measure() found, as observables overlap_I; empty before.
  std::vector<StoredObservable> observables() const;
  /// The chains and what was measured: state/lower_I/*.
  void write(Archive& archive) const;
  void read(const Archive& archive);

 private:
  VariationalModel& model_;
  double penalty_ = 0;
  bool is_target_ = false;
  std::vector<FinishedState> states_;
  std::vector<Estimate> overlaps_;
  bool measured_ = false;
};

}  // namespace koushi
