#include "koushi/study/lattice_field.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/statistics/estimate.hpp"
#include "koushi/study/history.hpp"
#include "koushi/study/nersc.hpp"

namespace koushi {

namespace {

/// Random numbers of a sweep: every update of every updater has a step of its own.
constexpr std::uint64_t updates_per_sweep = 8192;

/// One array that is spread over the ranks, in memory: what a theory writes, to be kept, or what it shall read.
class BoxCopy final : public Archive {
 public:
  ArrayBox box;
  std::vector<double> local;
  void write_box(const std::string&, const ArrayBox& here, const std::vector<double>& values) override {
    box = here;
    local = values;
  }
  std::vector<double> read_box(const std::string&, const ArrayBox&) const override { return local; }
  void write(const std::string&, const std::vector<double>&) override { refuse(); }
  void write(const std::string&, const std::vector<std::int64_t>&) override { refuse(); }
  void write(const std::string&, const std::string&) override { refuse(); }
  void write_rows(const std::string&, RowRange, std::int64_t, const std::vector<std::int8_t>&) override { refuse(); }
  bool contains(const std::string&) const override { refuse(); }
  std::vector<double> read_reals(const std::string&) const override { refuse(); }
  std::vector<std::int64_t> read_integers(const std::string&) const override { refuse(); }
  std::string read_text(const std::string&) const override { refuse(); }
  std::vector<std::int8_t> read_rows(const std::string&, RowRange, std::int64_t) const override { refuse(); }

 private:
  [[noreturn]] static void refuse() { throw InternalError("a field is one array"); }
};

class LatticeField {
 public:
  LatticeField(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        run_(comm, deck, options),
        grid_(make_grid(comm, deck)),
        theory_(make_field_theory(deck, grid_)),
        updaters_(make_updaters(deck, *theory_)),
        observables_(theory_->observables()),
        warm_up_(deck.integer("study.warm_up")),
        every_(deck.integer("study.every")),
        n_measurements_(deck.integer("study.measurements")),
        save_every_(deck.integer("study.save_every")) {
    if (!deck.has("study.reference.observable")) return;
    const std::string wanted = deck.text("study.reference.observable");
    std::vector<std::string> names;
    for (const Observable& o : observables_) names.push_back(o.name);
    if (std::find(names.begin(), names.end(), wanted) == names.end()) {
      const std::string near = nearest_name(wanted, names);
      deck.refuse("study.reference.observable", fmt::format("\"{}\" is not measured", wanted),
                  "one of " + join(names) + (near.empty() ? "" : fmt::format("     (did you mean \"{}\"?)", near)));
    }
    if (!deck.has("study.reference.value")) deck.refuse("study.reference.value", "it is missing", "the known value of reference.observable");
  }

  std::string describe(int ranks);

  int run() {
    const StudyRun::Begin begin = run_.begin([this](const ResultReader& reader) { resume(reader); });
    if (begin == StudyRun::Begin::done) return 0;
    if (begin == StudyRun::Begin::fresh) start();
    const std::int64_t last = warm_up_ + n_measurements_ * every_;
    Progress progress(comm_.is_root(), sweep_, last, "sweep");
    run_.start();
    while (sweep_ < last) {
      sweep();
      ++sweep_;
      if (sweep_ > warm_up_ && (sweep_ - warm_up_) % every_ == 0) {
        measure();
        if (save_every_ > 0 && measured() % save_every_ == 0) theory_->write(saved_[sweep_], "");
      }
      progress.step(sweep_, status());
      if (checkpoint_if_due(sweep_ == last)) return run_.stopped(progress, fmt::format("sweep {}", sweep_));
    }
    watch(progress);
    run_.checkpoint("done", [this](ResultWriter& writer) { write(writer); });
    if (comm_.is_root()) print_out(fmt::format("{}\n{}", result_text(), run_.phases().text()));
    return 0;
  }

 private:
  /// Series of one name: [measurement][replica][width], all replicas, on every rank.
  struct Series {
    std::vector<double> values;
    std::int64_t width = 1;
  };

  void sweep() {
    std::uint64_t update = 0;
    for (std::size_t k = 0; k < updaters_.size(); ++k) {
      Updater& updater = *updaters_[k];
      double acceptance = 0;
      double weight = 0;
      for (int n = 0; n < updater.repetitions; ++n) {
        const double now = updater.update(*theory_, static_cast<std::uint64_t>(sweep_) * updates_per_sweep + update++);
        if (sweep_ < warm_up_) updater.tune(now);
        acceptance += now / updater.repetitions;
        weight += updater.mean_weight() / updater.repetitions;
      }
      Kokkos::fence("koushi::study::updated");
      history_.add(fmt::format("acceptance_{}", k), "", "mean acceptance of updater " + std::to_string(k), acceptance);
      if (std::isfinite(weight)) history_.add(fmt::format("exp_minus_dH_{}", k), "", "mean e^{-dH} of updater " + std::to_string(k) + ": 1 on average", weight);
      run_.phases().lap(deck_.text(fmt::format("updater.{}.kind", k)), static_cast<double>(grid_.view().volume()) * grid_.view().n_replicas * updater.repetitions, "sites/rank");
    }
  }

  void measure() {
    for (auto& [name, local] : theory_->measure()) {
      const std::vector<double> all = comm_.all_gather(grid_.group().is_root() ? local : std::vector<double>{});
      Series& series = series_[name];
      series.width = static_cast<std::int64_t>(all.size()) / grid_.n_replicas();
      series.values.insert(series.values.end(), all.begin(), all.end());
    }
    for (const double s : series_.at("action_density").values) {
      if (!std::isfinite(s)) throw NumericalError(fmt::format("the action is not finite in sweep {}; remedy: an action with a minimum, a smaller [study] start", sweep_));
    }
    run_.phases().lap("measurements");
  }

  std::int64_t measured() const {
    const auto found = series_.find("action_density");
    return found == series_.end() ? 0 : static_cast<std::int64_t>(found->second.values.size()) / grid_.n_replicas();
  }

  /// [replica][measurement] of column w of a series.
  std::vector<double> chains(const std::string& name, std::int64_t w) const {
    const Series& series = series_.at(name);
    const std::int64_t replicas = grid_.n_replicas();
    const std::int64_t n = measured();
    std::vector<double> result(static_cast<std::size_t>(n * replicas));
    for (std::int64_t t = 0; t < n; ++t) {
      for (std::int64_t r = 0; r < replicas; ++r) {
        result[static_cast<std::size_t>(r * n + t)] = series.values[static_cast<std::size_t>((t * replicas + r) * series.width + w)];
      }
    }
    return result;
  }

  /// Fewer measurements than this have no error worth quoting.
  static constexpr std::int64_t fewest = 20;

  Estimate estimate(const Observable& observable) const {
    std::vector<std::vector<double>> series;
    for (const SeriesColumn& from : observable.series) series.push_back(chains(from.series, static_cast<std::int64_t>(from.column)));
    return derived_gamma_method(series, grid_.n_replicas(), observable.value);
  }

  /// Whether the chains are long enough for errors: 50 tau_int by the rule of the house, and at least `fewest` measurements, which are not all the same.
  bool quotable(const Estimate& e) const { return measured() >= fewest && static_cast<double>(measured()) >= 50 * e.tau_int && std::isfinite(e.error) && e.error > 0; }

  std::string status() const {
    if (measured() == 0) return fmt::format("warm-up  acceptance {:.3f}", history_.values("acceptance_0").back());
    const Series& s = series_.at("action_density");
    const auto replicas = static_cast<std::size_t>(grid_.n_replicas());
    double last = 0;
    for (std::size_t r = 0; r < replicas; ++r) last += s.values[s.values.size() - 1 - r] / static_cast<double>(replicas);
    return fmt::format("S/V {:.6f}  acceptance {:.3f}", last, history_.values("acceptance_0").back());
  }

  void watch(Progress& progress) {
    std::vector<std::string> unquoted;
    std::vector<std::string> without;
    double longest = 0;
    for (const Observable& o : observables_) {
      const Estimate e = estimate(o);
      if (!quotable(e)) {
        const bool constant = measured() >= fewest && (!std::isfinite(e.error) || e.error == 0);
        (constant ? without : unquoted).push_back(o.name);
        if (!constant) longest = std::max(longest, e.tau_int);
      }
      if (grid_.n_replicas() > 1 && e.r_hat > 1.1) {
        run_.warn(progress, "R-hat", fmt::format("{:.3f} of {}: the replicas disagree; remedy: a longer warm_up", e.r_hat, o.name));
      }
    }
    if (!without.empty()) {
      run_.warn(progress, "constant", fmt::format("{}: every measurement gives the same, or none gives a number, so there is no error; the chain may stand still", join(without)));
    }
    if (!unquoted.empty()) {
      run_.warn(progress, "short chains", fmt::format("{} measurements per replica are fewer than {} or than 50 tau_int = {:.1f}: no error is quoted for {}; remedy: more [study] measurements, "
                                                      "a larger every, another updater", measured(), fewest, 50 * longest, join(unquoted)));
    }
    for (std::size_t k = 0; k < updaters_.size(); ++k) {
      if (!updaters_[k]->is_watched()) continue;
      const auto& acceptance = history_.values(fmt::format("acceptance_{}", k));
      double mean = 0;
      for (auto t = static_cast<std::size_t>(warm_up_); t < acceptance.size(); ++t) mean += acceptance[t] / static_cast<double>(acceptance.size() - static_cast<std::size_t>(warm_up_));
      if (mean < 0.1 || mean > 0.99) {
        run_.warn(progress, fmt::format("acceptance of updater {}", k), fmt::format("{:.3f} is outside [0.1, 0.99]; remedy: tune = true with a longer warm_up, or another step or width", mean));
      }
    }
  }

  bool checkpoint_if_due(bool now) {
    return run_.checkpoint_if_due(now, [this](ResultWriter& writer) { write(writer); });
  }

  /// The first configuration: of another file, or as the theory makes it.
  void start() {
    theory_->start(static_cast<std::uint64_t>(deck_.integer("seed")), deck_.real("study.start"));
    if (!deck_.has("study.initial")) {
      if (deck_.has("study.initial_sweep")) deck_.refuse("study.initial_sweep", "a sweep of no file", "initial = the file that holds it");
      return;
    }
    const std::string file = deck_.text("study.initial");
    BoxCopy first;
    theory_->write(first, "");  // its shape
    if (is_nersc(file)) {
      start_from_nersc(file, first);
      return;
    }
    try {
      const ResultReader reader(comm_, file);
      const std::string path = deck_.has("study.initial_sweep") ? fmt::format("configurations/{}", deck_.integer("study.initial_sweep")) : "state/field";
      if (!reader.contains(path)) {
        const std::vector<std::string> saved = reader.list("configurations");
        deck_.refuse("study.initial", fmt::format("{} has no {}", file, path), saved.empty() ? "a lattice-field run" : "one of the sweeps " + join(saved));
      }
      if (reader.contains("lattice/shape") && reader.read_integers("lattice/shape") != first.box.shape) {
        deck_.refuse("study.initial", fmt::format("{} holds [{}] numbers (replicas, components, extents), this field is [{}]", file, fmt::join(reader.read_integers("lattice/shape"), ", "), fmt::join(first.box.shape, ", ")),
                     "a field of the same kind and size");
      }
      theory_->read(reader, path);
    } catch (const StoreError& error) {
      deck_.refuse("study.initial", error.what(), "the result file of a lattice-field run, or links in NERSC's format");
    }
  }

  void start_from_nersc(const std::string& file, BoxCopy& first) {
    const ArrayBox& box = first.box;
    try {
      const LinkConfiguration c = read_nersc(file);
      const bool fits = box.shape.size() == 6 && box.shape[1] == 72 && std::equal(c.extents.begin(), c.extents.end(), box.shape.begin() + 2);
      if (!fits) {
        deck_.refuse("study.initial", fmt::format("{} holds SU(3) links on {} sites", file, fmt::join(c.extents, " x ")), "action.kind = \"wilson\", group = \"su3\", and those extents");
      }
      std::size_t at = 0;
      for (std::int64_t r = 0; r < box.count[0]; ++r) {  // every replica begins there
        for (std::int64_t k = 0; k < 72; ++k) {
          for (std::int64_t t = 0; t < box.count[2]; ++t) {
            for (std::int64_t z = 0; z < box.count[3]; ++z) {
              for (std::int64_t y = 0; y < box.count[4]; ++y) {
                const std::int64_t row = (((k * box.shape[2] + box.first[2] + t) * box.shape[3] + box.first[3] + z) * box.shape[4] + box.first[4] + y) * box.shape[5] + box.first[5];
                for (std::int64_t x = 0; x < box.count[5]; ++x) first.local[at++] = c.links[static_cast<std::size_t>(row + x)];
              }
            }
          }
        }
      }
    } catch (const StoreError& error) {
      deck_.refuse("study.initial", error.what(), "the result file of a lattice-field run, or links in NERSC's format");
    }
    theory_->read(first, "");
  }

  void write(ResultWriter& writer) const;
  void resume(const ResultReader& reader);
  std::string result_text() const;

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  Grid grid_;
  std::unique_ptr<FieldTheory> theory_;
  std::vector<std::unique_ptr<Updater>> updaters_;
  std::vector<Observable> observables_;
  std::int64_t warm_up_;
  std::int64_t every_;
  std::int64_t n_measurements_;
  std::int64_t sweep_ = 0;
  std::int64_t save_every_;
  std::map<std::int64_t, BoxCopy> saved_;  ///< by sweep
  std::map<std::string, Series> series_;
  History history_;
};

void LatticeField::write(ResultWriter& writer) const {
  writer.write("summary/n_sites", std::vector<std::int64_t>{grid_.n_sites()});
  writer.write("summary/steps", std::vector<std::int64_t>{sweep_});
  history_.write(writer);
  for (const auto& [name, series] : series_) {
    writer.write_array("series/" + name, {measured(), grid_.n_replicas(), series.width}, series.values);
    writer.describe("series/" + name, "lattice units", "[measurement][replica][entry]");
  }
  if (deck_.has("study.reference.observable")) {
    writer.write("reference/value", std::vector<double>{deck_.real("study.reference.value")});
    writer.write("reference/error", std::vector<double>{deck_.real("study.reference.error")});
    writer.write("reference/quantity", deck_.text("study.reference.observable"));
    writer.write("reference/source", deck_.has("study.reference.source") ? deck_.text("study.reference.source") : std::string());
  }
  if (measured() >= 1) {
    for (const Observable& o : observables_) {
      const Estimate e = estimate(o);
      const std::string path = "observables/" + o.name + "/";
      const auto add = [&](const std::string& name, double value, const std::string& unit, const std::string& help) {
        writer.write(path + name, std::vector<double>{value});
        writer.describe(path + name, unit, help);
      };
      add("value", e.value, "lattice units", o.help);
      add("error", quotable(e) ? e.error : std::nan(""), "lattice units", "one standard deviation, corrected for autocorrelation; NaN where the chain is too short");
      add("naive_error", e.error / std::sqrt(2 * e.tau_int), "lattice units", "as if all measurements were independent");
      add("tau_int", e.tau_int, "measurements", "integrated autocorrelation time; 1/2 for independent measurements");
      add("r_hat", e.r_hat, "", "split R-hat over the replicas");
      writer.write(path + "samples", std::vector<std::int64_t>{e.samples});
    }
  }
  for (const Curve& curve : measured() >= fewest ? theory_->curves() : std::vector<Curve>{}) {
    std::vector<double> values;
    std::vector<double> errors;
    for (const Observable& point : curve.points) {
      const Estimate e = estimate(point);
      values.push_back(e.value);
      errors.push_back(quotable(e) ? e.error : std::nan(""));
    }
    const std::string path = "curves/" + curve.name + "/";
    writer.write(path + "x", curve.x);
    writer.describe(path + "x", "lattice units", curve.axis);
    writer.write(path + "value", values);
    writer.describe(path + "value", "lattice units", curve.help);
    writer.write(path + "error", errors);
    writer.describe(path + "error", "lattice units", "one standard deviation, corrected for autocorrelation; NaN where the chain is too short");
  }
  writer.write("state/sweep", std::vector<std::int64_t>{sweep_});
  std::vector<double> tuned;
  for (const auto& updater : updaters_) {
    for (const double x : updater->state()) tuned.push_back(x);
  }
  writer.write("state/updaters", tuned);
  theory_->write(writer, "state/field");
  BoxCopy shape;
  theory_->write(shape, "");
  writer.write("lattice/shape", shape.box.shape);
  writer.describe("lattice/shape", "", "of state/field and configurations/*: replicas, components, extents");
  for (const auto& [sweep, configuration] : saved_) writer.write_box(fmt::format("configurations/{}", sweep), configuration.box, configuration.local);
}

void LatticeField::resume(const ResultReader& reader) {
  sweep_ = reader.read_integers("state/sweep").at(0);
  const std::vector<double> tuned = reader.read_reals("state/updaters");
  auto at = tuned.begin();
  for (const auto& updater : updaters_) {
    const auto size = static_cast<std::ptrdiff_t>(updater->state().size());
    updater->set_state(std::vector<double>(at, at + size));
    at += size;
  }
  theory_->read(reader, "state/field");
  BoxCopy here;
  theory_->write(here, "");
  for (const std::string& name : reader.list("configurations")) {
    here.local = reader.read_box("configurations/" + name, here.box);
    saved_[std::stoll(name)] = here;
  }
  history_.read(reader);
  const std::int64_t n = std::max<std::int64_t>(0, (sweep_ - warm_up_) / every_);
  for (const std::string& name : reader.list("series")) {
    Series series;
    series.values = reader.read_reals("series/" + name);
    series.width = n > 0 ? static_cast<std::int64_t>(series.values.size()) / (n * grid_.n_replicas()) : 1;
    series_[name] = series;
  }
  if (comm_.is_root()) print_out(fmt::format("resumed {} at sweep {}\n", run_.file(), sweep_));
}

std::string LatticeField::result_text() const {
  std::string text = fmt::format("\n{}\n{} measurements of {} replicas, results in {}\n", deck_.text("title"), measured(), grid_.n_replicas(), run_.file());
  for (const auto& updater : updaters_) text += fmt::format("updater  {}\n", updater->description());
  text += fmt::format("{:<28}{:>22}{:>12}{:>10}\n", "observable", "value (lattice units)", "tau_int", "R-hat");
  for (const Observable& o : observables_) {
    const Estimate e = estimate(o);
    text += fmt::format("{:<28}{:>22}{:>12.2f}{:>10.4f}\n", o.name, quotable(e) ? with_error(e.value, e.error) : fmt::format("{:.6g} (no error)", e.value), e.tau_int, e.r_hat);
    if (!deck_.has("study.reference.observable") || deck_.text("study.reference.observable") != o.name) continue;
    const double reference = deck_.real("study.reference.value");
    const double error = deck_.real("study.reference.error");
    text += fmt::format("{:<28}{:>22}   deviation {}{}\n", "  known", error > 0 ? with_error(reference, error) : fmt::format("{}", reference), deviation_text(e.value, quotable(e) ? e.error : 0, reference, quotable(e) ? error : 0),
                        deck_.has("study.reference.source") ? fmt::format("   ({})", deck_.text("study.reference.source")) : "");
  }
  for (const std::string& warning : run_.warnings()) text += "warning: " + warning + "\n";
  return text;
}

std::string LatticeField::describe(int ranks) {
  const int asked = std::max(ranks, 1);
  const auto& options = grid_.options();
  const std::vector<int> divisions = deck_.has("lattice.ranks") ? options.ranks : choose_divisions(options, asked);
  int per_replica = 1;
  for (const int n : divisions) per_replica *= n;
  std::string text = fmt::format("lattice      {} sites in {} directions, {} replicas\n", grid_.n_sites(), grid_.dimension(), grid_.n_replicas());
  if (divisions.empty() || asked % per_replica != 0) {
    text += fmt::format("note         {} ranks cannot share this: boxes need at least {} sites in a divided direction, and every group of ranks a replica; `run` will refuse\n", asked, options.range);
  } else {
    const double share = std::ceil(static_cast<double>(options.replicas) * per_replica / asked) * static_cast<double>(grid_.n_sites()) / per_replica;
    text += fmt::format("division     {} ranks: {} per replica ({}), about {} sites per rank, {} of memory\n", asked, per_replica, fmt::join(divisions, " x "),
                        std::llround(share), format_bytes(8 * share * numbers_per_site(deck_)));
  }
  for (const auto& updater : updaters_) text += "updater      " + updater->description() + "\n";
  std::vector<std::string> names;
  for (const Observable& o : observables_) names.push_back(o.name);
  text += "observables  " + join(names) + "\n";
  if (ranks > 0) {
    theory_->start(1, deck_.real("study.start"));
    const auto start = std::chrono::steady_clock::now();
    sweep();
    theory_->measure();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    text += fmt::format("time         about {} per sweep and measurement on {} ranks of this processor (one was made here)\n", format_seconds(seconds * comm_.size() / ranks), ranks);
  }
  return text;
}

}  // namespace

int run_lattice_field(const Communicator& comm, const Deck& deck, const RunOptions& options) { return LatticeField(comm, deck, options).run(); }

std::string describe_lattice_field(const Communicator& comm, const Deck& deck, int ranks) { return LatticeField(comm, deck, {}).describe(ranks); }

}  // namespace koushi
