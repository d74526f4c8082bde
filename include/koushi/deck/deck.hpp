#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "koushi/base/error.hpp"

namespace koushi {

enum class KeyType { boolean, integer, real, text, choice, duration, integers, reals, texts, rows };

/// One key of a deck: everything that checks, help and reference need.
struct Key {
  std::string path;  ///< below its section, nested tables with dots: "shift.absolute"
  KeyType type = KeyType::real;
  std::string preset;  ///< default as TOML text; empty: required unless `optional`
  bool optional = false;
  double min = -1e300;
  double max = 1e300;
  std::vector<std::string> choices;
  std::string help;
};

/// A section whose key `kind` chooses which further keys it takes. A section without kinds has one entry with an empty
/// name.
struct Section {
  std::string name;  ///< "lattice"; "wavefunction.factor" is written [[wavefunction.factor]]
  std::string help;
  bool is_array = false;
  struct Kind {
    std::string name;
    std::string help;
    std::vector<Key> keys;
  };
  std::vector<Kind> kinds;
  std::vector<std::string> studies{};  ///< kinds of study that have this section; empty: all
  int most = 1;                        ///< of an array
  std::string template_kind{};         ///< kind and optional key that a template shows
  std::string template_key{};
};

/// A deck that has passed every check.
class Deck {
 public:
  using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<double>, std::vector<std::string>,
                             std::vector<std::vector<double>>>;

  /// Parses `text`, applies overrides "section.key=value" and checks everything against `sections`.
  /// Errors  one DeckError with all problems, each as file:line:column: error: ... / expected: ...
  static Deck parse(const std::string& text, const std::string& file, const std::vector<std::string>& overrides,
                    const std::vector<Section>& sections);

  bool has(const std::string& path) const { return entries_.count(path) > 0; }
  /// Whether the deck or --set gives this key: false where its default stands.
  bool given(const std::string& path) const;
  /// Keys whose values differ from those of another deck's resolved().
  std::vector<std::string> differences(const std::string& other_resolved) const;
  /// A copy in which one number is another; whether its key may have it is not asked.
  Deck with(const std::string& path, double value) const;
  /// How many there are of an array of sections.
  int count(const std::string& section) const { return counts_.at(section); }
  bool boolean(const std::string& path) const { return as<bool>(path); }
  std::int64_t integer(const std::string& path) const { return as<std::int64_t>(path); }
  double real(const std::string& path) const;
  std::string text(const std::string& path) const { return as<std::string>(path); }
  double seconds(const std::string& path) const;
  std::vector<double> reals(const std::string& path) const { return as<std::vector<double>>(path); }
  std::vector<int> integers(const std::string& path) const;
  const std::vector<std::vector<double>>& rows(const std::string& path) const {
    return as<std::vector<std::vector<double>>>(path);
  }
  std::vector<std::string> texts(const std::string& path) const { return as<std::vector<std::string>>(path); }

  /// Throws a DeckError at the place of a key, for what only another room can judge.
  [[noreturn]] void refuse(const std::string& path, const std::string& problem, const std::string& expected) const;

  const std::string& source() const { return source_; }
  /// "key = value" of what --set and [scan] have put in the place of the source's words.
  const std::vector<std::string>& changes() const { return changes_; }
  /// Every key with its value, defaults included: "path = value" lines in TOML's dotted keys.
  std::string resolved() const;

 private:
  struct Entry {
    Value value;
    std::string place;  ///< "file:line:column" or "--set ..."
  };
  const Value& at(const std::string& path) const;
  template <typename T>
  const T& as(const std::string& path) const {
    const T* value = std::get_if<T>(&at(path));
    if (value == nullptr)
      throw InternalError("the key " + path + " is asked for as another type than it is declared with");
    return *value;
  }
  friend class DeckParser;

  std::map<std::string, Entry> entries_;
  std::map<std::string, int> counts_;
  std::map<std::string, std::string> headers_;  ///< places of tables
  std::string source_;
  std::vector<std::string> changes_;
  std::string file_;
};

/// A deck with every key of a study, its default or an example, and its meaning; optional keys are commented out. It
/// parses.
std::string deck_template(const std::vector<Section>& sections, const std::string& study);
/// The keys of a section or kind as text, for `describe` and the deck reference.
std::string describe(const Section::Kind& kind, const std::string& section);
/// All sections, kinds and keys as a page of Markdown.
std::string deck_reference(const std::vector<Section>& sections);

}  // namespace koushi
