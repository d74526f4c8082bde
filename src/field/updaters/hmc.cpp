#include "../hmc_updater.hpp"

namespace koushi {

UpdaterKinds::OneKind hmc_kind() {
  static const Keys<HmcOptions> keys = trajectory_keys<HmcOptions>();
  return {"hmc", "hybrid Monte Carlo", keys.list(), [](const DeckSection& section) {
            const HmcOptions options = keys.read(section);
            return FieldUpdate{.repetitions = options.repetitions,
                               .suits = has<MolecularDynamics>,
                               .make = [section, options](FieldTheory& theory) {
                                 return make_hmc_updater(section, theory, options, 0, "hmc");
                               }};
          }};
}

}  // namespace koushi
