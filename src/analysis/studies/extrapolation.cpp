#include "koushi/analysis/extrapolation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "koushi/analysis/analysis_results.hpp"
#include "koushi/analysis/finished_runs.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/deck/resolved.hpp"
#include "koushi/statistics/power_fit.hpp"
#include "koushi/store/damaged_file.hpp"
#include "koushi/study/known_value.hpp"
#include "koushi/study/model_keys.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

/// study.powers. Errors: DeckError.
std::vector<double> powers_of(const Deck& deck) {
  const std::vector<double> powers = deck.reals("study.powers");
  const bool rising = powers[0] > 0;
  for (std::size_t k = 0; k < powers.size(); ++k) {
    if (powers[k] != 0 && (powers[k] > 0) == rising && std::count(powers.begin(), powers.end(), powers[k]) == 1)
      continue;
    deck.refuse("study.powers", fmt::format("[{}] have no common limit", fmt::join(powers, ", ")),
                "different powers, all < 0 for x to infinity or all > 0 for x to 0");
  }
  return powers;
}

class Extrapolation {
 public:
  Extrapolation(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        run_(comm, deck, options),
        name_(deck.text("study.observable")),
        x_(deck.text("study.x")),
        powers_(powers_of(deck)),
        weighted_(deck.boolean("study.weighted")) {}

  int run() {
    if (run_.begin([](const ResultReader&) {}) == StudyRun::Begin::done) return 0;
    Progress progress(comm_.is_root(), 0, 1, "fit");
    run_.start(false);
    for (const std::string& file : deck_.texts("study.files")) read(file, progress);
    if (points_.empty())
      deck_.refuse("study.files", "there is none", "result files of one kind of study, as [\"a.h5\", \"b.h5\"]");
    // The farthest from the limit comes first.
    std::stable_sort(points_.begin(), points_.end(),
                     [this](const FitPoint& a, const FitPoint& b) { return powers_[0] < 0 ? a.x < b.x : a.x > b.x; });
    run_.phases().lap("reading", static_cast<double>(points_.size()), "files");
    for (std::size_t first = 0; first + powers_.size() < points_.size(); ++first) {
      if (first > 0 && points_[first].x == points_[first - 1].x) continue;
      const PowerFit fit =
          fit_powers({points_.begin() + static_cast<std::ptrdiff_t>(first), points_.end()}, powers_, weighted_);
      if (!fit.solvable) break;
      starts_.push_back(points_[first].x);
      fits_.push_back(fit);
    }
    if (fits_.empty() || starts_[0] != points_[0].x) {
      throw NumericalError(
          fmt::format("{} runs do not determine the {} parameters of the fit; remedy: more values of {}, fewer powers",
                      points_.size(), powers_.size() + 1, x_));
    }
    if (fits_[0].q < 1e-3) {
      run_.warn(progress, "bad fit",
                fmt::format("chi^2 = {:.1f} with {} degrees of freedom, Q = {:.2g}; remedy: other powers, without the "
                            "runs farthest from the limit",
                            fits_[0].chi_squared, fits_[0].degrees_of_freedom, fits_[0].q));
    }
    run_.phases().lap("fits", static_cast<double>(fits_.size()), "fits");
    return run_.finish([this](ResultWriter& writer) { write(writer); }, [this] { return table(); });
  }

 private:
  void read(const std::string& file, Progress& progress) {
    try {
      const ResultReader reader(comm_, file);
      take(reader, file, progress);
      if (const std::string status = reader.read_text("summary/status"); status != "done")
        run_.warn(progress, "unfinished run", fmt::format("{} is {}", file, status));
    } catch (const DamagedFile&) {
      throw;
    } catch (const StoreError& error) {
      deck_.refuse("study.files", error.what(),
                   "result files; names are relative to the folder in which koushi is called");
    }
  }

  void take(const ResultReader& reader, const std::string& file, Progress& progress) {
    const auto keys = resolved_keys(reader.read_text("deck/resolved"));
    if (keys_.empty()) keys_ = keys;
    if (keys.at("study.kind") != keys_.at("study.kind"))
      deck_.refuse("study.files",
                   fmt::format("{} is of study.kind = {}, the first one of {}", file, keys.at("study.kind"),
                               keys_.at("study.kind")),
                   "files of one kind of study");
    for (const auto& map : {keys, keys_}) {
      for (const auto& [key, value] : map) {
        const bool same = keys.count(key) > 0 && keys_.count(key) > 0 && keys.at(key) == keys_.at(key);
        if (!same && !is_bookkeeping(key) && (x_ + ".").rfind(key + ".", 0) != 0) differing_.insert(key);
      }
    }
    std::map<std::string, double> numbers = resolved_numbers(keys);
    numbers["n_sites"] = static_cast<double>(reader.read_integers("summary/n_sites").at(0));
    const std::vector<std::string> names = observable_names(reader, "");
    if (names.empty())
      deck_.refuse("study.files", fmt::format("{} has not measured yet", file), "files of runs that are done");
    FitPoint point;
    if (numbers.count(x_) > 0) {
      point.x = numbers[x_];
    } else if (std::count(names.begin(), names.end(), x_) > 0) {
      const StoredObservable measured = read_observable(reader, "", x_);
      point.x = measured.value;
      point.x_error = std::isfinite(measured.error) ? measured.error : 0;
    } else {
      std::vector<std::string> all = names;
      for (const auto& [key, value] : numbers) all.push_back(key);
      deck_.refuse("study.x", fmt::format("{} has no number {} in its deck, and has not measured it", file, quoted(x_)),
                   "one of " + join(all) + hint(x_, all));
    }
    if (!(point.x > 0))
      deck_.refuse("study.x", fmt::format("{} = {} in {}", x_, point.x, file),
                   "a number that is positive in all files");
    if (std::count(names.begin(), names.end(), name_) == 0)
      deck_.refuse("study.observable", fmt::format("{} has no observable {}", file, quoted(name_)),
                   "one of " + join(names) + hint(name_, names));
    const StoredObservable result = read_observable(reader, "", name_);
    point.value = result.value;
    point.error = result.error;
    if (weighted_ && !(std::isfinite(point.error) && point.error > 0)) {
      deck_.refuse("study.weighted",
                   fmt::format("{} of {} has {}", name_, file, point.error == 0 ? "an error of 0" : "no error"),
                   "longer runs, or weighted = false, which counts all runs alike");
    }
    for (const FitPoint& other : points_) {
      if (other.x != point.x || other.value != point.value || other.error != point.error) continue;
      deck_.refuse("study.files", fmt::format("{} and one before it hold the same result", file),
                   "every run once, runs at one x with different seeds");
    }
    if (point.error > 0 && !seeds_.insert(keys.at("seed")).second) warn_of_equal_seeds(run_, progress);
    points_.push_back(point);
    unit_ = result.unit;
  }

  std::string parameter_name(std::size_t k) const { return k == 0 ? "limit" : fmt::format("coefficient_{}", k); }

  std::string quality(const PowerFit& fit) const {
    return weighted_
               ? fmt::format("{:>9.2f} / {:<4} Q = {:.3g}", fit.chi_squared, fit.degrees_of_freedom, fit.q)
               : fmt::format("{:>9.3g} / {:<4} (sum of squared deviations)", fit.chi_squared, fit.degrees_of_freedom);
  }

  std::string table() const;
  void write(ResultWriter& writer) const;

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  std::string name_;
  std::string x_;
  std::vector<double> powers_;
  bool weighted_;
  std::map<std::string, std::string> keys_;  ///< of the first file
  std::set<std::string> differing_;          ///< further keys of physics
  std::vector<FitPoint> points_;
  std::set<std::string> seeds_;
  std::string unit_;
  std::vector<double> starts_;  ///< x that the fits begin with
  std::vector<PowerFit> fits_;  ///< of all points, then without the farthest ones
};

std::string Extrapolation::table() const {
  const PowerFit& main = fits_[0];
  std::string form = name_ + " = limit";
  for (std::size_t k = 0; k < powers_.size(); ++k) form += fmt::format(" + coefficient_{} x^{}", k + 1, powers_[k]);
  std::string text =
      fmt::format("fit of {}, x = {}, {} runs{}\n", form, x_, points_.size(), weighted_ ? "" : ", all alike");
  if (!differing_.empty())
    text += fmt::format("the runs differ in {} too\n", join({differing_.begin(), differing_.end()}));
  for (std::size_t k = 0; k < main.parameters.size(); ++k) {
    text += fmt::format("{:<18} {:>22}\n", parameter_name(k), with_error(main.parameters[k], main.errors[k]));
    if (k == 0) text += reference_line(deck_, "value", main.parameters[0], main.errors[0]);
  }
  text += fmt::format("{:<18} {}\n\n{:>12} {:>22} {:>22} {:>12}\n", "chi^2 / dof", quality(main), "x", name_, "fit",
                      "deviation");
  for (const FitPoint& point : points_) {
    const double fitted = main(point.x, powers_);
    text += fmt::format("{:>12g} {:>22} {:>22.10g} {:>12}\n", point.x,
                        point.error > 0 ? with_error(point.value, point.error) : fmt::format("{:.10g}", point.value),
                        fitted,
                        weighted_ ? fmt::format("{:+.1f}σ", (point.value - fitted) / point.error)
                                  : fmt::format("{:+.2g}", point.value - fitted));
  }
  text += fmt::format("\n{:>12} {:>22}   {}\n", powers_[0] < 0 ? "from x" : "up to x", "limit", "  chi^2 / dof");
  for (std::size_t k = 0; k < fits_.size(); ++k)
    text += fmt::format("{:>12g} {:>22}   {}\n", starts_[k], with_error(fits_[k].parameters[0], fits_[k].errors[0]),
                        quality(fits_[k]));
  return text + run_.warning_lines();
}

void Extrapolation::write(ResultWriter& writer) const {
  const PowerFit& main = fits_[0];
  const auto count = static_cast<std::int64_t>(points_.size());
  write_analysis_summary(writer, 0, count, table());
  for (std::size_t k = 0; k < main.parameters.size(); ++k) {
    StoredObservable result{parameter_name(k), main.parameters[k], main.errors[k], 0.5, count};
    result.help = k == 0 ? name_ + " in the limit" : fmt::format("factor of x^{}", powers_[k - 1]);
    result.tau_help = "runs are independent";
    if (k == 0) result.unit = unit_;
    result.counted = "runs";
    write_observable(writer, "", result);
  }
  write_reference(writer, deck_, "value", "limit");
  write_reals(writer, "fit/parameters_covariance", main.covariance, "", "row by row: limit, then coefficients");
  write_reals(writer, "fit/chi_squared", {main.chi_squared}, "", weighted_ ? "" : "sum of squared deviations");
  writer.write("fit/degrees_of_freedom", std::vector<std::int64_t>{main.degrees_of_freedom});
  write_reals(writer, "fit/q", {main.q}, "", "probability of a larger chi^2; NaN where all runs count alike");

  const std::string axis = fmt::format("{}^{}", x_, powers_[0]);
  std::vector<double> u;
  std::vector<double> values;
  std::vector<double> errors;
  for (const FitPoint& point : points_) {
    u.push_back(std::pow(point.x, powers_[0]));
    values.push_back(point.value);
    errors.push_back(point.error);
  }
  write_curve(writer, "curves", {"runs", u, values, errors, axis, name_ + " of the runs"});
  const double widest = 1.05 * u[0];
  u.clear();
  values.clear();
  errors.clear();
  for (int step = 0; step <= 100; ++step) {
    u.push_back(widest * step / 100);
    std::vector<double> gradient{1.0};
    for (const double power : powers_) gradient.push_back(std::pow(u.back(), power / powers_[0]));
    double value = 0;
    double variance = 0;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      value += main.parameters[i] * gradient[i];
      for (std::size_t j = 0; j < gradient.size(); ++j)
        variance += gradient[i] * main.covariance[i * gradient.size() + j] * gradient[j];
    }
    values.push_back(value);
    errors.push_back(std::sqrt(std::max(0.0, variance)));
  }
  write_curve(writer, "curves", {"fit", u, values, errors, axis, "the fit of all runs"});
  std::vector<double> limits;
  std::vector<double> limit_errors;
  std::vector<double> q;
  for (const PowerFit& fit : fits_) {
    limits.push_back(fit.parameters[0]);
    limit_errors.push_back(fit.errors[0]);
    q.push_back(fit.q);
  }
  write_curve(writer, "curves",
              {"scan_limit", starts_, limits, limit_errors, x_, "limit of the fit without the runs beyond x"});
  write_curve(writer, "curves",
              {"scan_q", starts_, q, std::vector<double>(q.size(), std::nan("")), x_,
               "Q of the fit without the runs beyond x", "none"});
}

}  // namespace

int run_extrapolation(const Communicator& comm, const Deck& deck, const RunOptions& options) {
  return Extrapolation(comm, deck, options).run();
}

std::string describe_extrapolation(const Communicator& comm, const Deck& deck) {
  const std::vector<double> powers = powers_of(deck);
  return notes_on_missing_files(comm, deck) + fmt::format("fit          {} over {}, powers [{}], {} files\n",
                                                          deck.text("study.observable"), deck.text("study.x"),
                                                          fmt::join(powers, ", "), deck.texts("study.files").size());
}

namespace {

std::vector<Key> keys() {
  using namespace declare;
  return {key("files", KeyType::texts, "",
              "result files of one kind of study; names are relative to the folder in which koushi is called"),
          key("observable", KeyType::text, "", "as `koushi report` names it"),
          key("x", KeyType::text, "\"lattice.extents.0\"",
              "a number of their decks, as lattice.extents.0 or action.spacing, n_sites, or an observable, whose "
              "errors count too: "
              "variance for extrapolations to variance 0"),
          key("powers", KeyType::reals, "",
              "of x, of the terms beside the limit, as [-3, -4]: negative for x to infinity, positive for x to 0"),
          key("weighted", KeyType::boolean, "true", "by the errors of the runs; false: all alike, for exact values"),
          optional(key("reference.value", KeyType::real, "", "known limit to compare with")),
          at_least(0, key("reference.error", KeyType::real, "0.0", "its standard error")),
          optional(key("reference.source", KeyType::text, "", "where the reference comes from"))};
}

}  // namespace

StudyKind extrapolation_kind() {
  return {.name = "extrapolation",
          .help = "an observable of finished runs at infinite size, zero spacing, ...",
          .keys = keys(),
          .run = run_extrapolation,
          .describe = [](const Communicator& comm, const Deck& deck,
                         int) { return RunEstimate{describe_extrapolation(comm, deck)}; },
          .input_keys = {"study.files"},
          .value_keys = {"study.files", "study.observable", "study.x"}};
}

}  // namespace koushi
