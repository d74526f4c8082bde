#include "koushi/deck/keys.hpp"

#include <fmt/format.h>

#include "koushi/base/text.hpp"

namespace koushi {

namespace {

template <typename Values>
std::string list_text(const Values& values) {
  std::vector<std::string> texts;
  for (const auto& value : values) texts.push_back(toml_text(value));
  return fmt::format("[{}]", join(texts));
}

}  // namespace

std::string toml_text(bool value) { return value ? "true" : "false"; }
std::string toml_text(std::int64_t value) { return fmt::format("{}", value); }
std::string toml_text(const std::string& value) { return quoted(value); }

/// The shortest text that gives the same number back: 1.0, 0.02, 1e-6.
std::string toml_text(double value) {
  std::string text = fmt::format("{}", value);
  const std::size_t exponent = text.find('e');
  if (exponent == std::string::npos) return text.find_first_of(".n") == std::string::npos ? text + ".0" : text;
  const std::size_t digits = exponent + 2;  // behind the sign, which fmt always writes
  while (text[digits] == '0' && digits + 1 < text.size()) text.erase(digits, 1);
  return text;
}

std::string toml_text(std::complex<double> value) {
  if (value.imag() == 0) return toml_text(value.real());
  return fmt::format("[{}, {}]", toml_text(value.real()), toml_text(value.imag()));
}

std::string toml_text(const std::vector<int>& values) {
  return list_text(std::vector<std::int64_t>(values.begin(), values.end()));
}
std::string toml_text(const std::vector<double>& values) { return list_text(values); }
std::string toml_text(const std::vector<std::complex<double>>& values) { return list_text(values); }
std::string toml_text(const std::vector<std::string>& values) { return list_text(values); }
std::string toml_text(const std::vector<std::vector<double>>& values) { return list_text(values); }
std::string toml_text(const std::vector<Deck::MixedRow>& values) {
  std::vector<std::string> rows;
  for (const Deck::MixedRow& row : values) {
    std::vector<std::string> cells;
    for (const auto& cell : row)
      cells.push_back(std::visit([](const auto& content) { return toml_text(content); }, cell));
    rows.push_back(fmt::format("[{}]", join(cells)));
  }
  return fmt::format("[{}]", join(rows));
}

}  // namespace koushi
