// The program: reads the command line, starts the machinery, hands over to a study, and turns every error into an exit
// code.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <new>
#include <optional>

#include "job.hpp"
#include "koushi/analysis/analyses.hpp"
#include "koushi/app/program.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/bench/bench.hpp"
#include "koushi/foreign/import_deck.hpp"
#include "koushi/manybody/estimator.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/ending.hpp"
#include "koushi/parallel/session.hpp"
#include "koushi/study/catalogue.hpp"
#include "koushi/study/measurement.hpp"
#include "koushi/study/model.hpp"
#include "koushi/study/nersc.hpp"
#include "koushi/study/provenance.hpp"
#include "koushi/study/stop_request.hpp"
#include "koushi/study/study.hpp"
#include "processor.hpp"
#include "report.hpp"
#include "scan.hpp"

namespace {

using namespace koushi;

struct CommandLine {
  std::string deck;
  std::vector<std::string> sets;
  std::string output;
  std::string time_limit;
  std::string time;
  std::string array;
  bool gpus = false;
  std::string name;
  CompareOptions compare;
  bool csv = false;
  bool resume = false;
  bool overwrite = false;
  bool json = false;
  bool row = false;
  bool reference = false;
  int ranks = 0;
  int point = -1;  ///< of [scan]; -1: all
  std::string petsc_options;
  std::string against;
};

/// Takes PETSc's options (-sr_NAME [VALUE], -exact_NAME [VALUE], -log_view [:FILE]) out of the words of the command line.
std::string take_petsc_options(std::vector<std::string>& words) {
  std::string taken;
  for (std::size_t at = 0; at < words.size();) {
    const bool log = words[at] == "-log_view";
    const bool option = log || words[at].rfind("-sr_", 0) == 0 || words[at].rfind("-exact_", 0) == 0;
    const bool value =
        at + 1 < words.size() && (log ? words[at + 1].rfind(':', 0) == 0 : words[at + 1].rfind('-', 0) != 0);
    if (option) {
      for (std::size_t count = value ? 2 : 1; count > 0; --count) {
        taken += words[at] + " ";
        words.erase(words.begin() + static_cast<std::ptrdiff_t>(at));
      }
    } else {
      ++at;
    }
  }
  return taken;
}

/// The root reads, all ranks get the text.
std::optional<std::string> read_file(const Communicator& comm, const std::string& file) {
  std::optional<std::string> content;
  if (comm.is_root()) content = read_file_here(file);
  if (comm.broadcast(content ? 1 : 0) == 0) return std::nullopt;
  std::string text = content.value_or("");
  comm.broadcast(text);
  return text;
}

std::string read_deck(const Communicator& comm, const std::string& file) {
  const auto text = read_file(comm, file);
  if (!text)
    throw UsageError(fmt::format("{}: error: the deck cannot be opened\n  expected: a readable TOML file", file));
  return *text;
}

/// Lists in files beside the deck are read by the root once for all ranks.
Runs runs_of(const Communicator& comm, const std::string& text, const CommandLine& line,
             const std::vector<std::string>& sets, int point, const std::string& output = "") {
  const FileReader read = [&comm](const std::string& file) { return read_file(comm, file); };
  const auto parse_at = [&](std::size_t k, const std::vector<std::string>& more) {
    std::vector<std::string> all = sets;
    all.insert(all.end(), more.begin(), more.end());
    return parse_scanned(text, line.deck, all, catalogue(), k, read);
  };
  return scan_runs(parse_at, point, line.deck, output);
}

/// The nearer of --time-limit and the end of the Slurm job.
double time_limit(const Communicator& comm, const std::string& asked) {
  std::string warning;
  double limit = slurm_time_left(
      std::getenv("SLURM_JOB_END_TIME"),
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(), warning);
  if (comm.is_root() && !warning.empty()) print_out(fmt::format("warning: {}\n", warning));
  if (asked.empty()) return limit;
  const double own = parse_duration(asked);
  if (own <= 0)
    throw UsageError(
        fmt::format("--time-limit {} is not a duration\n  expected: as 1:30:00, 90m or \"30 min\"", asked));
  return std::min(limit, own);
}

int run(const Communicator& comm, const CommandLine& line) {
  const double limit = time_limit(comm, line.time_limit);
  const Runs runs = runs_of(comm, read_deck(comm, line.deck), line, line.sets, line.point, line.output);
  RunOptions options{line.output,
                     line.resume      ? ExistingResult::resume
                     : line.overwrite ? ExistingResult::overwrite
                                      : ExistingResult::refuse,
                     limit, line.petsc_options};
  const auto run_one = [&comm](const Deck& deck, const RunOptions& here) {
    return studies().of(deck).run(comm, deck, here);
  };
  if (line.point >= 0 && options.output.empty()) options.output = runs.file(static_cast<std::size_t>(line.point), "");
  if (runs.is_scan()) {
    // what is wrong with a later point is said before the first one runs
    for (const Deck& deck : runs.decks) studies().of(deck).describe(comm, deck, 0);
  }
  const int code = runs.is_scan() ? run_scan(comm, runs, options, run_one) : run_one(runs.decks[0], options);
  if (std::ferror(stdout) != 0) {  // the result is in its file
    print_error("warning: the standard output cannot be written\n");
    std::clearerr(stdout);
  }
  return code;
}

/// What `koushi check` says of a deck, or of all points of its scan.
RunEstimate estimate_run(const Communicator& comm, const Runs& runs, int ranks) {
  const auto one = [&](const Deck& deck) { return studies().of(deck).describe(comm, deck, ranks); };
  if (runs.is_scan()) return estimate_scan(runs, one);
  RunEstimate estimate = one(runs.decks[0]);
  if (estimate.seconds > 0) estimate.text += fmt::format("whole run    about {}\n", format_seconds(estimate.seconds));
  return estimate;
}

int check(const Communicator& comm, const CommandLine& line) {
  const Runs runs = runs_of(comm, read_deck(comm, line.deck), line, line.sets, line.point);
  const RunEstimate estimate = estimate_run(comm, runs, line.ranks);
  if (comm.is_root()) print_out(fmt::format("{}\n{}", runs.decks[0].resolved(), estimate.text));
  return estimate.rejection.empty() ? 0 : 2;
}

int job(const Communicator& comm, const CommandLine& line) {
  const std::string text = read_deck(comm, line.deck);
  JobOptions options{line.deck, line.sets, line.ranks, line.time, !line.array.empty(), line.gpus, line.output, {}};
  if (options.array && line.array != "scan") {
    if (!runs_of(comm, text, line, line.sets, -1).points.empty())
      throw UsageError(
          fmt::format("--array {}: {} has a [scan] already\n  expected: --array scan", line.array, line.deck));
    options.sets.push_back(scan_override(line.array));
  }
  const Runs runs = runs_of(comm, text, line, options.sets, -1);
  if (options.array && runs.continues)
    throw UsageError(
        "--array: with scan.continue = true a point waits for the one before it\n  expected: no --array, or "
        "scan.continue = false");
  options.scan = runs.points;
  write_job(comm, options,
            [&](int point) { return estimate_run(comm, runs_of(comm, text, line, options.sets, point), line.ranks); });
  return 0;
}

int bench(const Communicator& world, const std::string& only, bool json) {
  const std::vector<BenchRow> rows = run_bench(world, only);
  if (world.is_root()) print_out(bench_text(rows, json));
  return 0;
}

/// Where a deck names its observables.
constexpr const char* observables_key = "observable";

int list() {
  for (const auto& [section, kind] : all_kinds(catalogue())) {
    if (!kind->name.empty()) print_out(fmt::format("{:<27}{:<27}{}\n", section, kind->name, kind->help));
  }
  for (const Section::Kind& kind : estimators().declared())
    print_out(fmt::format("{:<27}{:<27}{}\n", observables_key, kind.name, kind.help));
  return 0;
}

/// An observable of ground states with its keys, below [study] measure.
std::string describe_observable(const Section::Kind& kind) {
  Section::Kind own{"", "", {}};
  for (const Key& key : observable_keys()) {
    if (key.path.rfind("measure." + kind.name + ".", 0) == 0) own.keys.push_back(key);
  }
  const std::string keys = describe(own, "study");
  return fmt::format("[study] measure.observables = [\"{}\"]  {}\n", kind.name, kind.help) +
         keys.substr(keys.find('\n') + 1);
}

int describe_name(const CommandLine& line) {
  if (line.reference) {
    print_out(deck_reference(catalogue()));
    return 0;
  }
  if (line.name.empty())
    throw UsageError("describe needs a name\n  expected: one that `koushi list` shows, a section, or --reference");
  std::vector<std::string> names;
  std::string found;
  for (const auto& [section, kind] : all_kinds(catalogue())) {
    if (section.empty()) continue;
    names.push_back(section);
    if (!kind->name.empty()) names.push_back(kind->name);
    if (line.name == section || line.name == kind->name) found += describe(*kind, section);
  }
  for (const Section::Kind& kind : estimators().declared()) {
    names.push_back(kind.name);
    if (line.name == kind.name || line.name == observables_key) found += describe_observable(kind);
  }
  if (!found.empty()) {
    print_out(found);
    return 0;
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  throw UsageError(
      fmt::format("\"{}\" is unknown\n  expected: one of {}{}", line.name, join(names), hint(line.name, names)));
}

/// A deck of a study with the kinds and keys of --set, which are checked as those of any deck.
int print_template(const CommandLine& line) {
  const StudyKind* const study = studies().find(line.name);
  std::vector<std::string> settings = study != nullptr ? study->template_settings : std::vector<std::string>{};
  settings.insert(settings.end(), line.sets.begin(), line.sets.end());
  const std::string text = deck_template(catalogue(), line.name, settings);
  Deck::parse(text, "template", line.sets, catalogue());
  print_out(text);
  return 0;
}

/// A deck from an input file of another program, which is checked as any deck.
int import_foreign(const std::string& file, bool as_terms) {
  const std::string text = import_deck(file, read_file_here, as_terms);
  const Deck deck = Deck::parse(text, "the deck made of " + file, {}, catalogue());
  const Lattice lattice = make_lattice(deck);
  const Operator h = make_hamiltonian(deck, lattice);
  if (deck.has("sampler.kind")) make_wavefunction(deck, lattice, h);
  print_out(text);
  return 0;
}

int obey(int argc, char** argv, const Communicator& comm) {
  CommandLine line;
  CLI::App app(
      "koushi: ground states of lattice spins by neural-network variational Monte Carlo, and lattice field theories by "
      "Markov chains");
  app.require_subcommand(0, 1);
  bool version = false;
  app.add_flag("--version", version, "versions of koushi and its libraries");
  CLI::App* run_command = app.add_subcommand("run", "run a deck");
  CLI::App* check_command = app.add_subcommand("check", "check a deck and say what it would need");
  CLI::App* job_command = app.add_subcommand("job", "a script for sbatch, with what the run will take");
  for (CLI::App* command : {run_command, check_command, job_command}) {
    command->add_option("deck", line.deck, "input deck (TOML)")->required();
    command->add_option("--set", line.sets, "override a key: --set section.key=value")->allow_extra_args(false);
  }
  for (CLI::App* command : {run_command, check_command})
    command->add_option("--point", line.point, "one point of the deck's [scan], counted from 0")
        ->check(CLI::Range(0, 1000000));
  check_command->add_option("--ranks", line.ranks, "memory and time per step on so many ranks")
      ->check(CLI::Range(1, 1000000));
  job_command->add_option("--ranks", line.ranks, "one per core, or per GPU")->required()->check(CLI::Range(1, 1000000));
  job_command->add_option("--time", line.time, "of the job, as 1:30:00, 90m or \"2 d\"")->required();
  job_command->add_option(
      "--array", line.array,
      "an array of runs: --array section.key=value,value,..., or --array scan for the points of the deck's [scan]");
  job_command->add_flag("--gpus", line.gpus, "one GPU per rank");
  job_command->add_option("--output", line.output, "the script, instead of the standard output");
  run_command->add_option("--output", line.output,
                          "result file instead of the deck's; of a scan its points take their names from it");
  run_command->add_option("--time-limit", line.time_limit,
                          "checkpoint and stop (exit 75) in time to end within this: 1:30:00, 90m, 5400s; the end of a "
                          "Slurm job is known anyway");
  CLI::Option* resume = run_command->add_flag("--resume", line.resume, "go on from the last checkpoint");
  run_command->add_flag("--overwrite", line.overwrite, "start anew although there is a result")->excludes(resume);
  CLI::App* list_command = app.add_subcommand("list", "all kinds that a deck can name");
  CLI::App* describe_command = app.add_subcommand("describe", "the keys of a kind or section");
  describe_command->add_option("name", line.name, "as in `koushi list`");
  describe_command->add_flag("--reference", line.reference, "all of them, as a page");
  CLI::App* template_command = app.add_subcommand("template", "a deck to start from");
  std::vector<std::string> studies;
  for (const Section& section : catalogue()) {
    if (section.name != "study") continue;
    for (const auto& kind : section.kinds) studies.push_back(kind.name);
  }
  template_command->add_option("study", line.name, "one of " + join(studies))
      ->required()
      ->check(CLI::IsMember(studies));
  template_command
      ->add_option("--set", line.sets,
                   "choose a kind, --set hamiltonian.kind=heisenberg, or give a key its value; may be repeated")
      ->allow_extra_args(false);
  CLI::App* bench_command = app.add_subcommand("bench", "rates of the kernels beside the limits of this machine");
  bench_command->add_flag("--json", line.json, "as JSON");
  bench_command->add_option("--only", line.name,
                            "rows whose name contains these words, with the limits that they are fractions of");
  CLI::App* report_command = app.add_subcommand("report", "the results in a file");
  report_command->add_flag("--json", line.json, "as JSON, of one file");
  report_command->add_flag("--row", line.row,
                           "one line of JSON per file, of ground states: Hamiltonian, energy, variance, V-score, "
                           "parameters, time");
  report_command->add_flag("--csv", line.csv, "as comma-separated values");
  report_command
      ->add_option("--against", line.against,
                   "of one file: deviations from the exact values in this result file, of a run with study.kind = "
                   "\"exact\"")
      ->allow_extra_args(false);
  CLI::App* import_command = app.add_subcommand(
      "import", "a deck from an input file of mVMC or HPhi: stan.in, or namelist.def with its lists");
  std::string foreign;
  bool as_terms = false;
  import_command->add_option("file", foreign, "the standard input of StdFace, or the list of expert files")->required();
  import_command->add_flag("--terms", as_terms, "write H term by term, also where a Hamiltonian of koushi is the same");
  CLI::App* export_command = app.add_subcommand("export", "SU(3) links of a result file in NERSC's format");
  std::string source;
  std::string target;
  long sweep = -1;
  long replica = 0;
  export_command->add_option("file", source, "result file")->required();
  export_command->add_option("target", target, "file to be written")->required();
  export_command->add_option("--sweep", sweep, "a saved configuration; the last one if not given")
      ->check(CLI::Range(0L, 1000000000000L));
  export_command->add_option("--replica", replica, "of several, counted from 0")->check(CLI::Range(0L, 1000000L));
  CLI::App* plot_command = app.add_subcommand("plot", "a picture of a run (PNG, SVG or PDF)");
  for (CLI::App* command : {report_command, plot_command}) {
    command->add_option("files", line.compare.files, "result file; several give a table, or curves")->required();
    command
        ->add_option("--x", line.compare.x,
                     "of several files: a numeric key of their decks, as action.beta or lattice.extents.0")
        ->allow_extra_args(false);
    command->add_option("--y", line.compare.y, "of several files: observables, as binder,susceptibility")
        ->delimiter(',')
        ->allow_extra_args(false);
  }
  plot_command->add_option("--output", line.output, "picture; its suffix chooses the format");
  for (CLI::App* command : {run_command, job_command, plot_command}) {
    command->get_option("--output")
        ->check([](const std::string& name) { return name.empty() ? "it is empty; a variable that is not set?" : ""; },
                "");
  }
  try {
    std::vector<std::string> words(argv + 1, argv + argc);
    line.petsc_options = take_petsc_options(words);
    std::vector<const char*> arguments{argv[0]};
    for (const std::string& word : words) arguments.push_back(word.c_str());
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    if (comm.is_root()) print_out(chosen.empty() ? app.help() : chosen.front()->help("koushi"));
    return 0;
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{}\n  expected: see koushi --help", error.what()));
  }
  if (*run_command) return run(comm, line);
  if (*check_command) return check(comm, line);
  if (*job_command) return job(comm, line);
  if (*bench_command) return bench(comm, line.name, line.json);
  if (!comm.is_root()) return 0;
  if (version) {
    print_out(version_text());
    return 0;
  }
  if (*template_command) return print_template(line);
  if (*list_command) return list();
  if (*describe_command) return describe_name(line);
  if (*report_command && line.row) {
    if (line.json || line.csv || !line.against.empty() || !line.compare.x.empty() || !line.compare.y.empty())
      throw UsageError("--row stands alone\n  expected: koushi report FILES --row");
    for (const std::string& file : line.compare.files) print_benchmark_row(file);
    return 0;
  }
  const bool many = line.compare.files.size() > 1 || line.csv || !line.compare.x.empty() || !line.compare.y.empty();
  if (many && line.json)
    throw UsageError("--json is the report of one file\n  expected: --csv for several files and for --x or --y");
  if (*import_command) return import_foreign(foreign, as_terms);
  if (*export_command) return export_nersc(source, target, sweep, replica);
  if (*report_command && !line.against.empty()) {
    if (many)
      throw UsageError(
          "--against compares one file, as a table or as JSON\n  expected: koushi report RUN.h5 --against EXACT.h5");
    return report_against(line.compare.files[0], line.against, line.json);
  }
  if (*report_command) return many ? report_many(line.compare, line.csv) : report(line.compare.files[0], line.json);
  if (*plot_command) return many ? plot_many(line.compare, line.output) : plot(line.compare.files[0], line.output);
  print_out(app.help());
  return 2;
}

/// Says what went wrong on this rank and ends all of them; the code where they end together, for errors of which all
/// know.
int leave(const std::string& message, int code, ErrorScope scope) {
  std::vector<std::string> lines = split_lines(message);
  for (std::string& line : lines) line = without_controls(line);
  const std::string what = join(lines, "\n");
  constexpr double patience = 5;  // then the others wait for this rank at some other place
  const auto [rank, size] = world_rank();
  const bool together = scope == ErrorScope::uniform || size == 1;
  if (together && rank == 0) print_error(what + "\n");
  if (together && all_arrive(patience)) return code;
  if (!together || rank != 0) print_error(fmt::format("rank {}: {}\n", rank, what));
  abort_all_ranks(code);
  return code;
}

/// A descriptor that is closed would be given to the next file, and what is printed would end there.
void open_standard_streams() {
  int descriptor = 0;
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = open("/dev/null", O_RDWR);
  close(descriptor);
}

int run_all(int argc, char** argv, const Additions& additions) {
  Session session(argc, argv);
  try {
    for (const HamiltonianKind& kind : additions.hamiltonians) hamiltonians().add(kind);
    for (const FactorKind& kind : additions.factors) factors().add(kind);
    for (const ActionKinds::OneKind& kind : additions.actions) action_kinds().add(kind);
    for (const UpdaterKinds::OneKind& kind : additions.updaters) updater_kinds().add(kind);
    for (const EstimatorKinds::OneKind& kind : additions.estimators) estimators().add(kind);
    add_analyses();  // studies name what they measure: estimators come before
    for (const StudyKind& kind : additions.studies) studies().add(kind);
    const Communicator comm = Communicator::world();
    const int code = obey(argc, argv, comm);
    if (std::ferror(stdout) != 0) throw LibraryError("the standard output cannot be written", ErrorScope::uniform);
    all_arrive(std::numeric_limits<double>::infinity());
    return code;
  } catch (const Error& error) {
    return leave(error.what(), error.exit_code(), error.scope());
  } catch (const std::exception& error) {
    const std::string what = error.what();
    // of Kokkos
    const bool memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
                        what.find("memory space failed to allocate") != std::string::npos;
    if (!memory) return leave(what, 70, ErrorScope::local);
    return leave(fmt::format("out of memory ({})\n  expected: more ranks or nodes, or a smaller problem; `koushi check "
                             "DECK --ranks N` says what it needs",
                             what),
                 5, ErrorScope::local);
  }
}

}  // namespace

namespace koushi {

int run_program(int argc, char** argv, const Additions& additions) {
  require_processor();
  open_standard_streams();
  // readers that go away and files that may not grow are no end of a run
  for (const int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  stop_on({SIGUSR1});  // may come while libraries start
  try {
    return run_all(argc, argv, additions);
  } catch (const std::exception& error) {
    print_error(fmt::format("koushi cannot start: {}\n", error.what()));
  }
  return 5;
}

}  // namespace koushi
