#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "koushi/base/error.hpp"
#include "manybody.hpp"
#include "on_host.hpp"

using namespace koushi;

TEST_CASE("weights of the full enumeration are |psi|^2 and give the Rayleigh quotient", "[manybody][exact]") {
  const Communicator self = Communicator::self();
  const int n = 9;
  for (const bool fixed : {true, false}) {
    Operator h = fixed ? ring(n) : ising_ring(n, 1.0, 0.7);
    if (fixed) h.fix("magnetization", 1);
    const auto psi =
        rbm_state(h.space(), {.complex_weights = true, .density = 2, .visible_bias = true, .width = 0.2, .seed = 8});
    FullEnumeration sampler(self, *psi, MoveTable(h.move_list()));
    sampler.draw(*psi, 0, 0);
    const Basis basis(h.space());
    REQUIRE(sampler.rows().total == basis.size());
    const Eigen::VectorXcd vector = amplitudes(*psi, basis);
    const double expected = vector.dot(h.matrix(basis) * vector).real() / vector.squaredNorm();
    const Kokkos::View<Complex*> energies("koushi::test::energies", static_cast<std::size_t>(basis.size()));
    sampler.moves().local_energies(Kokkos::DefaultExecutionSpace{}, make_terms(h), sampler.samples(), energies);
    const auto local = on_host(energies);
    double norm = 0;
    double energy = 0;
    for (std::size_t s = 0; s < local.extent(0); ++s) {
      norm += sampler.weights()[s];
      energy += sampler.weights()[s] * local(s).real();
    }
    CHECK(std::abs(norm - 1) < 1e-12);
    CHECK(std::abs(energy - expected) < 1e-10);
  }
}

TEST_CASE("chains keep the magnetisation, repeat themselves, and refuse more ranks than blocks", "[manybody]") {
  const Communicator self = Communicator::self();
  const int n = 10;
  Operator h = ring(n);
  h.fix("magnetization", 2);
  const auto psi = rbm_state(h.space(), {.complex_weights = true, .density = 1, .width = 0.2, .seed = 8});
  const MoveTable table = proposed(h.move_list());
  MarkovChains first(self, *psi, table, {.chains = 32, .samples = 128, .seed = 5});
  MarkovChains second(self, *psi, table, {.chains = 32, .samples = 128, .seed = 5});
  first.start(*psi);
  second.start(*psi);
  first.draw(*psi, 3, 0);
  second.draw(*psi, 3, 0);
  const auto spins = on_host(first.samples().states.local);
  const auto same = on_host(second.samples().states.local);
  double moved = 0;
  for (std::size_t s = 0; s < 128; ++s) {
    int sum = 0;
    for (std::size_t i = 0; i < 10; ++i) {
      sum += spins(s, i);
      moved += spins(s, i) != same(s, i) ? 1 : 0;
    }
    REQUIRE(sum == 2);
  }
  CHECK(moved == 0);
  CHECK(first.acceptance() > 0.1);
  second.draw(*psi, 3, 1);  // a retry takes fresh random numbers
  const auto retried = on_host(second.samples().states.local);
  double differs = 0;
  for (std::size_t s = 0; s < 128; ++s) {
    for (std::size_t i = 0; i < 10; ++i) differs += spins(s, i) != retried(s, i) ? 1 : 0;
  }
  CHECK(differs > 0);
}
