#pragma once

#include "koushi/parallel/communicator.hpp"

namespace koushi {

/// Turns SIGTERM, SIGINT and SIGUSR1 into a request that the study looks at between two steps.
void listen_for_stop_signals();

/// True on every rank if any rank was asked to stop, or `time_is_up` on the root. Collective.
bool stop_is_requested(const Communicator& comm, bool time_is_up);

}  // namespace koushi
