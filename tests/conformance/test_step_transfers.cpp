// A whole step of stochastic reconfiguration, for everything that the catalogue offers under [[wavefunction.factor]],
// by every route: copies between memories and fences, as Kokkos counts them.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include "koushi/solver/stochastic_reconfiguration.hpp"
#include "registered.hpp"
#include "transfer_counter.hpp"

using namespace koushi;

namespace {

Transfers transfers_of_a_step(const Product& product, SrRoute route, int chains) {
  const Deck small =
      deck_of("kind = \"chain\"\nextents = [10]\n", product.hamiltonian, product.factors, product.wavefunction);
  const Deck deck = Deck::parse(
      small.source(), "conformance.toml",
      {fmt::format("sampler.chains={}", chains), fmt::format("sampler.samples={}", 4 * chains)}, catalogue());
  const Communicator self = Communicator::self();
  const Lattice lattice = make_lattice(deck);
  const Operator hamiltonian = make_hamiltonian(deck, lattice);
  const Terms terms = make_terms(hamiltonian);
  const auto psi = make_wavefunction(deck, lattice, hamiltonian);
  const auto sampler = make_sampler(self, deck, lattice, hamiltonian, *psi);
  sampler->start(*psi);
  const Kokkos::View<Complex*> energies("koushi::test::energies", static_cast<std::size_t>(sampler->rows().count));
  return transfers_of([&] {
    sampler->draw(*psi, 0, 0);
    sampler->acceptance();
    sampler->moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms, sampler->samples(), energies);
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, energies);
    std::vector<std::complex<double>> e;
    for (std::size_t s = 0; s < host.extent(0); ++s) e.emplace_back(host(s).real(), host(s).imag());
    const auto o = psi->log_derivatives(self, sampler->rows(), sampler->samples());
    SrReport report;  // a few iterations, always as many, where there are any
    const auto delta = solve_stochastic_reconfiguration(
        self, *o, sampler->weights(), e,
        {.route = route, .shift_relative = 0.1, .tolerance = 1e-14, .max_iterations = 4}, report);
    psi->apply(-0.01, delta);
  });
}

}  // namespace

TEST_CASE("a step of stochastic reconfiguration copies and waits as often for many walkers as for few",
          "[conformance][structure]") {
  const Product product = GENERATE(from_range(products()));
  // Rows of several factors, or of several parts of one, come in chunks of a fixed size.
  const auto has = [&](const char* words) { return product.factors.find(words) != std::string::npos; };
  const bool several = has("[[") || has("\"backflow\"") || has("\"hidden-fermions\"");
  if (several || !product.wavefunction.empty() || has("optimised = false")) return;
  for (const SrRoute route : {SrRoute::dense, SrRoute::sample_space, SrRoute::matrix_free}) {
    INFO(product.text() << "route " << static_cast<int>(route));
    const Transfers few = transfers_of_a_step(product, route, 16);
    const Transfers many = transfers_of_a_step(product, route, 64);
    CHECK(few.copies > 0);  // the counter hears
    CHECK(many.copies == few.copies);
    CHECK(many.fences == few.fences);
  }
}
