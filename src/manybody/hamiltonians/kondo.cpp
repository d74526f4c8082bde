#include "exchange.hpp"
#include "koushi/manybody/hamiltonian.hpp"

namespace koushi {

namespace {

struct KondoOptions {
  std::vector<double> t{1.0};
  double J = 1;
  double U = 0;
  double spin = 0.5;

  static const Keys<KondoOptions>& keys() {
    static const auto all =
        Keys<KondoOptions>()
            .reals("t", &KondoOptions::t, {}, "hopping amplitudes per distance shell, [t, t', t'']")
            .real("J", &KondoOptions::J, {}, "exchange of electrons with the spin of their site; > 0 antiferromagnetic")
            .real("U", &KondoOptions::U, {}, "repulsion of two electrons on one site")
            .real("spin", &KondoOptions::spin, {0.5, 4}, "S of the local spins, an integer or half of one");
    return all;
  }
};

/// H = - sum_b t_b (c^dagger_i c_j + adjoint) + J sum_i s_i.S_i + U sum n_up n_down, s = c^dagger sigma c / 2.
/// s^+ S^- = c^dagger_up c_down S^-: the electron hops from the mode down to the mode up, the spin goes down.
Operator make(const DeckSection& section, const Lattice& lattice) {
  const KondoOptions options = KondoOptions::keys().read(section);
  const int n = lattice.n_sites();
  const Space space = Space::electrons_and_spins(n, twice_spin(section, options.spin));
  Operator h(space);
  const ShellCouplings t = shell_couplings(section, "t", options.t, lattice);
  for (const int flavour : {0, 1}) add_hopping(h, t, flavour);
  for (int i = 0; i < n; ++i) {
    const int up = space.place(0, i);
    const int down = space.place(1, i);
    const int spin = space.place(2, i);
    if (options.U != 0) {
      h.begin_part("U");
      h.add_pair(up, down, options.U);
    }
    if (options.J == 0) continue;
    h.begin_part("J");
    h.add_pair(up, spin, 0.25 * options.J);
    h.add_pair(down, spin, -0.25 * options.J);
    h.add_move({3, 1, {down, up, spin}, {-1, 1, -2}}, 0.5 * options.J);
  }
  return h;
}

}  // namespace

HamiltonianKind kondo_kind() {
  return {"kondo",
          "- sum t (c^dagger c + h.c.) + J sum s_i.S_i + U sum n_up n_down",
          KondoOptions::keys().list(),
          make,
          {},
          {"fermions", "electrons"}};
}

}  // namespace koushi
