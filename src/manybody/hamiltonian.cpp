#include "koushi/manybody/hamiltonian.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "koushi/base/error.hpp"
#include "koushi/manybody/disorder.hpp"

namespace koushi {

std::vector<Section::Kind> declared_hamiltonians() {
  std::vector<Section::Kind> all = hamiltonians().declared();
  for (Section::Kind& kind : all)
    kind.keys.insert(kind.keys.end(), common_hamiltonian_keys().begin(), common_hamiltonian_keys().end());
  return all;
}

Operator make_hamiltonian(const DeckSection& section, const Lattice& lattice) {
  const HamiltonianKind& kind = hamiltonians().of(section);
  try {
    Operator h = kind.make(section, lattice);
    if (h.n_sites() != lattice.n_sites()) {
      throw UsageError(
          fmt::format("its terms are of {} sites, and the lattice has {}", h.n_sites(), lattice.n_sites()));
    }
    h = with_common_keys(section, std::move(h));
    h.require_finite();
    return h;
  } catch (const DeckError&) {
    throw;
  } catch (const InternalError&) {
    throw;
  } catch (const std::exception& error) {
    section.refuse("kind", fmt::format("\"{}\" could not be made: {}", kind.name, error.what()),
                   "a lattice and parameters that it is made for");
  }
}

ShellCouplings shell_couplings(const DeckSection& section, const std::string& key, const std::vector<double>& couplings,
                               const Lattice& lattice) {
  if (couplings.size() > 64) {
    section.refuse(key, fmt::format("{} couplings were given", couplings.size()), "one per distance shell, at most 64");
  }
  if (!lattice.has_geometry() && std::any_of(couplings.begin(), couplings.end(), [](double c) { return c != 0; })) {
    section.refuse(key, "these sites have no bonds to couple", "a lattice with bonds, or terms that name their sites");
  }
  if (const int listed = lattice.n_shells();
      lattice.has_listed_bonds() && key != "V" && listed > static_cast<int>(couplings.size())) {
    section.refuse(key, fmt::format("bonds of shell {} have no coupling", listed),
                   "one coupling per shell of lattice.bonds, which may be 0");
  }
  ShellCouplings result;
  for (std::size_t k = 0; k < couplings.size(); ++k) {
    const int shell = static_cast<int>(k) + 1;
    if (couplings[k] == 0 && !lattice.has_listed_bonds() && shell > 1) {
      result.shells.push_back({0.0, {}, fmt::format("{}_{}", key, shell)});
      continue;
    }
    try {
      result.shells.push_back({couplings[k], lattice.bonds(shell), fmt::format("{}_{}", key, shell)});
    } catch (const UsageError& error) {
      section.refuse(key, error.what(), "cells with a volume, on which every bond joins two sites");
    }
    if (couplings[k] != 0) result.coupled.push_back(shell);
    if (lattice.has_listed_bonds() && couplings[k] != 0 && result.shells.back().bonds.empty()) {
      section.refuse(key, fmt::format("lattice.bonds has none of shell {} for {} = {}", shell, key, couplings[k]),
                     "couplings of shells that have bonds");
    }
  }
  return result;
}

std::vector<std::int8_t> sublattices(const DeckSection& section, const std::string& key, const std::string& without,
                                     const ShellCouplings& couplings, const Lattice& lattice) {
  std::vector<std::int8_t> signs;
  if (!couplings.coupled.empty()) signs = lattice.sublattice_sign(couplings.coupled);
  std::vector<int> used = couplings.coupled;
  if (signs.empty()) {
    used = {1};
    signs = lattice.sublattice_sign();
  }
  if (signs.empty()) {
    section.refuse(
        key,
        "the Marshall rotation and the staggered field need two sublattices such that nearest neighbours lie "
        "on different ones, and this lattice is not bipartite: set marshall = false and staggered_field = 0",
        without + " on this lattice");
  }
  const int pieces = lattice.n_pieces(used);
  if (pieces > 1 && pieces != lattice.n_pieces(couplings.coupled)) {
    section.refuse(
        key,
        fmt::format("the bonds that define the sublattices leave {} pieces, which other bonds join: the sign "
                    "between them is open",
                    pieces),
        without + ", or bonds of shell 1 that join all sites");
  }
  return signs;
}

std::complex<double> bond_phase(const Bond& bond) {
  if (bond.turns == 0) return bond.sign;
  return static_cast<double>(bond.sign) * std::polar(1.0, 2 * std::numbers::pi * bond.turns);
}

void add_hopping(Operator& h, const ShellCouplings& t, int flavour) {
  const Space& space = h.space();
  for (const auto& [coupling, bonds, name] : t.shells) {
    if (coupling == 0) continue;
    h.begin_part(name);
    for (const Bond& bond : bonds) {
      const int i = space.place(flavour, bond.i);
      const int j = space.place(flavour, bond.j);
      const bool fermion = space.is_fermionic(i);
      h.add_move(fermion ? Move::hop(i, j) : Move::transfer(i, j, 1), -coupling * bond_phase(bond));
    }
  }
}

}  // namespace koushi
