#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "koushi/manybody/space.hpp"
#include "koushi/manybody/states.hpp"

namespace koushi {

/// A change of a basis state at up to four places, x_p -> x_p + sigma c_p with sigma = +1 or -1. Where particles hop,
/// places come in pairs from, to at its beginning.
struct Move {
  int n = 0;
  int hops = 0;  ///< pairs of places at the beginning between which a particle hops
  std::array<int, MoveSites::max_places> place{};
  std::array<int, MoveSites::max_places> change{};

  bool operator==(const Move&) const = default;
  auto operator<=>(const Move&) const = default;

  /// Changes one place: x_p -> x_p + sigma c.
  static Move step(int p, int c);
  /// Changes two places, x_p -> x_p - sigma c, x_q -> x_q + sigma c: the exchange of two spins 1/2 (c = 2), a boson
  /// that hops (c = 1).
  static Move transfer(int p, int q, int c);
  /// A fermion hops from p to q.
  static Move hop(int p, int q);
  /// Two fermions hop, from p to q and from r to s.
  static Move two_hops(int p, int q, int r, int s);
};

/// A list of moves without repetitions.
struct UniqueMoves {
  std::vector<Move> moves;
  /// The place of a move in the list, to whose end it is added if it is not there.
  int number(const Move& move);

 private:
  std::map<Move, int> numbers_;
};

/// What kernels need of a move, among them the limits of the places in this space.
/// Errors  UsageError where a place does not exist, comes twice, or cannot hold the change
MoveSites move_sites(const Space& space, const Move& move);

/// A list of moves where kernels run. Errors: as move_sites.
MoveList make_move_list(const Space& space, const std::vector<Move>& moves);

}  // namespace koushi
