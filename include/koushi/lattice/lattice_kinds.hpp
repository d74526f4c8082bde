#pragma once

#include <optional>
#include <string>
#include <vector>

#include "koushi/deck/kind.hpp"
#include "koushi/lattice/lattice.hpp"

namespace koushi {

/// What a kind of lattices says of itself: a cell that is repeated, by keys of size, ends and twists that all kinds
/// share; or sites without a geometry.
struct LatticeShape {
  UnitCell cell{};
  std::optional<std::vector<BondClass>> bonds{};  ///< none: those of distance shells
  int n_sites = 0;                                ///< without a geometry; 0: cells
};

/// Lattices of many-body states by the names of decks, [lattice] kind = "name". Each is a file in src/lattice/kinds.
using LatticeKind = Kind<LatticeShape>;
using LatticeKinds = Kinds<LatticeShape>;
LatticeKinds& lattices();

/// A lattice of a cell with distance shells, without keys of its own.
LatticeKind lattice_of_cells(const std::string& name, const UnitCell& cell, const std::string& help = "");
/// The keys of size, ends and twists. example: extents that a template shows, as TOML text
std::vector<Key> keys_of_repeated_cells(const std::string& example = "");

/// The lattice of a deck's section. Errors: DeckError at the key that cannot be obeyed
Lattice make_lattice(const DeckSection& section);

}  // namespace koushi
