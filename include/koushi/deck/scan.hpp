#pragma once

#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"

namespace koushi {

/// A point of [scan]: one value of each of its keys.
struct ScanPoint {
  std::string settings;  ///< "action.beta = 0.42, lattice.extents = [ 8, 8 ]", in alphabetical order
  std::string name;      ///< for its files, another for each: "beta0.42_extents8x8"
};

/// A deck at one point of its [scan]. `deck` keeps nothing of that section but the values: resolved() is that of a deck
/// which has them itself.
struct ScannedDeck {
  Deck deck;
  std::vector<ScanPoint> points;  ///< all points, given with the first one only; none without [scan]
  bool continues = false;         ///< scan.continue: every point begins where the one before ended
};

/// Deck::parse at a point of [scan], the first if there is none of that number. Errors: as Deck::parse, which takes the
/// first point.
ScannedDeck parse_scanned(const std::string& text, const std::string& file, const std::vector<std::string>& overrides,
                          const std::vector<Section>& sections, std::size_t point,
                          const FileReader& read = read_file_here);

}  // namespace koushi
