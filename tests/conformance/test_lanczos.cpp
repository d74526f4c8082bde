// Lanczos steps on enumerated wavefunctions against dense matrices on the states where psi is not 0.
#include <Eigen/Eigenvalues>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <complex>

#include "koushi/manybody/estimator.hpp"
#include "koushi/study/catalogue.hpp"
#include "koushi/study/model.hpp"

using namespace koushi;

namespace {

struct Expected {
  double energy = 0;
  double variance = 0;
  double left_out = 0;  ///< of <H^2>
};

/// The lowest state among psi, H psi, (H^2 psi) with H between the states where psi is not 0, by an orthonormal basis.
Expected dense_step(const Eigen::MatrixXcd& h, const Eigen::VectorXcd& psi, int steps) {
  const double smallest = 1e-9 * psi.cwiseAbs().maxCoeff();
  Eigen::VectorXd support(psi.size());
  for (Eigen::Index x = 0; x < psi.size(); ++x) support(x) = std::abs(psi(x)) > smallest ? 1 : 0;
  const Eigen::MatrixXcd inside = support.asDiagonal() * h * support.asDiagonal();
  Expected expected;
  expected.left_out = ((1 - support.array()).matrix().asDiagonal() * (h * psi)).squaredNorm() / psi.squaredNorm();
  Eigen::MatrixXcd q(psi.size(), steps + 1);
  for (int k = 0; k <= steps; ++k) {
    Eigen::VectorXcd next = k == 0 ? psi : Eigen::VectorXcd(inside * q.col(k - 1));
    for (int twice = 0; twice < 2; ++twice) {
      for (int j = 0; j < k; ++j) next -= q.col(j) * q.col(j).dot(next);
    }
    q.col(k) = next.normalized();
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solved(q.adjoint() * inside * q);
  const Eigen::VectorXcd state = q * solved.eigenvectors().col(0);
  expected.energy = solved.eigenvalues()(0);
  expected.variance = (inside * state).squaredNorm() - expected.energy * expected.energy;
  return expected;
}

}  // namespace

TEST_CASE("Lanczos steps are those of dense matrices", "[conformance]") {
  const int steps = GENERATE(1, 2);
  const auto [lattice_text, model, factors, sampler, has_zeros] = GENERATE(table<std::string, std::string, std::string,
                                                                                 std::string, bool>(
      {{"kind = \"chain\"\nextents = [8]\n", "kind = \"heisenberg\"\nJ = [1.0, 0.4]\n",
        "[[wavefunction.factor]]\nkind = \"rbm\"\nwidth = 0.3\n", "", false},
       {"kind = \"square\"\nextents = [3, 3]\n", "kind = \"transverse-field-ising\"\nJ = [-1.0]\nfield = 0.7\n",
        "[[wavefunction.factor]]\nkind = \"rbm\"\nweights = \"real\"\nwidth = 0.3\nprojection = \"translations\"\n",
        "moves = { flip = 1.0 }\n", false},
       {"kind = \"chain\"\nextents = [5]\n", "kind = \"heisenberg\"\nspin = 1.0\n",
        "[[wavefunction.factor]]\nkind = \"rbm\"\nwidth = 0.3\n", "", false},
       {"kind = \"honeycomb\"\nextents = [2, 2]\n",
        "kind = \"exchange-matrix\"\ncouplings = [[\"xx\", 1, 0, -1.0], [\"yy\", 1, 1, -1.0], [\"zz\", 1, 2, -1.0]]\n",
        "[[wavefunction.factor]]\nkind = \"rbm\"\nwidth = 0.2\n", "moves = { flip = 1.0 }\n", false},
       {"kind = \"chain\"\nextents = [6]\ntwist = [0.3]\n", "kind = \"hubbard\"\nU = 5.0\nt = [1.0, 0.3]\n",
        "[[wavefunction.factor]]\nkind = \"slater\"\nwidth = 0.2\n[[wavefunction.factor]]\nkind = \"gutzwiller\"\n"
        "width = 0.3\n",
        "electrons = [3, 2]\n", false},
       {"kind = \"square\"\nextents = [3, 3]\n", "kind = \"hubbard\"\nU = 4.0\n",
        "[[wavefunction.factor]]\nkind = \"slater\"\n[[wavefunction.factor]]\nkind = \"jastrow\"\nwidth = 0.3\n",
        "electrons = [5, 1]\n", true},
       {"kind = \"chain\"\nextents = [6]\n", "kind = \"t-j\"\nJ = [0.5]\n",
        "[[wavefunction.factor]]\nkind = \"pair-product\"\npairing = \"random\"\n",
        "electrons = [2, 2]\nmoves = { hop = 1.0, exchange = 1.0 }\n", false},
       {"kind = \"chain\"\nextents = [4]\n", "kind = \"bose-hubbard\"\nU = 3.0\nn_max = 4\n",
        "[[wavefunction.factor]]\nkind = \"jastrow\"\nwidth = 0.2\n", "particles = 4\n", false}}));
  INFO(lattice_text << model << factors << steps);
  const Deck deck =
      Deck::parse("title = \"t\"\nseed = 4\n[lattice]\n" + lattice_text + "[hamiltonian]\n" + model + factors +
                      "[sampler]\nkind = \"metropolis\"\nchains = 16\nsamples = 64\n" + sampler +
                      "[study]\nkind = \"ground-state\"\nsteps = 1\nmeasure = { samples = 64, "
                      "observables = [\"lanczos\"], lanczos.steps = " +
                      std::to_string(steps) + " }\n[solver]\nkind = \"stochastic-reconfiguration\"\n",
                  "conformance.toml", {}, catalogue());
  const Lattice lattice = make_lattice(deck);
  const Operator h = make_hamiltonian(deck, lattice);
  const auto psi = make_wavefunction(deck, lattice, h);
  const Basis basis(h.space());
  const auto n = static_cast<std::size_t>(basis.size());
  const States states = basis.states(0, basis.size());
  Eigen::VectorXcd amplitudes(basis.size());
  const auto logs = psi->log_amplitudes(states);
  for (std::size_t x = 0; x < n; ++x) {
    amplitudes(static_cast<Eigen::Index>(x)) = std::isfinite(logs[x].real()) ? std::exp(logs[x]) : 0.0;
  }
  const Expected expected = dense_step(h.matrix(basis), amplitudes, steps);
  CHECK((expected.left_out > 1e-3) == has_zeros);

  const auto lanczos = estimators().find("lanczos")->make(DeckSection(deck, "study.measure.lanczos"), lattice, h);
  const Batch batch = psi->make_batch(basis.size());
  assign_states(batch.states, states);
  psi->refresh(batch);
  const auto moves = psi->moves(h.move_list());
  const std::size_t width = static_cast<std::size_t>(lanczos->series().front().width);
  const StateNumbers numbers("numbers", n, width);
  lanczos->measure(Kokkos::DefaultExecutionSpace{}, *psi, *moves, batch, numbers);
  const auto here = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, numbers);
  std::vector<double> means(width);
  const double smallest = 1e-9 * amplitudes.cwiseAbs().maxCoeff();
  for (std::size_t x = 0; x < n; ++x) {
    const double size = std::abs(amplitudes(static_cast<Eigen::Index>(x)));
    if (size <= smallest) continue;  // never sampled
    for (std::size_t k = 0; k < width; ++k) means[k] += size * size / amplitudes.squaredNorm() * here(x, k);
  }
  for (const Observable& observable : lanczos->observables()) {
    std::vector<double> values;
    for (const SeriesColumn& column : observable.series) values.push_back(means[column.column]);
    const double value = observable.value ? observable.value(values) : values[0];
    INFO(observable.name << " " << value);
    if (observable.name == "lanczos_energy") CHECK(std::abs(value - expected.energy) < 1e-8);
    if (observable.name == "lanczos_variance") CHECK(std::abs(value - expected.variance) < 1e-6);
    if (observable.name == "lanczos_left_out") CHECK(std::abs(value - expected.left_out) < 1e-8);
  }
}
