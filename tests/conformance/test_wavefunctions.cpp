// The laws of SpinWavefunction, for everything that the catalogue offers under [[wavefunction.factor]].
#include <Eigen/Core>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>

#include "koushi/random/philox.hpp"
#include "registered.hpp"

using namespace koushi;

namespace {

const std::string heisenberg = "kind = \"heisenberg\"\n";

/// Flips of all sites and exchanges of all pairs.
std::vector<SpinMove> all_moves(int n) {
  std::vector<SpinMove> moves;
  for (int i = 0; i < n; ++i) moves.push_back({i, -1});
  for (int i = 0; i < n; ++i) {
    for (int j = i + 1; j < n; ++j) moves.push_back({i, j});
  }
  return moves;
}

SpinBatch random_batch(const SpinWavefunction& psi, int count) {
  SpinBatch batch = psi.make_batch(count);
  const auto spins = Kokkos::create_mirror_view(batch.spins);
  for (int w = 0; w < count; ++w) {
    for (int i = 0; i < psi.n_sites(); ++i) {
      const auto r = philox(9, RandomPurpose::test, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(w), 0);
      spins(w, i) = (r.word[0] & 1U) != 0 ? 1 : -1;
    }
  }
  Kokkos::deep_copy(batch.spins, spins);
  psi.refresh(batch);
  return batch;
}

std::complex<double> log_amplitude(const SpinWavefunction& psi, const std::vector<std::int8_t>& state) {
  const SpinRows one("koushi::test::state", 1, state.size());
  const auto spins = Kokkos::create_mirror_view(one);
  for (std::size_t i = 0; i < state.size(); ++i) spins(0, i) = state[i];
  Kokkos::deep_copy(one, spins);
  return psi.log_amplitudes(one)[0];
}

std::vector<std::int8_t> state_of(const SpinBatch& batch, int w) {
  const auto spins = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.spins);
  return {&spins(w, 0), &spins(w, 0) + spins.extent(1)};
}

bool variant_is_large(const Deck& deck, const Lattice& lattice) {
  const SpinHamiltonian hamiltonian = make_hamiltonian(deck, lattice);
  return std::max(symmetry_group(deck, lattice, hamiltonian, "symmetry").size(),
                  symmetry_group(deck, lattice, hamiltonian, "projection").size()) > 27;
}

/// The wavefunction of a deck with parameters large enough to be seen; smaller ones where many hidden units add up.
std::unique_ptr<SpinWavefunction> wavefunction(const Deck& deck, const Lattice& lattice) {
  auto psi = make_wavefunction(deck, lattice, make_hamiltonian(deck, lattice));
  std::vector<double> parameters = psi->parameters();
  const double size = variant_is_large(deck, lattice) ? 0.1 : 0.25;
  for (std::size_t p = 0; p < parameters.size(); ++p)
    parameters[p] += size * std::sin(1.0 + 2.3 * static_cast<double>(p));
  psi->set_parameters(parameters);
  return psi;
}

}  // namespace

TEST_CASE("something is registered", "[conformance]") {
  CHECK(offers("wavefunction.factor").size() >= 8);
  CHECK(small_lattices().size() >= 7);
}

TEST_CASE("ratios, tables, batches and parameters", "[conformance]") {
  const std::string variant = GENERATE(from_range(offers("wavefunction.factor")));
  const std::string cluster = GENERATE(from_range(small_lattices()));
  INFO(variant << cluster);
  const Deck deck = deck_of(cluster, heisenberg, variant);
  const Lattice lattice = make_lattice(deck);
  const auto psi = wavefunction(deck, lattice);
  const int n = psi->n_sites();
  const int count = 5;
  const SpinBatch batch = random_batch(*psi, count);
  const auto list = all_moves(n);
  const auto moves = psi->moves(list);

  // ratio = difference of logs, batched = single
  const auto log_psi = psi->log_amplitudes(batch.spins);
  const Kokkos::View<Complex**> ratios("koushi::test::ratios", count, list.size());
  moves->ratios(Kokkos::DefaultExecutionSpace{}, batch, ratios);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, ratios);
  double worst = 0;
  for (int w = 0; w < count; ++w) {
    const auto state = state_of(batch, w);
    CHECK(std::abs(log_amplitude(*psi, state) - log_psi[static_cast<std::size_t>(w)]) < 1e-13);
    for (std::size_t k = 0; k < list.size(); ++k) {
      auto moved = state;
      const auto i = static_cast<std::size_t>(list[k].i);
      if (list[k].j >= 0) {
        std::swap(moved[i], moved[static_cast<std::size_t>(list[k].j)]);
      } else {
        moved[i] = static_cast<std::int8_t>(-moved[i]);
      }
      const Complex ratio = host(static_cast<std::size_t>(w), k);
      const auto expected =
          moved == state ? 0.0 : std::exp(log_amplitude(*psi, moved) - log_psi[static_cast<std::size_t>(w)]);
      worst = std::max(worst, std::abs(std::complex<double>(ratio.real(), ratio.imag()) - expected) /
                                  std::max(1.0, std::abs(expected)));
    }
  }
  CHECK(worst < 1e-11);

  // a table after 10^4 accepted moves = recomputed
  ProposalKinds kinds;
  kinds.n_kinds = 1;
  kinds.count[0] = static_cast<int>(list.size());
  kinds.cumulative[0] = 1;
  const Kokkos::View<std::int64_t* [2]> counts("koushi::test::counts", static_cast<std::size_t>(count));
  std::int64_t fewest = 0;
  for (int round = 0; fewest < 10000; ++round) {
    REQUIRE(round < 100);
    moves->metropolis(Kokkos::DefaultExecutionSpace{}, kinds, batch, counts,
                      {.seed = 3, .first_draw = 20000U * static_cast<std::uint32_t>(round)}, 20000);
    const auto seen = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, counts);
    fewest = seen(0, 0);
    for (std::size_t w = 1; w < count; ++w) fewest = std::min(fewest, seen(w, 0));
  }
  const auto tracked = Kokkos::create_mirror(batch.table);
  Kokkos::deep_copy(tracked, batch.table);
  psi->refresh(batch);
  const auto fresh = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.table);
  double drift = 0;
  for (std::size_t w = 0; w < count; ++w) {
    for (std::size_t k = 0; k < fresh.extent(1); ++k) drift = std::max(drift, std::abs(fresh(w, k) - tracked(w, k)));
  }
  CHECK(drift < 1e-10);

  // parameters come back as they were given, and another of its kind with them is the same function
  const auto other = make_wavefunction(deck, lattice, make_hamiltonian(deck, lattice));
  const auto before = other->parameters();
  CHECK_FALSE(other->embed(std::vector<double>(psi->parameters().size() + 1)));
  CHECK(other->parameters() == before);
  REQUIRE(other->embed(psi->parameters()));
  CHECK(other->parameters() == psi->parameters());
  CHECK(other->log_amplitudes(batch.spins) == psi->log_amplitudes(batch.spins));
  other->apply(0.5, std::vector<double>(before.size(), 1.0));
  CHECK(std::abs(other->parameters().back() - psi->parameters().back() - 0.5) < 1e-15);
}

TEST_CASE("log psi is invariant under the symmetry that the deck asks for", "[conformance]") {
  const std::string variant = GENERATE(from_range(offers("wavefunction.factor")));
  const std::string cluster = GENERATE(from_range(small_lattices()));
  INFO(variant << cluster);
  const Deck deck = deck_of(cluster, heisenberg, variant);
  const Lattice lattice = make_lattice(deck);
  const auto psi = wavefunction(deck, lattice);
  REQUIRE(lattice.translations().size() > 1);
  const SpinHamiltonian hamiltonian = make_hamiltonian(deck, lattice);
  auto group = symmetry_group(deck, lattice, hamiltonian, "symmetry");
  if (const auto larger = symmetry_group(deck, lattice, hamiltonian, "projection"); larger.size() > group.size())
    group = larger;
  const bool claimed = variant.find("symmetry = \"none\"") == std::string::npos ||
                       variant.find("projection = \"none\"") == std::string::npos;
  CHECK(group.empty() != claimed);
  if (variant.find("space-group") != std::string::npos) {
    CHECK(group.size() > lattice.translations().size());
  } else if (claimed) {
    CHECK(group == lattice.translations());
  }
  const auto state = state_of(random_batch(*psi, 1), 0);
  double largest = 0;
  for (const auto& g : claimed ? group : lattice.translations()) {
    auto moved = state;
    for (std::size_t i = 0; i < state.size(); ++i) moved[static_cast<std::size_t>(g[i])] = state[i];
    largest = std::max(largest, std::abs(log_amplitude(*psi, moved) - log_amplitude(*psi, state)));
  }
  if (claimed) {
    CHECK(largest < 1e-12);
  } else {
    CHECK(largest > 1e-6);  // otherwise the test sees nothing
  }
}

TEST_CASE("log derivatives against finite differences, and the calls of the operator against its entries",
          "[conformance]") {
  const std::string variant = GENERATE(from_range(offers("wavefunction.factor")));
  const std::string cluster = GENERATE(from_range(small_lattices()));
  INFO(variant << cluster);
  const Communicator self = Communicator::self();
  const Deck deck = deck_of(cluster, heisenberg, variant);
  const auto psi = wavefunction(deck, make_lattice(deck));
  const int count = 150;  // more than two blocks
  const SpinBatch batch = random_batch(*psi, count);
  const auto rows = psi->log_derivatives(self, {count, 0, count}, batch);
  REQUIRE(rows->parameters() == psi->n_parameters());
  const bool holomorphic = rows->holomorphic();
  const Eigen::MatrixXcd entries = rows->entries();
  REQUIRE(entries.cols() == psi->n_parameters() / (holomorphic ? 2 : 1));
  if (rows->real_valued()) CHECK(entries.imag().norm() == 0);

  const std::vector<double> parameters = psi->parameters();
  const double h = 2e-6;  // truncation h^2 f'''/6 and rounding 1e-15/h are both below 1e-8
  double worst = 0;
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    std::vector<double> moved = parameters;
    moved[p] += h;
    psi->set_parameters(moved);
    const auto up = psi->log_amplitudes(batch.spins);
    moved[p] -= 2 * h;
    psi->set_parameters(moved);
    const auto down = psi->log_amplitudes(batch.spins);
    const auto column = static_cast<Eigen::Index>(holomorphic ? p / 2 : p);
    const std::complex<double> factor = holomorphic && p % 2 == 1 ? std::complex<double>(0, 1) : 1.0;
    for (Eigen::Index s = 0; s < count; s += 29) {
      const auto row = static_cast<std::size_t>(s);
      worst = std::max(worst, std::abs((up[row] - down[row]) / (2 * h) - factor * entries(s, column)));
    }
  }
  psi->set_parameters(parameters);
  CHECK(worst < 1e-8);

  std::vector<double> v(parameters.size());
  for (std::size_t p = 0; p < v.size(); ++p) v[p] = std::sin(1.0 + static_cast<double>(p));
  Eigen::VectorXcd vector(entries.cols());
  for (Eigen::Index p = 0; p < vector.size(); ++p) {
    const auto q = static_cast<std::size_t>(p);
    vector(p) = holomorphic ? std::complex<double>(v[2 * q], v[2 * q + 1]) : v[q];
  }
  const auto product = rows->multiply(v);
  const Eigen::VectorXcd expected = entries * vector;
  std::vector<std::complex<double>> r;
  Eigen::VectorXcd residual(count);
  for (Eigen::Index s = 0; s < count; ++s) {
    CHECK(std::abs(product[static_cast<std::size_t>(s)] - expected(s)) < 1e-11);
    residual(s) = {std::cos(static_cast<double>(s)), std::sin(2.0 * static_cast<double>(s))};
    r.push_back(residual(s));
  }
  const auto adjoint = rows->multiply_adjoint(r);
  const Eigen::VectorXcd expected_adjoint = entries.adjoint() * residual;
  for (Eigen::Index p = 0; p < expected_adjoint.size(); ++p) {
    const auto q = static_cast<std::size_t>(p);
    if (holomorphic) {
      CHECK(std::abs(std::complex<double>(adjoint[2 * q], adjoint[2 * q + 1]) - expected_adjoint(p)) < 1e-10);
    } else {
      CHECK(std::abs(adjoint[q] - expected_adjoint(p).real()) < 1e-10);
    }
  }
  const std::vector<double> norms = rows->row_norms();
  for (Eigen::Index s = 0; s < count; ++s)
    CHECK(std::abs(norms[static_cast<std::size_t>(s)] - entries.row(s).squaredNorm()) < 1e-10);

  const Eigen::MatrixXcd gram = rows->gram();
  if (holomorphic) {
    CHECK((gram - entries * entries.adjoint()).norm() < 1e-9);
  } else {
    Eigen::MatrixXd stacked(2 * count, entries.cols());
    stacked << entries.real(), entries.imag();
    CHECK((gram - (stacked * stacked.transpose()).cast<std::complex<double>>()).norm() < 1e-9);
  }
}

TEST_CASE("local energies of all states are (H psi)(s) / psi(s)", "[conformance]") {
  const std::string variant = GENERATE(from_range(offers("wavefunction.factor")));
  const std::string hamiltonian = GENERATE(from_range(offers("hamiltonian")));
  const std::string cluster = GENERATE("kind = \"square\"\nextents = [4, 2]\n",
                                       "kind = \"chain\"\nextents = [6]\nboundary = [\"antiperiodic\"]\n");
  INFO(variant << hamiltonian << cluster);
  const std::string couplings = std::string("J = [1.0, 0.3]\nfield = 0.6\n") +
                                (hamiltonian.find("xxz") != std::string::npos ? "anisotropy = 0.8\n" : "");
  const Deck deck = deck_of(cluster, hamiltonian + couplings, variant);
  const Lattice lattice = make_lattice(deck);
  const auto psi = wavefunction(deck, lattice);
  const SpinHamiltonian h = make_hamiltonian(deck, lattice);
  const auto basis = spin_basis(psi->n_sites(), false, 0);
  const SpinBatch batch = psi->make_batch(static_cast<std::int64_t>(basis.size()));
  const auto spins = Kokkos::create_mirror_view(batch.spins);
  for (std::size_t a = 0; a < basis.size(); ++a) {
    for (std::size_t i = 0; i < basis[a].size(); ++i) spins(a, i) = basis[a][i];
  }
  Kokkos::deep_copy(batch.spins, spins);
  psi->refresh(batch);
  const Kokkos::View<Complex*> energies("koushi::test::energies", basis.size());
  psi->moves(h.moves)->local_energies(Kokkos::DefaultExecutionSpace{}, make_terms(h), batch, energies);
  const auto found = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, energies);
  const auto log_psi = psi->log_amplitudes(batch.spins);
  const Eigen::VectorXcd amplitude =
      Eigen::Map<const Eigen::VectorXcd>(log_psi.data(), static_cast<Eigen::Index>(basis.size())).array().exp();
  const Eigen::VectorXcd h_psi = h.matrix(basis) * amplitude;
  double worst = 0;
  for (std::size_t a = 0; a < basis.size(); ++a) {
    const auto index = static_cast<Eigen::Index>(a);
    const std::complex<double> expected = h_psi(index) / amplitude(index);
    worst = std::max(worst, std::abs(std::complex<double>(found(a).real(), found(a).imag()) - expected) /
                                std::max(1.0, std::abs(expected)));
  }
  CHECK(worst < 1e-11);
}
