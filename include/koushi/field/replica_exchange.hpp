#pragma once

#include <cstdint>
#include <vector>

#include "koushi/field/field_theory.hpp"

namespace koushi {

/// Replica exchange (parallel tempering) between theories S_0, S_1, ... of one grid, the rungs of a ladder, that differ
/// in a parameter.
///
/// Neighbouring rungs i, j = i + 1 change places with their configurations x_i, x_j with probability min(1, e^{-D}),
///
///   D = S_i(x_j) + S_j(x_i) - S_i(x_i) - S_j(x_j)         (beta of S = beta H:  D = (beta_i - beta_j) (H(x_j) -
///   H(x_i))),
///
/// replica by replica: replica r of the grid is a ladder of its own. Updates take the pairs (0, 1), (2, 3), ... and (1,
/// 2), (3, 4), ... in turn. Each S comes from its theory itself, so any action and any of its parameters can make a
/// ladder. Both sides of D are exact sums and the random number is a function of (seed, step, global replica, pair):
/// the same chain on any ranks.
/// Collective  all members; what is counted is the same on all ranks
/// Cost        two evaluations of S per rung; copies only where configurations stay, since all are exchanged to see D
/// Source      K. Hukushima, K. Nemoto, J. Phys. Soc. Jpn. 65, 1604 (1996)
class ReplicaExchange {
 public:
  ReplicaExchange(std::size_t rungs, std::int64_t replicas, std::uint64_t seed);

  /// Tries every second pair in all replicas; returns the accepted part of them. `counted`: tries and journeys go into
  /// the counts below.
  double update(const std::vector<FieldTheory*>& rungs, std::uint64_t step, bool counted);

  /// Accepted part of the tries of pair (k, k + 1); NaN before the first.
  std::vector<double> acceptance() const;
  /// [replica][copy] how often a copy came to one end of the ladder from the other, copies numbered by the rung they
  /// began at.
  const std::vector<std::int64_t>& traversals() const { return traversals_; }
  /// Journeys there and back, of all copies of all replicas.
  double round_trips() const;

  void write(Archive& archive, const std::string& path) const;
  void read(const Archive& archive, const std::string& path);

 private:
  void note_ends();

  std::size_t rungs_;
  std::size_t replicas_;
  std::uint64_t seed_;
  std::vector<std::int64_t> calls_{0};
  std::vector<std::int64_t> tried_;     ///< [pair]
  std::vector<std::int64_t> accepted_;  ///< [pair]
  std::vector<std::int64_t> copy_;      ///< [replica][rung]: which copy is there
  /// [replica][copy]: the end it was at last, -1 the first rung, 1 the last; 0: neither
  std::vector<std::int64_t> end_;
  std::vector<std::int64_t> traversals_;
};

}  // namespace koushi
