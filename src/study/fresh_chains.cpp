#include "koushi/study/fresh_chains.hpp"

#include <fmt/format.h>

#include <cmath>

#include "koushi/base/text.hpp"
#include "koushi/study/measurement.hpp"

namespace koushi {

bool check_fresh_chains(StudyRun& run, VariationalModel& model, const Estimate& measured, std::uint64_t before,
                        Progress& progress, const std::function<bool()>& checkpoint_if_due) {
  constexpr std::int64_t sweeps = 5 * sweeps_at_once;
  model.start();
  for (std::int64_t made = 0; made < sweeps; made += sweeps_at_once) {
    model.warm_up(before - 1, made, sweeps_at_once);
    if (checkpoint_if_due()) return false;
  }
  model.draw(before - 2);
  const ChainMoments fresh = model.moments(model.local_energies());
  const double error = std::hypot(fresh.error, measured.error);
  if (std::isfinite(fresh.mean) && !(fresh.r_hat >= 2) &&
      std::abs(fresh.mean - measured.value) < 6 * error + 1e-2 * std::abs(measured.value))
    return true;
  const double n = model.n_sites();
  run.warn(progress, "another region",
           fmt::format(
               "chains from random states have E/N = {} (R-hat {:.3g}), those of the optimisation {}: the "
               "chains of the optimisation did not reach all configurations that carry weight, and the energy "
               "that they measured is not that of psi; remedy: go on from these parameters (study.initial_parameters), "
               "more [sampler] chains, longer range, real weights",
               with_error(fresh.mean / n, fresh.error / n), fresh.r_hat,
               with_error(measured.value / n, measured.error / n)));
  return true;
}

}  // namespace koushi
