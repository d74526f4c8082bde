#pragma once

#include <memory>

#include "blocked_rows.hpp"
#include "slab_matrix.hpp"

namespace koushi {

/// Rows s (x) t of the dense RBM, never formed. Columns [a (if visible)][b][W: hidden slow, site fast].
///
///   O v     = S a + rowsum(T o (S V^T + b)),   V_ji = v of W_ji         (one product of n x N x M)
///   O^H r   = [S^T r, T^H r, (conj(T) o r)^T S]                        (one product of n x N x M)
///   O O^H   = (S S^T) o (T T^H) + T T^H + S S^T
template <bool is_complex>
class OuterProductRows final : public BlockedRows<is_complex> {
  using Base = BlockedRows<is_complex>;
  using Base::width;

 public:
  using Space = DistributedRows::Space;
  using Units = SlabMatrix<is_complex>;
  using Spins = SlabMatrix<false>;
  /// spins: [site / 8][sample][8], t: [unit / 8][sample][8]
  OuterProductRows(const Communicator& comm, RowRange rows, std::int64_t n_sites, std::int64_t n_units, Spins spins,
                   Units t, bool visible);

  using Base::entries;
  using Base::multiply;
  using Base::multiply_adjoint;
  using Base::row_norms;
  void multiply(const Space& space, const ConstHostReals& v, const HostComplexes& y) const override;
  void multiply_adjoint(const Space& space, const ConstHostComplexes& r, const HostReals& x) const override;
  void row_norms(const Space& space, const HostReals& norms) const override;
  std::unique_ptr<GramTiles> gram_tiles(const Space& space) const override;
  void entries(const Space& space, std::int64_t first, std::int64_t count, std::int64_t first_column,
               std::int64_t columns, const EntrySlabs& to) const override;

 private:
  static void put(double* values, std::int64_t k, double re, double im) {
    values[width * k] = re;
    if constexpr (is_complex) values[2 * k + 1] = im;
  }
  void multiply_tile(const Units& w, std::int64_t first, std::int64_t tile, double (&u)[width][tile_size]) const;
  void weigh(std::int64_t first, std::int64_t count, std::int64_t tile, const ConstHostComplexes& r,
             double (&weighted)[width][tile_size]) const;
  void adjoint_tile(std::int64_t first, int count, std::int64_t units, const double (&weighted)[width][tile_size],
                    double* values) const;

  std::int64_t n_sites_;
  std::int64_t n_units_;
  std::int64_t n_visible_;
  Spins spins_;
  Units t_;
  Spins spins_by_sample_;
  Units t_by_sample_;
};

extern template class OuterProductRows<false>;
extern template class OuterProductRows<true>;

}  // namespace koushi
