#include <fmt/format.h>

#include "koushi/manybody/hamiltonian.hpp"

namespace koushi {

namespace {

struct HubbardOptions {
  std::vector<double> t{1.0};
  double U = 4;
  std::vector<double> V{0.0};
  std::optional<std::vector<double>> site_energies;

  static const Keys<HubbardOptions>& keys() {
    static const auto all =
        Keys<HubbardOptions>()
            .reals("t", &HubbardOptions::t, {}, "hopping amplitudes per distance shell, [t, t', t'']")
            .real("U", &HubbardOptions::U, {}, "repulsion of two electrons on one site; < 0: attraction")
            .reals("V", &HubbardOptions::V, {}, "repulsion of electrons on two sites, per distance shell")
            .reals("site_energies", &HubbardOptions::site_energies, {}, "epsilon_i of every site");
    return all;
  }
};

/// H = - sum_b t_b (c^dagger_i c_j + adjoint) + U sum n_up n_down + sum_b V_b n_i n_j + sum epsilon_i n_i.
Operator make(const DeckSection& section, const Lattice& lattice) {
  const HubbardOptions options = HubbardOptions::keys().read(section);
  const int n = lattice.n_sites();
  const Space space = Space::electrons(n);
  Operator h(space);
  const ShellCouplings t = shell_couplings(section, "t", options.t, lattice);
  for (const int flavour : {0, 1}) add_hopping(h, t, flavour);
  if (options.U != 0) h.begin_part("U");
  for (int i = 0; i < n && options.U != 0; ++i) h.add_pair(space.place(0, i), space.place(1, i), options.U);
  for (const auto& [coupling, bonds, name] : shell_couplings(section, "V", options.V, lattice).shells) {
    if (coupling == 0) continue;
    h.begin_part(name);
    for (const Bond& bond : bonds) {
      for (const int f : {0, 1}) {
        for (const int g : {0, 1}) h.add_pair(space.place(f, bond.i), space.place(g, bond.j), coupling);
      }
    }
  }
  if (options.site_energies) {
    if (static_cast<int>(options.site_energies->size()) != n) {
      section.refuse("site_energies", fmt::format("{} numbers were given", options.site_energies->size()),
                     fmt::format("{} numbers, one per site", n));
    }
    h.begin_part("site_energies");
    for (int i = 0; i < n; ++i) {
      for (const int f : {0, 1}) h.add_linear(space.place(f, i), (*options.site_energies)[static_cast<std::size_t>(i)]);
    }
  }
  return h;
}

}  // namespace

HamiltonianKind hubbard_kind() {
  return {"hubbard",
          "- sum t (c^dagger c + h.c.) + U sum n_up n_down + sum V n n + sum epsilon n",
          HubbardOptions::keys().list(),
          make,
          {},
          {"fermions", "electrons"}};
}

}  // namespace koushi
