#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "koushi/manybody/factor.hpp"

namespace koushi {

/// An image g x of a state x, and its weight in the sum Psi(x) = sum_g weight_g psi(g x) over a group.
///
/// What place p of x holds stands at place[p] of g x, and particle a keeps its number: a permutation of sites acts on
/// numbered particles without a sign. With all spins turned, S^z of spins has the other sign and an electron has the other
/// spin.
struct Image {
  std::vector<int> place;
  std::complex<double> weight = 1.0;
  std::vector<std::int8_t> sign{};  ///< [place] of x, -1: a spin that is turned; empty: none is
  int shift = 0;                    ///< particle a gets the number a + shift, modulo the number of particles

  /// The image in which permutation g of the sites sends each flavour of site i to site g[i].
  static Image of_sites(const Space& space, const std::vector<int>& g, std::complex<double> weight = 1.0);
  /// The same with all spins turned; its weight is the bare exchange's.
  Image with_spins_turned(const Space& space) const;
  /// Whether the value of some place has the other sign.
  bool turns_values() const { return !sign.empty(); }
  /// Writes g x of a state x to other arrays.
  void write(const HostState& x, const StateView& to, std::size_t particles) const;
};

/// A move of a list as it acts on an image: move `number` in direction sign * sigma is, on g x, what the move itself is
/// in direction sigma on x.
struct MovedMove {
  int number = 0;
  int sign = 1;
};

/// Lists of moves with those of their images behind them, each of which is there once, in one of its two directions.
class MovesOfImages {
 public:
  MovesOfImages(const std::vector<Move>& moves, const std::vector<Image>& images);
  /// The given moves first.
  const std::vector<Move>& list() const { return list_; }
  MovedMove at(std::size_t move, std::size_t image) const { return moved_[move * n_images_ + image]; }

 private:
  std::vector<Move> list_;
  std::vector<MovedMove> moved_;
  std::size_t n_images_;
};

}  // namespace koushi
