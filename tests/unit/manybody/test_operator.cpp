// Operators and bases against matrices that are written anew in second quantisation, and exact energies.
#include <Eigen/Eigenvalues>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <functional>

#include "koushi/base/error.hpp"
#include "manybody.hpp"

using namespace koushi;

namespace {

double ground(const Operator& h) {
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd>(h.matrix(Basis(h.space())), Eigen::EigenvaluesOnly)
      .eigenvalues()(0);
}

/// c (or c^dagger) of place p on a state: its sign by the fermions before p, 0 where it gives nothing.
int annihilate(const Space& space, std::vector<std::int8_t>& x, int p, bool create) {
  auto& here = x[static_cast<std::size_t>(p)];
  if ((here != 0) == create) return 0;
  int sign = 1;
  for (int q = 0; q < p; ++q) {
    if (space.is_fermionic(q) && x[static_cast<std::size_t>(q)] != 0) sign = -sign;
  }
  here = create ? 1 : 0;
  return sign;
}

/// A product of operators, the last of which acts first, on a state: the number that comes out.
struct Letter {
  int place;
  bool create;
};
double act(const Space& space, std::vector<std::int8_t>& x, const std::vector<Letter>& word) {
  double sign = 1;
  for (auto letter = word.rbegin(); letter != word.rend() && sign != 0; ++letter)
    sign *= annihilate(space, x, letter->place, letter->create);
  return sign;
}

/// The matrix of sum weight word + adjoint.
class Words {
 public:
  explicit Words(const Space& space) : basis_(space), matrix_(Eigen::MatrixXcd::Zero(basis_.size(), basis_.size())) {}
  void add(double weight, const std::vector<Letter>& word,
           const std::function<double(std::vector<std::int8_t>&)>& also = {}) {
    for (Eigen::Index column = 0; column < matrix_.cols(); ++column) {
      std::vector<std::int8_t> x = basis_.state(column);
      double factor = also ? also(x) : 1.0;
      if (factor != 0) factor *= act(basis_.space(), x, word);
      const std::int64_t row = factor == 0 ? -1 : basis_.index(x.data());
      if (row < 0) continue;
      matrix_(row, column) += weight * factor;
      matrix_(column, row) += weight * factor;
    }
  }
  void diagonal(const std::function<double(const std::vector<std::int8_t>&)>& value) {
    for (Eigen::Index k = 0; k < matrix_.cols(); ++k) matrix_(k, k) += value(basis_.state(k));
  }
  const Eigen::MatrixXcd& matrix() const { return matrix_; }

 private:
  Basis basis_;
  Eigen::MatrixXcd matrix_;
};

Operator hubbard_ring(int n, double U, int up, int down) {
  const Space space = Space::electrons(n);
  Operator h(space);
  for (int i = 0; i < n; ++i) {
    for (const int f : {0, 1}) h.add_move(Move::hop(space.place(f, i), space.place(f, (i + 1) % n)), -1.0);
    h.add_pair(space.place(0, i), space.place(1, i), U);
  }
  h.fix("up", up);
  h.fix("down", down);
  return h;
}

}  // namespace

TEST_CASE("exact ground states of rings", "[manybody][exact]") {
  Operator heisenberg = ring(10);
  heisenberg.fix("magnetization", 0);
  CHECK(Basis(heisenberg.space()).size() == 252);
  CHECK(std::abs(ground(heisenberg) / 10 - (-0.4515446354)) < 1e-9);
  for (const double sign : {1.0, -1.0}) CHECK(std::abs(ground(ising_ring(10, sign, sign)) - (-12.784906443)) < 1e-8);
  CHECK(std::abs(ground(hubbard_ring(6, 4, 3, 3)) - (-3.668706179)) < 1e-8);
  CHECK(std::abs(ground(hubbard_ring(2, 4, 1, 1)) - (2 - std::sqrt(4.0 + 16.0))) < 1e-12);  // two bonds: t = 2
}

TEST_CASE("spins of any S have the levels of two spins", "[manybody][exact]") {
  for (int twice = 1; twice <= 8; ++twice) {
    Operator h(Space::spins(2, twice));
    h.add_pair(0, 1, 0.25);
    h.add_move(Move::transfer(0, 1, 2), 0.5);
    // S_1.S_2 = (J(J+1) - 2 S(S+1)) / 2, J = 0 ... 2S
    const double s = 0.5 * twice;
    CHECK(std::abs(ground(h) + s * (s + 1)) < 1e-10);
    h.fix("magnetization", 2 * twice);
    CHECK(std::abs(ground(h) - s * s) < 1e-12);
  }
}

TEST_CASE("electrons are those of second quantisation", "[manybody][exact]") {
  const int n = 4;
  for (const bool exclusive : {false, true}) {
    Space space = Space::electrons(n, exclusive);
    space.fix("up", 2);
    space.fix("down", exclusive ? 1 : 2);
    Operator h(space);
    Words words(space);
    for (int i = 0; i < n; ++i) {
      const int j = (i + 1) % n;
      for (const int f : {0, 1}) {
        h.add_move(Move::hop(space.place(f, i), space.place(f, j)), -1.0);
        words.add(-1.0, {{space.place(f, j), true}, {space.place(f, i), false}});
      }
      // S^+_j S^-_i = c^dagger_j,up c_j,down c^dagger_i,down c_i,up
      h.add_move(Move::two_hops(space.place(0, i), space.place(0, j), space.place(1, j), space.place(1, i)), -0.35);
      words.add(0.35, {{space.place(0, j), true},
                       {space.place(1, j), false},
                       {space.place(1, i), true},
                       {space.place(0, i), false}});
      // a pair that hops: c^dagger_j,up c^dagger_j,down c_i,down c_i,up
      if (exclusive) continue;
      h.add_move(Move::two_hops(space.place(0, i), space.place(0, j), space.place(1, i), space.place(1, j)), 0.2);
      words.add(0.2, {{space.place(0, j), true},
                      {space.place(1, j), true},
                      {space.place(1, i), false},
                      {space.place(0, i), false}});
    }
    CHECK((h.matrix(Basis(space)) - words.matrix()).norm() < 1e-12);
    CHECK(words.matrix().norm() > 1);
  }
}

TEST_CASE("an electron and a spin exchange what they point at", "[manybody][exact]") {
  const int n = 3;
  Space space = Space::electrons_and_spins(n);
  space.fix("particles", 3);
  space.fix("magnetization", 0);
  Operator h(space);
  Words words(space);
  for (int i = 0; i < n; ++i) {
    const int up = space.place(0, i);
    const int down = space.place(1, i);
    const int spin = space.place(2, i);
    h.add_pair(up, spin, 0.25);
    h.add_pair(down, spin, -0.25);
    h.add_move({3, 1, {down, up, spin}, {-1, 1, -2}}, 0.5);
    for (const int f : {0, 1}) {
      if (i + 1 == n) continue;
      h.add_move(Move::hop(space.place(f, i), space.place(f, i + 1)), -1.0);
      words.add(-1.0, {{space.place(f, i + 1), true}, {space.place(f, i), false}});
    }
    words.add(0.5, {{up, true}, {down, false}}, [spin](std::vector<std::int8_t>& x) {  // S^-
      auto& s = x[static_cast<std::size_t>(spin)];
      if (s < 0) return 0.0;
      s = -1;
      return 1.0;
    });
    words.diagonal([=](const std::vector<std::int8_t>& x) {
      return 0.25 * (x[static_cast<std::size_t>(up)] - x[static_cast<std::size_t>(down)]) *
             x[static_cast<std::size_t>(spin)];
    });
  }
  CHECK((h.matrix(Basis(space)) - words.matrix()).norm() < 1e-12);
  CHECK(h.conserves(space.charges()[0]));
  CHECK(h.conserves(space.charges()[1]));
}

TEST_CASE("two electrons on two singly occupied sites are a singlet and a triplet", "[manybody][exact]") {
  Space space = Space::electrons(2, true);
  space.fix("up", 1);
  space.fix("down", 1);
  Operator h(space);  // S_1.S_2
  for (const int f : {0, 1}) {
    for (const int g : {0, 1}) h.add_pair(space.place(f, 0), space.place(g, 1), f == g ? 0.25 : -0.25);
  }
  h.add_move(Move::two_hops(0, 1, 3, 2), -0.5);
  const Eigen::VectorXd levels = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd>(h.matrix(Basis(space))).eigenvalues();
  CHECK(std::abs(levels(0) + 0.75) < 1e-14);
  CHECK(std::abs(levels(1) - 0.25) < 1e-14);
}

TEST_CASE("bosons have the factors of b and b^dagger", "[manybody][exact]") {
  // Two sites, N bosons, U = 0: N levels of one particle between -t and t, E_0 = -N t.
  for (const int particles : {1, 2, 5}) {
    Operator h(Space::bosons(2, 6));
    h.add_move(Move::transfer(0, 1, 1), -1.0);
    h.fix("particles", particles);
    CHECK(std::abs(ground(h) + particles) < 1e-10);
  }
}

TEST_CASE("a basis numbers the states of its sector", "[manybody]") {
  std::vector<Space> spaces{Space::spins(6),
                            Space::spins(4, 3),
                            Space::electrons(4),
                            Space::electrons(4, true),
                            Space::bosons(5, 3),
                            Space::electrons_and_spins(3),
                            Space::spinless_fermions(6)};
  spaces[0].fix("magnetization", 2);
  spaces[1].fix("magnetization", -2);
  spaces[2].fix("up", 3);
  spaces[2].fix("down", 1);
  spaces[3].fix("up", 1);
  spaces[3].fix("down", 2);
  spaces[4].fix("particles", 6);
  spaces[5].fix("particles", 2);
  spaces[5].fix("magnetization", 1);
  spaces[6].fix("particles", 3);
  const std::int64_t sizes[] = {15, 40, 16, 12, 135, 39, 20};
  for (std::size_t k = 0; k < spaces.size(); ++k) {
    const Basis basis(spaces[k]);
    CHECK(basis.size() == sizes[k]);
    CHECK(sector_dimension(spaces[k]) == static_cast<double>(sizes[k]));
    for (std::int64_t s = 0; s < basis.size(); ++s) REQUIRE(basis.index(basis.state(s).data()) == s);
    for (std::uint64_t stream = 0; stream < 20; ++stream) {
      std::vector<std::int8_t> local(static_cast<std::size_t>(spaces[k].n_places()));
      std::vector<std::int16_t> particle(static_cast<std::size_t>(spaces[k].n_particles()));
      std::vector<std::int16_t> occupant(static_cast<std::size_t>(spaces[k].n_places()));
      spaces[k].randomize({local.data(), particle.data(), occupant.data()}, 3, stream);
      REQUIRE(basis.index(local.data()) >= 0);
      for (std::size_t a = 0; a < particle.size(); ++a)
        REQUIRE(occupant[static_cast<std::size_t>(particle[a])] == static_cast<int>(a));
    }
  }
}

TEST_CASE("sectors that have no state are refused with those that have", "[manybody]") {
  Space spins = Space::spins(5);
  CHECK_THROWS_AS(spins.fix("magnetization", 2), UsageError);
  CHECK_THROWS_AS(spins.fix("magnetization", 7), UsageError);
  spins.fix("magnetization", 3);
  Space electrons = Space::electrons(4, true);
  electrons.fix("up", 3);
  CHECK_THROWS_AS(electrons.fix("down", 2), UsageError);
  electrons.fix("down", 1);
  Operator h = ising_ring(4, 1, 1);
  CHECK_THROWS_AS(h.fix("magnetization", 0), UsageError);
}

TEST_CASE("a permutation is a symmetry where the matrix of H says so", "[manybody][exact]") {
  const int n = 6;
  Operator antiperiodic = ring(n - 1 + 1);
  antiperiodic.add_move(Move::transfer(n - 1, 0, 2), -1.0);  // the last bond changes its sign
  Operator field = ring(n);
  for (int i = 0; i < n; ++i) field.add_linear(i, i % 2 == 0 ? 0.3 : -0.3);
  Operator spin1(Space::spins(4, 2));
  for (int i = 0; i < 4; ++i) {
    spin1.add_pair(i, (i + 1) % 4, 0.25);
    spin1.add_move(Move::transfer(i, (i + 1) % 4, 2), 0.5);
  }
  Operator bosons(Space::bosons(4, 2));
  for (int i = 0; i < 4; ++i) bosons.add_move(Move::transfer(i, (i + 1) % 4, 1), i == 0 ? -0.5 : -1.0);
  int symmetries = 0;
  int others = 0;
  for (const Operator& h : {ring(n), ising_ring(n, 1, 0.7), antiperiodic, field, spin1, bosons}) {
    const Basis basis(h.space());
    const int sites = h.n_sites();
    const Eigen::MatrixXcd matrix = h.matrix(basis);
    const SymmetryTest is_symmetry(h);
    for (int k = 0; k < 2 * sites + 1; ++k) {  // rotations, reflections, an exchange of two neighbours
      std::vector<int> g;
      for (int i = 0; i < sites; ++i)
        g.push_back(k < sites ? (i + k) % sites : k < 2 * sites ? (2 * sites - i + k) % sites : i < 2 ? 1 - i : i);
      Eigen::MatrixXcd moved(matrix.rows(), matrix.cols());
      std::vector<Eigen::Index> image;
      for (std::int64_t s = 0; s < basis.size(); ++s) {
        const auto state = basis.state(s);
        auto to = state;
        for (std::size_t i = 0; i < state.size(); ++i) to[static_cast<std::size_t>(g[i])] = state[i];
        image.push_back(basis.index(to.data()));
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
