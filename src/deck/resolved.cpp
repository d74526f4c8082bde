// The text of a deck with every value, defaults included, that stands in result files: its one writer and its one
// reader.
#include "koushi/deck/resolved.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "key_values.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/deck.hpp"

namespace koushi {

namespace {

bool as_number(const std::string& text, double& value) {
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  return status == std::errc() && stop == end && std::isfinite(value);
}

}  // namespace

std::string Deck::resolved() const {
  std::string text;
  for (const auto& [path, entry] : entries_) text += fmt::format("{} = {}\n", path, value_text(entry.value));
  return text;
}

std::map<std::string, std::string> resolved_keys(const std::string& resolved) {
  std::map<std::string, std::string> keys;
  for (const std::string& line : split_lines(resolved)) {
    const std::size_t equals = line.find(" = ");
    if (equals != std::string::npos) keys[line.substr(0, equals)] = line.substr(equals + 3);
  }
  return keys;
}

std::string value_of(const std::map<std::string, std::string>& keys, const std::string& key) {
  const auto found = keys.find(key);
  return found == keys.end() ? "not set" : found->second;
}

std::map<std::string, double> resolved_numbers(const std::map<std::string, std::string>& keys) {
  std::map<std::string, double> numbers;
  for (const auto& [key, text] : keys) {
    double value = 0;
    if (as_number(text, value)) numbers[key] = value;
    if (text.size() < 3 || text.front() != '[' || text[1] == '[') continue;
    std::string rest = fmt::format("{}, ", text.substr(1, text.size() - 2));
    for (int k = 0; !rest.empty(); ++k) {
      const std::size_t comma = rest.find(", ");
      if (as_number(rest.substr(0, comma), value)) numbers[fmt::format("{}.{}", key, k)] = value;
      rest.erase(0, comma + 2);
    }
  }
  return numbers;
}

std::vector<std::string> Deck::differences(const std::string& other_resolved) const {
  const auto mine = resolved_keys(resolved());
  const auto theirs = resolved_keys(other_resolved);
  std::vector<std::string> differing;
  for (const auto& [path, value] : mine) {
    const auto found = theirs.find(path);
    if (found == theirs.end() || found->second != value) differing.push_back(path);
  }
  for (const auto& [path, value] : theirs) {
    if (mine.count(path) == 0) differing.push_back(path);
  }
  std::sort(differing.begin(), differing.end());
  return differing;
}

}  // namespace koushi
