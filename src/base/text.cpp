#include "koushi/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace koushi {

namespace {

/// Optimal string alignment distance: Levenshtein plus the swap of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = name.size() + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    const std::size_t allowed = (std::max(name.size(), candidate.size()) + 2) / 3;
    if (distance <= allowed && distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::pair<std::string, std::string> problem_and_expected(const std::string& message) {
  const std::string sign = "\n  expected: ";
  const std::size_t at = message.find(sign);
  return {message.substr(0, at), at == std::string::npos ? "" : message.substr(at + sign.size())};
}

std::string hint(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string near = nearest_name(name, candidates);
  return near.empty() ? "" : fmt::format("     (did you mean \"{}\"?)", near);
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string without_controls(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20 || code == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<int>(code));
    } else {
      out += c;
    }
  }
  return out;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return without_controls(out) + "\"";
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::string with_error(double value, double error) {
  if (!std::isfinite(value)) return "-";
  if (!std::isfinite(error)) return fmt::format("{:.6g} (no error)", value);
  if (error <= 0) return fmt::format("{:.12g} (exact)", value);
  // Two digits of the error: e.g. 0.0123 -> exponent -2, last printed decimal 3.
  const int exponent = static_cast<int>(std::floor(std::log10(error)));
  int decimals = 1 - exponent;
  double digits = std::round(error * std::pow(10.0, decimals));
  if (digits >= 100) {
    --decimals;
    digits = std::round(error * std::pow(10.0, decimals));
  }
  if (decimals <= 0) return fmt::format("{:.0f}({:.0f})", value, error);
  if (decimals > 15) return fmt::format("{:.15g} +- {:.1e}", value, error);
  return fmt::format("{:.{}f}({:.0f})", value, decimals, digits);
}

std::string deviation_text(double value, double error, double reference, double reference_error) {
  const double difference = value - reference;
  if (!std::isfinite(difference)) return "not a number";
  std::string text = reference != 0 ? fmt::format("{:+.3g} %", 100 * difference / std::abs(reference))
                                    : fmt::format("{:+.3g}", difference);
  const double sigma = std::hypot(error, reference_error);
  if (sigma > 0) text += fmt::format(", {:+.1f} sigma", difference / sigma);
  return text;
}

std::string column_blocks(const std::string& x_name, const std::vector<std::string>& x,
                          const std::vector<std::pair<std::string, std::vector<std::string>>>& columns) {
  constexpr std::size_t per_block = 4;
  std::string text;
  for (std::size_t first = 0; first < columns.size(); first += per_block) {
    const std::size_t last = std::min(columns.size(), first + per_block);
    text += fmt::format("\n{:>14}", x_name);
    for (std::size_t k = first; k < last; ++k) text += fmt::format(" {:>24}", columns[k].first);
    text += "\n";
    for (std::size_t i = 0; i < x.size(); ++i) {
      text += fmt::format("{:>14}", x[i]);
      for (std::size_t k = first; k < last; ++k) text += fmt::format(" {:>24}", columns[k].second[i]);
      text += "\n";
    }
  }
  return text;
}

void print_out(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written && errno == EPIPE) std::clearerr(stdout);  // a reader that wants no more is no error
}

void print_error(const std::string& text) { static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr)); }

std::string format_seconds(double seconds) {
  if (!(seconds >= 0)) return "?";
  if (seconds < 1e-3) return fmt::format("{:.3g} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.3g} ms", seconds * 1e3);
  if (seconds < 60) return fmt::format("{:.3g} s", seconds);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string format_bytes(double bytes) {
  const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  for (; bytes >= 1024 && unit < 4; ++unit) bytes /= 1024;
  return fmt::format("{:.3g} {}", bytes, units[unit]);
}

double parse_duration(std::string_view text) {
  const auto number = [](std::string_view part, std::string_view& rest) {
    double value = -1;
    const auto [end, status] = std::from_chars(part.data(), part.data() + part.size(), value, std::chars_format::fixed);
    rest = part.substr(static_cast<std::size_t>(end - part.data()));
    return status == std::errc() && std::isfinite(value) && value >= 0 ? value : -1.0;
  };
  std::string_view rest;
  double value = number(text, rest);
  if (value < 0) return -1;
  double days = 0;
  // before hh, hh:mm or hh:mm:ss; without days the first two could be minutes
  const bool with_days = !rest.empty() && rest[0] == '-';
  if (with_days) {
    days = value;
    value = number(rest.substr(1), rest);
    if (value < 0 || value >= 24) return -1;
    if (rest.empty()) return 86400 * days + 3600 * value;
    if (rest[0] != ':') return -1;
  }
  if (!rest.empty() && rest[0] == ':') {  // hh:mm:ss
    const double minutes = number(rest.substr(1), rest);
    if (minutes < 0 || minutes >= 60) return -1;
    if (with_days && rest.empty()) return 86400 * days + 3600 * value + 60 * minutes;
    if (rest.empty() || rest[0] != ':') return -1;
    const double seconds = number(rest.substr(1), rest);
    return seconds < 0 || seconds >= 60 || !rest.empty() ? -1 : 86400 * days + 3600 * value + 60 * minutes + seconds;
  }
  while (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
  if (rest == "s") return value;
  if (rest == "min" || rest == "m") return 60 * value;
  if (rest == "h") return 3600 * value;
  if (rest == "d") return 86400 * value;
  return -1;
}

}  // namespace koushi
