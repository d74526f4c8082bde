#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "koushi/manybody/sector_basis.hpp"
#include "koushi/parallel/hermitian_operator.hpp"

namespace koushi {

/// An operator that commutes with a symmetry, as a matrix on the states of the sector.
///
///   <r~|O|s~> = sum over x in the orbit of s of <r|O|x> phase(x) sqrt(S_s / S_r)
///
/// Its rows are kept, 12 bytes per element (20 where complex), or made again in every product.
/// Cost        a row: an image of every state that it joins under every element of the group
/// Collective  apply
class SectorOperator final : public HermitianOperator {
 public:
  /// How rows are kept; automatic: where they fit into three quarters of `memory`.
  enum class Storage { automatic, stored, none };
  /// memory: bytes of the machine that this rank can count on. It keeps references to all three.
  SectorOperator(const Communicator& comm, const Operator& op, const SectorBasis& basis, Storage storage,
                 double memory);
  RowRange rows() const override { return rows_; }
  bool is_complex() const override { return complex_; }
  void apply(std::span<const double> x, std::span<double> y) const override;
  bool stores_rows() const { return stored_; }
  /// Elements that the rows of this rank keep.
  std::int64_t stored_elements() const;

 private:
  /// Some rows, one behind the other.
  struct Rows {
    std::vector<std::uint32_t> first;  ///< of each row, and the end
    std::vector<std::uint32_t> column;
    std::vector<double> re;
    std::vector<double> im;  ///< empty where real
  };
  Rows make_rows(std::int64_t first, std::int64_t count) const;
  void multiply(const Rows& rows, const double* x, double* y) const;
  std::int64_t chunks() const { return (rows_.count + rows_of_a_chunk - 1) / rows_of_a_chunk; }

  static constexpr std::int64_t rows_of_a_chunk = 512;
  const Communicator& comm_;
  const Operator& op_;
  const SectorBasis& basis_;
  RowRange rows_;
  bool complex_ = false;
  bool stored_ = false;
  std::vector<std::uint64_t> change_;  ///< [move], of the word in the direction +1
  std::vector<Rows> kept_;             ///< [chunk]
};

}  // namespace koushi
