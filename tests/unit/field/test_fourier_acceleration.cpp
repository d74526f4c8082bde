// Hybrid Monte Carlo with masses of Fourier modes: laws of its trajectories, exact free fields, short autocorrelations,
// ranks.
#include <catch2/catch_test_macros.hpp>

#include "field_sampling.hpp"
#include "koushi/base/error.hpp"
#include "koushi/field/hmc.hpp"
#include "koushi/field/scalar_theory.hpp"
#include "updates_of.hpp"

using namespace koushi;

namespace {

std::vector<int> extents_of(int dimension) {
  const std::vector<int> all{3, 4, 5, 6};
  return {all.end() - dimension, all.end()};
}

Grid periodic(const Communicator& comm, const std::vector<int>& extents, std::int64_t replicas,
              std::vector<int> ranks = {}) {
  if (ranks.empty()) ranks.assign(extents.size(), 1);
  return {comm, {extents, std::vector<Boundary>(extents.size(), Boundary::periodic), ranks, 1, replicas}};
}

///  <phi^2> of S = sum stiffness (d phi)^2 + quadratic phi^2: mean over momenta of 1 / (2 (quadratic + stiffness
///  k_hat^2)).
double free_phi2(const std::vector<int>& extents, double stiffness, double quadratic) {
  std::vector<double> denominators{quadratic};
  for (const int n : extents) {
    std::vector<double> next;
    for (const double x : denominators) {
      for (int k = 0; k < n; ++k) next.push_back(x + 2 * stiffness * (1 - std::cos(2 * M_PI * k / n)));
    }
    denominators = next;
  }
  double mean = 0;
  for (const double x : denominators) mean += 0.5 / x / static_cast<double>(denominators.size());
  return mean;
}

}  // namespace

TEST_CASE("the masses of Fourier modes are those of the free field, on any division", "[field][mpi]") {
  // S = phi M phi / 2 with the masses M: phi = M^{-1} p has S = K, and its force is p.
  const Communicator world = Communicator::world();
  std::vector<std::pair<std::vector<int>, std::vector<int>>> lattices;
  for (int d = 1; d <= 4; ++d) lattices.emplace_back(extents_of(d), std::vector<int>(static_cast<std::size_t>(d), 1));
  if (world.size() > 1) {
    lattices.push_back({{9, 6}, {world.size(), 1}});
    lattices.push_back({{3, 12}, {1, world.size()}});
    lattices.push_back({{5, 8, 7}, {1, world.size(), 1}});
    if (world.size() == 4) lattices.push_back({{3, 4, 5, 6}, {1, 2, 1, 2}});
  }
  for (const auto& [extents, ranks] : lattices) {
    for (const int components : {1, 3}) {
      INFO(extents.size() << " directions, " << components << " components");
      const Grid grid = periodic(world, extents, 2 * world.size(), ranks);
      const auto theory =
          make_quartic_theory(grid, {.components = components, .stiffness = 0.7, .quadratic = 0.7 * 0.09});
      theory->start(1, 0);
      as<FourierAcceleration>(*theory).accelerate(0.3);
      theory->draw_momenta(2, 3);
      const double kinetic = theory->hamiltonian()[0];
      theory->drift(1.0);
      const double action = theory->action()[0];
      CHECK(kinetic > 0);
      CHECK(std::abs(action / kinetic - 1) < 1e-12);
      theory->kick(1.0);
      CHECK(std::abs(theory->hamiltonian()[0] - action) < 1e-12 * action);
      as<FourierAcceleration>(*theory).accelerate(0);
      theory->draw_momenta(2, 3);
      // p = sqrt(M) times the same normal numbers
      CHECK(std::abs(theory->hamiltonian()[0] - action - kinetic) < 1e-9 * kinetic);
    }
  }
}

TEST_CASE("accelerated trajectories are reversible and conserve energy to the order of their integrator", "[field]") {
  const Communicator self = Communicator::self();
  for (const auto& [integrator, order] :
       {std::pair{Integrator::leapfrog, 2}, std::pair{Integrator::omelyan2, 2}, std::pair{Integrator::omelyan4, 4},
        std::pair{Integrator::force_gradient, 4}}) {
    for (const auto& [d, sine_gordon] :
         {std::pair{1, false}, std::pair{2, false}, std::pair{3, false}, std::pair{2, true}}) {
      INFO("integrator " << static_cast<int>(integrator) << ", " << d << " directions"
                         << (sine_gordon ? ", sine-Gordon" : ""));
      const Grid grid = periodic(self, extents_of(d), 1);
      const auto theory = sine_gordon ? make_sine_gordon_theory(grid, 0.8, 1.7)
                          : d == 1    ? make_path_theory(grid, {.spacing = 0.5, .potential = {0, 0.1, -0.5, 0.2, 0.5}})
                                      : make_quartic_theory(grid, {.components = d, .quadratic = -0.7, .quartic = 0.4});
      as<FourierAcceleration>(*theory).accelerate(0.8);
      const auto begin = [&] {
        theory->start(3, 0.5);
        theory->draw_momenta(3, 1);
      };
      CHECK(std::abs(order_of(*theory, integrator, 40, begin) - order) < 0.6);
      begin();
      const auto first = configuration_of(*theory);
      integrate(*theory, integrator, 0.05, 20);
      const auto end = configuration_of(*theory);
      theory->reverse_momenta();
      integrate(*theory, integrator, 0.05, 20);
      CHECK(largest_difference(first, end) > 0.1);
      CHECK(largest_difference(first, configuration_of(*theory)) < 1e-12);
    }
  }
}

TEST_CASE("light free fields forget at once with masses of their modes", "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  for (const std::vector<int>& extents : {std::vector<int>{48}, {16, 12}, {6, 8, 10}}) {
    INFO(extents.size() << " directions");
    const double mass_squared = 0.01;
    const Grid grid = periodic(self, extents, 8);
    const auto theory = make_quartic_theory(grid, {.stiffness = 0.5, .quadratic = 0.5 * mass_squared});
    double tau[2];
    for (const bool accelerated : {false, true}) {
      double sum = 0;
      double square = 0;
      HmcOptions options{.length = 1.5, .jitter = 0.1, .steps = accelerated ? 6 : 12, .seed = 5};
      as<FourierAcceleration>(*theory).accelerate(accelerated ? std::sqrt(mass_squared) : 0);
      auto result = sample_field(*theory, accelerated ? 1000 : 400, [&](std::uint64_t t) {
        for (const double change : hmc_trajectory(*theory, options, t).energy_change) {
          if (t < 100) continue;
          sum += std::exp(-change);
          square += std::pow(std::exp(-change) - 1, 2);
        }
      });
      tau[accelerated ? 1 : 0] = result["susceptibility"].tau_int;
      if (!accelerated) continue;
      CHECK(std::abs(sum / (900 * 8) - 1) < 5 * std::sqrt(square) / (900 * 8));  // <e^{-dH}> = 1
      compare_estimate(result["phi2"], free_phi2(extents, 0.5, 0.5 * mass_squared), 0.05);
      compare_estimate(result["susceptibility"], 1 / mass_squared, 0.05);
      compare_estimate(result["schwinger_dyson"], 1, 0.01);
    }
    INFO("tau_int " << tau[0] << " and " << tau[1]);
    CHECK(tau[1] < 0.8);
    CHECK(tau[0] > 8);
  }
}

TEST_CASE("accelerated phi^4 reaches its known point, alone and beside other updates", "[field][exact][statistical]") {
  // m^2 = -4, lambda = 6.008 on 8 x 8: independent Monte Carlo, <phi^2> = 0.183932(50), <M^2> / V = 1.8999(37)
  const Communicator self = Communicator::self();
  const Grid grid = periodic(self, {8, 8}, 16);
  const auto theory = make_quartic_theory(grid, {.quadratic = -4, .quartic = 6.008});
  for (const bool mixed : {false, true}) {
    auto result = sample_field(*theory, 1000, [&](std::uint64_t t) {
      as<FourierAcceleration>(*theory).accelerate(0.5);
      hmc_trajectory(*theory, {.length = 1.5, .jitter = 0.2, .steps = 8, .seed = 5}, 4 * t);
      if (!mixed) return;
      as<FourierAcceleration>(*theory).accelerate(0);
      hmc_trajectory(*theory, {.length = 1, .jitter = 0, .steps = 8, .seed = 5}, 4 * t + 1);
      as<ClusterUpdates>(*theory).flip_clusters(false, 5, 4 * t + 2);
    });
    Estimate phi2 = result["phi2"];
    Estimate chi = result["susceptibility"];
    phi2.error = std::hypot(phi2.error, 5e-5);
    chi.error = std::hypot(chi.error, 0.0037);
    compare_estimate(phi2, 0.183932, 0.005);
    compare_estimate(chi, 1.8999, 0.02);
  }
}

TEST_CASE("accelerated chains on ranks: bit by bit where replicas are shared, to rounding where a lattice is divided",
          "[field][mpi]") {
  const Communicator world = Communicator::world();
  const Communicator self = Communicator::self();
  const std::vector<int> extents{12, 6, 8};
  std::vector<std::vector<int>> divisions{{world.size(), 1, 1}, {1, 1, world.size()}, {1, 1, 1}};
  if (world.size() == 4) divisions.push_back({2, 1, 2});
  for (const auto& ranks : divisions) {
    const bool divided = ranks[0] * ranks[1] * ranks[2] > 1;
    const std::int64_t replicas = divided ? 2 : 5;
    const Grid alone = periodic(self, extents, replicas);
    const Grid shared = periodic(world, extents, replicas, ranks);
    const QuarticOptions options{.components = 2, .quadratic = -0.5, .quartic = 0.5};
    const auto whole = make_quartic_theory(alone, options);
    const auto part = make_quartic_theory(shared, options);
    for (ScalarTheory* theory : {whole.get(), part.get()}) {
      theory->start(2, 0.5);
      as<FourierAcceleration>(*theory).accelerate(0.6);
      for (std::uint64_t t = 0; t < 5; ++t)
        hmc_trajectory(*theory, {.length = 1.5, .jitter = 0.2, .steps = 4, .seed = 2}, t);
    }
    const double worst =
        largest_difference(cut_brick(configuration_of(*whole), shared.box(2)), configuration_of(*part));
    CHECK(worst < 1e-10);
    if (!divided) CHECK(worst == 0);
  }
}

TEST_CASE("what has no Fourier modes, or no masses, is refused", "[field]") {
  const Communicator self = Communicator::self();
  const Grid open(self, {{4, 4}, {Boundary::periodic, Boundary::open}, {1, 1}, 1, 1});
  const auto theory = make_quartic_theory(open, {.quadratic = 1});
  CHECK_THROWS_AS(as<FourierAcceleration>(*theory).accelerate(1.0), UsageError);
  const Grid closed = periodic(self, {4, 4}, 1);
  const auto negative = make_quartic_theory(closed, {.stiffness = -0.1, .quadratic = 1});
  CHECK(dynamic_cast<FourierAcceleration*>(negative.get()) == nullptr);
  CHECK(dynamic_cast<ClusterUpdates*>(negative.get()) != nullptr);
}
