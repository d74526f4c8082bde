#include <fmt/format.h>

#include <cmath>

#include "hamiltonians/exchange.hpp"

namespace koushi {

int twice_spin(const DeckSection& section, double spin) {
  const double twice = 2 * spin;
  if (twice != std::round(twice)) section.refuse("spin", fmt::format("{} is no spin", spin), "0.5, 1, 1.5, ..., 4");
  return static_cast<int>(twice);
}

Keys<ExchangeOptions> exchange_keys() {
  return Keys<ExchangeOptions>()
      .reals("J", &ExchangeOptions::J, {}, "couplings per distance shell, [J1, J2, ...]; > 0 antiferromagnetic")
      .real("field", &ExchangeOptions::field, {}, "h of - h sum S^z")
      .real("staggered_field", &ExchangeOptions::staggered_field, {}, "h_s of - h_s sum (sublattice sign) S^z")
      .boolean("marshall", &ExchangeOptions::marshall,
               "rotate one sublattice by pi about z, so that the ground state is positive")
      .real("spin", &ExchangeOptions::spin, {0.5, 4}, "S of every site, an integer or half of one");
}

Operator make_exchange(const DeckSection& section, const Lattice& lattice, const ExchangeOptions& options) {
  const ShellCouplings J = shell_couplings(section, "J", options.J, lattice);
  std::vector<std::int8_t> sign;
  if (options.marshall) {
    sign = sublattices(section, "marshall", "false", J, lattice);
  } else if (options.staggered_field != 0) {
    sign = sublattices(section, "staggered_field", "0", J, lattice);
  }
  Operator h(Space::spins(lattice.n_sites(), twice_spin(section, options.spin)));
  if (options.field != 0) h.begin_part("field");
  for (int i = 0; i < lattice.n_sites() && options.field != 0; ++i) h.add_linear(i, -0.5 * options.field);
  if (options.staggered_field != 0) h.begin_part("staggered_field");
  for (int i = 0; i < lattice.n_sites() && options.staggered_field != 0; ++i)
    h.add_linear(i, -0.5 * options.staggered_field * sign[static_cast<std::size_t>(i)]);
  for (const auto& [coupling, bonds, name] : J.shells) {
    if (coupling == 0) continue;
    h.begin_part(name);
    for (const Bond& bond : bonds) {
      const bool rotated =
          options.marshall && sign[static_cast<std::size_t>(bond.i)] != sign[static_cast<std::size_t>(bond.j)];
      h.add_pair(bond.i, bond.j, 0.25 * coupling * options.anisotropy);
      h.add_move(Move::transfer(bond.i, bond.j, 2), 0.5 * coupling * bond_phase(bond) * (rotated ? -1.0 : 1.0));
    }
  }
  return h;
}

}  // namespace koushi
