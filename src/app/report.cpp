#include "report.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/store/result_file.hpp"

namespace koushi {

namespace {

std::string number(double x) { return std::isfinite(x) ? fmt::format("{}", x) : "null"; }

/// Runs a program and returns its exit code, or -1 if it cannot be run.
int call(const std::vector<std::string>& words) {
  const pid_t child = fork();
  if (child == 0) {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace

int report(const std::string& file, bool json) {
  const Communicator self(MPI_COMM_SELF);
  const ResultReader reader(self, file);
  const std::int64_t steps = reader.read_integers("summary/steps").at(0);
  double seconds = 0;
  std::string phases;
  for (const std::string& name : reader.list("timing/phases")) {
    const double time = reader.read_reals("timing/phases/" + name)[0];
    seconds += time;
    phases += fmt::format("{}{}: {}", phases.empty() ? "" : ", ", quoted(name), number(time));
  }
  std::string observables;
  std::string table;
  for (const std::string& name : reader.list("observables")) {
    const std::string path = "observables/" + name + "/";
    const double value = reader.read_reals(path + "value")[0];
    const double error = reader.read_reals(path + "error")[0];
    const double tau = reader.read_reals(path + "tau_int")[0];
    const std::string unit = reader.unit(path + "value");
    const std::int64_t samples = reader.read_integers(path + "samples")[0];
    observables += fmt::format("{}{}: {{\"value\": {}, \"error\": {}, \"tau_int\": {}, \"samples\": {}, \"unit\": {}}}",
                               observables.empty() ? "" : ", ", quoted(name), number(value), number(error), number(tau), samples, quoted(unit));
    table += fmt::format("{:<18} {:>22} {:<4} tau_int {:.2f} samples, {} samples\n", name, with_error(value, error), unit, tau, samples);
  }
  std::string reference = "null";
  if (reader.contains("reference/value")) {
    const double value = reader.read_reals("reference/value")[0];
    const std::string quantity = reader.read_text("reference/quantity");
    const std::string source = reader.read_text("reference/source");
    const double reference_error = reader.contains("reference/error") ? reader.read_reals("reference/error")[0] : 0;
    reference = fmt::format("{{\"quantity\": {}, \"value\": {}, \"error\": {}, \"source\": {}}}", quoted(quantity), number(value), number(reference_error), quoted(source));
    table += fmt::format("{:<18} {:>22}      {}\n", "reference", value, source);
    if (reader.contains("observables/" + quantity + "/value")) {
      table += fmt::format("{:<18} {}\n", "deviation",
                           deviation_text(reader.read_reals("observables/" + quantity + "/value")[0], reader.read_reals("observables/" + quantity + "/error")[0], value, reference_error));
    }
  }
  const std::string status = reader.read_text("summary/status");
  const std::string study = reader.read_text("summary/study");
  if (json) {
    print_out(fmt::format("{{\"status\": {}, \"study\": {}, \"steps\": {}, \"seconds\": {}, \"observables\": {{{}}}, \"reference\": {}, \"phases\": {{{}}}}}\n",
               quoted(status), quoted(study), steps, number(seconds), observables, reference, phases));
  } else {
    print_out(fmt::format("{}\n{}, {}, {} steps, {}\n{}", reader.read_text("summary/title"), study, status, steps, format_seconds(seconds), table));
  }
  return 0;
}

int plot(const std::string& file, const std::string& picture) {
  const Communicator self(MPI_COMM_SELF);
  if (const ResultReader reader(self, file); !reader.contains("history/energy") && reader.list("series").empty()) {
    throw UsageError(fmt::format("{} has no history or series to draw\n  expected: the file of an optimisation or of a lattice field, not of a measurement alone", file));
  }
  const std::string suffix = picture.substr(std::min(picture.size(), picture.rfind('.')));
  if (!picture.empty() && suffix != ".png" && suffix != ".svg" && suffix != ".pdf") {
    throw UsageError(fmt::format("{} is no picture that can be drawn\n  expected: --output FILE.png, FILE.svg or FILE.pdf", picture));
  }
  const char* chosen = std::getenv("KOUSHI_PYTHON");
  // Beside an installed program, else in the source tree it was built from.
  const std::filesystem::path installed = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "share/koushi/python/koushi_results.py";
  const std::string script = std::filesystem::exists(installed) ? installed.string() : std::string(KOUSHI_PYTHON_DIR) + "/koushi_results.py";
  const std::vector<std::string> pythons = chosen != nullptr ? std::vector<std::string>{chosen} : std::vector<std::string>{"python3", "/usr/bin/python3"};
  for (const std::string& python : pythons) {
    if (call({python, "-c", "import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in ('h5py', 'matplotlib')))"}) != 0) continue;
    return call({python, script, file, picture.empty() ? file.substr(0, file.rfind(".h5")) + ".png" : picture}) == 0 ? 0 : 5;
  }
  throw LibraryError("plot needs a Python with h5py and matplotlib\n  expected: apt-get install python3-h5py python3-matplotlib, or KOUSHI_PYTHON naming one that has them",
                     ErrorScope::uniform);
}

}  // namespace koushi
