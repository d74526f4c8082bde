// The lattices of StdFace, and the clusters that are cut out of them.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "standard_entries.hpp"

namespace koushi {

using Cell = std::array<int, 3>;  ///< along W, L and H

/// Bonds that share the name of a coupling: from site `from` of every cell to site `to` of the one displaced.
struct BondKind {
  std::string label;  ///< "0", "1'", ...: J0, J1'
  int from = 0;
  int to = 0;
  Cell cell{};
};

struct StandardLattice {
  std::string name;  ///< koushi's kind, empty: it has none
  int dimension = 2;
  std::vector<std::vector<double>> vectors;  ///< Cartesian, along W, L, H
  std::vector<std::vector<double>> offsets;  ///< in units of these
  std::vector<BondKind> bonds;
  bool only_all = false;  ///< primed couplings by the name of all of them alone

  int sites() const { return static_cast<int>(offsets.size()); }
};

/// The lattice of this name, but for the ladder. Errors: DeckError with the names that there are
StandardLattice standard_lattice(const Entries& entries, const std::string& name);
/// Legs along L, rungs across, which end.
StandardLattice ladder(int legs);

/// "'" of "0'": how far the bond reaches.
std::string primes(const std::string& label);

/// The cluster: cells and how they are joined at its ends.
struct Cluster {
  std::array<Cell, 3> box{};  ///< a0, a1, a2 in units of the vectors along W, L, H
  std::vector<Cell> cells;
  std::map<Cell, int> number;
  bool tilted = false;

  /// Adjugate of the box times x, and its determinant: fractions of a0, a1, a2.
  Cell numerators(const Cell& x) const;
  int determinant() const { return numerators(box[0])[0]; }

  /// The cell in the cluster that x is the same as, and how often each end was crossed on the way.
  std::pair<Cell, Cell> folded(Cell x) const;
};

/// The cluster that W, L and Height, or a0W, a0L, ... name. Errors: DeckError
Cluster read_cluster(Entries& entries, const StandardLattice& lattice, bool legs);

/// Bonds from a site to itself, which no lattice of koushi has, and pairs of sites that several bonds join.
struct ShortBonds {
  bool to_itself = false;
  bool doubled = false;
};

ShortBonds short_bonds(const StandardLattice& lattice, const Cluster& cluster,
                       const std::map<std::string, int>& labels);

/// Directions of the lattices of koushi: H, L, W, so that sites have the numbers that they have here.
std::vector<std::size_t> directions(const StandardLattice& lattice);

/// The lines of [lattice]: by koushi's own kind, or written out with the shells of the labels.
std::string lattice_lines(const StandardLattice& lattice, const Cluster& cluster, bool legs,
                          const std::map<std::string, int>& shell_of, bool own_kind);

/// Phases of hops across the ends, in degrees along W, L and H, as lines of [lattice].
std::string twist_lines(const StandardLattice& lattice, const std::array<double, 3>& phase);

}  // namespace koushi
