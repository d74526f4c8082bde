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
  std::string limit;    ///< what bounds it: the name of the row it is a fraction of; empty where no count of work is stated
  double fraction = 1;  ///< of the limit
};

/// STREAM triad and FMA peak of this process's threads; then the RBM's move kernel, local-energy kernel and a whole step of stochastic
/// reconfiguration on the 10 x 10 Heisenberg model with 4 hidden units per site, real and complex; then kernels of lattice fields: phi^4 in
/// memory, Ising spins, SU(3) links. Each is the best of several repetitions.
///
/// Flops       per hidden unit: 2 FMA = 4 flops (real), 8 FMA = 16 (complex) per ratio, moves that change nothing not counted
/// Cost        some seconds
std::vector<BenchRow> run_bench(const Communicator& comm);

}  // namespace koushi
