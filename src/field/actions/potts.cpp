#include <algorithm>

#include "../spin_action.hpp"

namespace koushi {

ActionKinds::OneKind potts_kind() {
  static const Keys<SpinModel> keys =
      bond_keys<SpinModel>().integer("states", &SpinModel::states, {2, 64}, "q").required().example("3");
  return {"potts", "spins 0 ... q - 1, H = - sum J [s = s'] - h sum [s = 0]", keys.list(),
          [](const DeckSection& section, const GridOptions& lattice) {
            SpinModel model = keys.read(section);
            model.kind = SpinModel::Kind::potts;
            if (std::count(lattice.boundary.begin(), lattice.boundary.end(), Boundary::antiperiodic) > 0)
              section.deck().refuse("lattice.boundary", "Potts spins have no sign to change", "periodic or open");
            FieldAction action = spin_action(section, lattice, model, 2, "Potts spins", {"states"});
            action.correlator->mean_factor = static_cast<double>(model.states) / (model.states - 1);
            return action;
          }};
}

}  // namespace koushi
