#include "koushi/deck/resolved.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "koushi/base/text.hpp"

namespace koushi {

namespace {

bool as_number(const std::string& text, double& value) {
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  return status == std::errc() && stop == end && std::isfinite(value);
}

}  // namespace

std::map<std::string, std::string> resolved_keys(const std::string& resolved) {
  std::map<std::string, std::string> keys;
  for (const std::string& line : split_lines(resolved)) {
    const std::size_t equals = line.find(" = ");
    if (equals != std::string::npos) keys[line.substr(0, equals)] = line.substr(equals + 3);
  }
  return keys;
}

std::string value_of(const std::map<std::string, std::string>& keys, const std::string& key) {
  const auto found = keys.find(key);
  return found == keys.end() ? "not set" : found->second;
}

std::map<std::string, double> resolved_numbers(const std::map<std::string, std::string>& keys) {
  std::map<std::string, double> numbers;
  for (const auto& [key, text] : keys) {
    double value = 0;
    if (as_number(text, value)) numbers[key] = value;
    if (text.size() < 3 || text.front() != '[' || text[1] == '[') continue;
    std::string rest = fmt::format("{}, ", text.substr(1, text.size() - 2));
    for (int k = 0; !rest.empty(); ++k) {
      const std::size_t comma = rest.find(", ");
      if (as_number(rest.substr(0, comma), value)) numbers[fmt::format("{}.{}", key, k)] = value;
      rest.erase(0, comma + 2);
    }
  }
  return numbers;
}

}  // namespace koushi
