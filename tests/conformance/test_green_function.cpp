// Green-function Monte Carlo against the lowest level of the dense fixed-node Hamiltonian of the same wavefunction.
#include <Eigen/Eigenvalues>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <filesystem>

#include "koushi/study/catalogue.hpp"
#include "koushi/study/model.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/study.hpp"

using namespace koushi;

namespace {

struct Levels {
  double exact = 0;
  double fixed_node = 0;
  double variational = 0;
};

Levels dense_bounds(const Deck& deck) {
  const Lattice lattice = make_lattice(deck);
  const Operator h = make_hamiltonian(deck, lattice);
  const auto psi = make_wavefunction(deck, lattice, h);
  const Basis basis(h.space());
  const auto n = static_cast<Eigen::Index>(basis.size());
  const Eigen::MatrixXd full = h.matrix(basis).real();
  Eigen::VectorXd a(n);
  const auto logs = psi->log_amplitudes(basis.states(0, basis.size()));
  for (Eigen::Index x = 0; x < n; ++x) a(x) = std::exp(logs[static_cast<std::size_t>(x)]).real();
  Eigen::MatrixXd effective = full.diagonal().asDiagonal();
  for (Eigen::Index x = 0; x < n; ++x) {
    for (Eigen::Index y = 0; y < n; ++y) {
      if (x == y || full(x, y) == 0) continue;
      const double ratio = full(x, y) * a(y) / a(x);
      if (ratio < 0) {
        effective(x, y) = full(x, y);
      } else {
        effective(x, x) += ratio;
      }
    }
  }
  const auto lowest = [](const Eigen::MatrixXd& m) {
    return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(m, Eigen::EigenvaluesOnly).eigenvalues()(0);
  };
  return {lowest(full), lowest(effective), a.dot(full * a) / a.squaredNorm()};
}

}  // namespace

TEST_CASE("Green-function Monte Carlo gives the lowest level of the fixed-node Hamiltonian", "[statistical]") {
  const auto [model, factors, sampler] = GENERATE(table<std::string, std::string, std::string>(
      {{"[lattice]\nkind = \"chain\"\nextents = [6]\n[hamiltonian]\nkind = \"hubbard\"\nU = 4.0\n",
        "[[wavefunction.factor]]\nkind = \"slater\"\nwidth = 0.1\n", "electrons = [3, 3]\n"},
       {"[lattice]\nkind = \"chain\"\nextents = [6]\n[hamiltonian]\nkind = \"hubbard\"\nU = 8.0\nt = [1.0, 0.4]\n",
        "[[wavefunction.factor]]\nkind = \"pair-product\"\nwidth = 0.02\n[[wavefunction.factor]]\nkind = \"rbm\"\n"
        "weights = \"real\"\nwidth = 0.1\n",
        "electrons = [3, 3]\n"},
       {"[lattice]\nkind = \"chain\"\nextents = [6]\n[hamiltonian]\nkind = \"t-j\"\nJ = [0.5]\n",
        "[[wavefunction.factor]]\nkind = \"pair-product\"\npairing = \"random\"\nspin = 0\npoints = 3\n",
        "electrons = [2, 2]\nmoves = { hop = 1.0, exchange = 1.0 }\n"},
       {"[lattice]\nkind = \"chain\"\nextents = [8]\n[hamiltonian]\nkind = \"t-v\"\nt = [1.0, 0.5]\nV = [2.0]\n",
        "[[wavefunction.factor]]\nkind = \"slater\"\nwidth = 0.1\n[[wavefunction.factor]]\nkind = \"rbm\"\nweights = "
        "\"real\"\nwidth = 0.1\nprojection = \"translations\"\n",
        "particles = 4\n"},
       {"[lattice]\nkind = \"chain\"\nextents = [8]\n[hamiltonian]\nkind = \"heisenberg\"\nJ = [1.0, 0.6]\nmarshall = "
        "true\n",
        "[[wavefunction.factor]]\nkind = \"rbm\"\nweights = \"real\"\nwidth = 0.1\n",
        "moves = { exchange = 1.0 }\nrange = 2\n"}}));
  INFO(model << factors);
  const auto file = std::filesystem::temp_directory_path() / "koushi_green_function_test.h5";
  const std::string text =
      "title = \"t\"\nseed = 4\n[study]\nkind = \"green-function\"\nintervals = 1500\nwarm_up = 150\ninterval = "
      "0.08\ncorrection = 25\n" +
      model + factors + "[sampler]\nkind = \"metropolis\"\nchains = 64\nsamples = 256\n" + sampler +
      "[output]\nfile = \"" + file.string() + "\"\n";
  const Deck deck = Deck::parse(text, "conformance.toml", {}, catalogue());
  const Levels bounds = dense_bounds(deck);
  CHECK(bounds.fixed_node > bounds.exact - 1e-9);
  CHECK(bounds.fixed_node < bounds.variational + 1e-9);
  const Communicator comm = Communicator::self();
  RunOptions options;
  options.existing = ExistingResult::overwrite;
  REQUIRE(studies().of(deck).run(comm, deck, options) == 0);
  const ResultReader reader(comm, file.string());
  const StoredObservable energy = read_observable(reader, "", "energy");
  INFO("exact " << bounds.exact << " fixed node " << bounds.fixed_node << " variational " << bounds.variational
                << " found " << energy.value << " +- " << energy.error);
  CHECK(energy.error < 0.04);
  CHECK(std::abs(energy.value - bounds.fixed_node) < 3 * energy.error);
  std::filesystem::remove(file);
}
