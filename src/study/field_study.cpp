#include "field_study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "field_warnings.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/memory.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/deck/resolved.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/field/ladder.hpp"
#include "koushi/field/replica_exchange.hpp"
#include "koushi/store/damaged_file.hpp"
#include "koushi/study/catalogue.hpp"
#include "koushi/study/field_chain.hpp"
#include "koushi/study/known_value.hpp"
#include "koushi/study/nersc.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

/// Random numbers of a sweep: every update of every updater has a step of its own.
constexpr std::uint64_t updates_per_sweep = 8192;

class FieldStudy {
 public:
  FieldStudy(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        run_(comm, deck, options),
        ladder_(make_ladder(deck)),
        grid_(make_grid(comm, deck)),
        warm_up_(deck.integer("study.warm_up")),
        every_(deck.integer("study.every")),
        n_measurements_(deck.integer("study.measurements")),
        save_every_(deck.integer("study.save_every")),
        has_reference_(deck.has("study.reference.observable") && keys_without_reference(deck).empty()) {
    if (save_every_ > n_measurements_)
      deck.refuse("study.save_every", fmt::format("of {} measurements none is the {}th", n_measurements_, save_every_),
                  fmt::format("0 (none) to {}", n_measurements_));
    make_chains();
    if (!deck.has("study.reference.observable")) return;
    std::vector<std::string> names;
    for (const Observable& o : own().observables()) names.push_back(o.name);
    // other models measure other things
    const bool named_here =
        has_reference_ || keys_without_reference(deck).find("reference.observable") != std::string::npos;
    if (named_here) refuse_unknown_reference(deck, names, "measured");
    if (has_reference_ && !deck.has("study.reference.value"))
      deck.refuse("study.reference.value", "it is missing", "the known value of reference.observable");
  }

  RunEstimate describe(int ranks);

  int run() {
    const StudyRun::Begin begin = run_.begin([this](const ResultReader& reader) { resume(reader); });
    if (begin == StudyRun::Begin::done) return 0;
    if (begin == StudyRun::Begin::fresh) {
      for (const auto& chain : chains_) start(chain->theory());
    }
    const std::int64_t last = warm_up_ + n_measurements_ * every_;
    Progress progress(comm_.is_root(), sweep_, last, "sweep");
    run_.start();
    while (sweep_ < last) {
      sweep();
      ++sweep_;
      if (sweep_ > warm_up_ && (sweep_ - warm_up_) % every_ == 0) {
        for (const auto& chain : chains_) chain->measure(sweep_, save_every_);
        run_.phases().lap("measurements");
      }
      progress.step(sweep_, status());
      if (checkpoint_if_due(sweep_ == last || must_make_room()))
        return run_.stopped(progress, fmt::format("sweep {}", sweep_));
    }
    for (std::size_t k = 0; k < chains_.size(); ++k) {
      const std::string where = exchange_ ? fmt::format(" ({} = {})", ladder_.parameter, ladder_.values[k]) : "";
      issue_field_warnings(
          *chains_[k], grid_.n_replicas(), warm_up_,
          deck_.integers("lattice.extents")[0] * chains_[k]->spacing().value_or(1),
          [&](const std::string& kind, const std::string& text) { run_.warn(progress, kind + where, text); });
    }
    watch_exchange(progress);
    run_.checkpoint("done", [this](ResultWriter& writer) { write(writer); });
    if (comm_.is_root()) print_out(fmt::format("{}\n{}", result_text(), run_.phases().text()));
    return 0;
  }

 private:
  const FieldChain& own() const { return *chains_[ladder_.own]; }

  /// One chain, or one per rung of the ladder.
  void make_chains() {
    if (ladder_.updater < 0) {
      chains_.push_back(std::make_unique<FieldChain>(deck_, grid_, ""));
      return;
    }
    for (std::size_t k = 0; k < ladder_.rungs(); ++k) {
      try {
        // bounds of the key
        Deck::parse(deck_.resolved(), "deck", {fmt::format("{}={}", ladder_.parameter, ladder_.values[k])},
                    catalogue());
        chains_.push_back(std::make_unique<FieldChain>(deck_.with(ladder_.parameter, ladder_.values[k]), grid_,
                                                       k == ladder_.own ? "" : fmt::format("ladder/{}/", k)));
      } catch (const DeckError& error) {
        if (k == ladder_.own) throw;
        const auto [problem, expected] = problem_and_expected(error.what());
        deck_.refuse(fmt::format("updater.{}.values", ladder_.updater),
                     fmt::format("at {} = {}: {}", ladder_.parameter, ladder_.values[k],
                                 problem.substr(problem.find("error: ") + 7)),
                     expected);
      }
      theories_.push_back(&chains_.back()->theory());
    }
    exchange_ = std::make_unique<ReplicaExchange>(ladder_.rungs(), grid_.n_replicas(),
                                                  static_cast<std::uint64_t>(deck_.integer("seed")));
  }

  /// Number of an update in the random numbers: the sweeps of the rungs stand one after the other, so that no two take
  /// the same.
  std::uint64_t step_of(std::size_t rung, std::uint64_t update) const {
    return (static_cast<std::uint64_t>(sweep_) * chains_.size() + rung) * updates_per_sweep + update;
  }

  void sweep() {
    std::uint64_t update = 0;
    for (int k = 0; k < deck_.count("updater"); ++k) {
      const std::string at = fmt::format("updater.{}.", k);
      const std::int64_t repetitions = deck_.integer(at + "repetitions");
      if (k == ladder_.updater) {
        double accepted = 0;
        for (std::int64_t n = 0; n < repetitions; ++n) {
          accepted +=
              exchange_->update(theories_, step_of(0, update + static_cast<std::uint64_t>(n)), sweep_ >= warm_up_) /
              static_cast<double>(repetitions);
        }
        chains_[ladder_.own]->history().add(fmt::format("acceptance_{}", k), "",
                                            "accepted part of the exchanges that were tried", accepted);
      } else {
        for (std::size_t rung = 0; rung < chains_.size(); ++rung)
          chains_[rung]->update(static_cast<std::size_t>(k), step_of(rung, update), sweep_ < warm_up_);
      }
      update += static_cast<std::uint64_t>(repetitions);
      Kokkos::fence("koushi::study::updated");
      run_.phases().lap(deck_.text(at + "kind"),
                        static_cast<double>(grid_.view().volume()) * grid_.view().n_replicas *
                            static_cast<double>(repetitions) * static_cast<double>(chains_.size()),
                        "sites/rank");
    }
  }

  std::string status() const {
    std::string text = own().measured() == 0 ? "warm-up" : fmt::format("S/V {:.6f}", own().last_action_density());
    text += fmt::format("  acceptance {:.3f}",
                        own().history().values(ladder_.updater == 0 ? "acceptance_1" : "acceptance_0").back());
    if (exchange_)
      text += fmt::format("  exchanges of {} rungs {:.3f}", chains_.size(),
                          own().history().values(fmt::format("acceptance_{}", ladder_.updater)).back());
    return text;
  }

  void watch_exchange(Progress& progress) {
    std::vector<std::string> poor;
    const std::vector<double> acceptance = exchange_ ? exchange_->acceptance() : std::vector<double>{};
    for (std::size_t k = 0; k < acceptance.size(); ++k) {
      if (acceptance[k] < 0.1)
        poor.push_back(
            fmt::format("{:.3f} between {} and {}", acceptance[k], ladder_.values[k], ladder_.values[k + 1]));
    }
    if (!poor.empty()) {
      run_.warn(progress, "exchange",
                fmt::format("an acceptance below 0.1 cuts the ladder: {}; remedy: values of {} that stand closer there",
                            join(poor), ladder_.parameter));
    }
  }

  bool checkpoint_if_due(bool now) {
    bool written = false;
    const bool stop = run_.checkpoint_if_due(now, [&](ResultWriter& writer) {
      write(writer);
      written = true;
    });
    if (written) {
      for (const auto& chain : chains_) chain->checkpointed();
    }
    return stop;
  }

  /// Whether configurations that were saved since the last checkpoint take so much memory that another should give it
  /// back: 256 MiB of a rank, and three of them, since every checkpoint copies all earlier ones.
  bool must_make_room() const {
    double bytes = 0;
    for (const auto& chain : chains_) bytes += chain->waiting_bytes();
    return bytes > 256.0 * (1 << 20) && own().waiting() >= 3;
  }

  /// The first configuration: of another file, or as the theory makes it.
  void start(FieldTheory& theory) {
    theory.start(static_cast<std::uint64_t>(deck_.integer("seed")), deck_.real("study.start"));
    if (!deck_.has("study.initial")) {
      if (deck_.has("study.initial_sweep"))
        deck_.refuse("study.initial_sweep", "a sweep of no file", "initial = the file that holds it");
      return;
    }
    const std::string file = deck_.text("study.initial");
    const ArrayBox box = theory.box();
    if (is_nersc(file)) {
      if (deck_.has("study.initial_sweep"))
        deck_.refuse("study.initial_sweep", file + " holds one configuration",
                     "no initial_sweep beside links in NERSC's format");
      theory.set_configuration(read_links(file, box));
      return;
    }
    try {
      const ResultReader reader(comm_, file);
      const std::string path = deck_.has("study.initial_sweep")
                                   ? fmt::format("configurations/{}", deck_.integer("study.initial_sweep"))
                                   : "state/field";
      if (!reader.contains(path)) {
        const std::vector<std::string> saved = reader.list("configurations");
        deck_.refuse("study.initial", fmt::format("{} has no {}", file, path),
                     saved.empty() ? "a lattice-field run" : "one of the sweeps " + join(saved));
      }
      if (reader.contains("lattice/shape") && reader.read_integers("lattice/shape") != box.shape) {
        deck_.refuse("study.initial",
                     fmt::format("{} holds [{}] numbers (replicas, components, extents), this field is [{}]", file,
                                 fmt::join(reader.read_integers("lattice/shape"), ", "), fmt::join(box.shape, ", ")),
                     "a field of the same kind and size");
      }
      refuse_other_fields(file, reader.read_text("deck/resolved"));
      const std::string theirs = variables_of(file, reader.read_text("deck/resolved"));
      if (theirs == field_action(deck_).variables) {
        theory.read(reader, path);
        return;
      }
      if (!theirs.empty() && path != "state/field")
        deck_.refuse(
            "study.initial_sweep",
            fmt::format("{} are of networks in {}, of which {} keeps the last field alone", path, theirs, file),
            fmt::format("path.variables = \"{}\", or no initial_sweep", theirs));
      theory.set_field(reader.read_box(theirs.empty() ? path : "state/output", box));
    } catch (const DamagedFile&) {
      throw;
    } catch (const StoreError& error) {
      deck_.refuse("study.initial", error.what(), "the result file of a lattice-field run, or links in NERSC's format");
    }
  }

  static std::string variables_of(const std::string& file, const std::string& resolved) {
    return field_action(Deck::parse_resolved(resolved, file + ", /deck/resolved", {}, catalogue())).variables;
  }

  /// Numbers of another kind of field are no configuration of this one.
  void refuse_other_fields(const std::string& file, const std::string& resolved) const {
    const Deck other = Deck::parse_resolved(resolved, file + ", /deck/resolved", {}, catalogue());
    const FieldAction theirs = field_action(other);
    const FieldAction ours = field_action(deck_);
    std::vector<std::string> keys = ours.configuration_keys;
    if (theirs.configuration != ours.configuration) keys = {"kind"};
    for (const std::string& key : keys) {
      const std::string path = "action." + key;
      const std::string there = value_of(resolved_keys(resolved), path);
      const std::string here = value_of(resolved_keys(deck_.resolved()), path);
      if (there == here) continue;
      deck_.refuse("study.initial", fmt::format("{} holds a field of {} = {}", file, path, there),
                   fmt::format("{} = {}", path, here));
    }
  }

  /// This rank's links of a file in NERSC's format, in every replica.
  std::vector<double> read_links(const std::string& file, const ArrayBox& box) {
    try {
      const LinkConfiguration c = read_nersc(file);
      const bool fits = box.shape.size() == 6 && box.shape[1] == 72 &&
                        std::equal(c.extents.begin(), c.extents.end(), box.shape.begin() + 2);
      if (!fits) {
        deck_.refuse("study.initial",
                     fmt::format("{} holds SU(3) links on {} sites", file, fmt::join(c.extents, " x ")),
                     "action.kind = \"wilson\", group = \"su3\", and those extents");
      }
      std::vector<double> local;
      for (std::int64_t r = 0; r < box.count[0]; ++r) {  // every replica begins there
        for (std::int64_t k = 0; k < 72; ++k) {
          for (std::int64_t t = 0; t < box.count[2]; ++t) {
            for (std::int64_t z = 0; z < box.count[3]; ++z) {
              for (std::int64_t y = 0; y < box.count[4]; ++y) {
                const std::int64_t row =
                    (((k * box.shape[2] + box.first[2] + t) * box.shape[3] + box.first[3] + z) * box.shape[4] +
                     box.first[4] + y) *
                        box.shape[5] +
                    box.first[5];
                for (std::int64_t x = 0; x < box.count[5]; ++x)
                  local.push_back(c.links[static_cast<std::size_t>(row + x)]);
              }
            }
          }
        }
      }
      return local;
    } catch (const StoreError& error) {
      deck_.refuse("study.initial", error.what(), "the result file of a lattice-field run, or links in NERSC's format");
    }
  }

  void write(ResultWriter& writer) const;
  void write_ladder(ResultWriter& writer) const;
  void resume(const ResultReader& reader);
  std::string result_text() const;
  std::string ladder_text() const;
  /// Sweeps that one copy takes from one end of the ladder to the other and back, on average; infinite before the first
  /// has done so.
  double round_trip_sweeps() const {
    return static_cast<double>(sweep_ - warm_up_) * static_cast<double>(grid_.n_replicas()) *
           static_cast<double>(ladder_.rungs()) / exchange_->round_trips();
  }

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  Ladder ladder_;
  Grid grid_;
  std::vector<std::unique_ptr<FieldChain>> chains_;  ///< by rung
  std::vector<FieldTheory*> theories_;               ///< theirs
  std::unique_ptr<ReplicaExchange> exchange_;        ///< null without a ladder
  std::int64_t warm_up_;
  std::int64_t every_;
  std::int64_t n_measurements_;
  std::int64_t sweep_ = 0;
  std::int64_t save_every_;
  bool has_reference_;  ///< of what is run
};

void FieldStudy::write(ResultWriter& writer) const {
  writer.write("summary/n_sites", std::vector<std::int64_t>{grid_.n_sites()});
  writer.write("summary/steps", std::vector<std::int64_t>{sweep_});
  if (has_reference_) write_reference(writer, deck_, "value", deck_.text("study.reference.observable"));
  writer.write("state/sweep", std::vector<std::int64_t>{sweep_});
  for (const auto& chain : chains_) chain->write(writer);
  writer.write("lattice/shape", own().theory().box().shape);
  writer.describe("lattice/shape", "", "of state/field and configurations/*: replicas, components, extents");
  if (exchange_) write_ladder(writer);
}

void FieldStudy::write_ladder(ResultWriter& writer) const {
  exchange_->write(writer, "state/exchange");
  const auto add = [&writer](const std::string& name, const std::vector<double>& values, const std::string& unit,
                             const std::string& help) { write_reals(writer, "ladder/" + name, values, unit, help); };
  writer.write("ladder/parameter", ladder_.parameter);
  add("values", ladder_.values, "lattice units", ladder_.parameter);
  writer.write("ladder/own", std::vector<std::int64_t>{static_cast<std::int64_t>(ladder_.own)});
  writer.describe("ladder/own", "",
                  "the rung of [action]: its results stand at the top of the file, those of rung K below ladder/K");
  add("acceptance", exchange_->acceptance(), "",
      "accepted part of the exchanges of rungs k and k + 1 after the warm-up");
  writer.write("ladder/journeys", exchange_->traversals());
  writer.describe("ladder/journeys", "",
                  "[replica * rungs + copy] how often it came to one end of the ladder from the other after the "
                  "warm-up; copies are numbered by their first rung");
  add("round_trips", {exchange_->round_trips()}, "", "half of all journeys");
  add("round_trip_sweeps", {exchange_->round_trips() > 0 ? round_trip_sweeps() : std::nan("")}, "sweeps",
      "of one copy from one end of the ladder to the other and back, on average");
  if (own().measured() == 0) return;
  for (std::size_t o = 0; o < own().observables().size(); ++o) {
    std::vector<double> values;
    std::vector<double> errors;
    for (const auto& chain : chains_) {
      const Estimate e = chain->estimate(chain->observables()[o]);
      values.push_back(e.value);
      errors.push_back(chain->quoted_error(chain->observables()[o], e));
    }
    const Observable& observable = own().observables()[o];
    write_curve(writer, "ladder/curves",
                {observable.name, ladder_.values, values, errors, ladder_.parameter, observable.help,
                 FieldChain::error_help, observable.unit, observable.symbol});
  }
  writer.write("ladder/table", ladder_text());
}

void FieldStudy::resume(const ResultReader& reader) {
  sweep_ = reader.read_integers("state/sweep").at(0);
  for (const auto& chain : chains_) chain->read(reader, std::max<std::int64_t>(0, (sweep_ - warm_up_) / every_));
  if (exchange_) exchange_->read(reader, "state/exchange");
  if (comm_.is_root()) print_out(fmt::format("resumed {} at sweep {}\n", run_.file(), sweep_));
}

std::string FieldStudy::ladder_text() const {
  std::string text =
      fmt::format("ladder of {} rungs, {} replicas: {:.1f} round trips of a copy{}\n", ladder_.rungs(),
                  grid_.n_replicas(), exchange_->round_trips(),
                  exchange_->round_trips() > 0 ? fmt::format(", one in {:.0f} sweeps", round_trip_sweeps()) : "");
  std::vector<std::string> x;
  std::vector<std::pair<std::string, std::vector<std::string>>> columns{{"exchanged with the next", {}}};
  for (const double value : ladder_.values) x.push_back(fmt::format("{:.8g}", value));
  for (const double a : exchange_->acceptance()) columns[0].second.push_back(fmt::format("{:.3f}", a));
  columns[0].second.emplace_back("");
  for (std::size_t o = 0; o < own().observables().size(); ++o) {
    columns.emplace_back(own().observables()[o].name, std::vector<std::string>{});
    for (const auto& chain : chains_) {
      const Estimate e = chain->estimate(chain->observables()[o]);
      columns.back().second.push_back(with_error(e.value, chain->quoted_error(chain->observables()[o], e)));
    }
  }
  return text + column_blocks(ladder_.parameter.substr(ladder_.parameter.find('.') + 1), x, columns);
}

std::string FieldStudy::result_text() const {
  std::string text = fmt::format("\n{}\n{} measurements of {} replicas, results in {}\n", deck_.text("title"),
                                 own().measured(), grid_.n_replicas(), run_.file());
  for (const std::string& updater : own().descriptions()) text += fmt::format("updater  {}\n", updater);
  if (exchange_)
    text += fmt::format("at {} = {}, rung {} of {}\n", ladder_.parameter, ladder_.values[ladder_.own], ladder_.own + 1,
                        ladder_.rungs());
  text += fmt::format("{:<28}{:>22}{:>12}{:>10}\n", "observable", "value (lattice units)", "tau_int", "R-hat");
  for (const Observable& o : own().observables()) {
    const Estimate e = own().estimate(o);
    const double quoted = own().quoted_error(o, e);
    text += fmt::format("{:<28}{:>22}{:>12.2f} {:>9}\n", o.name, with_error(e.value, quoted), e.tau_int,
                        r_hat_text(e.r_hat));
    if (has_reference_ && deck_.text("study.reference.observable") == o.name)
      text += reference_line(deck_, "value", e.value, quoted);
  }
  if (!has_reference_ && deck_.has("study.reference.observable")) text += outdated_reference_line(deck_);
  if (exchange_) text += fmt::format("\n{}", ladder_text());
  return text + run_.warning_lines();
}

/// The lattice, and how so many ranks share it, whether or not its fields would fit into this machine.
RunEstimate describe_division(const Deck& deck, int ranks) {
  const int asked = std::max(ranks, 1);
  const GridOptions options = grid_options(deck);
  const std::vector<int> divisions =
      deck.has("lattice.ranks") ? deck.integers("lattice.ranks") : choose_divisions(options, asked);
  int per_replica = 1;
  for (const int n : divisions) per_replica *= n;
  double sites = 1;
  for (const int n : options.extents) sites *= n;
  RunEstimate result;
  result.text = fmt::format("lattice      {:.0f} sites in {} directions, {} replicas\n", sites, options.extents.size(),
                            options.replicas);
  const std::vector<FieldUpdate> updates = field_updates(deck);
  const bool undivided_line =
      std::any_of(updates.begin(), updates.end(), [](const FieldUpdate& update) { return update.undivided_line; });
  if (undivided_line && options.extents.size() == 1 && per_replica > 1) {
    result.rejection = fmt::format(
        "{} ranks would divide the one direction of Fourier transforms: at most {}, as many as replicas; `run` will "
        "refuse",
        asked, options.replicas);
  } else if (divisions.empty() || asked % per_replica != 0 || asked / per_replica > options.replicas) {
    result.rejection = fmt::format(
        "{} ranks cannot share this: boxes need at least {} sites in a divided direction, and every group of ranks a "
        "replica; `run` will refuse",
        asked, options.range);
  } else {
    const double share = std::ceil(static_cast<double>(options.replicas) * per_replica / asked) * sites / per_replica;
    result.text +=
        fmt::format("division     {} ranks: {} per replica ({}), about {} sites per rank, {} of memory for fields\n",
                    asked, per_replica, fmt::join(divisions, " x "), std::llround(share),
                    format_bytes(8 * share * numbers_per_site(deck)));
  }
  if (!result.rejection.empty()) result.text += fmt::format("note         {}\n", result.rejection);
  return result;
}

RunEstimate FieldStudy::describe(int ranks) {
  RunEstimate result = describe_division(deck_, ranks);
  std::string& text = result.text;
  text += field_action(deck_).note;
  for (const std::string& updater : own().descriptions()) text += "updater      " + updater + "\n";
  if (exchange_)
    text += fmt::format(
        "ladder       {} rungs, {} from {} to {}, each with a theory of its own: {} times the memory and time of one\n",
        ladder_.rungs(), ladder_.parameter, ladder_.values.front(), ladder_.values.back(), ladder_.rungs());
  std::vector<std::string> names;
  for (const Observable& o : own().observables()) names.push_back(o.name);
  text += "observables  " + join(names) + "\n";
  names.clear();
  for (const Curve& curve : own().theory().curves()) names.push_back(curve.name);
  if (!names.empty()) text += "curves       " + join(names) + "\n";
  if (ranks > 0 && result.rejection.empty()) {
    for (const auto& chain : chains_) chain->theory().start(1, deck_.real("study.start"));
    const auto timed = [&](const auto& work) {
      const auto start = std::chrono::steady_clock::now();
      work();
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() * comm_.size() / ranks;
    };
    std::vector<std::int64_t> numbers{0};  // of one measurement, in the file
    const double sweep_seconds = timed([this] { sweep(); });
    const double measurement_seconds = timed([&] {
      for (const auto& chain : chains_) {
        for (const auto& [name, local] : chain->theory().measure())
          numbers[0] += grid_.group().is_root() ? static_cast<std::int64_t>(local.size()) : 0;
      }
    });
    comm_.sum(numbers);
    double bytes = 8 * static_cast<double>(numbers[0]) * static_cast<double>(n_measurements_);
    if (save_every_ > 0) {
      double all = 8.0 * static_cast<double>(chains_.size()) * static_cast<double>(n_measurements_ / save_every_);
      for (const std::int64_t n : own().theory().box().shape) all *= static_cast<double>(n);
      bytes += all;
    }
    text += fmt::format(
        "file         about {} of measurements and configurations; every rank takes a copy of its own part while it "
        "writes them\n",
        format_bytes(bytes));
    text += fmt::format(
        "time         about {} per sweep and {} per measurement on {} ranks of this processor (one of each was made "
        "here)\n",
        format_seconds(sweep_seconds), format_seconds(measurement_seconds), ranks);
    result.step_seconds = sweep_seconds + measurement_seconds;
    result.seconds = static_cast<double>(warm_up_ + n_measurements_ * every_) * sweep_seconds +
                     static_cast<double>(n_measurements_) * measurement_seconds;
  }
  return result;
}

int run_field_study(const Communicator& comm, const Deck& deck, const RunOptions& options) {
  return FieldStudy(comm, deck, options).run();
}

RunEstimate describe_field_study(const Communicator& comm, const Deck& deck, int ranks) {
  const double bytes = bytes_of_fields(deck);
  if (fits_into_memory(bytes / comm.size()) || !fits_into_memory(bytes / std::max(ranks, comm.size())))
    return FieldStudy(comm, deck, {}).describe(ranks);
  RunEstimate result = describe_division(deck, ranks);
  result.text += "time         not known: the fields are too large to be tried on this machine\n";
  return result;
}

std::vector<Key> field_study_keys() {
  using namespace declare;
  constexpr double most = 1e12;
  std::vector<Key> all{
      between(1, most, key("measurements", KeyType::integer, "", "configurations that are measured, of every replica")),
      between(1, most, key("every", KeyType::integer, "1", "sweeps between measurements")),
      between(0, most, key("warm_up", KeyType::integer, "", "sweeps before the first, in which updaters are tuned")),
      at_least(0, key("start", KeyType::real, "0.0",
                      "standard deviation of the normal numbers that the chains start from; 0: a cold start")),
      optional(
          key("initial", KeyType::text, "",
              "file of the first configuration instead: a result of the same field, or SU(3) links in NERSC's format")),
      optional(at_least(1, key("initial_sweep", KeyType::integer, "",
                               "which of its saved configurations; its last one if not given"))),
      between(0, most,
              key("save_every", KeyType::integer, "0",
                  "every so many measurements the configuration is kept in the file, under configurations/SWEEP; "
                  "0: only the last one")),
      optional(key("momenta", KeyType::rows, "",
                   "correlators at spatial momenta, one integer n per direction but the first, [[1, 0], [1, 1]]: p "
                   "= 2 pi n / L, along antiperiodic directions 2 pi (n + 1/2) / L")),
      key("average_momenta", KeyType::boolean, "false",
          "each over all momenta that reflections and exchanges of equal spatial directions make of it; false: p "
          "and -p, which are the same, alone")};
  for (const Key& one : reference_keys()) all.push_back(one);
  return all;
}

}  // namespace

StudyKind field_study_kind(const std::string& name, const std::string& help) {
  return {.name = name,
          .help = help,
          .keys = field_study_keys(),
          .run = run_field_study,
          .describe = describe_field_study,
          .input_keys = {"study.initial"},
          .extendable_keys = {"study.measurements"},
          .value_keys = {"study.reference.observable"},
          .subject = StudyKind::Subject::fields,
          .start_from = "field: study.initial"};
}

}  // namespace koushi
