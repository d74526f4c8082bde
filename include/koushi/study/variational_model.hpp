#pragma once

#include <complex>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/deck/deck.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/sampler.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/statistics/chain_moments.hpp"
#include "koushi/study/phase_table.hpp"

namespace koushi {

/// Lattice, Hamiltonian, wavefunction and sampler of a deck, and what every step asks of them. All times go to the
/// table of phases.
/// Collective  construction and all calls that draw, sum up, write or read
/// Errors      DeckError at the key that cannot be obeyed
class VariationalModel {
 public:
  /// planned_ranks: as in make_sampler.
  VariationalModel(const Communicator& comm, const Deck& deck, PhaseTable& phases, int planned_ranks = 0);
  /// A model that is made already.
  VariationalModel(const Communicator& comm, const Deck& deck, PhaseTable& phases, Lattice lattice,
                   Operator hamiltonian, std::unique_ptr<Wavefunction> psi, std::unique_ptr<Sampler> sampler);
  VariationalModel(const VariationalModel&) = delete;
  VariationalModel& operator=(const VariationalModel&) = delete;

  const Communicator& comm() const { return comm_; }
  const Deck& deck() const { return deck_; }
  const Lattice& lattice() const { return lattice_; }
  const Operator& hamiltonian() const { return hamiltonian_; }
  Wavefunction& psi() const { return *psi_; }
  Sampler& sampler() const { return *sampler_; }
  PhaseTable& phases() const { return phases_; }
  double n_sites() const { return lattice_.n_sites(); }
  /// Parameters of the linear system of a step: complex ones count once.
  /// What is to be done besides where an energy is no number; empty: nothing more.
  std::string remedy_of_images() const;
  std::int64_t n_unknowns() const { return psi_->n_parameters() / (psi_->holomorphic() ? 2 : 1); }

  /// Starts chains from random states.
  void start() { sampler_->start(*psi_); }
  void draw(std::uint64_t step, int attempt = 0);
  void warm_up(std::uint64_t step, std::int64_t first_sweep, std::int64_t sweeps);
  /// Local energies of the samples here.
  std::vector<std::complex<double>> local_energies();
  /// Energy, error, variance and R-hat of one draw.
  ChainMoments moments(const std::vector<std::complex<double>>& energies);
  /// Chains that this rank holds, of all; none where states are enumerated.
  RowRange chains() const;
  /// The sum of the moduli of the terms of H: no state has a larger |E|.
  double energy_bound() const;
  /// Whether an energy is a number that a state can have, up to six of its errors and 2 % of the bound.
  bool possible(double energy, double error) const;

  /// The parameters and the chains: state/parameters, state/chains.
  void write(Archive& archive) const;
  void read(const Archive& archive);

  /// Lines of `koushi check`: lattice, parameters, sampler, memory per rank of `ranks`; solver_bytes: of the linear
  /// system.
  std::string describe(int ranks, double solver_bytes) const;
  /// What a reader of `koushi check` should know of lattice and symmetries.
  void note(const std::function<void(const std::string&)>& note) const;

 private:
  void note_sector(const Charge& magnetization, const std::function<void(const std::string&)>& note) const;

  const Communicator& comm_;
  const Deck& deck_;
  PhaseTable& phases_;
  Lattice lattice_;
  Operator hamiltonian_;
  std::unique_ptr<Wavefunction> psi_;
  std::unique_ptr<Sampler> sampler_;
  Terms terms_;
};

}  // namespace koushi
