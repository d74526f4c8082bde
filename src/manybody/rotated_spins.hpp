#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "koushi/deck/deck_section.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/operator.hpp"

namespace koushi {

/// The sublattice signs of a Marshall rotation of this Hamiltonian, which turns S^x and S^y of one of them; empty: there
/// is none. Refuses an observable made of S_i.S_j where the spins that go around an end are turned.
std::vector<std::int8_t> rotated_spins(const DeckSection& section, const std::string& observable,
                                       const Lattice& lattice, const Operator& hamiltonian);

}  // namespace koushi
