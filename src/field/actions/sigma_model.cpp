#include "../spin_action.hpp"

namespace koushi {

namespace {

struct SigmaModelOptions : SpinModel {
  SigmaModelOptions() { components = 3; }
};

}  // namespace

ActionKinds::OneKind sigma_model_kind() {
  static const Keys<SigmaModelOptions> keys = bond_keys<SigmaModelOptions>().integer(
      "components", static_cast<int SigmaModelOptions::*>(&SpinModel::components), {2, 4}, "n");
  return {"sigma-model", "unit vectors of n components, H = - sum J s.s' - h sum s_1", keys.list(),
          [](const DeckSection& section, const GridOptions& lattice) {
            return spin_action(section, lattice, keys.read(section), 3, "unit vectors", {});
          }};
}

}  // namespace koushi
