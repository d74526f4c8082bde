#include "koushi/manybody/factor_kinds.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/manybody/product.hpp"
#include "koushi/manybody/wavefunction_symmetry.hpp"
#include "koushi/random/philox.hpp"

namespace koushi {

std::unique_ptr<Wavefunction> make_wavefunction(const DeckSection& wavefunction, const Lattice& lattice,
                                                const Operator& hamiltonian, std::uint64_t seed) {
  const std::vector<DeckSection> sections = wavefunction.sections("factor");
  std::vector<NamedFactor> made;
  for (const DeckSection& section : sections) {
    const FactorKind& kind = factors().of(section);
    const FactorContext context{lattice, hamiltonian, seed, static_cast<std::uint64_t>(made.size())};
    try {
      made.push_back({kind.name, kind.make(section, context)});
    } catch (const UsageError& error) {
      section.refuse("kind", error.what(), "a factor for this Hamiltonian");
    }
  }
  try {
    return make_product(hamiltonian.space(), std::move(made), images_of(wavefunction, lattice, hamiltonian));
  } catch (const UsageError& error) {
    sections.front().refuse("kind", error.what(), "another product of factors");
  }
}

std::vector<Permutation> symmetry_group(SiteSymmetry symmetry, const Lattice& lattice, const Operator& hamiltonian) {
  if (symmetry == SiteSymmetry::none) return {};
  const SymmetryTest is_symmetry(hamiltonian);
  return symmetry == SiteSymmetry::translations ? lattice.translations(is_symmetry) : lattice.space_group(is_symmetry);
}

std::vector<SpaceGroupElement> symmetry_elements(SiteSymmetry symmetry, const Lattice& lattice,
                                                 const Operator& hamiltonian) {
  std::vector<SpaceGroupElement> elements = lattice.space_group_elements(SymmetryTest(hamiltonian));
  if (symmetry == SiteSymmetry::space_group) return elements;
  const SpaceGroupElement identity = elements.front();
  elements.clear();
  for (Permutation& t : symmetry_group(symmetry, lattice, hamiltonian))
    elements.push_back({std::move(t), identity.rotation});
  if (elements.empty()) elements.push_back(identity);
  return elements;
}

std::vector<Permutation> sublattice_group(const DeckSection& section, SiteSymmetry symmetry,
                                          const std::optional<std::vector<int>>& sublattice, const Lattice& lattice,
                                          const Operator& hamiltonian) {
  const std::vector<Permutation> group = symmetry_group(symmetry, lattice, hamiltonian);
  if (!sublattice) return group;
  if (symmetry != SiteSymmetry::translations)
    section.refuse("sublattice", "it chooses among translations", "symmetry = \"translations\"");
  std::size_t index = 1;
  for (const int every : *sublattice) index *= static_cast<std::size_t>(every);
  const std::vector<Permutation> all = lattice.translations([](const Permutation&) { return true; });
  try {
    if (lattice.translations_by(*sublattice, all).size() * index == all.size())
      return lattice.translations_by(*sublattice, group);
  } catch (const UsageError& error) {
    section.refuse("sublattice", error.what(), "one number per direction");
  }
  section.refuse("sublattice", "the lattice is not made of such cells", "divisors of the extents");
}

std::vector<int> pair_classes(int n_sites, const std::vector<Permutation>& group,
                              const std::function<bool(int, int)>& joined, int& n_classes) {
  std::vector<int> number(static_cast<std::size_t>(n_sites) * static_cast<std::size_t>(n_sites), -1);
  const auto at = [&](int i, int j) -> int& {
    return number[static_cast<std::size_t>(i) * static_cast<std::size_t>(n_sites) + static_cast<std::size_t>(j)];
  };
  n_classes = 0;
  for (int i = 0; i < n_sites; ++i) {
    for (int j = i; j < n_sites; ++j) {
      if (at(i, j) >= 0 || !joined(i, j)) continue;
      at(i, j) = at(j, i) = n_classes;
      for (const Permutation& g : group) {
        const int a = g[static_cast<std::size_t>(i)];
        const int b = g[static_cast<std::size_t>(j)];
        at(a, b) = at(b, a) = n_classes;
      }
      ++n_classes;
    }
  }
  return number;
}

double initial_normal(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  const RandomBlock r = philox(seed, RandomPurpose::initial_parameters, index, stream, 0);
  const double u = 1.0 - uniform(r.word[0], r.word[1]);
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * uniform(r.word[2], r.word[3]));
}

}  // namespace koushi
