#pragma once

#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"

namespace koushi {

/// The theories that an [[updater]] with a LadderRequest joins.
struct Ladder {
  int updater = -1;              ///< its place in the deck; -1: none, and then there is one rung
  std::string parameter{};       ///< the key in which they differ, as "action.beta"
  std::vector<double> values{};  ///< ascending
  std::size_t own = 0;           ///< the rung of the deck's own [action]
  std::size_t rungs() const { return updater < 0 ? 1 : values.size(); }
};

/// The ladder of a deck. Errors: DeckError for values that do not ascend or lack the deck's own, and for a key that the
/// action does not have.
Ladder make_ladder(const Deck& deck);

/// The place of the ladder among the updaters, or -1.
int ladder_updater(const Deck& deck);

}  // namespace koushi
