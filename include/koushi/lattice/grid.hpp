#pragma once

#include <cstdint>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/lattice/grid_kernel.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/parallel/communicator.hpp"

namespace koushi {

struct GridOptions {
  std::vector<int> extents;        ///< of the whole lattice, 1 to 4 of them
  std::vector<Boundary> boundary;  ///< one per direction
  std::vector<int> ranks;          ///< ranks per direction of one replica; their product divides the number of ranks
  int range = 1;                   ///< longest step in one direction that an action takes
  std::int64_t replicas = 1;       ///< independent copies of the lattice over all ranks
  /// whether even sites of a row come before odd ones (kernels on whole colours), where every rank's rows allow it
  bool split_rows = false;
  /// numbers per site of the field that kernels read at neighbours: they decide how many rows make a tile in cache
  int numbers = 1;
  bool divisible = true;  ///< whether ranks may divide a lattice; otherwise they share replicas only
};

/// A hypercubic lattice of 1 to 4 directions, or many replicas of it, spread over the ranks: groups of ranks share the
/// replicas, the ranks of a group divide each lattice among them.
///
/// Collective  construction
/// Errors      UsageError: extents that the ranks do not divide, boxes thinner than the range, more groups than
///             replicas
class Grid {
 public:
  Grid(const Communicator& comm, const GridOptions& options);

  const GridView& view() const { return view_; }
  const GridOptions& options() const { return options_; }
  int dimension() const { return static_cast<int>(options_.extents.size()); }
  std::int64_t n_sites() const;  ///< of one whole lattice
  std::int64_t n_replicas() const { return options_.replicas; }
  const Communicator& world() const { return world_; }
  /// The ranks that hold the replicas of this rank.
  const Communicator& group() const { return group_; }
  bool decomposed() const { return group_.size() > 1; }
  /// The box of this rank in arrays [replica][component][global sites ...].
  ArrayBox box(std::int64_t components) const;

  /// Rows whose sites take no step into the halo, and the others.
  const Kokkos::View<int*>& interior_rows() const { return interior_rows_; }
  const Kokkos::View<int*>& boundary_rows() const { return boundary_rows_; }
  /// Rank of the group at `step` (-1 or 1) in a direction, around the torus.
  int neighbour(int mu, int step) const;
  bool has_halo(int mu) const { return halo_[mu] > 0; }
  bool is_divided(int mu) const { return divisions_[mu] > 1; }
  /// Whether the box ends in direction mu at a fixed boundary of the whole lattice.
  bool ends_fixed(int mu, int step) const;

 private:
  const Communicator& world_;
  GridOptions options_;
  int divisions_[4] = {1, 1, 1, 1};
  int position_[4] = {};
  int halo_[4] = {};
  Communicator group_;
  GridView view_;
  Kokkos::View<int*> interior_rows_;
  Kokkos::View<int*> boundary_rows_;
};

/// Ranks per direction for `n_ranks` ranks and that many replicas: replicas first, then the longest boxes are halved,
/// thirded ..., the contiguous direction last. Empty if there is no way.
std::vector<int> choose_divisions(const std::vector<int>& extents, int n_ranks, std::int64_t replicas, int range);
std::vector<int> choose_divisions(const GridOptions& options, int n_ranks);

}  // namespace koushi
