#pragma once

#include <memory>
#include <utility>

#include "koushi/manybody/move_set.hpp"

namespace koushi {

/// A MoveSet by one device functor in the kernels of chain_kernel.hpp. Instantiated in fused_moves_*.cpp, so that
/// compilers work on them side by side.
template <typename Functor>
std::unique_ptr<MoveSet> make_fused(Functor functor);

template <typename Functor>
class FusedMoves final : public MoveSet {
 public:
  explicit FusedMoves(Functor functor) : functor_(std::move(functor)) {}
  void metropolis(const Kokkos::DefaultExecutionSpace& space, const ProposalKinds& kinds, const Batch& walkers,
                  const Kokkos::View<std::int64_t* [2]>& counts, const ChainRandom& random,
                  int n_proposals) const override {
    koushi::metropolis(space, functor_, kinds, walkers, counts, random, n_proposals);
  }
  void fixed_node_walk(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const Batch& walkers,
                       const FixedNodeWalk& walk) const override {
    koushi::fixed_node_walk(space, functor_, terms, walkers, walk);
  }
  void local_energies(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const Batch& batch,
                      const Kokkos::View<Complex*>& energies) const override {
    koushi::local_energies(space, functor_, terms, batch, energies);
  }
  void local_values(const Kokkos::DefaultExecutionSpace& space, const Terms& terms, const Batch& batch,
                    const Kokkos::View<Complex**, Kokkos::LayoutRight>& values) const override {
    koushi::local_values(space, functor_, terms, batch, values);
  }
  void ratios(const Kokkos::DefaultExecutionSpace& space, const Batch& batch,
              const Kokkos::View<Complex** [2]>& ratios) const override {
    move_ratios(space, functor_, batch, ratios);
  }

 private:
  Functor functor_;
};

}  // namespace koushi

#define KOUSHI_FUSED(...)                                                 \
  template <>                                                             \
  std::unique_ptr<MoveSet> make_fused(__VA_ARGS__ functor) {              \
    return std::make_unique<FusedMoves<__VA_ARGS__>>(std::move(functor)); \
  }
