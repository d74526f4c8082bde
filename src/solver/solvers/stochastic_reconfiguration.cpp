#include <cmath>

#include "koushi/solver/solver_kinds.hpp"

namespace koushi {

namespace {

struct SrKeys {
  SrRoute route = SrRoute::automatic;
  double shift_absolute = 1e-6;
  std::optional<double> shift_absolute_end;
  double shift_relative = 1e-3;
  std::optional<double> shift_relative_end;
  double shift_diagonal = 0;
  double step = 0.02;
  std::optional<double> step_end;
  double max_distance = 0.05;
  double clip = 0;
  double momentum = 0;
  std::string petsc_options;
  double tolerance = 1e-8;

  static const Keys<SrKeys>& keys() {
    static const auto all =
        Keys<SrKeys>()
            .choice("route", &SrKeys::route,
                    {{"automatic", SrRoute::automatic},
                     {"matrix-free", SrRoute::matrix_free},
                     {"dense", SrRoute::dense},
                     {"sample-space", SrRoute::sample_space}},
                    "how the system is solved")
            .real("shift.absolute", &SrKeys::shift_absolute, {0}, "lambda = absolute + relative tr S / P")
            .real("shift.absolute_end", &SrKeys::shift_absolute_end, {positive_number},
                  "of the last step; between them geometric")
            .real("shift.relative", &SrKeys::shift_relative, {0}, "relative of lambda = absolute + relative tr S / P")
            .real("shift.relative_end", &SrKeys::shift_relative_end, {positive_number},
                  "of the last step; between them geometric")
            .real("shift.diagonal", &SrKeys::shift_diagonal, {0},
                  "adds this part of S_kk to lambda of each parameter, so that those of determinants, which differ "
                  "widely, are all held alike; not in the sample space")
            .real("step", &SrKeys::step, {positive_number, 10}, "of the first iteration")
            .real("step_end", &SrKeys::step_end, {positive_number, 10}, "of the last; between them geometric")
            .real("max_distance", &SrKeys::max_distance, {positive_number},
                  "longest update, in the Fubini-Study metric: a longer one is shortened")
            .real(
                "clip", &SrKeys::clip, {0},
                "of chains, local energies farther from their median than this many mean deviations are moved there "
                "for "
                "the step, so that a state beside a node of psi does not decide it; printed energies are as they are. "
                "Take 20 or more: 5 has driven energies up, since tails are part of the gradient. 0: none")
            .real("momentum", &SrKeys::momentum, {0, 0.9999},
                  "mu of (S + lambda) delta = F + lambda mu delta', delta' of the step before (SPRING): what the "
                  "samples of a step do not show is kept")
            .text("petsc_options", &SrKeys::petsc_options,
                  "options of the linear solver on every route, as \"-sr_ksp_type minres -sr_ksp_monitor\"")
            .real("tolerance", &SrKeys::tolerance, {1e-14, 0.1}, "relative, of the matrix-free route");
    return all;
  }
};

/// start (end / start)^(t / (n - 1)) where an end is given.
SrSchedule make(const DeckSection& section, std::int64_t step, std::int64_t n_steps) {
  const SrKeys keys = SrKeys::keys().read(section);
  if (keys.shift_diagonal > 0 && keys.route == SrRoute::sample_space)
    section.refuse("shift.diagonal", "in the space of the samples all parameters have one shift",
                   "route = \"dense\" or \"matrix-free\"");
  const auto value = [&](const std::string& key, double start, const std::optional<double>& end) {
    if (!end || n_steps < 2) return start;
    if (start <= 0)
      section.refuse(key + "_end", "a geometric schedule cannot start at 0", "no end, or a positive start");
    return start * std::pow(*end / start, static_cast<double>(step) / static_cast<double>(n_steps - 1));
  };
  return {.step = value("step", keys.step, keys.step_end),
          .max_distance = keys.max_distance,
          .clip = keys.clip,
          .options = {.route = keys.route,
                      .shift_absolute = value("shift.absolute", keys.shift_absolute, keys.shift_absolute_end),
                      .shift_relative = value("shift.relative", keys.shift_relative, keys.shift_relative_end),
                      .shift_diagonal = keys.shift_diagonal,
                      .momentum = keys.momentum,
                      .tolerance = keys.tolerance,
                      .petsc_options = keys.petsc_options}};
}

}  // namespace

SolverKind stochastic_reconfiguration_kind() {
  return {"stochastic-reconfiguration", "(S + lambda) delta = F", SrKeys::keys().list(), make};
}

}  // namespace koushi
