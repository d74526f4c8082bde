#include "koushi/deck/deck.hpp"
#include "koushi/deck/resolved.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "deck_check.hpp"
#include "key_values.hpp"
#include "koushi/base/text.hpp"
#include "take_scan.hpp"

namespace koushi {

namespace {

/// The default of the seed, a key of the top level; empty where it has none.
std::string seed_default(const std::vector<Section>& sections) {
  for (const Section& section : sections) {
    if (!section.name.empty()) continue;
    for (const Key& key : section.kinds.front().keys) {
      if (key.path == "seed") return key.default_value;
    }
  }
  return "";
}

}  // namespace

std::optional<std::string> read_file_here(const std::string& file) {
  std::ifstream stream(file);
  std::error_code ignored;
  if (!stream.good() || std::filesystem::is_directory(file, ignored)) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

ScannedDeck parse_scanned(const std::string& text, const std::string& file, const std::vector<std::string>& overrides,
                          const std::vector<Section>& sections, std::size_t point, const FileReader& read) {
  FlatDeck flat(file);
  Problems problems;
  flat.read(text);
  std::vector<std::string> changes;
  for (const std::string& override_text : overrides) changes.push_back(flat.apply(override_text));
  const TakenScan scan = take_scan(flat, point, seed_default(sections), problems);
  std::erase_if(changes, [](const std::string& change) { return change.rfind("scan.", 0) == 0; });
  changes.insert(changes.end(), scan.settings.begin(), scan.settings.end());
  return {DeckCheck(flat, sections, scan.keys, read, problems).deck(text, changes), scan.points, scan.continues};
}

Deck Deck::parse(const std::string& text, const std::string& file, const std::vector<std::string>& overrides,
                 const std::vector<Section>& sections, const FileReader& read) {
  return parse_scanned(text, file, overrides, sections, 0, read).deck;
}

Deck Deck::parse_resolved(const std::string& text, const std::string& file, const std::vector<std::string>& overrides,
                          const std::vector<Section>& sections) {
  Deck deck = parse(text, file, overrides, sections);
  for (auto& [path, entry] : deck.entries_) {
    const auto default_value = deck.defaults_.find(path);
    if (default_value != deck.defaults_.end() && default_value->second == value_text(entry.value) &&
        entry.place.rfind("--set ", 0) != 0)
      entry.place = "default of " + path;
  }
  return deck;
}

const Deck::Value& Deck::at(const std::string& path) const {
  const auto found = entries_.find(path);
  if (found == entries_.end()) throw InternalError("the deck has no declared key " + path);
  return found->second.value;
}

bool Deck::given(const std::string& path) const {
  const auto found = entries_.find(path);
  return found != entries_.end() && found->second.place.rfind("default of ", 0) != 0;
}

int Deck::count(const std::string& section) const {
  const auto found = counts_.find(section);
  if (found == counts_.end()) throw InternalError("the deck has no declared list of sections " + section);
  return found->second;
}

Deck Deck::with(const std::string& path, double value) const {
  at(path);
  Deck other = *this;
  other.entries_.at(path).value = value;
  return other;
}

double Deck::real(const std::string& path) const { return as<double>(path); }
double Deck::seconds(const std::string& path) const { return parse_duration(text(path)); }

std::vector<int> Deck::integers(const std::string& path) const {
  std::vector<int> values;
  for (const double x : reals(path)) values.push_back(static_cast<int>(x));
  return values;
}

void Deck::refuse(const std::string& path, const std::string& problem, const std::string& expected) const {
  const auto found = entries_.find(path);
  const bool given_here = given(path);
  std::string place = given_here ? found->second.place : file_ + ":1:1";
  for (std::string section = path; !given_here && section.find('.') != std::string::npos;) {
    section.resize(section.rfind('.'));
    const auto header = headers_.find(section);
    if (header == headers_.end()) continue;
    place = header->second;
    break;
  }
  const std::string name = given_here || found == entries_.end() ? path : path + " (its default)";
  throw DeckError(problem_text(place, name + ": " + problem, expected));
}

void Deck::refuse_row(const std::string& path, std::size_t row, const std::string& problem,
                      const std::string& expected) const {
  const auto found = entries_.find(path);
  if (found == entries_.end() || row >= found->second.row_places.size()) refuse(path, problem, expected);
  throw DeckError(problem_text(found->second.row_places[row], path + ": " + problem, expected));
}

}  // namespace koushi
