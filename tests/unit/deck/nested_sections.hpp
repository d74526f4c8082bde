#pragma once

#include <map>
#include <string>
#include <vector>

#include "koushi/deck/declare.hpp"
#include "koushi/deck/scan.hpp"

namespace koushi::testing {

/// A catalogue with a list of factors, one kind of which is a list of layers.
inline std::vector<Section> nested_sections() {
  using namespace declare;
  Section layer{"layer",
                "Of a network, from the input on.",
                true,
                {{"dense",
                  "matrix and bias",
                  {between(1, 64, key("size", KeyType::integer, "8", "units")),
                   choice("activation", {"tanh", "relu"}, "\"tanh\"", "of the units")}},
                 {"conv", "", {key("kernel", KeyType::integers, "", "extents")}}}};
  layer.max_count = 4;
  Section factor{"wavefunction.factor",
                 "Factors.",
                 true,
                 {{"rbm", "", {between(1, 64, key("density", KeyType::integer, "1", "units per site"))}},
                  {"network", "layers", {key("width", KeyType::real, "0.1", "")}, {layer}}}};
  factor.max_count = 3;
  Key terms = key("terms", KeyType::mixed_rows, "[[\"a\", 1]]", "rows");
  Key couplings = key("couplings", KeyType::reals, "[1.0]", "one per bond");
  Key phases = optional(key("phases", KeyType::complexes, "", "one per direction"));
  Key bonds = optional(key("bonds", KeyType::rows, "", "site and site"));
  Key words = optional(key("words", KeyType::texts, "", "some"));
  words.choices = {"left", "right"};
  Key sites = optional(between(0, 9, key("sites", KeyType::integers, "", "numbers")));
  for (Key* list : {&terms, &couplings, &phases, &bonds, &words, &sites}) list->from_file = true;
  Key file = key("file", KeyType::text, "", "result");
  file.deck_suffix = ".h5";
  return {
      {"", "", false, {{"", "", {between(0, 4294967295.0, key("seed", KeyType::integer, "7", ""))}}}},
      {"study", "", false, {{"ground-state", "", {key("steps", KeyType::integer, "5", "")}}, {"field", "", {}}}},
      factor,
      {"hamiltonian",
       "",
       false,
       {{"terms", "", {terms, couplings, phases, bonds, words, sites, key("t", KeyType::complex, "1.0", "hopping")}}},
       {"ground-state"}},
      {"scan",
       "",
       false,
       {{"",
         "",
         {key("zip", KeyType::boolean, "false", ""), choice("seeds", {"different", "same"}, "\"different\"", "")}}}},
      {"output", "", false, {{"", "", {file}}}}};
}

inline const std::string nested_deck =
    "[study]\nkind = \"ground-state\"\n"
    "[[wavefunction.factor]]\nkind = \"network\"\n"
    "[[wavefunction.factor.layer]]\nkind = \"dense\"\nsize = 16\n"
    "[[wavefunction.factor.layer]]\nkind = \"conv\"\nkernel = [3, 3]\n"
    "[[wavefunction.factor]]\nkind = \"rbm\"\n"
    "[hamiltonian]\nkind = \"terms\"\n";

/// Reads from these instead of a folder.
using Files = std::map<std::string, std::string>;

inline Deck parse_nested(const std::string& text, const std::vector<std::string>& sets = {}, const Files& files = {}) {
  return Deck::parse(text, "folder/a.toml", sets, nested_sections(),
                     [&files](const std::string& file) -> std::optional<std::string> {
                       const auto found = files.find(file);
                       if (found == files.end()) return std::nullopt;
                       return found->second;
                     });
}

/// The message with which a deck is refused; empty if it is not.
inline std::string nested_message(const std::string& text, const std::vector<std::string>& sets = {},
                                  const Files& files = {}) {
  try {
    parse_nested(text, sets, files);
  } catch (const Error& error) {
    return error.exit_code() == 2 ? error.what() : std::string("exit code ") + error.what();
  }
  return "";
}

}  // namespace koushi::testing
