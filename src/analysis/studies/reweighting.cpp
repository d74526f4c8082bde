#include "koushi/analysis/reweighting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "koushi/analysis/analysis_results.hpp"
#include "koushi/analysis/finished_runs.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/statistics/estimate.hpp"
#include "koushi/statistics/jackknife.hpp"
#include "koushi/statistics/reweighting.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

/// How S of a run depends on the parameter: E / V, E = dS/dp, as a multiple of a measured series.
Coupling coupling_of(const Deck& study, const FieldRun& run) {
  const std::string key = study.text("study.parameter");
  std::vector<std::string> possible;
  for (const Coupling& coupling : field_action(run.deck()).couplings) {
    if (coupling.series.empty()) continue;
    possible.push_back("action." + coupling.key);
    if (possible.back() != key) continue;
    if (!std::isfinite(coupling.factor))
      study.refuse("study.files",
                   fmt::format("{} has {} = {}: its {} does not tell dS/d{}", run.file(), coupling.key,
                               run.deck().real(key), coupling.series, coupling.key),
                   fmt::format("runs at another {}", coupling.key));
    return coupling;
  }
  study.refuse(
      "study.parameter",
      fmt::format("the {} action of {} has no {} that its series allow to reweight in", run.deck().text("action.kind"),
                  run.file(), key),
      possible.empty() ? "runs of an action with a parameter whose dS/dp is measured" : "one of " + join(possible));
}

class ReweightingStudy {
 public:
  ReweightingStudy(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        run_(comm, deck, options),
        key_(deck.text("study.parameter")),
        targets_(reweighting_targets(deck)) {}

  int run() {
    const StudyRun::Begin begin = run_.begin([](const ResultReader&) {});
    if (begin == StudyRun::Begin::done) return 0;
    Progress progress(comm_.is_root(), 0, 1, "target");
    run_.start(false);
    read(progress);
    run_.phases().lap("reading", static_cast<double>(measurements_), "measurements");
    result_ = reweight(runs_, columns_.size() + 1, targets_);
    if (!result_.converged) {
      throw NumericalError(
          fmt::format("the histograms of E at {} = {} do not overlap, so their weights are not determined; remedy: "
                      "runs in between, or longer ones",
                      key_, fmt::join(parameters_, ", ")));
    }
    evaluate();
    issue_warnings(progress);
    run_.phases().lap("reweighting", static_cast<double>(targets_.size() * static_cast<std::size_t>(measurements_)),
                      "weights");
    return run_.finish([this](ResultWriter& writer) { write(writer); }, [this] { return table(); });
  }

 private:
  struct Chosen {
    std::string name;
    std::string help;
    std::vector<double> value;  ///< [target]
    std::vector<double> error;
    std::vector<double> measured;  ///< [run], as the run gave it
    std::vector<double> measured_error;
  };

  /// The observables of the theory at a value of the parameter.
  std::vector<Observable> observables_at(const FieldRun& run, double parameter) const {
    const Communicator self = Communicator::self();
    const Grid grid = make_grid(self, run.deck_with({}));
    try {
      return make_field_theory(run.deck_with({fmt::format("{}={}", key_, parameter)}), grid)->observables();
    } catch (const DeckError&) {
      deck_.refuse("study.targets",
                   fmt::format("{} = {} is not accepted by the action of {}", key_, parameter, run.file()),
                   "values that the action allows (koushi describe action)");
    }
  }

  void read(Progress& progress) {
    std::vector<std::string> notes;
    const std::vector<FieldRun> files = open_field_runs(comm_, deck_, key_, notes);
    for (const std::string& note : notes)
      run_.warn(progress, note.substr(0, note.find(": ")), note.substr(note.find(": ") + 2));
    volume_ = 1;
    for (const int n : files.front().deck().integers("lattice.extents")) volume_ *= n;
    degree_ = coupling_of(deck_, files.front()).degree;
    components_ = field_action(files.front().deck()).components;
    choose(files.front());
    std::set<std::int64_t> seeds;
    for (const FieldRun& file : files) {
      const Coupling conjugate = coupling_of(deck_, file);
      ReweightingRun run{.parameter = file.deck().real(key_)};
      if (file.on_ladder()) run.ladder = number_of(file.file());
      const auto n = static_cast<std::size_t>(file.measurements());
      const std::size_t width = columns_.size() + 1;
      run.chains.assign(static_cast<std::size_t>(file.replicas()), std::vector<double>(n * width));
      const std::vector<double> energy = file.column({conjugate.series});
      for (std::size_t k = 0; k < width; ++k) {
        std::vector<double> column = k == 0 ? energy : file.column(columns_[k - 1]);
        const double moved = k == 0 ? 0 : moves_with(columns_[k - 1]);
        for (std::size_t at = 0; at < column.size(); ++at) {
          if (k == 0) column[at] *= conjugate.factor * volume_;
          column[at] -= run.parameter * moved * conjugate.factor * energy[at];
          run.chains[at / n][at % n * width + k] = column[at];
        }
        if (file.measurements() >= 4)
          run.tau_int = std::max(run.tau_int, gamma_method(column, file.replicas()).tau_int);
      }
      // of a ladder, whose rungs have random numbers of their own
      const bool next_rung = !names_.empty() && names_.back() == file.file();
      if (!next_rung && !seeds.insert(file.deck().integer("seed")).second) {
        warn_of_equal_seeds(run_, progress);
      }
      parameters_.push_back(run.parameter);
      names_.push_back(file.file());
      measurements_ += file.measurements() * file.replicas();
      for (Chosen& c : chosen_) {
        const auto [value, error] = file.observable(c.name);
        c.measured.push_back(value);
        c.measured_error.push_back(error);
      }
      runs_.push_back(std::move(run));
    }
    for (const double target : targets_) theories_.push_back(observables_at(files.front(), target));
  }

  /// The observables that the deck wants, all if it names none, and the columns of series that they need.
  void choose(const FieldRun& run) {
    const std::vector<std::string> wanted = deck_.texts("study.observables");
    const std::vector<Observable> all = observables_at(run, run.deck().real(key_));
    std::vector<std::string> names;
    for (const Observable& o : all) names.push_back(o.name);
    for (const std::string& name : wanted) {
      if (std::count(names.begin(), names.end(), name) > 0) continue;
      deck_.refuse("study.observables", fmt::format("\"{}\" is not measured in {}", name, run.file()),
                   "some of " + join(names) + hint(name, names));
    }
    for (const Observable& o : all) {
      if (!wanted.empty() && std::count(wanted.begin(), wanted.end(), o.name) == 0) continue;
      chosen_.push_back({o.name, o.help});
      for (const SeriesColumn& column : o.series) {
        if (find(column) == columns_.size()) columns_.push_back(column);
      }
    }
  }

  int number_of(const std::string& file) const {
    const std::vector<std::string> files = deck_.texts("study.files");
    return static_cast<int>(std::find(files.begin(), files.end(), file) - files.begin());
  }

  std::size_t find(const SeriesColumn& wanted) const {
    std::size_t k = 0;
    while (k < columns_.size() && (columns_[k].series != wanted.series || columns_[k].column != wanted.column)) ++k;
    return k;
  }

  /// d(series)/dp in units of E / V, for series that contain the action.
  double moves_with(const SeriesColumn& column) const {
    if (column.series == "action_density") return 1;
    if (column.series == "virial") return degree_ / static_cast<double>(components_);
    return 0;
  }

  void evaluate() {
    for (Chosen& c : chosen_) {
      for (std::size_t i = 0; i < targets_.size(); ++i) {
        const auto observable = std::find_if(theories_[i].begin(), theories_[i].end(),
                                             [&c](const Observable& o) { return o.name == c.name; });
        const auto value = [&](const std::vector<double>& means) {
          std::vector<double> x;
          for (const SeriesColumn& column : observable->series)
            x.push_back(means[find(column) + 1] + targets_[i] * moves_with(column) * means[0] / volume_);
          return std::vector<double>{observable->value(x)};
        };
        std::vector<std::vector<double>> samples;
        for (const auto& means : result_.means_without[i]) samples.push_back(value(means));
        const JackknifeEstimate estimate = jackknife_of_samples(value(result_.means[i]), samples);
        c.value.push_back(estimate.value[0]);
        c.error.push_back(result_.effective_samples[i] < deck_.real("study.fewest") ? std::nan("") : estimate.error[0]);
      }
    }
  }

  void issue_warnings(Progress& progress) {
    const double fewest = deck_.real("study.fewest");
    std::vector<std::string> poor;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (result_.effective_samples[i] < fewest)
        poor.push_back(fmt::format("{:.8g} ({:.1f})", targets_[i], result_.effective_samples[i]));
    }
    if (!poor.empty()) {
      run_.warn(progress, "overlap",
                fmt::format("fewer than {} effective samples at {} = {}: values there cannot be trusted and have no "
                            "error; remedy: a run nearby, longer runs",
                            fewest, key_, join(poor)));
    }
  }

  std::string table() const;
  void write(ResultWriter& writer) const;

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  std::string key_;
  std::vector<double> targets_;
  std::vector<ReweightingRun> runs_;
  std::vector<double> parameters_;  ///< of the runs
  std::vector<std::string> names_;
  std::vector<SeriesColumn> columns_;
  std::vector<Chosen> chosen_;
  std::vector<std::vector<Observable>> theories_;  ///< [target]
  Reweighted result_;
  double volume_ = 1;
  int degree_ = 0;
  int components_ = 1;
  std::int64_t measurements_ = 0;
};

std::string ReweightingStudy::table() const {
  std::string text = fmt::format("{:<24} {:>14} {:>10} {:>22}\n", "run", key_, "tau_int", "-ln Z/Z_0");
  for (std::size_t k = 0; k < runs_.size(); ++k) {
    text += fmt::format("{:<24} {:>14.8g} {:>10.2f} {:>22}\n", names_[k], parameters_[k], runs_[k].tau_int,
                        k == 0 ? "0" : with_error(result_.free_energy[k], result_.free_energy_error[k]));
  }
  std::vector<std::string> x;
  std::vector<std::pair<std::string, std::vector<std::string>>> columns{{"n_eff", {}}};
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    x.push_back(fmt::format("{:.8g}", targets_[i]));
    columns[0].second.push_back(fmt::format("{:.0f}", result_.effective_samples[i]));
  }
  for (const Chosen& c : chosen_) {
    columns.emplace_back(c.name, std::vector<std::string>{});
    for (std::size_t i = 0; i < targets_.size(); ++i)
      columns.back().second.push_back(with_error(c.value[i], c.error[i]));
  }
  text += column_blocks(key_.substr(key_.find('.') + 1), x, columns);
  return text + run_.warning_lines();
}

void ReweightingStudy::write(ResultWriter& writer) const {
  write_analysis_summary(writer, std::llround(volume_), measurements_, table());
  for (const Chosen& c : chosen_) {
    write_curve(writer, "curves",
                {c.name, targets_, c.value, c.error, key_, c.help,
                 "one standard deviation, jackknife; NaN where fewer than study.fewest effective samples are left"});
    write_curve(writer, "measured",
                {c.name, parameters_, c.measured, c.measured_error, key_, c.help + ", as the runs give it",
                 "one standard deviation, of the run"});
  }
  write_curve(
      writer, "curves",
      {"effective_samples", targets_, result_.effective_samples, std::vector<double>(targets_.size(), std::nan("")),
       key_, "independent configurations that the weights leave", "none"});
  write_curve(writer, "curves",
              {"free_energy", parameters_, result_.free_energy, result_.free_energy_error, key_,
               "-ln Z(p)/Z(p_0) at the runs, p_0 that of the first file", "one standard deviation, jackknife"});
}

}  // namespace

std::vector<double> reweighting_targets(const Deck& deck) {
  std::vector<double> targets = deck.reals("study.targets");
  const std::int64_t points = deck.integer("study.points");
  std::sort(targets.begin(), targets.end());
  if (points == 0) return targets;
  if (targets.size() != 2 || targets[0] == targets[1] || points < 2) {
    deck.refuse("study.points", fmt::format("{} points between {} targets", points, targets.size()),
                "at least 2 points, and the two ends of a range in targets");
  }
  std::vector<double> all;
  for (std::int64_t k = 0; k < points; ++k)
    all.push_back(targets[0] + (targets[1] - targets[0]) * static_cast<double>(k) / static_cast<double>(points - 1));
  return all;
}

int run_reweighting(const Communicator& comm, const Deck& deck, const RunOptions& options) {
  return ReweightingStudy(comm, deck, options).run();
}

std::string describe_reweighting(const Communicator& comm, const Deck& deck) {
  const std::vector<double> targets = reweighting_targets(deck);
  return describe_field_runs(comm, deck, deck.text("study.parameter")) +
         fmt::format("targets      {} values of {} from {} to {}\n", targets.size(), deck.text("study.parameter"),
                     targets.front(), targets.back());
}

namespace {

std::vector<Key> keys() {
  using namespace declare;
  return {files_of_field_runs(),
          choice("parameter", action_numbers(), "", "the key in which the runs may differ"),
          key("targets", KeyType::reals, "", "values of the parameter"),
          between(0, 100000,
                  key("points", KeyType::integer, "0",
                      "instead of targets as they are, so many values from the smaller to the larger of two")),
          key("observables", KeyType::texts, "[]", "their names; none means all"),
          at_least(0, key("fewest", KeyType::real, "100.0",
                          "effective samples, below which a warning is given and no error"))};
}

}  // namespace

StudyKind reweighting_kind() {
  return {.name = "reweighting",
          .help = "observables of lattice-field runs at other values of one parameter",
          .keys = keys(),
          .run = run_reweighting,
          .describe = [](const Communicator& comm, const Deck& deck,
                         int) { return RunEstimate{describe_reweighting(comm, deck)}; },
          .input_keys = {"study.files"},
          .value_keys = {"study.files"}};
}

}  // namespace koushi
