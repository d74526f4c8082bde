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

namespace {

/// S^x, S^y, S^z of spin i of n spins 1/2, states in the order of their bits (set: up).
Eigen::MatrixXcd spin_matrix(int n, int axis, int i) {
  const Eigen::Index size = Eigen::Index{1} << n;
  Eigen::MatrixXcd s = Eigen::MatrixXcd::Zero(size, size);
  for (Eigen::Index a = 0; a < size; ++a) {
    const bool up = (a >> i & 1) != 0;
    const Eigen::Index flipped = a ^ (Eigen::Index{1} << i);
    if (axis == 0) s(flipped, a) = 0.5;
    if (axis == 1) s(flipped, a) = up ? std::complex<double>(0, 0.5) : std::complex<double>(0, -0.5);
    if (axis == 2) s(a, a) = up ? 0.5 : -0.5;
  }
  return s;
}

}  // namespace

TEST_CASE("an exchange matrix of multiples of one is Heisenberg's model, of three numbers XXZ",
          "[conformance][exact]") {
  const std::string cluster = GENERATE(from_range(small_lattices()));
  const std::string ends =
      GENERATE("boundary = [\"periodic\"]\n", "boundary = [\"antiperiodic\"]\n", "boundary = [\"open\"]\n");
  INFO(cluster << ends);
  const auto matrix = [&](const std::string& hamiltonian) {
    const Deck deck = deck_of(cluster + ends, hamiltonian, rbm);
    const Operator h = make_hamiltonian(deck, make_lattice(deck));
    return h.matrix(Basis(h.space()));
  };
  const Eigen::MatrixXcd heisenberg = matrix("kind = \"heisenberg\"\nJ = [1.1, 0.4]\nfield = 0.7\n");
  const Eigen::MatrixXcd same =
      matrix("kind = \"exchange-matrix\"\ncouplings = [[\"J\", 1, 1.1], [\"J\", 2, 0.4]]\nfield = [0.0, 0.0, 0.7]\n");
  CHECK((same - heisenberg).norm() < 1e-12);
  const Eigen::MatrixXcd xxz = matrix("kind = \"xxz\"\nJ = [1.1, 0.4]\nanisotropy = 1.3\n");
  const Eigen::MatrixXcd components = matrix(
      "kind = \"exchange-matrix\"\ncouplings = [[\"J\", 1, 1.1], [\"xx\", 2, 0.4], [\"yy\", 2, 0.4], [\"zz\", 1, "
      "0.33], "
      "[\"zz\", 2, 0.52]]\n");
  CHECK((components - xxz).norm() < 1e-12);
}

TEST_CASE("exchange matrices of every direction are the matrix of their formula", "[conformance][exact]") {
  const std::string cluster = GENERATE("kind = \"chain\"\nextents = [5]\n", "kind = \"square\"\nextents = [3, 2]\n",
                                       "kind = \"honeycomb\"\nextents = [2, 2]\n",
                                       "kind = \"kagome\"\nextents = [1, 2]\nboundary = [\"open\"]\n",
                                       "kind = \"triangular\"\nextents = [3, 2]\n");
  const std::string ends = cluster.find("open") != std::string::npos
                               ? ""
                               : GENERATE("", "twist = [0.15, 0.4]\n", "boundary = [\"antiperiodic\"]\n");
  const std::string twist =
      cluster.find("chain") != std::string::npos && ends.rfind("twist", 0) == 0 ? "twist = [0.15]\n" : ends;
  INFO(cluster << twist);
  std::string couplings = "couplings = [[\"Dy\", 1, 0.3], [\"Gx\", 1, 0.2], [\"J\", 1, 0.7]";
  const char* const names[] = {"x", "y", "z"};
  const Lattice lattice = make_lattice(deck_of(cluster + twist, "kind = \"heisenberg\"\n", rbm));
  int directions = 0;
  for (const Bond& bond : lattice.bonds(1)) directions = std::max(directions, bond.direction + 1);
  const auto value = [](int d, int a, int b) { return std::sin(1.0 + 9 * d + 3 * a + b); };
  for (int d = 0; d < directions; ++d) {
    for (int a = 0; a < 3; ++a) {
      for (int b = 0; b < 3; ++b)
        couplings += fmt::format(", [\"{}{}\", 1, {}, {}]", names[a], names[b], d, value(d, a, b));
    }
  }
  const Deck deck =
      deck_of(cluster + twist, "kind = \"exchange-matrix\"\nfield = [0.3, -0.2, 0.5]\n" + couplings + "]\n", rbm);
  const Operator made = make_hamiltonian(deck, lattice);
  const Eigen::MatrixXcd h = made.matrix(Basis(made.space()));

  const int n = lattice.n_sites();
  Eigen::MatrixXcd expected = Eigen::MatrixXcd::Zero(h.rows(), h.cols());
  for (const Bond& bond : lattice.bonds(1)) {
    Eigen::Matrix3d m = 0.7 * Eigen::Matrix3d::Identity();
    m(2, 0) += 0.3;  // (S_i x S_j)^y = S^z_i S^x_j - S^x_i S^z_j
    m(0, 2) -= 0.3;
    m(1, 2) += 0.2;
    m(2, 1) += 0.2;
    for (int a = 0; a < 3; ++a) {
      for (int b = 0; b < 3; ++b) m(a, b) += value(bond.direction, a, b);
    }
    // What crosses an end is turned about z: S^+ becomes e^(i phi) S^+.
    const double phi = 2 * std::acos(-1.0) * bond.turns + (bond.sign < 0 ? std::acos(-1.0) : 0.0);
    const Eigen::MatrixXcd x = spin_matrix(n, 0, bond.j);
    const Eigen::MatrixXcd y = spin_matrix(n, 1, bond.j);
    const Eigen::MatrixXcd turned[] = {std::cos(phi) * x - std::sin(phi) * y, std::sin(phi) * x + std::cos(phi) * y,
                                       spin_matrix(n, 2, bond.j)};
    for (int a = 0; a < 3; ++a) {
      for (int b = 0; b < 3; ++b) expected += m(a, b) * spin_matrix(n, a, bond.i) * turned[b];
    }
  }
  for (int i = 0; i < n; ++i)
    expected -= 0.3 * spin_matrix(n, 0, i) - 0.2 * spin_matrix(n, 1, i) + 0.5 * spin_matrix(n, 2, i);
  CHECK((h - expected).norm() < 1e-11 * expected.norm());
}

TEST_CASE("squares of products of spins 1, and their anisotropy", "[conformance][exact]") {
  const auto levels = [](const std::string& couplings) {
    const Deck deck = deck_of("kind = \"chain\"\nextents = [2]\nboundary = [\"open\"]\n",
                              "kind = \"exchange-matrix\"\nspin = 1.0\n" + couplings, rbm);
    const Operator h = make_hamiltonian(deck, make_lattice(deck));
    return spectrum(h.matrix(Basis(h.space())));
  };
  // S.S = 1, -1, -2 of total spin 2, 1, 0: J + Q, Q - J, 4 Q - 2 J; Affleck, Kennedy, Lieb and Tasaki have Q = J / 3
  const Eigen::VectorXd found = levels("couplings = [[\"J\", 1, 1.0], [\"Q\", 1, 0.3]]\n");
  CHECK(std::abs(found(0) - (4 * 0.3 - 2)) < 1e-12);
  for (int k = 1; k < 4; ++k) CHECK(std::abs(found(k) - (0.3 - 1)) < 1e-12);
  for (int k = 4; k < 9; ++k) CHECK(std::abs(found(k) - 1.3) < 1e-12);
  CHECK(std::abs(levels("couplings = [[\"J\", 1, 0.0]]\nsingle_ion = 0.5\n")(8) - 1.0) < 1e-12);
}
