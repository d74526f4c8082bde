#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <optional>
#include <vector>

#include "koushi/lattice/symmetry_sectors.hpp"
#include "koushi/manybody/operator.hpp"
#include "koushi/manybody/packed_states.hpp"
#include "koushi/parallel/communicator.hpp"

namespace koushi {

/// A representation of a space group, and of spin inversion beside it.
struct SectorSymmetry {
  SymmetrySector sites;
  int inversion = 0;  ///< the eigenvalue of spin inversion, 1 or -1; 0: it is not asked for
};

/// Spin inversion of a space: e^{i pi S^y} where the sector has as many spins up as down, which is (-1)^S for states of
/// total spin S; the exchange of x and -x at all places where no magnetisation is fixed (prod_i sigma^x_i for spins 1/2).
struct SpinInversion {
  std::vector<int> place;  ///< where what a place holds goes
  int sign = 1;            ///< that this operator has beside the bare exchange of up and down
};

/// Spin inversion of a space in its sector; none where the sector has none.
std::optional<SpinInversion> spin_inversion(const Space& space);

/// Whether an operator commutes with spin inversion. It is asked of 256 random states and all that they are joined with,
/// so that a term that does not is missed with a probability that is nothing. Cost: 256 rows of the matrix
bool is_inversion_symmetric(const Operator& op);

/// The states of a sector of charges with given characters under a group of permutations and spin inversion,
///
///   |r~> = 1 / sqrt(|G| S_r) sum_g chi(g)* g |r>,   S_r = sum over g with g r = r of chi(g)* and the sign of g |r>,
///
/// r the states whose word is the smallest of its orbit and S_r not 0. A permutation of sites takes c^dagger_p to
/// c^dagger_g(p), so states of fermions get the sign of putting them back into the order of their places.
///
/// Cost        the words of all states of the sector, shared by ranks and threads; those whose first flavour is not the
///             smallest of its images are passed over with all that belong to it. Every rank keeps all |r~>, 10 bytes each
/// Collective  construction
/// Source      A. W. Sandvik, AIP Conf. Proc. 1297, 135 (2010), section 4
class SectorBasis {
 public:
  /// Errors  UsageError where a state has too many bits, or there are more than 2^32 - 1 of them
  SectorBasis(const Communicator& comm, const Space& space, SectorSymmetry symmetry);

  const PackedSpace& packed() const { return packed_; }
  const SectorSymmetry& symmetry() const { return symmetry_; }
  bool is_real() const { return symmetry_.sites.is_real(); }
  std::int64_t size() const { return static_cast<std::int64_t>(words_.size()); }
  /// Elements of the group.
  std::int64_t order() const { return static_cast<std::int64_t>(first_.size() * second_.size()); }
  std::uint64_t word(std::int64_t index) const { return words_[static_cast<std::size_t>(index)]; }
  /// sqrt(S_r).
  double root(std::int64_t index) const { return root_of_[stabiliser_[static_cast<std::size_t>(index)]]; }

  /// <x|r~> = phase sqrt(S_r / |G|), r~ the only state of the basis for which this is not 0; index -1: there is none.
  struct Found {
    std::int64_t index;
    std::complex<double> phase;
  };
  static constexpr int lanes = 16;
  /// Finds this many states at once.
  void find(const std::array<std::uint64_t, lanes>& words, std::array<Found, lanes>& found) const;

 private:
  /// An element of the group is an element of the second list after one of the first.
  struct Element {
    PackedMap map;
    std::vector<int> place;
    std::complex<double> character;
  };
  bool is_smallest(std::uint64_t word, bool without_inversion) const;
  double stabiliser(std::uint64_t word) const;
  /// The sign of putting the fermions of g |word> in order.
  int sign(const Element& g, std::uint64_t word) const;
  std::int64_t index_of(std::uint64_t word) const;
  std::vector<std::uint64_t> local_words(const Communicator& comm) const;

  PackedSpace packed_;
  SectorSymmetry symmetry_;
  std::vector<Element> first_;  ///< points, and with spin inversion the points after it
  std::size_t not_inverted_ = 0;
  std::vector<Element> second_;  ///< translations
  std::vector<std::uint64_t> words_;
  std::vector<std::uint64_t> top_;         ///< every 64th of words_
  std::vector<std::uint16_t> stabiliser_;  ///< S_r, the number of elements that leave r as it is
  std::vector<double> root_of_;            ///< sqrt(n)
};

}  // namespace koushi
