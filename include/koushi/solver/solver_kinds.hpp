#pragma once

#include <cstdint>

#include "koushi/deck/kind.hpp"
#include "koushi/solver/stochastic_reconfiguration.hpp"

namespace koushi {

/// Step, shift and limits of one step.
struct SrSchedule {
  double step = 0;
  double max_distance = 0;  ///< longest update, in the Fubini-Study metric
  double clip = 0;  ///< mean deviations from the median beyond which local energies are moved for the step; 0: none
  SrOptions options;
};

/// Solvers by the names of decks, [solver] kind = "name": each makes the schedule of step t of n. Each is a file in
/// src/solver/solvers.
using SolverKind = Kind<SrSchedule, std::int64_t, std::int64_t>;
using SolverKinds = Kinds<SrSchedule, std::int64_t, std::int64_t>;
SolverKinds& solvers();

/// The schedule of step t of n. Errors: DeckError at the key that cannot be obeyed
inline SrSchedule sr_schedule(const DeckSection& section, std::int64_t step, std::int64_t n_steps) {
  return solvers().of(section).make(section, step, n_steps);
}

}  // namespace koushi
