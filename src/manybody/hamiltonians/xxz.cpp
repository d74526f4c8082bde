#include "exchange.hpp"

namespace koushi {

namespace {

const Keys<ExchangeOptions>& keys() {
  static const auto all = exchange_keys().real("anisotropy", &ExchangeOptions::anisotropy, {}, "Delta").required();
  return all;
}

}  // namespace

HamiltonianKind xxz_kind() {
  return {"xxz", "sum_b J_b (S^x S^x + S^y S^y + Delta S^z S^z)", keys().list(),
          [](const DeckSection& section, const Lattice& lattice) {
            return make_exchange(section, lattice, keys().read(section));
          }};
}

}  // namespace koushi
