#include "koushi/lattice/lattice_kinds.hpp"

#include <fmt/format.h>

#include <Eigen/LU>
#include <cmath>

#include "koushi/base/error.hpp"
#include "rows_of_keys.hpp"

namespace koushi {

Eigen::MatrixXd columns(const DeckSection& section, const std::string& key, std::size_t dimension) {
  const auto rows = section.rows(key);
  Eigen::MatrixXd matrix(static_cast<Eigen::Index>(dimension), static_cast<Eigen::Index>(rows.size()));
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (rows[k].size() != dimension) {
      section.refuse(key, fmt::format("a row of {} numbers was given", rows[k].size()),
                     fmt::format("rows of {} numbers", dimension));
    }
    for (std::size_t l = 0; l < dimension; ++l)
      matrix(static_cast<Eigen::Index>(l), static_cast<Eigen::Index>(k)) = rows[k][l];
  }
  return matrix;
}

Eigen::MatrixXi integer_columns(const DeckSection& section, const std::string& key, std::size_t dimension) {
  const Eigen::MatrixXd matrix = columns(section, key, dimension);
  for (const double x : matrix.reshaped()) {
    if (x != std::round(x) || std::abs(x) > 1e6)
      section.refuse(key, fmt::format("{} is not a small integer", x), "integers");
  }
  return matrix.cast<int>();
}

namespace {

/// The search for translations takes a time of the order of n_sites^2.
constexpr int most_sites = 4096;

struct RepeatedCells {
  std::optional<std::vector<int>> extents;
  std::optional<std::vector<std::vector<double>>> supercell;
  std::vector<std::string> boundary;
  std::optional<std::vector<double>> twist;

  static Keys<RepeatedCells> keys(const std::string& example) {
    return Keys<RepeatedCells>()
        .integers("extents", &RepeatedCells::extents, {1, most_sites}, "cells per direction")
        .example(example)
        .rows("supercell", &RepeatedCells::supercell,
              "integer vectors of a tilted supercell, [[4, 2], [-2, 4]], instead of extents")
        .texts("boundary", &RepeatedCells::boundary, {"periodic", "antiperiodic", "open"},
               "one per direction, or one for all; none means periodic; antiperiodic twists spins by pi about z")
        .reals("twist", &RepeatedCells::twist, {},
               "phase of what hops across the end of each direction, in units of 2 pi");
  }
};

Lattice repeated(const DeckSection& section, const LatticeShape& shape) {
  const int d = shape.cell.dimension();
  const RepeatedCells keys = RepeatedCells::keys("").read(section);
  const bool tilted = keys.supercell.has_value();
  if (tilted == keys.extents.has_value())
    section.refuse("kind", tilted ? "both extents and supercell are given" : "neither extents nor supercell is given",
                   "one of extents and supercell");
  const std::string shape_key = tilted ? "supercell" : "extents";
  Eigen::MatrixXi supercell = Eigen::MatrixXi::Zero(d, d);
  if (tilted) {
    supercell = integer_columns(section, shape_key, static_cast<std::size_t>(d));
    if (supercell.cols() != d)
      section.refuse(shape_key, fmt::format("{} vectors were given", supercell.cols()),
                     fmt::format("{} vectors for this lattice", d));
  } else {
    if (static_cast<int>(keys.extents->size()) != d) {
      section.refuse(shape_key, fmt::format("{} numbers were given", keys.extents->size()),
                     fmt::format("{} numbers for this lattice", d));
    }
    for (int k = 0; k < d; ++k) supercell(k, k) = (*keys.extents)[static_cast<std::size_t>(k)];
  }
  const double n_sites =
      std::abs(supercell.cast<double>().determinant()) * static_cast<double>(shape.cell.offsets.size());
  if (n_sites > most_sites)
    section.refuse(shape_key, fmt::format("{:.0f} sites", n_sites), fmt::format("at most {} sites", most_sites));
  std::vector<Boundary> boundary(static_cast<std::size_t>(d), Boundary::periodic);
  const std::vector<std::string>& names = keys.boundary;
  if (names.size() > 1 && names.size() != boundary.size()) {
    section.refuse("boundary", fmt::format("{} boundaries were given", names.size()),
                   d == 1 ? std::string("1") : fmt::format("1 or {}", d));
  }
  for (std::size_t k = 0; k < boundary.size() && !names.empty(); ++k) {
    const std::string& name = names[names.size() == 1 ? 0 : k];
    boundary[k] = name == "open"           ? Boundary::open
                  : name == "antiperiodic" ? Boundary::antiperiodic
                                           : Boundary::periodic;
  }
  const std::vector<double> twist = keys.twist.value_or(std::vector<double>{});
  if (keys.twist && twist.size() != boundary.size())
    section.refuse("twist", fmt::format("{} phases were given", twist.size()), fmt::format("{}, one per direction", d));
  try {
    if (shape.bonds) return {shape.cell, supercell, boundary, *shape.bonds, twist};
    return Lattice::with_shells(shape.cell, supercell, boundary, twist);
  } catch (const UsageError& error) {
    section.refuse(shape_key, error.what(), "cells with a volume, on which every bond joins two sites");
  }
}

}  // namespace

std::vector<Key> keys_of_repeated_cells(const std::string& example) { return RepeatedCells::keys(example).list(); }

LatticeKind lattice_of_cells(const std::string& name, const UnitCell& cell, const std::string& help) {
  std::string extents;
  for (int k = 0; k < cell.dimension(); ++k) extents += k == 0 ? "4" : ", 4";
  return {name, help, keys_of_repeated_cells(cell.dimension() == 1 ? "[16]" : "[" + extents + "]"),
          [cell](const DeckSection&) { return LatticeShape{cell}; }};
}

Lattice make_lattice(const DeckSection& section) {
  const LatticeShape shape = lattices().of(section).make(section);
  return shape.n_sites > 0 ? Lattice::of_sites(shape.n_sites) : repeated(section, shape);
}

}  // namespace koushi
