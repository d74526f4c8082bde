#include "koushi/field/hmc.hpp"

#include <algorithm>
#include <cmath>

#include "koushi/random/philox.hpp"

namespace koushi {

namespace {

/// A stage of a step: a kick of kick * e (at the field shifted by gradient * e^2 where that is not 0), then a drift of
/// drift * e.
struct Stage {
  double kick;
  double drift;
  double gradient = 0;
};

/// The stages of one step; the last has no drift, and its kick joins the first of the next step.
std::vector<Stage> stages(Integrator integrator) {
  switch (integrator) {
    case Integrator::leapfrog:
      return {{0.5, 1}, {0.5, 0}};
    case Integrator::omelyan2: {
      constexpr double l = 0.1931833275037836;
      return {{l, 0.5}, {1 - 2 * l, 0.5}, {l, 0}};
    }
    case Integrator::omelyan4: {
      constexpr double theta = 0.08398315262876693;
      constexpr double rho = 0.2539785108410595;
      constexpr double lambda = 0.6822365335719091;
      constexpr double mu = -0.03230286765269967;
      constexpr double middle = 0.5 - lambda - theta;
      return {{theta, rho}, {lambda, mu}, {middle, 1 - 2 * (mu + rho)}, {middle, mu}, {lambda, rho}, {theta, 0}};
    }
    case Integrator::force_gradient:
      return {{1.0 / 6, 0.5}, {2.0 / 3, 0.5, 1.0 / 24}, {1.0 / 6, 0}};
  }
  return {};
}

}  // namespace

bool needs_force_gradient(Integrator integrator) {
  const std::vector<Stage> all = stages(integrator);
  return std::any_of(all.begin(), all.end(), [](const Stage& stage) { return stage.gradient != 0; });
}

void integrate(MolecularDynamics& theory, Integrator integrator, double step, int steps) {
  const std::vector<Stage> all = stages(integrator);
  auto* const gradient = needs_force_gradient(integrator) ? dynamic_cast<ForceGradient*>(&theory) : nullptr;
  if (needs_force_gradient(integrator) && gradient == nullptr) throw InternalError("this theory has no force gradient");
  const auto run = [&](const Stage& stage, double kick) {
    if (stage.gradient != 0) {
      gradient->shifted_kick(kick * step, stage.gradient * step * step);
      if (stage.drift != 0) theory.drift(stage.drift * step);
    } else if (stage.drift != 0) {
      theory.kick_then_drift(kick * step, stage.drift * step);
    } else {
      theory.kick(kick * step);
    }
  };
  for (int k = 0; k < steps; ++k) {
    const double carried = k == 0 ? 0 : all.back().kick;
    for (std::size_t s = 0; s + 1 < all.size(); ++s) run(all[s], all[s].kick + (s == 0 ? carried : 0));
  }
  run(all.back(), all.back().kick);
}

HmcReport hmc_trajectory(MolecularDynamics& theory, const HmcOptions& options, std::uint64_t step) {
  const Replicas replicas = theory.replicas();
  double length = options.length;
  if (options.jitter > 0) {
    const RandomBlock r = philox(options.seed, RandomPurpose::trajectory_length, step, 0, 0);
    length *= 1 + options.jitter * (2 * uniform(r.word[0], r.word[1]) - 1);
  }
  theory.keep();
  theory.draw_momenta(options.seed, step);
  const std::vector<double> before = theory.hamiltonian();
  integrate(theory, options.integrator, length / options.steps, options.steps);
  const std::vector<double> after = theory.hamiltonian();
  HmcReport report;
  std::vector<bool> accepted(replicas.here);
  for (std::size_t r = 0; r < replicas.here; ++r) {
    const double change = after[r] - before[r];
    const double probability = std::isfinite(change) ? std::min(1.0, std::exp(-change)) : 0.0;
    const RandomBlock word =
        philox(options.seed, RandomPurpose::acceptance, step, static_cast<std::uint64_t>(replicas.first) + r, 0);
    accepted[r] = uniform(word.word[0], word.word[1]) < probability;
    report.energy_change.push_back(change);
    report.probability.push_back(probability);
  }
  theory.restore(accepted);
  return report;
}

}  // namespace koushi
