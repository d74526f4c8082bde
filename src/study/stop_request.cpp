#include "koushi/study/stop_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <string_view>

#include "koushi/base/text.hpp"

namespace koushi {

namespace {
volatile std::sig_atomic_t stop_signal = 0;
}

void stop_on(std::initializer_list<int> signals) {
  struct sigaction action = {};
  action.sa_handler = [](int signal) { stop_signal = signal; };
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int signal : signals) {
    struct sigaction now = {};
    if (signal == SIGHUP && sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) continue;  // nohup
    sigaction(signal, &action, nullptr);
  }
}

bool stop_is_requested(const Communicator& comm, bool time_is_up) {
  const int mine = stop_signal != 0 || (comm.is_root() && time_is_up) ? 1 : 0;
  return comm.max(mine) != 0;
}

double TimeLimit::reserve() const {
  return 1.5 * (longest_step + longest_checkpoint) + std::min(30.0, 0.05 * std::max(0.0, seconds));
}

double slurm_time_left(const char* value, double now, std::string& warning) {
  constexpr double none = std::numeric_limits<double>::infinity();
  if (value == nullptr || *value == 0) return none;
  const std::string_view text(value);
  long long end = 0;
  const auto [stop, status] = std::from_chars(text.data(), text.data() + text.size(), end);
  if (status != std::errc() || stop != text.data() + text.size() || end <= 0) {
    warning =
        fmt::format("SLURM_JOB_END_TIME = {} is not a time in seconds and is ignored; --time-limit says when to stop",
                    quoted(value));
    return none;
  }
  const double left = static_cast<double>(end) - now;
  if (left <= 0) warning = fmt::format("SLURM_JOB_END_TIME = {} is past: one step is made", end);
  return left;
}

}  // namespace koushi
