// Chains of every kind of proposal on every kind of states against |psi|^2 of all states.
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>

#include "manybody.hpp"
#include "registered.hpp"

using namespace koushi;

namespace {

struct SampledCase {
  std::string lattice;
  std::string hamiltonian;
  std::string factors;
  std::string moves;   ///< [sampler] moves; empty: those of H
  std::string sector;  ///< a key of [sampler] with its value, or nothing
};

const std::string rbm = "kind = \"rbm\"\nweights = \"complex\"\nwidth = 0.15\n";
const std::string jastrow_rbm = "kind = \"jastrow\"\n[[wavefunction.factor]]\n" + rbm;
const std::string slater_rbm =
    "kind = \"slater\"\nwidth = 0.1\n[[wavefunction.factor]]\nkind = \"gutzwiller\"\n[[wavefunction.factor]]\n" + rbm;

const std::string direct = "direct";  ///< in place of moves

std::vector<SampledCase> sampled_cases() {
  const auto ring = [](int n) { return fmt::format("kind = \"chain\"\nextents = [{}]\n", n); };
  std::vector<SampledCase> all;
  const auto add = [&](const std::string& lattice, const std::string& hamiltonian,
                       const std::vector<std::string>& factors, const std::vector<std::string>& moves,
                       const std::string& sector = "") {
    for (const std::string& factor : factors) {
      for (const std::string& move : moves)
        all.push_back({lattice, "kind = " + hamiltonian + "\n", factor, move, sector});
    }
  };
  add(ring(6), "\"heisenberg\"", {rbm, jastrow_rbm}, {"", "{exchange=1.0}", "{exchange=1.0,hamiltonian=0.5}"},
      "magnetization=0");
  add(ring(6), "\"heisenberg\"", {rbm}, {"{exchange=1.0,flip=0.7}", "{flip=1.0}"});
  add(ring(6), "\"transverse-field-ising\"\nfield = 1.0", {rbm}, {"", "{exchange=1.0,flip=1.0}"});
  // Many values per place: at the ends of their range only one direction is possible.
  add(ring(4), "\"heisenberg\"\nspin = 1.0", {rbm, jastrow_rbm}, {"", "{exchange=1.0}"}, "magnetization=2");
  add(ring(3), "\"heisenberg\"\nspin = 1.5", {rbm}, {"{flip=1.0}", "{exchange=1.0,flip=1.0,hamiltonian=1.0}"});
  add(ring(4), "\"bose-hubbard\"\nn_max = 3", {rbm, jastrow_rbm}, {"", "{hop=1.0}"}, "particles=5");
  add(ring(6), "\"t-v\"", {rbm, "kind = \"slater\"\nwidth = 0.1\n[[wavefunction.factor]]\n" + jastrow_rbm},
      {"", "{hop=1.0}"}, "particles=3");
  add(ring(4), "\"hubbard\"", {jastrow_rbm, slater_rbm}, {"", "{hop=1.0}", "{hop=1.0,exchange=1.0}"},
      "electrons=[2,1]");
  add(ring(5), "\"t-j\"", {jastrow_rbm, "kind = \"slater\"\nwidth = 0.1\n[[wavefunction.factor]]\n" + rbm},
      {"", "{hop=1.0,exchange=1.0}", "{hop=1.0,hamiltonian=1.0}"}, "electrons=[2,1]");
  add(ring(3), "\"kondo\"", {jastrow_rbm}, {"", "{hop=0.3,hamiltonian=1.0}"}, "particles=2");
  // States that are drawn without chains, and by chains beside; the charges of sites are not independent in t-J and Kondo.
  const std::string dense = "kind = \"autoregressive-dense\"\nchannels = [3]\noutput = \"modulus-and-phase\"\n";
  const std::string conv = "kind = \"autoregressive-conv\"\nchannels = [3, 2]\nkernel = [3]\n";
  add(ring(6), "\"heisenberg\"", {dense, conv}, {direct, ""}, "magnetization=0");
  add(ring(6), "\"transverse-field-ising\"\nfield = 1.0", {dense}, {direct});
  add(ring(4), "\"heisenberg\"\nspin = 1.0", {conv}, {direct}, "magnetization=2");
  add(ring(4), "\"bose-hubbard\"\nn_max = 3", {dense}, {direct}, "particles=5");
  add(ring(6), "\"t-v\"", {conv}, {direct}, "particles=3");
  add(ring(4), "\"hubbard\"", {dense}, {direct, ""}, "electrons=[2,1]");
  add(ring(5), "\"t-j\"", {dense}, {direct}, "electrons=[2,1]");
  add(ring(3), "\"kondo\"", {dense, conv}, {direct}, "particles=2");
  return all;
}

}  // namespace

TEST_CASE("chains of every kind of proposal follow |psi|^2 (chi-squared)", "[conformance][statistical]") {
  const SampledCase one = GENERATE(from_range(sampled_cases()));
  INFO(one.lattice << one.hamiltonian << one.factors << one.moves << " " << one.sector);
  const int chains = 4096;
  std::vector<std::string> sets{fmt::format("sampler.chains={}", chains), fmt::format("sampler.samples={}", chains),
                                "sampler.sweeps=40"};
  const bool draws_itself = one.moves == direct;
  if (draws_itself) sets = {fmt::format("sampler={{kind=\"direct\",chains={},samples={}}}", chains, chains)};
  if (!one.sector.empty()) sets.push_back("sampler." + one.sector);
  std::string text = deck_of(one.lattice, one.hamiltonian, one.factors).source();
  for (const std::string key : {"moves", "electrons"}) {  // what deck_of gives of these
    if (const auto at = text.find("\n" + key + " = "); at != std::string::npos)
      text.erase(at, text.find('\n', at + 1) - at);
  }
  if (!one.moves.empty() && !draws_itself) sets.push_back("sampler.moves=" + one.moves);
  const Deck deck = Deck::parse(text, "samplers.toml", sets, catalogue());
  const Lattice lattice = make_lattice(deck);
  const Operator h = make_hamiltonian(deck, lattice);
  const auto psi = make_wavefunction(deck, lattice, h);
  spread(*psi, 0.08);
  const Communicator self = Communicator::self();
  const auto sampler = make_sampler(self, deck, lattice, h, *psi);

  const Basis basis(psi->space());
  const Eigen::VectorXd probability = amplitudes(*psi, basis).cwiseAbs2();
  if (psi->can_draw()) {
    double norm = 0;
    for (const std::complex<double>& log : psi->log_amplitudes(basis.states(0, basis.size())))
      norm += std::exp(2 * log.real());
    CHECK(std::abs(norm - 1) < 1e-13);
  }
  std::vector<int> seen(static_cast<std::size_t>(basis.size()));
  sampler->start(*psi);
  constexpr int draws = 2;  // 40 sweeps apart: independent
  for (int draw = 0; draw < draws; ++draw) {
    sampler->draw(*psi, static_cast<std::uint64_t>(draw), 0);
    const auto local = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, sampler->samples().states.local);
    for (std::size_t w = 0; w < chains; ++w) {
      const std::int64_t k = basis.index(&local(w, 0));
      REQUIRE(k >= 0);  // in the sector
      ++seen[static_cast<std::size_t>(k)];
    }
  }
  double chi_squared = 0;
  double bins = 0;
  double rare_expected = 0;
  double rare_seen = 0;
  const auto add_bin = [&](double expected, double found) {
    chi_squared += (found - expected) * (found - expected) / expected;
    ++bins;
  };
  for (Eigen::Index k = 0; k < probability.size(); ++k) {
    const double expected = draws * chains * probability(k) / probability.sum();
    const int found = seen[static_cast<std::size_t>(k)];
    if (expected >= 5) {
      add_bin(expected, found);
    } else {
      rare_expected += expected;
      rare_seen += found;
    }
  }
  if (rare_expected >= 5) add_bin(rare_expected, rare_seen);
  const double dof = bins - 1;
  INFO("chi^2 = " << chi_squared << " of " << dof << " degrees of freedom, " << basis.size() << " states");
  CHECK(dof >= 8);
  // A sampler of |psi|, or one that forgets the other direction at an edge, gives several times that.
  CHECK(chi_squared < dof + 4.5 * std::sqrt(2 * dof));
  CHECK(chi_squared > dof - 4.5 * std::sqrt(2 * dof));
}
