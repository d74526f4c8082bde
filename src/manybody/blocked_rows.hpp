#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "koushi/base/tile_product.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/distributed_rows.hpp"
#include "koushi/parallel/tree_sum.hpp"

namespace koushi {

/// Common part of the row operators that live on the host: blocks of samples, and the layouts of vectors.
/// is_complex: O has an imaginary part; is_holomorphic: and its columns belong to complex parameters.
template <bool is_complex, bool is_holomorphic = is_complex>
class BlockedRows : public DistributedRows {
  static_assert(is_complex || !is_holomorphic);

 public:
  BlockedRows(const Communicator& comm, RowRange rows, std::int64_t columns)
      : comm_(comm), rows_(rows), columns_(columns) {}
  RowRange rows() const override { return rows_; }
  std::int64_t parameters() const override { return columns_ * width; }
  bool holomorphic() const override { return is_holomorphic; }
  bool real_valued() const override { return !is_complex; }
  std::int64_t block_rows() const override { return block; }

 protected:
  static constexpr std::int64_t block = tile_extent;
  static constexpr int width = is_holomorphic ? 2 : 1;  ///< real parameters of a column

  /// body(first row, rows) for every block of the given ones, shared by the threads.
  template <typename Body>
  void for_blocks(std::int64_t begin, std::int64_t count, const Body& body) const {
    Kokkos::parallel_for(
        "koushi::manybody::row_blocks",
        Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>((count + block - 1) / block)),
        [&](int b) {
          const std::int64_t first = b * block;
          body(begin + first, std::min(block, count - first));
        });
  }
  template <typename Body>
  void for_blocks(const Body& body) const {
    for_blocks(0, rows_.count, body);
  }

  /// The sum over blocks of vectors over the columns, made part by part: leaf(first row, rows, part, values).
  template <typename Leaf>
  void sum_of_blocks(const std::vector<std::int64_t>& offsets, const HostReals& result, const Leaf& leaf) const {
    TreeSum sum(blocks_of(rows_, block), offsets.back());
    sum.add_parts(offsets, [&](std::int64_t b, std::int64_t part, double* values) {
      const std::int64_t first = b * block;
      leaf(first, std::min(block, rows_.count - first), part, values);
    });
    const std::vector<double> total = sum.finish(comm_);
    std::copy(total.begin(), total.end(), result.data());
  }

  const Communicator& comm_;
  RowRange rows_;
  std::int64_t columns_;
};

}  // namespace koushi
