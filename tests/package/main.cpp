// koushi with one more Hamiltonian, H = sum_{i<j} J / d_ij^2 S_i.S_j on a ring of n sites with the chord d_ij = n / pi
// sin(pi (i - j) / n) as distance. Every second spin is rotated by pi about z, so that the ground state is positive.
// E_0 = - J pi^2 (n + 5 / n) / 24 for even n. Source: F. D. M. Haldane, Phys. Rev. Lett. 60, 635 (1988); B. S. Shastry,
// ibid. 639. With a factor of wavefunctions and an observable more, each in its own file.
#include <cmath>
#include <koushi/app/program.hpp>
#include <numbers>

using namespace koushi;

struct Options {
  double coupling = 1;
  static const Keys<Options>& keys() {
    static const auto all = Keys<Options>().real("coupling", &Options::coupling, {}, "J at the distance of one site");
    return all;
  }
};

Operator haldane_shastry(const DeckSection& section, const Lattice& lattice) {
  const Options options = Options::keys().read(section);
  const int n = lattice.n_sites();
  Operator h(Space::spins(n));
  for (int i = 0; i < n; ++i) {
    for (int j = i + 1; j < n; ++j) {
      const double chord = n / std::numbers::pi * std::sin(std::numbers::pi * (j - i) / n);
      const double J = options.coupling / (chord * chord);
      h.add_pair(i, j, J / 4);
      h.add_move(Move::transfer(i, j, 2), (j - i) % 2 == 0 ? J / 2 : -J / 2);
    }
  }
  return h;
}

FactorKind chord_kind();                   // chord.cpp
EstimatorKinds::OneKind staggered_kind();  // staggered.cpp

int main(int argc, char** argv) {
  return run_program(
      argc, argv,
      {.hamiltonians = {{"haldane-shastry", "sum_(i<j) J / d^2 S_i.S_j, d = n / pi sin(pi (i - j) / n), for a chain",
                         Options::keys().list(), haldane_shastry}},
       .factors = {chord_kind()},
       .estimators = {staggered_kind()}});
}
