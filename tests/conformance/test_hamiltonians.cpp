// The laws of SpinHamiltonian, for everything that the catalogue offers under [hamiltonian], on every lattice and
// boundary.
#include <Eigen/Eigenvalues>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>

#include "koushi/base/error.hpp"
#include "registered.hpp"

using namespace koushi;

namespace {

/// Operators as 2^n x 2^n matrices by the algebra of Pauli matrices alone; bit i of a state is set where sigma^z_i =
/// +1.
struct PauliAlgebra {
  int n;
  Eigen::Index size() const { return Eigen::Index{1} << n; }
  static double z(Eigen::Index state, int i) { return (state >> i & 1) != 0 ? 1.0 : -1.0; }
  void add_zz(Eigen::MatrixXd& h, double c, int i, int j) const {
    for (Eigen::Index a = 0; a < size(); ++a) h(a, a) += c * z(a, i) * z(a, j);
  }
  void add_z(Eigen::MatrixXd& h, double c, int i) const {
    for (Eigen::Index a = 0; a < size(); ++a) h(a, a) += c * z(a, i);
  }
  void add_x(Eigen::MatrixXd& h, double c, int i) const {
    for (Eigen::Index a = 0; a < size(); ++a) h(a ^ (Eigen::Index{1} << i), a) += c;
  }
  /// c (sigma^x sigma^x + sigma^y sigma^y)
  void add_xy(Eigen::MatrixXd& h, double c, int i, int j) const {
    for (Eigen::Index a = 0; a < size(); ++a) {
      // sigma^x sigma^x, and sigma^y sigma^y = -zz times it
      h(a ^ (Eigen::Index{1} << i) ^ (Eigen::Index{1} << j), a) += c * (1 - z(a, i) * z(a, j));
    }
  }
};

std::vector<std::vector<std::int8_t>> all_states(int n) {
  std::vector<std::vector<std::int8_t>> basis;
  for (Eigen::Index a = 0; a < (Eigen::Index{1} << n); ++a) {
    std::vector<std::int8_t> state;
    for (int i = 0; i < n; ++i) state.push_back(PauliAlgebra::z(a, i) > 0 ? 1 : -1);
    basis.push_back(state);
  }
  return basis;
}

/// The formulas of docs/conventions.md, written once more.
Eigen::MatrixXd written_out(const std::string& kind, int n, const std::vector<Bond>& bonds,
                            const std::vector<std::int8_t>& sublattice, double J1, double J2, double anisotropy,
                            double field, double staggered) {
  const PauliAlgebra pauli{n};
  Eigen::MatrixXd h = Eigen::MatrixXd::Zero(pauli.size(), pauli.size());
  for (const Bond& b : bonds) {
    const double J = b.shell == 1 ? J1 : J2;
    if (kind == "transverse-field-ising") {
      pauli.add_zz(h, b.sign * J, b.i, b.j);
    } else {
      pauli.add_xy(h, b.sign * J / 4, b.i, b.j);
      pauli.add_zz(h, J * anisotropy / 4, b.i, b.j);
    }
  }
  for (int i = 0; i < n; ++i) {
    if (kind == "transverse-field-ising") {
      pauli.add_x(h, field, i);
    } else {
      pauli.add_z(h, -field / 2, i);
      if (!sublattice.empty()) pauli.add_z(h, -staggered * sublattice[static_cast<std::size_t>(i)] / 2, i);
    }
  }
  return h;
}

Eigen::VectorXd spectrum(const Eigen::MatrixXd& h) {
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(h, Eigen::EigenvaluesOnly).eigenvalues();
}

const std::string rbm = "kind = \"rbm\"\n";

}  // namespace

TEST_CASE("every Hamiltonian on every lattice and boundary is the matrix of its formula", "[conformance]") {
  const std::string variant = GENERATE(from_range(offers("hamiltonian")));
  const std::string cluster = GENERATE(from_range(small_lattices()));
  const std::string boundary = GENERATE("periodic", "antiperiodic", "open");
  INFO(variant << cluster << boundary);
  const std::string kind = variant.substr(8, variant.find('"', 8) - 8);
  const bool ising = kind == "transverse-field-ising";
  const bool marshall = variant.find("marshall = true") != std::string::npos;
  const std::string couplings =
      fmt::format("J = [1.1, 0.4]\nfield = 0.7\n{}", kind == "xxz" ? "anisotropy = 1.3\n" : "");
  const std::string shape = cluster + "boundary = [\"" + boundary + "\"]\n";
  const Lattice lattice = make_lattice(deck_of(shape, variant + couplings, rbm));
  const std::vector<std::int8_t> sublattice = lattice.sublattice_sign();
  const bool bipartite = !sublattice.empty();
  const Deck deck = deck_of(shape, variant + couplings + (bipartite && !ising ? "staggered_field = 0.3\n" : ""), rbm);
  if (marshall && !bipartite) {
    CHECK_THROWS_AS(make_hamiltonian(deck, lattice), DeckError);
    return;
  }
  const int n = lattice.n_sites();
  REQUIRE(n <= 9);
  const Eigen::MatrixXd h = make_hamiltonian(deck, lattice).matrix(all_states(n));
  const Eigen::MatrixXd expected =
      written_out(kind, n, lattice.bonds(), sublattice, 1.1, 0.4, kind == "xxz" ? 1.3 : 1.0, 0.7, bipartite ? 0.3 : 0);
  CHECK((h - h.transpose()).norm() == 0);
  if (marshall) {
    CHECK((spectrum(h) - spectrum(expected)).norm() < 1e-10);
  } else {
    CHECK((h - expected).norm() < 1e-12);
  }
  if (!ising) {  // the sector of sum sigma^z is kept
    const auto states = all_states(n);
    for (Eigen::Index a = 0; a < h.rows(); ++a) {
      for (Eigen::Index b = 0; b < a; ++b) {
        if (h(a, b) == 0) continue;
        int change = 0;
        for (int i = 0; i < n; ++i)
          change += states[static_cast<std::size_t>(a)][static_cast<std::size_t>(i)] -
                    states[static_cast<std::size_t>(b)][static_cast<std::size_t>(i)];
        REQUIRE(change == 0);
      }
    }
  }
}

TEST_CASE("bonds of an antiperiodic ring change sign where they leave it, those of both shells",
          "[conformance][exact]") {
  const int n = 7;
  const std::string kind = GENERATE("xxz", "transverse-field-ising");
  const std::string variant =
      fmt::format("kind = \"{}\"\nJ = [1.0, 0.6]\nfield = 0.4\n{}", kind, kind == "xxz" ? "anisotropy = 0.5\n" : "");
  const Deck deck = deck_of("kind = \"chain\"\nextents = [7]\nboundary = [\"antiperiodic\"]\n", variant, rbm);
  std::vector<Bond> bonds;  // one crosses with J1: (6, 0); two with J2: (5, 0) and (6, 1)
  for (int i = 0; i < n; ++i) {
    bonds.push_back({i, (i + 1) % n, 1, 0, i + 1 < n ? 1 : -1});
    bonds.push_back({i, (i + 2) % n, 2, 0, i + 2 < n ? 1 : -1});
  }
  const Eigen::MatrixXd h = make_hamiltonian(deck, make_lattice(deck)).matrix(all_states(n));
  CHECK((h - written_out(kind, n, bonds, {}, 1.0, 0.6, 0.5, 0.4, 0)).norm() < 1e-12);
  for (Bond& b : bonds) b.sign = 1;
  CHECK((spectrum(h) - spectrum(written_out(kind, n, bonds, {}, 1.0, 0.6, 0.5, 0.4, 0))).norm() > 0.1);
}
