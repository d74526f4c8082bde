#include "scan_lists.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "koushi/base/text.hpp"

namespace koushi {

namespace {

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

}  // namespace

bool is_scan_range(const toml::node& node) {
  const auto* table = node.as_table();
  return table != nullptr && (table->contains("first") || table->contains("last") || table->contains("count"));
}

std::string scan_range(const toml::table& range) {
  const auto first = range["first"].value<double>();
  const auto last = range["last"].value<double>();
  const std::int64_t count = range["count"].is_integer() ? range["count"].value<std::int64_t>().value_or(0) : 0;
  if (range.size() != 3 || !first || !last || !std::isfinite(*first) || !std::isfinite(*last) || *first == *last ||
      count < 2 || count > static_cast<std::int64_t>(most_points))
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

std::vector<std::vector<std::size_t>> scan_choices(const std::vector<ScanList>& lists, bool together) {
  std::vector<std::vector<std::size_t>> choices;
  if (together) {
    std::size_t count = most_points;
    for (const ScanList& list : lists) count = std::min(count, list.values->size());
    for (std::size_t k = 0; k < count; ++k) choices.emplace_back(lists.size(), k);
    return choices;
  }
  choices.emplace_back();
  for (const ScanList& list : lists) {
    std::vector<std::vector<std::size_t>> longer;
    for (const auto& choice : choices) {
      for (std::size_t k = 0; k < list.values->size() && longer.size() <= most_points; ++k) {
        longer.push_back(choice);
        longer.back().push_back(k);
      }
    }
    choices = std::move(longer);
  }
  return choices;
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
    // not their place, which moves when values are added
    for (ScanPoint& point : points) point.name += fmt::format("_{:08x}", scan_seed(0, point.settings));
  }
  return points;
}

std::int64_t scan_seed(std::int64_t seed, const std::string& settings) {
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : settings) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return (seed + static_cast<std::int64_t>(hash)) & 0xffffffffLL;
}

}  // namespace koushi
