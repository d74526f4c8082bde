#include <fmt/format.h>

#include <Eigen/LU>
#include <algorithm>
#include <cmath>

#include "../rows_of_keys.hpp"
#include "koushi/lattice/lattice_kinds.hpp"

namespace koushi {

namespace {

struct CustomOptions {
  std::vector<std::vector<double>> vectors;
  std::vector<std::vector<double>> offsets;
  std::vector<std::vector<double>> bonds;

  static const Keys<CustomOptions>& keys() {
    static const auto all =
        Keys<CustomOptions>()
            .rows("vectors", &CustomOptions::vectors, "primitive vectors, Cartesian, [[ax, ay], [bx, by]]")
            .required()
            .rows("offsets", &CustomOptions::offsets, "positions of the sites of a cell, Cartesian")
            .required()
            .example("[[0, 0]]")
            .rows("bonds", &CustomOptions::bonds,
                  "[from, to, cell displacement ..., shell]: site `from` of every cell to site `to` of the displaced "
                  "one")
            .required()
            .example("[[0, 0, 1, 0, 1], [0, 0, 0, 1, 1]]");
    return all;
  }
};

LatticeShape make(const DeckSection& section) {
  const std::size_t d = section.rows("vectors").size();
  if (d == 0) section.refuse("vectors", "no vector was given", "one or more");
  UnitCell cell{columns(section, "vectors", d), {}};
  if (std::abs(cell.vectors.determinant()) < 1e-12)
    section.refuse("vectors", "the basis vectors are linearly dependent", "independent vectors");
  const Eigen::MatrixXd offsets = columns(section, "offsets", d);
  for (const auto& offset : offsets.colwise()) cell.offsets.emplace_back(offset);

  const Eigen::MatrixXi rows = integer_columns(section, "bonds", d + 3);
  std::vector<BondClass> bonds;
  std::vector<int> directions(4, 0);
  for (const auto& row : rows.colwise()) {
    const int sites = static_cast<int>(cell.offsets.size());
    const int shell = row(static_cast<Eigen::Index>(d) + 2);
    if (std::min(row(0), row(1)) < 0 || std::max(row(0), row(1)) >= sites) {
      section.refuse("bonds", fmt::format("a bond joins sites {} and {} of the cell", row(0), row(1)),
                     fmt::format("sites 0 to {}", sites - 1));
    }
    if (shell < 1 || shell > 3)
      section.refuse("bonds", fmt::format("shell {}", shell), "a shell from 1 to 3, the last number of a bond");
    bonds.push_back({row(0), row(1), row.segment(2, static_cast<Eigen::Index>(d)), shell,
                     directions[static_cast<std::size_t>(shell)]++});
  }
  return {cell, bonds};
}

std::vector<Key> keys() {
  std::vector<Key> all = CustomOptions::keys().list();
  for (const Key& key : keys_of_repeated_cells()) all.push_back(key);
  return all;
}

}  // namespace

LatticeKind custom_kind() { return {"custom", "any lattice, written out", keys(), make}; }

}  // namespace koushi
