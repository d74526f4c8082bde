#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "toml.hpp"

namespace koushi {

/// A value of a deck with its place.
struct Leaf {
  std::string place;  ///< "file:line:column", "--set ...", or "default of ..."
  long line = 0;
  long column = 0;
  const toml::node* node = nullptr;
  bool used = false;
};

/// "PLACE: error: WHAT" and the line "  expected: EXPECTED", with control characters of the deck as escapes. `what` may be
/// the message of another error; what that one expected is left out.
std::string problem_text(const std::string& place, const std::string& what, const std::string& expected);

/// What is wrong with a deck, reported together in order of place.
class Problems {
 public:
  /// Adds a problem at the place of a leaf; `place` stands in the message instead where it is not empty.
  void add(const Leaf& leaf, const std::string& what, const std::string& expected, const std::string& place = "");
  bool empty() const { return all_.empty(); }
  /// Throws one DeckError with all of them, if there are any.
  void report();

 private:
  struct Problem {
    long line;
    long column;
    std::string text;
  };
  std::vector<Problem> all_;
};

/// The values of a deck by their whole names, with the changes of --set: shift = { absolute = 1e-4 } is the leaf
/// "solver.shift.absolute", a key of the second of [[updater]] "updater.1.KEY". Tables of [scan] that are ranges, and
/// its lists, are leaves.
class FlatDeck {
 public:
  explicit FlatDeck(std::string file) : file_(std::move(file)) {}

  const std::string& file() const { return file_; }
  /// Errors  DeckError for what is not TOML
  void read(const std::string& text);
  /// Applies an override "section.key=value" and returns it as "key = value". A value that is not TOML is a text.
  /// Errors  UsageError without a value or with several lines
  std::string apply(const std::string& override_text);
  /// Gives a key a value; a table takes the place of the whole table, a list of tables that of all sections of the
  /// list.
  void put(const std::string& key, const Leaf& leaf);
  /// A table that lives as long as this.
  const toml::table& parse_toml(const std::string& text, const std::string& name);

  /// The place of a name in the deck, or `place` where it is not in the deck.
  Leaf leaf_at(const toml::source_position& where, const std::string& place, const toml::node* node) const;
  /// Where a key that is not there would have stood: at the header of the innermost section that is there, or at the
  /// top.
  Leaf missing(std::string prefix) const;
  bool any_below(const std::string& prefix) const;
  /// Marks all leaves whose names begin with this as used.
  void mark_all(const std::string& prefix);
  /// How many sections there are of a list, counted up to the first gap.
  int count(const std::string& list) const;

  std::map<std::string, Leaf> leaves;
  std::map<std::string, Leaf> headers;  ///< of tables

 private:
  void flatten(const toml::table& table, const std::string& prefix, const std::string& place);
  void flatten_list(const toml::array& array, const std::string& path, const std::string& place);

  std::string file_;
  std::vector<std::unique_ptr<toml::table>> tables_;
};

/// A value as TOML in one line, for messages; "a table" for a table.
std::string as_toml(const toml::node& node);

}  // namespace koushi
