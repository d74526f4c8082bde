// Steps of stochastic reconfiguration are steps of imaginary and real time where the tangent space is all of the space.
#include <Eigen/Core>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>

#include "koushi/manybody/sampler.hpp"
#include "koushi/solver/runge_kutta.hpp"
#include "koushi/solver/stochastic_reconfiguration.hpp"
#include "manybody.hpp"
#include "registered.hpp"

using namespace koushi;

namespace {

/// 1 - |<a|b>|^2 of unnormalised states.
double infidelity(const Eigen::VectorXcd& a, const Eigen::VectorXcd& b) {
  const Eigen::VectorXcd u = a.normalized();
  return (u - b * (b.dot(u) / b.squaredNorm())).squaredNorm();
}

}  // namespace

TEST_CASE("a step of stochastic reconfiguration is one of imaginary or real time to first order", "[conformance]") {
  struct State {
    std::string factor;
    bool is_complex;
  };
  const std::vector<State> states = {
      {"kind = \"rbm\"\nweights = \"real\"\ndensity = 8\nwidth = 0.1\n", false},
      {"kind = \"rbm\"\nweights = \"complex\"\ndensity = 8\nwidth = 0.1\n", true},
      {"kind = \"feed-forward\"\nchannels = [12, 12]\noutput = \"positive\"\n", false},
      {"kind = \"feed-forward\"\nchannels = [12, 12]\noutput = \"complex\"\n", true},
      {"kind = \"feed-forward\"\nchannels = [12, 12]\noutput = \"modulus-and-phase\"\n", true},
      {"kind = \"rbm\"\nweights = \"complex\"\ndensity = 4\nwidth = 0.1\n[[wavefunction.factor]]\nkind = "
       "\"feed-forward\"\nchannels = [12]\noutput = \"complex\"\n",
       true}};
  const State state = GENERATE_COPY(from_range(states));
  const bool real_time = GENERATE(false, true);
  if (real_time && !state.is_complex) return;
  INFO(state.factor << (real_time ? "real time" : "imaginary time"));
  const Communicator self = Communicator::self();
  // Without Marshall's rotation H has elements of both signs.
  const Deck deck = deck_of("kind = \"chain\"\nextents = [5]\n", "kind = \"heisenberg\"\n", state.factor);
  const Lattice lattice = make_lattice(deck);
  const Operator h = make_hamiltonian(deck, lattice);
  const auto psi = make_wavefunction(deck, lattice, h);
  const Basis basis(h.space());
  const Eigen::MatrixXcd matrix = h.matrix(basis);
  const Eigen::VectorXcd before = amplitudes(*psi, basis);
  FullEnumeration all(self, *psi, MoveTable(h.move_list()));
  all.draw(*psi, 0, 0);
  const Terms terms = make_terms(h);
  const Kokkos::View<Complex*> energies("koushi::test::energies", static_cast<std::size_t>(basis.size()));
  all.moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms, all.samples(), energies);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, energies);
  std::vector<std::complex<double>> local;
  for (std::size_t k = 0; k < host.extent(0); ++k) local.emplace_back(host(k).real(), host(k).imag());
  const auto rows = psi->log_derivatives(self, all.rows(), all.samples());
  REQUIRE(psi->n_parameters() > (state.is_complex ? 2 : 1) * basis.size());
  const std::complex<double> phase = real_time ? std::complex<double>(0, -1) : std::complex<double>(-1, 0);
  StochasticReconfiguration system(self, *rows, ConstHostReals(all.weights().data(), all.weights().size()),
                                   {.shift_absolute = 1e-8, .shift_relative = 0});
  const std::vector<double> velocity = system.solve(ConstHostComplexes(local.data(), local.size()), phase);
  const double energy = (before.dot(matrix * before) / before.squaredNorm()).real();
  double ratio[2];
  double distance[2];
  for (const int k : {0, 1}) {
    const double step = k == 0 ? 2e-3 : 1e-3;
    const auto moved = make_wavefunction(deck, lattice, h);
    moved->set_parameters(psi->parameters());
    moved->apply(step, velocity);
    const Eigen::VectorXcd after = amplitudes(*moved, basis);
    const Eigen::VectorXcd exact = before + step * phase * (matrix * before - energy * before);
    distance[k] = infidelity(before, exact);
    ratio[k] = infidelity(after, exact) / distance[k];
  }
  // What is left is of second order in the step, or of directions that the shift holds; twice the step would give 1.
  CHECK(distance[1] > 1e-9);
  CHECK(ratio[1] < 0.05);
  CHECK(ratio[1] < ratio[0]);
}

TEST_CASE("Runge-Kutta methods have their order and see their error", "[conformance]") {
  // y' = (y_1, -y_0) turns by the angle t.
  const auto f = [](const std::vector<double>& y) { return std::vector<double>{y[1], -y[0]}; };
  for (const RungeKutta& method :
       {RungeKutta::euler(), RungeKutta::heun(), RungeKutta::bogacki_shampine(), RungeKutta::rk4()}) {
    double errors[2];
    double estimated = 0;
    double of_step = 0;
    for (const int fine : {0, 1}) {
      const int n = fine == 0 ? 20 : 40;
      const double step = 1.0 / n;
      std::vector<double> y{0.0, 1.0};
      for (int t = 0; t < n; ++t) {
        std::vector<std::vector<double>> k;
        for (std::size_t s = 0; s < method.stages(); ++s)
          k.push_back(f(RungeKutta::combination(y, step, method.a[s], k)));
        if (method.estimates_error() && t == 0 && fine == 0) {
          const std::vector<double> e = method.difference(step, k);
          estimated = std::hypot(e[0], e[1]);
          const std::vector<double> lower = RungeKutta::combination(y, step, method.b_lower, k);
          of_step = std::hypot(lower[0] - std::sin(step), lower[1] - std::cos(step));
        }
        y = RungeKutta::combination(y, step, method.b, k);
      }
      errors[fine] = std::hypot(y[0] - std::sin(1.0), y[1] - std::cos(1.0));
    }
    INFO(method.order);
    CHECK(std::abs(std::log2(errors[0] / errors[1]) - method.order) < 0.25);
    if (!method.estimates_error()) continue;
    CHECK(std::abs(estimated / of_step - 1) < 0.1);
  }
}
