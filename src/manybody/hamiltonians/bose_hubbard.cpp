#include "koushi/manybody/hamiltonian.hpp"

namespace koushi {

namespace {

struct BoseHubbardOptions {
  std::vector<double> t{1.0};
  double U = 4;
  std::vector<double> V{0.0};
  int n_max = 4;

  static const Keys<BoseHubbardOptions>& keys() {
    static const auto all =
        Keys<BoseHubbardOptions>()
            .reals("t", &BoseHubbardOptions::t, {}, "hopping amplitudes per distance shell, [t, t', t'']")
            .real("U", &BoseHubbardOptions::U, {}, "repulsion of two bosons on one site; < 0: attraction")
            .reals("V", &BoseHubbardOptions::V, {}, "repulsion of bosons on two sites, per distance shell")
            .integer("n_max", &BoseHubbardOptions::n_max, {1, 60},
                     "bosons that a site can hold: a cut-off of the model");
    return all;
  }
};

/// H = - sum_b t_b (b^dagger_i b_j + adjoint) + U/2 sum n (n - 1) + sum_b V_b n_i n_j, n <= n_max.
Operator make(const DeckSection& section, const Lattice& lattice) {
  const BoseHubbardOptions options = BoseHubbardOptions::keys().read(section);
  Operator h(Space::bosons(lattice.n_sites(), options.n_max));
  add_hopping(h, shell_couplings(section, "t", options.t, lattice), 0);
  if (options.U != 0) h.begin_part("U");
  for (int i = 0; i < lattice.n_sites() && options.U != 0; ++i) {
    h.add_pair(i, i, 0.5 * options.U);
    h.add_linear(i, -0.5 * options.U);
  }
  for (const auto& [coupling, bonds, name] : shell_couplings(section, "V", options.V, lattice).shells) {
    if (coupling == 0) continue;
    h.begin_part(name);
    for (const Bond& bond : bonds) h.add_pair(bond.i, bond.j, coupling);
  }
  return h;
}

}  // namespace

HamiltonianKind bose_hubbard_kind() {
  return {"bose-hubbard",
          "- sum t (b^dagger b + h.c.) + U/2 sum n (n - 1) + sum V n n, n <= n_max",
          BoseHubbardOptions::keys().list(),
          make,
          {},
          {"bosons"}};
}

}  // namespace koushi
