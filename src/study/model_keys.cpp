#include "koushi/study/model_keys.hpp"

#include <algorithm>
#include <map>

#include "koushi/base/text.hpp"
#include "koushi/deck/resolved.hpp"
#include "koushi/manybody/sampler_kinds.hpp"

namespace koushi {

namespace {

bool is_one_of(const std::string& key, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), key) != names.end();
}

/// Whether a key is one of the conserved numbers of a state, which the sampler keeps.
bool is_of_the_sector(const std::string& key) {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> keys;
    for (const Key& own : sector_keys()) {
      keys.push_back("sampler." + own.path);
      keys.push_back("sector." + own.path);
    }
    return keys;
  }();
  return is_one_of(key, all);
}

/// The words of a list of texts, [] as one "periodic", and a list of equal words as one of them.
std::vector<std::string> boundaries(const std::string& value) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < value.size(); ++at) {
    if (value[at] != '"') continue;
    const std::size_t end = value.find('"', at + 1);
    if (end == std::string::npos) break;
    words.push_back(value.substr(at + 1, end - at - 1));
    at = end;
  }
  if (words.empty()) words.emplace_back("periodic");
  if (std::all_of(words.begin(), words.end(), [&](const std::string& word) { return word == words[0]; }))
    words.resize(1);
  return words;
}

}  // namespace

bool is_of_the_model(const std::string& key) {
  if (key == "lattice.ranks" || key == "lattice.replicas") return false;
  return is_one_of(key.substr(0, key.find('.')), {"lattice", "action", "hamiltonian", "network"}) ||
         is_of_the_sector(key);
}

bool names_a_sector(const Deck& deck) {
  const std::vector<Key> keys = sector_keys();
  return std::any_of(keys.begin(), keys.end(), [&](const Key& key) {
    return deck.given("sampler." + key.path) || deck.given("sector." + key.path);
  });
}

bool is_bookkeeping(const std::string& key) {
  if (is_of_the_sector(key) || key == "study.kind") return false;
  if (is_one_of(key, {"title", "seed", "lattice.replicas", "lattice.ranks"})) return true;
  const std::size_t dot = key.find('.');
  return dot != std::string::npos && is_one_of(key.substr(0, dot), {"output", "study", "solver", "sampler", "updater"});
}

bool same_boundary(const std::string& a, const std::string& b) { return boundaries(a) == boundaries(b); }

std::vector<std::string> differing_keys(const Deck& deck, const std::string& other_resolved) {
  const std::map<std::string, std::string> mine = resolved_keys(deck.resolved());
  const std::map<std::string, std::string> theirs = resolved_keys(other_resolved);
  std::vector<std::string> differing = deck.differences(other_resolved);
  std::erase_if(differing, [&](const std::string& key) {
    if (theirs.count(key) == 0) return mine.count(key) > 0 && !deck.given(key);
    return key == "lattice.boundary" && mine.count(key) > 0 && same_boundary(mine.at(key), theirs.at(key));
  });
  return differing;
}

}  // namespace koushi
