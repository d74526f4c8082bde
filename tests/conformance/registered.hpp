#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cells.hpp"
#include "koushi/study/catalogue.hpp"
#include "koushi/study/model.hpp"

namespace koushi {

inline bool is_manybody(const Section& section) {
  return std::count(section.studies.begin(), section.studies.end(), "ground-state") > 0;
}

/// What the catalogue offers in a section: every kind with every combination of its choices and switches (of those that
/// only say where parameters begin, each value once), as lines of TOML. Keys of other types keep their defaults. So whatever is registered is tested, without a word here.
inline std::vector<std::string> offers(const std::string& section) {
  std::vector<std::string> all;
  for (const Section& s : catalogue()) {
    if (s.name != section || !is_manybody(s)) continue;
    for (const Section::Kind& kind : s.kinds) {
      // What is written out term by term has no kind of its own: it has a test of its own.
      if (std::any_of(kind.keys.begin(), kind.keys.end(),
                      [](const Key& k) { return k.type == KeyType::mixed_rows && !k.optional; }))
        continue;
      if (!kind.sections.empty()) continue;  // nor have lists of layers
      std::vector<std::string> variants{fmt::format("kind = \"{}\"\n", kind.name)};
      for (const Key& key : kind.keys) {
        std::vector<std::string> values;
        if (key.type == KeyType::boolean) values = {"false", "true"};
        if (key.type == KeyType::choice) {
          for (const std::string& choice : key.choices) values.push_back('"' + choice + '"');
        }
        if (values.empty()) continue;
        std::vector<std::string> longer;
        // What only says where parameters begin needs no combinations: another of its values with the first variant.
        // Nor do long lists of words, as those of functions, or words where there are very many combinations already.
        const bool is_initial =
            key.transfer == Key::Transfer::initial || key.choices.size() > 4 || variants.size() >= 36;
        for (const std::string& variant : variants) {
          for (const std::string& value : values) {
            if (!is_initial || value == values.front() || &variant == &variants.front())
              longer.push_back(variant + key.path + " = " + value + "\n");
          }
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
      if (kind.name == "sites") continue;  // without bonds
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

/// The hoppings and exchanges of the kind of these lines that have a value for every shell of bonds.
inline std::vector<std::string> couplings_per_shell(const std::string& hamiltonian) {
  std::vector<std::string> all;
  for (const Section& section : catalogue()) {
    if (section.name != "hamiltonian") continue;
    for (const Section::Kind& kind : section.kinds) {
      if (hamiltonian.find(fmt::format("kind = \"{}\"", kind.name)) == std::string::npos) continue;
      for (const Key& key : kind.keys) {
        if (key.type == KeyType::reals && (key.path == "t" || key.path == "J")) all.push_back(key.path);
      }
    }
  }
  return all;
}

/// A deck of these sections; `factors` may hold several [[wavefunction.factor]], the first without its heading.
/// Where `hamiltonian` has no couplings, those of the two shells that custom lattices here have. Spins are flipped and
/// exchanged, so that their magnetisation is free; other states move as H moves them.
/// wavefunction: lines of the section [wavefunction].
inline Deck deck_of(const std::string& lattice, std::string hamiltonian, const std::string& factors,
                    const std::string& wavefunction = "") {
  const bool spins = hamiltonian.find("heisenberg") != std::string::npos ||
                     hamiltonian.find("xxz") != std::string::npos || hamiltonian.find("ising") != std::string::npos ||
                     hamiltonian.find("haldane") != std::string::npos ||
                     hamiltonian.find("exchange-matrix") != std::string::npos;
  if (lattice.find("custom") != std::string::npos) {
    for (const std::string& key : couplings_per_shell(hamiltonian)) {
      if (hamiltonian.find(key + " =") == std::string::npos) hamiltonian += key + " = [1.0, 0.3]\n";
    }
  }
  const std::string text = fmt::format(
      "title = \"conformance\"\nseed = 5\n[study]\nkind = \"ground-state\"\nsteps = "
      "1\n[lattice]\n{}[hamiltonian]\n{}[wavefunction]\n{}[[wavefunction.factor]]\n{}"
      "[sampler]\nkind = \"metropolis\"\n{}[solver]\nkind = "
      "\"stochastic-reconfiguration\"\n[output]\nfile = \"none.h5\"\n",
      lattice, hamiltonian, wavefunction, factors,
      spins                                               ? "moves = { exchange = 1.0, flip = 1.0 }\n"
      : factors.find("pair-product") != std::string::npos ? "electrons = [2, 2]\n"
      : hamiltonian.find("t-j") != std::string::npos      ? "electrons = [1, 2]\n"  // with holes
                                                          : "");
  return Deck::parse(text, "conformance.toml", {}, catalogue());
}

/// A Hamiltonian with a product of factors that it takes.
struct Product {
  std::string hamiltonian;
  std::string factors;
  std::string wavefunction{};
  std::string text() const { return hamiltonian + wavefunction + factors; }
};

/// The Hamiltonian whose states a factor of these lines is made for.
inline std::string hamiltonian_of(const std::string& factor) {
  const auto is = [&](const std::string& words) { return factor.find(words) != std::string::npos; };
  const bool electrons = is("\"slater\"") || is("\"pair-product\"") || is("\"gutzwiller\"") ||
                         is("\"doublon-holon\"") || is("\"density\"") || is("inputs = \"charges\"") ||
                         is("inputs = \"spins\"");
  return electrons ? "kind = \"hubbard\"\n" : "kind = \"heisenberg\"\n";
}

/// Every registered factor with a Hamiltonian whose states it is made for, and products of several.
inline std::vector<Product> products() {
  const std::string heisenberg = "kind = \"heisenberg\"\n";
  const std::string hubbard = "kind = \"hubbard\"\n";
  std::vector<Product> all;
  for (const std::string& variant : offers("wavefunction.factor")) {
    all.push_back({hamiltonian_of(variant), variant});
  }
  const std::string another = "[[wavefunction.factor]]\n";
  const std::string layer = "[[wavefunction.factor.layer]]\nkind = ";
  // Networks of layers that named ones do not put together like this, and networks in products and sums over images.
  for (const std::string output : {"positive", "complex", "modulus-and-phase"}) {
    const std::string network = "kind = \"network\"\noutput = \"" + output + "\"\n";
    all.push_back({heisenberg, network + layer + "\"convolution\"\nchannels = 3\n" + layer +
                                   "\"norm\"\nsubtract_mean = false\n" + layer + "\"activation\"\n" + layer +
                                   "\"linear\"\nchannels = 3\nbias = false\n" + layer + "\"residual\"\nover = 2\n" +
                                   layer + "\"dense\"\nchannels = 6\n" + layer +
                                   "\"activation\"\nfunction = \"silu\"\n"});
    const std::string cnn = "kind = \"cnn\"\nchannels = [2]\noutput = \"" + output + "\"\n";
    const std::string deep = "kind = \"feed-forward\"\nchannels = [4]\noutput = \"" + output + "\"\n";
    const std::string translations = "symmetry = { group = \"translations\" }\n";
    all.push_back({"kind = \"bose-hubbard\"\nn_max = 3\n", cnn + another + "kind = \"jastrow\"\n"});
    all.push_back({"kind = \"kondo\"\n", cnn});
    all.push_back({heisenberg + "spin = 1.5\n", deep, translations});
    all.push_back({heisenberg, cnn, "symmetry = { group = \"space-group\" }\n"});
    all.push_back({hubbard, "kind = \"slater\"\nwidth = 0.1\n" + another + cnn});
    all.push_back({hubbard, "kind = \"slater\"\nwidth = 0.1\n" + another + deep, translations});
    all.push_back({"kind = \"t-v\"\n", deep});
  }
  for (const std::string output : {"positive", "modulus-and-phase"}) {
    const std::string dense = "kind = \"autoregressive-dense\"\nchannels = [2]\noutput = \"" + output + "\"\n";
    all.push_back({"kind = \"bose-hubbard\"\nn_max = 3\n", dense});
    all.push_back({"kind = \"kondo\"\n", dense});
    all.push_back({"kind = \"t-j\"\n", dense + another + "kind = \"jastrow\"\n"});
    all.push_back({hubbard, dense, "symmetry = { group = \"translations\" }\n"});
  }
  const std::string gutzwiller = another + "kind = \"gutzwiller\"\n";
  // Networks that change orbitals: of all sites, of cells, of patches of one cell, of sites.
  const std::string convolution = layer + "\"convolution\"\nchannels = 2\n" + layer + "\"activation\"\n";
  const std::string patches = layer + "\"patches\"\nchannels = 3\n" + layer + "\"activation\"\n";
  const std::string local = layer + "\"linear\"\nchannels = 3\n" + layer + "\"activation\"\n";
  for (const std::string weights : {"real", "complex"}) {
    const std::string backflow = "kind = \"backflow\"\nweights = \"" + weights + "\"\n";
    const std::string joined = backflow + "joined = true\n";
    const std::string hidden = "kind = \"hidden-fermions\"\nhidden = 2\nwidth = 0.5\nweights = \"" + weights + "\"\n";
    const std::string translations = "symmetry = { group = \"translations\" }\n";
    all.push_back({hubbard, backflow + "joined = false\nchannels = [5]\n"});
    all.push_back({hubbard, hidden + "joined = false\nchannels = [4]\n"});
    all.push_back({"kind = \"t-v\"\n", hidden + "channels = [3]\n"});
    all.push_back({hubbard, joined + "channels = [4, 3]\n" + gutzwiller});
    all.push_back({hubbard, joined + convolution});
    all.push_back({hubbard, backflow + "joined = false\n" + patches});
    all.push_back({hubbard, backflow + "orbitals = \"random\"\nchannels = [3]\n", translations});
    all.push_back({"kind = \"t-v\"\n", backflow + local});
    all.push_back({"kind = \"t-j\"\n", backflow + "channels = [3]\n" + another + "kind = \"jastrow\"\n"});
    all.push_back({"kind = \"kondo\"\n", joined + "channels = [3]\n"});
  }
  const std::string jastrow = another + "kind = \"jastrow\"\n";
  const std::string doublons = another + "kind = \"doublon-holon\"\n";
  for (const std::string weights : {"real", "complex"}) {
    const std::string slater = "kind = \"slater\"\nwidth = 0.1\nweights = \"" + weights + "\"\n";
    for (const std::string network : {"real", "complex"}) {
      const std::string rbm = another + "kind = \"rbm\"\nweights = \"" + network + "\"\n";
      all.push_back({hubbard, slater + gutzwiller + jastrow + rbm});
      all.push_back({hubbard, slater + doublons + rbm});
      all.push_back({hubbard, "kind = \"gutzwiller\"\n" + rbm});
      all.push_back({heisenberg, "kind = \"jastrow\"\n" + rbm});
      all.push_back({heisenberg + "spin = 1.5\n", "kind = \"jastrow\"\n" + gutzwiller + rbm});
      all.push_back({"kind = \"bose-hubbard\"\nn_max = 3\n", "kind = \"jastrow\"\n" + gutzwiller + rbm});
      all.push_back({"kind = \"kondo\"\n", "kind = \"jastrow\"\n" + rbm});
    }
    all.push_back({"kind = \"t-v\"\n", slater + jastrow});
    all.push_back({"kind = \"t-j\"\n", slater + jastrow + another + "kind = \"jastrow\"\nof = \"spin\"\n"});
    all.push_back({"kind = \"kondo\"\n", slater + jastrow});
    // Sums over images, with factors inside and outside of them.
    const std::string translations = "symmetry = { group = \"translations\" }\n";
    const std::string space_group = "symmetry = { group = \"space-group\" }\n";
    const std::string untied = jastrow + "symmetry = \"none\"\nwidth = 0.1\n";
    for (const std::string network : {"real", "complex"}) {
      const std::string rbm = "kind = \"rbm\"\nweights = \"" + network + "\"\n";
      const std::string tied = rbm + "symmetry = \"translations\"\n";
      all.push_back({hubbard, slater + gutzwiller + another + rbm, translations});
      all.push_back({hubbard, slater + jastrow + another + tied, translations});
      all.push_back({hubbard, slater + untied + another + tied, space_group});
      if (weights == "complex") continue;
      all.push_back({heisenberg, rbm, space_group});
      all.push_back({heisenberg, tied + jastrow, space_group});
      all.push_back({heisenberg + "spin = 1.5\n", rbm + untied, translations});
    }
    all.push_back({hubbard, slater + gutzwiller, space_group});
    all.push_back({"kind = \"t-v\"\n", slater + untied, translations});
    all.push_back({"kind = \"t-j\"\n", slater + jastrow, translations});
    all.push_back({"kind = \"kondo\"\n", slater + untied, translations});
    all.push_back({"kind = \"bose-hubbard\"\nn_max = 3\n", "kind = \"jastrow\"\nsymmetry = \"none\"\n", translations});
    const std::string pairs = "kind = \"pair-product\"\nwidth = 0.3\nweights = \"" + weights + "\"\n";
    all.push_back({hubbard, pairs + gutzwiller + jastrow + another + "kind = \"rbm\"\n"});
    all.push_back({hubbard, pairs + gutzwiller, space_group});
    all.push_back({hubbard, pairs + "symmetry = \"translations\"\n" + jastrow, space_group});
    all.push_back({"kind = \"t-j\"\n", pairs + jastrow, translations});
    const std::string projected = pairs + "spin = 0\npoints = 2\n";
    const std::string triplets = pairs + "pairs = \"all\"\n";
    all.push_back({hubbard, projected + gutzwiller + jastrow + another + "kind = \"rbm\"\n"});
    all.push_back({hubbard, projected + "symmetry = \"translations\"\n" + gutzwiller, space_group});
    all.push_back({"kind = \"t-j\"\n", pairs + "pairing = \"random\"\nspin = 1\npoints = 2\n" + jastrow, translations});
    all.push_back({hubbard, triplets + doublons});
    all.push_back({"kind = \"t-j\"\n", triplets + "symmetry = \"translations\"\n" + jastrow, translations});
    // Characters, and spins turned.
    const std::string odd = "symmetry = { spin_inversion = \"odd\" }\n";
    const std::string charges =
        another + "kind = \"rbm\"\ninputs = \"charges\"\nsymmetry = \"translations\"\nweights = \"" + weights + "\"\n";
    all.push_back({heisenberg, "kind = \"rbm\"\nwidth = 0.3\n" + untied, odd});
    all.push_back({hubbard, pairs + gutzwiller + charges,
                   "symmetry = { group = \"translations\", spin_inversion = \"even\" }\n"});
    all.push_back({hubbard, pairs + another + "kind = \"rbm\"\ninputs = \"spins\"\nprojection = \"translations\"\n"});
    // Products that are not built as one kernel.
    all.push_back({hubbard, slater + another + "kind = \"rbm\"\nprojection = \"translations\"\n", space_group});
    all.push_back({hubbard, slater + another + "kind = \"rbm\"\nweights = \"real\"\nprojection = \"translations\"\n"});
  }
  return all;
}

}  // namespace koushi
