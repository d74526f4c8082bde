#include "exchange.hpp"

namespace koushi {

HamiltonianKind heisenberg_kind() {
  return {.name = "heisenberg",
          .help = "sum_b J_b S_i.S_j",
          .keys = exchange_keys().list(),
          .make = [](const DeckSection& section,
                     const Lattice& lattice) { return make_exchange(section, lattice, exchange_keys().read(section)); },
          .in_template = true};
}

}  // namespace koushi
