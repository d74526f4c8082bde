#pragma once

#include <complex>
#include <string>
#include <vector>

#include "koushi/lattice/lattice.hpp"

namespace koushi {

/// A finite group: product[i n + j] is the number of the element g_i g_j, 0 that of the identity.
struct FiniteGroup {
  int n = 1;
  std::vector<int> product{0};

  int times(int i, int j) const { return product[static_cast<std::size_t>(i * n + j)]; }
  int inverse(int i) const;
  /// The smallest subgroup that has these elements, ascending.
  std::vector<int> generated(std::vector<int> elements) const;
  /// The group of some of its elements, numbered in their order.
  FiniteGroup subgroup(const std::vector<int>& elements) const;
};

/// The characters of the irreducible representations, [representation][element], the trivial one first, then by
/// dimension.
///
/// The matrices of the class sums commute; their common eigenvectors are |C| chi(C) / chi(1) (Burnside).
/// Cost    the cube of the number of classes
/// Source  J. D. Dixon, Numer. Math. 10, 446 (1967)
std::vector<std::vector<std::complex<double>>> characters(const FiniteGroup& group);

/// The symmetry of one irreducible representation of a space group: states with
///
///   g psi = chi(g) psi,   chi(t p) = e^(-i K t) lambda(p),
///
/// for the translations t and those p of a point group that leave K as it is and have lambda as one-dimensional
/// representation. Where the representation has more dimensions, the p are a subgroup of which lambda is contained in
/// this representation once and in no other one: its states are one of the partners.
struct SymmetrySector {
  std::vector<int> momentum;              ///< n of K = 2 pi sum_k n_k b_k; empty: there are no translations
  std::string representation;             ///< of the little group, as "A1", "E"
  int degeneracy = 1;                     ///< momenta of the star times the dimension of the representation
  std::vector<Permutation> translations;  ///< the identity first
  std::vector<std::complex<double>> translation_characters;
  std::vector<Permutation> points;  ///< the identity first
  std::vector<std::complex<double>> point_characters;

  bool is_real() const;
};

/// The sectors of all irreducible representations of a space group, one per star of momenta and representation.
///
/// The point group is that of the symmetries that leave site 0 where it is, if there are as many as rotations, else any
/// that has one element of each rotation; without such a group only translations are used. Names follow Mulliken: A and
/// B by the sign under the first rotation of highest order, E and T for two and three dimensions, 1 and 2 for even and
/// odd under the mirror whose line is closest to the first primitive vector (of cubic groups under a quarter turn), g and
/// u under inversion in three dimensions; E+ and E- are the two of conjugate characters.
/// elements: as of Lattice::space_group_elements, the translations first
std::vector<SymmetrySector> symmetry_sectors(const Lattice& lattice, const std::vector<SpaceGroupElement>& elements);

}  // namespace koushi
