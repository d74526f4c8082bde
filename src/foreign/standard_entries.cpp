#include "standard_entries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "koushi/base/text.hpp"

namespace koushi {

namespace {

/// Words of a calculation without a meaning for the model.
const std::set<std::string>& calculation_words() {
  static const std::set<std::string> words = {"outputmode", "cdatafilehead",  "cparafilehead",
                                              "eigenvecio", "initialvectype", "restart",
                                              "hamio",      "calcspec",       "spectrumtype"};
  return words;
}

}  // namespace

const std::set<std::string>& calculation_names() {
  static const std::set<std::string> names = {
      "nvmccalmode", "nlanczosmode",    "ndataidxstart", "ndataqtysmp",  "nspgaussleg",  "nspstot",
      "nmptrans",    "nsroptitrstep",   "nsroptitrsmp",  "dsroptredcut", "dsroptstadel", "dsroptstepdt",
      "nvmcwarmup",  "nvmcinterval",    "nvmcsample",    "rndseed",      "nsplitsize",   "nstore",
      "nsrcg",       "nsroptcgmaxiter", "dsroptcgtol",   "complextype",  "lanczos_max",  "initial_iv",
      "lanczoseps",  "lanczostarget",   "exct",          "largevalue",   "numave",       "expecinterval",
      "2s",          "nexupdatepath"};
  return names;
}

Entries::Entries(std::string file, const std::string& text) : file_(std::move(file)) {
  int number = 0;
  for (std::size_t at = 0; at <= text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    add(text.substr(at, end - at), number + 1);
    at = end + 1;
  }
}

ForeignPlace Entries::at(const std::string& key) const {
  const auto found = entries_.find(key);
  return {file_, found == entries_.end() ? 0 : found->second.line};
}

std::optional<std::string> Entries::word(const std::string& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  found->second.used = true;
  return found->second.value;
}

std::optional<std::complex<double>> Entries::complex_number(const std::string& key) {
  const auto text = word(key);
  if (!text) return std::nullopt;
  const std::size_t comma = text->find(',');
  const auto real = foreign_number(text->substr(0, comma));
  const auto imag = comma == std::string::npos ? std::optional<double>(0) : foreign_number(text->substr(comma + 1));
  if (!real || !imag) refuse(at(key), fmt::format("{} = {}", entries_[key].name, *text), "a number, or two: re, im");
  return std::complex<double>(*real, *imag);
}

std::optional<double> Entries::number(const std::string& key) {
  const auto value = complex_number(key);
  if (!value) return std::nullopt;
  if (value->imag() != 0) refuse(at(key), fmt::format("{} is complex", entries_[key].name), "a real number");
  return value->real();
}

std::optional<int> Entries::integer(const std::string& key) {
  const auto value = number(key);
  if (!value) return std::nullopt;
  if (*value != std::floor(*value) || std::abs(*value) > 1e9)
    refuse(at(key), fmt::format("{} = {}", entries_[key].name, entries_[key].value), "an integer");
  return static_cast<int>(*value);
}

void Entries::calculation(ForeignModel& model) {
  for (const std::string& name : calculation_names()) {
    if (const auto value = number(name)) model.value[name] = *value;
  }
  for (const std::string& name : calculation_words()) {
    if (!has(name) || entries_[name].used) continue;
    const auto value = word(name);
    model.notes.push_back(
        fmt::format("{}:{}: {} = {} has no counterpart", file_, entries_[name].line, entries_[name].name, *value));
  }
}

void Entries::refuse_unused(const std::vector<std::string>& known) const {
  const Entry* first = nullptr;
  for (const auto& [key, entry] : entries_) {
    if (!entry.used && (first == nullptr || entry.line < first->line)) first = &entry;
  }
  if (first == nullptr) return;
  refuse({file_, first->line}, fmt::format("\"{}\" has no meaning for this model and lattice", first->name),
         "a name that StdFace has for them" + hint(first->name, known));
}

void Entries::add(std::string line, int number) {
  const std::string shown = line;
  line.erase(std::remove_if(
                 line.begin(), line.end(),
                 [](unsigned char c) { return std::isspace(c) != 0 || c == ':' || c == ';' || c == '"' || c == '\\'; }),
             line.end());
  if (line.empty() || line.rfind("//", 0) == 0) return;
  const std::size_t equals = line.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == line.size())
    refuse({file_, number}, fmt::format("the line is: {}", shown), "name = value, or // and a comment");
  Entry entry{line.substr(0, equals), lower_case(line.substr(equals + 1)), number, false};
  const auto [place, is_new] = entries_.emplace(lower_case(entry.name), entry);
  if (!is_new)
    refuse({file_, number}, fmt::format("\"{}\" stands in line {} already", entry.name, place->second.line),
           "every name once");
}

}  // namespace koushi
