#include "take_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <set>
#include <sstream>

#include "koushi/base/text.hpp"

namespace koushi {

namespace {

constexpr std::size_t max_points = 10000;

/// A key of [scan] with its values.
struct ScanList {
  std::string key;
  Leaf leaf;              ///< its place
  bool computed = false;  ///< from a range
  const toml::array* values = nullptr;
};

std::string value_text(const toml::node& node) {
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  std::ostringstream stream;
  node.visit([&](const auto& n) { stream << n; });
  std::string text = stream.str();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

/// What a file name shows of a value: 0.42, 8x8, dense; of tables their kind, or else their number in the list.
std::string name_of(const toml::node& node, std::size_t number) {
  if (const auto* table = node.as_table()) return (*table)["kind"].value_or(fmt::format("{}", number));
  if (const auto* list = node.as_array()) {
    std::vector<std::string> parts;
    for (const toml::node& entry : *list) parts.push_back(name_of(entry, number));
    return join(parts, "x");
  }
  std::string text = node.is_string() ? node.value<std::string>().value_or("") : value_text(node);
  for (char& c : text) c = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' ? c : '_';
  return text.substr(0, 32);
}

/// "beta" of action.beta, "updater0" of updater.0.
std::string short_key(const std::string& key) {
  const std::size_t dot = key.rfind('.');
  const bool index = dot != std::string::npos && key.find_first_not_of("0123456789", dot + 1) == std::string::npos;
  if (!index) return key.substr(dot + 1);
  const std::size_t before = key.rfind('.', dot - 1);
  return key.substr(before + 1, dot - before - 1) + key.substr(dot + 1);
}

/// The values of { first, last, count } as a TOML list, equally spaced and rounded to 12 digits: integers where first,
/// last and the step are; "" if it is no range.
std::string scan_range(const toml::table& range) {
  const auto first = range["first"].value<double>();
  const auto last = range["last"].value<double>();
  const std::int64_t count = range["count"].is_integer() ? range["count"].value<std::int64_t>().value_or(0) : 0;
  if (range.size() != 3 || !first || !last || !std::isfinite(*first) || !std::isfinite(*last) || *first == *last ||
      count < 2 || count > static_cast<std::int64_t>(max_points))
    return "";
  const bool integers = range["first"].is_integer() && range["last"].is_integer() &&
                        std::fmod(*last - *first, static_cast<double>(count - 1)) == 0;
  std::vector<std::string> values;
  for (std::int64_t k = 0; k < count; ++k) {
    const double x = *first + (*last - *first) * static_cast<double>(k) / static_cast<double>(count - 1);
    values.push_back(integers ? fmt::format("{:.0f}", x) : fmt::format("{:#.12g}", x));
  }
  return fmt::format("[{}]", join(values));
}

/// Which value of each list a point takes: together (as many as the shortest has), or all combinations, the last list
/// fastest.
std::vector<std::vector<std::size_t>> scan_choices(const std::vector<ScanList>& lists, bool together) {
  std::vector<std::vector<std::size_t>> choices;
  if (together) {
    std::size_t count = max_points;
    for (const ScanList& list : lists) count = std::min(count, list.values->size());
    for (std::size_t k = 0; k < count; ++k) choices.emplace_back(lists.size(), k);
    return choices;
  }
  choices.emplace_back();
  for (const ScanList& list : lists) {
    std::vector<std::vector<std::size_t>> longer;
    for (const auto& choice : choices) {
      for (std::size_t k = 0; k < list.values->size() && longer.size() <= max_points; ++k) {
        longer.push_back(choice);
        longer.back().push_back(k);
      }
    }
    choices = std::move(longer);
  }
  return choices;
}

/// The seed of a point.
std::int64_t scan_seed(std::int64_t seed, const std::string& settings) {
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : settings) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return (seed + static_cast<std::int64_t>(hash)) & 0xffffffffLL;
}

std::vector<ScanPoint> scan_points(const std::vector<ScanList>& lists,
                                   const std::vector<std::vector<std::size_t>>& choices) {
  std::vector<ScanPoint> points;
  for (const auto& choice : choices) {
    std::vector<std::string> settings;
    std::vector<std::string> names;
    for (std::size_t k = 0; k < lists.size(); ++k) {
      const toml::node& value = *lists[k].values->get(choice[k]);
      settings.push_back(fmt::format("{} = {}", lists[k].key, value_text(value)));
      names.push_back(short_key(lists[k].key) + name_of(value, choice[k]));
    }
    points.push_back({join(settings), join(names, "_")});
  }
  std::vector<std::string> names;
  for (const ScanPoint& point : points) names.push_back(point.name);
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) {
    for (ScanPoint& point : points)
      point.name +=
          fmt::format("_{:08x}", scan_seed(0, point.settings));  // not their place, which moves when values are added
  }
  return points;
}

/// The lists of [scan] in alphabetical order, so that --set moves no point; they are taken out of the deck.
std::vector<ScanList> scan_lists(FlatDeck& deck, TakenScan& taken, Problems& problems) {
  std::vector<ScanList> lists;
  for (auto& [path, leaf] : deck.leaves) {
    if (path.rfind("scan.", 0) != 0 || path == "scan.zip" || path == "scan.seeds" || path == "scan.continue") continue;
    leaf.used = true;
    const std::string key = path.substr(5);
    taken.keys.insert(key);
    const toml::array* values = leaf.node->as_array();
    if (const auto* range = leaf.node->as_table()) {
      const std::string list = scan_range(*range);
      if (!list.empty()) values = deck.parse_toml("values = " + list, leaf.place).get("values")->as_array();
    }
    if (key == "scan" || key.rfind("scan.", 0) == 0) {
      problems.add(leaf, fmt::format("[scan] {} is not accepted: it is no key of a run", key),
                   "keys of the other sections");
    } else if (key[0] >= '0' && key[0] <= '9') {
      problems.add(leaf, "[[scan]] opens a list of sections, and [scan] is one section",
                   "[scan] once, with zip = true or all combinations of its lists");
    } else if (key == "output" || key == "output.file") {
      problems.add(
          leaf,
          fmt::format(
              "[scan] {} is not accepted: every point has a file of its own, named after output.file and its values",
              key),
          "other keys");
    } else if (values == nullptr || values->empty()) {
      problems.add(leaf, fmt::format("[scan] {} = {} is not accepted", key, as_toml(*leaf.node)),
                   fmt::format("list of values of that key, or {{ first = 0.40, last = 0.44, count = 5 }} with an "
                               "integer count from 2 to {}",
                               max_points));
    } else {
      lists.push_back({key, leaf, leaf.node->is_table(), values});
    }
  }
  return lists;
}

/// Lists of several lengths that go together, and keys that --set gives as well.
void check_lists(const FlatDeck& deck, const std::vector<ScanList>& lists, bool together, Problems& problems) {
  for (const ScanList& list : lists) {
    if (together && list.values->size() != lists[0].values->size()) {
      problems.add(list.leaf,
                   fmt::format("[scan] {} has {} values and {} has {}", list.key, list.values->size(), lists[0].key,
                               lists[0].values->size()),
                   "lists of one length with zip = true");
    }
    for (const auto& [path, leaf] : deck.leaves) {
      if ((path == list.key || path.rfind(list.key + ".", 0) == 0) && leaf.place.rfind("--set ", 0) == 0)
        problems.add(leaf, list.key + " is given by [scan]",
                     fmt::format("--set 'scan.{}=[...]', or --point", list.key));
    }
  }
}

/// The seed of the point in the place of the deck's.
void put_seed(FlatDeck& deck, const std::string& seed_default, const std::string& settings) {
  if (deck.leaves.count("seed") == 0 && !seed_default.empty())
    deck.put("seed", {"default of seed", 0, 0, deck.parse_toml("value = " + seed_default, "").get("value"), false});
  const auto seed = deck.leaves.find("seed");
  if (seed == deck.leaves.end() || !seed->second.node->is_integer()) return;
  const std::int64_t base = seed->second.node->value<std::int64_t>().value_or(0);
  if (base >= 0 && base <= 4294967295LL)
    seed->second.node = deck.parse_toml(fmt::format("value = {}", scan_seed(base, settings)), "").get("value");
}

}  // namespace

bool is_scan_range(const toml::node& node) {
  const auto* table = node.as_table();
  return table != nullptr && (table->contains("first") || table->contains("last") || table->contains("count"));
}

TakenScan take_scan(FlatDeck& deck, std::size_t point, const std::string& seed_default, Problems& problems) {
  TakenScan taken;
  const std::vector<ScanList> lists = scan_lists(deck, taken, problems);
  const auto setting = [&deck](const std::string& key) {
    return deck.leaves.count(key) == 0 ? nullptr : deck.leaves.at(key).node;
  };
  const bool together = setting("scan.zip") != nullptr && setting("scan.zip")->value<bool>().value_or(false);
  if (lists.empty()) {
    const auto header = deck.headers.find("scan");
    const bool taken_away = deck.leaves.count("scan") > 0 && deck.leaves.at("scan").place.rfind("--set ", 0) == 0;
    if (problems.empty() && !taken_away && (header != deck.headers.end() || deck.any_below("scan."))) {
      problems.add(header != deck.headers.end() ? header->second : deck.leaves.lower_bound("scan.")->second,
                   "[scan] has no list", "section.key = [value, value, ...]");
    }
    return taken;
  }
  check_lists(deck, lists, together, problems);
  const auto choices = scan_choices(lists, together);
  if (choices.size() > max_points)
    problems.add(lists.back().leaf, "[scan] has too many points", fmt::format("at most {}", max_points));
  if (point >= choices.size()) point = 0;
  const std::string settings = scan_points(lists, {choices[point]})[0].settings;
  if (point == 0) {
    taken.points = scan_points(lists, choices);
    std::set<std::string> seen;
    for (const ScanPoint& one : taken.points) {
      if (!seen.insert(one.settings).second)
        problems.add(lists[0].leaf, fmt::format("[scan] {} is there twice", one.settings), "points that differ");
    }
  }
  bool seeds = setting("scan.seeds") == nullptr || setting("scan.seeds")->value<std::string>().value_or("") != "same";
  for (std::size_t k = 0; k < lists.size(); ++k) {
    const toml::node& value = *lists[k].values->get(choices[point][k]);
    const Leaf& list = lists[k].leaf;
    const bool in_deck = !lists[k].computed && list.place.rfind("--set ", 0) != 0;
    deck.put(lists[k].key, in_deck ? deck.leaf_at(value.source().begin, "", &value)
                                   : Leaf{list.place, list.line, list.column, &value, false});
    seeds = seeds && lists[k].key != "seed";
    taken.settings.push_back(scan_points({lists[k]}, {{choices[point][k]}})[0].settings);
  }
  if (seeds) put_seed(deck, seed_default, settings);
  taken.continues = setting("scan.continue") != nullptr && setting("scan.continue")->value<bool>().value_or(false);
  return taken;
}

}  // namespace koushi
