#pragma once

#include <cstdint>
#include <vector>

#include "koushi/manybody/space.hpp"

namespace koushi {

/// A basis state in the bits of one word: the place of flavour f at site i has the bits from shift() on, which number
/// what it holds, 0 for the lowest value. The first flavour has the highest bits.
class PackedSpace {
 public:
  /// Errors  UsageError where a state has more than 63 bits
  explicit PackedSpace(const Space& space);

  const Space& space() const { return space_; }
  int bits() const { return bits_; }
  int shift(int place) const { return shift_[static_cast<std::size_t>(place)]; }
  /// The bits of one place, at the lowest end.
  std::uint64_t mask(int place) const { return mask_[static_cast<std::size_t>(place)]; }
  std::uint64_t pack(const std::int8_t* local) const;
  void unpack(std::uint64_t word, std::int8_t* local) const;

 private:
  Space space_;
  int bits_ = 0;
  std::vector<int> shift_;
  std::vector<std::uint64_t> mask_;
};

/// A change of all places at once: what place p holds goes to place to[p], and where `inverted` a spin m goes to -m.
class PackedMap {
 public:
  PackedMap() = default;
  PackedMap(const PackedSpace& space, const std::vector<int>& to, bool inverted);

  std::uint64_t operator()(std::uint64_t word) const {
    std::uint64_t moved = 0;
    for (const Piece& piece : pieces_) moved |= ((word & piece.mask) << piece.left) >> piece.right;
    // Every bit field of these is at most its own share of `highest_`, so that nothing is borrowed.
    return (moved & ~inverted_) | ((highest_ - (moved & inverted_)) & inverted_);
  }
  /// The same of n words.
  template <int n>
  void apply(const std::uint64_t* words, std::uint64_t* moved) const {
    for (int k = 0; k < n; ++k) moved[k] = 0;
    for (const Piece& piece : pieces_) {
      for (int k = 0; k < n; ++k) moved[k] |= ((words[k] & piece.mask) << piece.left) >> piece.right;
    }
    if (inverted_ == 0) return;
    for (int k = 0; k < n; ++k) moved[k] = (moved[k] & ~inverted_) | ((highest_ - (moved[k] & inverted_)) & inverted_);
  }

 private:
  /// Places that move by as many bits.
  struct Piece {
    std::uint64_t mask;
    int left;
    int right;
  };
  std::vector<Piece> pieces_;
  std::uint64_t inverted_ = 0;  ///< the bits of spins that are turned
  std::uint64_t highest_ = 0;   ///< these places at their highest values
};

/// The sets of values that one flavour can have on all sites with a given sum of their numbers, in the order of their
/// words.
class FlavourWords {
 public:
  /// n places of `states` values each, packed behind each other from the lowest bit on, whose numbers add up to `total`.
  FlavourWords(int n, int states, int bits, int total);
  std::int64_t count() const { return ways_[static_cast<std::size_t>(n_)][static_cast<std::size_t>(total_)]; }
  std::uint64_t word(std::int64_t number) const;
  /// The word after this one.
  std::uint64_t next(std::uint64_t word) const;

 private:
  int n_;
  int states_;
  int bits_;
  int total_;
  std::vector<std::vector<std::int64_t>> ways_;  ///< [places][sum]
};

}  // namespace koushi
