#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "koushi/base/simd.hpp"
#include "koushi/manybody/rbm.hpp"
#include "on_host.hpp"

using namespace koushi;

namespace {

RbmOptions options(int n, bool symmetric) {
  RbmOptions result{.n_sites = n,
                    .complex_weights = GENERATE(false, true),
                    .density = 2,
                    .visible_bias = true,
                    .width = 0.3,
                    .seed = 5};
  for (int g = 0; symmetric && g < n; ++g) {
    result.symmetry.emplace_back();
    for (int i = 0; i < n; ++i) result.symmetry.back().push_back((i + g) % n);
  }
  return result;
}

SpinBatch batch_of(const SpinWavefunction& psi, const std::vector<std::vector<std::int8_t>>& states) {
  SpinBatch batch = psi.make_batch(static_cast<std::int64_t>(states.size()));
  const auto spins = Kokkos::create_mirror_view(batch.spins);
  for (std::size_t w = 0; w < states.size(); ++w) {
    for (std::size_t i = 0; i < states[w].size(); ++i) spins(w, i) = states[w][i];
  }
  Kokkos::deep_copy(batch.spins, spins);
  psi.refresh(batch);
  return batch;
}

}  // namespace

TEST_CASE("Metropolis chains follow |psi|^2 (chi-squared against enumeration)", "[manybody][statistical]") {
  const int n = 6;
  // chi^2 sees every state
  const auto psi =
      make_rbm({.n_sites = n, .complex_weights = true, .density = 2, .visible_bias = true, .width = 0.12, .seed = 5});
  for (const bool exchange : {false, true}) {
    std::vector<SpinMove> moves;
    for (int i = 0; i < n; ++i) moves.push_back(exchange ? SpinMove{i, (i + 1) % n} : SpinMove{i, -1});
    const auto basis = spin_basis(n, exchange, 0);
    const int chains = 4000;
    const SpinBatch batch = batch_of(*psi, std::vector<std::vector<std::int8_t>>(chains, {1, -1, 1, -1, 1, -1}));
    ProposalKinds kinds;
    kinds.n_kinds = 1;
    kinds.count[0] = n;
    kinds.cumulative[0] = 1;
    Kokkos::View<std::int64_t* [2]> counts("koushi::test::counts", chains);
    psi->moves(moves)->metropolis(Kokkos::DefaultExecutionSpace{}, kinds, batch, counts, {.seed = 17}, 400);
    // One sample per independent chain after 400 proposals: the counts are multinomial and chi^2 needs no tau_int.
    std::vector<double> probability;
    double norm = 0;
    for (const auto& log_psi : psi->log_amplitudes(batch_of(*psi, basis).spins)) {
      probability.push_back(std::exp(2 * log_psi.real()));
      norm += probability.back();
    }
    std::vector<int> seen(basis.size());
    const auto spins = on_host(batch.spins);
    for (int w = 0; w < chains; ++w) {
      for (std::size_t a = 0; a < basis.size(); ++a) {
        if (std::equal(basis[a].begin(), basis[a].end(), &spins(w, 0))) ++seen[a];
      }
    }
    double chi_squared = 0;
    for (std::size_t a = 0; a < basis.size(); ++a) {
      const double expected = chains * probability[a] / norm;
      REQUIRE(expected > 5);
      chi_squared += (seen[a] - expected) * (seen[a] - expected) / expected;
    }
    const double dof = static_cast<double>(basis.size()) - 1;
    // a sampler of |psi| instead of |psi|^2 gives several times that
    CHECK(chi_squared < dof + 4.5 * std::sqrt(2 * dof));
    CHECK(chi_squared > dof - 4.5 * std::sqrt(2 * dof));
  }
}

TEST_CASE("a ratio is bitwise the same alone and in any company", "[manybody]") {
  const int n = 6;
  const auto psi = make_rbm(options(n, false));
  std::vector<SpinMove> moves;
  for (int i = 0; i < n; ++i) moves.push_back({i, (i + 1) % n});
  // 20 walkers: whole groups and a part of one, with any number that a move leaves alone
  const auto states = spin_basis(n, true, 0);
  const Kokkos::View<Complex**> together("koushi::test::ratios", states.size(), moves.size());
  const auto table = psi->moves(moves);
  table->ratios(Kokkos::DefaultExecutionSpace{}, batch_of(*psi, states), together);
  const auto all = on_host(together);
  double differing = 0;
  double largest = 0;
  for (std::size_t w = 0; w < states.size(); ++w) {
    const Kokkos::View<Complex**> alone("koushi::test::ratio", 1, moves.size());
    table->ratios(Kokkos::DefaultExecutionSpace{}, batch_of(*psi, {states[w]}), alone);
    const auto one = on_host(alone);
    for (std::size_t k = 0; k < moves.size(); ++k) {
      differing += one(0, k) == all(w, k) ? 0 : 1;
      largest = std::max(largest, one(0, k).real());
    }
  }
  CHECK(differing == 0);
  CHECK(largest > 0.1);
}

TEST_CASE("thousands of hidden units neither overflow nor underflow", "[manybody]") {
  if (simd_width() < 4) SKIP("the range grows with the SIMD width");
  const int n = 8;
  const auto psi =
      make_rbm({.n_sites = n, .complex_weights = GENERATE(false, true), .density = 1024, .width = 0.25, .seed = 3});
  std::vector<SpinMove> flips;
  for (int i = 0; i < n; ++i) flips.push_back({i, -1});
  const std::vector<std::int8_t> state{1, -1, -1, 1, 1, 1, -1, 1};
  std::vector<std::vector<std::int8_t>> moved(flips.size(), state);
  for (std::size_t i = 0; i < moved.size(); ++i) moved[i][i] = static_cast<std::int8_t>(-state[i]);
  const SpinBatch batch = batch_of(*psi, {state});
  const Kokkos::View<Complex**> ratios("koushi::test::ratios", 1, flips.size());
  psi->moves(flips)->ratios(Kokkos::DefaultExecutionSpace{}, batch, ratios);
  const auto before = psi->log_amplitudes(batch.spins)[0];
  const auto after = psi->log_amplitudes(batch_of(*psi, moved).spins);
  const auto found = on_host(ratios);
  for (std::size_t i = 0; i < flips.size(); ++i) {
    CHECK(std::abs(std::log(std::hypot(found(0, i).real(), found(0, i).imag())) - (after[i] - before).real()) <
          1e-9 * 8192);
  }
}

TEST_CASE("a smaller RBM embedded in a larger one leaves psi as it was where the new units are zero", "[manybody]") {
  const int n = 6;
  const auto states = spin_basis(n, true, 2);
  for (const bool symmetric : {false, true}) {
    const RbmOptions narrow = options(n, symmetric);
    const auto small = make_rbm(narrow);
    RbmOptions wide = narrow;
    wide.density = 5;
    wide.width = 0;
    const auto large = make_rbm(wide);
    REQUIRE(large->embed(small->parameters()));
    const SpinBatch batch = batch_of(*small, states);
    const auto expected = small->log_amplitudes(batch.spins);
    const auto found = large->log_amplitudes(batch.spins);
    for (std::size_t s = 0; s < states.size(); ++s) CHECK(std::abs(found[s] - expected[s]) < 1e-12);
    CHECK_FALSE(small->embed(large->parameters()));
    CHECK_FALSE(large->embed(std::vector<double>(7, 0.0)));
  }
}

TEST_CASE("a projected RBM is the sum of the plain one over the images of the state", "[manybody][exact]") {
  const int n = 6;
  const auto states = spin_basis(n, false, 0);
  std::vector<std::vector<int>> group;  // rotations and reflections of a ring
  for (int g = 0; g < 2 * n; ++g) {
    group.emplace_back();
    for (int i = 0; i < n; ++i) group.back().push_back(g < n ? (i + g) % n : (2 * n - i + g) % n);
  }
  const bool symmetric = GENERATE(false, true);  // 12 images, or two of the rotations
  const RbmOptions plain = [&] {
    RbmOptions result = options(n, symmetric);
    result.visible_bias = symmetric;  // else it is another one: shared by the orbit
    return result;
  }();
  RbmOptions projected = plain;
  projected.projection = group;
  const auto one = make_rbm(plain);
  const auto sum = make_rbm(projected);
  REQUIRE(sum->embed(one->parameters()));
  const SpinBatch batch = batch_of(*sum, states);
  const auto found = sum->log_amplitudes(batch.spins);
  double asymmetry = 0;
  for (std::size_t s = 0; s < states.size(); ++s) {
    std::vector<std::vector<std::int8_t>> images;
    for (std::size_t c = 0; c < group.size(); c += symmetric ? static_cast<std::size_t>(n) : 1) {
      images.emplace_back();
      for (const int site : group[c]) images.back().push_back(states[s][static_cast<std::size_t>(site)]);
    }
    std::complex<double> expected = 0;
    const auto logs = one->log_amplitudes(batch_of(*one, images).spins);
    for (const auto& log_psi : logs) expected += std::exp(log_psi);
    CHECK(std::abs(std::exp(found[s]) - expected) < 1e-12 * std::abs(expected));
    asymmetry = std::max(asymmetry, std::abs(logs.front() - logs.back()));
  }
  CHECK(asymmetry > 1e-3);  // otherwise one image would do
}
