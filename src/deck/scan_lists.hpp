#pragma once

#include <string>
#include <vector>

#include "koushi/deck/scan.hpp"
#include "toml.hpp"

namespace koushi {

/// A key of [scan] with its values.
struct ScanList {
  std::string key;
  std::string place;
  long line = 0;
  long column = 0;
  bool computed = false;  ///< from a range
  const toml::array* values = nullptr;
};

inline constexpr std::size_t most_points = 10000;

/// Whether a table is { first, last, count } and no table of keys.
bool is_scan_range(const toml::node& node);
/// Its values as a TOML list, equally spaced and rounded to 12 digits: integers where first, last and the step are; ""
/// if it is no range.
std::string scan_range(const toml::table& range);
/// Which value of each list a point takes: together (as many as the shortest has), or all combinations, the last list
/// fastest.
std::vector<std::vector<std::size_t>> scan_choices(const std::vector<ScanList>& lists, bool together);
std::vector<ScanPoint> scan_points(const std::vector<ScanList>& lists,
                                   const std::vector<std::vector<std::size_t>>& choices);
/// The seed of a point: the deck's plus a number made of its settings, so a point keeps its seed when others are added.
std::int64_t scan_seed(std::int64_t seed, const std::string& settings);

}  // namespace koushi
