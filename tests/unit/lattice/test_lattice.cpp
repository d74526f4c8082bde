#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <set>
#include <tuple>

#include "cells.hpp"
#include "koushi/base/error.hpp"
#include "koushi/lattice/lattice.hpp"

using namespace koushi;

namespace {

Lattice make(const std::string& name, const std::vector<int>& extents, int shells = 1,
             Boundary boundary = Boundary::periodic) {
  const UnitCell cell = unit_cell(name);
  const Eigen::MatrixXi supercell = Eigen::Map<const Eigen::VectorXi>(extents.data(), cell.dimension()).asDiagonal();
  return {cell, supercell, std::vector<Boundary>(extents.size(), boundary), shell_bonds(cell, shells)};
}

int bonds_of_shell(const Lattice& lattice, int shell) {
  return static_cast<int>(
      std::count_if(lattice.bonds().begin(), lattice.bonds().end(), [&](const Bond& b) { return b.shell == shell; }));
}

}  // namespace

TEST_CASE("coordination numbers of all lattices, shells 1 to 3", "[lattice][exact]") {
  struct Row {
    std::string name;
    std::vector<int> extents;
    std::vector<int> coordination;
  };
  for (const Row& row :
       {Row{"chain", {12}, {2, 2, 2}}, Row{"square", {6, 8}, {4, 4, 4}}, Row{"triangular", {6, 6}, {6, 6, 6}},
        Row{"honeycomb", {5, 6}, {3, 6, 3}}, Row{"kagome", {4, 5}, {4, 4, 6}}, Row{"cubic", {5, 6, 7}, {6, 12, 8}}}) {
    CAPTURE(row.name);
    const Lattice lattice = make(row.name, row.extents, 3);
    for (int shell = 1; shell <= 3; ++shell) {
      std::vector<int> count(static_cast<std::size_t>(lattice.n_sites()));
      for (const Bond& b : lattice.bonds()) {
        if (b.shell != shell) continue;
        ++count[static_cast<std::size_t>(b.i)];
        ++count[static_cast<std::size_t>(b.j)];
      }
      for (const int c : count) CHECK(c == row.coordination[static_cast<std::size_t>(shell - 1)]);
    }
    int cells = 1;
    for (const int extent : row.extents) cells *= extent;
    CHECK(static_cast<int>(lattice.translations().size()) == cells);
    CHECK(std::is_sorted(lattice.translations()[0].begin(), lattice.translations()[0].end()));
  }
}

namespace {

bool each_of_them(const Permutation&) { return true; }

bool closed(const std::vector<Permutation>& elements) {
  const std::set<Permutation> group(elements.begin(), elements.end());
  if (group.size() != elements.size() || !std::is_sorted(elements[0].begin(), elements[0].end())) return false;
  for (const auto& g : group) {
    for (const auto& h : group) {
      Permutation product;
      for (const int site : h) product.push_back(g[static_cast<std::size_t>(site)]);
      if (group.count(product) == 0) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("neighbours of many shells are the vectors of a norm", "[lattice][exact]") {
  // numbers of vectors of the lattices Z^2 and A_2 by their length (theta series)
  const std::vector<int> square{4, 4, 4, 8, 4, 4, 8, 8, 4, 8, 4, 8, 12, 8, 8, 4, 8, 4, 8, 8, 8, 8, 4};
  const std::vector<int> triangular{6, 6, 6, 12, 6, 6, 12, 6, 12, 12, 6, 6, 12, 12, 6, 12, 12, 12, 6, 18};
  for (const auto& [name, numbers] : {std::pair{"square", square}, {"triangular", triangular}}) {
    const auto shells = static_cast<int>(numbers.size());
    std::vector<int> found(numbers.size(), 0);
    for (const BondClass& bond : shell_bonds(unit_cell(name), shells))
      found[static_cast<std::size_t>(bond.shell - 1)] += 2;
    CHECK(found == numbers);
  }
  // more shells change nothing of the first ones
  for (const char* name : {"kagome", "honeycomb", "cubic"}) {
    const std::vector<BondClass> few = shell_bonds(unit_cell(name), 3);
    const std::vector<BondClass> many = shell_bonds(unit_cell(name), 20);
    for (std::size_t k = 0; k < few.size(); ++k) {
      CHECK(few[k].cell == many[k].cell);
      CHECK(std::tuple(few[k].from, few[k].to, few[k].shell, few[k].direction) ==
            std::tuple(many[k].from, many[k].to, many[k].shell, many[k].direction));
    }
  }
}

TEST_CASE("translations are a group of permutations", "[lattice]") {
  CHECK(closed(make("kagome", {3, 4}).translations()));
}

TEST_CASE("space groups have cells x point group elements, and are groups that keep distances", "[lattice][exact]") {
  struct Row {
    std::string name;
    std::vector<int> extents;
    std::size_t order;
  };
  for (const Row& row :
       {Row{"chain", {7}, 14}, Row{"square", {5, 5}, 25 * 8}, Row{"square", {3, 5}, 15 * 4},
        Row{"triangular", {4, 4}, 16 * 12}, Row{"honeycomb", {3, 3}, 9 * 12}, Row{"kagome", {3, 3}, 9 * 12},
        Row{"kagome", {3, 4}, 12 * 2}, Row{"cubic", {3, 3, 3}, 27 * 48}, Row{"cubic", {3, 3, 5}, 45 * 16}}) {
    CAPTURE(row.name, row.extents);
    const Lattice lattice = make(row.name, row.extents, 2);
    const auto group = lattice.space_group(each_of_them);
    CHECK(group.size() == row.order);
    if (group.size() <= 200) CHECK(closed(group));
    std::set<std::tuple<int, int, int>> bonds;
    for (const Bond& b : lattice.bonds()) bonds.emplace(std::min(b.i, b.j), std::max(b.i, b.j), b.shell);
    for (const Permutation& g : group) {
      std::set<std::tuple<int, int, int>> moved;
      for (const auto& [i, j, shell] : bonds)
        moved.emplace(std::minmax(g[static_cast<std::size_t>(i)], g[static_cast<std::size_t>(j)]).first,
                      std::minmax(g[static_cast<std::size_t>(i)], g[static_cast<std::size_t>(j)]).second, shell);
      REQUIRE(moved == bonds);
    }
  }
  // Isometries that are one permutation on a small torus count once.
  CHECK(make("chain", {2}).space_group(each_of_them).size() == 2);
}

TEST_CASE("space groups of tori and clusters that break them", "[lattice]") {
  const UnitCell cell = unit_cell("square");
  Eigen::MatrixXi tilted(2, 2);
  tilted << 3, -1, 1, 3;
  const Lattice ten(cell, tilted, {Boundary::periodic, Boundary::periodic}, shell_bonds(cell, 1));
  CHECK(ten.space_group(each_of_them).size() == 40);  // rotations, no reflections
  // An open square has the symmetry of a square about its centre, which is no site here.
  const Lattice open = make("square", {4, 4}, 1, Boundary::open);
  std::set<std::pair<int, int>> bonds;
  for (const Bond& b : open.bonds()) bonds.emplace(std::minmax(b.i, b.j));
  const auto keeps_bonds = [&](const Permutation& g) {
    return std::all_of(bonds.begin(), bonds.end(), [&](const auto& b) {
      return bonds.count(std::minmax(g[static_cast<std::size_t>(b.first)], g[static_cast<std::size_t>(b.second)])) > 0;
    });
  };
  const auto group = open.space_group(keeps_bonds);
  CHECK(group.size() == 8);
  CHECK(closed(group));
  // A cell of two sites written out for what is a chain of one: the shift by half a cell is found as well.
  UnitCell doubled;
  doubled.vectors = Eigen::MatrixXd::Constant(1, 1, 2.0);
  doubled.offsets = {Eigen::VectorXd::Zero(1), Eigen::VectorXd::Ones(1)};
  const Lattice chain(doubled, Eigen::MatrixXi::Constant(1, 1, 4), {Boundary::periodic}, shell_bonds(doubled, 1));
  CHECK(chain.translations().size() == 4);
  CHECK(chain.space_group(each_of_them).size() == 16);
  // Square and cubic lattices with vectors as oblique as one likes.
  UnitCell oblique{Eigen::Matrix2d{{1, 1000}, {0, 1}}, {Eigen::VectorXd::Zero(2)}};
  CHECK(Lattice(oblique, 4 * Eigen::Matrix2i::Identity(), {Boundary::periodic, Boundary::periodic},
                {{0, 0, Eigen::Vector2i(1, 0)}})
            .space_group(each_of_them)
            .size() == 16 * 8);
  oblique = {Eigen::Matrix3d{{1, 30, -70}, {0, 1, 50}, {0, 0, 1}}, {Eigen::VectorXd::Zero(3)}};
  CHECK(Lattice(oblique, 3 * Eigen::Matrix3i::Identity(), std::vector(3, Boundary::periodic),
                {{0, 0, Eigen::Vector3i(1, 0, 0)}})
            .space_group(each_of_them)
            .size() == 27 * 48);
}

TEST_CASE("a tilted square supercell of 10 sites", "[lattice]") {
  const UnitCell cell = unit_cell("square");
  Eigen::MatrixXi supercell(2, 2);
  supercell << 3, -1, 1, 3;
  const Lattice lattice(cell, supercell, {Boundary::periodic, Boundary::periodic}, shell_bonds(cell, 1));
  CHECK(lattice.n_sites() == 10);
  CHECK(bonds_of_shell(lattice, 1) == 20);
  CHECK(lattice.translations().size() == 10);
  CHECK(lattice.sublattice_sign().size() == 10);
}

TEST_CASE("open boundaries lose bonds and translations", "[lattice]") {
  const Lattice lattice = make("square", {3, 4}, 2, Boundary::open);
  CHECK(bonds_of_shell(lattice, 1) == 2 * 4 + 3 * 3);
  CHECK(bonds_of_shell(lattice, 2) == 2 * 2 * 3);
  CHECK(lattice.translations().size() == 1);
}

TEST_CASE("antiperiodic boundaries give signs to the bonds that cross", "[lattice]") {
  const Lattice lattice = make("chain", {6}, 1, Boundary::antiperiodic);
  int negative = 0;
  for (const Bond& b : lattice.bonds()) negative += b.sign < 0 ? 1 : 0;
  CHECK(negative == 1);
  CHECK(lattice.translations().size() == 6);
}

TEST_CASE("sublattices exist where every ring is even", "[lattice]") {
  CHECK(make("square", {4, 6}).sublattice_sign().size() == 24);
  CHECK(make("honeycomb", {3, 3}).sublattice_sign().size() == 18);
  CHECK(make("cubic", {2, 4, 4}).sublattice_sign().size() == 32);
  CHECK(make("chain", {5}).sublattice_sign().empty());
  CHECK(make("triangular", {4, 4}).sublattice_sign().empty());
  CHECK(make("kagome", {2, 2}).sublattice_sign().empty());
  const Lattice square = make("square", {4, 4});
  const auto sign = square.sublattice_sign();
  for (const Bond& b : square.bonds())
    CHECK(sign[static_cast<std::size_t>(b.i)] != sign[static_cast<std::size_t>(b.j)]);
}

TEST_CASE("a torus of width two keeps and counts its double bonds", "[lattice]") {
  const Lattice lattice = make("square", {2, 4});
  CHECK(bonds_of_shell(lattice, 1) == 16);
  CHECK(lattice.doubled_pairs(1) == 4);
  const UnitCell cell = unit_cell("chain");
  const Lattice ring(cell, Eigen::MatrixXi::Constant(1, 1, 6), {Boundary::periodic}, shell_bonds(cell, 3));
  CHECK(ring.doubled_pairs(2) == 0);
  CHECK(ring.doubled_pairs(3) == 3);
}

TEST_CASE("lattices that cannot be are refused", "[lattice]") {
  CHECK_THROWS_AS(make("square", {1, 4}), UsageError);
  CHECK_THROWS_AS(make("sqare", {4, 4}), DeckError);
  CHECK_THROWS_AS(make("square", {0, 4}), UsageError);
}

TEST_CASE("a ladder written out by hand", "[lattice]") {
  UnitCell cell;
  cell.vectors = Eigen::MatrixXd::Identity(1, 1);
  cell.offsets = {Eigen::VectorXd::Zero(1), Eigen::VectorXd::Constant(1, 0.5)};
  const auto along = Eigen::VectorXi::Ones(1).eval();
  const auto rung = Eigen::VectorXi::Zero(1).eval();
  const Lattice lattice(cell, Eigen::MatrixXi::Constant(1, 1, 6), {Boundary::periodic},
                        {{0, 0, along, 1, 0}, {1, 1, along, 1, 1}, {0, 1, rung, 2, 0}});
  CHECK(lattice.n_sites() == 12);
  CHECK(lattice.bonds().size() == 18);
  CHECK(lattice.translations().size() == 6);
}
