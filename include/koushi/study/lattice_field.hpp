#pragma once

#include <string>

#include "koushi/study/study_run.hpp"

namespace koushi {

/// Samples a lattice field theory with the updaters of its deck and measures. Returns the exit code: 0, or 75 if it was
/// asked to stop and has written a checkpoint.
///
/// Collective  yes
/// Errors      DeckError, StoreError, NumericalError
int run_lattice_field(const Communicator& comm, const Deck& deck, const RunOptions& options);

/// What `koushi check` prints: sites, replicas and how ranks share them, memory per rank, and (ranks > 0) the time per
/// sweep and of the whole run, for which it makes one.
RunEstimate describe_lattice_field(const Communicator& comm, const Deck& deck, int ranks);

}  // namespace koushi
