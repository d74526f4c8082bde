#include "koushi/study/ground_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "ground_state_run.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/store/damaged_file.hpp"

namespace koushi {

namespace {

/// Where on the random numbers' step axis measurements lie, away from every step of the optimisation: that of a run,
/// and that of its file later, which may have the same seed.
constexpr std::uint64_t own_measurement = std::uint64_t{1} << 41U;
constexpr std::uint64_t later_measurement = std::uint64_t{1} << 42U;
/// Updates that raise the energy by more than this many standard deviations of the local energy are taken back in part;
/// where all states are enumerated, whose energy is exact, also those that raise it by more than a step should lower
/// it, 2 step Var(E): less than the former near an eigenstate.
constexpr double worst_rise = 3;
constexpr int most_retries = 8;
/// of a warm-up: fixed, because tables are recomputed at the start of each piece
constexpr std::int64_t sweeps_at_once = 20;

}  // namespace

int GroundState::run() {
  if (!begin()) return 0;
  Progress progress(comm_.is_root(), step_, n_steps_);
  run_.start();
  const double n = lattice_.n_sites();
  int retries = 0;
  while (step_ < n_steps_) {
    draw(static_cast<std::uint64_t>(step_), retries);
    const std::vector<std::complex<double>> energies = energies_of_samples();
    const Summary now = summarise(energies);
    if (bad(now) && retries < most_retries && !previous_parameters_.empty()) {
      ++retries;
      progress.say(fmt::format("step {}: E/N = {:.6g} after {:.6g}: the last update is halved (retry {})", step_,
                               now.energy / n, previous_energy_ / n, retries));
      halve_last_update();
      continue;
    }
    if (!std::isfinite(now.energy))
      throw NumericalError("the energy is not finite and no smaller step mends it; lower [solver] step or raise shift");
    retries = 0;
    const auto [report, step_size] = update(energies);
    previous_energy_ = now.energy;
    previous_variance_ = now.variance;
    record(now, report, step_size);
    ++step_;
    if (step_ > n_steps_ - n_averaged_) add_to_average();
    watch(now, report, progress);
    progress.step(
        step_, fmt::format("E/N {}  var/N {:.3g}  R-hat {:.3f}  acc {:.2f}", with_error(now.energy / n, now.error / n),
                           now.variance / n, now.r_hat, now.acceptance));
    if (checkpoint_if_due(step_ == n_steps_)) return run_.stopped(progress, fmt::format("step {}", step_));
  }
  if (n_steps_ > 0) watch_for_a_rise(progress);
  if (!measure(progress))
    return run_.stopped(progress, fmt::format("{} warm-up sweeps and {} measurements", warmed_up_, measured_.size()));
  run_.checkpoint("done", [this](ResultWriter& writer) { write(writer); });
  if (comm_.is_root()) print_out(fmt::format("{}\n{}", result_text(), phases_.text()));
  return 0;
}

void GroundState::draw(std::uint64_t step, int attempt) {
  sampler_->draw(*psi_, step, attempt);
  Kokkos::fence("koushi::study::sampled");
  phases_.lap("sampling", static_cast<double>(sampler_->local_proposals()), "proposals/rank");
}

void GroundState::warm_up_chains(std::uint64_t step, std::int64_t first_sweep, std::int64_t sweeps) {
  sampler_->warm_up(*psi_, step, first_sweep, static_cast<int>(sweeps));
  Kokkos::fence("koushi::study::warmed_up");
  phases_.lap("warm-up");
}

std::vector<std::complex<double>> GroundState::energies_of_samples() {
  const auto rows = static_cast<std::size_t>(sampler_->rows().count);
  Kokkos::View<Complex*> energies("koushi::study::energies", rows);
  sampler_->moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms_, sampler_->samples(), energies);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, energies);
  std::vector<std::complex<double>> result;
  for (std::size_t s = 0; s < rows; ++s) result.emplace_back(host(s).real(), host(s).imag());
  phases_.lap("local energies", static_cast<double>(rows), "samples/rank");
  return result;
}

GroundState::Summary GroundState::summarise(const std::vector<std::complex<double>>& energies) {
  std::vector<double> local;
  for (std::size_t s = 0; s < energies.size(); ++s) {
    local.push_back(energies[s].real());
    local.push_back(std::norm(energies[s]));
    local.push_back(sampler_->weights()[s]);
  }
  const std::vector<double> all = comm_.all_gather(local);
  Summary summary;
  std::vector<double> series;
  for (std::size_t at = 0; at < all.size(); at += 3) {
    series.push_back(all[at]);
    summary.energy += all[at + 2] * all[at];
  }
  for (std::size_t at = 0; at < all.size(); at += 3) {
    // sum w |E - mean|^2 = sum w (|E|^2 - 2 Re E mean + mean^2), without the cancellation of <|E|^2> - mean^2
    summary.variance += all[at + 2] * (all[at + 1] - summary.energy * (2 * all[at] - summary.energy));
  }
  if (const std::int64_t chains = sampler_->n_chains(); chains > 0) {
    const std::size_t length = series.size() / static_cast<std::size_t>(chains);
    std::vector<double> means(static_cast<std::size_t>(chains));
    for (std::size_t s = 0; s < series.size(); ++s) means[s / length] += series[s] / static_cast<double>(length);
    summary.error = estimate_from_chain_means(means).error;
    summary.r_hat = split_r_hat(series, chains);
  }
  summary.acceptance = sampler_->acceptance();
  phases_.lap("statistics");
  return summary;
}

bool GroundState::bad(const Summary& now) const {
  if (!std::isfinite(now.energy) || !std::isfinite(now.variance)) return true;
  double noise = worst_rise * std::sqrt(previous_variance_);
  if (sampler_->n_chains() == 0) noise = std::min(noise, 2 * deck_.real("solver.step") * previous_variance_);
  return !previous_parameters_.empty() && now.energy - previous_energy_ > noise + 1e-9 * std::abs(now.energy);
}

void GroundState::halve_last_update() {
  std::vector<double> half = psi_->parameters();
  for (std::size_t p = 0; p < half.size(); ++p) half[p] = 0.5 * (half[p] + previous_parameters_[p]);
  psi_->set_parameters(half);
  previous_delta_.clear();
}

GroundState::Update GroundState::update(const std::vector<std::complex<double>>& energies) {
  const auto rows = psi_->log_derivatives(comm_, sampler_->rows(), sampler_->samples());
  phases_.lap("log derivatives");
  SrSchedule schedule = sr_schedule(deck_, step_, n_steps_);
  schedule.options.petsc_options += " " + run_.options().petsc_options;
  schedule.options.previous = std::move(previous_delta_);
  SrReport report;
  std::vector<double> delta =
      solve_stochastic_reconfiguration(comm_, *rows, sampler_->weights(), energies, schedule.options, report);
  const double farthest = deck_.real("solver.max_distance");
  const double size = schedule.step * report.distance > farthest ? farthest / report.distance : schedule.step;
  previous_parameters_ = psi_->parameters();
  psi_->apply(-size, delta);
  previous_delta_ = schedule.options.momentum > 0 ? std::move(delta) : std::vector<double>{};
  phases_.lap("solver");
  return {report, size};
}

void GroundState::add_to_average() {
  const std::vector<double>& now = psi_->parameters();
  parameter_sum_.resize(now.size());
  for (std::size_t p = 0; p < now.size(); ++p) parameter_sum_[p] += now[p];
}

void GroundState::record(const Summary& now, const SrReport& report, double step_size) {
  history_.add("step", "", "number of the step, from 0", static_cast<double>(step_));
  history_.add("energy", "J", "mean local energy", now.energy);
  history_.add("energy_error", "J", "standard error from the means of the chains", now.error);
  history_.add("variance", "J^2", "variance of the local energy", now.variance);
  history_.add("r_hat", "", "split R-hat of the local energy in this step", now.r_hat);
  history_.add("acceptance", "", "accepted among proposals that change the configuration", now.acceptance);
  history_.add("v_score", "", "N Var(E) / E^2", v_score(lattice_.n_sites(), now.energy, now.variance, 0));
  history_.add("step_size", "", "eta", step_size);
  history_.add("distance", "", "Fubini-Study length of the update for eta = 1, sqrt(delta^T S delta)", report.distance);
  history_.add("shift", "", "lambda of S + lambda", report.shift);
  history_.add("solver_iterations", "", "Krylov iterations", report.iterations);
  history_.add("solver_residual", "", "relative residual of (S + lambda) delta = F", report.residual);
}

void GroundState::watch(const Summary& now, const SrReport& report, Progress& progress) {
  if (route() == SrRoute::matrix_free && !(report.residual < 100 * deck_.real("solver.tolerance"))) {
    run_.warn(progress, "solver",
              fmt::format("the iterations of step {} ended at a relative residual of {:.2g}, far from [solver] "
                          "tolerance; remedy: a larger shift, or route = \"automatic\"",
                          step_ - 1, report.residual));
  }
  if (sampler_->n_chains() == 0) return;
  if (report.equations <= psi_->n_parameters()) {
    run_.warn(
        progress, "few samples",
        fmt::format("{} samples give S at most {} non-zero eigenvalues for {} parameters, the shift decides the rest; "
                    "remedy: more [sampler] samples or a larger [solver] shift.relative",
                    sampler_->rows().total, report.equations - 1, psi_->n_parameters()));
  }
  if (now.acceptance < 0.1 || now.acceptance > 0.99) {
    run_.warn(progress, "acceptance",
              fmt::format("{:.3f} in step {} is outside [0.1, 0.99]; remedy: another mixture of moves, more sweeps",
                          now.acceptance, step_ - 1));
  }
  if (now.error == 0 && now.variance == 0) {
    run_.warn(progress, "frozen",
              fmt::format("no chain saw more than one energy in step {}; the wavefunction is an eigenstate of the "
                          "sampled states, or the chains stand still",
                          step_ - 1));
  }
}

Estimate GroundState::window(std::int64_t first, std::int64_t last) const {
  Estimate mean;
  const auto count = static_cast<double>(last - first);
  double square = 0;
  for (auto t = static_cast<std::size_t>(first); t < static_cast<std::size_t>(last); ++t) {
    mean.value += history_.values("energy")[t] / count;
    square += std::pow(history_.values("energy_error")[t], 2);
  }
  mean.error = std::sqrt(square) / count;
  return mean;
}

bool GroundState::lies_above(const Estimate& a, const Estimate& b, double tolerance) {
  return a.value - b.value > 4 * std::hypot(a.error, b.error) + tolerance * std::abs(b.value);
}

void GroundState::watch_for_a_rise(Progress& progress) {
  const std::int64_t length = std::max<std::int64_t>(1, n_steps_ / 20);
  const Estimate last = last_energy();
  Estimate lowest = last;
  std::int64_t lowest_at = n_steps_ - length;
  for (std::int64_t first = 0; first + length <= n_steps_; first += length) {
    const Estimate here = window(first, first + length);
    // a wild step of few samples is low within its error only
    if (here.value >= lowest.value || !lies_above(last, here)) continue;
    lowest = here;
    lowest_at = first;
  }
  if (lowest.value == last.value) return;
  const double n = lattice_.n_sites();
  run_.warn(
      progress, "rising energy",
      fmt::format(
          "E/N = {} at the end is above {} around step {}: the updates are too long; remedy: a smaller [solver] step, "
          "step_end or max_distance, or a larger shift",
          with_error(last.value / n, last.error / n), with_error(lowest.value / n, lowest.error / n),
          lowest_at + length / 2));
}

void GroundState::refuse_without_number() const {
  if (std::isfinite(energy_.value) && std::isfinite(energy_.variance)) return;
  throw NumericalError(
      "the measured energy is not a number: the last update was too long, which no later step could see; lower "
      "[solver] step_end or raise shift.relative_end");
}

bool GroundState::measure(Progress& progress) {
  const std::uint64_t measurement_step = measure_only_ ? later_measurement : own_measurement;
  const std::int64_t wanted = deck_.integer("study.measure.samples");
  if (wanted == 0) return true;
  if (!measuring_ && n_averaged_ > 0) {
    for (double& p : parameter_sum_) p /= static_cast<double>(n_averaged_);
    previous_parameters_ = psi_->parameters();
    psi_->set_parameters(parameter_sum_);
  }
  measuring_ = true;
  const std::int64_t warm_up = deck_.integer("study.measure.warm_up");
  Progress warming(comm_.is_root(), warmed_up_, warm_up, "warm-up sweep");
  while (warmed_up_ < warm_up) {
    const std::int64_t sweeps = std::min(sweeps_at_once, warm_up - warmed_up_);
    warm_up_chains(measurement_step - 1, warmed_up_, sweeps);
    warmed_up_ += sweeps;
    if (warmed_up_ < warm_up) warming.step(warmed_up_, "");
    if (checkpoint_if_due(false)) return false;
  }
  const std::int64_t chains = sampler_->n_chains();
  const std::int64_t total = sampler_->rows().total;
  const std::int64_t rounds = chains == 0 ? 1 : (wanted + total - 1) / total;
  if (chains == 0) {
    draw(measurement_step);
    const Summary exact = summarise(energies_of_samples());
    energy_ = {
        .value = exact.energy, .error = 0, .variance = exact.variance, .tau_int = 0.5, .r_hat = 1, .samples = total};
    if (take_back_the_average(progress)) return measure(progress);
    refuse_without_number();
    return true;
  }
  auto round = static_cast<std::int64_t>(measured_.size()) / total;
  const bool begun_here = round < rounds;
  Progress measuring(comm_.is_root(), round, rounds, "measurement round");
  for (; round < rounds; ++round) {
    draw(measurement_step + static_cast<std::uint64_t>(round));
    std::vector<double> local;
    for (const auto& e : energies_of_samples()) {
      local.push_back(e.real());
      local.push_back(e.imag());
    }
    const std::vector<double> all = comm_.all_gather(local);
    for (std::size_t at = 0; at < all.size(); at += 2) {
      measured_.push_back(all[at]);
      measured_imaginary_ += all[at + 1] * all[at + 1];
    }
    measuring.step(round + 1, fmt::format("{} samples", measured_.size()));
    if (checkpoint_if_due(round + 1 == rounds)) return false;
  }
  std::vector<double> series(measured_.size());  // [round][chain][t] -> [chain][round][t]
  const std::int64_t length = total / chains;
  for (std::int64_t at = 0; at < static_cast<std::int64_t>(series.size()); ++at) {
    const std::int64_t r = at / total;
    const std::int64_t c = at % total / length;
    series[static_cast<std::size_t>((c * rounds + r) * length + at % length)] = measured_[static_cast<std::size_t>(at)];
  }
  energy_ = gamma_method(series, chains);
  // of |E_loc - E|^2; Im E_loc has the mean 0 and no part in the error
  energy_.variance += measured_imaginary_ / static_cast<double>(series.size());
  for (const std::string& text : warnings(energy_, rounds * length)) run_.warn(progress, "measurement", text);
  phases_.lap("statistics");
  if (take_back_the_average(progress)) return measure(progress);
  refuse_without_number();
  if (n_averaged_ == 0 && n_steps_ > 0 && lies_above(energy_, last_energy())) {
    run_.warn(
        progress, "last update",
        fmt::format("the measured energy {} lies above the steps before it, {}; remedy: study.average, or a smaller "
                    "[solver] step_end",
                    with_error(energy_.value, energy_.error), with_error(last_energy().value, last_energy().error)));
  }
  return look_from_afresh(progress, begun_here);
}

bool GroundState::look_from_afresh(Progress& progress, bool may_stop) {
  if (measure_only_) return true;
  constexpr std::int64_t sweeps = 5 * sweeps_at_once;
  sampler_->start(*psi_);
  for (std::int64_t made = 0; made < sweeps; made += sweeps_at_once) {
    warm_up_chains(own_measurement - 2, made, sweeps_at_once);
    if (may_stop && checkpoint_if_due(false)) return false;
  }
  draw(own_measurement - 3);
  const Summary fresh = summarise(energies_of_samples());
  const double error = std::hypot(fresh.error, energy_.error);
  if (std::isfinite(fresh.energy) && !(fresh.r_hat >= 2) &&
      std::abs(fresh.energy - energy_.value) < 6 * error + 1e-2 * std::abs(energy_.value))
    return true;
  const double n = lattice_.n_sites();
  run_.warn(progress, "another region",
            fmt::format("chains from random states have E/N = {} (R-hat {:.3g}), those of the optimisation {}: psi has "
                        "weight in configurations that the optimisation never saw, and its energy "
                        "is not what was measured; remedy: go on from these parameters (study.initial_parameters), "
                        "more [sampler] chains, longer range, real weights",
                        with_error(fresh.energy / n, fresh.error / n), fresh.r_hat,
                        with_error(energy_.value / n, energy_.error / n)));
  return true;
}

bool GroundState::take_back_the_average(Progress& progress) {
  if (n_averaged_ == 0 || psi_->parameters() == previous_parameters_) return false;
  if (std::isfinite(energy_.value) && !lies_above(energy_, last_energy(), 1e-5)) return false;
  run_.warn(progress, "average",
            fmt::format("the averaged parameters lie above the steps they were averaged over (E = {:.8g}, then "
                        "{:.8g}), so those of the last step are measured; "
                        "remedy: a smaller study.average or [solver] step_end",
                        last_energy().value, energy_.value));
  psi_->set_parameters(previous_parameters_);
  measured_.clear();
  measured_imaginary_ = 0;
  warmed_up_ = 0;
  return true;
}

bool GroundState::checkpoint_if_due(bool now) {
  return run_.checkpoint_if_due(now, [this](ResultWriter& writer) { write(writer); });
}

void GroundState::write(ResultWriter& writer) const {
  writer.write("summary/n_sites", std::vector<std::int64_t>{lattice_.n_sites()});
  writer.write("summary/steps", std::vector<std::int64_t>{step_});
  history_.write(writer);
  write_observables(writer);
  writer.write("state/step", std::vector<std::int64_t>{step_, measuring_ ? 1 : 0, warmed_up_});
  writer.write("state/parameters", psi_->parameters());
  writer.write("state/previous_parameters", previous_parameters_);
  writer.write("state/previous_delta", previous_delta_);
  writer.write("state/previous", std::vector<double>{previous_energy_, previous_variance_});
  writer.write("state/parameter_sum", parameter_sum_);
  writer.write("state/measured", measured_);
  writer.write("state/measured_imaginary", std::vector<double>{measured_imaginary_});
  sampler_->write(writer);
}

void GroundState::write_observables(ResultWriter& writer) const {
  if (has_reference(deck_, "energy_per_site")) {
    writer.write("reference/value", std::vector<double>{deck_.real("study.reference.energy_per_site")});
    writer.write("reference/quantity", std::string("energy_per_site"));
    writer.write("reference/source",
                 deck_.has("study.reference.source") ? deck_.text("study.reference.source") : std::string());
  }
  if (energy_.samples == 0) return;
  for (const std::string quantity : {"energy", "energy_per_site"}) {
    const double per = quantity == "energy" ? 1.0 : lattice_.n_sites();
    const std::string path = "observables/" + quantity + "/";
    const auto add = [&](const std::string& name, double value, const std::string& unit, const std::string& help) {
      writer.write(path + name, std::vector<double>{value});
      writer.describe(path + name, unit, help);
    };
    add("value", energy_.value / per, "J", "mean at fixed parameters");
    add("error", energy_.error / per, "J", "one standard deviation, corrected for autocorrelation");
    add("tau_int", energy_.tau_int, "samples", "integrated autocorrelation time; 1/2 for independent samples");
    add("r_hat", energy_.r_hat, "", "split R-hat over the chains");
    add("variance", energy_.variance / per / per, "J^2", "of one sample");
    writer.write(path + "samples", std::vector<std::int64_t>{energy_.samples});
  }
}

/// Parameters mean something only for the ansatz and the lattice that they were found on.
void GroundState::load_parameters(const std::string& key) {
  std::vector<double> parameters;
  std::string resolved;
  try {
    const ResultReader reader(comm_, deck_.text(key));
    parameters = reader.read_reals("state/parameters");
    resolved = reader.read_text("deck/resolved");
  } catch (const DamagedFile&) {
    throw;
  } catch (const StoreError& error) {
    deck_.refuse(key, error.what(), "the result file of a run of ground states");
  }
  const auto refuse = [&](const std::string& fault) {
    deck_.refuse(key, fault,
                 fmt::format("a run with the same lattice and wavefunction{}",
                             measure_only_ ? "" : ", or one of a smaller density or another projection"));
  };
  for (const std::string& path : deck_.differences(resolved)) {
    const bool matters = path.rfind("lattice.", 0) == 0 ||
                         (path.rfind("wavefunction.", 0) == 0 && path != "wavefunction.factor.0.width");
    const bool may_grow =
        !measure_only_ && (path == "wavefunction.factor.0.density" || path == "wavefunction.factor.0.projection");
    if (matters && !may_grow) refuse(fmt::format("that run has another {}", path));
  }
  // Filters run over the symmetries of H, so another H may make other hidden units of the same numbers.
  const Deck theirs = Deck::parse(resolved, deck_.text(key), {}, catalogue());
  const Lattice their_lattice = make_lattice(theirs);
  const auto here = symmetry_group(deck_, lattice_, hamiltonian_, "symmetry");
  const auto there = symmetry_group(theirs, their_lattice, make_hamiltonian(theirs, their_lattice), "symmetry");
  if (here != there)
    refuse(fmt::format("the Hamiltonian of that run has {} symmetries for the filters to run over, and this one has {}",
                       there.size(), here.size()));
  if (!psi_->embed(parameters)) {
    deck_.refuse(
        key,
        fmt::format(
            "that run has {} parameters{}", parameters.size(),
            deck_.boolean("wavefunction.factor.0.visible_bias") ? ", whose visible biases may be one per site" : ""),
        fmt::format("at most {}; a projected state has one visible bias per orbit of its group", psi_->n_parameters()));
  }
}

/// Fresh start or resume; false if there is nothing to do.
bool GroundState::begin() {
  const StudyRun::Begin begin = run_.begin([this](const ResultReader& reader) { resume(reader); });
  if (begin != StudyRun::Begin::fresh) return begin == StudyRun::Begin::resumed;
  if (measure_only_) load_parameters("study.parameters");
  if (deck_.has("study.initial_parameters")) load_parameters("study.initial_parameters");
  sampler_->start(*psi_);
  return true;
}

void GroundState::resume(const ResultReader& reader) {
  const std::vector<std::int64_t> at = reader.read_integers("state/step");
  step_ = at[0];
  measuring_ = at[1] != 0;
  warmed_up_ = at[2];
  psi_->set_parameters(reader.read_reals("state/parameters"));
  previous_parameters_ = reader.read_reals("state/previous_parameters");
  // not in files of earlier versions
  if (reader.contains("state/previous_delta")) previous_delta_ = reader.read_reals("state/previous_delta");
  const std::vector<double> previous = reader.read_reals("state/previous");
  previous_energy_ = previous[0];
  previous_variance_ = previous[1];
  parameter_sum_ = reader.read_reals("state/parameter_sum");
  if (reader.contains("state/measured_imaginary")) {  // files of earlier versions measure anew
    measured_ = reader.read_reals("state/measured");
    measured_imaginary_ = reader.read_reals("state/measured_imaginary")[0];
  }
  sampler_->read(reader);
  history_.read(reader);
  if (comm_.is_root())
    print_out(fmt::format("resumed {} at step {}{}\n", run_.file(), step_,
                          measuring_ ? fmt::format(" and {} measurements", measured_.size()) : ""));
}

std::string GroundState::result_text() const {
  std::string text = fmt::format("\n{}\n{} steps, {} parameters, results in {}\n", deck_.text("title"), n_steps_,
                                 psi_->n_parameters(), run_.file());
  if (energy_.samples == 0) return text;
  const double n = lattice_.n_sites();
  const double score = v_score(lattice_.n_sites(), energy_.value, energy_.variance, 0);
  text += fmt::format(
      "E      {} J\nE/N    {} J   (tau_int {:.2f} samples, {} samples, R-hat {:.4f})\nVar/N  {:.4g} J^2   V-score {}\n",
      with_error(energy_.value, energy_.error), with_error(energy_.value / n, energy_.error / n), energy_.tau_int,
      energy_.samples, energy_.r_hat, energy_.variance / n,
      std::isfinite(score) ? fmt::format("{:.3g}", score) : "not defined for E = 0");
  if (has_reference(deck_, "energy_per_site")) {
    const double reference = deck_.real("study.reference.energy_per_site");
    text += fmt::format(
        "known  {} J   deviation {}{}\n", reference, deviation_text(energy_.value / n, energy_.error / n, reference, 0),
        deck_.has("study.reference.source") ? fmt::format("   ({})", deck_.text("study.reference.source")) : "");
  } else if (deck_.has("study.reference.energy_per_site")) {
    text += outdated_reference_line(deck_);
  }
  for (const std::string& warning : run_.warnings()) text += "warning: " + warning + "\n";
  return text;
}

int run_ground_state(const Communicator& comm, const Deck& deck, const RunOptions& options) {
  return GroundState(comm, deck, options).run();
}

}  // namespace koushi
