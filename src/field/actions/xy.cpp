#include "../spin_action.hpp"

namespace koushi {

ActionKinds::OneKind xy_kind() {
  static const Keys<SpinModel> keys = bond_keys<SpinModel>();
  return {"xy", "unit vectors of 2 components, H = - sum J s.s' - h sum s_1", keys.list(),
          [](const DeckSection& section, const GridOptions& lattice) {
            SpinModel model = keys.read(section);
            model.components = 2;
            return spin_action(section, lattice, model, 3, "XY spins", {});
          }};
}

}  // namespace koushi
