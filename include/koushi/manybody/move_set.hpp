#pragma once

#include <cstdint>

#include "koushi/manybody/chain_kernel.hpp"

namespace koushi {

/// A list of moves with the parameters that the wavefunction had when it was asked for them. Calls launch kernels
/// (chain_kernel.hpp).
class MoveSet {
 public:
  virtual ~MoveSet() = default;
  virtual void metropolis(const Kokkos::DefaultExecutionSpace& space, const ProposalKinds& kinds, const Batch& walkers,
                          const Kokkos::View<std::int64_t* [2]>& counts, const ChainRandom& random,
                          int n_proposals) const = 0;
  /// Walks under the fixed-node Hamiltonian.
  virtual void fixed_node_walk(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const Batch& walkers,
                               const FixedNodeWalk& walk) const = 0;
  /// Local values of the sum of all groups of terms, [state].
  virtual void local_energies(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const Batch& batch,
                              const Kokkos::View<Complex*>& energies) const = 0;
  /// Local values of every group of terms, [state][group].
  virtual void local_values(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const Batch& batch,
                            const Kokkos::View<Complex**, Kokkos::LayoutRight>& values) const = 0;
  /// Ratios psi(x') / psi(x) of all moves, [state][move][direction +, -]; 0 where a move does not act.
  virtual void ratios(const Kokkos::DefaultExecutionSpace& space, const Batch& batch,
                      const Kokkos::View<Complex** [2]>& ratios) const = 0;
};

}  // namespace koushi
