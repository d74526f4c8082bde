// The laws of Operator, for everything that the catalogue offers under [hamiltonian], on every lattice and
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

/// Of spins whose sector is free: states in the order of their bits.
Eigen::MatrixXd matrix_of(const Operator& h) {
  const Eigen::MatrixXcd matrix = h.matrix(Basis(h.space()));
  REQUIRE(matrix.imag().norm() == 0);
  return matrix.real();
}

Eigen::VectorXd spectrum(const Eigen::MatrixXcd& h) {
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd>(h, Eigen::EigenvaluesOnly).eigenvalues();
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
  if (!ising && kind != "heisenberg" && kind != "xxz") return;
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
  const Operator made = make_hamiltonian(deck, lattice);
  const Eigen::MatrixXd h = matrix_of(made);
  const Eigen::MatrixXd expected =
      written_out(kind, n, lattice.bonds(), sublattice, 1.1, 0.4, kind == "xxz" ? 1.3 : 1.0, 0.7, bipartite ? 0.3 : 0);
  CHECK((h - h.transpose()).norm() == 0);
  if (marshall) {
    CHECK((spectrum(h) - spectrum(expected)).norm() < 1e-10);
  } else {
    CHECK((h - expected).norm() < 1e-12);
  }
  if (!ising) CHECK(made.conserves(made.space().charges()[0]));
}

TEST_CASE("every Hamiltonian is hermitian, conserves what fixes its sector, and finds its symmetries",
          "[conformance]") {
  const std::string variant = GENERATE(from_range(offers("hamiltonian")));
  const std::string cluster =
      GENERATE("kind = \"chain\"\nextents = [4]\n", "kind = \"chain\"\nextents = [4]\ntwist = [0.2]\n",
               "kind = \"triangular\"\nextents = [3, 1]\nboundary = [\"open\"]\n");
  INFO(variant << cluster);
  if (variant.find("marshall = true") != std::string::npos) return;
  const std::string more = variant.find("ising") != std::string::npos ? "field = 0.7\n"
                           : variant.find("xxz") != std::string::npos ? "anisotropy = 0.5\n"
                                                                      : "";
  const Deck deck = deck_of(cluster, variant + more, rbm);
  const Lattice lattice = make_lattice(deck);
  const Operator h = make_hamiltonian(deck, lattice);
  const Basis basis(h.space());
  const Eigen::MatrixXcd matrix = h.matrix(basis);  // throws where H leaves its sector
  CHECK((matrix - matrix.adjoint()).norm() < 1e-13);
  CHECK(matrix.norm() > 0);
  CHECK(spectrum(matrix).cwiseAbs().maxCoeff() <= h.bound() * (1 + 1e-12));
  Eigen::VectorXcd x = Eigen::VectorXcd::Random(basis.size());
  Eigen::VectorXcd y(basis.size());
  h.apply(basis, {x.data(), static_cast<std::size_t>(x.size())}, {y.data(), static_cast<std::size_t>(y.size())});
  CHECK((y - matrix * x).norm() < 1e-11 * (1 + matrix.norm()));
  const bool twisted = cluster.find("twist") != std::string::npos;
  CHECK(symmetry_group(SiteSymmetry::translations, lattice, h).size() ==
        (cluster.find("open") != std::string::npos || (twisted && !h.is_real()) ? 1U : 4U));
}

TEST_CASE("ground states of decks are those of exact diagonalisation", "[conformance][exact]") {
  const auto ground = [](const std::string& lattice, const std::string& hamiltonian, const std::string& set) {
    const Deck base = deck_of(lattice, hamiltonian, rbm);
    const Deck deck = Deck::parse(base.source(), "conformance.toml", {set}, catalogue());
    const Operator h = make_hamiltonian(deck, make_lattice(deck));
    return spectrum(h.matrix(Basis(h.space())))(0);
  };
  const std::string ring6 = "kind = \"chain\"\nextents = [6]\n";
  // Hubbard: Lieb and Wu by exact diagonalisation; free fermions and bosons by their levels; S = 1: two sites.
  CHECK(std::abs(ground(ring6, "kind = \"hubbard\"\nU = 4.0\n", "sampler.electrons=[3,3]") - (-3.668706179)) < 1e-8);
  CHECK(std::abs(ground(ring6, "kind = \"hubbard\"\nU = 0.0\n", "sampler.electrons=[3,1]") - (-6.0)) < 1e-10);
  CHECK(std::abs(ground(ring6, "kind = \"t-v\"\nV = [0.0]\n", "sampler.particles=3") - (-4.0)) < 1e-10);
  CHECK(std::abs(ground(ring6, "kind = \"bose-hubbard\"\nU = 0.0\nn_max = 3\n", "sampler.particles=3") - (-6.0)) <
        1e-10);
  CHECK(std::abs(ground("kind = \"chain\"\nextents = [2]\nboundary = [\"open\"]\n",
                        "kind = \"heisenberg\"\nspin = 1.0\n", "seed=1") -
                 (-2.0)) < 1e-12);
  // t-J: an electron pair without a hole is a singlet, J (-3/4 - 1/4).
  CHECK(std::abs(ground("kind = \"chain\"\nextents = [2]\nboundary = [\"open\"]\n", "kind = \"t-j\"\nJ = [0.4]\n",
                        "sampler.electrons=[1,1]") -
                 (-0.4)) < 1e-12);
  // A twist by half a turn is an antiperiodic end.
  const double twisted =
      ground(ring6.substr(0, ring6.size()) + "twist = [0.5]\n", "kind = \"hubbard\"\n", "sampler.electrons=[2,2]");
  const double antiperiodic =
      ground(ring6 + "boundary = [\"antiperiodic\"]\n", "kind = \"hubbard\"\n", "sampler.electrons=[2,2]");
  CHECK(std::abs(twisted - antiperiodic) < 1e-10);
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
  const Eigen::MatrixXd h = matrix_of(make_hamiltonian(deck, make_lattice(deck)));
  CHECK((h - written_out(kind, n, bonds, {}, 1.0, 0.6, 0.5, 0.4, 0)).norm() < 1e-12);
  for (Bond& b : bonds) b.sign = 1;
  CHECK((spectrum(h) - spectrum(written_out(kind, n, bonds, {}, 1.0, 0.6, 0.5, 0.4, 0))).norm() > 0.1);
}
