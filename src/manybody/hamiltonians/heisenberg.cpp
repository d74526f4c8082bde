#include "exchange.hpp"

namespace koushi {

namespace {

const Keys<ExchangeOptions>& keys() {
  static const auto all =
      Keys<ExchangeOptions>()
          .reals("J", &ExchangeOptions::J, {},
                 "couplings per distance shell: [J1], [J1, J2] or [J1, J2, J3]; > 0 antiferromagnetic")
          .real("field", &ExchangeOptions::field, {}, "h of - h sum S^z")
          .real("staggered_field", &ExchangeOptions::staggered_field, {}, "h_s of - h_s sum (sublattice sign) S^z")
          .boolean("marshall", &ExchangeOptions::marshall,
                   "rotate one sublattice by pi about z, so that the ground state is positive")
          .real("spin", &ExchangeOptions::spin, {0.5, 4}, "S of every site, an integer or half of one");
  return all;
}

}  // namespace

HamiltonianKind heisenberg_kind() {
  return {"heisenberg", "sum_b J_b S_i.S_j", keys().list(), [](const DeckSection& section, const Lattice& lattice) {
            return make_exchange(section, lattice, keys().read(section));
          }};
}

}  // namespace koushi
