#include "kernel_labels.hpp"
#include "manybody.hpp"

using namespace koushi;

TEST_CASE("every kernel and allocation is labelled koushi::<room>::<what>", "[manybody][structure]") {
  const Communicator self = Communicator::self();
  const auto labels = labels_of([&] {
    const int n = 8;
    const Operator h = ring(n);
    const Terms terms = make_terms(h);
    const MoveTable table = proposed(h.move_list());
    std::vector<std::vector<int>> group(2, std::vector<int>(n));
    for (int i = 0; i < n; ++i) group[0][static_cast<std::size_t>(i)] = i;
    for (int i = 0; i < n; ++i) group[1][static_cast<std::size_t>(i)] = (i + n / 2) % n;
    for (const auto& symmetry : {std::vector<std::vector<int>>{}, group}) {
      const auto psi =
          rbm_state(Space::spins(n), {.complex_weights = true, .density = 2, .symmetry = symmetry, .width = 0.1});
      MarkovChains chains(self, *psi, table, {.chains = 64, .samples = 64});
      chains.start(*psi);
      chains.draw(*psi, 0, 0);
      chains.acceptance();
      const Kokkos::View<Complex*> energies("koushi::test::energies", 64);
      chains.moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms, chains.samples(), energies);
      chains.moves().ratios(Kokkos::DefaultExecutionSpace{}, chains.samples(),
                            Kokkos::View<Complex** [2]>("koushi::test::ratios", 64, n));
      const auto rows = psi->log_derivatives(self, chains.rows(), chains.samples());
      rows->multiply(std::vector<double>(static_cast<std::size_t>(rows->parameters()), 1.0));
      FullEnumeration all(self, *psi, table);
      all.draw(*psi, 0, 0);
    }
  });
  check_labels(labels, 30);
}
