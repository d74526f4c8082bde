#include "koushi/study/bench.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "koushi/base/simd.hpp"
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

}  // namespace

std::vector<BenchRow> run_bench(const Communicator& comm) {
  std::vector<BenchRow> rows;
  rows.push_back({"triad", triad(), "GB/s", "triad", 1});
  const double peak = fma_peak();
  rows.push_back({"fma", peak, "Gflop/s", "fma", 1});
  rbm_rows(comm, false, peak, rows);
  rbm_rows(comm, true, peak, rows);
  return rows;
}

}  // namespace koushi
