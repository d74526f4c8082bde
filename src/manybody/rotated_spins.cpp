#include "rotated_spins.hpp"

#include <algorithm>

#include "koushi/manybody/hamiltonian.hpp"

namespace koushi {

std::vector<std::int8_t> rotated_spins(const DeckSection& section, const std::string& observable,
                                       const Lattice& lattice, const Operator& hamiltonian) {
  const Deck& deck = section.deck();
  if (hamiltonian.space().n_flavours() != 1) return {};
  // Where spins are turned around an end, S_i.S_j across it has another meaning than inside.
  const std::vector<Boundary>& ends = lattice.boundary();
  if (std::count(ends.begin(), ends.end(), Boundary::antiperiodic) > 0 || !hamiltonian.is_real()) {
    deck.refuse("study.measure.observables", observable + ": the ends turn the spins that go around",
                "spin-correlation, or others");
  }
  const DeckSection model(deck, "hamiltonian");
  if (!model.has("marshall") || !model.boolean("marshall")) return {};
  return sublattices(model, "marshall", "false", shell_couplings(model, "J", model.reals("J"), lattice), lattice);
}

}  // namespace koushi
