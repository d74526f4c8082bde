#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/deck/refuse_beyond_memory.hpp"
#include "koushi/network/deformed_waves.hpp"
#include "koushi/network/random_network.hpp"
#include "koushi/statistics/complex_weights.hpp"
#include "koushi/study/known_value.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

constexpr std::size_t weights = 2;  ///< columns w and w^2 before those of DeformedWaves, which are times w

/// phi^4 theory as an ensemble of random networks whose law is deformed by e^{-lambda a^d sum phi^4}, at several widths N
/// and extrapolated to N -> infinity: by Markov chains over all parameters, or by weights of independent draws.
class DeformedEnsemble {
 public:
  DeformedEnsemble(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        run_(comm, deck, options),
        network_(network_kinds().of(DeckSection(deck, "network")).make(DeckSection(deck, "network"))),
        widths_(deck.integers("study.widths")),
        sampling_(deck.text("study.sampling")),
        chains_(static_cast<int>(deck.integer("study.chains"))),
        measurements_(deck.integer("study.measurements")),
        series_(chains_) {
    read_points();
    if (widths_.empty()) deck.refuse("study.widths", "there is none", "hidden units of the networks, as [16, 64]");
    std::sort(widths_.begin(), widths_.end());
    if (std::set<int>(widths_.begin(), widths_.end()).size() != widths_.size())
      deck.refuse("study.widths", "one is given twice", "different numbers of hidden units");
    const MomentumOptions& law = network_->waves()->law->options();
    if (sampling_ == "trajectory" && law.extents.empty() && law.cutoff == Cutoff::hard)
      deck.refuse("study.sampling", "a trajectory of momenta runs against a hard cutoff",
                  "\"redraw\", or cutoff = \"gaussian\"");
    const double cell = std::pow(spacing_, network_->dimension());
    const double bytes =
        8.0 * chains_ / comm.size() * (2 * points() + 4 * widths_.back() * (network_->dimension() + 2));
    refuse_beyond_memory(DeckSection(deck, "study"), "chains", "the chains with their fields", bytes);
    // chains of this rank
    first_ = chains_ * comm.rank() / comm.size();
    const int end = chains_ * (comm.rank() + 1) / comm.size();
    for (std::size_t w = 0; w < widths_.size(); ++w) {
      DeformedWavesOptions o;
      o.width = widths_[w];
      o.normal = network_->waves()->normal;
      o.extents = extents_;
      o.spacing = spacing_;
      o.coupling = deck.real("study.lambda") * cell;
      o.first_chain = static_cast<int>(w) * chains_ + first_;  // every width has random numbers of its own
      o.chains = end - first_;
      o.seed = static_cast<std::uint64_t>(deck.integer("seed"));
      o.trajectory = deck.real("study.trajectory.length");
      o.steps = static_cast<int>(deck.integer("study.trajectory.steps"));
      waves_.emplace_back(*network_->waves()->law, o);
    }
    if (!deck.has("study.reference.observable")) return;
    std::vector<std::string> names;
    for (const Observable& o : observables(0)) names.push_back(o.name);
    refuse_unknown_reference(deck, names, "measured");
  }

  int run() {
    const StudyRun::Begin begin = run_.begin([this](const ResultReader& reader) {
      done_ = reader.read_integers("state/measurements").at(0);
      read_series(reader, "", done_, series_);
      for (std::size_t w = 0; w < waves_.size(); ++w) {
        const std::vector<double> all = reader.read_reals(fmt::format("state/parameters_{}", widths_[w]));
        const std::size_t each = all.size() / static_cast<std::size_t>(chains_);
        const auto from = all.begin() + static_cast<std::ptrdiff_t>(each * static_cast<std::size_t>(first_));
        waves_[w].set_state({from, from + static_cast<std::ptrdiff_t>(waves_[w].state().size())});
      }
      if (comm_.is_root()) print_out(fmt::format("resumed {} at measurement {}\n", run_.file(), done_));
    });
    if (begin == StudyRun::Begin::done) return 0;
    Progress progress(comm_.is_root(), done_, measurements_, "measurement");
    run_.start();
    if (done_ == 0) warm_up();
    const auto sweeps = static_cast<std::uint64_t>(deck_.integer("study.sweeps"));
    const auto before = static_cast<std::uint64_t>(deck_.integer("study.warm_up"));
    while (done_ < measurements_) {
      for (std::size_t w = 0; w < waves_.size(); ++w) {
        for (std::uint64_t s = 0; s < (reweights() ? 1 : sweeps); ++s)
          move(waves_[w], before + static_cast<std::uint64_t>(done_) * sweeps + s);
        measure(w);
        run_.phases().lap(fmt::format("width {}", widths_[w]),
                          static_cast<double>(sweeps) * widths_[w] * chains_ / comm_.size(), "units/rank");
      }
      ++done_;
      progress.step(done_, "");
      if (run_.checkpoint_if_due(done_ == measurements_, [this](ResultWriter& writer) { write(writer); }))
        return run_.stopped(progress, fmt::format("measurement {}", done_));
    }
    analyse();
    warn(progress);
    return run_.finish([this](ResultWriter& writer) { write(writer); }, [this] { return table(); });
  }

  RunEstimate describe(int ranks) {
    RunEstimate estimate;
    estimate.text = fmt::format(
        "networks     of widths {} in {} dimensions, deformed by e^(-{:.6g} sum phi^4 {:.6g}) on [{}] points\n"
        "sampling     {}, {} chains of each width\n",
        fmt::join(widths_, ", "), network_->dimension(), deck_.real("study.lambda"),
        std::pow(spacing_, network_->dimension()), fmt::join(extents_, ", "), sampling_, chains_);
    if (ranks <= 0) return estimate;
    const auto start = std::chrono::steady_clock::now();
    for (DeformedWaves& one : waves_) {
      one.draw(0);
      move(one, 1);
      one.measure();
    }
    const double once = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 2;
    estimate.seconds =
        once * static_cast<double>(measurements_ * deck_.integer("study.sweeps") + deck_.integer("study.warm_up")) *
        comm_.size() / ranks;
    estimate.step_seconds = once * static_cast<double>(deck_.integer("study.sweeps")) * comm_.size() / ranks;
    estimate.text +=
        fmt::format("time         about {} on {} ranks of this processor\n", format_seconds(estimate.seconds), ranks);
    return estimate;
  }

 private:
  bool reweights() const { return sampling_ == "independent"; }
  double points() const {
    return std::accumulate(extents_.begin(), extents_.end(), 1.0, [](double p, int n) { return p * n; });
  }

  void read_points() {
    if (!network_->waves())
      deck_.refuse(
          "network.kind",
          fmt::format("units of \"{}\" are not waves whose parameters are sampled", deck_.text("network.kind")),
          "\"cosine\"");
    extents_ = network_->extents();
    if (!extents_.empty()) {
      if (deck_.has("study.extents"))
        deck_.refuse("study.extents", "the points are those of network.extents", "none with network.extents");
      if (deck_.real("study.spacing") != 1)
        deck_.refuse("study.spacing", "momenta of network.extents are of a lattice of spacing 1",
                     "1: lambda and m in lattice units");
    } else {
      if (!deck_.has("study.extents"))
        deck_.refuse("study.extents", "missing: the points on which phi^4 is summed",
                     "points per direction, as [32, 32], or momenta of a lattice by network.extents");
      extents_ = deck_.integers("study.extents");
      spacing_ = deck_.real("study.spacing");
    }
    if (static_cast<int>(extents_.size()) != network_->dimension())
      deck_.refuse("study.extents", fmt::format("{} numbers for {} dimensions", extents_.size(), network_->dimension()),
                   "one per direction");
    if (points() > 1 << 20)
      deck_.refuse(deck_.has("study.extents") ? "study.extents" : "network.extents", fmt::format("{} points", points()),
                   "at most 1048576");
  }

  void move(DeformedWaves& waves, std::uint64_t sweep) {
    if (reweights()) {
      waves.draw(sweep);
    } else if (sampling_ == "redraw") {
      waves.redraw(sweep);
    } else {
      waves.trajectory(sweep);
    }
  }

  void warm_up() {
    for (std::size_t w = 0; w < waves_.size(); ++w) {
      waves_[w].draw(0);
      for (std::int64_t s = 0; s < deck_.integer("study.warm_up") && !reweights(); ++s)
        move(waves_[w], static_cast<std::uint64_t>(s));
      waves_[w].measure();  // and its field is that of its parameters
    }
    run_.phases().lap("warm-up");
  }

  std::string name_of(std::size_t w) const { return fmt::format("width_{}", widths_[w]); }

  void measure(std::size_t w) {
    const std::vector<double> here = waves_[w].measure();
    const auto n = static_cast<std::size_t>(waves_[w].numbers());
    std::vector<double> rows;
    for (std::size_t c = 0; c < here.size() / n; ++c) {
      const double* const one = here.data() + c * n;
      const double weight = reweights() ? std::exp(-one[DeformedWaves::deformation]) : 1;
      rows.push_back(weight);
      rows.push_back(weight * weight);
      for (std::size_t k = 0; k < n; ++k) rows.push_back(weight * one[k]);
    }
    const std::vector<double> all = comm_.all_gather(rows);
    for (const double x : all) {
      if (!std::isfinite(x))
        throw NumericalError(
            fmt::format("a field of width {} is not finite; remedy: shorter steps of the trajectory", widths_[w]));
    }
    series_.add(name_of(w), all);
  }

  SeriesColumn column(std::size_t w, std::size_t k) const { return {name_of(w), k}; }
  Observable ratio(std::size_t w, const std::string& name, const std::string& help, std::size_t sum) const {
    return {
        name, help, {column(w, 0), column(w, weights + sum)}, [](const std::vector<double>& m) { return m[1] / m[0]; }};
  }

  /// Those that have a limit of infinite width first.
  std::vector<Observable> observables(std::size_t w) const {
    std::vector<Observable> all{ratio(w, "phi2", "<phi^2>", DeformedWaves::phi2),
                                ratio(w, "phi4", "<phi^4>", DeformedWaves::phi4),
                                ratio(w, "susceptibility", "V <(mean of phi)^2>", DeformedWaves::mean2)};
    if (network_->dimension() == 1) {
      const double m = network_->waves()->law->options().mass;
      const double lambda = deck_.real("study.lambda");
      all.push_back({"virial_energy",
                     "m^2 <phi^2> + 3 lambda <phi^4>: E_0 of a long path x = phi with V = m^2 x^2 / 2 + lambda x^4",
                     {column(w, 0), column(w, weights + DeformedWaves::phi2), column(w, weights + DeformedWaves::phi4)},
                     [m, lambda](const std::vector<double>& x) { return (m * m * x[1] + 3 * lambda * x[2]) / x[0]; }});
    }
    all.push_back(ratio(w, "schwinger_dyson",
                        "1/V sum_j < d O_j / d b_j - O_j d S / d b_j >, O_j = sum_x phi d phi / d b_j: 0",
                        DeformedWaves::schwinger_dyson));
    if (reweights()) {
      all.push_back({"effective_samples",
                     "<w>^2 / <w^2> of w = e^(-S): how much of the draws counts",
                     {column(w, 0), column(w, 1)},
                     [](const std::vector<double>& m) { return m[0] * m[0] / m[1]; }});
    } else {
      all.push_back(ratio(w, "acceptance", "accepted part of all proposals", DeformedWaves::accepted));
    }
    return all;
  }
  std::size_t n_limits() const { return network_->dimension() == 1 ? 4 : 3; }

  /// A number of one width, and its error: not one where too few draws count or chains are short.
  struct Result {
    Observable observable;
    Estimate estimate;
    double error;
  };
  Result result(std::size_t w, const Observable& o) const {
    const Estimate e = series_.estimate(o);
    return {o, e, counts_[w] ? series_.quoted_error(o, e) : std::nan("")};
  }

  bool is_shown(std::size_t w, const Observable& o) const { return counts_[w] || o.name == "effective_samples"; }

  /// Value and error at N -> infinity of c_0 + c_1 / N, with c_2 / N^2 from four widths on; chi^2 and degrees of freedom.
  struct Limit {
    double value = std::nan("");
    double error = std::nan("");
    double chi2 = 0;
    int freedom = 0;
  };
  Limit limit_of(std::size_t k) const {
    const auto n = static_cast<Eigen::Index>(widths_.size());
    const Eigen::Index terms = n >= 4 ? 3 : 2;
    Limit limit;
    if (n < 2) return limit;
    Eigen::MatrixXd design(n, terms);
    Eigen::VectorXd values(n);
    for (Eigen::Index w = 0; w < n; ++w) {
      const auto at = static_cast<std::size_t>(w);
      const Result& here = results_[at][k];
      const double e = here.error;
      if (!(e > 0)) return limit;
      values(w) = here.estimate.value / e;
      for (Eigen::Index p = 0; p < terms; ++p) design(w, p) = std::pow(1.0 / widths_[at], static_cast<double>(p)) / e;
    }
    const Eigen::MatrixXd covariance = (design.transpose() * design).inverse();
    const Eigen::VectorXd c = design.colPivHouseholderQr().solve(values);
    limit.value = c(0);
    limit.error = std::sqrt(covariance(0, 0));
    limit.chi2 = (values - design * c).squaredNorm();
    limit.freedom = static_cast<int>(n - terms);
    return limit;
  }

  /// What the series gives: results_, limits_ and counts_.
  void analyse() {
    results_.assign(widths_.size(), {});
    limits_.clear();
    counts_.assign(widths_.size(), true);
    for (std::size_t w = 0; w < widths_.size(); ++w) {
      const std::vector<Observable> all = observables(w);
      if (reweights()) counts_[w] = series_.estimate(all.back()).value > fewest_effective;
      for (const Observable& o : all) results_[w].push_back(result(w, o));
    }
    for (std::size_t k = 0; k < n_limits(); ++k) limits_.push_back(limit_of(k));
  }

  void warn(Progress& progress) {
    for (std::size_t w = 0; w < widths_.size(); ++w) {
      if (!counts_[w])
        run_.warn(progress, fmt::format("weights {}", widths_[w]),
                  fmt::format("of the draws of width {} less than 1 % count: no value is quoted; remedy: "
                              "study.sampling = \"redraw\"",
                              widths_[w]));
      for (const auto& [o, found, e] : results_[w]) {
        if (o.name == "schwinger_dyson" && std::abs(found.value) > 5 * e)
          run_.warn(progress, fmt::format("identity {}", widths_[w]),
                    fmt::format("the identity of Schwinger and Dyson at width {} is {}, not 0: the chains are not in "
                                "equilibrium; remedy: a longer warm_up",
                                widths_[w], with_error(found.value, e)));
        if (counts_[w] && std::isnan(e) && o.name == "phi2")
          run_.warn(progress, fmt::format("error {}", widths_[w]),
                    fmt::format("the chains of width {} are too short for errors; remedy: more measurements or sweeps",
                                widths_[w]));
        if (o.name == "acceptance" && found.value < 0.2)
          run_.warn(progress, fmt::format("acceptance {}", widths_[w]),
                    fmt::format("the acceptance of width {} is {:.2g}; remedy: {}", widths_[w], found.value,
                                sampling_ == "redraw" ? "a larger width, or study.sampling = \"trajectory\""
                                                      : "more steps of the trajectory"));
      }
    }
    for (std::size_t k = 0; k < n_limits(); ++k) {
      const Limit& l = limits_[k];
      if (l.freedom > 0 && l.chi2 > 9.0 * l.freedom)
        run_.warn(
            progress, "limit",
            fmt::format("{} does not follow powers of 1/N: chi^2 = {:.3g} for {} degrees of freedom; remedy: leave "
                        "out the smallest width",
                        results_[0][k].observable.name, l.chi2, l.freedom));
    }
  }

  void write(ResultWriter& writer) {
    writer.write("summary/n_sites", std::vector<std::int64_t>{static_cast<std::int64_t>(points())});
    writer.write("summary/steps", std::vector<std::int64_t>{std::max<std::int64_t>(done_, 1)});
    writer.write("state/measurements", std::vector<std::int64_t>{done_});
    for (std::size_t w = 0; w < waves_.size(); ++w)
      writer.write(fmt::format("state/parameters_{}", widths_[w]), comm_.all_gather(waves_[w].state()));
    write_series(writer, "", series_, "", "[measurement][chain][w, w^2, then w times the numbers of a network]");
    if (done_ < 2) return;
    analyse();
    writer.write("summary/table", table());
    if (has_reference(deck_, "value"))
      write_reference(writer, deck_, "value", deck_.text("study.reference.observable"));
    const std::size_t last = widths_.size() - 1;
    for (std::size_t k = 0; k < results_[last].size(); ++k) {
      const auto& [o, e, error] = results_[last][k];
      StoredObservable result = stored(o, e, error);
      if (!is_shown(last, o)) result.value = std::nan("");
      result.help += fmt::format(", width {}", widths_[last]);
      if (k < n_limits() && last > 0) {
        const Limit& l = limits_[k];
        StoredObservable infinite{o.name, l.value, l.error};
        infinite.help = o.help + ", N -> infinity by powers of 1/N";
        infinite.samples = e.samples;
        infinite.counted = "measurements of every width";
        write_observable(writer, "", infinite);
        result.name += "_of_largest_width";
      }
      write_observable(writer, "", result);
    }
    for (std::size_t k = 0; k < results_[last].size(); ++k) {
      const Observable& o = results_[last][k].observable;
      StoredCurve curve{o.name + "_of_width", {}, {}, {}, "1/N", o.help};
      for (std::size_t w = widths_.size(); w-- > 0;) {
        curve.x.push_back(1.0 / widths_[w]);
        curve.value.push_back(results_[w][k].estimate.value);
        curve.error.push_back(results_[w][k].error);
      }
      if (last > 0) write_curve(writer, "curves", curve);
    }
    StoredCurve propagator{"propagator", {},  {},
                           {},           "r", fmt::format("<phi(x) phi(x + r e_0)>, width {}", widths_[last])};
    StoredCurve free = propagator;
    free.name = "propagator_free";
    free.help = "of the law without lambda";
    free.error_help = "0";
    for (int r = 0; r <= extents_[0] / 2; ++r) {
      const Result at = result(last, ratio(last, "propagator", "", DeformedWaves::sums + static_cast<std::size_t>(r)));
      std::vector<double> place(extents_.size(), 0.0);
      propagator.x.push_back(spacing_ * r);
      free.x.push_back(spacing_ * r);
      propagator.value.push_back(counts_[last] ? at.estimate.value : std::nan(""));
      propagator.error.push_back(at.error);
      const std::vector<double> origin = place;
      place[0] = spacing_ * r;
      free.value.push_back(network_->two_point(origin, place).value_or(std::nan("")));
      free.error.push_back(0);
    }
    write_curve(writer, "curves", propagator);
    write_curve(writer, "curves", free);
  }

  std::string table() const {
    std::string text = fmt::format("{} chains, {} measurements each, {}\n", chains_, done_, sampling_);
    std::vector<std::string> x;
    std::vector<std::pair<std::string, std::vector<std::string>>> columns;
    for (std::size_t w = 0; w < widths_.size(); ++w) {
      x.push_back(fmt::format("{}", widths_[w]));
      columns.resize(results_[w].size() + 1);
      for (std::size_t k = 0; k < results_[w].size(); ++k) {
        const auto& [o, found, error] = results_[w][k];
        columns[k].first = o.name;
        columns[k].second.push_back(is_shown(w, o) ? with_error(found.value, error) : "not resolved");
      }
      columns.back().first = "tau_int of phi2";
      columns.back().second.push_back(fmt::format("{:.3g}", results_[w][0].estimate.tau_int));
    }
    if (widths_.size() > 1) {
      x.emplace_back("infinite");
      for (std::size_t k = 0; k < columns.size(); ++k) {
        const Limit l = k < n_limits() ? limits_[k] : Limit{};
        columns[k].second.push_back(with_error(l.value, l.error));
      }
    }
    text += column_blocks("width N", x, columns);
    if (has_reference(deck_, "value")) {
      for (std::size_t k = 0; k < columns.size() - 1; ++k) {
        const std::size_t last = widths_.size() - 1;
        const auto& [o, found, error] = results_[last][k];
        if (deck_.text("study.reference.observable") != o.name) continue;
        const Limit l = k < n_limits() && last > 0 ? limits_[k] : Limit{found.value, error};
        if (std::isfinite(l.value)) text += reference_line(deck_, "value", l.value, l.error);
      }
    }
    return text + run_.warning_lines();
  }

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  std::shared_ptr<const RandomNetwork> network_;
  std::vector<int> widths_;
  std::string sampling_;
  int chains_;
  std::int64_t measurements_;
  std::vector<int> extents_;
  double spacing_ = 1;
  int first_ = 0;
  std::int64_t done_ = 0;
  std::vector<DeformedWaves> waves_;
  MeasuredSeries series_;
  std::vector<std::vector<Result>> results_;  ///< [width], as of the last checkpoint
  std::vector<Limit> limits_;                 ///< of the first results
  std::vector<bool> counts_;                  ///< [width]: whether enough of the draws count
};

std::vector<Key> keys() {
  using namespace declare;
  std::vector<Key> all{
      between(1, 1e6,
              key("widths", KeyType::integers, "[16, 32, 64]",
                  "hidden units N of the networks; from two on, N -> infinity by powers of 1/N")),
      between(0, 1e6, key("lambda", KeyType::real, "0.1", "of the factor e^(-lambda a^d sum_x phi(x)^4) of the law")),
      optional(between(1, 65536,
                       key("extents", KeyType::integers, "",
                           "points per direction on which phi^4 is summed; those of network.extents, if given"))),
      between(1e-6, 1e6, key("spacing", KeyType::real, "1.0", "a of these points")),
      choice(
          "sampling", {"redraw", "trajectory", "independent"}, "\"redraw\"",
          "redraw: new parameters of one unit from the law, accepted or not. trajectory: molecular dynamics of phases "
          "and continuous momenta, hops between momenta of a lattice. independent: draws of the law and weights"),
      between(1, 1e6, key("chains", KeyType::integer, "64", "independent chains of every width")),
      between(0, 1e9, key("warm_up", KeyType::integer, "100", "sweeps before the first measurement")),
      between(2, 1e9, key("measurements", KeyType::integer, "1000", "of every chain")),
      between(1, 1e6, key("sweeps", KeyType::integer, "1", "between measurements, each over all units")),
      between(1e-6, 1e3, key("trajectory.length", KeyType::real, "1.0", "of molecular dynamics, phases have mass 1")),
      between(1, 10000, key("trajectory.steps", KeyType::integer, "10", "leapfrog steps of a trajectory"))};
  for (const Key& one : reference_keys()) all.push_back(one);
  return all;
}

}  // namespace

StudyKind deformed_ensemble_kind() {
  return {.name = "deformed-ensemble",
          .help = "phi^4 theory as random networks with a deformed law of parameters, to infinite width",
          .keys = keys(),
          .run = [](const Communicator& comm, const Deck& deck,
                    const RunOptions& options) { return DeformedEnsemble(comm, deck, options).run(); },
          .describe = [](const Communicator& comm, const Deck& deck,
                         int ranks) { return DeformedEnsemble(comm, deck, {}).describe(ranks); },
          .extendable_keys = {"study.measurements"},
          .value_keys = {"study.reference.observable", "study.lambda", "study.extents", "study.spacing"},
          .subject = StudyKind::Subject::networks,
          .template_settings = {"network.kind=cosine", "network.extents=[32]"}};
}

}  // namespace koushi
