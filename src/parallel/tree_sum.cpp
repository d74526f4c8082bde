#include "koushi/parallel/tree_sum.hpp"

#include <Kokkos_Core.hpp>
#include <algorithm>
#include <map>
#include <utility>

namespace koushi {

namespace {

/// A node of the binary tree over blocks: level l, index i covers blocks [i 2^l, (i + 1) 2^l).
using Node = std::pair<int, std::int64_t>;
using Sums = std::map<Node, std::vector<double>>;  // as in TreeSum

bool is_absent(const Node& node, std::int64_t total) { return (node.second << node.first) >= total; }

/// Adds every pair of siblings that is complete here, and passes on a left child whose sibling lies beyond the end.
void climb(Sums& sums, std::int64_t total) {
  int levels = 0;
  while ((std::int64_t{1} << levels) < total) ++levels;
  for (int level = 0; level < levels; ++level) {
    std::vector<Node> at_level;
    for (const auto& [node, sum] : sums) {
      if (node.first == level) at_level.push_back(node);
    }
    for (const Node& node : at_level) {
      if (node.second % 2 != 0) continue;
      const Node right{level, node.second + 1};
      const Node parent{level + 1, node.second / 2};
      if (is_absent(right, total)) {
        sums[parent] = std::move(sums[node]);
      } else if (const auto found = sums.find(right); found != sums.end()) {
        std::vector<double> sum = std::move(sums[node]);
        for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += found->second[k];
        sums.erase(found);
        sums[parent] = std::move(sum);
      } else {
        continue;
      }
      sums.erase(node);
    }
  }
}

}  // namespace

TreeSum::TreeSum(RowRange blocks, std::int64_t length) : blocks_(blocks), length_(length) {}

void TreeSum::add(std::vector<double> values) {
  Node node{0, blocks_.first + added_++};
  // A pair of siblings is added as soon as it is complete, so that never more than one node per level waits.
  for (auto left = sums_.find({node.first, node.second - 1}); node.second % 2 != 0 && left != sums_.end();
       left = sums_.find({node.first, node.second - 1})) {
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = left->second[k] + values[k];
    sums_.erase(left);
    node = {node.first + 1, node.second / 2};
  }
  sums_[node] = std::move(values);
}

/// The part's sum over the blocks of one node; scratch: `size` numbers per level below.
void TreeSum::sum_part(int level, std::int64_t index, std::int64_t part, std::int64_t size, const Leaf& leaf, double* sum, double* scratch) const {
  if (level == 0) {
    leaf(index - blocks_.first, part, sum);
    return;
  }
  sum_part(level - 1, 2 * index, part, size, leaf, sum, scratch);
  if (is_absent({level - 1, 2 * index + 1}, blocks_.total)) return;
  sum_part(level - 1, 2 * index + 1, part, size, leaf, scratch, scratch + size);
  for (std::int64_t k = 0; k < size; ++k) sum[k] += scratch[k];
}

void TreeSum::add_parts(const std::vector<std::int64_t>& offsets, const Leaf& leaf) {
  const std::int64_t end = blocks_.first + blocks_.count;
  for (std::int64_t block = blocks_.first; block < end;) {
    int level = 0;  // of the largest node that begins here and holds blocks of this rank only
    for (std::int64_t size = 2; block % size == 0 && (block + size <= end || end == blocks_.total) && size < 2 * blocks_.total; size *= 2) ++level;
    std::vector<double>& node = sums_[{level, block >> level}];
    node.resize(static_cast<std::size_t>(length_));
    Kokkos::parallel_for("koushi::parallel::tree_sum",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>(0, static_cast<int>(offsets.size()) - 1).set_chunk_size(1),
                         [&](int part) {
                           const auto at = static_cast<std::size_t>(part);
                           const std::int64_t size = offsets[at + 1] - offsets[at];
                           std::vector<double> scratch(static_cast<std::size_t>(size * level));
                           sum_part(level, block >> level, part, size, leaf, node.data() + offsets[at], scratch.data());
                         });
    block += std::int64_t{1} << level;
  }
  added_ = blocks_.count;
}

std::vector<double> TreeSum::finish(const Communicator& comm) {
  const auto n = static_cast<std::size_t>(length_);
  if (blocks_.total == 0) return std::vector<double>(n, 0.0);
  climb(sums_, blocks_.total);
  if (comm.size() > 1) {
    // Each rank is left with O(log blocks) subtree roots; all get all of them and finish the same tree.
    std::vector<double> packed;
    for (const auto& [node, sum] : sums_) {
      packed.push_back(node.first);
      packed.push_back(static_cast<double>(node.second));
      packed.insert(packed.end(), sum.begin(), sum.end());
    }
    const std::vector<double> all = comm.all_gather(packed);
    sums_.clear();
    for (std::size_t at = 0; at < all.size(); at += n + 2) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at + 2);
      sums_[{static_cast<int>(all[at]), static_cast<std::int64_t>(all[at + 1])}] = std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(n));
    }
    climb(sums_, blocks_.total);
  }
  return std::move(sums_.begin()->second);
}

std::vector<double> tree_sum(const Communicator& comm, RowRange blocks, std::int64_t length,
                             const std::vector<double>& local) {
  TreeSum sum(blocks, length);
  for (std::int64_t b = 0; b < blocks.count; ++b) {
    const auto begin = local.begin() + static_cast<std::ptrdiff_t>(b * length);
    sum.add(std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(length)));
  }
  return sum.finish(comm);
}

RowRange blocks_of(RowRange rows, std::int64_t size) {
  const auto blocks = [size](std::int64_t count) { return (count + size - 1) / size; };
  return {blocks(rows.total), rows.first / size, blocks(rows.count)};
}

RowRange share_of(std::int64_t total, int rank, int size) {
  const std::int64_t each = total / size;
  const std::int64_t rest = total % size;
  return {total, rank * each + std::min<std::int64_t>(rank, rest), each + (rank < rest ? 1 : 0)};
}

}  // namespace koushi
