#include <Eigen/Eigenvalues>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/manybody/spin_hamiltonian.hpp"

using namespace koushi;

namespace {

std::vector<LabelledBond> ring(int n) {
  std::vector<LabelledBond> bonds;
  for (int i = 0; i < n; ++i) bonds.push_back({i, (i + 1) % n, 1});
  return bonds;
}

std::vector<std::int8_t> alternating(int n) {
  std::vector<std::int8_t> signs;
  for (int i = 0; i < n; ++i) signs.push_back(i % 2 == 0 ? 1 : -1);
  return signs;
}

Eigen::VectorXd spectrum(const Eigen::MatrixXd& h) {
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(h).eigenvalues();
}

}  // namespace

TEST_CASE("Heisenberg ring of 10 sites has its exact ground state", "[manybody][exact]") {
  const auto basis = spin_basis(10, true, 0);
  CHECK(basis.size() == 252);
  const auto h = make_xxz(10, ring(10), {.J = {1.0}});
  CHECK(std::abs(spectrum(h.matrix(basis))(0) / 10 - (-0.4515446354)) < 1e-9);
}

TEST_CASE("transverse-field Ising ring of 10 sites, Gamma = 1, has its exact ground state", "[manybody][exact]") {
  const auto basis = spin_basis(10, false, 0);
  for (const double sign : {1.0, -1.0}) {
    const auto h = make_transverse_field_ising(10, ring(10), {sign}, sign);
    CHECK(std::abs(spectrum(h.matrix(basis))(0) - (-12.784906443)) < 1e-8);
  }
}

TEST_CASE("the Marshall rotation keeps the spectrum and makes all off-diagonal elements non-positive", "[manybody]") {
  const auto basis = spin_basis(8, true, 0);
  XxzCouplings couplings{.J = {1.0}, .anisotropy = 0.7, .staggered_field = 0.3, .sublattice_sign = alternating(8)};
  const Eigen::MatrixXd plain = make_xxz(8, ring(8), couplings).matrix(basis);
  couplings.marshall = true;
  const Eigen::MatrixXd rotated = make_xxz(8, ring(8), couplings).matrix(basis);
  CHECK((spectrum(plain) - spectrum(rotated)).norm() < 1e-10);
  Eigen::MatrixXd off = rotated;
  off.diagonal().setZero();
  CHECK(off.maxCoeff() <= 0);
  CHECK((rotated - rotated.transpose()).norm() == 0);
}

TEST_CASE("two sites have the levels of singlet, triplet and Zeeman energy", "[manybody][exact]") {
  const auto h = make_xxz(2, {{0, 1, 1}}, {.J = {2.0}, .field = 0.5});
  const Eigen::VectorXd levels = spectrum(h.matrix(spin_basis(2, false, 0)));
  CHECK(std::abs(levels(0) + 1.5) < 1e-14);  // -3J/4
  CHECK(std::abs(levels(1) - 0.0) < 1e-14);  // J/4 - h
  CHECK(std::abs(levels(3) - 1.0) < 1e-14);  // J/4 + h
}

TEST_CASE("a lattice without sublattices refuses the Marshall rotation", "[manybody]") {
  CHECK_THROWS_AS(make_xxz(3, ring(3), {.J = {1.0}, .marshall = true}), UsageError);
}

TEST_CASE("a permutation is a symmetry where the matrix of H says so", "[manybody][exact]") {
  const int n = 6;
  const auto basis = spin_basis(n, false, 0);
  auto bonds = ring(n);
  auto antiperiodic = bonds;
  antiperiodic.back().sign = -1;
  auto twice = bonds;  // one bond written as two, as on a torus of width two
  for (auto& bond : twice) bond.shell = 2;
  twice.insert(twice.end(), bonds.begin(), bonds.end());
  twice.erase(twice.begin());
  const std::vector<SpinHamiltonian> all{
      make_xxz(n, bonds, {.J = {1.0}, .anisotropy = 0.5, .field = 0.3}),
      make_xxz(n, bonds, {.J = {1.0}, .staggered_field = 0.3, .sublattice_sign = alternating(n)}),
      make_xxz(n, bonds, {.J = {1.0}, .sublattice_sign = alternating(n), .marshall = true}),
      make_xxz(n, antiperiodic, {.J = {1.0}}),
      make_xxz(n, twice, {.J = {0.3, 0.1}}),
      make_transverse_field_ising(n, bonds, {1.0}, 0.7),
      make_transverse_field_ising(n, antiperiodic, {1.0}, 0.7)};
  int symmetries = 0;
  int others = 0;
  for (const SpinHamiltonian& h : all) {
    const Eigen::MatrixXd matrix = h.matrix(basis);
    const SymmetryTest is_symmetry(h);
    for (int k = 0; k < 2 * n + 1; ++k) {  // rotations, reflections, an exchange of two neighbours
      std::vector<int> g;
      for (int i = 0; i < n; ++i)
        g.push_back(k < n ? (i + k) % n : k < 2 * n ? (2 * n - i + k) % n : i < 2 ? 1 - i : i);
      Eigen::MatrixXd moved(matrix.rows(), matrix.cols());
      std::vector<Eigen::Index> image;
      for (const auto& state : basis) {
        std::size_t place = 0;
        for (int i = 0; i < n; ++i)
          place |= static_cast<std::size_t>(state[static_cast<std::size_t>(i)] > 0) << g[static_cast<std::size_t>(i)];
        image.push_back(static_cast<Eigen::Index>(place));
      }
      for (Eigen::Index a = 0; a < matrix.rows(); ++a) {
        for (Eigen::Index b = 0; b < matrix.cols(); ++b)
          moved(image[static_cast<std::size_t>(a)], image[static_cast<std::size_t>(b)]) = matrix(a, b);
      }
      const bool commutes = (moved - matrix).norm() < 1e-10;
      CAPTURE(k);
      CHECK(is_symmetry(g) == commutes);
      ++(commutes ? symmetries : others);
    }
  }
  CHECK(symmetries > 30);
  CHECK(others > 20);
}
