#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "koushi/base/error.hpp"
#include "koushi/deck/section.hpp"

namespace koushi {

/// The text of a file, or nothing where it cannot be read. Collective where the deck is read by several ranks.
using FileReader = std::function<std::optional<std::string>(const std::string& file)>;
/// Reads a file on this rank.
std::optional<std::string> read_file_here(const std::string& file);

/// A deck that has passed every check.
class Deck {
 public:
  using Complex = std::complex<double>;
  using MixedRow = std::vector<std::variant<double, std::string>>;
  using Value =
      std::variant<bool, std::int64_t, double, Complex, std::string, std::vector<double>, std::vector<Complex>,
                   std::vector<std::string>, std::vector<std::vector<double>>, std::vector<MixedRow>>;

  /// Parses `text`, applies overrides "section.key=value" and checks everything against `sections`. Lists in files are
  /// read by `read`, with names relative to the folder of `file`.
  /// Errors  one DeckError with all problems, each as file:line:column: error: ... / expected: ...
  static Deck parse(const std::string& text, const std::string& file, const std::vector<std::string>& overrides,
                    const std::vector<Section>& sections, const FileReader& read = read_file_here);
  /// The deck of a text that resolved() has written. Values that are defaults are not given().
  static Deck parse_resolved(const std::string& text, const std::string& file,
                             const std::vector<std::string>& overrides, const std::vector<Section>& sections);

  bool has(const std::string& path) const { return entries_.count(path) > 0; }
  /// Whether the deck or --set gives this key: false where its default stands.
  bool given(const std::string& path) const;
  /// Keys whose values differ from those of another deck's resolved().
  std::vector<std::string> differences(const std::string& other_resolved) const;
  /// A copy in which one number is another; whether its key may have it is not asked.
  Deck with(const std::string& path, double value) const;
  /// The number of sections in an array of sections.
  int count(const std::string& section) const;
  bool boolean(const std::string& path) const { return as<bool>(path); }
  std::int64_t integer(const std::string& path) const { return as<std::int64_t>(path); }
  double real(const std::string& path) const;
  Complex complex(const std::string& path) const { return as<Complex>(path); }
  std::string text(const std::string& path) const { return as<std::string>(path); }
  double seconds(const std::string& path) const;
  std::vector<double> reals(const std::string& path) const { return as<std::vector<double>>(path); }
  std::vector<int> integers(const std::string& path) const;
  std::vector<Complex> complexes(const std::string& path) const { return as<std::vector<Complex>>(path); }
  const std::vector<std::vector<double>>& rows(const std::string& path) const {
    return as<std::vector<std::vector<double>>>(path);
  }
  const std::vector<MixedRow>& mixed_rows(const std::string& path) const { return as<std::vector<MixedRow>>(path); }
  std::vector<std::string> texts(const std::string& path) const { return as<std::vector<std::string>>(path); }

  /// Throws a DeckError at the place of a key, for what only another room can judge.
  [[noreturn]] void refuse(const std::string& path, const std::string& problem, const std::string& expected) const;

  /// The same at one row, counted from 0, of a list that may come from a file: at the file's line where it does.
  [[noreturn]] void refuse_row(const std::string& path, std::size_t row, const std::string& problem,
                               const std::string& expected) const;

  const std::string& source() const { return source_; }
  /// "key = value" of what --set and [scan] have put in the place of the source's words.
  const std::vector<std::string>& changes() const { return changes_; }
  /// Every key with its value, defaults included: "path = value" lines in TOML's dotted keys.
  std::string resolved() const;

 private:
  struct Entry {
    Value value;
    std::string place;                      ///< "file:line:column" or "--set ..."
    std::vector<std::string> row_places{};  ///< of a list that may come from a file
  };
  const Value& at(const std::string& path) const;
  template <typename T>
  const T& as(const std::string& path) const {
    const T* value = std::get_if<T>(&at(path));
    if (value == nullptr)
      throw InternalError("the key " + path + " is asked for as another type than it is declared with");
    return *value;
  }
  friend class DeckCheck;

  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> defaults_;  ///< defaults of keys that may be given, as text
  std::map<std::string, int> counts_;
  std::map<std::string, std::string> headers_;  ///< places of tables
  std::string source_;
  std::vector<std::string> changes_;
  std::string file_;
};

}  // namespace koushi
