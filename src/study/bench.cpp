#include "koushi/study/bench.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>

#include "koushi/base/simd.hpp"
#include "koushi/field/gauge_theory.hpp"
#include "koushi/field/scalar_theory.hpp"
#include "koushi/field/spin_theory.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/rbm.hpp"
#include "koushi/manybody/spin_sampler.hpp"
#include "koushi/solver/stochastic_reconfiguration.hpp"

namespace koushi {

namespace {

using Space = Kokkos::DefaultHostExecutionSpace;
using Clock = std::chrono::steady_clock;

/// Shortest time of `repetitions` calls, after one to warm up. Bodies of a millisecond or two find the gaps that other processes leave.
template <typename Body>
double best_seconds(int repetitions, const Body& body) {
  body();
  double best = 1e300;
  for (int r = 0; r < repetitions; ++r) {
    const auto start = Clock::now();
    body();
    Kokkos::fence("koushi::study::bench");
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

/// GB/s of a(i) = b(i) + s c(i), counting 24 bytes per element. Source: J. D. McCalpin, STREAM.
double triad() {
  const int n = 1 << 24;  // 3 x 128 MiB, beyond any cache
  const auto size = static_cast<std::size_t>(n);
  const Kokkos::View<double*, Kokkos::HostSpace> a("koushi::study::a", size);
  const Kokkos::View<double*, Kokkos::HostSpace> b("koushi::study::b", size);
  const Kokkos::View<double*, Kokkos::HostSpace> c("koushi::study::c", size);
  const double seconds = best_seconds(5, [&] {
    Kokkos::parallel_for("koushi::study::triad", Kokkos::RangePolicy<Space>(0, n), [=](int i) { a(i) = b(i) + 3.0 * c(i); });
  });
  return 24e-9 * n / seconds;
}

/// Gflop/s of independent fused multiply-adds in registers, on all threads.
double fma_peak() {
  constexpr int chains = 12;  // latency 4 cycles x 2 to 3 units
  constexpr int iterations = 20000;
  const int threads = Space().concurrency();
  const Kokkos::View<double*, Kokkos::HostSpace> sink("koushi::study::sink", static_cast<std::size_t>(threads));
  const double seconds = best_seconds(300, [&] {
    Kokkos::parallel_for("koushi::study::fma", Kokkos::RangePolicy<Space>(0, threads), [=](int thread) {
      Simd x[chains];
      for (int k = 0; k < chains; ++k) x[k] = Simd(1.0 + k + thread);
      const Simd f(0.999);
      const Simd g(1e-3);
      for (int i = 0; i < iterations; ++i) {
        for (int k = 0; k < chains; ++k) x[k] = Kokkos::fma(x[k], f, g);
      }
      double sum = 0;
      for (int k = 0; k < chains; ++k) sum += x[k][0];
      sink(thread) = sum;
    });
  });
  return 2e-9 * chains * simd_width() * static_cast<double>(iterations) * threads / seconds;
}

/// Largest resident memory of this process so far, in bytes; 0 where the system does not tell.
double peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return 1024 * kilobytes;
  }
  return 0;
}

/// The 10 x 10 Heisenberg model with 4 hidden units per site.
struct RbmCase {
  bool is_complex;
  bool symmetrised;
  SpinHamiltonian h;
  MoveTable table;
  std::unique_ptr<SpinWavefunction> rbm;

  RbmCase(bool with_complex, bool with_symmetry) : is_complex(with_complex), symmetrised(with_symmetry) {
    const UnitCell cell = unit_cell("square");
    const Lattice lattice(cell, 10 * Eigen::Matrix2i::Identity(), {Boundary::periodic, Boundary::periodic}, shell_bonds(cell, 1));
    std::vector<LabelledBond> bonds;
    for (const Bond& b : lattice.bonds()) bonds.push_back({b.i, b.j});
    h = make_xxz(100, bonds, {.J = {1.0}, .sublattice_sign = lattice.sublattice_sign(), .marshall = true});
    RbmOptions options{.n_sites = 100, .complex_weights = is_complex, .density = 4, .visible_bias = !symmetrised, .width = 0.05, .seed = 1};
    if (symmetrised) options.symmetry = lattice.translations();
    rbm = make_rbm(options);
    table.moves = h.moves;
    table.kinds.n_kinds = 1;
    table.kinds.count[0] = static_cast<int>(h.moves.size());
    table.kinds.cumulative[0] = 1;
  }
  std::string name(const std::string& kernel) const { return kernel + (is_complex ? " complex" : " real") + (symmetrised ? "" : " dense"); }
  // Operations that fill the place of an FMA, two flops each: per hidden unit 2 (real) or 8 (complex) for a ratio, 4 or 15 for an accepted move, with a
  // division as one.
  double flops_per_ratio() const { return 400 * (is_complex ? 16.0 : 4.0); }
  double flops_per_acceptance() const { return 400 * (is_complex ? 30.0 : 8.0); }
};

double active_moves(const SpinHamiltonian& h, const SpinRows& spins) {
  double count = 0;
  for (std::size_t s = 0; s < spins.extent(0); ++s) {
    for (const SpinMove& m : h.moves) count += spins(s, static_cast<std::size_t>(m.i)) != spins(s, static_cast<std::size_t>(m.j)) ? 1 : 0;
  }
  return count;
}

void rbm_kernel_rows(const RbmCase& model, double peak, std::vector<BenchRow>& rows) {
  const Communicator self(MPI_COMM_SELF);
  const Kokkos::DefaultExecutionSpace space;
  // Moves: one long walk of 64 chains; only proposals that change something are counted.
  MarkovChains chains(self, *model.rbm, model.table, {.chains = 64, .samples = 1024, .seed = 1});
  chains.start(*model.rbm);
  chains.draw(*model.rbm, 0, 0);
  SpinBatch walkers = model.rbm->make_batch(64);
  for (std::size_t w = 0; w < 64; ++w) {
    for (std::size_t i = 0; i < 100; ++i) walkers.spins(w, i) = chains.samples().spins(16 * w, i);
  }
  model.rbm->refresh(walkers);
  const auto moves = model.rbm->moves(model.table.moves);
  const Kokkos::View<std::int64_t* [2]> counts("koushi::study::counts", 64);
  const double walk = best_seconds(300, [&] {
    Kokkos::deep_copy(counts, 0);
    moves->metropolis(space, model.table.kinds, walkers, counts, {.seed = 1}, 100);
  });
  double proposals = 0;
  double accepted = 0;
  for (std::size_t w = 0; w < 64; ++w) {
    accepted += static_cast<double>(counts(w, 0));
    proposals += static_cast<double>(counts(w, 1));
  }
  const double flops = proposals * model.flops_per_ratio() + accepted * model.flops_per_acceptance();
  rows.push_back({model.name("rbm exchange"), proposals / walk, "moves/s", "fma", flops * 1e-9 / walk / peak});

  const SpinTerms terms = make_terms(model.h);
  const Kokkos::View<Complex*> energies("koushi::study::energies", 64);
  const double ratios = active_moves(model.h, walkers.spins);
  const double local = best_seconds(300, [&] { moves->local_energies(space, terms, walkers, energies); });
  rows.push_back({model.name("rbm local-energy"), ratios / local, "ratios/s", "fma", ratios / local * model.flops_per_ratio() * 1e-9 / peak});
}

/// Flops of what follows the local energies in a step. Symmetrised: the rows of the filters, a triangle of S, its Cholesky factor. Dense: a triangle of the
/// Gram matrix from its factors, its Cholesky factor, and O v, O^dagger r (two and four of them).
double solver_flops(const RbmCase& model, double n, double parameters) {
  const double kind = model.is_complex ? 4 : 1;  // a complex product has four real ones
  const double rectangle = model.is_complex ? 2 : 1;
  if (!model.symmetrised) return n * n * (400 * kind + 100) + kind * n * n * n / 3 + 6 * 2 * rectangle * n * 400 * 100;
  const double columns = parameters / rectangle;
  return 2 * rectangle * n * 100 * 400 + kind * n * columns * columns + kind * columns * columns * columns / 3;
}

/// A whole step of 4096 samples with a sweep between samples, as the study makes it, on all ranks together.
void rbm_step_rows(const Communicator& world, const RbmCase& model, double peak, std::vector<BenchRow>& rows) {
  constexpr std::int64_t n_samples = 4096;
  MarkovChains chains(world, *model.rbm, model.table, {.chains = 256, .samples = n_samples, .seed = 1});
  chains.start(*model.rbm);
  const SpinTerms terms = make_terms(model.h);
  const auto count = static_cast<std::size_t>(chains.rows().count);
  const Kokkos::View<Complex*> energies("koushi::study::energies", count);
  const SrRoute route = model.symmetrised ? SrRoute::dense : SrRoute::sample_space;
  const char* const names[] = {"  sampling", "  local energies", "  log derivatives", "  solver"};
  double phases[4] = {};
  double best = 1e300;
  double processor = 1e300;
  for (int repetition = 0; repetition < (model.symmetrised ? 12 : 4); ++repetition) {
    double at[5];
    const auto now = [start = Clock::now()] { return std::chrono::duration<double>(Clock::now() - start).count(); };
    world.barrier();
    const std::clock_t start = std::clock();
    at[0] = now();
    chains.draw(*model.rbm, 1, 0);
    at[1] = now();
    chains.moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms, chains.samples(), energies);
    std::vector<std::complex<double>> e;
    for (std::size_t s = 0; s < count; ++s) e.emplace_back(energies(s).real(), energies(s).imag());
    at[2] = now();
    const auto o = model.rbm->log_derivatives(world, chains.rows(), chains.samples());
    at[3] = now();
    SrReport report;
    solve_stochastic_reconfiguration(world, *o, chains.weights(), e, {.route = route, .shift_relative = 1e-3}, report);
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
  const double ratios = total(active_moves(model.h, chains.samples().spins));
  const double proposals = 0.5 * static_cast<double>(n_samples) * static_cast<double>(model.h.n_sites);  // about half of them change something
  const double flops = proposals * (model.flops_per_ratio() + chains.acceptance() * model.flops_per_acceptance()) + ratios * model.flops_per_ratio() +
                       solver_flops(model, static_cast<double>(n_samples), static_cast<double>(model.rbm->n_parameters()));
  rows.push_back({model.name("sr step"), best, "s", "fma", flops * 1e-9 / best / (peak * world.size())});
  for (int p = 0; p < 4; ++p) rows.push_back({names[p], phases[p], "s", "", 0});
  rows.push_back({"  processor time", total(processor), "s", "", 0});
  rows.push_back({"  memory so far", 1e-9 * memory, "GB", "", 0});
}

void rbm_rows(const Communicator& world, double peak, std::vector<BenchRow>& rows) {
  for (const bool symmetrised : {true, false}) {  // in the order of their memory
    for (const bool is_complex : {false, true}) {
      const RbmCase model(is_complex, symmetrised);
      rbm_kernel_rows(model, peak, rows);
      rbm_step_rows(world, model, peak, rows);
    }
  }
}

/// Kernels of lattice fields. Bytes: a kick reads the field and reads and writes the momenta, a drift the reverse; in one pass the new field is
/// written beside the old one. Flops of links: 198 per product of SU(3), 12 products of staples and one with the link; the rest of a heatbath
/// (three subgroups) is counted as the usual 3400 in all.
void field_rows(const Communicator& comm, double triad_rate, double peak, std::vector<BenchRow>& rows) {
  const auto grid_of = [&](const std::vector<int>& extents, bool split_rows = false, int numbers = 1) {
    return Grid(comm, {extents, std::vector<Boundary>(extents.size(), Boundary::periodic), std::vector<int>(extents.size(), 1), 1, 1, split_rows, numbers});
  };
  {
    const Grid grid = grid_of({48, 64, 64, 64});  // 100 MB a field
    const auto theory = make_quartic_theory(grid, {.quadratic = 0.2, .quartic = 0.1});
    theory->start(1, 0.3);
    theory->draw_momenta(1, 0);
    const auto sites = static_cast<double>(grid.n_sites());
    const auto add = [&](const std::string& name, double bytes, double seconds) {
      rows.push_back({name, sites / seconds, "sites/s", "triad", 1e-9 * bytes * sites / seconds / triad_rate});
    };
    const double kick = best_seconds(5, [&] { theory->kick(1e-6); });
    const double drift = best_seconds(5, [&] { theory->drift(1e-6); });
    const double both = best_seconds(5, [&] { theory->kick_then_drift(1e-6, 1e-6); });
    add("phi4 4d kick", 24, kick);
    add("phi4 4d drift", 24, drift);
    add("phi4 4d step unfused", 48, kick + drift);
    add("phi4 4d step fused", 32, both);
    rows.push_back({"phi4 4d momenta", sites / best_seconds(2, [&] { theory->draw_momenta(1, 1); }), "sites/s", "", 0});
  }
  {
    const Grid grid = grid_of({1024, 1024}, true);
    const auto theory = make_spin_theory(grid, {.beta = 0.4406868});
    const Colouring colouring(grid, theory->interactions());
    theory->start(1, 1);
    std::uint64_t step = 0;
    rows.push_back({"ising 2d metropolis", static_cast<double>(grid.n_sites()) / best_seconds(3, [&] { theory->metropolis(colouring, 1, ++step, 1, 1); }), "updates/s", "", 0});
  }
  {
    const Grid grid = grid_of({16, 16, 16, 16}, true, 72);
    const auto theory = make_gauge_theory(grid, {.group = GaugeGroup::su3, .beta = 6.0});
    const Colouring colouring(grid, theory->interactions());
    theory->start(1, 0.5);
    const double links = 4 * static_cast<double>(grid.n_sites());
    const auto add = [&](const std::string& name, double flops, double seconds) {
      rows.push_back({name, links / seconds, "links/s", "fma", 1e-9 * flops * links / seconds / peak});
    };
    std::uint64_t step = 0;
    add("su3 4d heatbath", 3400, best_seconds(3, [&] { theory->heatbath(colouring, 1, ++step); }));
    add("su3 4d overrelaxation", 3400, best_seconds(3, [&] { theory->overrelax(colouring); }));
    add("su3 4d force", 13 * 198, best_seconds(3, [&] { dynamic_cast<MolecularDynamics&>(*theory).kick(1e-6); }));
  }
}

}  // namespace

std::vector<BenchRow> run_bench(const Communicator& world) {
  std::vector<BenchRow> rows;
  const double peak = fma_peak();
  rows.push_back({"fma", peak, "Gflop/s", "fma", 1});
  rbm_rows(world, peak, rows);
  const double triad_rate = triad();
  rows.push_back({"triad", triad_rate, "GB/s", "triad", 1});
  field_rows(Communicator(MPI_COMM_SELF), triad_rate, peak, rows);
  return rows;
}

}  // namespace koushi
