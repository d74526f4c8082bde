#include "report.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "embedded.hpp"
#include "koushi/analysis/finished_runs.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/resolved.hpp"
#include "koushi/store/result_file.hpp"
#include "koushi/study/model_keys.hpp"
#include "koushi/study/stored_results.hpp"

namespace koushi {

std::string json_number(double x) { return std::isfinite(x) ? fmt::format("{}", x) : "null"; }

namespace {

/// The curves of a group as JSON, {"NAME": {"x": [...], "value": [...], "error": [...]}, ...}.
std::string curves_json(const ResultReader& reader, const std::string& group) {
  std::string all;
  for (const StoredCurve& curve : read_curves(reader, group)) {
    const auto list = [](const std::vector<double>& values) {
      std::vector<std::string> numbers;
      for (const double x : values) numbers.push_back(json_number(x));
      return fmt::format("[{}]", join(numbers));
    };
    all += fmt::format("{}{}: {{\"x\": {}, \"value\": {}, \"error\": {}}}", all.empty() ? "" : ", ", quoted(curve.name),
                       list(curve.x), list(curve.value), list(curve.error));
  }
  return "{" + all + "}";
}

/// `, "levels": [...]`: the levels of an exact diagonalisation, each with its quantum numbers.
std::string levels_json(const ResultReader& reader) {
  const std::vector<double> energies = reader.read_reals("levels/energy");
  const std::vector<double> residuals = reader.read_reals("levels/residual");
  const std::vector<double> spins = reader.read_reals("levels/spin");
  const std::vector<std::int64_t> degeneracies = reader.read_integers("levels/degeneracy");
  const std::vector<std::int64_t> momenta = reader.read_integers("levels/momentum");
  const std::vector<std::int64_t> inversions = reader.read_integers("levels/spin_inversion");
  const std::vector<std::string> representations = split_lines(reader.read_text("levels/representation"));
  const std::size_t directions = energies.empty() ? 0 : momenta.size() / energies.size();
  std::vector<std::string> levels;
  for (std::size_t k = 0; k < energies.size(); ++k) {
    std::vector<std::string> momentum;
    for (std::size_t d = 0; d < directions; ++d) momentum.push_back(fmt::format("{}", momenta.at(k * directions + d)));
    levels.push_back(
        fmt::format("{{\"energy\": {}, \"degeneracy\": {}, \"momentum\": [{}], \"representation\": {}, \"spin\": {}, "
                    "\"spin_inversion\": {}, \"residual\": {}}}",
                    json_number(energies[k]), degeneracies.at(k), join(momentum), quoted(representations.at(k)),
                    json_number(spins.at(k)), inversions.at(k) == 0 ? "null" : fmt::format("{}", inversions[k]),
                    json_number(residuals.at(k))));
  }
  return fmt::format(", \"levels\": [{}]", join(levels));
}

/// Runs a program, with a text as its standard input, and returns its exit code, or -1 if it cannot be run.
int call(const std::vector<std::string>& words, const std::string& input = "") {
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0) return -1;
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[0]);
  for (std::size_t done = 0; done < input.size();) {
    const ssize_t n = write(ends[1], input.data() + done, input.size() - done);
    if (n <= 0) break;  // a child that reads no more says why by its exit code
    done += static_cast<std::size_t>(n);
  }
  close(ends[1]);
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

/// The members of the JSON object of all observables below a prefix; their lines go to `table`.
std::string observables_json(const ResultReader& reader, const std::string& prefix, std::string& table) {
  std::string observables;
  for (const StoredObservable& o : read_observables(reader, prefix)) {
    observables +=
        fmt::format("{}{}: {{\"value\": {}, \"error\": {}, \"tau_int\": {}{}, \"samples\": {}, \"unit\": {}}}",
                    observables.empty() ? "" : ", ", quoted(o.name), json_number(o.value), json_number(o.error),
                    json_number(o.tau_int), o.r_hat ? fmt::format(", \"r_hat\": {}", json_number(*o.r_hat)) : "",
                    o.samples, quoted(o.unit));
    table += fmt::format("{:<28} {:>22} {:<4} tau_int {:.2f} samples, {} samples\n", o.name,
                         with_error(o.value, o.error), o.unit, o.tau_int, o.samples);
  }
  return observables;
}

/// Which of the n points of a curve a table shows: all, the first ones, or of a smooth curve some at equal distances up
/// to the last.
std::vector<std::size_t> shown_points(std::size_t n, bool smooth) {
  constexpr std::size_t most = 12;
  std::vector<std::size_t> shown(std::min(n, most));
  for (std::size_t k = 0; k < shown.size(); ++k)
    shown[k] = smooth && n > most ? (k * (n - 1) + (most - 1) / 2) / (most - 1) : k;
  return shown;
}

/// The curves of a run as tables, those over the same x side by side.
std::string curves_text(const ResultReader& reader) {
  struct Block {
    std::string axis;
    std::vector<double> x;
    std::vector<StoredCurve> curves;
  };
  std::vector<Block> blocks;
  for (const StoredCurve& curve : read_curves(reader, "curves")) {
    const auto same = std::find_if(blocks.begin(), blocks.end(),
                                   [&](const Block& b) { return b.axis == curve.axis && b.x == curve.x; });
    (same == blocks.end() ? blocks.insert(same, {curve.axis, curve.x, {}}) : same)->curves.push_back(curve);
  }
  std::string text;
  for (const Block& block : blocks) {
    const bool flow = block.curves[0].name == "flow";
    const std::vector<std::size_t> shown = shown_points(block.x.size(), flow);
    std::vector<std::string> x;
    std::vector<std::pair<std::string, std::vector<std::string>>> columns;
    for (const std::size_t k : shown) x.push_back(fmt::format("{:.6g}", block.x[k]));
    text += "\n";
    for (const StoredCurve& curve : block.curves) {
      columns.emplace_back(curve.name, std::vector<std::string>{});
      for (const std::size_t k : shown) columns.back().second.push_back(with_error(curve.value[k], curve.error[k]));
      text += fmt::format("{:<18} {}\n", curve.name, curve.help);
    }
    for (const char* scale : {"t0", "w0"}) {
      if (!flow || !reader.contains(fmt::format("observables/{}/value", scale))) continue;
      const StoredObservable found = read_observable(reader, "", scale);
      text += fmt::format("{:<18} {}\n", scale, with_error(found.value, found.error));
    }
    text += column_blocks(block.axis, x, columns);
    if (shown.size() < block.x.size())
      text += fmt::format("{:>14} {} of {} points, all with --json\n", "", shown.size(), block.x.size());
  }
  return text;
}

/// `, "ladder": {...}`: the rungs in ascending order, each with its observables as a run of its own has them.
std::string ladder_json(const ResultReader& reader, const StoredLadder& ladder) {
  std::string rungs;
  std::string ignored;
  for (std::size_t k = 0; k < ladder.values.size(); ++k) {
    rungs += fmt::format("{}{{\"value\": {}, \"observables\": {{{}}}}}", k == 0 ? "" : ", ",
                         json_number(ladder.values[k]), observables_json(reader, ladder.prefix(k), ignored));
  }
  std::vector<std::string> acceptance;
  for (const double a : reader.read_reals("ladder/acceptance")) acceptance.push_back(json_number(a));
  return fmt::format(
      ", \"ladder\": {{\"parameter\": {}, \"acceptance\": [{}], \"round_trips\": {}, \"round_trip_sweeps\": {}, "
      "\"rungs\": [{}]}}",
      quoted(ladder.parameter), join(acceptance), json_number(reader.read_reals("ladder/round_trips").at(0)),
      json_number(reader.read_reals("ladder/round_trip_sweeps").at(0)), rungs);
}

}  // namespace

int report(const std::string& file, bool json) {
  const Communicator self = Communicator::self();
  const ResultReader reader(self, file);
  const std::int64_t steps = reader.read_integers("summary/steps").at(0);
  double seconds = 0;
  std::string phases;
  for (const std::string& name : reader.list("timing/phases")) {
    const double time = reader.read_reals("timing/phases/" + name)[0];
    seconds += time;
    phases += fmt::format("{}{}: {}", phases.empty() ? "" : ", ", quoted(name), json_number(time));
  }
  const StoredLadder ladder = read_ladder(reader);
  std::string table;
  const std::string observables = observables_json(reader, "", table);
  std::string reference = "null";
  if (reader.contains("reference/value")) {
    const double value = reader.read_reals("reference/value")[0];
    const std::string quantity = reader.read_text("reference/quantity");
    const std::string source = reader.read_text("reference/source");
    const double reference_error = reader.contains("reference/error") ? reader.read_reals("reference/error")[0] : 0;
    reference = fmt::format("{{\"quantity\": {}, \"value\": {}, \"error\": {}, \"source\": {}}}", quoted(quantity),
                            json_number(value), json_number(reference_error), quoted(source));
    table += fmt::format("{:<28} {:>22}      {}\n", quantity + ", known",
                         reference_error > 0 ? with_error(value, reference_error) : fmt::format("{}", value), source);
    if (reader.contains("observables/" + quantity + "/value")) {
      const StoredObservable found = read_observable(reader, "", quantity);
      table +=
          fmt::format("{:<28} {}\n", "deviation", deviation_text(found.value, found.error, value, reference_error));
    }
  }
  const std::string status = reader.read_text("summary/status");
  const std::vector<std::string> warnings = reader.contains("summary/warnings")
                                                ? split_lines(reader.read_text("summary/warnings"))
                                                : std::vector<std::string>{};
  const std::string study = reader.read_text("summary/study");
  const std::string changes = reader.contains("deck/changes") ? reader.read_text("deck/changes") : "";
  if (json) {
    std::vector<std::string> quoted_warnings;
    for (const std::string& warning : warnings) quoted_warnings.push_back(quoted(warning));
    print_out(fmt::format(
        "{{\"title\": {}, \"changes\": {}, \"status\": {}, \"study\": {}, \"steps\": {}, \"seconds\": {}, "
        "\"observables\": {{{}}}, \"curves\": {}, \"measured\": {}, \"reference\": {}, \"phases\": {{{}}}{}{}{}{}}}\n",
        quoted(reader.read_text("summary/title")), quoted(changes), quoted(status), quoted(study), steps,
        json_number(seconds), observables, curves_json(reader, "curves"), curves_json(reader, "measured"), reference,
        phases,
        reader.contains("state/parameters")
            ? fmt::format(", \"parameters\": {}", reader.read_reals("state/parameters").size())
            : "",
        fmt::format(", \"warnings\": [{}]", join(quoted_warnings)),
        ladder.parameter.empty() ? "" : ladder_json(reader, ladder),
        reader.contains("levels/energy") ? levels_json(reader) : ""));
  } else {
    if (reader.contains("ladder/table")) table += fmt::format("\n{}", reader.read_text("ladder/table"));
    const bool has_table = reader.contains("summary/table");  // of an analysis
    if (!has_table) table += curves_text(reader);
    const bool has_levels = reader.contains("levels/energy");
    const std::string text =
        has_table ? reader.read_text("summary/table") + (has_levels ? curves_text(reader) : "") : table;
    std::string said;
    for (const std::string& warning : warnings)
      said += text.find(warning) == std::string::npos ? fmt::format("warning: {}\n", warning) : "";
    print_out(fmt::format("{}\n{}, {}, {} {}, {}\n{}{}{}", reader.read_text("summary/title"), study, status, steps,
                          has_levels  ? "sectors"
                          : has_table ? "measurements"
                                      : "steps",
                          format_seconds(seconds), changes.empty() ? "" : fmt::format("with {}\n", changes), text,
                          said));
  }
  return 0;
}

int report_against(const std::string& file, const std::string& exact, bool json) {
  const Communicator self = Communicator::self();
  const ResultReader reader(self, file);
  const ResultReader known(self, exact);
  const auto model_of = [](const ResultReader& one) {
    std::map<std::string, std::string> keys = resolved_keys(one.read_text("deck/resolved"));
    std::erase_if(keys, [](const auto& key) {
      return (key.first.rfind("lattice.", 0) != 0 && key.first.rfind("hamiltonian.", 0) != 0) ||
             !is_of_the_model(key.first) || key.first == "hamiltonian.marshall";
    });
    return keys;
  };
  const auto here = model_of(reader);
  const auto there = model_of(known);
  std::vector<std::string> different;
  for (const auto& [key, value] : here) {
    const auto found = there.find(key);
    const bool same = key == "lattice.boundary" && found != there.end() && same_boundary(value, found->second);
    if (found != there.end() && found->second != value && !same)
      different.push_back(fmt::format("{} is {} here and {} there", key, value, found->second));
  }
  if (!different.empty()) {
    throw UsageError(
        fmt::format("{} and {} are of different models: {}\n  expected: two files of one lattice and "
                    "Hamiltonian",
                    file, exact, join(different)));
  }
  if (const bool has_levels = known.contains("levels/energy");
      !has_levels || known.read_text("summary/status") != "done") {
    throw UsageError(fmt::format("{} is {}\n  expected: the file of a finished run with study.kind = \"exact\"", exact,
                                 has_levels ? "of a run that is not finished" : "not of an exact diagonalisation"));
  }
  const auto all_here = resolved_keys(reader.read_text("deck/resolved"));
  std::string restricted;
  for (const auto& [key, value] : resolved_keys(known.read_text("deck/resolved"))) {
    if (key.rfind("sector.", 0) == 0) {
      for (const std::string section : {"sampler.", "sector."}) {
        const auto mine = all_here.find(section + key.substr(7));
        if (mine == all_here.end() || mine->second == value) continue;
        throw UsageError(
            fmt::format("{} and {} are of different sectors: {} is {} here and {} there\n  expected: two files "
                        "of one sector",
                        file, exact, key.substr(7), mine->second, value));
      }
    }
    const bool is_default = value == "\"both\"" || value == "\"none\"" || key == "study.symmetry.group";
    if (key.rfind("study.symmetry.", 0) == 0 && !is_default)
      restricted += fmt::format(" {} = {}", key.substr(15), value);
  }
  std::string table =
      fmt::format("{:<28} {:>22} {:>20} {:>12} {:>10}\n", "observable", file.substr(file.rfind('/') + 1),
                  exact.substr(exact.rfind('/') + 1), "deviation", "relative");
  std::vector<std::string> all;
  const std::vector<std::string> names = observable_names(known, "");
  for (const StoredObservable& o : read_observables(reader, "")) {
    if (std::find(names.begin(), names.end(), o.name) == names.end()) continue;
    const StoredObservable other = read_observable(known, "", o.name);
    const double deviation = o.value - other.value;
    // The "error" of a level is how far the eigensolver came, far below what a sample can tell.
    table += fmt::format(
        "{:<28} {:>22} {:>20.10g} {:>12.2e} {:>10}{}\n", o.name, with_error(o.value, o.error), other.value, deviation,
        std::abs(other.value) > 1e-10 ? fmt::format("{:.2e}", deviation / std::abs(other.value)) : std::string("-"),
        o.error > 0 && std::isfinite(o.error)
            ? fmt::format("   {:.1f} standard deviations", std::abs(deviation) / o.error)
            : std::string());
    all.push_back(fmt::format("{}: {{\"value\": {}, \"error\": {}, \"exact\": {}, \"deviation\": {}}}", quoted(o.name),
                              json_number(o.value), json_number(o.error), json_number(other.value),
                              json_number(deviation)));
  }
  std::vector<std::string> curves;
  const std::vector<StoredCurve> known_curves = read_curves(known, "curves");
  for (const StoredCurve& curve : read_curves(reader, "curves")) {
    const auto found = std::find_if(known_curves.begin(), known_curves.end(), [&](const StoredCurve& other) {
      return other.name == curve.name && other.value.size() == curve.value.size();
    });
    if (found == known_curves.end()) continue;
    double worst = 0;
    double in_errors = 0;
    for (std::size_t k = 0; k < curve.value.size(); ++k) {
      const double deviation = std::abs(curve.value[k] - found->value[k]);
      worst = std::max(worst, deviation);
      if (curve.error[k] > 0) in_errors = std::max(in_errors, deviation / curve.error[k]);
    }
    table += fmt::format(
        "{:<28} {:>22} {:>20} {:>12.2e}{}\n", curve.name, fmt::format("{} points", curve.value.size()), "largest",
        worst, in_errors > 0 ? fmt::format("   at most {:.1f} standard deviations", in_errors) : std::string());
    curves.push_back(fmt::format("{}: {}", quoted(curve.name), json_number(worst)));
  }
  if (json) {
    print_out(fmt::format("{{\"observables\": {{{}}}, \"curves\": {{{}}}}}\n", join(all), join(curves)));
  } else {
    if (!restricted.empty())
      table += fmt::format("note: the exact values are those of the lowest state with{}\n", restricted);
    print_out(all.empty() ? "the two files have no observable in common\n" : table);
  }
  return 0;
}

namespace {

/// Gives words and input to the plot script. Errors: UsageError for pictures of another kind, LibraryError without a
/// Python that can draw.
int draw(const std::string& picture, std::vector<std::string> arguments, const std::string& input) {
  const std::string suffix = picture.substr(std::min(picture.size(), picture.rfind('.')));
  if (suffix != ".png" && suffix != ".svg" && suffix != ".pdf") {
    throw UsageError(fmt::format(
        "{} is no picture that can be drawn\n  expected: --output FILE.png, FILE.svg or FILE.pdf", picture));
  }
  if (result_exists(picture) && !holds_something_else(picture))
    throw UsageError(
        fmt::format("{} is a koushi result file\n  expected: --output with the name of a picture", picture));
  const char* chosen = std::getenv("KOUSHI_PYTHON");
  const bool asked = chosen != nullptr && chosen[0] != 0;
  const std::vector<std::string> pythons =
      asked ? std::vector<std::string>{chosen} : std::vector<std::string>{"python3", "/usr/bin/python3"};
  for (const std::string& python : pythons) {
    if (call({python, "-c",
              "import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in ('h5py', "
              "'matplotlib')))"}) != 0)
      continue;
    std::vector<std::string> words{python, "-c", plot_script};
    words.insert(words.end(), arguments.begin(), arguments.end());
    words.push_back(picture);
    return call(words, input) == 0 ? 0 : 5;
  }
  throw LibraryError(fmt::format("plot needs a Python with h5py and matplotlib, which {} is not\n  expected: apt-get "
                                 "install python3-h5py python3-matplotlib, or KOUSHI_PYTHON naming one that has them",
                                 asked ? fmt::format("KOUSHI_PYTHON={}", chosen) : join(pythons, " or ")),
                     ErrorScope::uniform);
}

}  // namespace

int plot(const std::string& file, const std::string& picture) {
  const Communicator self = Communicator::self();
  if (const ResultReader reader(self, file); !reader.contains("history/energy") && reader.list("series").empty() &&
                                             reader.list("curves").empty() && !reader.contains("levels/energy")) {
    throw UsageError(
        fmt::format("{} has no history, series or curves to draw\n  expected: the file of an optimisation, of a "
                    "lattice field or of its analysis, not of a measurement alone",
                    file));
  }
  return draw(picture.empty() ? file.substr(0, file.rfind(".h5")) + ".png" : picture, {file}, "");
}

int report_many(const CompareOptions& options, bool csv) {
  const Comparison comparison = compare(options);
  print_out(csv ? comparison_csv(comparison) : comparison_table(comparison));
  return 0;
}

int plot_many(const CompareOptions& options, const std::string& picture) {
  const Comparison comparison = compare(options);
  if (options.y.empty())
    throw UsageError(
        fmt::format("a curve needs a name for its y axis\n  expected: --y with some of {}", join(comparison.y)));
  if (comparison.x.empty()) {
    throw UsageError(fmt::format(
        "a curve needs a key for its x axis: the files differ in {}\n  expected: --x with a numeric key of the deck",
        comparison.settings.empty() ? "no setting" : join(comparison.settings)));
  }
  return draw(picture.empty() ? join(comparison.y, "_") + ".png" : picture, {"--curves"}, comparison_json(comparison));
}

}  // namespace koushi
