#pragma once

#include <string>

#include "koushi/lattice/lattice_kinds.hpp"

namespace koushi {

/// The cell of a lattice that repeats one, by the name of decks.
inline UnitCell unit_cell(const std::string& name) {
  const Deck deck = Deck::parse("[lattice]\nkind = \"" + name + "\"\n", "cells.toml", {},
                                {{"lattice", "", false, lattices().declared()}});
  return lattices().find(name)->make(DeckSection(deck, "lattice")).cell;
}

}  // namespace koushi
