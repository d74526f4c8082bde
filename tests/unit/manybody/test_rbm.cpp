#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "koushi/base/simd.hpp"
#include "manybody.hpp"
#include "on_host.hpp"

using namespace koushi;

namespace {

RbmOptions options(int n, bool symmetric) {
  RbmOptions result{
      .complex_weights = GENERATE(false, true), .density = 2, .visible_bias = true, .width = 0.3, .seed = 5};
  for (int g = 0; symmetric && g < n; ++g) {
    result.symmetry.emplace_back();
    for (int i = 0; i < n; ++i) result.symmetry.back().push_back((i + g) % n);
  }
  return result;
}

}  // namespace

TEST_CASE("Metropolis chains follow |psi|^2 (chi-squared against enumeration)", "[manybody][statistical]") {
  const int n = 6;
  // chi^2 sees every state
  const auto psi = rbm_state(Space::spins(n),
                             {.complex_weights = true, .density = 2, .visible_bias = true, .width = 0.12, .seed = 5});
  for (const bool exchange : {false, true}) {
    std::vector<Move> moves;
    for (int i = 0; i < n; ++i) moves.push_back(exchange ? Move::transfer(i, (i + 1) % n, 2) : Move::step(i, -2));
    const auto basis = spin_states(n, exchange, 0);
    const int chains = 4000;
    const Batch batch = batch_of(*psi, std::vector<std::vector<std::int8_t>>(chains, {1, -1, 1, -1, 1, -1}));
    const MoveTable table = proposed(moves);
    Kokkos::View<std::int64_t* [2]> counts("koushi::test::counts", chains);
    psi->moves(moves)->metropolis(Kokkos::DefaultExecutionSpace{}, table.kinds, batch, counts, {.seed = 17}, 400);
    // One sample per independent chain after 400 proposals: the counts are multinomial and chi^2 needs no tau_int.
    std::vector<double> probability;
    double norm = 0;
    for (const auto& log_psi : psi->log_amplitudes(batch_of(*psi, basis).states)) {
      probability.push_back(std::exp(2 * log_psi.real()));
      norm += probability.back();
    }
    std::vector<int> seen(basis.size());
    const auto spins = on_host(batch.states.local);
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
  const auto psi = rbm_state(Space::spins(n), options(n, false));
  std::vector<Move> moves;
  for (int i = 0; i < n; ++i) moves.push_back(Move::transfer(i, (i + 1) % n, 2));
  // 20 walkers: whole groups and a part of one, with any number that a move leaves alone
  const auto states = spin_states(n, true, 0);
  const Kokkos::View<Complex** [2]> together("koushi::test::ratios", states.size(), moves.size());
  const auto table = psi->moves(moves);
  table->ratios(Kokkos::DefaultExecutionSpace{}, batch_of(*psi, states), together);
  const auto all = on_host(together);
  double differing = 0;
  double largest = 0;
  for (std::size_t w = 0; w < states.size(); ++w) {
    const Kokkos::View<Complex** [2]> alone("koushi::test::ratio", 1, moves.size());
    table->ratios(Kokkos::DefaultExecutionSpace{}, batch_of(*psi, {states[w]}), alone);
    const auto one = on_host(alone);
    for (std::size_t k = 0; k < moves.size(); ++k) {
      differing += one(0, k, 0) == all(w, k, 0) && one(0, k, 1) == all(w, k, 1) ? 0 : 1;
      largest = std::max(largest, one(0, k, 0).real());
    }
  }
  CHECK(differing == 0);
  CHECK(largest > 0.1);
}

TEST_CASE("thousands of hidden units neither overflow nor underflow", "[manybody]") {
  if (simd_width() < 4) SKIP("the range grows with the SIMD width");
  const int n = 8;
  const auto psi =
      rbm_state(Space::spins(n), {.complex_weights = GENERATE(false, true), .density = 1024, .width = 0.25, .seed = 3});
  std::vector<Move> flips;
  for (int i = 0; i < n; ++i) flips.push_back(Move::step(i, -2));
  const std::vector<std::int8_t> state{1, -1, -1, 1, 1, 1, -1, 1};
  std::vector<std::vector<std::int8_t>> moved(flips.size(), state);
  for (std::size_t i = 0; i < moved.size(); ++i) moved[i][i] = static_cast<std::int8_t>(-state[i]);
  const Batch batch = batch_of(*psi, {state});
  const Kokkos::View<Complex** [2]> ratios("koushi::test::ratios", 1, flips.size());
  psi->moves(flips)->ratios(Kokkos::DefaultExecutionSpace{}, batch, ratios);
  const auto before = psi->log_amplitudes(batch.states)[0];
  const auto after = psi->log_amplitudes(batch_of(*psi, moved).states);
  const auto found = on_host(ratios);
  for (std::size_t i = 0; i < flips.size(); ++i) {
    const std::size_t side = state[i] > 0 ? 0 : 1;
    CHECK(std::abs(std::log(std::hypot(found(0, i, side).real(), found(0, i, side).imag())) -
                   (after[i] - before).real()) < 1e-9 * 8192);
  }
}

TEST_CASE("a smaller RBM embedded in a larger one leaves psi as it was where the new units are zero", "[manybody]") {
  const int n = 6;
  const auto states = spin_states(n, true, 2);
  for (const bool symmetric : {false, true}) {
    const RbmOptions narrow = options(n, symmetric);
    const auto small = rbm_state(Space::spins(n), narrow);
    RbmOptions wide = narrow;
    wide.density = 5;
    wide.width = 0;
    const auto large = rbm_state(Space::spins(n), wide);
    REQUIRE(large->embed(small->parameters()));
    const Batch batch = batch_of(*small, states);
    const auto expected = small->log_amplitudes(batch.states);
    const auto found = large->log_amplitudes(batch.states);
    for (std::size_t s = 0; s < states.size(); ++s) CHECK(std::abs(found[s] - expected[s]) < 1e-12);
    CHECK_FALSE(small->embed(large->parameters()));
    CHECK_FALSE(large->embed(std::vector<double>(7, 0.0)));
  }
}

TEST_CASE("a projected RBM is the sum of the plain one over the images of the state", "[manybody][exact]") {
  const int n = 6;
  const auto states = spin_states(n, false, 0);
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
  const auto one = rbm_state(Space::spins(n), plain);
  const auto sum = rbm_state(Space::spins(n), projected);
  REQUIRE(sum->embed(one->parameters()));
  const Batch batch = batch_of(*sum, states);
  const auto found = sum->log_amplitudes(batch.states);
  double asymmetry = 0;
  for (std::size_t s = 0; s < states.size(); ++s) {
    std::vector<std::vector<std::int8_t>> images;
    for (std::size_t c = 0; c < group.size(); c += symmetric ? static_cast<std::size_t>(n) : 1) {
      images.emplace_back();
      for (const int site : group[c]) images.back().push_back(states[s][static_cast<std::size_t>(site)]);
    }
    std::complex<double> expected = 0;
    const auto logs = one->log_amplitudes(batch_of(*one, images).states);
    for (const auto& log_psi : logs) expected += std::exp(log_psi);
    CHECK(std::abs(std::exp(found[s]) - expected) < 1e-12 * std::abs(expected));
    asymmetry = std::max(asymmetry, std::abs(logs.front() - logs.back()));
  }
  CHECK(asymmetry > 1e-3);  // otherwise one image would do
}

TEST_CASE("an RBM of charges or spins sees n_up + n_down - 1 or n_up - n_down", "[manybody][exact]") {
  const bool charges = GENERATE(true, false);
  const bool symmetric = GENERATE(false, true);
  RbmOptions one = options(4, symmetric);
  one.inputs = charges ? RbmInputs::charges : RbmInputs::spins;
  Space space = Space::electrons(4);
  space.fix("up", 2);
  space.fix("down", 1);
  auto psi = rbm_state(space, one);
  spread(*psi, 0.4);
  const std::vector<double> parameters = psi->parameters();
  const std::size_t width = one.complex_weights ? 2 : 1;
  const auto value = [&](std::size_t k) {
    return std::complex<double>(parameters[width * k], width == 2 ? parameters[width * k + 1] : 0.0);
  };
  const std::size_t n_visible = symmetric ? 1 : 4;
  const std::size_t filters = symmetric ? 2 : 8;
  REQUIRE(parameters.size() == width * (n_visible + filters * 5));
  const Basis basis(space);
  std::complex<double> offset;
  for (std::int64_t b = 0; b < basis.size(); ++b) {
    const std::vector<std::int8_t> x = basis.state(b);
    std::complex<double> expected = 0;
    std::vector<double> s;
    for (std::size_t i = 0; i < 4; ++i) s.push_back(charges ? x[i] + x[4 + i] - 1 : x[i] - x[4 + i]);
    for (std::size_t i = 0; i < 4; ++i) expected += value(symmetric ? 0 : i) * s[i];
    for (std::size_t f = 0; f < filters; ++f) {
      for (std::size_t g = 0; g < (symmetric ? 4U : 1U); ++g) {
        std::complex<double> theta = value(n_visible + f);
        for (std::size_t k = 0; k < 4; ++k) theta += s[(k + g) % 4] * value(n_visible + filters + 4 * f + k);
        expected += std::log(std::cosh(theta));
      }
    }
    const std::complex<double> difference = psi->log_amplitudes(basis.states(b, 1))[0] - expected;
    if (b == 0) offset = difference;  // where fermions count alike, a constant
    CHECK(std::abs(std::exp(difference - offset) - 1.0) < 1e-12);
  }
}
