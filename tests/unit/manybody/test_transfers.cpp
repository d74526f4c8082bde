#include <catch2/catch_test_macros.hpp>

#include "manybody.hpp"
#include "transfer_counter.hpp"

using namespace koushi;

namespace {

/// Of the draw, the local energies and the rows of a step, on a ring of ten spins.
Transfers transfers_of_a_step(std::int64_t n_chains, bool symmetrised) {
  const Communicator self = Communicator::self();
  const int n = 10;
  RbmOptions options{.complex_weights = true, .density = 2, .width = 0.1};
  for (int i = 0; i < n; ++i) {
    if (!symmetrised) continue;
    options.symmetry.emplace_back();
    for (int j = 0; j < n; ++j) options.symmetry.back().push_back((i + j) % n);
  }
  const Operator h = ring(n);
  const MoveTable table = proposed(h.move_list());
  const Terms terms = make_terms(h);
  const auto psi = rbm_state(Space::spins(n), options);
  MarkovChains chains(self, *psi, table, {.chains = n_chains, .samples = 4 * n_chains});
  chains.start(*psi);
  const Kokkos::View<Complex*> energies("koushi::test::energies", static_cast<std::size_t>(4 * n_chains));
  return transfers_of([&] {
    chains.draw(*psi, 0, 0);
    chains.acceptance();
    chains.moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms, chains.samples(), energies);
    psi->log_derivatives(self, chains.rows(), chains.samples());
  });
}

}  // namespace

TEST_CASE("a step copies and waits as often for many walkers as for few", "[manybody][structure]") {
  for (const bool symmetrised : {false, true}) {
    const Transfers few = transfers_of_a_step(32, symmetrised);
    const Transfers many = transfers_of_a_step(256, symmetrised);
    CHECK(few.copies > 0);  // the counter hears
    CHECK(many.copies == few.copies);
    CHECK(many.fences == few.fences);
  }
}
