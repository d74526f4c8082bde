#pragma once

#include <string>
#include <vector>

namespace koushi {

/// What a deck may give a key. `complex` is a real number or [re, im]; `mixed_rows` are lists of numbers and texts.
enum class KeyType {
  boolean,
  integer,
  real,
  complex,
  text,
  choice,
  duration,
  integers,
  reals,
  complexes,
  texts,
  rows,
  mixed_rows
};

/// One key of a deck: everything that checks, help and reference need.
struct Key {
  std::string path;  ///< below its section, nested tables with dots: "shift.absolute"
  KeyType type = KeyType::real;
  std::string default_value;  ///< default as TOML text; empty: required unless `optional`
  bool optional = false;
  double min = -1e300;
  double max = 1e300;
  std::vector<std::string> choices;
  std::string help;
  std::string example{};      ///< TOML text that a template shows where there is no default
  std::string deck_suffix{};  ///< of a text: its default is the name of the deck with this suffix, "NAME.h5"
  bool from_file = false;     ///< of a list: a text names a file beside the deck that holds it, a row per line
  /// Whether a factor may differ in this key from the one, of another run, that its parameters come from.
  enum class Transfer { no, initial, grows };
  Transfer transfer = Transfer::no;  ///< initial: it only says where parameters begin; grows: the new one is larger
};

/// A section whose key `kind` chooses which further keys and sections it takes. A section without kinds has one entry
/// with an empty name.
struct Section {
  std::string name;  ///< "lattice"; "wavefunction.factor" is written [[wavefunction.factor]]; of a section in another
                     ///< one the name in there: "layer" for [[wavefunction.factor.layer]]
  std::string help;
  bool is_array = false;
  struct Kind {
    std::string name;
    std::string help;
    std::vector<Key> keys;
    std::vector<Section> sections{};  ///< in this one
    /// Words of a kind in a list of sections: a template shows every kind that shares one with a kind of the sections
    /// before.
    std::vector<std::string> suits{};
    bool in_template = false;  ///< what a template shows where nothing is chosen; else the first kind
  };
  std::vector<Kind> kinds;
  std::vector<std::string> studies{};  ///< kinds of study that have this section; empty: all
  int max_count = 1;                   ///< of an array
  std::string template_key{};          ///< optional key that a template shows
  int min_count = 1;                   ///< of an array
};

/// A kind with the whole name of its section, "wavefunction.factor.layer".
struct NamedKind {
  std::string section;
  const Section::Kind* kind;
};

/// The kinds of all sections and of the sections in them, each section name with a kind once.
std::vector<NamedKind> all_kinds(const std::vector<Section>& sections);

/// A deck with every key of a study, its default or an example, and its meaning; optional keys are commented out. It
/// parses. Settings "section.key=value" choose kinds and give keys their values.
/// Errors  UsageError for a setting without a value; what else is wrong with one is found when the text is parsed with
/// the same settings.
std::string deck_template(const std::vector<Section>& sections, const std::string& study,
                          const std::vector<std::string>& settings = {});
/// The keys of a section or kind as text, for `describe` and the deck reference.
std::string describe(const Section::Kind& kind, const std::string& section);
/// All sections, kinds and keys as a page of Markdown.
std::string deck_reference(const std::vector<Section>& sections);

}  // namespace koushi
