#pragma once

#include <cstdint>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/manybody/wavefunction.hpp"

namespace koushi {

/// A population of walkers under the fixed-node Hamiltonian of a real psi (FixedNodeWalk), of constant number: after
/// every interval of time those of small weight give way to copies of those of large weight, by one comb through the
/// weights of all ranks, and all have weight 1 again. The product of the mean weights that this forgets corrects the
/// bias of a finite population.
///
/// Everything is a function of seed, interval and number of the walker, so it is bitwise the same on any number of ranks.
/// Collective  all members but the constructor
/// Source      M. Calandra Buonocore, S. Sorella, Phys. Rev. B 57, 11446 (1998)
class FixedNodeWalkers {
 public:
  /// rows: the walkers of this rank, of all. Keeps references to comm and psi.
  FixedNodeWalkers(const Communicator& comm, const Wavefunction& psi, const Operator& hamiltonian, RowRange rows,
                   std::uint64_t seed);

  /// Begins with these states, one per walker of this rank.
  void start(const States& states);

  struct Interval {
    double log_weight = 0;  ///< of the mean weight
    double energy = 0;      ///< mean of E_loc at the end with the weights
    double effective = 0;   ///< (sum w)^2 / sum w^2 walkers
    double hops = 0;        ///< per walker
    std::int64_t lost = 0;  ///< walkers whose E_loc was no number
  };
  /// Walks for a time, then branches. Errors: NumericalError where no walker is left
  Interval walk(std::uint64_t number, double time);

  /// Reads and writes state/walkers.
  void write(Archive& archive) const;
  void read(const Archive& archive);

 private:
  std::vector<std::int8_t> bytes() const;
  void set(const std::vector<std::int8_t>& bytes);
  std::int64_t bytes_per_walker() const;
  void branch(const std::vector<double>& weights, double sum, std::uint64_t number);

  const Communicator& comm_;
  const Wavefunction& psi_;
  RowRange rows_;
  std::uint64_t seed_;
  UniqueMoves list_;
  Terms terms_;
  std::unique_ptr<MoveSet> moves_;
  Batch batch_;
};

}  // namespace koushi
