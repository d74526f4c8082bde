#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/manybody/fixed_node_walkers.hpp"
#include "koushi/statistics/measured_series.hpp"
#include "koushi/study/history.hpp"
#include "koushi/study/measurement.hpp"
#include "koushi/study/parameters_file.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/study.hpp"
#include "koushi/study/variational_results.hpp"

namespace koushi {

namespace {

constexpr const char* error_help =
    "one standard deviation, corrected for autocorrelation; NaN where there are too few intervals";

/// Green-function Monte Carlo with the nodes of a wavefunction: the lowest energy of the fixed-node Hamiltonian of psi,
/// which is never below that of H and never above that of psi.
///
/// The mixed estimator of interval n has the weight of the last p intervals,
///
///   E(p) = sum_n W_n E_n / sum_n W_n,   W_n = w_n w_(n-1) ... w_(n-p+1),
///
/// w_n the mean weight that branching took out after interval n; p = 0 has the bias of a finite population, which falls
/// off with p while the error grows.
class GreenFunctionStudy {
 public:
  GreenFunctionStudy(const Communicator& comm, const Deck& deck, const RunOptions& options, int planned_ranks = 0)
      : comm_(comm),
        deck_(deck),
        run_(comm, deck, options),
        model_(comm, deck, run_.phases(), planned_ranks),
        interval_(deck.real("study.interval")),
        wanted_(deck.integer("study.intervals")),
        warm_up_(deck.integer("study.warm_up")),
        correction_(deck.integer("study.correction")) {
    if (!model_.psi().is_real() || !model_.hamiltonian().is_real())
      deck.refuse("study.kind",
                  model_.psi().is_real() ? "H has complex elements, so that psi has phases and no nodes"
                                         : "psi has complex values, and phases instead of nodes",
                  "real weights, momenta 0 or pi, no twist");
    if (model_.sampler().n_chains() == 0)
      deck.refuse("sampler.kind", "walkers begin at samples of chains", "\"metropolis\"");
    if (correction_ >= wanted_)
      deck.refuse("study.correction", fmt::format("{} intervals of {} that are measured", correction_, wanted_),
                  "fewer intervals than study.intervals");
  }

  int run() {
    const RowRange rows = model_.sampler().rows();
    const StudyRun::Begin begin = run_.begin([&](const ResultReader& reader) {
      model_.read(reader);
      walkers(rows).read(reader);
      history_.read(reader);
      done_ = static_cast<std::int64_t>(history_.values("energy").size());
      if (comm_.is_root()) print_out(fmt::format("resumed {} after {} intervals\n", run_.file(), done_));
    });
    if (begin == StudyRun::Begin::done) return 0;
    const std::int64_t total = warm_up_ + wanted_;
    Progress progress(comm_.is_root(), done_, total, "interval");
    run_.start();
    if (begin == StudyRun::Begin::fresh) {
      if (deck_.has("study.parameters")) load_parameters(model_, "study.parameters", false);
      model_.start();
      for (std::int64_t sweep = 0; sweep < sweeps_before; sweep += sweeps_at_once)
        model_.warm_up(later_measurement - 1, sweep, sweeps_at_once);
      model_.draw(later_measurement);
      walkers(rows).start(model_.sampler().samples().states);
    }
    const auto write_all = [this](ResultWriter& writer) { write(writer); };
    while (done_ < total) {
      const FixedNodeWalkers::Interval step = walkers(rows).walk(static_cast<std::uint64_t>(done_), interval_);
      run_.phases().lap("walks", step.hops * static_cast<double>(rows.count), "hops/rank");
      ++done_;
      history_.add("energy", "J", "mixed estimate of the energy at the end of an interval, warm-up included",
                   step.energy);
      history_.add("log_weight", "", "log of the mean weight that branching took out", step.log_weight);
      history_.add("effective_walkers", "", "(sum w)^2 / sum w^2 before branching", step.effective);
      history_.add("hops", "", "hops per walker in an interval", step.hops);
      lost_ += step.lost;
      progress.step(done_, fmt::format("E/N {:.6f}  walkers {:.0f} of {}  hops {:.1f}", step.energy / model_.n_sites(),
                                       step.effective, rows.total, step.hops));
      if (run_.checkpoint_if_due(false, write_all))
        return run_.stopped(progress, fmt::format("interval {} of {}", done_, total));
    }
    estimate();
    warn(progress);
    return run_.finish(write_all, [this] { return table(); });
  }

  RunEstimate describe(int ranks) {
    RunEstimate estimate;
    estimate.text = model_.describe(ranks, 0);
    estimate.text += fmt::format("walkers      {}, the samples of one draw; {} intervals of {} / J after {}\n",
                                 model_.sampler().rows().total, wanted_, interval_, warm_up_);
    note_model(run_, model_, ranks, "study.parameters", false, estimate);
    return estimate;
  }

 private:
  static constexpr std::int64_t sweeps_before = 5 * sweeps_at_once;
  static constexpr std::int64_t points_of_curve = 11;

  /// They are made when the parameters are known.
  FixedNodeWalkers& walkers(RowRange rows) {
    if (!walkers_) {
      walkers_ = std::make_unique<FixedNodeWalkers>(comm_, model_.psi(), model_.hamiltonian(), rows,
                                                    static_cast<std::uint64_t>(deck_.integer("seed")));
    }
    return *walkers_;
  }

  /// E(p) with its error.
  Estimate corrected(std::int64_t p, double& quoted) const {
    const std::vector<double>& energies = history_.values("energy");
    const std::vector<double>& logs = history_.values("log_weight");
    double mean = 0;  // of the logs, taken out of all
    for (const double x : logs) mean += x / static_cast<double>(logs.size());
    MeasuredSeries series(1);
    for (std::int64_t n = warm_up_; n < done_; ++n) {
      double log_weight = 0;
      for (std::int64_t j = std::max<std::int64_t>(0, n - p + 1); j <= n; ++j)
        log_weight += logs[static_cast<std::size_t>(j)] - mean;
      const double weight = std::exp(log_weight);
      series.add("weighted", {weight * energies[static_cast<std::size_t>(n)]});
      series.add("weight", {weight});
    }
    Observable ratio;
    ratio.series = {{"weighted", 0}, {"weight", 0}};
    ratio.value = [](const std::vector<double>& x) { return x[0] / x[1]; };
    const Estimate estimate = series.estimate(ratio);
    quoted = series.quoted_error(ratio, estimate);
    return estimate;
  }

  void estimate() {
    energy_ = corrected(correction_, quoted_);
    curve_ = {"energy_against_correction",
              {},
              {},
              {},
              "time of the correction (1/J)",
              "E(p) with the weights of the last p intervals; p = 0 has the bias of the population",
              error_help,
              "J",
              "$E$"};
    for (std::int64_t k = 0; k < points_of_curve; ++k) {
      const std::int64_t p = 2 * correction_ * k / (points_of_curve - 1);
      double error = 0;
      const Estimate e = corrected(p, error);
      if (!curve_.x.empty() && curve_.x.back() == interval_ * static_cast<double>(p)) continue;
      curve_.x.push_back(interval_ * static_cast<double>(p));
      curve_.value.push_back(e.value);
      curve_.error.push_back(error);
    }
  }

  void warn(Progress& progress) {
    const std::vector<double>& effective = history_.values("effective_walkers");
    const double least = *std::min_element(effective.begin() + warm_up_, effective.end());
    const auto all = static_cast<double>(model_.sampler().rows().total);
    if (least < 0.3 * all)
      run_.warn(progress, "weights",
                fmt::format("branching met {:.0f} effective walkers of {:.0f}: weights differ much; remedy: a shorter "
                            "study.interval, a better psi",
                            least, all));
    const std::vector<double>& hops = history_.values("hops");
    if (*std::max_element(hops.begin(), hops.end()) < 0.01) {
      run_.warn(
          progress, "still",
          "walkers hop less than once in a hundred intervals: nearly every move of H would cross a node of psi, whose "
          "signs are therefore not those of the ground state; remedy: marshall = true, or a psi with other signs");
      return;
    }
    if (lost_ > 0)
      run_.warn(progress, "lost", fmt::format("{} walks met an E_loc that is no number, and ended", lost_));
    if (std::isnan(quoted_))
      run_.warn(progress, "short",
                "no error is quoted: the run is shorter than 50 autocorrelation times; remedy: more "
                "study.intervals");
    double error = 0;
    const Estimate zero = corrected(0, error);
    if (std::abs(zero.value - energy_.value) > 5 * std::max(error, std::isnan(quoted_) ? 0.0 : quoted_))
      run_.warn(
          progress, "population",
          fmt::format("the weights of the last {} intervals move the energy by {:.2g} J: the bias of the population "
                      "is seen; remedy: more walkers (sampler.samples), and see energy_against_correction",
                      correction_, energy_.value - zero.value));
  }

  void write(ResultWriter& writer) {
    writer.write("summary/n_sites", std::vector<std::int64_t>{model_.lattice().n_sites()});
    writer.write("summary/steps", std::vector<std::int64_t>{done_});
    write_known_energy(writer, deck_);
    model_.write(writer);
    walkers(model_.sampler().rows()).write(writer);
    history_.write(writer);
    if (curve_.x.empty()) return;
    StoredObservable energy{"energy", energy_.value, quoted_};
    energy.tau_int = energy_.tau_int;
    energy.samples = energy_.samples;
    energy.help = "lowest energy of the fixed-node Hamiltonian of psi, an upper bound of that of H";
    energy.error_help = error_help;
    energy.tau_help = "integrated autocorrelation time in intervals";
    energy.counted = "intervals";
    energy.unit = std::string("J");
    write_energy(writer, energy, model_.n_sites());
    write_curve(writer, "curves", curve_);
    writer.write("summary/table", table());
  }

  std::string table() const {
    const double n = model_.n_sites();
    std::string text = fmt::format(
        "fixed-node energy of {} walkers, {} intervals of {} / J after {}\nE      {} J\nE/N    {} J   (tau_int {:.2f} "
        "intervals)\n",
        model_.sampler().rows().total, wanted_, interval_, warm_up_, with_error(energy_.value, quoted_),
        with_error(energy_.value / n, quoted_ / n), energy_.tau_int);
    text += known_energy_text(deck_, energy_.value / n, quoted_ / n);
    text += fmt::format("{:>22}{:>22}\n", "correction (1/J)", "E/N (J)");
    for (std::size_t k = 0; k < curve_.x.size(); ++k)
      text += fmt::format("{:>22.4g}{:>22}\n", curve_.x[k], with_error(curve_.value[k] / n, curve_.error[k] / n));
    return text + run_.warning_lines();
  }

  const Communicator& comm_;
  const Deck& deck_;
  StudyRun run_;
  VariationalModel model_;
  double interval_;
  std::int64_t wanted_;
  std::int64_t warm_up_;
  std::int64_t correction_;
  std::unique_ptr<FixedNodeWalkers> walkers_;
  History history_;
  std::int64_t done_ = 0;
  std::int64_t lost_ = 0;
  Estimate energy_;
  double quoted_ = 0;
  StoredCurve curve_;
};

std::vector<Key> keys() {
  using namespace declare;
  std::vector<Key> all{
      optional(key("parameters", KeyType::text, "",
                   "result file whose parameters psi has; without it those that the factors begin with")),
      between(20, 1e9, key("intervals", KeyType::integer, "", "intervals that are measured")),
      between(0, 1e9,
              key("warm_up", KeyType::integer, "100",
                  "intervals before, in which |psi|^2 goes over into psi "
                  "times the lowest state")),
      between(positive, 1e6, key("interval", KeyType::real, "0.1", "time between two branchings, in 1/J")),
      between(0, 1e6,
              key("correction", KeyType::integer, "20",
                  "intervals whose weights correct the bias of the finite population"))};
  for (const Key& own : known_energy_keys()) all.push_back(own);
  return all;
}

}  // namespace

StudyKind green_function_kind() {
  return {.name = "green-function",
          .help = "Green-function Monte Carlo with the nodes of a wavefunction, in continuous time",
          .keys = keys(),
          .run = [](const Communicator& comm, const Deck& deck,
                    const RunOptions& options) { return GreenFunctionStudy(comm, deck, options).run(); },
          .describe = [](const Communicator& comm, const Deck& deck,
                         int ranks) { return GreenFunctionStudy(comm, deck, {}, ranks).describe(ranks); },
          .input_keys = {"study.parameters"},
          .subject = StudyKind::Subject::states,
          .template_settings = {"wavefunction.factor.0.weights=real"}};
}

}  // namespace koushi
