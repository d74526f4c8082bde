#pragma once

#include <memory>
#include <vector>

#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// Rows of a product of factors: their columns behind each other, O = [O_1, O_2, ...].
///
///   O v = sum_c O_c v_c,   O^dagger r = [O_1^dagger r, O_2^dagger r, ...],   O O^dagger = sum_c O_c O_c^dagger
///
/// Holomorphic where all factors are, real-valued where all are. Otherwise the parameters are real, and the P_c complex
/// ones of a holomorphic factor join as 2 P_c real ones (re, im) with the columns O_k, i O_k: v and O^dagger r are laid
/// out like that already, and its G = O O^dagger enters as [[Re G, -Im G], [Im G, Re G]].
/// Cost        that of the factors; a sum of fixed order per factor in multiply_adjoint. Tiles of the Gram matrix go
///             through scratch from the second factor on; those of a holomorphic factor among others are made about
///             twice, four times where the number of samples is no multiple of 64
class ConcatenatedRows final : public DistributedRows {
 public:
  /// Errors  UsageError if there are none, or their rows or blocks differ
  explicit ConcatenatedRows(std::vector<std::unique_ptr<DistributedRows>> factors);

  RowRange rows() const override { return factors_.front()->rows(); }
  std::int64_t parameters() const override { return parameters_; }
  bool holomorphic() const override { return holomorphic_; }
  bool real_valued() const override { return real_valued_; }
  std::int64_t block_rows() const override { return factors_.front()->block_rows(); }

  using DistributedRows::entries;
  using DistributedRows::multiply;
  using DistributedRows::multiply_adjoint;
  using DistributedRows::row_norms;
  void multiply(const Space& space, const ConstHostReals& v, const HostComplexes& y) const override;
  void multiply_adjoint(const Space& space, const ConstHostComplexes& r, const HostReals& x) const override;
  void row_norms(const Space& space, const HostReals& norms) const override;
  std::unique_ptr<GramTiles> gram_tiles(const Space& space) const override;
  void entries(const Space& space, std::int64_t first, std::int64_t count, std::int64_t first_column,
               std::int64_t columns, const EntrySlabs& to) const override;

 private:
  /// Whether a factor joins as [O, i O].
  bool is_doubled(const DistributedRows& factor) const { return factor.holomorphic() && !holomorphic_; }

  std::vector<std::unique_ptr<DistributedRows>> factors_;
  std::int64_t parameters_ = 0;
  bool holomorphic_ = true;
  bool real_valued_ = true;
};

}  // namespace koushi
