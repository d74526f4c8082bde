#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace koushi {

/// Boundary conditions; fixed: the ends are given values (fields only).
enum class Boundary { periodic, antiperiodic, open, fixed };

/// A Bravais lattice with a basis.
struct UnitCell {
  Eigen::MatrixXd vectors;               ///< columns: primitive vectors, in units of the nearest-neighbour distance
  std::vector<Eigen::VectorXd> offsets;  ///< positions of the sites of one cell
  int dimension() const { return static_cast<int>(vectors.cols()); }
};

/// A bond written out by hand: from site `from` of every cell to site `to` of the cell displaced by `cell`.
struct BondClass {
  int from = 0;
  int to = 0;
  Eigen::VectorXi cell;
  int shell = 1;
  int direction = 0;
};

struct Bond {
  int i = 0;
  int j = 0;
  int shell = 1;      ///< distance shell, from 1
  int direction = 0;  ///< which displacement of its shell, from 0
  int sign = 1;       ///< -1 where the bond crosses an odd number of antiperiodic boundaries
  double turns = 0;   ///< phase of the twist from i to j, in units of 2 pi: sum over boundaries crossed
};

/// Sites around which nearest-neighbour bonds run, 0 to 1 to 2 ... to 0; in a plane counter-clockwise. What hops from
/// corner 0 to corner k gets the phase sign_k e^{2 pi i turns_k} of the ends that it crosses.
struct Ring {
  std::vector<int> sites;
  std::vector<int> sign;
  std::vector<double> turns;
  Eigen::VectorXd centre;
};

/// All displacements (up to sign) of the first `shells` distances of the infinite lattice.
std::vector<BondClass> shell_bonds(const UnitCell& cell, int shells);

/// A permutation of the sites: i goes to g[i].
using Permutation = std::vector<int>;

/// An element of a space group as it acts on the sites, with its rotation or reflection in Cartesian coordinates.
struct SpaceGroupElement {
  Permutation sites;
  Eigen::MatrixXd rotation;
};

/// A finite lattice: cells of the infinite one modulo a supercell.
///
/// Sites are numbered cell by cell, cells in lexicographic order of their reduced integer coordinates, so the site (x,
/// y) of an Lx x Ly square lattice is x Ly + y. Every bond class gives one bond per cell, so a periodic direction of
/// width 2 has double bonds: both stay, and couplings count twice there (doubled_pairs()).
/// Errors      UsageError: supercell without volume, open boundary in a tilted supercell, a bond from a site to itself
class Lattice {
 public:
  /// supercell: integer vectors as columns; a diagonal matrix is a plain Lx x Ly x ... lattice. One boundary per
  /// column.
  /// twist: a phase per column in units of 2 pi, for what hops across it; empty: none.
  Lattice(UnitCell cell, Eigen::MatrixXi supercell, std::vector<Boundary> boundary, const std::vector<BondClass>& bonds,
          std::vector<double> twist = {});
  /// A lattice with the bonds of the first shell; those of others are added when they are asked for.
  static Lattice with_shells(UnitCell cell, Eigen::MatrixXi supercell, std::vector<Boundary> boundary,
                             std::vector<double> twist = {});

  /// Sites without a geometry: no bonds, no symmetries, no distances.
  static Lattice of_sites(int n_sites);

  int n_sites() const { return static_cast<int>(positions_.size()); }
  /// Whether positions, distances and momenta mean anything.
  bool has_geometry() const { return has_geometry_; }
  const Eigen::VectorXd& position(int site) const { return positions_[static_cast<std::size_t>(site)]; }
  /// Sites of one cell; those of cell c are c sites_per_cell() and the following.
  int sites_per_cell() const { return static_cast<int>(cell_.offsets.size()); }
  /// The cell that lies `step` primitive vectors beyond cell c; -1 where an open end is crossed.
  int cell_beyond(int cell, const std::vector<int>& step) const;
  /// The first primitive vector.
  Eigen::VectorXd first_vector() const { return cell_.vectors.col(0); }
  const std::vector<Bond>& bonds() const { return bonds_; }
  /// The shortest way from site i to site j, around periodic directions too.
  Eigen::VectorXd displacement(int i, int j) const;
  double distance(int i, int j) const { return displacement(i, j).norm(); }
  /// The momenta of the torus, one per cell: q = 2 pi sum_k n_k b_k, b_k the dual vectors of the supercell.
  std::vector<Eigen::VectorXd> momenta() const;
  /// The integers n of the same momenta, in the same order.
  std::vector<std::vector<int>> momentum_numbers() const;
  /// The momentum 2 pi sum_k n_k b_k of these integers.
  Eigen::VectorXd momentum(const std::vector<int>& n) const;
  const std::vector<Boundary>& boundary() const { return boundary_; }
  /// Whether an end is antiperiodic or has a twist: then a translation alone is no symmetry of what hops.
  bool turns_what_goes_around() const;
  /// Bonds of one distance shell. Errors: UsageError where the lattice is too small for them
  std::vector<Bond> bonds(int shell) const;
  /// The rings of so many bonds of shell 1 that close without going around the torus, each once per cell.
  /// Errors: UsageError where two corners are the same site
  std::vector<Ring> rings(int corners) const;
  /// Whether bonds were written out: then there are no others.
  bool has_listed_bonds() const { return !makes_shells_; }
  /// The farthest shell that bonds() has.
  int n_shells() const;
  /// The translations of the supercell that map the bonds, with labels and signs of wrapped bonds apart, onto
  /// themselves. Identity first.
  const std::vector<Permutation>& translations() const { return translations_; }
  /// The translations that `is_symmetry` takes, which must take a group. Identity first. Cost: sites^2; it is asked
  /// once per direction where all are symmetries, once per cell where none is.
  std::vector<Permutation> translations(const std::function<bool(const Permutation&)>& is_symmetry) const;
  /// Those of a group of translations, identity first, that are products of steps of every[k] cells along primitive
  /// vector k. Errors: UsageError where there is not one number per direction
  std::vector<Permutation> translations_by(const std::vector<int>& every, const std::vector<Permutation>& group) const;
  /// The same of all isometries of the infinite lattice that leave the torus as it is: translations first, then their
  /// products with rotations, reflections and glides. Cost: one call per isometry more where all translations are
  /// symmetries, one per isometry and cell where they are not.
  std::vector<Permutation> space_group(const std::function<bool(const Permutation&)>& is_symmetry) const;
  /// The same with the rotations.
  std::vector<SpaceGroupElement> space_group_elements(const std::function<bool(const Permutation&)>& is_symmetry) const;
  /// A sign per site such that bonds of these shells join opposite signs; empty if there is no such colouring.
  std::vector<std::int8_t> sublattice_sign(const std::vector<int>& shells = {1}) const;
  /// The number of pieces into which the lattice falls with the bonds of these shells alone.
  int n_pieces(const std::vector<int>& shells) const;
  /// Pairs of sites joined by more than one bond of these shells.
  int doubled_pairs(int shells) const;
  /// What a user should know: no sublattices, directions that broke the translations.
  const std::vector<std::string>& remarks() const { return remarks_; }

 private:
  struct Wrapped {
    Eigen::VectorXi cell;
    int sign = 1;
    double turns = 0;
    bool inside = true;  ///< false if an open boundary was crossed
  };
  Wrapped wrap(const Eigen::VectorXi& cell) const;
  int index_of(const Eigen::VectorXi& reduced, int offset) const;
  struct Translation {
    Permutation sites;
    bool is_symmetry = false;
  };
  /// Site a of cell c goes to site target[a] of cell linear c + shift[a].
  Permutation moved(const Eigen::MatrixXi& linear, const std::vector<Eigen::VectorXi>& shift,
                    const std::vector<int>& target) const;
  /// All translations of the supercell, the identity first, each with whether it is a symmetry.
  std::vector<Translation> all_translations(const std::function<bool(const Permutation&)>& is_symmetry) const;
  std::vector<Permutation> translations_of_bonds() const;
  std::vector<Bond> bonds_of(const BondClass& bond) const;

  UnitCell cell_;
  Eigen::MatrixXi supercell_;
  std::vector<Boundary> boundary_;
  std::vector<double> twist_;
  std::vector<Eigen::VectorXi> cells_;
  std::vector<Eigen::VectorXd> positions_;
  std::vector<BondClass> nearest_;  ///< bonds of shell 1
  mutable std::vector<Bond> bonds_;
  bool makes_shells_ = false;
  bool has_geometry_ = true;
  std::vector<Permutation> translations_;
  std::vector<std::string> remarks_;
};

}  // namespace koushi
