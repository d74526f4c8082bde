#include "koushi/bench/bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "bench_rbm.hpp"
#ifdef KOUSHI_MPI
#include "bench_step.hpp"
#endif
#include "koushi/base/error.hpp"
#include "koushi/base/lane_math.hpp"
#include "koushi/base/lane_team.hpp"
#include "koushi/base/simd.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/deck.hpp"
#include "koushi/field/capabilities.hpp"
#include "koushi/field/gauge_theory.hpp"
#include "koushi/field/network_field.hpp"
#include "koushi/field/scalar_theory.hpp"
#include "koushi/field/spin_theory.hpp"
#include "koushi/network/random_network.hpp"

namespace koushi {

namespace {

using Space = Kokkos::DefaultExecutionSpace;
using Clock = std::chrono::steady_clock;

/// Shortest time of `repetitions` calls, after one to warm up. Bodies of a millisecond or two find the gaps that other
/// processes leave.
template <typename Body>
double best_seconds(int repetitions, const Body& body) {
  body();
  double best = 1e300;
  for (int r = 0; r < repetitions; ++r) {
    const auto start = Clock::now();
    body();
    Kokkos::fence("koushi::bench::bench");
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

/// GB/s of a(i) = b(i) + s c(i), counting 24 bytes per element. Source: J. D. McCalpin, STREAM.
double triad_rate() {
  const int n = 1 << 24;  // 3 x 128 MiB, beyond any cache
  const auto size = static_cast<std::size_t>(n);
  const Kokkos::View<double*> a("koushi::bench::a", size);
  const Kokkos::View<double*> b("koushi::bench::b", size);
  const Kokkos::View<double*> c("koushi::bench::c", size);
  const auto add = KOKKOS_LAMBDA(int i) { a(i) = b(i) + 3.0 * c(i); };
  return 24e-9 * n /
         best_seconds(5, [&] { Kokkos::parallel_for("koushi::bench::triad", Kokkos::RangePolicy<Space>(0, n), add); });
}

/// Gflop/s of independent fused multiply-adds in registers, on all threads.
double fma_peak() {
  using L = Lanes<SiteVector>;
  constexpr int chains = 12;  // latency 4 cycles x 2 to 3 units
  constexpr int iterations = 20000;
  const int threads = Space().concurrency();
  const Kokkos::View<double*> sink("koushi::bench::sink", static_cast<std::size_t>(threads));
  const auto multiply = KOKKOS_LAMBDA(int thread) {
    SiteVector x[chains];
    for (int k = 0; k < chains; ++k) x[k] = SiteVector(1.0 + k + thread);
    const SiteVector f(0.999);
    const SiteVector g(1e-3);
    for (int i = 0; i < iterations; ++i) {
      for (int k = 0; k < chains; ++k) x[k] = L::fma(x[k], f, g);
    }
    double sum = 0;
    for (int k = 0; k < chains; ++k) sum += L::get(x[k], 0);
    sink(thread) = sum;
  };
  const double seconds = best_seconds(
      300, [&] { Kokkos::parallel_for("koushi::bench::fma", Kokkos::RangePolicy<Space>(0, threads), multiply); });
  return 2e-9 * chains * L::width * static_cast<double>(iterations) * threads / seconds;
}

void rbm_kernel_rows(const RbmCase& model, BenchRows& rows) {
  const double peak = rows.peak();
  const Communicator self = Communicator::self();
  const Space space;
  // Moves: one long walk of 64 chains (more on a GPU); only proposals that change something are counted.
  constexpr std::size_t n_walkers = kernels_on_host ? 64 : 8192;
  MarkovChains chains(self, *model.rbm, model.table, {.chains = n_walkers, .samples = n_walkers, .seed = 1});
  chains.start(*model.rbm);
  chains.draw(*model.rbm, 0, 0);
  const Batch& walkers = chains.samples();
  const auto moves = model.rbm->moves(model.table.list.moves);
  const Kokkos::View<std::int64_t* [2]> counts("koushi::bench::counts", n_walkers);
  const double walk = best_seconds(kernels_on_host ? 300 : 30, [&] {
    Kokkos::deep_copy(space, counts, 0);
    moves->metropolis(space, model.table.kinds, walkers, counts, {.seed = 1}, 100);
  });
  const auto counted = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, counts);
  double proposals = 0;
  double accepted = 0;
  for (std::size_t w = 0; w < n_walkers; ++w) {
    accepted += static_cast<double>(counted(w, 0));
    proposals += static_cast<double>(counted(w, 1));
  }
  const double flops = proposals * model.flops_per_ratio() + accepted * model.flops_per_acceptance();
  rows.add({model.name("rbm exchange"), proposals / walk, "moves/s", "fma", flops * 1e-9 / walk / peak});

  const Terms terms = make_terms(model.h);
  const Kokkos::View<Complex*> energies("koushi::bench::energies", n_walkers);
  const double ratios = active_moves(model.h, walkers.states);
  const double local =
      best_seconds(kernels_on_host ? 300 : 30, [&] { moves->local_energies(space, terms, walkers, energies); });
  rows.add({model.name("rbm local-energy"), ratios / local, "ratios/s", "fma",
            ratios / local * model.flops_per_ratio() * 1e-9 / peak});
}

void rbm_rows([[maybe_unused]] const Communicator& world, BenchRows& rows) {
  for (const bool symmetrised : {true, false}) {  // in the order of their memory
    for (const bool is_complex : {false, true}) {
      const RbmCase model(is_complex, symmetrised);
      if (rows.want({model.name("rbm exchange"), model.name("rbm local-energy")})) rbm_kernel_rows(model, rows);
#ifdef KOUSHI_MPI
      if (rows.want({model.name("sr step")})) rbm_step_rows(world, model, rows);
#endif
    }
  }
#ifdef KOUSHI_MPI
  pair_step_rows(world, rows);
  network_step_rows(world, rows);
#endif
}

/// Kernels of lattice fields. Bytes: a kick reads the field and reads and writes the momenta, a drift the reverse; in
/// one pass the new field is written beside the old one. Flops of links: 198 per product of SU(3), 12 products of
/// staples and one with the link; the rest of a heatbath (three subgroups) is counted as the usual 3400 in all.
void field_rows(const Communicator& comm, BenchRows& rows) {
  const auto grid_of = [&](const std::vector<int>& extents, bool split_rows = false, int numbers = 1) {
    return Grid(comm, {extents, std::vector<Boundary>(extents.size(), Boundary::periodic),
                       std::vector<int>(extents.size(), 1), 1, 1, split_rows, numbers});
  };
  if (rows.want({"phi4 4d kick", "phi4 4d drift", "phi4 4d step unfused", "phi4 4d step fused", "phi4 4d momenta"})) {
    const double triad_rate = rows.triad();
    const Grid grid = grid_of({48, 64, 64, 64});  // 100 MB a field
    const auto theory = make_quartic_theory(grid, {.quadratic = 0.2, .quartic = 0.1});
    theory->start(1, 0.3);
    theory->draw_momenta(1, 0);
    const auto sites = static_cast<double>(grid.n_sites());
    const auto add = [&](const std::string& name, double bytes, double seconds) {
      rows.add({name, sites / seconds, "sites/s", "triad", 1e-9 * bytes * sites / seconds / triad_rate});
    };
    const double kick = best_seconds(5, [&] { theory->kick(1e-6); });
    const double drift = best_seconds(5, [&] { theory->drift(1e-6); });
    const double both = best_seconds(5, [&] { theory->kick_then_drift(1e-6, 1e-6); });
    add("phi4 4d kick", 24, kick);
    add("phi4 4d drift", 24, drift);
    add("phi4 4d step unfused", 48, kick + drift);
    add("phi4 4d step fused", 32, both);
    rows.add({"phi4 4d momenta", sites / best_seconds(2, [&] { theory->draw_momenta(1, 1); }), "sites/s", "", 0});
  }
  if (rows.want({"ising 2d metropolis"})) {
    const Grid grid = grid_of({1024, 1024}, true);
    const auto theory = make_spin_theory(grid, {.beta = 0.4406868});
    auto& spins = dynamic_cast<LocalUpdates&>(*theory);
    const Colouring colouring(grid, spins.interactions());
    theory->start(1, 1);
    std::uint64_t step = 0;
    rows.add(
        {"ising 2d metropolis",
         static_cast<double>(grid.n_sites()) / best_seconds(3, [&] { spins.metropolis(colouring, 1, ++step, 1, 1); }),
         "updates/s", "", 0});
  }
  if (rows.want({"su3 4d heatbath", "su3 4d overrelaxation", "su3 4d sweep", "su3 4d force"})) {
    const double peak = rows.peak();
    constexpr int extent = kernels_on_host ? 16 : 32;
    const Grid grid = grid_of({extent, extent, extent, extent}, true, 72);
    const auto theory = make_gauge_theory(grid, {.group = GaugeGroup::su3, .beta = 6.0});
    auto& bath = dynamic_cast<Heatbath&>(*theory);
    auto& reflections = dynamic_cast<Overrelaxation&>(*theory);
    const Colouring colouring(grid, bath.interactions());
    theory->start(1, 0.5);
    const double links = 4 * static_cast<double>(grid.n_sites());
    const auto add = [&](const std::string& name, double flops, double seconds) {
      rows.add({name, links / seconds, "links/s", "fma", 1e-9 * flops * links / seconds / peak});
    };
    std::uint64_t step = 0;
    add("su3 4d heatbath", 3400, best_seconds(3, [&] { bath.heatbath(colouring, 1, ++step); }));
    add("su3 4d overrelaxation", 3400, best_seconds(3, [&] { reflections.overrelax(colouring); }));
    // Per link that is updated, by one heatbath and four overrelaxations, as runs mix them.
    add("su3 4d sweep", 3400, best_seconds(3, [&] {
                                bath.heatbath(colouring, 1, ++step);
                                for (int k = 0; k < 4; ++k) reflections.overrelax(colouring);
                              }) / 5);
    add("su3 4d force", 13 * 198, best_seconds(3, [&] { dynamic_cast<MolecularDynamics&>(*theory).kick(1e-6); }));
  }
}

/// 10^9 cosines per second of vectors of independent angles, on all threads.
double cosine_rate() {
  using L = Lanes<SiteVector>;
  constexpr int chains = 4;
  constexpr int iterations = 4000;
  const int threads = Space().concurrency();
  const Kokkos::View<double*> sink("koushi::bench::sink", static_cast<std::size_t>(threads));
  const auto turn = KOKKOS_LAMBDA(int thread) {
    SiteVector x[chains];
    SiteVector sum[chains];
    for (int k = 0; k < chains; ++k) {
      x[k] = SiteVector(0.1 * k + thread);
      sum[k] = SiteVector(0.0);
    }
    for (int i = 0; i < iterations; ++i) {
      for (int k = 0; k < chains; ++k) {
        SiteVector cosine;
        SiteVector sine;
        x[k] = x[k] + SiteVector(0.01);
        lane_circle(x[k], cosine, sine);
        sum[k] = sum[k] + cosine;
      }
    }
    double total = 0;
    for (int k = 0; k < chains; ++k) total += L::get(sum[k], 0);
    sink(thread) = total;
  };
  const double seconds = best_seconds(
      100, [&] { Kokkos::parallel_for("koushi::bench::cosines", Kokkos::RangePolicy<Space>(0, threads), turn); });
  return 1e-9 * chains * L::width * static_cast<double>(iterations) * threads / seconds;
}

/// Draws of cosine networks of width 256 in one dimension, 1024 of them, and kicks of paths of 255 points in 512 replicas
/// in the field and in the weights of networks.
void network_rows(const Communicator& comm, BenchRows& rows) {
  if (rows.want({"cosines", "network draws 8 points", "network draws 64 points"})) {
    const double limit = cosine_rate();
    rows.add({"cosines", limit, "10^9/s", "cosines", 1});
    const std::vector<Section> sections{{"network", "", false, network_kinds().declared()}};
    const Deck deck = Deck::parse("[network]\nkind = \"cosine\"\n", "bench", {}, sections);
    const DeckSection section(deck, "network");
    const auto network = network_kinds().of(section).make(section);
    for (const int n_points : {8, 64}) {
      const auto points = static_cast<std::size_t>(n_points);
      const NetworkPoints x("koushi::bench::points", points, 1);
      const auto host = Kokkos::create_mirror_view(x);
      for (std::size_t p = 0; p < points; ++p) host(p, 0) = 0.1 * static_cast<double>(p);
      Kokkos::deep_copy(x, host);
      const NetworkOutputs out("koushi::bench::outputs", 1024, points);
      const double seconds = best_seconds(5, [&] { network->outputs(1, 256, 0, x, out); });
      const double rate = 1e-9 * 1024 * 256 * n_points / seconds;
      rows.add({fmt::format("network draws {} points", n_points), rate, "10^9/s", "cosines", rate / limit});
    }
  }
  if (rows.want({"path kick", "path weights kick", "path weights step"})) {
    const Grid grid(comm, {{255}, {Boundary::fixed}, {1}, 1, 512});
    const PathOptions options{.spacing = 4.0 / 256, .potential = {0, 0, 0.5}, .rule = PathRule::mid_point};
    const auto path = make_path_theory(grid, options);
    const double points = static_cast<double>(grid.n_sites()) * 512;
    const auto add = [&](const std::string& name, double seconds) {
      rows.add({name, points / seconds, "points/s", "", 0});
    };
    path->start(1, 0.3);
    path->draw_momenta(1, 0);
    add("path kick", best_seconds(20, [&] { path->kick(1e-6); }));
    for (const PathVariableKind& kind : path_variable_kinds().all()) {
      PathSetting setting{PathLines(grid, 1), grid.view(), options.spacing, Boundary::fixed, {0, 0}};
      auto variables = kind.make(setting);
      if (!(std::abs(variables->log_jacobian()) > 0) || variables->is_rank_one()) continue;  // neither x nor velocities
      const auto with = [&](NetworkField::Mass mass) {
        auto masses = std::make_unique<TridiagonalMass>(grid, 1, 0.5 / options.spacing, options.spacing, true);
        return std::make_unique<NetworkField>(grid, make_path_theory(grid, options), kind.make(setting), mass,
                                              mass == NetworkField::Mass::unit ? nullptr : std::move(masses));
      };
      const auto unit = with(NetworkField::Mass::unit);
      unit->start(1, 0.3);
      unit->draw_momenta(1, 0);
      add("path weights kick", best_seconds(20, [&] { unit->kick(1e-6); }));
      const auto gaussian = with(NetworkField::Mass::gaussian);
      gaussian->start(1, 0.3);
      gaussian->draw_momenta(1, 0);
      add("path weights step", best_seconds(20, [&] { gaussian->kick_then_drift(1e-6, 1e-6); }));
    }
  }
}

}  // namespace

bool BenchRows::want(const std::vector<std::string>& names) {
  names_.insert(names_.end(), names.begin(), names.end());
  return std::any_of(names.begin(), names.end(), [this](const std::string& name) { return matches(name); });
}

void BenchRows::add(BenchRow row) {
  if (row.name[0] != ' ') keeps_ = matches(row.name);
  if (keeps_) rows_.push_back(std::move(row));
}

double BenchRows::peak() {
  if (peak_ == 0) {
    peak_ = fma_peak();
    rows_.push_back({"fma", peak_, "Gflop/s", "fma", 1});
  }
  return peak_;
}

double BenchRows::triad() {
  if (triad_ == 0) {
    triad_ = triad_rate();
    rows_.push_back({"triad", triad_, "GB/s", "triad", 1});
  }
  return triad_;
}

std::vector<BenchRow> run_bench(const Communicator& world, const std::string& only) {
  BenchRows rows(only);
  if (rows.want({"fma"})) rows.peak();
  rbm_rows(world, rows);
  if (rows.want({"triad"})) rows.triad();
  field_rows(Communicator::self(), rows);
  network_rows(Communicator::self(), rows);
  if (rows.all().empty())
    throw UsageError(fmt::format("--only {}: no row of the bench has that in its name\n  expected: part of {}", only,
                                 join(rows.names())));
  return rows.all();
}

std::string bench_text(const std::vector<BenchRow>& rows, bool json) {
  std::string text = json ? "[" : fmt::format("{:<26}{:>14}  {:<10}{:>10}\n", "kernel", "rate", "unit", "of limit");
  for (const BenchRow& row : rows) {
    if (json) {
      text += fmt::format("{}{{\"name\": {}, \"value\": {}, \"unit\": {}, \"limit\": {}, \"fraction\": {}}}",
                          text == "[" ? "" : ", ", quoted(row.name), row.value, quoted(row.unit), quoted(row.limit),
                          row.fraction);
    } else {
      text += fmt::format("{:<26}{:>14.4g}  {:<10}{}\n", row.name, row.value, row.unit,
                          row.limit.empty() ? "" : fmt::format("{:>8.1f} % of {}", 100 * row.fraction, row.limit));
    }
  }
  return text + (json ? "]\n" : "");
}

}  // namespace koushi
