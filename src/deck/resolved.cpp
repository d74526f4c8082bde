// The text of a deck with every value, defaults included, that stands in result files: its one writer and its one
// reader.
#include <fmt/format.h>

#include <algorithm>

#include "key_values.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/deck.hpp"

namespace koushi {

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
