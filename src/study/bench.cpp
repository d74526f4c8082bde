#include "koushi/study/bench.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

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

/// Shortest time of `repetitions` calls, after one to warm up.
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
  constexpr int iterations = 2000000;
  const int threads = Space().concurrency();
  const Kokkos::View<double*, Kokkos::HostSpace> sink("koushi::study::sink", static_cast<std::size_t>(threads));
  const double seconds = best_seconds(3, [&] {
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

void rbm_rows(const Communicator& comm, bool is_complex, double peak, std::vector<BenchRow>& rows) {
  const std::string kind = is_complex ? " complex" : " real";
  const double flops_per_ratio = (is_complex ? 16.0 : 4.0) * 400;
  const UnitCell cell = unit_cell("square");
  const Lattice lattice(cell, 10 * Eigen::Matrix2i::Identity(), {Boundary::periodic, Boundary::periodic}, shell_bonds(cell, 1));
  std::vector<LabelledBond> bonds;
  for (const Bond& b : lattice.bonds()) bonds.push_back({b.i, b.j});
  const SpinHamiltonian h = make_xxz(100, bonds, {.J = {1.0}, .sublattice_sign = lattice.sublattice_sign(), .marshall = true});
  const auto rbm = make_rbm({.n_sites = 100, .complex_weights = is_complex, .density = 4, .symmetry = lattice.translations(), .width = 0.05, .seed = 1});
  MoveTable table{h.moves, {}};
  table.kinds.n_kinds = 1;
  table.kinds.count[0] = static_cast<int>(h.moves.size());
  table.kinds.cumulative[0] = 1;

  // Moves: one long walk of 64 chains; only proposals that change something are counted.
  MarkovChains chains(comm, *rbm, table, {.chains = 64, .samples = 1024, .seed = 1});
  chains.start(*rbm);
  SpinBatch walkers = rbm->make_batch(64);
  for (int w = 0; w < 64; ++w) {
    for (int i = 0; i < 100; ++i) walkers.spins(w, i) = i % 2 == 0 ? 1 : -1;
  }
  rbm->refresh(walkers);
  const auto moves = rbm->moves(table.moves);
  const Kokkos::View<std::int64_t* [2]> counts("koushi::study::counts", 64);
  const double walk = best_seconds(5, [&] {
    Kokkos::deep_copy(counts, 0);
    moves->metropolis(Kokkos::DefaultExecutionSpace{}, table.kinds, walkers, counts, {.seed = 1}, 5000);
  });
  double proposals = 0;
  for (std::size_t w = 0; w < 64; ++w) proposals += static_cast<double>(counts(w, 1));
  rows.push_back({"rbm exchange" + kind, proposals / walk, "moves/s", "fma", proposals / walk * flops_per_ratio * 1e-9 / peak});

  chains.draw(*rbm, 0, 0);
  const SpinTerms terms = make_terms(h);
  const Kokkos::View<Complex*> energies("koushi::study::energies", 1024);
  double ratios = 0;
  for (int s = 0; s < 1024; ++s) {
    for (const SpinMove& m : h.moves) {
      const auto row = static_cast<std::size_t>(s);
      ratios += chains.samples().spins(row, static_cast<std::size_t>(m.i)) != chains.samples().spins(row, static_cast<std::size_t>(m.j)) ? 1 : 0;
    }
  }
  const double local = best_seconds(5, [&] {
    chains.moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms, chains.samples(), energies);
  });
  rows.push_back({"rbm local-energy" + kind, ratios / local, "ratios/s", "fma", ratios / local * flops_per_ratio * 1e-9 / peak});

  // A whole step, as the study makes it. Flops: proposals and ratios as above, rows of the symmetrised filters (2 per real product of
  // N^2 alpha per sample), and one triangle of S with its Cholesky factor.
  const double P = static_cast<double>(rbm->n_parameters());
  const double step_flops = 0.5 * 1024 * 100 * flops_per_ratio + ratios * flops_per_ratio + 1024.0 * 100 * 400 * (is_complex ? 4 : 2) +
                            1024 * P * P + P * P * P / 3;
  const double step = best_seconds(3, [&] {
    chains.draw(*rbm, 1, 0);
    chains.moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms, chains.samples(), energies);
    std::vector<std::complex<double>> e;
    for (std::size_t s = 0; s < 1024; ++s) e.emplace_back(energies(s).real(), energies(s).imag());
    const auto o = rbm->log_derivatives(comm, chains.rows(), chains.samples());
    SrReport report;
    solve_stochastic_reconfiguration(comm, *o, chains.weights(), e, {.route = SrRoute::dense, .shift_relative = 1e-3}, report);
  });
  rows.push_back({"sr step" + kind, step, "s", "fma", step_flops * 1e-9 / step / peak});
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

std::vector<BenchRow> run_bench(const Communicator& comm) {
  std::vector<BenchRow> rows;
  const double triad_rate = triad();
  rows.push_back({"triad", triad_rate, "GB/s", "triad", 1});
  const double peak = fma_peak();
  rows.push_back({"fma", peak, "Gflop/s", "fma", 1});
  rbm_rows(comm, false, peak, rows);
  rbm_rows(comm, true, peak, rows);
  field_rows(comm, triad_rate, peak, rows);
  return rows;
}

}  // namespace koushi
