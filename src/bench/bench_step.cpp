#include <algorithm>
#include <chrono>
#include <complex>
#include <ctime>
#include <fstream>

#include "bench_rbm.hpp"
#include "bench_step.hpp"
#include "koushi/deck/deck.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/wavefunction_symmetry.hpp"
#include "koushi/solver/stochastic_reconfiguration.hpp"

namespace koushi {

namespace {

/// Largest resident memory of this process so far, in bytes; 0 where the system does not tell.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return 1024 * kilobytes;
  }
  return 0;
}

/// Flops of what follows the local energies in a step. Symmetrised: the rows of the filters, a triangle of S, its
/// Cholesky factor. Dense: a triangle of the Gram matrix from its factors, its Cholesky factor, and O v, O^dagger r
/// (two and four of them).
double solver_flops(const RbmCase& model, double n, double parameters) {
  const double kind = model.is_complex ? 4 : 1;  // a complex product has four real ones
  const double rectangle = model.is_complex ? 2 : 1;
  if (!model.symmetrised) return n * n * (400 * kind + 100) + kind * n * n * n / 3 + 6 * 2 * rectangle * n * 400 * 100;
  const double columns = parameters / rectangle;
  return 2 * rectangle * n * 100 * 400 + kind * n * columns * columns + kind * columns * columns * columns / 3;
}

}  // namespace

std::unique_ptr<Wavefunction> wavefunction_of(const std::string& factors_text, const Lattice& lattice,
                                              const Operator& h) {
  const Deck deck = Deck::parse("[wavefunction]\n[[wavefunction.factor]]\n" + factors_text, "bench", {},
                                {{"wavefunction", "", false, {{"", "", WavefunctionSymmetry::keys().list()}}},
                                 {"wavefunction.factor", "", true, factors().declared(), {}, 8}});
  return make_wavefunction(DeckSection(deck, "wavefunction"), lattice, h, 1);
}

void add_step(const Communicator& world, const StepCase& step, BenchRows& rows) {
  const double peak = rows.peak();
  MarkovChains chains(world, step.psi, step.table, step.chains);
  chains.start(step.psi);
  const Terms terms = make_terms(step.h);
  const auto count = static_cast<std::size_t>(chains.rows().count);
  const Kokkos::View<Complex*> energies("koushi::bench::energies", count);
  const char* const names[] = {"  sampling", "  local energies", "  log derivatives", "  solver"};
  double phases[4] = {};
  double best = 1e300;
  double processor = 1e300;
  for (int repetition = 0; repetition < step.repetitions; ++repetition) {
    double at[5];
    const auto now = [start = std::chrono::steady_clock::now()] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    world.barrier();
    const std::clock_t start = std::clock();
    at[0] = now();
    chains.draw(step.psi, 1, 0);
    at[1] = now();
    chains.moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms, chains.samples(), energies);
    std::vector<std::complex<double>> e;
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, energies);
    for (std::size_t s = 0; s < count; ++s) e.emplace_back(host(s).real(), host(s).imag());
    at[2] = now();
    const auto o = step.psi.log_derivatives(world, chains.rows(), chains.samples());
    at[3] = now();
    SrReport report;
    solve_stochastic_reconfiguration(world, *o, chains.weights(), e, step.solver, report);
    at[4] = now();
    if (repetition > 0) processor = std::min(processor, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    if (at[4] - at[0] > best || repetition == 0) continue;
    best = at[4] - at[0];
    for (int p = 0; p < 4; ++p) phases[p] = at[p + 1] - at[p];
  }
  const auto total = [&](double local) {
    double sum = 0;
    for (const double value : world.all_gather(std::vector<double>{local})) sum += value;
    return sum;
  };
  const double memory = total(peak_memory());
  const double ratios = total(active_moves(step.h, chains.samples().states));
  const auto n_samples = static_cast<double>(step.chains.samples);
  // A proposal acts as often as a move of H does.
  const double proposals = n_samples * step.chains.sweeps * static_cast<double>(step.h.n_sites()) * ratios / n_samples /
                           static_cast<double>(step.h.moves().size());
  const double flops = step.flops(proposals, proposals * chains.acceptance(), ratios);
  rows.add({step.name, best, "s", "fma", flops * 1e-9 / best / (peak * world.size())});
  for (int p = 0; p < 4; ++p) rows.add({names[p], phases[p], "s", "", 0});
  rows.add({"  acceptance", chains.acceptance(), "", "", 0});
  rows.add({"  processor time", total(processor), "s", "", 0});
  rows.add({"  memory so far", 1e-9 * memory, "GB", "", 0});
}

void rbm_step_rows(const Communicator& world, const RbmCase& model, BenchRows& rows) {
  constexpr std::int64_t n_samples = 4096;
  add_step(world,
           {.name = model.name("sr step"),
            .psi = *model.rbm,
            .h = model.h,
            .table = model.table,
            .chains = {.chains = 256, .samples = n_samples, .seed = 1},
            .solver = {.shift_relative = 1e-3},
            .repetitions = model.symmetrised ? 12 : 4,
            .flops =
                [&](double proposals, double accepted, double ratios) {
                  return (proposals + ratios) * model.flops_per_ratio() + accepted * model.flops_per_acceptance() +
                         solver_flops(model, static_cast<double>(n_samples),
                                      static_cast<double>(model.rbm->n_parameters()));
                }},
           rows);
}

}  // namespace koushi
