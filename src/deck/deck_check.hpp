#pragma once

#include <set>
#include <string>
#include <vector>

#include "flat_deck.hpp"
#include "koushi/deck/deck.hpp"

namespace koushi {

/// Checks the values of a flat deck against the sections that its kind of study has and makes the deck of them. Where a
/// kind is misspelt, what stands beside it is checked as if the nearest one was meant.
class DeckCheck {
 public:
  /// `scanned` are the keys of [scan], which are not missing where their values were refused.
  DeckCheck(FlatDeck& flat, const std::vector<Section>& sections, std::set<std::string> scanned, const FileReader& read,
            Problems& problems);
  /// Errors  one DeckError with all problems
  Deck deck(const std::string& source, std::vector<std::string> changes);

 private:
  void choose_sections();
  void check(const Section& section, const std::string& parent, const std::string& parent_label);
  void check_one(const Section& section, const std::string& prefix, const std::string& label);
  void check_key(const Key& key, const std::string& prefix, const std::string& label);
  /// Of the values that nothing has asked for, in the section `prefix`.
  void refuse_unknown(const Section::Kind& kind, const std::string& prefix, const std::string& label);
  void refuse_leftovers();
  /// The kind that a section names, or the nearest; none if there is no such kind.
  const Section::Kind* kind_of(const Section& section, const std::string& prefix, const std::string& label);
  /// The content of the file that a list names.
  void read_list(const Key& key, const std::string& prefix, const std::string& label, const Leaf& leaf);
  void store(const std::string& path, Deck::Value value, const std::string& place) {
    deck_.entries_[path] = {std::move(value), place, {}};
  }
  bool is_section(const std::string& name) const;

  FlatDeck& flat_;
  const std::vector<Section>& sections_;
  std::set<std::string> scanned_;
  const FileReader& read_;
  Problems& problems_;
  std::vector<const Section*> used_;  ///< of sections_, those of this kind of study
  std::string study_;
  Deck deck_;
};

}  // namespace koushi
