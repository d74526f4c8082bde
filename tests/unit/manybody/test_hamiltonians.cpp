// Ring exchange, disorder, further terms and couplings of many shells, against matrices written out.
#include <fmt/format.h>

#include <Eigen/Dense>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <map>
#include <set>

#include "cells.hpp"
#include "koushi/base/error.hpp"
#include "koushi/manybody/hamiltonian.hpp"
#include "manybody.hpp"

using namespace koushi;

namespace {

Operator made(const std::string& text, const Lattice& lattice) {
  const Deck deck =
      Deck::parse("[hamiltonian]\n" + text, "h.toml", {}, {{"hamiltonian", "", false, declared_hamiltonians()}});
  return make_hamiltonian(DeckSection(deck, "hamiltonian"), lattice);
}

Lattice torus(const std::string& name, const std::vector<int>& extents, Boundary boundary = Boundary::periodic,
              const std::vector<double>& twist = {}) {
  const Eigen::MatrixXi supercell =
      Eigen::Map<const Eigen::VectorXi>(extents.data(), static_cast<Eigen::Index>(extents.size())).asDiagonal();
  return Lattice::with_shells(unit_cell(name), supercell, std::vector<Boundary>(extents.size(), boundary), twist);
}

Eigen::MatrixXcd matrix_of(const Operator& h) { return h.matrix(Basis(h.space())); }

/// P + P^-1 of a ring on spins 1/2, where S^+ at corner k has the phase of the ring.
void add_permutations(Eigen::MatrixXcd& matrix, const Basis& basis, const Ring& ring) {
  for (std::int64_t column = 0; column < basis.size(); ++column) {
    const std::vector<std::int8_t> x = basis.state(column);
    for (const std::size_t turn : {std::size_t{1}, std::size_t{3}}) {
      std::vector<std::int8_t> y = x;
      std::complex<double> phase = 1;
      for (std::size_t k = 0; k < 4; ++k) {
        const auto to = static_cast<std::size_t>(ring.sites[(k + turn) % 4]);
        y[to] = x[static_cast<std::size_t>(ring.sites[k])];
      }
      for (std::size_t k = 0; k < 4; ++k) {
        const auto site = static_cast<std::size_t>(ring.sites[k]);
        const std::complex<double> raise =
            static_cast<double>(ring.sign[k]) * std::polar(1.0, 2 * std::acos(-1.0) * ring.turns[k]);
        if (y[site] > x[site]) phase *= raise;
        if (y[site] < x[site]) phase *= std::conj(raise);
      }
      matrix(basis.index(y.data()), column) += phase;
    }
  }
}

}  // namespace

TEST_CASE("ring exchange moves spins around the rings of four bonds", "[manybody][exact]") {
  struct Case {
    std::string name;
    std::vector<int> extents;
    Boundary boundary;
    std::vector<double> twist;
    std::size_t rings;
  };
  const Case one = GENERATE(
      Case{"square", {3, 3}, Boundary::periodic, {}, 9}, Case{"square", {3, 3}, Boundary::open, {}, 4},
      Case{"square", {3, 3}, Boundary::periodic, {0.3, -0.1}, 9},
      Case{"square", {4, 2}, Boundary::periodic, {}, 8},  // every plaquette twice
      Case{"triangular", {3, 3}, Boundary::periodic, {}, 27}, Case{"triangular", {3, 3}, Boundary::open, {0.0, 0.0}, 8},
      Case{"cubic", {2, 2, 2}, Boundary::open, {}, 6});
  CAPTURE(one.name, one.extents, one.twist);
  const Lattice lattice = torus(one.name, one.extents, one.boundary, one.twist);
  const std::vector<Ring> rings = lattice.rings(4);
  REQUIRE(rings.size() == one.rings);
  const Operator h = made("kind = \"exchange-matrix\"\ncouplings = [[\"J\", 1, 0.7]]\nring = 0.3\n", lattice);
  const Operator without = made("kind = \"exchange-matrix\"\ncouplings = [[\"J\", 1, 0.7]]\n", lattice);
  const Basis basis(h.space());
  Eigen::MatrixXcd expected = Eigen::MatrixXcd::Zero(basis.size(), basis.size());
  for (const Ring& ring : rings) {
    for (std::size_t k = 0; k < 4; ++k) {
      const int i = ring.sites[k];
      const int j = ring.sites[(k + 1) % 4];
      CHECK(std::abs(lattice.distance(i, j) - 1) < 1e-12);
    }
    add_permutations(expected, basis, ring);
  }
  expected = matrix_of(without) + 0.3 * expected;
  CHECK((matrix_of(h) - expected).cwiseAbs().maxCoeff() < 1e-12);
}

TEST_CASE("rings are refused where there are none", "[manybody]") {
  using Catch::Matchers::ContainsSubstring;
  const std::string h = "kind = \"exchange-matrix\"\ncouplings = [[\"J\", 1, 1.0]]\nring = 1.0\n";
  CHECK_THROWS_WITH(made(h, torus("honeycomb", {3, 3})), ContainsSubstring("no four nearest neighbours"));
  CHECK_THROWS_WITH(made(h, torus("kagome", {2, 2})), ContainsSubstring("no four nearest neighbours"));
  CHECK_THROWS_WITH(made(h, torus("chain", {4})), ContainsSubstring("no four nearest neighbours"));
  CHECK_THROWS_WITH(made(h + "spin = 1.0\n", torus("square", {4, 4})), ContainsSubstring("spins 1/2"));
}

TEST_CASE("further terms are added to any Hamiltonian", "[manybody][exact]") {
  const Lattice chain = torus("chain", {4});
  const Eigen::MatrixXcd both =
      matrix_of(made("kind = \"heisenberg\"\nextra_terms = [[0.3, \"Sz\", 2], [0.4, 0.1, \"S+\", 0, \"S-\", 2], [0.4, "
                     "-0.1, \"S+\", 2, "
                     "\"S-\", 0]]\n",
                     chain));
  const Eigen::MatrixXcd h = matrix_of(made("kind = \"heisenberg\"\n", chain));
  const Eigen::MatrixXcd terms = matrix_of(made(
      "kind = \"terms\"\nterms = [[0.3, \"Sz\", 2], [0.4, 0.1, \"S+\", 0, \"S-\", 2], [0.4, -0.1, \"S+\", 2, \"S-\", "
      "0]]\n",
      chain));
  CHECK((both - h - terms).cwiseAbs().maxCoeff() < 1e-14);
  CHECK(terms.cwiseAbs().maxCoeff() > 0.1);
  const Operator hubbard = made("kind = \"hubbard\"\nextra_terms = [[0.7, \"n_up\", 1, \"n_down\", 3]]\n", chain);
  CHECK(hubbard.parts().back().first == "extra_terms");
  CHECK_THROWS(made("kind = \"heisenberg\"\nmarshall = true\nextra_terms = [[0.3, \"Sx\", 2]]\n", chain));
  CHECK_NOTHROW(made("kind = \"heisenberg\"\nmarshall = true\nextra_terms = [[0.3, \"Sz\", 2]]\n", chain));
}

TEST_CASE("words of Pauli matrices are products of 2 S", "[manybody][exact]") {
  const Lattice chain = torus("chain", {4});
  const Eigen::MatrixXcd words = matrix_of(made(
      "kind = \"terms\"\nterms = [[0.5, \"XIYI\"], [0.25, \"IZZI\"], [-1.0, \"YYYY\"], [0.125, \"IIII\"]]\n", chain));
  const Eigen::MatrixXcd names = matrix_of(
      made("kind = \"terms\"\nterms = [[2.0, \"Sx\", 0, \"Sy\", 2], [1.0, \"Sz\", 1, \"Sz\", 2], [-16.0, \"Sy\", 0, "
           "\"Sy\", 1, \"Sy\", 2, \"Sy\", 3], [0.125]]\n",
           chain));
  CHECK((words - names).cwiseAbs().maxCoeff() < 1e-14);
}

TEST_CASE("disorder multiplies all terms of a part on the same sites", "[manybody][exact]") {
  const Lattice square = torus("square", {4, 5});
  const std::string plain = "kind = \"xxz\"\nJ = [1.0, 0.5]\nanisotropy = 0.3\nfield = 2.0\n";
  const std::string rows = "disorder = [[\"J\", \"box\", 0.5, 1.5], [\"field\", \"normal\", 0.0, 1.0]]\n";
  const Operator h = made(plain + rows + "realisation = 7\n", square);
  const Operator mean = made(plain, square);
  REQUIRE(h.parts().size() == mean.parts().size());
  double linear = 0;
  for (std::size_t k = 0; k < h.parts().size(); ++k) {
    const Operator& part = h.parts()[k].second;
    const Operator& before = mean.parts()[k].second;
    REQUIRE(part.pairs().size() == before.pairs().size());
    std::map<std::set<int>, double> factors;
    for (std::size_t b = 0; b < part.pairs().size(); ++b) {
      const double factor = part.pairs()[b].weight / before.pairs()[b].weight;
      CHECK(factor > 0.5);
      CHECK(factor < 1.5);
      CHECK(std::abs(part.moves()[b].element - factor * before.moves()[b].element) < 1e-14);
      factors[{part.pairs()[b].p, part.pairs()[b].q}] = factor;
    }
    std::set<double> different;
    for (const auto& [sites, factor] : factors) different.insert(factor);
    CHECK(different.size() == factors.size());
    for (const double x : part.linear()) linear += x;
  }
  // H is the sum of its parts, and the numbers are those of the realisation alone
  double sum = 0;
  for (const double x : h.linear()) sum += x;
  CHECK(std::abs(sum - linear) < 1e-12);
  const Operator again = made(plain + rows + "realisation = 7\n", square);
  const Operator other = made(plain + rows + "realisation = 8\n", square);
  CHECK(again.pairs()[3].weight == h.pairs()[3].weight);
  CHECK(other.pairs()[3].weight != h.pairs()[3].weight);
  // another part that is left out does not change them
  const Operator fewer = made(
      "kind = \"xxz\"\nJ = [1.0, 0.5]\nanisotropy = 0.3\n"
      "disorder = [[\"J\", \"box\", 0.5, 1.5]]\nrealisation = 7\n",
      square);
  CHECK(fewer.parts()[0].second.pairs()[3].weight == h.parts()[1].second.pairs()[3].weight);
}

TEST_CASE("random factors have their laws", "[manybody][statistical]") {
  const Lattice square = torus("square", {40, 40});
  struct Case {
    std::string law;
    double mean;
    double variance;
  };
  const Case one = GENERATE(Case{"\"box\", -1.0, 3.0", 1, 16.0 / 12}, Case{"\"normal\", 0.5, 2.0", 0.5, 4},
                            Case{"\"signs\", 0.25", 0.5, 0.75});
  const Operator h = made("kind = \"heisenberg\"\nJ = [4.0]\ndisorder = [[\"J_1\", " + one.law + "]]\n", square);
  const auto n = static_cast<double>(h.pairs().size());
  REQUIRE(n == 3200);
  double sum = 0;
  double squares = 0;
  double neighbours = 0;
  for (std::size_t b = 0; b < h.pairs().size(); ++b) {
    const double x = h.pairs()[b].weight - one.mean;
    sum += x;
    squares += x * x;
    neighbours += x * (h.pairs()[(b + 1) % h.pairs().size()].weight - one.mean);
  }
  CHECK(std::abs(sum / n) < 4 * std::sqrt(one.variance / n));
  CHECK(std::abs(squares / n - one.variance) < 6 * one.variance / std::sqrt(n));
  CHECK(std::abs(neighbours / n) < 4 * one.variance / std::sqrt(n));
}

TEST_CASE("couplings of many shells", "[manybody][exact]") {
  // Haldane and Shastry: J_d = (pi / N)^2 / sin^2(pi d / N); E_0 = -(pi^2 / 24) (N + 5 / N)
  const int n = 10;
  std::string J;
  for (int d = 1; d <= n / 2; ++d) {
    // the bonds of half the ring are there twice
    const double coupling =
        std::pow(std::acos(-1.0) / n / std::sin(std::acos(-1.0) * d / n), 2) * (2 * d == n ? 0.5 : 1);
    J += fmt::format("{}{:.17g}", d > 1 ? ", " : "", coupling);
  }
  Operator h = made("kind = \"heisenberg\"\nJ = [" + J + "]\n", torus("chain", {n}));
  h.fix("magnetization", 0);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solved(matrix_of(h));
  CHECK(std::abs(solved.eigenvalues()(0) + std::pow(std::acos(-1.0), 2) / 24 * (n + 5.0 / n)) < 1e-12);
}
