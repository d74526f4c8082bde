#pragma once

#include <functional>
#include <memory>
#include <string>

#include "bench_rows.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/sampler.hpp"
#include "koushi/solver/stochastic_reconfiguration.hpp"

namespace koushi {

/// A whole step of stochastic reconfiguration, as the study makes it, on all ranks together.
struct StepCase {
  std::string name;
  const Wavefunction& psi;
  const Operator& h;
  const MoveTable& table;
  ChainOptions chains;
  SrOptions solver;
  int repetitions = 4;
  /// Flops of the step, which count what fills the place of an FMA as two: of the proposals that change something, the
  /// accepted ones among them, the ratios of local energies.
  std::function<double(double proposals, double accepted, double ratios)> flops;
};

/// The wavefunction of these lines of a deck's first [[wavefunction.factor]] and what follows.
std::unique_ptr<Wavefunction> wavefunction_of(const std::string& factors, const Lattice& lattice, const Operator& h);

/// The periodic square lattice of length x length sites with its nearest neighbours.
Lattice square(int length);
/// Electrons there, half of them up: hopping and repulsion U = 8, or one at every site with exchange.
Operator electrons(const Lattice& lattice, int pairs, bool exchange);

/// Adds the row of the best of several steps, its phases, the processor time of all ranks and the memory so far.
void add_step(const Communicator& world, const StepCase& step, BenchRows& rows);

/// Steps of pair products of electrons: 8 x 8 and 4 x 4 Hubbard, 10 x 10 Heisenberg.
void pair_step_rows(const Communicator& world, BenchRows& rows);
/// Steps of deep networks on the 10 x 10 Heisenberg model, and of backflow on the 8 x 8 Hubbard model.
void network_step_rows(const Communicator& world, BenchRows& rows);

}  // namespace koushi
