#pragma once

#include <vector>

#include "koushi/manybody/hamiltonian.hpp"

namespace koushi {

/// Keys of Hamiltonians of spins that are exchanged.
struct ExchangeOptions {
  std::vector<double> J{1.0};
  double field = 0;
  double staggered_field = 0;
  bool marshall = false;
  double spin = 0.5;
  double anisotropy = 1;  ///< Delta
};

/// All but the anisotropy.
Keys<ExchangeOptions> exchange_keys();

/// H = sum_b J_b (S^x S^x + S^y S^y + Delta S^z S^z) - h sum S^z - h_s sum sign S^z, S^z = x / 2. With `marshall` spins
/// of the sublattice of sign -1 are rotated by pi about z: S^xy of bonds between sublattices changes its sign.
/// Antiperiodic ends and twists turn S^+ across them.
Operator make_exchange(const DeckSection& section, const Lattice& lattice, const ExchangeOptions& options);

/// 2S of a key "spin". Errors: DeckError
int twice_spin(const DeckSection& section, double spin);

}  // namespace koushi
