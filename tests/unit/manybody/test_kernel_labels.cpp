#include "kernel_labels.hpp"
#include "koushi/manybody/rbm.hpp"
#include "koushi/manybody/spin_sampler.hpp"

using namespace koushi;

TEST_CASE("every kernel and allocation is labelled koushi::<room>::<what>", "[manybody][structure]") {
  const Communicator self = Communicator::self();
  const auto labels = labels_of([&] {
    const int n = 8;
    MoveTable table;
    for (int i = 0; i < n; ++i) table.moves.push_back({i, (i + 1) % n});
    table.kinds.n_kinds = 1;
    table.kinds.count[0] = n;
    table.kinds.cumulative[0] = 1;
    std::vector<LabelledBond> bonds;
    for (const SpinMove& m : table.moves) bonds.push_back({m.i, m.j});
    const SpinTerms terms = make_terms(make_xxz(n, bonds, {.J = {1.0}}));
    std::vector<std::vector<int>> group(2, std::vector<int>(n));
    for (int i = 0; i < n; ++i) group[0][static_cast<std::size_t>(i)] = i;
    for (int i = 0; i < n; ++i) group[1][static_cast<std::size_t>(i)] = (i + n / 2) % n;
    for (const auto& symmetry : {std::vector<std::vector<int>>{}, group}) {
      const auto psi =
          make_rbm({.n_sites = n, .complex_weights = true, .density = 2, .symmetry = symmetry, .width = 0.1});
      MarkovChains chains(self, *psi, table, {.chains = 64, .samples = 64});
      chains.start(*psi);
      chains.draw(*psi, 0, 0);
      chains.acceptance();
      const Kokkos::View<Complex*> energies("koushi::test::energies", 64);
      chains.moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms, chains.samples(), energies);
      chains.moves().ratios(Kokkos::DefaultExecutionSpace{}, chains.samples(),
                            Kokkos::View<Complex**>("koushi::test::ratios", 64, n));
      const auto rows = psi->log_derivatives(self, chains.rows(), chains.samples());
      rows->multiply(std::vector<double>(static_cast<std::size_t>(rows->parameters()), 1.0));
      FullEnumeration all(self, *psi, table, true, 0);
      all.draw(*psi, 0, 0);
    }
  });
  check_labels(labels, 30);
}
