// Spins against enumeration, exact rings and the exact Ising model, for every update; the same chain on any ranks.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <numeric>

#include "field_sampling.hpp"
#include "koushi/base/error.hpp"
#include "koushi/field/hmc.hpp"
#include "koushi/field/spin_theory.hpp"
#include "spin_enumeration.hpp"
#include "updates_of.hpp"

using namespace koushi;

namespace {

using Kind = SpinModel::Kind;

Grid make_grid(const Communicator& comm, const std::vector<int>& extents, const SpinModel& model, Boundary boundary,
               std::int64_t replicas, std::vector<int> ranks = {}) {
  if (ranks.empty()) ranks.assign(extents.size(), 1);
  return {comm,
          {extents, std::vector<Boundary>(extents.size(), boundary), ranks,
           spin_range(model, static_cast<int>(extents.size())), replicas,
           model.kind == Kind::vector && model.components == 1}};
}

void update(FieldTheory& theory, const Colouring& colouring, const std::string& how, std::uint64_t t) {
  if (how == "metropolis") {
    as<LocalUpdates>(theory).metropolis(colouring, 3, 2 * t, 2, 0.8);
  } else if (how == "single hits") {
    as<LocalUpdates>(theory).metropolis(colouring, 3, 2 * t, 1, 0.8);
  } else if (how == "overrelaxation") {  // alone it does not sample: with a sweep of Metropolis
    as<Overrelaxation>(theory).overrelax(colouring);
    as<LocalUpdates>(theory).metropolis(colouring, 3, 2 * t, 1, 0.8);
  } else if (how == "hmc") {
    hmc_trajectory(dynamic_cast<MolecularDynamics&>(theory), {.length = 1.0, .jitter = 0.2, .steps = 6, .seed = 3},
                   2 * t);
  } else {
    as<ClusterUpdates>(theory).flip_clusters(how == "wolff", 3, 2 * t);
    if (how == "wolff") as<ClusterUpdates>(theory).flip_clusters(true, 3, 2 * t + 1);
  }
}

std::map<std::string, Estimate> sample(FieldTheory& theory, const std::string& how, int n, double spread = 1.0) {
  const Colouring colouring(theory.grid(), as<LocalUpdates>(theory).interactions());
  return sample_field(
      theory, n, [&](std::uint64_t t) { update(theory, colouring, how, t); }, spread);
}

}  // namespace

TEST_CASE("small Ising, clock and Potts lattices of two to four directions have the moments of their enumeration",
          "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  struct Row {
    SpinModel model;
    std::vector<int> extents;
    bool open;
  };
  for (const Row& row :
       {Row{{.beta = 0.35}, {4, 4}, false}, Row{{.beta = 0.35, .J = {1.0, -0.4}, .field = 0.2}, {3, 5}, false},
        Row{{.beta = 0.4, .J = {1.0, 0.3}}, {3, 4}, true}, Row{{.beta = 0.4, .J = {-1.0}}, {4, 4}, false},
        Row{{.beta = 0.2}, {3, 2, 2}, false}, Row{{.beta = 0.25, .J = {1.0, 0.2}, .field = 0.1}, {2, 3, 2}, true},
        Row{{.beta = 0.12}, {2, 2, 2, 2}, false}, Row{{.beta = 0.3, .field = 0.2}, {2, 2, 1, 3}, true},
        Row{{.kind = Kind::potts, .states = 3, .beta = 0.7}, {3, 3}, false},
        Row{{.kind = Kind::potts, .states = 4, .beta = 0.5, .field = 0.4}, {2, 4}, true},
        Row{{.kind = Kind::potts, .states = 3, .beta = 0.4}, {2, 2, 2}, false},
        Row{{.kind = Kind::clock, .components = 2, .states = 4, .beta = 0.5}, {2, 3}, false},
        Row{{.kind = Kind::clock, .components = 2, .states = 3, .beta = 0.3, .field = 0.2}, {2, 2, 2}, false},
        Row{{.kind = Kind::clock, .components = 2, .states = 5, .beta = 0.8, .J = {1.0, 0.4}}, {2, 3}, true}}) {
    const auto& m = row.model;
    const EnumeratedSpins exact = enumerate_spins(row.extents, m, row.open);
    const Grid grid = make_grid(self, row.extents, m, row.open ? Boundary::open : Boundary::periodic, 16);
    const auto theory = make_spin_theory(grid, m);
    std::vector<std::string> updates = updates_of(*theory);
    updates.emplace_back("metropolis");
    const double n = std::accumulate(row.extents.begin(), row.extents.end(), 1.0, std::multiplies<>());
    for (const std::string& how : updates) {
      CAPTURE(static_cast<int>(m.kind), m.states, row.extents, m.beta, how);
      auto result = sample(*theory, how, 3000);
      compare_estimate(result["energy_per_site"], exact.energy, 0.01);
      compare_estimate(result["susceptibility"], exact.m2, 0.02);
      compare_estimate(result["specific_heat"], m.beta * m.beta * n * (exact.energy2 - exact.energy * exact.energy),
                       0.05);
      compare_estimate(result["binder"], 1 - exact.m4 / (3 * std::pow(exact.m2 * n, 2)), 0.3);
    }
  }
}

TEST_CASE("rings of unit vectors have their exact bond", "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  // I_{n/2}(beta) / I_{n/2 - 1}(beta) at beta = 1; the ring of 16 differs from the infinite one by less than 1e-5 of it
  // for n = 2 and less beyond
  const double exact[5] = {0, 0, 0.44639391203, 0.313035307981, 0.2401937623};
  for (int n = 2; n <= 4; ++n) {
    const SpinModel model{.components = n, .beta = 1};
    const Grid grid = make_grid(self, {16}, model, Boundary::periodic, 32);
    const auto theory = make_spin_theory(grid, model);
    for (const std::string how : {"metropolis", "overrelaxation", "hmc", "wolff", "swendsen-wang"}) {
      INFO("O(" << n << "), " << how);
      auto result = sample(*theory, how, 1500);
      compare_estimate(result["bond"], exact[n], 0.01);
      compare_estimate(result["energy_per_site"], -exact[n], 0.01);
    }
  }
}

TEST_CASE("two-state spins on rings are turned ergodically", "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  for (const SpinModel& model :
       {SpinModel{.beta = 0.7}, SpinModel{.kind = Kind::clock, .components = 2, .states = 2, .beta = 0.7},
        SpinModel{.kind = Kind::potts, .states = 2, .beta = 1.4}}) {
    for (const int n : {3, 4, 9}) {
      for (const double spread : {0.0, 1.0}) {
        INFO("kind " << static_cast<int>(model.kind) << ", ring of " << n << ", start " << spread);
        const double t = std::tanh(0.7);
        const double ising = (t + std::pow(t, n - 1)) / (1 + std::pow(t, n));  // mean s s'
        const Grid grid = make_grid(self, {n}, model, Boundary::periodic, 16);
        const auto theory = make_spin_theory(grid, model);
        auto result = sample(*theory, "single hits", 4000, spread);
        compare_estimate(result["bond"], model.kind == Kind::potts ? 0.5 * (1 + ising) : ising, 0.02);
      }
    }
  }
}

TEST_CASE("bonds are counted where they are, and sites that meet themselves are refused", "[field][exact]") {
  const Communicator self = Communicator::self();
  const SpinModel model{.beta = 0.5};
  const Grid open = make_grid(self, {3, 4}, model, Boundary::open, 1);
  const auto theory = make_spin_theory(open, model);
  theory->start(1, 0);  // all up
  CHECK(theory->measure().at("bond")[0] == 1);
  CHECK(theory->measure().at("energy_per_site")[0] == -17.0 / 12);
  CHECK(Colouring(open, as<LocalUpdates>(*theory).interactions()).n_colours() == 2);
  CHECK_NOTHROW(Colouring(make_grid(self, {1, 3}, model, Boundary::open, 1), as<LocalUpdates>(*theory).interactions()));
  CHECK_THROWS_AS(
      Colouring(make_grid(self, {1, 3}, model, Boundary::periodic, 1), as<LocalUpdates>(*theory).interactions()),
      UsageError);
  const SpinModel repelling{.kind = Kind::potts, .states = 3, .beta = 0.7, .J = {-1.0}};
  const Grid small = make_grid(self, {4, 4}, repelling, Boundary::periodic, 1);
  CHECK(updates_of(*make_spin_theory(small, repelling)).empty());
}

TEST_CASE("spins can do what their kind allows", "[field]") {
  const Communicator self = Communicator::self();
  using Names = std::vector<std::string>;
  const Names steps{"local updates", "clusters", "correlators of slices", "S of any array"};
  const Names turns{"local updates",      "overrelaxation",        "clusters",
                    "molecular dynamics", "correlators of slices", "S of any array"};
  for (const auto& [model, words] :
       {std::pair{SpinModel{}, steps}, std::pair{SpinModel{.kind = Kind::clock, .components = 2, .states = 4}, steps},
        std::pair{SpinModel{.kind = Kind::potts, .states = 3}, steps}, std::pair{SpinModel{.components = 2}, turns},
        std::pair{SpinModel{.components = 4}, turns}}) {
    const Grid grid = make_grid(self, {4, 4}, model, Boundary::periodic, 1);
    CHECK(capabilities(*make_spin_theory(grid, model)) == words);
    SpinModel held = model;
    held.field = 0.1;
    Names without = words;
    without.erase(std::find(without.begin(), without.end(), "clusters"));
    CHECK(capabilities(*make_spin_theory(grid, held)) == without);
  }
}

TEST_CASE("clock spins on a ring have the bond of their transfer matrix", "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  const int q = 5;
  const double beta = 0.9;
  // eigenvalues sum_k e^{beta cos} cos(p k ...): mean bond = sum_p l_p^15 (d l_p / d beta) / sum_p l_p^16
  double z[2] = {0, 0};
  for (int p = 0; p < q; ++p) {
    double value = 0;
    double slope = 0;
    for (int k = 0; k < q; ++k) {
      const double c = std::cos(2 * M_PI * k / q);
      value += std::exp(beta * c) * std::cos(2 * M_PI * p * k / q);
      slope += c * std::exp(beta * c) * std::cos(2 * M_PI * p * k / q);
    }
    z[0] += std::pow(value, 12);
    z[1] += std::pow(value, 11) * slope;
  }
  const SpinModel model{.kind = Kind::clock, .components = 2, .states = q, .beta = beta};
  const Grid grid = make_grid(self, {12}, model, Boundary::periodic, 32);
  const auto theory = make_spin_theory(grid, model);
  for (const std::string how : {"metropolis", "wolff", "swendsen-wang"}) {
    INFO(how);
    auto result = sample(*theory, how, 2000);
    compare_estimate(result["bond"], z[1] / z[0], 0.01);
  }
}

TEST_CASE("the critical Ising model has its exact energy and specific heat", "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  // A. E. Ferdinand, M. E. Fisher, Phys. Rev. 185, 832 (1969); printed by ising_exact.py beside this file
  for (const auto& [l, exact, heat] :
       {std::tuple{8, -1.49158910744, 1.1455592399}, std::tuple{16, -1.45306485281, 1.4987049594},
        std::tuple{32, -1.43366846615, 1.8467675900}}) {
    const SpinModel model{.beta = 0.440686793509772};
    const Grid grid = make_grid(self, {l, l}, model, Boundary::periodic, 8);
    const auto theory = make_spin_theory(grid, model);
    for (const std::string how : {"wolff", "swendsen-wang"}) {
      if (l == 32 && how == "wolff") continue;
      INFO(l << ", " << how);
      auto result = sample(*theory, how, l < 32 ? 2000 : 800);
      compare_estimate(result["energy_per_site"], exact, 0.01);
      compare_estimate(result["specific_heat"], heat, 0.1);
    }
  }
}

TEST_CASE("Ising spins 32 at once and one by one walk the same chain", "[field]") {
  const Communicator self = Communicator::self();
  for (const auto& extents : {std::vector<int>{10}, std::vector<int>{6, 8}, std::vector<int>{3, 12},
                              std::vector<int>{4, 150}, std::vector<int>{2, 4, 2, 72}}) {
    for (const Boundary boundary : {Boundary::periodic, Boundary::open, Boundary::antiperiodic}) {
      for (const double h : {0.05, 0.0}) {
        const SpinModel model{.beta = 0.4, .field = h};
        std::vector<double> fields[2];
        for (const bool split : {false, true}) {
          const Grid grid(self, {extents, std::vector<Boundary>(extents.size(), boundary),
                                 std::vector<int>(extents.size(), 1), 1, 2, split});
          const auto theory = make_spin_theory(grid, model);
          const Colouring colouring(grid, as<LocalUpdates>(*theory).interactions());
          theory->start(3, 1);
          for (std::uint64_t t = 0; t < 12; t += 3) {
            as<LocalUpdates>(*theory).metropolis(colouring, 5, t, 2, 1);
            if (h != 0) continue;
            as<ClusterUpdates>(*theory).flip_clusters(true, 5, t + 1);
            as<ClusterUpdates>(*theory).flip_clusters(false, 5, t + 2);
          }
          fields[split ? 1 : 0] = configuration_of(*theory);
        }
        INFO("directions " << extents.size() << ", row " << extents.back() << ", boundary "
                           << static_cast<int>(boundary));
        CHECK(fields[0] == fields[1]);
      }
    }
  }
}

TEST_CASE(
    "reflections leave the action alone, kicks on spheres are its derivative, trajectories are reversible and of their "
    "order",
    "[field]") {
  const Communicator self = Communicator::self();
  using Boundaries = std::vector<Boundary>;
  for (const Boundaries& boundaries :
       {Boundaries{Boundary::antiperiodic, Boundary::antiperiodic}, Boundaries{Boundary::open, Boundary::periodic},
        Boundaries{Boundary::antiperiodic, Boundary::open}}) {
    for (int n = 2; n <= 4; ++n) {
      const SpinModel model{.components = n, .beta = 0.8, .J = {1.0, 0.5}, .field = 0.3};
      const Grid grid(self, {{4, 6}, boundaries, {1, 1}, spin_range(model, 2), 2});
      const auto theory = make_spin_theory(grid, model);
      auto& dynamics = dynamic_cast<MolecularDynamics&>(*theory);
      const Colouring colouring(grid, as<LocalUpdates>(*theory).interactions());
      theory->start(4, 1);
      const double before = theory->action()[0];
      const std::vector<double> first = configuration_of(*theory);
      as<Overrelaxation>(*theory).overrelax(colouring);
      CHECK(std::abs(theory->action()[0] - before) < 1e-10);
      CHECK(first != configuration_of(*theory));
      dynamics.draw_momenta(4, 1);
      // d/de S along the momenta = p.dS, and K(p - t dS) = K - t p.dS + t^2 |dS|^2 / 2
      const auto kinetic = [&] { return dynamics.hamiltonian()[0] - theory->action()[0]; };
      const double e = 1e-4;
      dynamics.drift(e);
      const double above = theory->action()[0];
      dynamics.drift(-2 * e);
      const double slope = (above - theory->action()[0]) / (2 * e);
      dynamics.drift(e);
      dynamics.kick(0.5);
      const double forward = kinetic();
      dynamics.kick(-1.0);
      CHECK(std::abs(kinetic() - forward - slope) < 1e-5 * (1 + std::abs(slope)));
      for (const auto& [integrator, order] : {std::pair{Integrator::leapfrog, 2}, std::pair{Integrator::omelyan2, 2},
                                              std::pair{Integrator::omelyan4, 4}}) {
        INFO("O(" << n << "), integrator " << static_cast<int>(integrator) << ", boundaries "
                  << static_cast<int>(boundaries[0]) << " " << static_cast<int>(boundaries[1]));
        const auto begin = [&] {
          theory->start(4, 1);
          dynamics.draw_momenta(4, 1);
        };
        CHECK(std::abs(order_of(dynamics, integrator, 40, begin) - order) < 0.6);
        begin();
        integrate(dynamics, integrator, 0.1, 10);
        dynamics.reverse_momenta();
        integrate(dynamics, integrator, 0.1, 10);
        CHECK(largest_difference(first, configuration_of(*theory)) < 1e-11);
      }
    }
  }
}

TEST_CASE("spins walk the same chain on any number of ranks, for every update", "[field][mpi]") {
  const Communicator world = Communicator::world();
  const Communicator self = Communicator::self();
  std::vector<std::vector<int>> divisions{{world.size(), 1}, {1, world.size()}};
  if (world.size() == 4) divisions.push_back({2, 2});
  for (const SpinModel& model : {SpinModel{.beta = 0.42}, SpinModel{.beta = 0.4, .field = 0.1},
                                 SpinModel{.components = 3, .beta = 1.4, .J = {1.0, 0.3}},
                                 SpinModel{.kind = Kind::potts, .states = 3, .beta = 0.9},
                                 SpinModel{.kind = Kind::clock, .components = 2, .states = 6, .beta = 1.1}}) {
    // rows of one vector, and rows of several groups of random words, which some divisions cut in between
    const std::vector<int> extents =
        model.components == 1 && model.field != 0 ? std::vector<int>{8, 384} : std::vector<int>{8, 12};
    for (const auto& ranks : divisions) {
      const Grid alone = make_grid(self, extents, model, Boundary::periodic, 2);
      const Grid shared = make_grid(world, extents, model, Boundary::periodic, 2, ranks);
      const auto whole = make_spin_theory(alone, model);
      const auto part = make_spin_theory(shared, model);
      const Colouring whole_colours(alone, as<LocalUpdates>(*whole).interactions());
      const Colouring part_colours(shared, as<LocalUpdates>(*part).interactions());
      std::vector<std::string> updates = updates_of(*whole);
      updates.emplace_back("metropolis");
      for (FieldTheory* theory : {whole.get(), part.get()}) {
        theory->start(2, 1);
        for (std::uint64_t t = 0; t < 30; ++t) {
          for (std::size_t u = 0; u < updates.size(); ++u)
            update(*theory, theory == whole.get() ? whole_colours : part_colours, updates[u], 100 * t + u);
        }
      }
      INFO("kind " << static_cast<int>(model.kind) << ", " << ranks[0] << "x" << ranks[1]);
      const std::vector<double> all = configuration_of(*whole);
      const auto components = static_cast<std::int64_t>(all.size()) / (2 * alone.n_sites());
      CHECK(configuration_of(*part) == cut_brick(all, shared.box(components)));
      CHECK(whole->measure().at("energy_per_site")[0] == part->measure().at("energy_per_site")[0]);
    }
  }
}
