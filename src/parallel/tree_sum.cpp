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
void TreeSum::sum_part(int level, std::int64_t index, std::int64_t part, std::int64_t size, const Leaf& leaf,
                       double* sum, double* scratch) const {
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
    for (std::int64_t size = 2;
         block % size == 0 && (block + size <= end || end == blocks_.total) && size < 2 * blocks_.total; size *= 2)
      ++level;
    std::vector<double>& node = sums_[{level, block >> level}];
    node.resize(static_cast<std::size_t>(length_));
    Kokkos::parallel_for("koushi::parallel::tree_sum",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>(
                             0, static_cast<int>(offsets.size()) - 1)
                             .set_chunk_size(1),
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

std::vector<double> TreeSum::finish(const Communicator& comm, std::int64_t at_once) {
  const auto n = static_cast<std::size_t>(length_);
  if (blocks_.total == 0) return std::vector<double>(n, 0.0);
  climb(sums_, blocks_.total);
  if (comm.size() == 1) return std::move(sums_.begin()->second);
  // Each rank is left with O(log blocks) subtree roots. Every rank finishes the tree for its share of the numbers, so
  // that nobody holds all roots of all ranks.
  std::vector<std::int64_t> mine;
  for (const auto& [node, sum] : sums_) {
    mine.push_back(node.first);
    mine.push_back(node.second);
  }
  const std::vector<std::int64_t> counts =
      comm.all_gather(std::vector<std::int64_t>{static_cast<std::int64_t>(sums_.size())});
  const std::vector<std::int64_t> nodes = comm.all_gather(mine);
  const std::int64_t most = std::max(*std::max_element(counts.begin(), counts.end()),
                                     static_cast<std::int64_t>(nodes.size()) / 2 / comm.size() + 1);
  const std::int64_t piece = std::max<std::int64_t>(comm.size(), at_once / most);
  std::vector<double> total;
  total.reserve(n);
  for (std::int64_t begin = 0; begin < length_; begin += piece) {
    const std::int64_t count = std::min(piece, length_ - begin);
    const std::int64_t here = share_of(count, comm.rank(), comm.size()).count;
    std::vector<int> sent;
    std::vector<int> received;
    std::vector<double> packed;
    for (int rank = 0; rank < comm.size(); ++rank) {
      const RowRange share = share_of(count, rank, comm.size());
      for (const auto& [node, sum] : sums_)
        packed.insert(packed.end(), sum.data() + begin + share.first, sum.data() + begin + share.first + share.count);
      sent.push_back(static_cast<int>(share.count * counts[static_cast<std::size_t>(comm.rank())]));
      received.push_back(static_cast<int>(here * counts[static_cast<std::size_t>(rank)]));
    }
    const std::vector<double> all = comm.all_to_all(packed, sent, received);
    Sums parts;
    for (std::size_t k = 0; k < nodes.size() / 2; ++k) {
      const double* const from = all.data() + static_cast<std::ptrdiff_t>(k) * here;
      parts[{static_cast<int>(nodes[2 * k]), nodes[2 * k + 1]}] = std::vector<double>(from, from + here);
    }
    climb(parts, blocks_.total);
    const std::vector<double> sums = comm.all_gather(parts.begin()->second);
    total.insert(total.end(), sums.begin(), sums.end());
  }
  return total;
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
