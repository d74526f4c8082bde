#pragma once

#include <string>
#include <vector>

#include "koushi/parallel/communicator.hpp"

namespace koushi {

/// One measured rate beside the machine's own limit, measured in the same run.
struct BenchRow {
  std::string name;
  double value = 0;
  std::string unit;
  /// what bounds it: the name of the row it is a fraction of; empty where no count of work is stated
  std::string limit;
  double fraction = 1;  ///< of the limit
};

/// STREAM triad and FMA peak of this process's threads, or of its GPU; then the RBM's move kernel, local-energy kernel
/// and a whole step of stochastic reconfiguration (4096 samples, on all ranks of the job together) on the 10 x 10
/// Heisenberg model with 4 hidden units per site, real and complex, with translations (dense S) and without (sample
/// space); then kernels of lattice fields: phi^4 in memory, Ising spins, SU(3) links; then
/// random networks and paths made of networks. Each is the best of several
/// repetitions.
///
/// Flops       two per operation that takes the place of an FMA. Per hidden unit: 2 (real) or 8 (complex) for a ratio,
///             4 or 15 for an accepted move; moves that change nothing are not counted
/// Cost        under a minute. Collective. A build without MPI leaves out the whole steps, which want a solver.
///
/// only        rows whose name contains it, and the limits that they are fractions of; empty: all
/// Errors      UsageError if there is none
std::vector<BenchRow> run_bench(const Communicator& world, const std::string& only);

/// The rows as a table, or as JSON.
std::string bench_text(const std::vector<BenchRow>& rows, bool json);

}  // namespace koushi
