#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/refuse_beyond_memory.hpp"
#include "koushi/solver/runge_kutta.hpp"
#include "koushi/solver/solver_kinds.hpp"
#include "koushi/study/history.hpp"
#include "koushi/study/measurement.hpp"
#include "koushi/study/parameters_file.hpp"
#include "koushi/study/sr_size.hpp"
#include "koushi/study/study.hpp"
#include "koushi/study/variational_results.hpp"

namespace koushi {

namespace {

enum class Method { euler, heun, rk4, bogacki_shampine };

struct EvolutionOptions {
  double time = 1;
  bool imaginary = false;
  Method method = Method::heun;
  double step = 0.01;
  std::optional<double> tolerance;
  double every = 0.1;

  static const Keys<EvolutionOptions>& keys() {
    static const auto all =
        Keys<EvolutionOptions>()
            .real("time", &EvolutionOptions::time, {positive_number, 1e9}, "to which psi is followed, in 1 / J")
            .required()
            .boolean("imaginary", &EvolutionOptions::imaginary,
                     "false: i d psi / dt = H psi; true: d psi / dt = -(H - E) psi")
            .choice("method", &EvolutionOptions::method,
                    {{"euler", Method::euler},
                     {"heun", Method::heun},
                     {"rk4", Method::rk4},
                     {"bogacki-shampine", Method::bogacki_shampine}},
                    "Runge-Kutta method: 1, 2, 4 or 4 solves per step, of order 1, 2, 4, 3; heun and bogacki-shampine "
                    "estimate their error")
            .real("step", &EvolutionOptions::step, {positive_number, 1e3}, "of time, the first one with a tolerance")
            .real("tolerance", &EvolutionOptions::tolerance, {positive_number, 1},
                  "largest estimated error of a step, as a distance in the Fubini-Study metric: steps are made longer "
                  "or shorter, and again where they were too long; without it all are `step`")
            .real("every", &EvolutionOptions::every, {positive_number, 1e9}, "time between measurements");
    return all;
  }
};

RungeKutta method_of(Method method) {
  switch (method) {
    case Method::euler:
      return RungeKutta::euler();
    case Method::heun:
      return RungeKutta::heun();
    case Method::rk4:
      return RungeKutta::rk4();
    case Method::bogacki_shampine:
      break;
  }
  return RungeKutta::bogacki_shampine();
}

/// Time evolution of a wavefunction on its manifold by McLachlan's principle, the minimum of |d psi / dt + i (H - E) psi|
/// (solver/stochastic_reconfiguration.hpp), with a Runge-Kutta method for the parameters.
///
/// What is lost in a time dt by staying on the manifold is r dt, r^2 = min |...|^2 = Var E + v^T S v - 2 v^T F for the
/// velocity v of the parameters; (S + lambda) v = F makes that Var E - v^T S v - 2 lambda |v|^2. The sum of r dt bounds
/// the distance from the true state where steps are short and the samples see all that H psi reaches.
///
/// Collective  all members
/// Source      G. Carleo, F. Becca, M. Schiro, M. Fabrizio, Sci. Rep. 2, 243 (2012); G. Carleo, M. Troyer, Science 355,
///             602 (2017); M. Schmitt, M. Heyl, Phys. Rev. Lett. 125, 100503 (2020)
class TimeEvolution {
 public:
  TimeEvolution(const Communicator& comm, const Deck& deck, const RunOptions& options, int planned_ranks = 0)
      : comm_(comm),
        deck_(deck),
        section_(deck, "study"),
        options_(EvolutionOptions::keys().read(section_)),
        run_(comm, deck, options),
        model_(comm, deck, run_.phases(), planned_ranks),
        method_(method_of(options_.method)),
        schedule_(sr_schedule(DeckSection(deck, "solver"), 0, 1)),
        step_(options_.step) {
    const DeckSection solver(deck, "solver");
    for (const std::string key : {"step", "step_end", "max_distance", "momentum", "shift.absolute_end",
                                  "shift.relative_end", "shift.diagonal", "clip"}) {
      if (solver.given(key))
        solver.refuse(key, "it is of steps that look for a ground state", "study.step, and one shift for all times");
    }
    if (options_.tolerance && !method_.estimates_error())
      section_.refuse("tolerance", "this method does not estimate its error",
                      "method = \"heun\" or \"bogacki-shampine\"");
    if (model_.psi().n_parameters() == 0)
      factor().refuse("kind", "no factor has parameters that could follow the time", "one that has");
    if (!options_.imaginary && model_.psi().is_real())
      factor().refuse("kind", "psi is real whatever its parameters are, and real time turns its phases",
                      "complex weights, a complex output, or study.imaginary = true");
    if (std::ceil(options_.time / options_.every) > 1e6)
      section_.refuse("every", "there would be more than a million measurements", "a longer time between them");
    schedule_.options.petsc_options += " " + options.petsc_options;
  }

  int run() {
    refuse_beyond_memory(DeckSection(deck_, "solver"), "route", "the log derivatives and the linear system",
                         SrSize(model_, schedule_.options).bytes(comm_.size()));
    const auto write_all = [&](ResultWriter& writer) { write(writer); };
    const StudyRun::Begin begin = run_.begin([&](const ResultReader& reader) {
      read(reader);
      if (comm_.is_root()) print_out(fmt::format("resumed {} at t = {:.6g}\n", run_.file(), time_));
    });
    if (begin == StudyRun::Begin::done) return 0;
    if (begin == StudyRun::Begin::fresh) {
      if (deck_.has("study.initial_parameters")) load_parameters(model_, "study.initial_parameters", false);
      model_.start();
    }
    Progress progress(comm_.is_root(), permille(), 1000, "thousandth of the time");
    run_.start();
    if (records_ == 0) record();
    while (records_ <= n_records()) {
      while (time_ < record_time(records_)) {
        step(progress);
        if (run_.checkpoint_if_due(false, write_all)) return run_.stopped(progress, fmt::format("t = {:.6g}", time_));
      }
      record();
      if (run_.checkpoint_if_due(false, write_all)) return run_.stopped(progress, fmt::format("t = {:.6g}", time_));
    }
    warn(progress);
    run_.checkpoint("done", write_all);
    if (comm_.is_root()) print_out(fmt::format("{}\n{}", table(), run_.phases().text()));
    return 0;
  }

  RunEstimate describe(int ranks) {
    RunEstimate estimate;
    const SrSize system(model_, schedule_.options);
    estimate.text = model_.describe(ranks, system.bytes(std::max(1, ranks))) + system.describe();
    estimate.text +=
        fmt::format("evolution    to t = {:.6g} / J, {} solves per step{}\n", options_.time, method_.stages(),
                    options_.tolerance ? std::string(" of adapted length")
                                       : fmt::format(", {:.0f} steps", std::ceil(options_.time / options_.step)));
    note_model(run_, model_, ranks, "study.initial_parameters", false, estimate);
    return estimate;
  }

 private:
  DeckSection factor() const { return DeckSection(deck_, "wavefunction").sections("factor").front(); }
  std::int64_t n_records() const { return static_cast<std::int64_t>(std::ceil(options_.time / options_.every - 1e-9)); }
  double record_time(std::int64_t k) const { return std::min(options_.time, static_cast<double>(k) * options_.every); }
  std::int64_t permille() const { return static_cast<std::int64_t>(1000 * std::min(1.0, time_ / options_.time)); }

  /// What one solve leaves.
  struct Velocity {
    std::vector<double> v;
    ChainMoments energy;
    double speed = 0;  ///< sqrt(v^T S v)
    double lost = 0;   ///< r
    double shift = 0;
    std::unique_ptr<DistributedRows> rows;  ///< of these samples,
    std::vector<double> weights;            ///< and their weights
  };

  /// The velocity of the parameters that psi has, from fresh samples.
  Velocity velocity(std::uint64_t draw) {
    model_.draw(draw);
    const std::vector<std::complex<double>> energies = model_.local_energies();
    Velocity result;
    result.energy = model_.moments(energies);
    if (!model_.possible(result.energy.mean, result.energy.error))
      throw NumericalError(
          fmt::format("the energy at t = {:.6g} is not that of any state; remedy: a shorter study.step or a smaller "
                      "tolerance, a larger [solver] shift.relative",
                      time_));
    result.rows = model_.psi().log_derivatives(comm_, model_.sampler().rows(), model_.sampler().samples());
    model_.phases().lap("log derivatives");
    const std::vector<double>& weights = result.weights = model_.sampler().weights();
    const std::complex<double> phase = options_.imaginary ? std::complex<double>(1.0) : std::complex<double>(0, -1);
    SrReport report;
    SrOptions solver = schedule_.options;
    for (int attempt = 0;; ++attempt) {
      try {
        StochasticReconfiguration system(comm_, *result.rows, ConstHostReals(weights.data(), weights.size()), solver);
        result.v = system.solve(ConstHostComplexes(energies.data(), energies.size()), phase);
        report = system.report();
        break;
      } catch (const NumericalError&) {  // S is singular to rounding; the same on every rank
        if (attempt == most_shifts) throw;
        solver.shift_absolute = std::max(10 * solver.shift_absolute, 1e-14);
        solver.shift_relative *= 10;
        ++shifted_;
      }
    }
    if (options_.imaginary) {
      for (double& x : result.v) x = -x;
    }
    double square = 0;
    for (const double x : result.v) square += x * x;
    result.speed = report.distance;
    result.shift = report.shift;
    result.lost = std::sqrt(
        std::max(0.0, result.energy.variance - report.distance * report.distance - 2 * report.shift * square));
    model_.phases().lap("solver");
    return result;
  }

  /// One step, made again with a shorter one where its error is too large.
  void step(Progress& progress) {
    const double left = record_time(records_) - time_;
    for (int attempt = 0;; ++attempt) {
      const double h = step_ > left * (1 - 1e-9) ? left : step_;
      const std::vector<double> start = model_.psi().parameters();
      std::vector<std::vector<double>> k;
      Velocity first;
      for (std::size_t s = 0; s < method_.stages(); ++s) {
        if (s > 0) model_.psi().set_parameters(RungeKutta::combination(start, h, method_.a[s], k));
        Velocity here = velocity(draw_++);
        if (s == 0) refuse_a_jump(here);
        k.push_back(here.v);
        if (s == 0) first = std::move(here);
      }
      const std::vector<double> end = RungeKutta::combination(start, h, method_.b, k);
      double error = 0;
      if (method_.estimates_error()) {
        // In the metric of the state that the step begins with: that of a state that it destroys sees nothing.
        error = StochasticReconfiguration(comm_, *first.rows,
                                          ConstHostReals(first.weights.data(), first.weights.size()), schedule_.options)
                    .distance(method_.difference(h, k));
        model_.phases().lap("errors of steps");
      }
      const bool finite = std::all_of(end.begin(), end.end(), [](double x) { return std::isfinite(x); });
      if (!finite) throw NumericalError(fmt::format("the parameters at t = {:.6g} are not finite", time_));
      if (options_.tolerance) {
        const double next = method_.next_step(h, error, *options_.tolerance);
        if (error > *options_.tolerance) {
          model_.psi().set_parameters(start);
          step_ = next;
          ++repeated_;
          if (attempt >= most_attempts)
            throw NumericalError(
                fmt::format("no step at t = {:.6g} is short enough for the tolerance; remedy: a larger tolerance, more "
                            "samples, a larger [solver] shift.relative",
                            time_));
          continue;
        }
        // A step that was cut to end at a measurement says nothing of longer ones.
        if (h == step_ || next < step_) step_ = next;
      }
      model_.psi().set_parameters(end);
      write_history(first, h, error);
      time_ = h == left ? record_time(records_) : time_ + h;
      progress.step(permille(),
                    fmt::format("t {:.4f}  E/N {}  step {:.3g}  lost {:.3g}", time_,
                                with_error(first.energy.mean / model_.n_sites(), first.energy.error / model_.n_sites()),
                                h, lost_));
      return;
    }
  }

  /// The energy stays in real time and falls by 2 v^T S v dt in imaginary time. Errors: NumericalError where the last
  /// step has changed it by far more: psi is another state then, of which no later step knows.
  void refuse_a_jump(const Velocity& now) const {
    if (history_.series().empty()) return;
    const auto last = [&](const std::string& name) { return history_.values(name).back(); };
    const double expected = options_.imaginary ? -2 * std::pow(last("speed"), 2) * last("step_size") : 0;
    const double change = now.energy.mean - last("energy");
    const double noise = 10 * std::hypot(now.energy.error, last("energy_error"));
    if (std::abs(change - expected) <= std::sqrt(last("variance")) + 2 * std::abs(expected) + noise) return;
    throw NumericalError(fmt::format(
        "the energy went from {:.6g} to {:.6g} in the step of {:.3g} to t = {:.6g}, which H does not do: the "
        "parameters went too far; remedy: a shorter study.step (also the first one with a tolerance), a "
        "larger [solver] shift, a larger width of a network",
        last("energy"), now.energy.mean, last("step_size"), time_));
  }

  void write_history(const Velocity& first, double h, double error) {
    lost_ += h * first.lost;
    history_.add("time", "1/J", "of the begin of the step", time_);
    history_.add("step_size", "1/J", "its length", h);
    history_.add("energy", "J", "mean local energy at its begin", first.energy.mean);
    history_.add("energy_error", "J", "standard error from the means of the chains", first.energy.error);
    history_.add("variance", "J^2", "variance of the local energy", first.energy.variance);
    history_.add("speed", "J", "of psi on the manifold, sqrt(v^T S v) in the Fubini-Study metric", first.speed);
    history_.add("lost_rate", "J", "distance from the manifold per time, r", first.lost);
    history_.add("lost", "", "sum of r dt up to the end of the step, which says nothing of the length of the steps",
                 lost_);
    history_.add("step_error", "", "estimated error of the step, in the Fubini-Study metric", error);
    history_.add("shift", "", "lambda of S + lambda", first.shift);
  }

  /// Measures at the time of record records_.
  void record() {
    Measurement measurement(run_, model_, own_measurement + (static_cast<std::uint64_t>(records_) << 20U));
    if (measurement.wanted()) {
      measurement.run([](bool) { return false; });
      for (const StoredObservable& o : measurement.observables()) {
        StoredCurve& curve = curve_of(o.name, o.help, o.unit, o.symbol);
        curve.x.push_back(time_);
        curve.value.push_back(o.value);
        curve.error.push_back(o.error);
      }
      for (const StoredCurve& c : measurement.curves()) {
        for (std::size_t p = 0; p < c.x.size(); ++p) {
          StoredCurve& curve = curve_of(fmt::format("{}_{}", c.name, p),
                                        fmt::format("{}, at {} = {:.6g}", c.help, c.axis, c.x[p]), c.unit, "");
          curve.x.push_back(time_);
          curve.value.push_back(c.value[p]);
          curve.error.push_back(c.error[p]);
        }
      }
    }
    ++records_;
  }

  StoredCurve& curve_of(const std::string& name, const std::string& help, const std::string& unit,
                        const std::string& symbol) {
    const auto found =
        std::find_if(curves_.begin(), curves_.end(), [&](const StoredCurve& curve) { return curve.name == name; });
    if (found != curves_.end()) return *found;
    StoredCurve curve;
    curve.name = name;
    curve.axis = std::string("t in 1/J");
    curve.help = help;
    curve.unit = unit;
    curve.symbol = symbol;
    curves_.push_back(curve);
    return curves_.back();
  }

  void warn(Progress& progress) {
    const std::vector<double>& e = history_.values("energy");
    const std::vector<double>& error = history_.values("energy_error");
    const double drift = e.back() - e.front();
    const double width = std::sqrt(history_.values("variance").front());
    if (!options_.imaginary && std::abs(drift) > 4 * std::hypot(error.back(), error.front()) + 0.02 * width)
      run_.warn(progress, "energy",
                fmt::format("the energy went from {:.8g} to {:.8g}, {:.2g} of its width: psi does not follow H any "
                            "more; remedy: shorter steps, more samples, a smaller [solver] shift, more parameters",
                            e.front(), e.back(), drift / width));
    if (2 * repeated_ > static_cast<std::int64_t>(e.size()) && model_.sampler().n_chains() > 0)
      run_.warn(
          progress, "noise",
          fmt::format("{} of {} steps were made again: the tolerance is near the noise of the samples; remedy: more "
                      "[sampler] samples, a larger tolerance or [solver] shift",
                      repeated_, e.size()));
    double farthest = 0;
    double worst = 0;
    for (std::size_t k = 0; k < e.size(); ++k) {
      farthest = std::max(farthest, history_.values("speed")[k] * history_.values("step_size")[k]);
      worst = std::max(worst, history_.values("step_error")[k]);
    }
    if (!options_.tolerance && (farthest > 0.3 || worst > 0.02))
      run_.warn(progress, "steps",
                fmt::format("a step goes as far as {:.2g} in the Fubini-Study metric, with an estimated error of up to "
                            "{:.2g}{}; remedy: a shorter study.step, or a tolerance",
                            farthest, worst, method_.estimates_error() ? "" : " (this method has no estimate)"));
    if (shifted_ > 0)
      run_.warn(
          progress, "shift",
          fmt::format("{} solves met an S that was singular to rounding, and were made again with a shift that was "
                      "10 times larger or more; remedy: a larger [solver] shift",
                      shifted_));
    if (lost_ > 0.3)
      run_.warn(progress, "projection",
                fmt::format("the sum of what each step leaves out of (H - E) psi is {:.2g} (1: orthogonal states); "
                            "remedy: a wavefunction of more parameters, a smaller [solver] shift, more samples",
                            lost_));
  }

  std::string table() const {
    std::string text = fmt::format("\n{}\n{} steps to t = {:.6g} / J, {} made again, {} parameters, results in {}\n",
                                   deck_.text("title"), history_.values("time").size(), time_, repeated_,
                                   model_.psi().n_parameters(), run_.file());
    const std::vector<double>& e = history_.values("energy");
    text +=
        fmt::format("E      {:.8g} J at t = 0, {:.8g} J at the last step, t = {:.6g}; sum of what was lost {:.3g}\n",
                    e.front(), e.back(), history_.values("time").back(), lost_);
    if (!curves_.empty()) {
      text += fmt::format("\n{:>10}", "t");
      std::vector<const StoredCurve*> shown;
      for (const StoredCurve& curve : curves_) {
        if (shown.size() < most_columns && curve.x.size() == curves_.front().x.size()) shown.push_back(&curve);
      }
      for (const StoredCurve* curve : shown) text += fmt::format("  {:>26}", curve->name);
      text += "\n";
      const std::size_t n = shown.front()->x.size();
      const std::size_t every = std::max<std::size_t>(1, n / 20);
      for (std::size_t p = 0; p < n; ++p) {
        if (p % every != 0 && p + 1 != n) continue;
        text += fmt::format("{:>10.4f}", shown.front()->x[p]);
        for (const StoredCurve* curve : shown)
          text += fmt::format("  {:>26}", with_error(curve->value[p], curve->error[p]));
        text += "\n";
      }
      if (shown.size() < curves_.size())
        text += fmt::format("and {} more curves in the file\n", curves_.size() - shown.size());
    }
    return text + run_.warning_lines();
  }

  void write(ResultWriter& writer) const {
    writer.write("summary/n_sites", std::vector<std::int64_t>{model_.lattice().n_sites()});
    writer.write("summary/steps", std::vector<std::int64_t>{static_cast<std::int64_t>(
                                      history_.series().empty() ? 0 : history_.values("time").size())});
    model_.write(writer);
    history_.write(writer);
    for (const StoredCurve& curve : curves_) write_curve(writer, "curves", curve);
    if (curves_.empty() && !history_.series().empty()) {  // nothing is measured
      write_curve(writer, "curves",
                  {"energy", history_.values("time"), history_.values("energy"), history_.values("energy_error"),
                   "t in 1/J", "mean local energy at the begin of each step", "one standard deviation", "J", ""});
    }
    const auto real = [&](const std::string& name, double value) {
      writer.write("state/evolution/" + name, std::vector<double>{value});
    };
    real("time", time_);
    real("step", step_);
    real("lost", lost_);
    writer.write("state/evolution/records", std::vector<std::int64_t>{records_});
    writer.write("state/evolution/draws", std::vector<std::int64_t>{static_cast<std::int64_t>(draw_)});
    writer.write("state/evolution/repeated", std::vector<std::int64_t>{repeated_});
    writer.write("state/evolution/shifted", std::vector<std::int64_t>{shifted_});
  }

  void read(const ResultReader& reader) {
    model_.read(reader);
    history_.read(reader);
    if (deck_.integer("study.measure.samples") > 0) curves_ = read_curves(reader, "curves");
    const auto real = [&](const std::string& name) { return reader.read_reals("state/evolution/" + name).at(0); };
    time_ = real("time");
    step_ = real("step");
    lost_ = real("lost");
    records_ = reader.read_integers("state/evolution/records").at(0);
    draw_ = static_cast<std::uint64_t>(reader.read_integers("state/evolution/draws").at(0));
    repeated_ = reader.read_integers("state/evolution/repeated").at(0);
    shifted_ = reader.read_integers("state/evolution/shifted").at(0);
  }

  static constexpr int most_attempts = 20;
  static constexpr int most_shifts = 6;
  static constexpr std::size_t most_columns = 4;

  const Communicator& comm_;
  const Deck& deck_;
  DeckSection section_;
  EvolutionOptions options_;
  StudyRun run_;
  VariationalModel model_;
  RungeKutta method_;
  SrSchedule schedule_;
  double time_ = 0;
  double step_;
  double lost_ = 0;
  std::int64_t records_ = 0;  ///< measurements that are made
  std::uint64_t draw_ = 0;    ///< draws that are made
  std::int64_t repeated_ = 0;
  std::int64_t shifted_ = 0;  ///< solves that were made again with a larger shift
  History history_;
  std::vector<StoredCurve> curves_;
};

int run_time_evolution(const Communicator& comm, const Deck& deck, const RunOptions& options) {
  return TimeEvolution(comm, deck, options).run();
}

RunEstimate describe_time_evolution(const Communicator& comm, const Deck& deck, int ranks) {
  return TimeEvolution(comm, deck, {}, ranks).describe(ranks);
}

std::vector<Key> keys() {
  using namespace declare;
  std::vector<Key> all = EvolutionOptions::keys().list();
  all.push_back(
      optional(key("initial_parameters", KeyType::text, "", "result file whose parameters psi has at t = 0")));
  all.push_back(between(0, 1e12,
                        key("measure.samples", KeyType::integer, "0",
                            "at every measurement, over all chains; rounded up to a multiple of sampler.samples; 0: "
                            "nothing is measured")));
  all.push_back(between(0, 1e6, key("measure.warm_up", KeyType::integer, "10", "sweeps before the first of them")));
  for (const Key& own : observable_keys()) all.push_back(own);
  return all;
}

}  // namespace

StudyKind time_evolution_kind() {
  return {.name = "time-evolution",
          .help = "a wavefunction followed in real or imaginary time (t-VMC)",
          .keys = keys(),
          .run = run_time_evolution,
          .describe = describe_time_evolution,
          .input_keys = {"study.initial_parameters"},
          .subject = StudyKind::Subject::states,
          .optimises = true,
          .start_from = "parameters: study.initial_parameters"};
}

}  // namespace koushi
