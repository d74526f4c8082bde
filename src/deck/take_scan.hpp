#pragma once

#include <set>
#include <string>
#include <vector>

#include "flat_deck.hpp"
#include "koushi/deck/scan.hpp"

namespace koushi {

/// What a deck's [scan] says of one point.
struct TakenScan {
  std::vector<ScanPoint> points;      ///< all there are, if this is the first
  std::vector<std::string> settings;  ///< "key = value" of this point
  std::set<std::string> keys;         ///< those that [scan] names
  bool continues = false;             ///< every point begins where the one before ended
};

/// Whether a table is { first, last, count } and no table of keys.
bool is_scan_range(const toml::node& node);
/// Puts the values of one point of [scan], the first if there is none of that number, in the place of their keys, and
/// takes the lists out of the deck. The seed of the point is the deck's, or seed_default where the deck has none, plus
/// a number made of the settings, so that a point keeps its seed when others are added; not with seeds = "same", or if
/// seed_default is not given and the deck has no seed.
TakenScan take_scan(FlatDeck& deck, std::size_t point, const std::string& seed_default, Problems& problems);

}  // namespace koushi
