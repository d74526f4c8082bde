#pragma once

#include <memory>
#include <string>

#include "koushi/deck/deck.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/hamiltonian.hpp"
#include "koushi/manybody/sampler_kinds.hpp"

namespace koushi {

/// What the sections of a deck stand for. Errors: DeckError at the key that cannot be obeyed.
Lattice make_lattice(const Deck& deck);
/// H in the sector that [sampler] names, or [sector] where a study has no sampler, or in that of the defaults:
/// magnetization 0, half filling.
Operator make_hamiltonian(const Deck& deck, const Lattice& lattice);
/// The group of permutations of sites that a factor asks for by a key, "symmetry" or "projection": those translations
/// or elements of the space group that are symmetries of H. Identity first; empty: none was asked for.
std::vector<Permutation> symmetry_group(const DeckSection& factor, const Lattice& lattice, const Operator& hamiltonian,
                                        const std::string& key);
std::unique_ptr<Wavefunction> make_wavefunction(const Deck& deck, const Lattice& lattice, const Operator& hamiltonian);
/// The sampler of a deck. planned_ranks: as in SamplerContext.
std::unique_ptr<Sampler> make_sampler(const Communicator& comm, const Deck& deck, const Lattice& lattice,
                                      const Operator& hamiltonian, const Wavefunction& psi, int planned_ranks = 0);

}  // namespace koushi
