#include "koushi/foreign/import_deck.hpp"

#include <fmt/format.h>

#include "expert_files.hpp"
#include "foreign_model.hpp"
#include "koushi/base/text.hpp"

namespace koushi {

namespace {

/// Lists of expert files name no value: "ModPara modpara.def". Standard inputs are made of "name = value".
bool is_list_of_files(const std::string& text) {
  for (const std::string& line : split_lines(text)) {
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#' || line.compare(first, 2, "//") == 0) continue;
    return line.find('=') == std::string::npos;
  }
  return false;
}

}  // namespace

std::string import_deck(const std::string& file, const TextOf& text_of, bool as_terms) {
  const auto text = text_of(file);
  if (!text) refuse({file, 0}, "the file cannot be opened", "stan.in or namelist.def of mVMC or HPhi");
  return deck_of(is_list_of_files(*text) ? read_expert_files(file, *text, text_of)
                                         : read_standard_input(file, *text, as_terms));
}

}  // namespace koushi
