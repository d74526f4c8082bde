#pragma once

#include "koushi/manybody/chain_kernel.hpp"

namespace koushi {

/// The particles of a move in one direction, and the places where they go.
struct ParticleHops {
  int count;
  int particle[2];
  int place[2];

  KOKKOS_FUNCTION ParticleHops(const Walkers& walkers, int w, const MoveSites& sites, int sigma) : count(sites.hops) {
    const StateView state = walkers.state_of(w);
    for (int h = 0; h < count; ++h) {
      particle[h] = state.occupant[sites.place[2 * h + (sigma > 0 ? 0 : 1)]];
      place[h] = sites.place[2 * h + (sigma > 0 ? 1 : 0)];
    }
  }
};

}  // namespace koushi
