#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "koushi/deck/deck_section.hpp"

namespace koushi {

/// Smallest and largest value of a number that a deck may give.
struct Bounds {
  double min = -1e300;
  double max = 1e300;
};

/// The smallest number that is greater than 0, for Bounds: the help then says "> 0".
inline constexpr double positive_number = 1e-300;

/// A default as TOML text, which the deck reads back as the same value.
std::string toml_text(bool value);
std::string toml_text(std::int64_t value);
std::string toml_text(double value);
std::string toml_text(std::complex<double> value);
std::string toml_text(const std::string& value);
std::string toml_text(const std::vector<int>& values);
std::string toml_text(const std::vector<double>& values);
std::string toml_text(const std::vector<std::complex<double>>& values);
std::string toml_text(const std::vector<std::string>& values);
std::string toml_text(const std::vector<std::vector<double>>& values);
std::string toml_text(const std::vector<Deck::MixedRow>& values);

/// Keys of a deck, each bound to the member of Options that it sets, whose initial value is the key's default.
///
///   struct RbmOptions {
///     int density = 1;
///     static const Keys<RbmOptions>& keys() {
///       static const auto all = Keys<RbmOptions>().integer("density", &RbmOptions::density, {1, 1024},
///                                                            "hidden units per site");
///       return all;
///     }
///   };
///   const RbmOptions options = RbmOptions::keys().read(section);
///
/// A member of type std::optional<T> makes an optional key. What follows a key holds for it: required() takes its
/// default away, from_file() lets a file beside the deck give a list, example() is what a template shows.
template <typename Options>
class Keys {
 public:
  template <typename T>
  Keys integer(const std::string& path, T Options::*member, Bounds bounds, const std::string& help) && {
    return std::move(*this).number(path, KeyType::integer, member, bounds, help);
  }
  template <typename T>
  Keys real(const std::string& path, T Options::*member, Bounds bounds, const std::string& help) && {
    return std::move(*this).number(path, KeyType::real, member, bounds, help);
  }
  /// A complex number: a real one or [re, im].
  template <typename T>
  Keys complex(const std::string& path, T Options::*member, const std::string& help) && {
    return std::move(*this).number(path, KeyType::complex, member, {}, help);
  }
  template <typename T>
  Keys boolean(const std::string& path, T Options::*member, const std::string& help) && {
    return std::move(*this).number(path, KeyType::boolean, member, {}, help);
  }
  template <typename T>
  Keys text(const std::string& path, T Options::*member, const std::string& help) && {
    return std::move(*this).number(path, KeyType::text, member, {}, help);
  }
  template <typename T>
  Keys integers(const std::string& path, T Options::*member, Bounds bounds, const std::string& help) && {
    return std::move(*this).number(path, KeyType::integers, member, bounds, help);
  }
  template <typename T>
  Keys reals(const std::string& path, T Options::*member, Bounds bounds, const std::string& help) && {
    return std::move(*this).number(path, KeyType::reals, member, bounds, help);
  }
  template <typename T>
  Keys complexes(const std::string& path, T Options::*member, const std::string& help) && {
    return std::move(*this).number(path, KeyType::complexes, member, {}, help);
  }
  /// Lists of numbers and texts, as [["hop", 0, 1], ["site", 2]].
  template <typename T>
  Keys mixed_rows(const std::string& path, T Options::*member, const std::string& help) && {
    return std::move(*this).number(path, KeyType::mixed_rows, member, {}, help);
  }
  template <typename T>
  Keys rows(const std::string& path, T Options::*member, const std::string& help) && {
    return std::move(*this).number(path, KeyType::rows, member, {}, help);
  }
  /// A list of texts, each one of `choices` where these are given.
  template <typename T>
  Keys texts(const std::string& path, T Options::*member, std::vector<std::string> choices,
             const std::string& help) && {
    Keys all = std::move(*this).number(path, KeyType::texts, member, {}, help);
    all.keys_.back().choices = std::move(choices);
    return all;
  }
  /// One of several words, each of which stands for a value of the member.
  template <typename T>
  Keys choice(const std::string& path, T Options::*member, std::vector<std::pair<std::string, T>> words,
              const std::string& help) && {
    Key key = declared(path, KeyType::choice, {}, help);
    for (const auto& [word, value] : words) {
      key.choices.push_back(word);
      if (value == Options{}.*member) key.default_value = toml_text(word);
    }
    keys_.push_back(std::move(key));
    readers_.push_back([path, member, words = std::move(words)](const DeckSection& section, Options& options) {
      if (!section.has(path)) return;
      const std::string given = section.text(path);
      for (const auto& [word, value] : words) {
        if (word == given) options.*member = value;
      }
    });
    return std::move(*this);
  }
  /// Takes the default of the last key away: the deck must give it.
  Keys required() && {
    keys_.back().default_value.clear();
    return std::move(*this);
  }

  /// Lets a text in the place of the last key, a list, name a file beside the deck with a row per line.
  Keys from_file() && {
    keys_.back().from_file = true;
    return std::move(*this);
  }
  /// Marks the last key as one that says where parameters begin, and nothing once they come from another run.
  Keys initial() && {
    keys_.back().transfer = Key::Transfer::initial;
    return std::move(*this);
  }
  /// Lets the parameters of a run be taken in which the last key was smaller.
  Keys grows() && {
    keys_.back().transfer = Key::Transfer::grows;
    return std::move(*this);
  }
  /// Sets what a template shows for the last key where it has no default, as TOML text.
  Keys example(const std::string& text) && {
    keys_.back().example = text;
    return std::move(*this);
  }

  const std::vector<Key>& list() const { return keys_; }

  Options read(const DeckSection& section) const {
    Options options;
    for (const auto& reader : readers_) reader(section, options);
    return options;
  }

 private:
  template <typename T>
  struct Held {
    using Type = T;
    static constexpr bool is_optional = false;
  };
  template <typename T>
  struct Held<std::optional<T>> {
    using Type = T;
    static constexpr bool is_optional = true;
  };

  static Key declared(const std::string& path, KeyType type, Bounds bounds, const std::string& help) {
    Key key;
    key.path = path;
    key.type = type;
    key.min = bounds.min;
    key.max = bounds.max;
    key.help = help;
    return key;
  }

  template <typename T>
  static T value_of(const DeckSection& section, const std::string& path) {
    if constexpr (std::is_same_v<T, bool>) return section.boolean(path);
    if constexpr (std::is_same_v<T, double>) return section.real(path);
    if constexpr (std::is_same_v<T, std::complex<double>>) return section.complex(path);
    if constexpr (std::is_same_v<T, std::string>) return section.text(path);
    if constexpr (std::is_same_v<T, std::vector<int>>) return section.integers(path);
    if constexpr (std::is_same_v<T, std::vector<double>>) return section.reals(path);
    if constexpr (std::is_same_v<T, std::vector<std::complex<double>>>) return section.complexes(path);
    if constexpr (std::is_same_v<T, std::vector<std::string>>) return section.texts(path);
    if constexpr (std::is_same_v<T, std::vector<std::vector<double>>>) return section.rows(path);
    if constexpr (std::is_same_v<T, std::vector<Deck::MixedRow>>) return section.mixed_rows(path);
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) return static_cast<T>(section.integer(path));
  }

  template <typename T>
  Keys number(const std::string& path, KeyType type, T Options::*member, Bounds bounds, const std::string& help) && {
    using Value = typename Held<T>::Type;
    Key key = declared(path, type, bounds, help);
    key.optional = Held<T>::is_optional;
    if constexpr (!Held<T>::is_optional) {
      if constexpr (std::is_integral_v<Value> && !std::is_same_v<Value, bool>) {
        key.default_value = toml_text(static_cast<std::int64_t>(Options{}.*member));
      } else {
        key.default_value = toml_text(Options{}.*member);
      }
    }
    keys_.push_back(std::move(key));
    readers_.push_back([path, member](const DeckSection& section, Options& options) {
      if (section.has(path)) options.*member = value_of<Value>(section, path);
    });
    return std::move(*this);
  }

  std::vector<Key> keys_;
  std::vector<std::function<void(const DeckSection&, Options&)>> readers_;
};

}  // namespace koushi
