#include "scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/keys.hpp"
#include "koushi/store/result_file.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

std::string Runs::file(std::size_t point, const std::string& output) const {
  const std::string file = output.empty() ? decks[0].text("output.file") : output;
  const std::size_t slash = file.rfind('/');
  const std::size_t dot = file.rfind('.');
  const bool suffix = dot != std::string::npos && dot > (slash == std::string::npos ? 0 : slash + 1);
  const std::size_t end = suffix ? dot : file.size();
  return fmt::format("{}_{}{}", file.substr(0, end), points.at(point).name, file.substr(end));
}

Runs scan_runs(const ParseAt& parse_at, int chosen, const std::string& name, const std::string& output) {
  ScannedDeck first = parse_at(0, {});
  Runs runs{{std::move(first.deck)}, std::move(first.points), chosen, first.continues};
  const std::string start = runs.continues ? studies().of(runs.decks[0]).start_from : "";
  if (runs.continues && start.empty()) {
    runs.decks[0].refuse("study.kind", "such a run cannot begin where another one ended, as scan.continue = true asks",
                         "scan.continue = false");
  }
  const auto settings = [&](std::size_t k) -> std::vector<std::string> {
    if (!runs.continues || k == 0) return {};
    const std::string key = start.substr(start.find(": ") + 2);  // behind the word for what it is
    return {key + "=" + toml_text(runs.file(k - 1, output))};
  };
  const auto number = static_cast<int>(runs.points.size());
  if (chosen >= 0 && number == 0)
    throw UsageError(fmt::format("--point {}: {} has no [scan]\n  expected: no --point", chosen, name));
  if (chosen >= number && number > 0)
    throw UsageError(fmt::format("--point {}: the [scan] of {} has {} points\n  expected: 0 to {}", chosen, name,
                                 number, number - 1));
  if (chosen >= 0) {
    const auto k = static_cast<std::size_t>(chosen);
    runs.decks[0] = parse_at(k, settings(k)).deck;
    return runs;
  }
  std::vector<std::string> problems;
  for (std::size_t k = 1; k < runs.points.size(); ++k) {
    try {
      runs.decks.push_back(parse_at(k, settings(k)).deck);
    } catch (const DeckError& error) {
      if (std::count(problems.begin(), problems.end(), error.what()) == 0) problems.emplace_back(error.what());
    }
  }
  if (!problems.empty()) throw DeckError(join(problems, "\n"));
  return runs;
}

int run_scan(const Communicator& comm, const Runs& runs, const RunOptions& options,
             const std::function<int(const Deck&, const RunOptions&)>& run) {
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::string> files;
  for (std::size_t k = 0; k < runs.points.size(); ++k) files.push_back(runs.file(k, options.output));
  if (options.existing == ExistingResult::refuse) {
    std::string there;
    for (const std::string& file : files) {
      if (comm.is_root() && result_exists(file)) there += (there.empty() ? "" : ", ") + file;
    }
    comm.broadcast(there);
    if (!there.empty())
      throw UsageError(
          fmt::format("there are results of this scan already: {}\n  expected: --resume to go on with it, --overwrite "
                      "to start anew, or --output FILE",
                      there));
  }
  for (std::size_t k = 0; k < runs.points.size(); ++k) {
    RunOptions here = options;
    here.output = files[k];
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    here.time_limit -= elapsed;
    if (k > 0 && stop_is_requested(comm, TimeLimit{.seconds = options.time_limit}.is_near(elapsed))) {
      if (comm.is_root())
        print_out(fmt::format("\nstopped on request before point {} of {}, go on with --resume\n", k, files.size()));
      return exit_stopped;
    }
    if (comm.is_root())
      print_out(fmt::format("{}point {} of {}: {}, {}\n", k == 0 ? "" : "\n", k, files.size(), runs.points[k].settings,
                            files[k]));
    if (const int code = run(runs.decks[k], here); code != 0) return code;
  }
  if (comm.is_root())
    print_out(fmt::format("\nall {} points are done: koushi report {}\n", files.size(), join(files, " ")));
  return 0;
}

RunEstimate estimate_scan(const Runs& runs, const std::function<RunEstimate(const Deck&)>& estimate) {
  RunEstimate all;
  std::vector<std::string> lines;
  std::size_t width = 0;
  for (const ScanPoint& point : runs.points) width = std::max(width, point.settings.size());
  for (std::size_t k = 0; k < runs.points.size(); ++k) {
    const RunEstimate here = estimate(runs.decks[k]);
    if (k == 0) all.text = here.text;
    if (!here.rejection.empty() && all.rejection.empty())
      all.rejection = fmt::format("point {}: {}", k, here.rejection);
    all.seconds += here.seconds;
    all.step_seconds = std::max(all.step_seconds, here.step_seconds);
    lines.push_back(fmt::format("  {:>3}  {:<{}}  {}{}", k, runs.points[k].settings, width, runs.file(k, ""),
                                here.seconds > 0 ? ", about " + format_seconds(here.seconds) : ""));
  }
  all.text += fmt::format("\nscan         {} points, the deck above is point 0\n{}\n", lines.size(), join(lines, "\n"));
  if (all.seconds > 0) all.text += fmt::format("whole scan   about {}\n", format_seconds(all.seconds));
  return all;
}

}  // namespace koushi
