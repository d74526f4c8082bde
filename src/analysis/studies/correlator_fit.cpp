#include "koushi/analysis/correlator_fit.hpp"

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
#include "koushi/statistics/fit.hpp"
#include "koushi/statistics/jackknife.hpp"
#include "koushi/study/known_value.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

/// A fit from one t_min on.
struct RangeFit {
  int t_min = 0;
  bool invertible = false;
  CorrelatorFit fit;
  JackknifeEstimate numbers;  ///< masses, then amplitudes, per step
  double q = 0;
  bool above_noise = false;  ///< G(t_min) is more than two of its errors

  bool sound() const { return invertible && fit.converged; }
};

class CorrelatorStudy {
 public:
  CorrelatorStudy(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm), deck_(deck), run_(comm, deck, options), options_(correlator_fit_options(deck)) {}

  int run() {
    const StudyRun::Begin begin = run_.begin([](const ResultReader&) {});
    if (begin == StudyRun::Begin::done) return 0;
    Progress progress(comm_.is_root(), 0, 1, "fit");
    run_.start(false);
    read(progress);
    run_.phases().lap("reading", static_cast<double>(measurements_), "measurements");
    correlate();
    RangeFit main = fit_from(options_.t_min);
    if (!main.invertible) {
      throw NumericalError(
          fmt::format("the covariance of {} points of the correlator from {} bins cannot be inverted; remedy: more "
                      "measurements, shorter bins ([study] bin), "
                      "fewer points (t_min, t_max), or correlated = false",
                      points(options_.t_min), estimate_.bins));
    }
    if (!main.fit.converged) {
      throw NumericalError(
          fmt::format("the fit in t = {} ... {} finds no minimum (masses {}); remedy: another range, fewer states, "
                      "more measurements",
                      options_.t_min, t_max_, fmt::join(main.fit.mass, ", ")));
    }
    issue_warnings(progress, main);
    for (int t = 0; points(t) > 2 * options_.states; ++t) scan_.push_back(fit_from(t));
    main_ = main;
    withhold_errors();
    run_.phases().lap("fits", static_cast<double>(scan_.size() * estimate_.bins), "fits");
    return run_.finish([this](ResultWriter& writer) { write(writer); }, [this] { return table(); });
  }

 private:
  int points(int t_min) const { return t_max_ - t_min + 1; }

  void read(Progress& progress) {
    std::vector<std::string> notes;
    const std::vector<FieldRun> runs = open_field_runs(comm_, deck_, "", notes);
    for (const std::string& note : notes)
      run_.warn(progress, note.substr(0, note.find(": ")), note.substr(note.find(": ") + 2));
    const Deck& theory = runs.front().deck();
    const std::vector<int> extents = theory.integers("lattice.extents");
    period_ = extents[0];
    slice_ = 1;
    for (std::size_t k = 1; k < extents.size(); ++k) slice_ *= extents[k];
    const std::optional<SliceCorrelator> correlator = field_action(theory).correlator;
    if (!correlator)
      deck_.refuse("study.files",
                   fmt::format("the {} action of {} has no correlator of slices", theory.text("action.kind"),
                               runs.front().file()),
                   "runs of scalar fields, paths or spins");
    if (options_.subtract == "mean") slice_ *= correlator->mean_factor;  // of all components
    const std::vector<std::string> boundary = theory.texts("lattice.boundary");
    if (!boundary.empty() && boundary[0] != "periodic") {
      deck_.refuse("study.files",
                   fmt::format("the first direction of {} has boundary \"{}\"", runs.front().file(), boundary[0]),
                   "runs that are periodic in the direction of the correlator");
    }
    spacing_ = correlator->spacing;
    const int longest = static_cast<int>(period_) / 2;
    t_max_ = options_.t_max < 0 ? longest : options_.t_max;
    if (t_max_ > longest)
      deck_.refuse("study.t_max", fmt::format("{} is beyond half the period of {}", t_max_, period_),
                   fmt::format("at most {}", longest));
    if (points(options_.t_min) < 2 * options_.states) {
      deck_.refuse("study.t_min",
                   fmt::format("t = {} ... {} are {} points for {} parameters", options_.t_min, t_max_,
                               std::max(0, points(options_.t_min)), 2 * options_.states),
                   "a longer range");
    }
    width_ = static_cast<std::size_t>(longest + 1);
    std::set<std::int64_t> seeds;
    std::int64_t shortest = runs.front().measurements();
    for (const FieldRun& run : runs) {
      if (!seeds.insert(run.deck().integer("seed")).second) warn_of_equal_seeds(run_, progress);
      shortest = std::min(shortest, run.measurements());
      const std::string series = options_.momentum.empty() ? "correlator" : series_at_momentum(run);
      const auto n = static_cast<std::size_t>(run.measurements());
      // The action is slower than the correlator at any one time, and combinations of times are as slow.
      if (run.measurements() >= 4)
        tau_int_ = std::max(tau_int_, gamma_method(run.column({"action_density"}), run.replicas()).tau_int);
      const auto first = chains_.size();
      chains_.resize(first + static_cast<std::size_t>(run.replicas()), std::vector<double>(n * (width_ + 1)));
      for (std::size_t k = 0; k <= width_; ++k) {
        const SeriesColumn from = k < width_
                                      ? SeriesColumn{series, k}
                                      : SeriesColumn{options_.subtract == "modulus" ? "magnetization" : "field_mean"};
        const std::vector<double> column = run.column(from);
        for (std::size_t at = 0; at < column.size(); ++at)
          chains_[first + at / n][at % n * (width_ + 1) + k] = column[at];
        if (run.measurements() >= 4 && k < width_)
          tau_int_ = std::max(tau_int_, gamma_method(column, run.replicas()).tau_int);
      }
      measurements_ += run.measurements() * run.replicas();
    }
    if (options_.bin > shortest)
      deck_.refuse("study.bin", fmt::format("{} is longer than the {} measurements of a chain", options_.bin, shortest),
                   fmt::format("at most {}, better a tenth of it", shortest));
    bin_ = options_.bin > 0 ? options_.bin : jackknife_bin_length(tau_int_, measurements_);
    if (static_cast<double>(bin_) < 2 * tau_int_) {
      run_.warn(
          progress, "short bins",
          fmt::format(
              "{} measurements are fewer than 2 tau_int = {:.1f}: errors are too small; remedy: a larger [study] bin",
              bin_, 2 * tau_int_));
    }
  }

  /// The series of study.momentum in a run, which has its own list of momenta.
  std::string series_at_momentum(const FieldRun& run) const {
    const Deck deck = run.deck_with({});
    const std::string series =
        koushi::series_at_momentum(deck, make_grid(Communicator::self(), deck), options_.momentum);
    if (!series.empty()) return series;
    std::vector<std::string> names;
    if (deck.has("study.momenta")) {
      for (const auto& n : deck.rows("study.momenta")) names.push_back(fmt::format("[{}]", fmt::join(n, ", ")));
    }
    deck_.refuse(
        "study.momentum", fmt::format("{} has no correlator at [{}]", run.file(), fmt::join(options_.momentum, ", ")),
        names.empty() ? "runs with study.momenta, or no momentum" : "one of its study.momenta, " + join(names));
  }

  std::vector<double> connected(const std::vector<double>& means) const {
    std::vector<double> g(means.begin(), means.begin() + static_cast<std::ptrdiff_t>(width_));
    if (options_.subtract == "none") return g;
    for (double& x : g) x -= slice_ * means[width_] * means[width_];
    return g;
  }

  void correlate() {
    const JackknifeBins bins(chains_, width_ + 1, bin_);
    if (bins.count() > 1) {
      for (std::size_t b = 0; b < bins.count(); ++b) samples_.push_back(connected(bins.means_without(b)));
    }
    estimate_ = jackknife_of_samples(connected(bins.means()), samples_);
    const auto masses = [this](const std::vector<double>& g) {
      std::vector<double> both;
      for (std::size_t t = 0; t + 1 < g.size(); ++t) both.push_back(std::log(g[t] / g[t + 1]));
      for (std::size_t t = 0; t + 1 < g.size(); ++t)
        both.push_back(cosh_mass(g[t] / g[t + 1], static_cast<double>(t), static_cast<double>(period_)));
      return both;
    };
    std::vector<std::vector<double>> samples;
    for (const auto& g : samples_) samples.push_back(masses(g));
    masses_ = jackknife_of_samples(masses(estimate_.value), samples);
  }

  RangeFit fit_from(int t_min) const {
    const auto n = static_cast<std::size_t>(points(t_min));
    const auto first = static_cast<std::size_t>(t_min);
    std::vector<double> t;
    std::vector<double> covariance;
    for (std::size_t i = first; i < first + n; ++i) {
      t.push_back(static_cast<double>(i));
      for (std::size_t j = first; j < first + n; ++j) covariance.push_back(estimate_.covariance[i * width_ + j]);
    }
    RangeFit result{.t_min = t_min};
    result.above_noise = estimate_.value[first] > 2 * estimate_.error[first];
    const auto whitening = Whitening::of(covariance, n, options_.correlated, estimate_.bins);
    result.invertible = whitening.has_value();
    if (!result.invertible) return result;
    const CorrelatorModel model{options_.periodic, options_.states, static_cast<double>(period_)};
    const auto numbers = [&](const std::vector<double>& g, const std::vector<double>& start, CorrelatorFit& fit) {
      const auto begin = g.begin() + static_cast<std::ptrdiff_t>(first);
      fit = fit_correlator(t, {begin, begin + static_cast<std::ptrdiff_t>(n)}, *whitening, model, start);
      std::vector<double> all = fit.converged ? fit.mass : std::vector<double>(fit.mass.size(), std::nan(""));
      all.insert(all.end(), fit.amplitude.begin(), fit.amplitude.end());
      return all;
    };
    const std::vector<double> value = numbers(estimate_.value, {}, result.fit);
    std::vector<std::vector<double>> samples;
    CorrelatorFit fit;
    for (const auto& g : samples_) samples.push_back(numbers(g, result.fit.parameters, fit));
    result.numbers = jackknife_of_samples(value, samples);
    result.q = q_value(result.fit.chi_squared, result.fit.degrees_of_freedom);
    return result;
  }

  void issue_warnings(Progress& progress, const RangeFit& main) {
    const int n = points(options_.t_min);
    const auto bins = static_cast<double>(estimate_.bins);
    if (options_.correlated && bins < 10.0 * n) {
      run_.warn(progress, "few bins",
                fmt::format("{} bins for the covariance of {} points: chi^2 comes out about {:.2f} times too large, Q "
                            "and errors too small; remedy: more measurements, fewer points, correlated = false",
                            estimate_.bins, n, bins > n + 2 ? (bins - 1) / (bins - n - 2) : bins));
    }
    if (options_.correlated && main.q < 1e-3)
      run_.warn(
          progress, "bad fit",
          fmt::format("chi^2 = {:.1f} with {} degrees of freedom, Q = {:.2g}; remedy: a larger t_min, more states",
                      main.fit.chi_squared, main.fit.degrees_of_freedom, main.q));
    if (options_.states == 2) {
      const double m = main.fit.mass[1];
      const double at = options_.t_min;
      const double excited =
          std::abs(main.fit.amplitude[1] *
                   (options_.periodic ? std::cosh(m * (at - static_cast<double>(period_) / 2)) : std::exp(-m * at)));
      const double error = estimate_.error[static_cast<std::size_t>(options_.t_min)];
      if (!(excited > error) || !(std::abs(main.numbers.value[3]) > 2 * main.numbers.error[3])) {
        run_.warn(progress, "no second state",
                  fmt::format("its amplitude is {}, and at t_min it adds {:.2g} to G, whose error is {:.2g}: "
                              "excited_mass and its error say little; remedy: states = 1, a smaller t_min",
                              with_error(main.numbers.value[3], main.numbers.error[3]), excited, error));
      }
    }
    if (estimate_.bins < fewest_bins) {
      run_.warn(progress, "no error",
                fmt::format("{} bins are fewer than {}: nothing is known of the errors, and little of the weights in "
                            "the fit; remedy: more measurements or replicas, shorter bins ([study] bin) where they are "
                            "longer than 2 tau_int = {:.1f}",
                            estimate_.bins, fewest_bins, 2 * tau_int_));
    }
    for (const double error : main.numbers.error) {
      if (!std::isfinite(error))
        run_.warn(progress, "no error",
                  "a jackknife sample could not be fitted; remedy: fewer states, another range, more measurements");
    }
  }

  /// No errors from too few bins; covariances and what the fits needed of them stay.
  void withhold_errors() {
    if (estimate_.bins >= fewest_bins) return;
    const auto withhold = [](std::vector<double>& errors) { std::fill(errors.begin(), errors.end(), std::nan("")); };
    withhold(estimate_.error);
    withhold(masses_.error);
    withhold(main_.numbers.error);
    for (RangeFit& range : scan_) withhold(range.numbers.error);
  }

  std::string energy_name() const { return options_.momentum.empty() ? "mass" : "energy"; }
  std::string number_name(std::size_t k) const {
    const auto states = static_cast<std::size_t>(options_.states);
    return std::string(k % states == 0 ? "" : "excited_") + (k < states ? energy_name() : "amplitude");
  }
  double unit_of(std::size_t k) const { return k < static_cast<std::size_t>(options_.states) ? spacing_ : 1; }

  std::string table() const;
  void write(ResultWriter& writer) const;

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  CorrelatorFitOptions options_;
  std::int64_t period_ = 0;
  double slice_ = 1;    ///< what is subtracted is that times <phi_1>^2: V_s, of Potts spins q / (q - 1) V_s
  double spacing_ = 1;  ///< time of one step
  int t_max_ = 0;
  std::size_t width_ = 0;                    ///< points of the correlator, t = 0 ... T/2
  std::vector<std::vector<double>> chains_;  ///< [chain][measurement * (width + 1) + t], the last the mean to subtract
  std::int64_t measurements_ = 0;
  double tau_int_ = 0.5;
  std::int64_t bin_ = 1;
  std::vector<std::vector<double>> samples_;  ///< connected correlators of the jackknife, [bin][t]
  JackknifeEstimate estimate_;
  JackknifeEstimate masses_;  ///< log, then cosh, between t and t + 1
  RangeFit main_;
  std::vector<RangeFit> scan_;
};

std::string quality(const RangeFit& range) {
  if (!range.invertible) return "the covariance cannot be inverted";
  if (!range.fit.converged) return "no minimum";
  return fmt::format("{:>9.2f} / {:<4} Q = {:.3g}", range.fit.chi_squared, range.fit.degrees_of_freedom, range.q);
}

std::string CorrelatorStudy::table() const {
  std::string text =
      fmt::format("fit of {}{}{}, T = {} steps, t = {} ... {}, {}\n", options_.states == 2 ? "two states " : "",
                  options_.periodic ? "A cosh(m (t - T/2))" : "A e^(-m t)",
                  options_.momentum.empty() ? "" : fmt::format(" at momentum [{}]", fmt::join(options_.momentum, ", ")),
                  period_, options_.t_min, t_max_, options_.correlated ? "correlated" : "uncorrelated");
  text += fmt::format("{} measurements in {} bins of {:.4g} (tau_int {:.2f})\n", measurements_, estimate_.bins,
                      static_cast<double>(measurements_) / static_cast<double>(estimate_.bins), tau_int_);
  for (std::size_t k = 0; k < main_.numbers.value.size(); ++k) {
    text += fmt::format("{:<18} {:>22}\n", number_name(k),
                        with_error(main_.numbers.value[k] / unit_of(k), main_.numbers.error[k] / unit_of(k)));
    if (k == 0)
      text += reference_line(deck_, "mass", main_.numbers.value[0] / spacing_, main_.numbers.error[0] / spacing_);
  }
  text += fmt::format("{:<18} {}\n", "chi^2 / dof", quality(main_));
  text += fmt::format("\n{:>8} {:>22} {:>22} {:>22}\n", "t", "G(t)", "log mass t, t+1", "cosh mass t, t+1");
  for (std::size_t t = 0; t < width_; ++t) {
    text += fmt::format("{:>8g} {:>22}", spacing_ * static_cast<double>(t),
                        with_error(estimate_.value[t], estimate_.error[t]));
    for (const std::size_t at : {t, t + width_ - 1}) {
      if (t + 1 < width_)
        text += fmt::format(" {:>22}", with_error(masses_.value[at] / spacing_, masses_.error[at] / spacing_));
    }
    text += "\n";
  }
  text += fmt::format("\n{:>8} {:>22}   {}\n", "t_min", energy_name(), "  chi^2 / dof   (t_min in steps)");
  for (const RangeFit& range : scan_) {
    const bool sound = range.sound() && range.above_noise;  // else noise was fitted
    text += fmt::format("{:>8} {:>22}   {}\n", range.t_min,
                        sound ? with_error(range.numbers.value[0] / spacing_, range.numbers.error[0] / spacing_) : "-",
                        quality(range));
  }
  return text + run_.warning_lines();
}

void CorrelatorStudy::write(ResultWriter& writer) const {
  const auto reals = [&writer](const std::string& path, const std::vector<double>& values, const std::string& unit,
                               const std::string& help) { write_reals(writer, path, values, unit, help); };
  write_analysis_summary(writer, period_ * std::llround(slice_), measurements_, table());
  for (std::size_t k = 0; k < main_.numbers.value.size(); ++k) {
    StoredObservable result{number_name(k), main_.numbers.value[k] / unit_of(k), main_.numbers.error[k] / unit_of(k),
                            tau_int_, measurements_};
    result.help = k < static_cast<std::size_t>(options_.states) ? "m of the fit" : "A of the fit";
    result.error_help = "one standard deviation, jackknife";
    result.tau_help = "the longest of the correlator and the action";
    result.unit = "lattice units";
    write_observable(writer, "", result);
  }
  write_reference(writer, deck_, "mass", energy_name());
  reals("fit/parameters_covariance", main_.numbers.covariance, "lattice units, per step",
        "jackknife, row by row: masses, then amplitudes");
  reals("fit/chi_squared", {main_.fit.chi_squared}, "", "");
  writer.write("fit/degrees_of_freedom", std::vector<std::int64_t>{main_.fit.degrees_of_freedom});
  reals("fit/q", {main_.q}, "", "probability of a larger chi^2");
  writer.write("fit/range", std::vector<std::int64_t>{options_.t_min, t_max_});
  writer.write("fit/bins", std::vector<std::int64_t>{static_cast<std::int64_t>(estimate_.bins), bin_});
  const auto size = static_cast<std::int64_t>(width_);
  writer.write_array("fit/correlator_covariance", {size, size}, estimate_.covariance);
  writer.describe("fit/correlator_covariance", "lattice units", "[t][t'], jackknife");

  const auto curve = [&writer](const std::string& name, const std::vector<double>& x, const std::string& axis,
                               const std::vector<double>& value, const std::vector<double>& error,
                               const std::string& help) {
    write_curve(writer, "curves", {name, x, value, error, axis, help, "one standard deviation, jackknife"});
  };
  std::vector<double> t;
  std::vector<double> between;
  std::vector<double> fine;
  std::vector<double> model;
  for (std::size_t k = 0; k < width_; ++k) t.push_back(spacing_ * static_cast<double>(k));
  for (std::size_t k = 0; k + 1 < width_; ++k) between.push_back(spacing_ * (static_cast<double>(k) + 0.5));
  const int per_step = 8;
  for (int k = 0; k <= per_step * (points(options_.t_min) - 1); ++k) {
    const double at = options_.t_min + static_cast<double>(k) / per_step;
    double sum = 0;
    for (std::size_t s = 0; s < main_.fit.mass.size(); ++s) {
      const double m = main_.fit.mass[s];
      sum += main_.fit.amplitude[s] *
             (options_.periodic ? std::cosh(m * (at - static_cast<double>(period_) / 2)) : std::exp(-m * at));
    }
    fine.push_back(spacing_ * at);
    model.push_back(sum);
  }
  curve("correlator", t, "t", estimate_.value, estimate_.error, "connected correlator");
  curve("fit", fine, "t", model, std::vector<double>(model.size(), 0.0), "the fitted form in its range");
  const auto middle = static_cast<std::ptrdiff_t>(width_ - 1);
  const auto per_time = [this](std::vector<double> values) {
    for (double& x : values) x /= spacing_;
    return values;
  };
  const auto first_half = [&](const std::vector<double>& both) {
    return per_time({both.begin(), both.begin() + middle});
  };
  const auto second_half = [&](const std::vector<double>& both) {
    return per_time({both.begin() + middle, both.end()});
  };
  curve("log_mass", between, "t", first_half(masses_.value), first_half(masses_.error),
        "ln(G(t)/G(t+1)) per time, at the middle of the step");
  curve("cosh_mass", between, "t", second_half(masses_.value), second_half(masses_.error),
        "of the periodic form, per time, at the middle of the step");
  std::vector<double> from;
  std::vector<double> mass;
  std::vector<double> error;
  std::vector<double> reduced;
  std::vector<double> q;
  for (const RangeFit& range : scan_) {
    const bool sound = range.sound();
    from.push_back(spacing_ * range.t_min);
    mass.push_back(sound ? range.numbers.value[0] / spacing_ : std::nan(""));
    error.push_back(sound ? range.numbers.error[0] / spacing_ : std::nan(""));
    reduced.push_back(sound ? range.fit.chi_squared / range.fit.degrees_of_freedom : std::nan(""));
    q.push_back(sound ? range.q : std::nan(""));
  }
  const std::vector<double> nothing(scan_.size(), std::nan(""));
  curve("scan_mass", from, "t_min", mass, error, "mass of the fit from t_min on");
  curve("scan_chi_squared", from, "t_min", reduced, nothing, "chi^2 per degree of freedom of the fit from t_min on");
  curve("scan_q", from, "t_min", q, nothing, "Q of the fit from t_min on");
}

}  // namespace

CorrelatorFitOptions correlator_fit_options(const Deck& deck) {
  CorrelatorFitOptions options;
  options.periodic = deck.text("study.form") == "cosh";
  options.states = static_cast<int>(deck.integer("study.states"));
  options.t_min = static_cast<int>(deck.integer("study.t_min"));
  if (deck.has("study.t_max")) options.t_max = static_cast<int>(deck.integer("study.t_max"));
  options.correlated = deck.boolean("study.correlated");
  options.subtract = deck.text("study.subtract");
  if (deck.has("study.momentum")) {
    options.momentum = deck.integers("study.momentum");
    if (deck.given("study.subtract") && options.subtract != "none")
      deck.refuse("study.subtract", "the correlator at a momentum is connected as it is", "\"none\", or no subtract");
    options.subtract = "none";
  }
  if (deck.has("study.bin")) options.bin = deck.integer("study.bin");
  if (options.t_max >= 0 && options.t_max - options.t_min + 1 < 2 * options.states) {
    deck.refuse("study.t_max",
                fmt::format("t = {} ... {} are {} points for {} parameters", options.t_min, options.t_max,
                            std::max(0, options.t_max - options.t_min + 1), 2 * options.states),
                "a longer range");
  }
  return options;
}

int run_correlator_fit(const Communicator& comm, const Deck& deck, const RunOptions& options) {
  return CorrelatorStudy(comm, deck, options).run();
}

std::string describe_correlator_fit(const Communicator& comm, const Deck& deck) {
  const CorrelatorFitOptions options = correlator_fit_options(deck);
  return describe_field_runs(comm, deck, "") +
         fmt::format(
             "fit          {} state{} of {}{}, {}\n", options.states, options.states > 1 ? "s" : "",
             options.periodic ? "A cosh(m (t - T/2))" : "A e^(-m t)",
             options.momentum.empty() ? "" : fmt::format(" at momentum [{}]", fmt::join(options.momentum, ", ")),
             options.correlated ? "correlated" : "uncorrelated");
}

namespace {

std::vector<Key> keys() {
  using namespace declare;
  constexpr double most = 1e12;
  return {files_of_field_runs(),
          optional(key("momentum", KeyType::integers, "",
                       "one of the study.momenta of the runs, as [1, 0]: the fit gives its energy; zero if not given")),
          choice("form", {"cosh", "exponential"}, "\"cosh\"", "A cosh(m (t - T/2)), or A e^(-m t)"),
          between(1, 2, key("states", KeyType::integer, "1", "of the form, added up")),
          between(0, 32768,
                  key("t_min", KeyType::integer, "1",
                      "first point of the fit, in steps; a scan tries every other one too")),
          optional(between(0, 32768, key("t_max", KeyType::integer, "", "last point; half the period if not given"))),
          key("correlated", KeyType::boolean, "true",
              "take the whole covariance of the points; false: their variances alone"),
          choice("subtract", {"mean", "modulus", "none"}, "\"mean\"",
                 "to connect the correlator: V_s <phi_1>^2, V_s <|M|/V>^2, nothing"),
          optional(between(
              1, most,
              key("bin", KeyType::integer, "", "measurements per bin of the jackknife; from tau_int if not given"))),
          optional(key("reference.mass", KeyType::real, "", "known mass (with a momentum: energy) to compare with")),
          at_least(0, key("reference.error", KeyType::real, "0.0", "its standard error")),
          optional(key("reference.source", KeyType::text, "", "where the reference comes from"))};
}

}  // namespace

StudyKind correlator_fit_kind() {
  return {.name = "correlator-fit",
          .help = "masses from the correlators of lattice-field runs of one action",
          .keys = keys(),
          .run = run_correlator_fit,
          .describe = [](const Communicator& comm, const Deck& deck,
                         int) { return RunEstimate{describe_correlator_fit(comm, deck)}; },
          .input_keys = {"study.files"},
          .value_keys = {"study.files", "study.momentum"}};
}

}  // namespace koushi
