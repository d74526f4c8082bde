#pragma once

#include <concepts>
#include <string>

#include "koushi/field/hmc.hpp"
#include "koushi/field/updater.hpp"

namespace koushi {

/// What all kinds of hybrid Monte Carlo are set by.
template <std::derived_from<HmcOptions> Options>
Keys<Options> trajectory_keys() {
  const auto of = []<typename T>(T HmcOptions::*member) -> T Options::* { return member; };
  return Keys<Options>()
      .choice("integrator", of(&HmcOptions::integrator),
              {{"leapfrog", Integrator::leapfrog},
               {"omelyan2", Integrator::omelyan2},
               {"omelyan4", Integrator::omelyan4},
               {"force-gradient", Integrator::force_gradient}},
              "splitting of a step of molecular dynamics")
      .real("length", of(&HmcOptions::length), {positive_number}, "length of a trajectory")
      .integer("steps", of(&HmcOptions::steps), {1, 100000}, "steps in a trajectory, to begin with")
      .real("jitter", of(&HmcOptions::jitter), {0, 0.99}, "lengths are drawn from length (1 +- jitter)")
      .boolean("tune", of(&HmcOptions::tune), "adapt to the acceptance during the warm-up")
      .real("acceptance", of(&HmcOptions::acceptance), {0.05, 0.99}, "to be reached by tuning")
      .integer("repetitions", of(&HmcOptions::repetitions), {1, 1000}, "in one sweep");
}

/// Hybrid Monte Carlo of all replicas, its step tuned. mass: of the Fourier modes, for theories that have
/// FourierAcceleration; 0: unit masses. name: as it is described.
/// Errors  DeckError: a theory without molecular dynamics, or without the force gradient that the integrator takes
std::unique_ptr<Updater> make_hmc_updater(const DeckSection& section, FieldTheory& theory, const HmcOptions& options,
                                          double mass, const std::string& name);

}  // namespace koushi
