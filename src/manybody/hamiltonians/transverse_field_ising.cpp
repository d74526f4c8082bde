#include "koushi/manybody/hamiltonian.hpp"

namespace koushi {

namespace {

struct IsingOptions {
  std::vector<double> J{1.0};
  double field = 0;

  static const Keys<IsingOptions>& keys() {
    static const auto all =
        Keys<IsingOptions>()
            .reals("J", &IsingOptions::J, {}, "couplings per distance shell, [J1, J2, ...]; > 0 antiferromagnetic")
            .real("field", &IsingOptions::field, {}, "Gamma; negative makes the ground state positive")
            .required();
    return all;
  }
};

/// H = sum_b J_b sigma^z sigma^z + field sum_i sigma^x, both signs allowed; sigma^z across antiperiodic ends changes its
/// sign.
Operator make(const DeckSection& section, const Lattice& lattice) {
  const IsingOptions options = IsingOptions::keys().read(section);
  Operator h(Space::spins(lattice.n_sites()));
  for (const auto& [coupling, bonds, name] : shell_couplings(section, "J", options.J, lattice).shells) {
    if (coupling == 0) continue;
    h.begin_part(name);
    for (const Bond& bond : bonds) h.add_pair(bond.i, bond.j, coupling * bond.sign);
  }
  h.begin_part("field");
  for (int i = 0; i < lattice.n_sites(); ++i) h.add_move(Move::step(i, -2), options.field);
  return h;
}

}  // namespace

HamiltonianKind transverse_field_ising_kind() {
  return {"transverse-field-ising", "sum_b J_b sigma^z sigma^z + field sum_i sigma^x", IsingOptions::keys().list(),
          make};
}

}  // namespace koushi
