#pragma once

#include <memory>

#include "blocked_rows.hpp"
#include "slab_matrix.hpp"

namespace koushi {

/// Rows that are kept, [column / 8][sample][column % 8]: used where they are short.
///
///   <false>         O real
///   <true>          O complex-linear in complex parameters
///   <true, false>   O complex, parameters real
/// Memory      8 or 16 bytes per entry, and as much again of all ranks' rows for the Gram matrix
template <bool is_complex, bool is_holomorphic = is_complex>
class StoredRows final : public BlockedRows<is_complex, is_holomorphic> {
  using Base = BlockedRows<is_complex, is_holomorphic>;
  using Base::width;

 public:
  using Space = DistributedRows::Space;
  using Slabs = SlabMatrix<is_complex>;
  StoredRows(const Communicator& comm, RowRange rows, std::int64_t columns, Slabs entries);

  using Base::entries;
  using Base::multiply;
  using Base::multiply_adjoint;
  using Base::row_norms;
  void multiply(const Space& space, const ConstHostReals& v, const HostComplexes& y) const override;
  void multiply_adjoint(const Space& space, const ConstHostComplexes& r, const HostReals& x) const override;
  void row_norms(const Space& space, const HostReals& norms) const override;
  /// All ranks' rows, with samples in slabs.
  std::unique_ptr<GramTiles> gram_tiles(const Space& space) const override;
  void entries(const Space& space, std::int64_t first, std::int64_t count, std::int64_t first_column,
               std::int64_t columns, const EntrySlabs& to) const override;

 private:
  std::int64_t slabs() const { return (this->columns_ + slab_rows - 1) / slab_rows; }

  Slabs entries_;
};

extern template class StoredRows<false>;
extern template class StoredRows<true>;
extern template class StoredRows<true, false>;

}  // namespace koushi
