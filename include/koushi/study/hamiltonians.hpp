#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koushi/deck/declare.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/spin_hamiltonian.hpp"

namespace koushi {

/// A Hamiltonian under the name that decks give it, [hamiltonian] kind = "name". Its keys are read as
/// deck.real("hamiltonian.KEY").
struct HamiltonianKind {
  std::string name;
  std::string help;  ///< its formula
  std::vector<Key> keys;
  std::function<SpinHamiltonian(const Deck&, const Lattice&)> make;  ///< Errors: DeckError, by Deck::refuse
  /// how many distance shells of bonds its lattice must have
  std::function<int(const Deck&)> shells = [](const Deck&) { return 1; };
};

/// All of them, koushi's own first.
const std::vector<HamiltonianKind>& hamiltonians();

/// Adds one, before anything asks for the catalogue. Programs of their own give theirs to run_program().
/// Errors  InternalError if the name is taken or the catalogue has been asked for
void add_hamiltonian(HamiltonianKind kind);

/// That of a deck.
const HamiltonianKind& hamiltonian_kind(const Deck& deck);

}  // namespace koushi
