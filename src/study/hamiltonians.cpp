#include "koushi/study/hamiltonians.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

using namespace declare;

std::vector<LabelledBond> labelled_bonds(const Lattice& lattice) {
  std::vector<LabelledBond> bonds;
  for (const Bond& b : lattice.bonds()) bonds.push_back({b.i, b.j, b.shell, b.sign});
  return bonds;
}

std::vector<double> couplings(const Deck& deck) {
  const std::vector<double> J = deck.reals("hamiltonian.J");
  if (J.size() > 3)
    deck.refuse("hamiltonian.J", fmt::format("{} couplings were given", J.size()), "one per distance shell, at most 3");
  if (deck.text("lattice.kind") != "custom") return J;
  std::set<int> shells;
  for (const std::vector<double>& bond : deck.rows("lattice.bonds")) shells.insert(static_cast<int>(bond.back()));
  for (std::size_t k = 0; k < J.size(); ++k) {
    if (J[k] != 0 && shells.count(static_cast<int>(k) + 1) == 0)
      deck.refuse("hamiltonian.J", fmt::format("lattice.bonds has none of shell {} for J = {}", k + 1, J[k]),
                  "couplings of shells that have bonds");
  }
  const auto reached =
      std::max<std::int64_t>(static_cast<std::int64_t>(J.size()),
                             deck.text("sampler.kind") == "metropolis" ? deck.integer("sampler.range") : 1);
  if (*shells.rbegin() > reached)
    deck.refuse("hamiltonian.J", fmt::format("bonds of shell {} have no coupling", *shells.rbegin()),
                "one coupling per shell of lattice.bonds, which may be 0");
  return J;
}

SpinHamiltonian xxz(const Deck& deck, const Lattice& lattice) {
  const XxzCouplings c{.J = couplings(deck),
                       .anisotropy = deck.has("hamiltonian.anisotropy") ? deck.real("hamiltonian.anisotropy") : 1.0,
                       .field = deck.real("hamiltonian.field"),
                       .staggered_field = deck.real("hamiltonian.staggered_field"),
                       .sublattice_sign = lattice.sublattice_sign(),
                       .marshall = deck.boolean("hamiltonian.marshall")};
  try {
    return make_xxz(lattice.n_sites(), labelled_bonds(lattice), c);
  } catch (const UsageError& error) {
    deck.refuse(c.marshall ? "hamiltonian.marshall" : "hamiltonian.staggered_field", error.what(),
                c.marshall ? "false on this lattice" : "0 on this lattice");
  }
}

SpinHamiltonian transverse_field_ising(const Deck& deck, const Lattice& lattice) {
  return make_transverse_field_ising(lattice.n_sites(), labelled_bonds(lattice), couplings(deck),
                                     deck.real("hamiltonian.field"));
}

std::vector<HamiltonianKind> own_kinds() {
  const Key J = key("J", KeyType::reals, "[1.0]",
                    "couplings per distance shell: [J1], [J1, J2] or [J1, J2, J3]; > 0 antiferromagnetic");
  const Key marshall = key("marshall", KeyType::boolean, "false",
                           "rotate one sublattice by pi about z, so that the ground state is positive");
  const Key field = key("field", KeyType::real, "0.0", "h of - h sum S^z");
  const Key staggered = key("staggered_field", KeyType::real, "0.0", "h_s of - h_s sum (sublattice sign) S^z");
  const auto shells = [](const Deck& deck) { return static_cast<int>(deck.reals("hamiltonian.J").size()); };
  return {{"heisenberg", "sum_b J_b S_i.S_j", {J, field, staggered, marshall}, xxz, shells},
          {"xxz",
           "sum_b J_b (S^x S^x + S^y S^y + Delta S^z S^z)",
           {J, key("anisotropy", KeyType::real, "", "Delta"), field, staggered, marshall},
           xxz,
           shells},
          {"transverse-field-ising",
           "sum_b J_b sigma^z sigma^z + field sum_i sigma^x",
           {J, key("field", KeyType::real, "", "Gamma; negative makes the ground state positive")},
           transverse_field_ising,
           shells}};
}

struct Registry {
  std::vector<HamiltonianKind> kinds = own_kinds();
  bool read = false;
};

Registry& registry() {
  static Registry all;
  return all;
}

}  // namespace

const std::vector<HamiltonianKind>& hamiltonians() {
  registry().read = true;
  return registry().kinds;
}

void add_hamiltonian(HamiltonianKind kind) {
  Registry& all = registry();
  if (all.read)
    throw InternalError(fmt::format("the Hamiltonian \"{}\" comes too late: the catalogue has been read", kind.name));
  if (std::any_of(all.kinds.begin(), all.kinds.end(),
                  [&](const HamiltonianKind& other) { return other.name == kind.name; })) {
    throw InternalError(fmt::format("there is a Hamiltonian \"{}\" already", kind.name));
  }
  if (kind.name.empty() || !kind.make || !kind.shells)
    throw InternalError(fmt::format("the Hamiltonian \"{}\" wants a name, make and shells", kind.name));
  all.kinds.push_back(std::move(kind));
}

const HamiltonianKind& hamiltonian_kind(const Deck& deck) {
  const std::string name = deck.text("hamiltonian.kind");
  const std::vector<HamiltonianKind>& all = hamiltonians();
  return *std::find_if(all.begin(), all.end(), [&](const HamiltonianKind& kind) { return kind.name == name; });
}

}  // namespace koushi
