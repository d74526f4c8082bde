#include "../spin_action.hpp"

namespace koushi {

ActionKinds::OneKind ising_kind() {
  static const Keys<SpinModel> keys = bond_keys<SpinModel>();
  return {"ising", "spins s = +-1, H = - sum J s s' - h sum s", keys.list(),
          [](const DeckSection& section, const GridOptions& lattice) {
            FieldAction action = spin_action(section, lattice, keys.read(section), 2, "Ising spins", {});
            action.grid.split_rows = true;
            return action;
          }};
}

}  // namespace koushi
