#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "koushi/manybody/rbm.hpp"
#include "koushi/manybody/spin_sampler.hpp"

using namespace koushi;

namespace {

std::vector<std::string>& labels() {
  static std::vector<std::string> seen;
  return seen;
}

void see_kernel(const char* name, const std::uint32_t, std::uint64_t*) { labels().emplace_back(name); }
void see_allocation(const Kokkos::Tools::SpaceHandle, const char* name, const void*, std::uint64_t) { labels().emplace_back(name); }

}  // namespace

TEST_CASE("every kernel and allocation is labelled koushi::<room>::<what>", "[manybody][structure]") {
  const Communicator self(MPI_COMM_SELF);
  namespace tools = Kokkos::Tools::Experimental;
  tools::set_begin_parallel_for_callback(see_kernel);
  tools::set_begin_parallel_reduce_callback(see_kernel);
  tools::set_begin_parallel_scan_callback(see_kernel);
  tools::set_allocate_data_callback(see_allocation);
  {
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
      const auto psi = make_rbm({.n_sites = n, .complex_weights = true, .density = 2, .symmetry = symmetry, .width = 0.1});
      MarkovChains chains(self, *psi, table, {.chains = 64, .samples = 64});
      chains.start(*psi);
      chains.draw(*psi, 0, 0);
      chains.acceptance();
      const Kokkos::View<Complex*> energies("koushi::test::energies", 64);
      chains.moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms, chains.samples(), energies);
      chains.moves().ratios(Kokkos::DefaultExecutionSpace{}, chains.samples(), Kokkos::View<Complex**>("koushi::test::ratios", 64, n));
      const auto rows = psi->log_derivatives(self, chains.rows(), chains.samples());
      rows->multiply(std::vector<double>(static_cast<std::size_t>(rows->parameters()), 1.0));
      FullEnumeration all(self, *psi, table, true, 0);
      all.draw(*psi, 0, 0);
    }
  }
  tools::set_begin_parallel_for_callback(nullptr);
  tools::set_begin_parallel_reduce_callback(nullptr);
  tools::set_begin_parallel_scan_callback(nullptr);
  tools::set_allocate_data_callback(nullptr);
  CHECK(labels().size() > 30);
  for (const std::string& label : labels()) {
    INFO(label);
    CHECK((label.rfind("koushi::", 0) == 0 || label.rfind("Kokkos::", 0) == 0));  // Kokkos labels its own copies and fills
  }
}
