#include "../hmc_updater.hpp"

namespace koushi {

namespace {

const Keys<HmcOptions>& keys() {
  static const Keys<HmcOptions> all = trajectory_keys<HmcOptions>();
  return all;
}

FieldUpdate make(const DeckSection& section) {
  const HmcOptions options = keys().read(section);
  return {
      .repetitions = options.repetitions,
      .suits = has<MolecularDynamics>,
      .make = [section, options](FieldTheory& theory) { return make_hmc_updater(section, theory, options, 0, "hmc"); }};
}

}  // namespace

UpdaterKinds::OneKind hmc_kind() {
  return {.name = "hmc", .help = "hybrid Monte Carlo", .keys = keys().list(), .make = make, .in_template = true};
}

}  // namespace koushi
