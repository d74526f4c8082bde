#include "koushi/study/model.hpp"

#include "koushi/lattice/lattice_kinds.hpp"

namespace koushi {

Lattice make_lattice(const Deck& deck) { return make_lattice(DeckSection(deck, "lattice")); }

Operator make_hamiltonian(const Deck& deck, const Lattice& lattice) {
  Operator h = make_hamiltonian(DeckSection(deck, "hamiltonian"), lattice);
  fix_sector(DeckSection(deck, deck.has("sampler.kind") ? "sampler" : "sector"), h);
  return h;
}

std::vector<Permutation> symmetry_group(const DeckSection& factor, const Lattice& lattice, const Operator& hamiltonian,
                                        const std::string& key) {
  if (!factor.has(key)) return {};
  const std::string name = factor.text(key);
  for (const auto& [word, symmetry] : symmetry_words) {
    if (word == name) return symmetry_group(symmetry, lattice, hamiltonian);
  }
  return {};
}

std::unique_ptr<Wavefunction> make_wavefunction(const Deck& deck, const Lattice& lattice, const Operator& hamiltonian) {
  return make_wavefunction(DeckSection(deck, "wavefunction"), lattice, hamiltonian,
                           static_cast<std::uint64_t>(deck.integer("seed")));
}

std::unique_ptr<Sampler> make_sampler(const Communicator& comm, const Deck& deck, const Lattice& lattice,
                                      const Operator& hamiltonian, const Wavefunction& psi, int planned_ranks) {
  return make_sampler(DeckSection(deck, "sampler"), {comm, lattice, hamiltonian, psi,
                                                     static_cast<std::uint64_t>(deck.integer("seed")), planned_ranks});
}

}  // namespace koushi
