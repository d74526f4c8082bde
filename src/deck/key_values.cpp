#include "key_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "koushi/base/text.hpp"
#include "reference.hpp"

namespace koushi {

namespace {

/// Whether a text can go to a terminal: no escapes, no end within it.
bool is_printable(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; });
}

std::optional<double> number_of(const Key& key, const toml::node& node, bool integer) {
  const auto* whole = node.as_integer();
  const auto* real = integer ? nullptr : node.as_floating_point();
  if (whole == nullptr && real == nullptr) return std::nullopt;
  const double x = whole != nullptr ? static_cast<double>(whole->get()) : real->get();
  if (std::isfinite(x) && x >= key.min && x <= key.max) return x;
  return std::nullopt;
}

std::optional<Deck::Complex> complex_of(const Key& key, const toml::node& node) {
  if (const auto x = number_of(key, node, false)) return Deck::Complex(*x, 0);
  const toml::array* parts = node.as_array();
  if (parts == nullptr || parts->size() != 2) return std::nullopt;
  const auto re = number_of(key, *parts->get(0), false);
  const auto im = number_of(key, *parts->get(1), false);
  if (!re || !im) return std::nullopt;
  return Deck::Complex(*re, *im);
}

std::optional<std::string> text_of(const Key& key, const toml::node& node) {
  if (!node.is_string()) return std::nullopt;
  const std::string text = *node.value<std::string>();
  const bool chosen = key.choices.empty() || std::count(key.choices.begin(), key.choices.end(), text) > 0;
  if (!chosen || !is_printable(text)) return std::nullopt;
  return text;
}

/// A list of what `one` makes of each of its entries; nothing where one of them is wrong.
template <typename Entry, typename One>
std::optional<std::vector<Entry>> list_of(const toml::node& node, bool may_be_empty, const One& one) {
  const toml::array* array = node.as_array();
  if (array == nullptr || (array->empty() && !may_be_empty)) return std::nullopt;
  std::vector<Entry> list;
  for (const toml::node& element : *array) {
    auto entry = one(element);
    if (!entry) return std::nullopt;
    list.push_back(std::move(*entry));
  }
  return list;
}

template <typename T>
std::optional<Deck::Value> as_value(std::optional<T> found) {
  if (!found) return std::nullopt;
  return Deck::Value(std::move(*found));
}

/// A word as TOML would read it where it is a number; else a text.
void push_word(toml::array& row, const std::string& word) {
  const char* begin = word.data() + (word.size() > 1 && word[0] == '+' ? 1 : 0);
  const char* end = word.data() + word.size();
  std::int64_t whole = 0;
  double real = 0;
  if (const auto [stop, status] = std::from_chars(begin, end, whole); status == std::errc() && stop == end) {
    row.push_back(whole);
  } else if (const auto [last, error] = std::from_chars(begin, end, real); error == std::errc() && last == end) {
    row.push_back(real);
  } else {
    row.push_back(word);
  }
}

std::string cell_text(double number) { return fmt::format("{}", number); }
std::string cell_text(const Deck::Complex& z) { return fmt::format("[{}, {}]", z.real(), z.imag()); }
std::string cell_text(const std::string& text) { return quoted(text); }
template <typename... T>
std::string cell_text(const std::variant<T...>& cell) {
  return std::visit([](const auto& content) { return cell_text(content); }, cell);
}
template <typename T>
std::string cell_text(const std::vector<T>& list) {
  std::string text;
  for (const T& entry : list) text += (text.empty() ? "" : ", ") + cell_text(entry);
  return "[" + text + "]";
}
std::string cell_text(bool value) { return value ? "true" : "false"; }
std::string cell_text(std::int64_t value) { return fmt::format("{}", value); }

}  // namespace

std::optional<Deck::Value> value_of(const Key& key, const toml::node& node) {
  const auto real = [&key](const toml::node& n) { return number_of(key, n, false); };
  const auto integer = [&key](const toml::node& n) { return number_of(key, n, true); };
  const auto complex = [&key](const toml::node& n) { return complex_of(key, n); };
  const auto text = [&key](const toml::node& n) { return text_of(key, n); };
  switch (key.type) {
    case KeyType::boolean:
      return as_value(node.value_exact<bool>());
    case KeyType::integer:
      if (integer(node)) return Deck::Value(node.as_integer()->get());
      return std::nullopt;
    case KeyType::real:
      return as_value(real(node));
    case KeyType::complex:
      return as_value(complex(node));
    case KeyType::text:
    case KeyType::choice:
      return as_value(text(node));
    case KeyType::duration:
      if (node.is_string() && parse_duration(*node.value<std::string>()) > 0)
        return Deck::Value(*node.value<std::string>());
      return std::nullopt;
    case KeyType::integers:
      return as_value(list_of<double>(node, false, integer));
    case KeyType::reals:
      return as_value(list_of<double>(node, false, real));
    case KeyType::complexes:
      return as_value(list_of<Deck::Complex>(node, false, complex));
    case KeyType::texts:
      return as_value(list_of<std::string>(node, true, text));
    case KeyType::rows:
      return as_value(list_of<std::vector<double>>(
          node, false, [&](const toml::node& row) { return list_of<double>(row, false, real); }));
    case KeyType::mixed_rows:
      return as_value(list_of<Deck::MixedRow>(node, false, [&](const toml::node& row) {
        return list_of<Deck::MixedRow::value_type>(
            row, false, [&](const toml::node& cell) -> std::optional<Deck::MixedRow::value_type> {
              if (const auto x = real(cell)) return *x;
              if (auto word = text(cell)) return std::move(*word);
              return std::nullopt;
            });
      }));
  }
  return std::nullopt;
}

Deck::Value default_of(const Key& key, const std::string& path) {
  const std::string fault = fmt::format("the program declares {} with the default {}", path, key.default_value);
  try {
    const toml::table table = toml::parse("value = " + key.default_value);
    if (auto value = value_of(key, *table.get("value"))) return *value;
  } catch (const toml::parse_error&) {
    throw InternalError(fault + ", which is not TOML; text wants quotes in it");
  }
  throw InternalError(fault + ", which is not " + type_text(key));
}

std::string value_text(const Deck::Value& value) {
  return std::visit([](const auto& v) { return cell_text(v); }, value);
}

toml::array row_of_line(const Key& key, const std::string& line) {
  const std::string content = line.substr(0, line.find('#'));
  const std::string blanks = " \t\r";
  toml::array row;
  if (key.type == KeyType::texts) {
    const std::size_t first = content.find_first_not_of(blanks);
    if (first != std::string::npos) row.push_back(content.substr(first, content.find_last_not_of(blanks) + 1 - first));
    return row;
  }
  const std::string separators = blanks + ",";
  for (std::size_t at = content.find_first_not_of(separators); at != std::string::npos;) {
    const std::size_t end = std::min(content.find_first_of(separators, at), content.size());
    push_word(row, content.substr(at, end - at));
    at = content.find_first_not_of(separators, end);
  }
  return row;
}

bool entry_per_line(KeyType type) {
  return type == KeyType::rows || type == KeyType::mixed_rows || type == KeyType::complexes;
}

std::string line_text(const Key& key) {
  switch (key.type) {
    case KeyType::complexes:
      return "the real and the imaginary part, as 0.5 -1, in every line";
    case KeyType::texts:
      return (key.choices.empty() ? "a text" : "one of " + join(key.choices)) + " in every line";
    case KeyType::rows:
      return "numbers in every line, as 1 0 0.5";
    case KeyType::mixed_rows:
      return "numbers and words in every line";
    default: {
      const std::string text = type_text(key);  // "list of integers >= 1, ..."
      return text.substr(8, text.find(", or the name of a file") - 8) + " in every line";
    }
  }
}

}  // namespace koushi
