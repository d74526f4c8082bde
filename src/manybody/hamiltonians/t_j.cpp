#include "koushi/manybody/hamiltonian.hpp"

namespace koushi {

namespace {

struct TjOptions {
  std::vector<double> t{1.0};
  std::vector<double> J{0.4};
  double density_term = -0.25;

  static const Keys<TjOptions>& keys() {
    static const auto all =
        Keys<TjOptions>()
            .reals("t", &TjOptions::t, {}, "hopping amplitudes per distance shell, [t, t', t'']")
            .reals("J", &TjOptions::J, {}, "exchange per distance shell; > 0 antiferromagnetic")
            .real("density_term", &TjOptions::density_term, {},
                  "w of J (S_i.S_j + w n_i n_j): -0.25 is the limit of the Hubbard model, 0 leaves it out");
    return all;
  }
};

/// H = - P sum_b t_b (c^dagger_i c_j + adjoint) P + sum_b J_b (S_i.S_j + w n_i n_j), P: no site holds two electrons.
///
/// S^+_j S^-_i = c^dagger_j,up c_j,down c^dagger_i,down c_i,up = - (c^dagger_j,up c_i,up) (c^dagger_i,down c_j,down): two
/// hops that keep the spin, times -1.
Operator make(const DeckSection& section, const Lattice& lattice) {
  const TjOptions options = TjOptions::keys().read(section);
  const Space space = Space::electrons(lattice.n_sites(), true);
  Operator h(space);
  const ShellCouplings t = shell_couplings(section, "t", options.t, lattice);
  for (const int flavour : {0, 1}) add_hopping(h, t, flavour);
  for (const auto& [coupling, bonds, name] : shell_couplings(section, "J", options.J, lattice).shells) {
    if (coupling == 0) continue;
    h.begin_part(name);
    for (const Bond& bond : bonds) {
      for (const int f : {0, 1}) {
        for (const int g : {0, 1}) {
          h.add_pair(space.place(f, bond.i), space.place(g, bond.j),
                     coupling * ((f == g ? 0.25 : -0.25) + options.density_term));
        }
      }
      h.add_move(Move::two_hops(space.place(0, bond.i), space.place(0, bond.j), space.place(1, bond.j),
                                space.place(1, bond.i)),
                 -0.5 * coupling);
    }
  }
  return h;
}

}  // namespace

HamiltonianKind t_j_kind() {
  return {"t-j",
          "- sum t P (c^dagger c + h.c.) P + sum J (S_i.S_j + w n n), no double occupancy",
          TjOptions::keys().list(),
          make,
          {},
          {"fermions"}};
}

}  // namespace koushi
