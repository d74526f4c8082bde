#include "koushi/study/optimisation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/solver/solver_kinds.hpp"

namespace koushi {

namespace {

/// Updates that raise the energy by more than this many standard deviations of the local energy are taken back in part;
/// where all states are enumerated, whose energy is exact, also those that raise it by more than a step should lower
/// it, 2 step Var(E): less than the former near an eigenstate.
constexpr double worst_rise = 3;
constexpr int max_retries = 8;
/// Steps of which the last quarter can be judged.
constexpr std::int64_t enough_steps = 40;

/// Whether a is above b by more than noise, and by more than a part of b.
bool lies_above(const Estimate& a, const Estimate& b, double tolerance = 1e-3) {
  constexpr double rounding = 1e-8;  // of a distance to another state, which may be 0
  return a.value - b.value > 4 * std::hypot(a.error, b.error) + std::max(tolerance * std::abs(b.value), rounding);
}

/// Real and imaginary parts farther from their median over all samples than `clip` mean deviations are moved to there.
/// Collective.
std::vector<std::complex<double>> clipped(const Communicator& comm, std::vector<std::complex<double>> energies,
                                          double clip) {
  const auto part = [&](const auto& get, const auto& set) {
    std::vector<double> local;
    for (const auto& e : energies) local.push_back(get(e));
    std::vector<double> all = comm.all_gather(local);
    std::sort(all.begin(), all.end());  // sums below do not depend on the ranks
    const double median = all[all.size() / 2];
    double deviation = 0;
    for (const double x : all) deviation += std::abs(x - median) / static_cast<double>(all.size());
    for (auto& e : energies) set(e, std::clamp(get(e), median - clip * deviation, median + clip * deviation));
  };
  part([](const std::complex<double>& e) { return e.real(); }, [](std::complex<double>& e, double x) { e.real(x); });
  part([](const std::complex<double>& e) { return e.imag(); }, [](std::complex<double>& e, double x) { e.imag(x); });
  return energies;
}

/// 1 - F, whose variance over the samples is F (1 - F).
ChainMoments distance_of(const Estimate& overlap) {
  const double f = std::clamp(overlap.value, 0.0, 1.0);
  return {.mean = 1 - overlap.value, .error = overlap.error, .variance = f * (1 - f)};
}

}  // namespace

Optimisation::Optimisation(StudyRun& run, VariationalModel& model, LowerStates& lower)
    : run_(run),
      model_(model),
      lower_(lower),
      deck_(model.deck()),
      n_steps_(deck_.integer("study.steps")),
      end_(n_steps_),
      n_averaged_(std::min(n_steps_, deck_.integer("study.average"))) {
  sr_schedule(DeckSection(deck_, "solver"), 0, n_steps_);
  if (model_.psi().n_parameters() == 0) {
    DeckSection(deck_, "wavefunction")
        .sections("factor")
        .front()
        .refuse("kind", "no factor has parameters to be optimised", "one that has, or study.kind = \"measure\"");
  }
}

void Optimisation::step(Progress& progress) {
  const double n = model_.n_sites();
  for (int retries = 0;; ++retries) {
    model_.draw(static_cast<std::uint64_t>(step_), retries);
    lower_.draw(static_cast<std::uint64_t>(step_), retries);
    std::vector<std::complex<double>> energies = model_.local_energies();
    const ChainMoments now = model_.moments(energies);
    ChainMoments goal = now;
    if (lower_.size() > 0) {
      lower_.change(energies);
      goal = lower_.is_target() ? distance_of(lower_.overlaps().front()) : model_.moments(energies);
    }
    if (bad(now, goal) && retries < max_retries && !previous_parameters_.empty()) {
      progress.say(fmt::format("step {}: E/N = {:.6g} after {:.6g}: the last update is halved (retry {})", step_,
                               goal.mean / n, previous_energy_ / n, retries + 1));
      halve_last_update();
      continue;
    }
    if (!std::isfinite(now.mean))
      throw NumericalError("the energy is not finite and no smaller step mends it; lower [solver] step or raise shift" +
                           model_.remedy_of_images());
    if (!model_.possible(now.mean, now.error)) {
      throw NumericalError(
          fmt::format("the energy {:.6g} of step {} is beyond that of every state: |E| is at most {:.6g}, the sum of "
                      "the moduli of the terms of H; remedy: initial parameters of a smaller width, a lower [solver] "
                      "step",
                      now.mean, step_, model_.energy_bound()));
    }
    update(energies);
    previous_energy_ = goal.mean;
    previous_variance_ = goal.variance;
    previous_acceptance_ = model_.sampler().acceptance();
    record(now, goal);
    ++step_;
    if (step_ > end_ - n_averaged_) add_to_average();
    if (end_ == n_steps_ && is_converged()) end_ = std::min(n_steps_, step_ + n_averaged_);
    keep_the_best();
    issue_warnings(now, progress);
    std::string overlaps;
    for (const Estimate& overlap : lower_.overlaps())
      overlaps += fmt::format("  overlap {}", with_error(overlap.value, overlap.error));
    progress.step(
        step_, fmt::format("E/N {}  var/N {:.3g}{}  R-hat {:.3f}  acc {:.2f}", with_error(now.mean / n, now.error / n),
                           now.variance / n, overlaps, now.r_hat, previous_acceptance_));
    return;
  }
}

bool Optimisation::bad(const ChainMoments& now, const ChainMoments& goal) const {
  if (!model_.possible(now.mean, now.error) || !std::isfinite(goal.variance)) return true;
  double noise = worst_rise * std::sqrt(previous_variance_);
  if (model_.sampler().n_chains() == 0) noise = std::min(noise, 2 * deck_.real("solver.step") * previous_variance_);
  return !previous_parameters_.empty() && goal.mean - previous_energy_ > noise + 1e-9 * std::abs(goal.mean);
}

void Optimisation::halve_last_update() {
  std::vector<double> half = model_.psi().parameters();
  for (std::size_t p = 0; p < half.size(); ++p) half[p] = 0.5 * (half[p] + previous_parameters_[p]);
  model_.psi().set_parameters(half);
  previous_delta_.clear();
}

void Optimisation::update(const std::vector<std::complex<double>>& energies) {
  Wavefunction& psi = model_.psi();
  const auto rows = psi.log_derivatives(model_.comm(), model_.sampler().rows(), model_.sampler().samples());
  model_.phases().lap("log derivatives");
  SrSchedule schedule = sr_schedule(DeckSection(deck_, "solver"), step_, n_steps_);
  schedule.options.petsc_options += " " + run_.options().petsc_options;
  schedule.options.previous = std::move(previous_delta_);
  report_ = {};
  // States that are enumerated have weights, and no noise that they could bring in.
  const bool clips = schedule.clip > 0 && model_.sampler().n_chains() > 0;
  std::vector<double> delta = solve_stochastic_reconfiguration(
      model_.comm(), *rows, model_.sampler().weights(),
      clips ? clipped(model_.comm(), energies, schedule.clip) : energies, schedule.options, report_);
  const double farthest = schedule.max_distance;
  step_size_ = schedule.step * report_.distance > farthest ? farthest / report_.distance : schedule.step;
  previous_parameters_ = psi.parameters();
  psi.apply(-step_size_, delta);
  previous_delta_ = schedule.options.momentum > 0 ? std::move(delta) : std::vector<double>{};
  model_.phases().lap("solver");
}

void Optimisation::add_to_average() {
  const std::vector<double>& now = model_.psi().parameters();
  parameter_sum_.resize(now.size());
  for (std::size_t p = 0; p < now.size(); ++p) parameter_sum_[p] += now[p];
}

/// Windows are compared by what they are at most, so that a wild one of few samples is not the best.
void Optimisation::keep_the_best() {
  if (candidate_.step < 0 || previous_energy_ < candidate_.energy)
    candidate_ = {step_ - 1, previous_energy_, previous_parameters_};
  const std::int64_t length = best_length();
  if (step_ % length != 0) return;
  const Estimate here = window(step_ - length, step_);
  if (best_step_.step < 0 || here.value + 4 * here.error < best_.value + 4 * best_.error) {
    best_step_ = std::move(candidate_);
    best_ = here;
  }
  candidate_ = {};
}

void Optimisation::record(const ChainMoments& now, const ChainMoments& goal) {
  history_.add("step", "", "number of the step, from 0", static_cast<double>(step_));
  history_.add("energy", "J", "mean local energy", now.mean);
  history_.add("energy_error", "J", "standard error from the means of the chains", now.error);
  history_.add("variance", "J^2", "variance of the local energy", now.variance);
  history_.add("r_hat", "", "split R-hat of the local energy in this step", now.r_hat);
  history_.add("acceptance", "", "accepted among proposals that change the configuration", previous_acceptance_);
  history_.add(
      "v_score", "", "N Var(E) / (E - E_inf)^2, E_inf the mean of H over all states",
      v_score(model_.lattice().n_sites(), now.mean, now.variance, model_.hamiltonian().infinite_temperature_value()));
  for (std::size_t i = 0; i < lower_.size(); ++i) {
    const std::string name = fmt::format("overlap_{}", i);
    history_.add(name, "", "|<phi|psi>|^2 with the state of " + lower_.file(i), lower_.overlaps()[i].value);
    history_.add(name + "_error", "", "its standard error", lower_.overlaps()[i].error);
  }
  if (lower_.size() > 0) {
    const std::string unit = lower_.is_target() ? "" : "J";
    history_.add("objective", unit,
                 lower_.is_target() ? "1 - overlap_0: what is made small"
                                    : "energy and study.penalty times the overlaps: what is made small",
                 goal.mean);
    history_.add("objective_error", unit, "its standard error", goal.error);
  }
  history_.add("step_size", "", "eta", step_size_);
  history_.add("distance", "", "Fubini-Study length of the update for eta = 1, sqrt(delta^T S delta)",
               report_.distance);
  history_.add("shift", "", "lambda of S + lambda", report_.shift);
  history_.add("solver_iterations", "", "Krylov iterations", report_.iterations);
  history_.add("solver_residual", "", "relative residual of (S + lambda) delta = F", report_.residual);
}

void Optimisation::issue_warnings(const ChainMoments& now, Progress& progress) {
  const double acceptance = previous_acceptance_;
  if (system().route() == SrRoute::matrix_free && !(report_.residual < 100 * deck_.real("solver.tolerance"))) {
    run_.warn(progress, "solver",
              fmt::format("the iterations of step {} ended at a relative residual of {:.2g}, far from [solver] "
                          "tolerance; remedy: a larger shift, or route = \"automatic\"",
                          step_ - 1, report_.residual));
  }
  if (model_.sampler().n_chains() == 0) return;
  if (report_.equations <= model_.psi().n_parameters()) {
    run_.warn(
        progress, "few samples",
        fmt::format("{} samples give S at most {} non-zero eigenvalues for {} parameters, the shift decides the rest; "
                    "remedy: more [sampler] samples or a larger [solver] shift.relative",
                    model_.sampler().rows().total, report_.equations - 1, model_.psi().n_parameters()));
  }
  if (model_.sampler().proposes() && (acceptance < 0.1 || acceptance > 0.99)) {
    run_.warn(progress, "acceptance",
              fmt::format("{:.3f} in step {} is outside [0.1, 0.99]; remedy: another mixture of moves, more sweeps",
                          acceptance, step_ - 1));
  }
  if (now.error == 0 && now.variance == 0) {
    run_.warn(progress, "frozen",
              fmt::format("no chain saw more than one energy in step {}; the wavefunction is an eigenstate of the "
                          "sampled states, or the chains stand still",
                          step_ - 1));
  }
}

double Optimisation::mean_v_score() const {
  const std::vector<double>& scores = history_.values("v_score");
  const auto length = std::min(window_length(), step_);
  return std::accumulate(scores.end() - length, scores.end(), 0.0) / static_cast<double>(length);
}

bool Optimisation::is_converged() const {
  if (step_ < window_length()) return false;
  if (deck_.has("study.stop.v_score") && mean_v_score() <= deck_.real("study.stop.v_score")) return true;
  if (!deck_.has("study.stop.unchanged")) return false;
  const std::int64_t length = deck_.integer("study.stop.unchanged");
  if (step_ < 2 * length) return false;
  const Estimate before = window(step_ - 2 * length, step_ - length);
  const Estimate last = window(step_ - length, step_);
  return last.value > before.value - std::hypot(before.error, last.error) - 1e-9 * std::abs(before.value);
}

Estimate Optimisation::window(std::int64_t first, std::int64_t last) const {
  Estimate mean;
  const auto count = static_cast<double>(last - first);
  double square = 0;
  for (auto t = static_cast<std::size_t>(first); t < static_cast<std::size_t>(last); ++t) {
    mean.value += history_.values(goal())[t] / count;
    square += std::pow(history_.values(goal() + "_error")[t], 2);
  }
  mean.error = std::sqrt(square) / count;
  return mean;
}

void Optimisation::choose(Progress& progress) {
  if (chosen_ != Chosen::nothing) return;
  const double n = model_.n_sites();
  if (step_ < n_steps_)
    progress.say(fmt::format("the steps end after {} of {}: study.stop asks for no more", step_, n_steps_));
  const Estimate last = last_window();
  const bool rose = best_step_.step >= 0 && best_step_.step < step_ - window_length() && lies_above(last, best_);
  const bool measured = deck_.integer("study.measure.samples") > 0;
  if (rose) {
    run_.warn(
        progress, "rising energy",
        fmt::format("{} = {} at the end is above {} around step {}{}: the updates are too long; remedy: a larger "
                    "[solver] shift, a smaller step, step_end or max_distance",
                    name_of_goal(), with_error(last.value / n, last.error / n),
                    with_error(best_.value / n, best_.error / n), best_step_.step,
                    measured ? fmt::format(", and the parameters of step {} are measured", best_step_.step) : ""));
  }
  warn_of_standing_still(progress);
  warn_of_a_fall(progress);
  warn_of_ups_and_downs(progress);
  if (!measured) return;
  last_parameters_ = model_.psi().parameters();
  chosen_ = rose ? Chosen::best : n_averaged_ > 0 ? Chosen::average : Chosen::last;
  if (chosen_ == Chosen::best) model_.psi().set_parameters(best_step_.parameters);
  if (chosen_ == Chosen::average) {
    for (double& p : parameter_sum_) p /= static_cast<double>(n_averaged_);
    model_.psi().set_parameters(parameter_sum_);
  }
}

/// A network through which nothing gets, or a state that is one basis state, has no direction to go.
void Optimisation::warn_of_standing_still(Progress& progress) {
  if (history_.series().empty()) return;
  const std::vector<double>& distance = history_.values("distance");
  const double energy = history_.values("energy").back();
  const double variance = history_.values("variance").back();
  if (*std::max_element(distance.begin(), distance.end()) > 1e-7) return;
  if (variance < 1e-12 * energy * energy && model_.sampler().n_chains() > 0) return;  // said already
  run_.warn(
      progress, "stands still",
      fmt::format("no step moved psi (by {:.1g} at most), and Var E is {:.3g}: the derivatives of log psi are 0, or "
                  "one basis state has all of the weight; remedy: another width of the initial parameters, fewer "
                  "layers, skips around them",
                  *std::max_element(distance.begin(), distance.end()), variance));
}

void Optimisation::warn_of_a_fall(Progress& progress) {
  if (step_ < enough_steps) return;
  const std::int64_t length = window_length();
  if (step_ < 5 * length) return;
  const Estimate before = window(step_ - 5 * length, step_ - 4 * length);
  const Estimate last = last_window();
  if (!lies_above(before, last)) return;
  const double n = model_.n_sites();
  run_.warn(progress, "still falling",
            fmt::format("{} fell from {} to {} in the last {} steps; remedy: more study.steps, a larger [solver] step "
                        "or step_end",
                        name_of_goal(), with_error(before.value / n, before.error / n),
                        with_error(last.value / n, last.error / n), 4 * length));
}

void Optimisation::warn_of_ups_and_downs(Progress& progress) {
  if (step_ < enough_steps) return;
  const std::int64_t first = step_ - step_ / 4;
  std::int64_t rises = 0;
  double highest = 0;
  for (std::int64_t t = first; t + 1 < step_; ++t) {
    const Estimate before = window(t, t + 1);
    const Estimate after = window(t + 1, t + 2);
    if (!lies_above(after, before, 1e-4)) continue;
    ++rises;
    highest = std::max(highest, after.value - before.value);
  }
  if (10 * rises < step_ - first) return;
  run_.warn(progress, "goes up and down",
            fmt::format("{} rises in {} of the last {} steps, by up to {:.2g} per site: the updates are too "
                        "long; remedy: a smaller [solver] step or step_end (step times the scale of H counts), a "
                        "larger shift",
                        name_of_goal(), rises, step_ - first, highest / model_.n_sites()));
}

bool Optimisation::falls_back(const Estimate& measured, Progress& progress) {
  if (lower_.is_target()) return false;  // the steps were not judged by their energy
  const bool possible = model_.possible(measured.value, measured.error);
  if (chosen_ == Chosen::average && model_.psi().parameters() != last_parameters_) {
    if (possible && !lies_above(measured, last_window(), 1e-5)) return false;
    run_.warn(progress, "average",
              fmt::format("the averaged parameters lie above the steps they were averaged over (E = {:.8g}, then "
                          "{:.8g}), so those of the last step are measured; "
                          "remedy: a smaller study.average or [solver] step_end",
                          last_window().value, measured.value));
    model_.psi().set_parameters(last_parameters_);
    chosen_ = Chosen::last;
    return true;
  }
  if (chosen_ == Chosen::last && n_steps_ > 0 && possible && lies_above(measured, last_window())) {
    run_.warn(progress, "last update",
              fmt::format("the measured energy {} lies above the steps before it, {}, so the parameters of step {} are "
                          "measured; remedy: study.average, or a smaller [solver] step_end",
                          with_error(measured.value, measured.error),
                          with_error(last_window().value, last_window().error), best_step_.step));
    if (best_step_.step < 0) return false;  // of a run that an earlier version began
    model_.psi().set_parameters(best_step_.parameters);
    chosen_ = Chosen::best;
    return true;
  }
  return false;
}

SrSize Optimisation::system() const { return {model_, sr_schedule(DeckSection(deck_, "solver"), 0, 1).options}; }

void Optimisation::write(ResultWriter& writer) const {
  history_.write(writer);
  const auto whole = [&writer](const std::string& name, std::int64_t value) {
    writer.write("state/optimisation/" + name, std::vector<std::int64_t>{value});
  };
  const auto real = [&writer](const std::string& name, double value) {
    writer.write("state/optimisation/" + name, std::vector<double>{value});
  };
  whole("step", step_);
  whole("chosen", static_cast<std::int64_t>(chosen_));
  writer.describe("state/optimisation/chosen", "",
                  "what state/parameters are: 0 of the step, 1 of the last step, 2 averaged, 3 of best_step");
  writer.write("state/optimisation/previous_parameters", previous_parameters_);
  writer.write("state/optimisation/previous_delta", previous_delta_);
  real("previous_energy", previous_energy_);
  real("previous_variance", previous_variance_);
  writer.write("state/optimisation/parameter_sum", parameter_sum_);
  writer.write("state/optimisation/end", std::vector<std::int64_t>{end_});
  writer.write("state/optimisation/last_parameters", last_parameters_);
  const auto lowest = [&](const std::string& name, const Lowest& step) {
    whole(name + "_step", step.step);
    real(name + "_step_energy", step.energy);
    writer.write("state/optimisation/" + name + "_parameters", step.parameters);
  };
  lowest("candidate", candidate_);
  lowest("best", best_step_);
  real("best_energy", best_.value);
  real("best_error", best_.error);
}

void Optimisation::read(const ResultReader& reader) {
  history_.read(reader);
  if (!reader.contains("state/optimisation/step")) {
    read_unnamed(reader);
    return;
  }
  const auto whole = [&reader](const std::string& name) {
    return reader.read_integers("state/optimisation/" + name).at(0);
  };
  const auto real = [&reader](const std::string& name) {
    return reader.read_reals("state/optimisation/" + name).at(0);
  };
  const auto reals = [&reader](const std::string& name) { return reader.read_reals("state/optimisation/" + name); };
  step_ = whole("step");
  if (reader.contains("state/optimisation/end")) end_ = whole("end");
  chosen_ = static_cast<Chosen>(whole("chosen"));
  previous_parameters_ = reals("previous_parameters");
  previous_delta_ = reals("previous_delta");
  previous_energy_ = real("previous_energy");
  previous_variance_ = real("previous_variance");
  parameter_sum_ = reals("parameter_sum");
  last_parameters_ = reals("last_parameters");
  const auto lowest = [&](const std::string& name) {
    return Lowest{whole(name + "_step"), real(name + "_step_energy"), reals(name + "_parameters")};
  };
  candidate_ = lowest("candidate");
  best_step_ = lowest("best");
  best_ = {.value = real("best_energy"), .error = real("best_error")};
}

/// state/step = {step, whether the measurement has begun, ...}, state/previous = {energy, variance}.
void Optimisation::read_unnamed(const ResultReader& reader) {
  const std::vector<std::int64_t> at = reader.read_integers("state/step");
  step_ = at.at(0);
  previous_parameters_ = reader.read_reals("state/previous_parameters");
  if (reader.contains("state/previous_delta")) previous_delta_ = reader.read_reals("state/previous_delta");
  const std::vector<double> previous = reader.read_reals("state/previous");
  previous_energy_ = previous.at(0);
  previous_variance_ = previous.at(1);
  parameter_sum_ = reader.read_reals("state/parameter_sum");
  if (at.at(1) == 0) return;
  const bool averaged = n_averaged_ > 0 && reader.read_reals("state/parameters") != previous_parameters_;
  chosen_ = averaged ? Chosen::average : Chosen::last;
  last_parameters_ = averaged ? previous_parameters_ : reader.read_reals("state/parameters");
}

}  // namespace koushi
