#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/parallel/communicator.hpp"

namespace koushi {

/// The blocks of `size` rows that these rows fill; rank boundaries must lie on block boundaries.
RowRange blocks_of(RowRange rows, std::int64_t size);

/// The sum of tree_sum, fed block by block: it holds one vector per level of the tree, not one per block.
class TreeSum {
 public:
  TreeSum(RowRange blocks, std::int64_t length);
  /// Adds the next of this rank's blocks.
  void add(std::vector<double> values);
  /// Adds all of this rank's blocks at once, made part by part: leaf(block, part, values) writes numbers
  /// [offsets[part], offsets[part + 1]) of a local block, from any thread. What waits to be added stays in the cache
  /// where parts are small.
  using Leaf = std::function<void(std::int64_t, std::int64_t, double*)>;
  void add_parts(const std::vector<std::int64_t>& offsets, const Leaf& leaf);
  /// The sum over all ranks, once all blocks are added. at_once: numbers that a rank sends or receives in one call,
  /// since counts of MPI are ints. Collective.
  std::vector<double> finish(const Communicator& comm, std::int64_t at_once = std::int64_t{1} << 26);

 private:
  void sum_part(int level, std::int64_t index, std::int64_t part, std::int64_t size, const Leaf& leaf, double* sum,
                double* scratch) const;

  RowRange blocks_;
  std::int64_t length_;
  std::int64_t added_ = 0;
  std::map<std::pair<int, std::int64_t>, std::vector<double>> sums_;  ///< (level, index) of the tree
};

/// Sum of block vectors over all ranks in an order that neither the number of ranks nor of threads moves.
///
///   result_k = sum_b x_bk,   b = 0 ... blocks.total - 1, added along one fixed binary tree over b
///
/// Shapes      local: [blocks.count][length], this rank's contiguous blocks; result: [length], on every rank
/// Collective  yes; ranks hold the blocks in rank order
/// Cost        blocks.count * length additions; each rank sends, receives and adds O(log blocks) * length numbers (one
///             vector where blocks are dealt out evenly) and gathers length
std::vector<double> tree_sum(const Communicator& comm, RowRange blocks, std::int64_t length,
                             const std::vector<double>& local);

/// The contiguous share of `total` things that `rank` of `size` ranks holds: the first total % size get one more.
RowRange share_of(std::int64_t total, int rank, int size);

}  // namespace koushi
