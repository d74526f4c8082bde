#pragma once

#include <string>
#include <utility>
#include <vector>

#include "koushi/deck/deck.hpp"

/// Words in which keys are declared: `at_least(1, key("steps", KeyType::integer, "", "how many"))`.
namespace koushi::declare {

inline constexpr double positive = 1e-300;

/// `default_value` is TOML text; empty: required.
inline Key key(const std::string& path, KeyType type, const std::string& default_value, const std::string& help) {
  Key result;
  result.path = path;
  result.type = type;
  result.default_value = default_value;
  result.help = help;
  return result;
}

inline Key between(double min, double max, Key k) {
  k.min = min;
  k.max = max;
  return k;
}

inline Key at_least(double min, Key k) {
  k.min = min;
  return k;
}

inline Key optional(Key k) {
  k.optional = true;
  return k;
}

inline Key choice(const std::string& path, std::vector<std::string> choices, const std::string& default_value,
                  const std::string& help) {
  Key result = key(path, KeyType::choice, default_value, help);
  result.choices = std::move(choices);
  return result;
}

/// `text` is the TOML text that a template shows where there is no default.
inline Key example(const std::string& text, Key k) {
  k.example = text;
  return k;
}

}  // namespace koushi::declare
