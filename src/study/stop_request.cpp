#include "koushi/study/stop_request.hpp"

#include <csignal>

namespace koushi {

namespace {
volatile std::sig_atomic_t stop_signal = 0;
}

void listen_for_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = [](int signal) { stop_signal = signal; };
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaction(signal, &action, nullptr);
}

bool stop_is_requested(const Communicator& comm, bool time_is_up) {
  const int mine = stop_signal != 0 || (comm.is_root() && time_is_up) ? 1 : 0;
  return comm.max(mine) != 0;
}

}  // namespace koushi
