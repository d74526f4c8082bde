#pragma once

#include <vector>

#include "koushi/study/study_run.hpp"

namespace koushi {

/// Studies that sample a lattice field theory by the updaters of their deck and measure it: their keys of [study], their
/// run (sweep, measure, record, checkpoint) and what `koushi check` says of them: sites, replicas and how ranks share
/// them, memory per rank, and (ranks > 0) the time per sweep and of the whole run, for which it makes one.
std::vector<Key> field_study_keys();
int run_field_study(const Communicator& comm, const Deck& deck, const RunOptions& options);
RunEstimate describe_field_study(const Communicator& comm, const Deck& deck, int ranks);

}  // namespace koushi
