#include "../spin_action.hpp"

namespace koushi {

ActionKinds::OneKind clock_kind() {
  static const Keys<SpinModel> keys =
      bond_keys<SpinModel>().integer("states", &SpinModel::states, {2, 1024}, "q").required().example("3");
  return {"clock", "XY spins at angles 2 pi k / states", keys.list(),
          [](const DeckSection& section, const GridOptions& lattice) {
            SpinModel model = keys.read(section);
            model.kind = SpinModel::Kind::clock;
            model.components = 2;
            return spin_action(section, lattice, model, 2, "clock spins", {"states"});
          }};
}

}  // namespace koushi
