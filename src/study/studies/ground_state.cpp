#include <fmt/format.h>

#include <cmath>

#include "koushi/base/memory.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/refuse_beyond_memory.hpp"
#include "koushi/study/fresh_chains.hpp"
#include "koushi/study/lower_states.hpp"
#include "koushi/study/optimisation.hpp"
#include "koushi/study/parameters_file.hpp"
#include "koushi/study/study.hpp"
#include "koushi/study/variational_results.hpp"

namespace koushi {

namespace {

/// Sweeps before a measurement of parameters that the chains of the last step do not come from.
constexpr std::int64_t sweeps_after_a_change = 5 * sweeps_at_once;

void write(ResultWriter& writer, const VariationalModel& model, const LowerStates& lower,
           const Optimisation& optimisation, const Measurement& measurement) {
  writer.write("summary/n_sites", std::vector<std::int64_t>{model.lattice().n_sites()});
  writer.write("summary/steps", std::vector<std::int64_t>{optimisation.steps()});
  write_known_energy(writer, model.deck());
  model.write(writer);
  lower.write(writer);
  optimisation.write(writer);
  measurement.write(writer);
  for (const StoredObservable& overlap : lower.observables()) write_observable(writer, "", overlap);
}

/// Where the random numbers of the measured overlaps begin, behind those of all rounds.
constexpr std::uint64_t step_of_overlaps = std::uint64_t{1} << 40U;

void warn_of_overlaps(StudyRun& run, const LowerStates& lower, Progress& progress) {
  for (std::size_t i = 0; i < lower.size(); ++i) {
    const Estimate& overlap = lower.overlaps()[i];
    const std::string said = with_error(overlap.value, overlap.error);
    if (lower.is_target()) {
      if (overlap.value + 3 * overlap.error > 0.9) continue;
      run.warn(
          progress, "target",
          fmt::format("|<phi|psi>|^2 = {} with the state of {}: psi did not become that state; remedy: another seed "
                      "or width of the initial parameters (a start with a tiny overlap can end in one basis "
                      "state), a larger shift, shorter steps; or psi cannot, by its symmetry, signs or size",
                      said, lower.file(i)));
      continue;
    }
    if (overlap.value - 3 * overlap.error < 0.05) continue;
    run.warn(progress, "overlap",
             fmt::format("|<phi|psi>|^2 = {} with the state of {}, so that psi is a mixture with it; remedy: a larger "
                         "study.penalty, more steps, a wavefunction that can have the signs of the excited state",
                         said, lower.file(i)));
  }
}

/// Ground state by variational Monte Carlo and stochastic reconfiguration: steps, then the measurement at fixed
/// parameters, of others where the first ones turn out worse than the steps before.
///
/// Source  S. Sorella, Phys. Rev. Lett. 80, 4558 (1998); G. Carleo, M. Troyer, Science 355, 602 (2017)
int run_ground_state(const Communicator& comm, const Deck& deck, const RunOptions& options) {
  StudyRun run(comm, deck, options);
  VariationalModel model(comm, deck, run.phases());
  LowerStates lower(model);
  lower.load();
  Optimisation optimisation(run, model, lower);
  refuse_beyond_memory(DeckSection(deck, "solver"), "route", "the log derivatives and the linear system",
                       optimisation.system().bytes(comm.size()));
  Measurement measurement(run, model, own_measurement);
  const auto write_all = [&](ResultWriter& writer) { write(writer, model, lower, optimisation, measurement); };
  const auto stop_now = [&](bool now) { return run.checkpoint_if_due(now, write_all); };

  const StudyRun::Begin begin = run.begin([&](const ResultReader& reader) {
    model.read(reader);
    lower.read(reader);
    optimisation.read(reader);
    measurement.read(reader);
    if (comm.is_root())
      print_out(fmt::format(
          "resumed {} at step {}{}\n", run.file(), optimisation.steps(),
          optimisation.chosen() ? fmt::format(" and {} measurements", measurement.measured()) : std::string()));
  });
  if (begin == StudyRun::Begin::done) return 0;
  if (begin == StudyRun::Begin::fresh) {
    if (deck.has("study.initial_parameters")) {
      const std::string anew = load_parameters(model, "study.initial_parameters", true);
      if (comm.is_root() && !anew.empty()) print_out(anew + "\n");
    }
    model.start();
    lower.start();
  }

  Progress progress(comm.is_root(), optimisation.steps(), optimisation.n_steps());
  run.start();
  while (!optimisation.done()) {
    optimisation.step(progress);
    if (stop_now(optimisation.done())) return run.stopped(progress, fmt::format("step {}", optimisation.steps()));
  }
  optimisation.choose(progress);

  const auto stopped = [&] {
    return run.stopped(progress, fmt::format("{} warm-up sweeps and {} measurements", measurement.warmed_up(),
                                             measurement.measured()));
  };
  while (measurement.wanted()) {
    if (optimisation.went_back()) measurement.warm_up_at_least(sweeps_after_a_change);
    if (!measurement.run(stop_now)) return stopped();
    if (optimisation.falls_back(measurement.energy(), progress)) {
      measurement.restart();
      continue;
    }
    measurement.issue_warnings(progress);
    lower.measure(own_measurement + step_of_overlaps);
    warn_of_overlaps(run, lower, progress);
    // A run that was stopped here looks again, and then, as the only thing left to do, without a stop.
    const auto stop_again = [&] { return measurement.begun_here() && stop_now(false); };
    if (!measurement.exact() &&
        !check_fresh_chains(run, model, measurement.energy(), own_measurement - 1, progress, stop_again))
      return stopped();
    break;
  }
  run.checkpoint("done", write_all);
  if (comm.is_root())
    print_out(fmt::format("{}\n{}",
                          variational_result_text(run, model, measurement, lower.observables(), optimisation.steps()),
                          run.phases().text()));
  return 0;
}

/// For the time of a step it makes one.
RunEstimate describe_ground_state(const Communicator& comm, const Deck& deck, int ranks) {
  StudyRun run(comm, deck, {});
  VariationalModel model(comm, deck, run.phases(), ranks);
  LowerStates lower(model);
  Optimisation optimisation(run, model, lower);
  const Measurement measurement(run, model, own_measurement);  // which refuses what cannot be measured
  RunEstimate estimate;
  estimate.text =
      model.describe(ranks, optimisation.system().bytes(std::max(1, ranks))) + optimisation.system().describe();
  note_model(run, model, ranks, "study.initial_parameters", true, estimate);
  try {
    lower.load();
  } catch (const DeckError& error) {  // the runs that it waits for may still be to come
    estimate.text += "note         " + split_lines(error.what()).front() + "\n";
  }
  if (const double bytes = optimisation.system().bytes(std::max(1, ranks)); !fits_into_memory(bytes)) {
    estimate.rejection = fmt::format(
        "the log derivatives and the linear system would take {} of a rank's memory, this machine has {}: more ranks, "
        "or another route",
        format_bytes(bytes), format_bytes(physical_memory()));
    estimate.text += "note         " + estimate.rejection + "\n";
  }
  if (ranks == 0 || !estimate.rejection.empty()) return estimate;
  constexpr double most_flops = 1e12;  // about 20 s of one rank
  if (!model.sampler().can_draw() || !fits_into_memory(optimisation.system().bytes(comm.size())) ||
      optimisation.system().flops() > most_flops * comm.size()) {
    estimate.text += "time         not known: a step is too large to be tried on this machine\n";
    return estimate;
  }
  model.start();
  lower.start();
  run.phases().start();
  model.draw(0);
  lower.draw(0);
  std::vector<std::complex<double>> energies = model.local_energies();
  model.moments(energies);
  lower.change(energies);
  optimisation.update(energies);
  double shared = 0;
  double alone = 0;
  for (const auto& row : run.phases().rows()) {
    const bool by_every_rank =
        row.name == "statistics" || (row.name == "solver" && optimisation.system().route() == SrRoute::matrix_free);
    (by_every_rank ? alone : shared) += row.seconds;
  }
  shared *= static_cast<double>(comm.size()) / ranks;
  estimate.text += fmt::format(
      "time         {} per step on {} ranks of this processor: {} shared out, {} not (one step was made here)\n",
      format_seconds(shared + alone), ranks, format_seconds(shared), format_seconds(alone));
  const double rounds = model.sampler().n_chains() == 0
                            ? 1
                            : std::ceil(static_cast<double>(deck.integer("study.measure.samples")) /
                                        static_cast<double>(model.sampler().rows().total));
  estimate.step_seconds = shared + alone;
  estimate.seconds = static_cast<double>(optimisation.n_steps()) * estimate.step_seconds + rounds * shared;
  return estimate;
}

std::vector<Key> keys() {
  using namespace declare;
  constexpr double most = 1e12;
  std::vector<Key> all{
      between(1, most, key("steps", KeyType::integer, "", "steps of stochastic reconfiguration")),
      between(0, most,
              key("average", KeyType::integer, "0",
                  "the measurement takes the mean of the parameters over so many last steps, over all if there are "
                  "fewer; 0: the last ones")),
      optional(between(
          positive, 1,
          key("stop.v_score", KeyType::real, "",
              "end the steps where the V-score, averaged over a twentieth of study.steps, is no larger than this"))),
      optional(between(1, most,
                       key("stop.unchanged", KeyType::integer, "",
                           "end the steps where the energy of the last so many steps is not below that of as many "
                           "steps before them by more than its error; a schedule that falls towards its end is cut "
                           "short"))),
      optional(
          key("initial_parameters", KeyType::text, "",
              "result file whose parameters to start from; those of a smaller density fill the first hidden units"))};
  for (const Key& own : lower_states_keys()) all.push_back(own);
  for (const Key& own : measurement_keys(false)) all.push_back(own);
  return all;
}

}  // namespace

StudyKind ground_state_kind() {
  return {.name = "ground-state",
          .help = "ground state by variational Monte Carlo and stochastic reconfiguration",
          .keys = keys(),
          .run = run_ground_state,
          .describe = describe_ground_state,
          .input_keys = {"study.initial_parameters", "study.orthogonal_to", "study.target"},
          .subject = StudyKind::Subject::states,
          .optimises = true,
          .start_from = "parameters: study.initial_parameters"};
}

}  // namespace koushi
