#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/manybody/rbm.hpp"
#include "koushi/manybody/spin_sampler.hpp"
#include "on_host.hpp"

using namespace koushi;

namespace {

/// Rayleigh quotient by explicit sums over the states of a batch.
double exact_energy(const SpinWavefunction& wavefunction, const SpinHamiltonian& h, const SpinRows& states,
                    const std::vector<std::vector<std::int8_t>>& basis) {
  const auto log_psi = wavefunction.log_amplitudes(states);
  const Eigen::VectorXcd psi =
      Eigen::Map<const Eigen::VectorXcd>(log_psi.data(), static_cast<Eigen::Index>(basis.size())).array().exp();
  return (psi.adjoint() * h.matrix(basis) * psi)(0).real() / psi.squaredNorm();
}

std::vector<LabelledBond> ring(int n) {
  std::vector<LabelledBond> bonds;
  for (int i = 0; i < n; ++i) bonds.push_back({i, (i + 1) % n});
  return bonds;
}

}  // namespace

TEST_CASE("weights of the full enumeration are |psi|^2 and give the Rayleigh quotient", "[manybody][exact]") {
  const Communicator self = Communicator::self();
  const int n = 9;
  const auto psi =
      make_rbm({.n_sites = n, .complex_weights = true, .density = 2, .visible_bias = true, .width = 0.2, .seed = 8});
  for (const bool fixed : {true, false}) {
    const SpinHamiltonian h =
        fixed ? make_xxz(n, ring(n), {.J = {1.0}}) : make_transverse_field_ising(n, ring(n), {1.0}, 0.7);
    FullEnumeration sampler(self, *psi, {h.moves, {}}, fixed, 1);
    sampler.draw(*psi, 0, 0);
    const auto basis = spin_basis(n, fixed, 1);
    REQUIRE(sampler.rows().total == static_cast<std::int64_t>(basis.size()));
    const Kokkos::View<Complex*> energies("koushi::test::energies", basis.size());
    sampler.moves().local_energies(Kokkos::DefaultExecutionSpace{}, make_terms(h), sampler.samples(), energies);
    const auto local = on_host(energies);
    double norm = 0;
    double energy = 0;
    for (std::size_t s = 0; s < basis.size(); ++s) {
      norm += sampler.weights()[s];
      energy += sampler.weights()[s] * local(s).real();
    }
    CHECK(std::abs(norm - 1) < 1e-12);
    CHECK(std::abs(energy - exact_energy(*psi, h, sampler.samples().spins, basis)) < 1e-10);
  }
}

TEST_CASE("chains keep the magnetisation, repeat themselves, and refuse more ranks than blocks", "[manybody]") {
  const Communicator self = Communicator::self();
  const int n = 10;
  const auto psi = make_rbm({.n_sites = n, .complex_weights = true, .density = 1, .width = 0.2, .seed = 8});
  MoveTable table;
  for (const LabelledBond& b : ring(n)) table.moves.push_back({b.i, b.j});
  table.kinds.n_kinds = 1;
  table.kinds.count[0] = n;
  table.kinds.cumulative[0] = 1;
  MarkovChains first(self, *psi, table, {.chains = 32, .samples = 128, .magnetization = 2, .seed = 5});
  MarkovChains second(self, *psi, table, {.chains = 32, .samples = 128, .magnetization = 2, .seed = 5});
  first.start(*psi);
  second.start(*psi);
  first.draw(*psi, 3, 0);
  second.draw(*psi, 3, 0);
  const auto spins = on_host(first.samples().spins);
  const auto same = on_host(second.samples().spins);
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
  const auto retried = on_host(second.samples().spins);
  double differs = 0;
  for (std::size_t s = 0; s < 128; ++s) {
    for (std::size_t i = 0; i < 10; ++i) differs += spins(s, i) != retried(s, i) ? 1 : 0;
  }
  CHECK(differs > 0);
}
