#include "koushi/study/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "koushi/base/text.hpp"

namespace koushi {

namespace {

/// Open MPI gives its processes a pseudo-terminal even where mpirun itself writes into a file or a pipe: then ask about
/// mpirun's.
bool stdout_is_terminal() {
  if (isatty(STDOUT_FILENO) != 1) return false;
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) return true;
  char target[64] = {};
  const std::string link = fmt::format("/proc/{}/fd/1", getppid());
  if (readlink(link.c_str(), target, sizeof target - 1) <= 0) return false;
  const std::string name = target;
  return name.rfind("/dev/pts/", 0) == 0 || name.rfind("/dev/tty", 0) == 0;
}

}  // namespace

Progress::Progress(bool speaks, std::int64_t first_step, std::int64_t total_steps, std::string noun)
    : speaks_(speaks),
      terminal_(stdout_is_terminal()),
      first_step_(first_step),
      total_steps_(total_steps),
      noun_(std::move(noun)) {}

Progress::~Progress() { end_live_line(); }

void Progress::end_live_line() {
  if (line_open_) print_out("\n");
  line_open_ = false;
}

void Progress::step(std::int64_t done, const std::string& status) {
  if (!speaks_) return;
  const auto now = Clock::now();
  const double since_last = std::chrono::duration<double>(now - last_).count();
  const bool finished = done == total_steps_;
  if (!finished && since_last < (terminal_ ? 0.1 : log_interval_)) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - started_).count();
  const double per_step = elapsed / static_cast<double>(std::max<std::int64_t>(1, done - first_step_));
  std::string line =
      fmt::format("{0} {1}/{2}  {3}  {4}/{0}  {5} left", noun_, done, total_steps_, status, format_seconds(per_step),
                  format_seconds(per_step * static_cast<double>(total_steps_ - done)));
  if (terminal_) {
    winsize size = {};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    if (known) line.resize(std::min<std::size_t>(line.size(), size.ws_col - 1U));
    print_out(fmt::format("\r\033[K{}", line));
    line_open_ = true;
    if (finished) end_live_line();
  } else {
    log_interval_ = std::min(60.0, 1.5 * log_interval_);
    print_out(fmt::format("{}\n", line));
  }
}

void Progress::say(const std::string& message) {
  if (!speaks_) return;
  end_live_line();
  print_out(fmt::format("{}\n", message));
}

}  // namespace koushi
