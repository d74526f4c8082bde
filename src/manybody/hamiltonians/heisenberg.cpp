#include "exchange.hpp"

namespace koushi {

HamiltonianKind heisenberg_kind() {
  return {"heisenberg", "sum_b J_b S_i.S_j", exchange_keys().list(),
          [](const DeckSection& section, const Lattice& lattice) {
            return make_exchange(section, lattice, exchange_keys().read(section));
          }};
}

}  // namespace koushi
