#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "koushi/study/catalogue.hpp"
#include "koushi/study/spin_model.hpp"

namespace koushi {

inline bool is_manybody(const Section& section) {
  return std::count(section.studies.begin(), section.studies.end(), "ground-state") > 0;
}

/// What the catalogue offers in a section: every kind with every combination of its choices and switches, as lines of
/// TOML. Keys of other types keep their defaults. So whatever is registered is tested, without a word here.
inline std::vector<std::string> offers(const std::string& section) {
  std::vector<std::string> all;
  for (const Section& s : catalogue()) {
    if (s.name != section || !is_manybody(s)) continue;
    for (const Section::Kind& kind : s.kinds) {
      std::vector<std::string> variants{fmt::format("kind = \"{}\"\n", kind.name)};
      for (const Key& key : kind.keys) {
        std::vector<std::string> values;
        if (key.type == KeyType::boolean) values = {"false", "true"};
        if (key.type == KeyType::choice) {
          for (const std::string& choice : key.choices) values.push_back('"' + choice + '"');
        }
        if (values.empty()) continue;
        std::vector<std::string> longer;
        for (const std::string& variant : variants) {
          for (const std::string& value : values) longer.push_back(variant + key.path + " = " + value + "\n");
        }
        variants = longer;
      }
      all.insert(all.end(), variants.begin(), variants.end());
    }
  }
  return all;
}

/// A small cluster of every lattice that the catalogue offers.
inline std::vector<std::string> small_lattices() {
  std::vector<std::string> all;
  for (const Section& section : catalogue()) {
    if (section.name != "lattice" || !is_manybody(section)) continue;
    for (const Section::Kind& kind : section.kinds) {
      if (kind.name == "custom") {  // a ladder of three rungs
        all.push_back(
            "kind = \"custom\"\nvectors = [[1.0, 0.0], [0.0, 2.0]]\noffsets = [[0.0, 0.0], [0.0, 1.0]]\n"
            "bonds = [[0, 0, 1, 0, 1], [1, 1, 1, 0, 1], [0, 1, 0, 0, 1], [0, 1, 1, 0, 2]]\nextents = [3, 1]\n");
        continue;
      }
      const UnitCell cell = unit_cell(kind.name);
      const std::string extents = cell.dimension() == 1      ? "[7]"
                                  : cell.dimension() == 3    ? "[2, 2, 2]"
                                  : cell.offsets.size() > 2  ? "[2, 1]"
                                  : cell.offsets.size() == 2 ? "[2, 2]"
                                                             : "[3, 3]";
      all.push_back(fmt::format("kind = \"{}\"\nextents = {}\n", kind.name, extents));
    }
  }
  return all;
}

/// Where `hamiltonian` has no couplings, those of the two shells that some of the lattices have.
inline Deck deck_of(const std::string& lattice, std::string hamiltonian, const std::string& factor) {
  if (lattice.find("custom") != std::string::npos && hamiltonian.find("J =") == std::string::npos)
    hamiltonian += "J = [1.0, 0.3]\n";
  const std::string text = fmt::format(
      "title = \"conformance\"\nseed = 5\n[study]\nkind = \"ground-state\"\nsteps = "
      "1\n[lattice]\n{}[hamiltonian]\n{}[[wavefunction.factor]]\n{}"
      "[sampler]\nkind = \"metropolis\"\nmoves = {{ exchange = 1.0, flip = 1.0 }}\n[solver]\nkind = "
      "\"stochastic-reconfiguration\"\n[output]\nfile = \"none.h5\"\n",
      lattice, hamiltonian, factor);
  return Deck::parse(text, "conformance.toml", {}, catalogue());
}

}  // namespace koushi
