#include "koushi/manybody/hamiltonian.hpp"

namespace koushi {

namespace {

struct SpinlessOptions {
  std::vector<double> t{1.0};
  std::vector<double> V{1.0};

  static const Keys<SpinlessOptions>& keys() {
    static const auto all =
        Keys<SpinlessOptions>()
            .reals("t", &SpinlessOptions::t, {}, "hopping amplitudes per distance shell, [t, t', t'']")
            .reals("V", &SpinlessOptions::V, {}, "repulsion of fermions on two sites, per distance shell");
    return all;
  }
};

/// H = - sum_b t_b (c^dagger_i c_j + adjoint) + sum_b V_b n_i n_j of fermions without spin.
Operator make(const DeckSection& section, const Lattice& lattice) {
  const SpinlessOptions options = SpinlessOptions::keys().read(section);
  Operator h(Space::spinless_fermions(lattice.n_sites()));
  add_hopping(h, shell_couplings(section, "t", options.t, lattice), 0);
  for (const auto& [coupling, bonds, name] : shell_couplings(section, "V", options.V, lattice).shells) {
    if (coupling == 0) continue;
    h.begin_part(name);
    for (const Bond& bond : bonds) h.add_pair(bond.i, bond.j, coupling);
  }
  return h;
}

}  // namespace

HamiltonianKind t_v_kind() {
  return {"t-v",
          "- sum t (c^dagger c + h.c.) + sum V n n of spinless fermions",
          SpinlessOptions::keys().list(),
          make,
          {},
          {"fermions"}};
}

}  // namespace koushi
