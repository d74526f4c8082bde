#include "koushi/study/resolved_numbers.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace koushi {

namespace {

bool as_number(const std::string& text, double& value) {
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  return status == std::errc() && stop == end && std::isfinite(value);
}

}  // namespace

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
