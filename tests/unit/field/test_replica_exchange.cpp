// Replica exchange: against enumeration at every rung, its flows against detailed balance, copies that walk a known
// way, the same chain on any ranks.
#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdlib>
#include <map>
#include <random>

#include "field_sampling.hpp"
#include "koushi/field/hmc.hpp"
#include "koushi/field/hopfield_theory.hpp"
#include "koushi/field/replica_exchange.hpp"
#include "koushi/field/scalar_theory.hpp"
#include "koushi/field/spin_theory.hpp"
#include "koushi/statistics/estimate.hpp"
#include "memory_archive.hpp"
#include "spin_enumeration.hpp"
#include "updates_of.hpp"

using namespace koushi;

namespace {

struct Rungs {
  std::vector<std::unique_ptr<FieldTheory>> own;
  std::vector<FieldTheory*> all;
  void add(std::unique_ptr<FieldTheory> theory) {
    all.push_back(theory.get());
    own.push_back(std::move(theory));
  }
};

Rungs ising_rungs(const Grid& grid, const std::vector<double>& betas) {
  Rungs rungs;
  for (const double beta : betas) rungs.add(make_spin_theory(grid, SpinModel{.beta = beta}));
  return rungs;
}

Grid grid_of(const Communicator& comm, const std::vector<int>& extents, std::int64_t replicas,
             std::vector<int> ranks = {}, bool split_rows = true) {
  if (ranks.empty()) ranks.assign(extents.size(), 1);
  return {comm, {extents, std::vector<Boundary>(extents.size(), Boundary::periodic), ranks, 1, replicas, split_rows}};
}

std::vector<double> fields_of(const FieldTheory& theory) {
  MemoryArchive archive;
  theory.write(archive, "field");
  return archive.boxes["field"];
}

}  // namespace

TEST_CASE("every rung of a ladder has the enumerated energy, magnetisation and specific heat",
          "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  const std::vector<double> betas{0.2, 0.3, 0.4, 0.5, 0.6};
  const Grid grid = grid_of(self, {4, 4}, 16);
  Rungs rungs = ising_rungs(grid, betas);
  for (FieldTheory* theory : rungs.all) theory->start(7, 1);
  ReplicaExchange exchange(betas.size(), 16, 7);
  const Colouring colouring(grid, as<LocalUpdates>(*rungs.all[0]).interactions());
  // [rung][E, E^2, |M|][replica * n + t]
  std::vector<std::vector<std::vector<double>>> series(betas.size(), std::vector<std::vector<double>>(3));
  const int n = 3000;
  for (auto& rung : series) {
    for (auto& column : rung) column.resize(16 * n);
  }
  for (int t = -200; t < n; ++t) {
    const auto step = static_cast<std::uint64_t>(t + 200);
    for (std::size_t k = 0; k < betas.size(); ++k)
      as<LocalUpdates>(*rungs.all[k]).metropolis(colouring, 7, 5 * step + k, 1, 1);
    exchange.update(rungs.all, step, true);
    for (std::size_t k = 0; k < betas.size() && t >= 0; ++k) {
      const Measured m = rungs.all[k]->measure();
      for (std::size_t r = 0; r < 16; ++r) {
        const std::size_t at = r * n + static_cast<std::size_t>(t);
        series[k][0][at] = m.at("energy_per_site")[r];
        series[k][1][at] = m.at("energy_per_site2")[r];
        series[k][2][at] = m.at("magnetization")[r];
      }
    }
  }
  for (std::size_t k = 0; k < betas.size(); ++k) {
    double z = 0;
    double sums[3] = {};
    for (unsigned state = 0; state < 1U << 16; ++state) {
      int energy = 0;
      for (unsigned site = 0; site < 16; ++site) {
        for (const unsigned other : {(site & 12) | ((site + 1) & 3), (site + 4) & 15})
          energy -= ((state >> site ^ state >> other) & 1U) != 0 ? -1 : 1;
      }
      const double weight = std::exp(-betas[k] * energy);
      z += weight;
      sums[0] += weight * energy / 16;
      sums[1] += weight * energy / 16 * energy / 16;
      sums[2] += weight * std::abs(2 * std::popcount(state) - 16) / 16;
    }
    const double heat = 16 * betas[k] * betas[k] * (sums[1] / z - sums[0] / z * (sums[0] / z));
    // z = 5 of 15 comparisons: a family-wise error below 1e-5
    const auto compare = [&](const Estimate& estimate, double exact, double precision) {
      INFO("beta " << betas[k] << ": " << estimate.value << " +- " << estimate.error << ", exact " << exact
                   << ", tau_int " << estimate.tau_int);
      CHECK(std::abs(estimate.value - exact) < 5 * estimate.error);
      CHECK(estimate.error < precision * std::abs(exact));
    };
    const auto mean = [](const std::vector<double>& x) { return x[0]; };
    const double beta = betas[k];
    compare(derived_gamma_method({series[k][0]}, 16, mean), sums[0] / z, 0.02);
    compare(derived_gamma_method({series[k][2]}, 16, mean), sums[2] / z, 0.02);
    compare(
        derived_gamma_method({series[k][1], series[k][0]}, 16,
                             [beta](const std::vector<double>& x) { return 16 * beta * beta * (x[0] - x[1] * x[1]); }),
        heat, 0.05);
  }
  for (const double a : exchange.acceptance()) CHECK((a > 0.3 && a < 0.95));
  CHECK(exchange.round_trips() > 1000);
}

namespace {

/// Estimates of rung k, from n sweeps of Metropolis and exchanges of all rungs.
std::map<std::string, Estimate> sample_rung(const Rungs& rungs, std::size_t k, int n, double width) {
  const Grid& grid = rungs.all[0]->grid();
  const Colouring colouring(grid, as<LocalUpdates>(*rungs.all[0]).interactions());
  ReplicaExchange exchange(rungs.all.size(), grid.n_replicas(), 7);
  for (FieldTheory* theory : rungs.all) theory->start(11, 0.3);
  auto result = sample_field(*rungs.all[k], n, [&](std::uint64_t t) {
    for (std::size_t rung = 0; rung < rungs.all.size(); ++rung)
      as<LocalUpdates>(*rungs.all[rung]).metropolis(colouring, 7, rungs.all.size() * t + rung, 2, width);
    exchange.update(rungs.all, t, true);
  });
  for (const double a : exchange.acceptance()) CHECK((a > 0.2 && a < 0.98));
  return result;
}

}  // namespace

TEST_CASE("rungs of clock and Potts spins have their enumerated moments, in beta and in the field",
          "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  const Grid grid(self, {{2, 3}, {Boundary::open, Boundary::open}, {1, 1}, 1, 32});
  for (const auto kind : {SpinModel::Kind::clock, SpinModel::Kind::potts}) {
    for (const bool in_field : {false, true}) {
      std::vector<SpinModel> models;
      for (const double x : {0.4, 0.9, 1.4})
        models.push_back({.kind = kind,
                          .components = 2,
                          .states = kind == SpinModel::Kind::clock ? 5 : 3,
                          .beta = in_field ? 0.8 : x,
                          .field = in_field ? x : 0.3});
      Rungs rungs;
      for (const SpinModel& model : models) rungs.add(make_spin_theory(grid, model));
      for (std::size_t k = 0; k < models.size(); ++k) {
        INFO((kind == SpinModel::Kind::clock ? "clock" : "Potts")
             << ", beta " << models[k].beta << ", field " << models[k].field);
        const EnumeratedSpins exact = enumerate_spins({2, 3}, models[k], true);
        auto result = sample_rung(rungs, k, 1500, 1);
        compare_estimate(result["energy_per_site"], exact.energy, 0.01);
        compare_estimate(result["susceptibility"], exact.m2, 0.02);
      }
    }
  }
}

TEST_CASE("rungs of harmonic paths and free fields have their exact widths, in the spacing and in the mass",
          "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  const int n = 8;
  const Grid grid(self, {{n}, {Boundary::periodic}, {1}, 1, 32});
  // S = sum stiffness (x' - x)^2 + quadratic x^2: <x^2> is the mean over momenta of 1 / (2 (quadratic + stiffness
  // k_hat^2)).
  const auto width = [n](double stiffness, double quadratic) {
    double sum = 0;
    for (int k = 0; k < n; ++k) sum += 0.5 / n / (quadratic + 2 * stiffness * (1 - std::cos(2 * M_PI * k / n)));
    return sum;
  };
  for (const bool path : {true, false}) {
    const std::vector<double> values = path ? std::vector<double>{0.4, 0.5, 0.65} : std::vector<double>{0.3, 0.5, 0.8};
    Rungs rungs;
    for (const double x : values) {
      rungs.add(path ? make_path_theory(grid, {.spacing = x, .potential = {0, 0, 0.5}})
                     : make_quartic_theory(grid, {.components = 2, .stiffness = 0.5, .quadratic = 0.5 * x}));
    }
    for (std::size_t k = 0; k < values.size(); ++k) {
      INFO((path ? "path, spacing " : "complex field, mass^2 ") << values[k]);
      auto result = sample_rung(rungs, k, 3000, 1.2);
      compare_estimate(result[path ? "x2" : "phi2"],
                       path ? width(0.5 / values[k], 0.5 * values[k]) : 2 * width(0.5, 0.5 * values[k]), 0.02);
      compare_estimate(result["schwinger_dyson"], 1, 0.02);
    }
  }
}

TEST_CASE("exchanges alone keep the weights of both rungs, and flow as much there as back",
          "[field][exact][statistical]") {
  // A ring of four Ising spins: E = -4, 0, 4 in 2, 12, 2 states. Replicas are drawn from the product of the weights; z
  // = 4.5 of 15 comparisons.
  const Communicator self = Communicator::self();
  const double betas[2] = {0.2, 0.7};
  const int replicas = 100000;
  const Grid grid = grid_of(self, {4}, replicas);
  Rungs rungs = ising_rungs(grid, {betas[0], betas[1]});
  std::map<int, double> weight[2];
  const auto energy_of = [](const double* s) {
    return -static_cast<int>(s[0] * s[1] + s[1] * s[2] + s[2] * s[3] + s[3] * s[0]);
  };
  std::mt19937 engine(5);
  for (std::size_t k = 0; k < 2; ++k) {
    std::vector<double> states;
    double z = 0;
    for (int state = 0; state < 16; ++state) {
      double s[4];
      for (int i = 0; i < 4; ++i) s[i] = (state >> i & 1) != 0 ? -1 : 1;
      states.push_back(std::exp(-betas[k] * energy_of(s)));
      weight[k][energy_of(s)] += states.back();
      z += states.back();
    }
    for (auto& [e, w] : weight[k]) w /= z;
    std::discrete_distribution<int> draw(states.begin(), states.end());
    MemoryArchive archive;
    auto& box = archive.boxes["field"];
    for (int r = 0; r < replicas; ++r) {
      const int state = draw(engine);
      for (int i = 0; i < 4; ++i) box.push_back((state >> i & 1) != 0 ? -1 : 1);
    }
    rungs.all[k]->read(archive, "field");
  }
  const auto near = [&](double count, double probability) {
    return std::abs(count - replicas * probability) < 4.5 * std::sqrt(replicas * probability * (1 - probability));
  };
  ReplicaExchange exchange(2, replicas, 3);
  for (std::uint64_t step = 0; step < 2; ++step) {
    const std::vector<double> before[2] = {fields_of(*rungs.all[0]), fields_of(*rungs.all[1])};
    exchange.update(rungs.all, step, true);
    const std::vector<double> after[2] = {fields_of(*rungs.all[0]), fields_of(*rungs.all[1])};
    std::map<std::pair<int, int>, int> moved;
    std::map<int, int> count[2];
    for (std::size_t r = 0; r < static_cast<std::size_t>(replicas); ++r) {
      const int e = energy_of(&before[0][4 * r]);
      const int f = energy_of(&before[1][4 * r]);
      if (e != f && energy_of(&after[0][4 * r]) == f && energy_of(&after[1][4 * r]) == e) ++moved[{e, f}];
      for (std::size_t k = 0; k < 2; ++k) ++count[k][energy_of(&after[k][4 * r])];
    }
    for (const auto& [e, we] : weight[0]) {
      INFO("update " << step << ", E = " << e);
      CHECK(near(count[0][e], we));
      CHECK(near(count[1][e], weight[1][e]));
      for (const auto& [f, wf] : weight[1]) {
        if (e == f) continue;
        const int flow = moved[{e, f}];
        INFO("to " << f << ": " << flow);
        CHECK(near(flow, we * wf * std::min(1.0, std::exp((betas[0] - betas[1]) * (e - f)))));
      }
    }
  }
}

TEST_CASE("copies of equal rungs walk up and down a ladder as they must", "[field]") {
  // All exchanges are accepted: a copy climbs one rung per update, waits one at the end, and comes back, 4 updates from
  // end to end of 4 rungs.
  const Communicator self = Communicator::self();
  const Grid ring(self, {{12}, {Boundary::periodic}, {1}, 1, 2, false, false});
  const Grid plane = grid_of(self, {4, 6}, 2);
  for (const bool hopfield : {false, true}) {
    Rungs rungs;
    for (int k = 0; k < 4; ++k) {
      rungs.add(hopfield ? make_hopfield_theory(
                               ring, {.beta = 1.5, .patterns = random_patterns(1, 3, 12), .from_pattern = false})
                         : make_spin_theory(plane, {.components = 2, .beta = 1}));
      rungs.all.back()->start(static_cast<std::uint64_t>(k + 1), 1);
    }
    std::vector<std::vector<double>> first;
    std::vector<std::vector<double>> actions;
    for (FieldTheory* theory : rungs.all) {
      first.push_back(fields_of(*theory));
      actions.push_back(theory->action());
    }
    ReplicaExchange exchange(4, 2, 3);
    // [updates][rung]: the copy there
    const std::size_t where[5][4] = {{0, 1, 2, 3}, {1, 0, 3, 2}, {1, 3, 0, 2}, {3, 1, 2, 0}, {3, 2, 1, 0}};
    for (std::uint64_t t = 1; t <= 80; ++t) {
      CHECK(exchange.update(rungs.all, t, true) == 1);
      if (t > 4) continue;
      for (std::size_t k = 0; k < 4; ++k) {
        CHECK(fields_of(*rungs.all[k]) == first[where[t][k]]);
        CHECK(rungs.all[k]->action() == actions[where[t][k]]);
      }
    }
    CHECK(exchange.traversals() == std::vector<std::int64_t>(8, 19));
    CHECK(exchange.round_trips() == 76);
    CHECK(exchange.acceptance() == std::vector<double>(3, 1.0));
  }
}

TEST_CASE("a ladder in the mass exchanges with the weights of its theories, spins and fields alike on any ranks",
          "[field][mpi]") {
  const Communicator world = Communicator::world();
  const Communicator self = Communicator::self();
  std::vector<std::vector<int>> divisions{{world.size(), 1}, {1, world.size()}, {1, 1}};
  for (const bool scalar : {false, true}) {
    for (const auto& ranks : divisions) {
      std::vector<std::int64_t> journeys[2];
      std::vector<double> acceptance[2];
      std::vector<double> actions[2];
      for (const std::size_t shared : {0, 1}) {
        const Grid grid =
            grid_of(shared != 0 ? world : self, {8, 12}, 4, shared != 0 ? ranks : std::vector<int>{1, 1}, !scalar);
        Rungs rungs;
        for (const double x : {0.0, 0.1, 0.2}) {
          rungs.add(scalar ? make_quartic_theory(
                                 grid, {.components = 1, .stiffness = 0.5, .quadratic = 0.5 + x, .quartic = 0.1})
                           : make_spin_theory(grid, {.beta = 0.3 + 0.5 * x}));
          rungs.all.back()->start(2, 1);
        }
        ReplicaExchange exchange(3, 4, 9);
        const Colouring colouring(grid, as<LocalUpdates>(*rungs.all[0]).interactions());
        for (std::uint64_t t = 0; t < 60; ++t) {
          for (std::size_t k = 0; k < 3; ++k) {
            if (scalar)
              hmc_trajectory(dynamic_cast<MolecularDynamics&>(*rungs.all[k]),
                             {.length = 1.0, .jitter = 0, .steps = 4, .seed = 9}, 3 * t + k);
            as<LocalUpdates>(*rungs.all[k]).metropolis(colouring, 9, 3 * t + k, 1, 1);
          }
          exchange.update(rungs.all, t, true);
        }
        journeys[shared] = exchange.traversals();
        acceptance[shared] = exchange.acceptance();
        for (FieldTheory* theory : rungs.all) {
          const std::vector<double> here = theory->action();
          for (const double s : grid.world().all_gather(grid.group().is_root() ? here : std::vector<double>{}))
            actions[shared].push_back(s);
        }
      }
      INFO((scalar ? "scalar " : "spins ") << ranks[0] << "x" << ranks[1]);
      CHECK(journeys[0] == journeys[1]);
      CHECK(acceptance[0] == acceptance[1]);
      CHECK(actions[0] == actions[1]);
      CHECK((acceptance[0][0] > 0 && acceptance[0][0] < 1));
    }
  }
}
