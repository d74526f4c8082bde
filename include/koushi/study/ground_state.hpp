#pragma once

#include <string>

#include "koushi/deck/deck.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/study/study_run.hpp"

namespace koushi {

/// Ground state by variational Monte Carlo and stochastic reconfiguration, or (kind = "measure") the measurement phase
/// alone. Returns the exit code: 0, or 75 if it was asked to stop and has written a checkpoint.
///
/// Collective  yes
/// Errors      DeckError, StoreError, NumericalError
/// Source      S. Sorella, Phys. Rev. Lett. 80, 4558 (1998); G. Carleo, M. Troyer, Science 355, 602 (2017)
int run_ground_state(const Communicator& comm, const Deck& deck, const RunOptions& options);

/// What `koushi check` prints: lattice, parameters, memory per rank of `ranks`, and (ranks > 0) the time per step and
/// of the whole run, for which it makes one step.
RunEstimate describe_ground_state(const Communicator& comm, const Deck& deck, int ranks);

}  // namespace koushi
