#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

#include "koushi/base/lane_team.hpp"
#include "koushi/parallel/exact_sum.hpp"

namespace koushi {

/// One line of sites along the last direction, which is contiguous in memory.
struct GridRow {
  int replica = 0;         ///< local
  int coordinate[3] = {};  ///< local, of directions 0 to 2
  int site = 0;            ///< index of its first site
};

struct ListedSite {
  GridRow row;
  int x = 0;  ///< its place in the row
};

/// What kernels know of a grid: this rank's box of sites, how to step to neighbours, and where the box lies in the
/// whole lattice.
///
/// Lattices of d < 4 directions fill directions 4 - d ... 3 and have one site in the others. A stored array holds
/// `stored` numbers per replica and component, site fastest; the sites of the box stand in it at origin + sum_mu c_mu
/// stride_mu, with halo layers only in directions that ranks divide or whose ends are fixed.
/// Along the last direction sites stand in the order of their coordinates or, in split rows, first the even and then
/// the odd ones, so that sites of one colour of a checkerboard follow each other; x, the place of a site in its row, is
/// then not its coordinate (coordinate(x)).
///
/// A step by r in direction mu from coordinate c (direction 3: from place x) changes the index by hop(mu, r + range, c)
/// and multiplies the value found there by weight(mu, r + range, c): 1, -1 across an antiperiodic boundary, 0 across an
/// open one. Steps in several directions add and multiply.
struct GridView {
  int first_direction = 3;  ///< 4 - d
  int range = 1;            ///< longest step in one direction
  int n_replicas = 1;       ///< here
  int stored = 1;
  int origin = 0;
  int extent[4] = {1, 1, 1, 1};  ///< of the box
  int stride[4] = {1, 1, 1, 1};
  int global_extent[4] = {1, 1, 1, 1};
  int global_first[4] = {};
  int half = 0;    ///< sites of each parity in a split row; 0: rows are not split
  int margin = 0;  ///< halo below a row
  /// unused numbers before the first site and after the last one, where vectors of sites may begin and end
  int pad = 0;
  /// fields hold the components of a row one after the other, not the rows of a component
  bool interleaved = false;
  bool fixed[4] = {};              ///< directions whose ends are given values, in the halo
  std::int64_t first_replica = 0;  ///< global number of replica 0 here
  /// [4][2 range + 1][longest extent]; clusters are followed on the host
  Kokkos::View<int***, Kokkos::SharedSpace> hop;
  Kokkos::View<double***, Kokkos::SharedSpace> weight;  ///< as hop
  /// The rows in the order in which work on all of them keeps the neighbours along direction 0 in cache: tiles of
  /// directions 1 and 2, and in a tile direction 0 outside. A table, since finding row k costs six divisions one after
  /// the other.
  Kokkos::View<GridRow*, Kokkos::SharedSpace> tiled;

  KOKKOS_INLINE_FUNCTION int n_rows() const { return n_replicas * extent[0] * extent[1] * extent[2]; }
  KOKKOS_INLINE_FUNCTION int volume() const { return extent[0] * extent[1] * extent[2] * extent[3]; }
  KOKKOS_INLINE_FUNCTION GridRow row(int k) const {
    GridRow result;
    result.coordinate[2] = k % extent[2];
    k /= extent[2];
    result.coordinate[1] = k % extent[1];
    k /= extent[1];
    result.coordinate[0] = k % extent[0];
    result.replica = k / extent[0];
    result.site = origin;
    for (int mu = 0; mu < 3; ++mu) result.site += result.coordinate[mu] * stride[mu];
    return result;
  }
  /// Entry k of a list of sites of one replica (row * extent[3] + place) that is gone through for every replica in
  /// turn.
  KOKKOS_INLINE_FUNCTION ListedSite listed(const Kokkos::View<int*>& sites, int k) const {
    const int n_sites = static_cast<int>(sites.extent(0));
    const int local = sites(k % n_sites);
    return {row(local / extent[3] + k / n_sites * (n_rows() / n_replicas)), local % extent[3]};
  }
  /// Coordinate (in the box) of the site at place x of a row, and the place of one; of the halo both are the same.
  KOKKOS_INLINE_FUNCTION int coordinate(int x) const { return half == 0 ? x : x < half ? 2 * x : 2 * (x - half) + 1; }
  KOKKOS_INLINE_FUNCTION int place(int c) const {
    return half == 0 || c < 0 || c >= 2 * half ? c : c / 2 + c % 2 * half;
  }
  KOKKOS_INLINE_FUNCTION int step(int mu, int r, int c) const { return hop(mu, r + range, c); }
  KOKKOS_INLINE_FUNCTION double factor(int mu, int r, int c) const { return weight(mu, r + range, c); }
  /// Number of a site in the whole lattice: lexicographic, last direction fastest.
  KOKKOS_INLINE_FUNCTION std::int64_t global_site(const GridRow& row, int x) const {
    std::int64_t site = 0;
    for (int mu = 0; mu < 3; ++mu) site = site * global_extent[mu] + global_first[mu] + row.coordinate[mu];
    return site * global_extent[3] + global_first[3] + coordinate(x);
  }
};

/// A field for kernels: [replica][component][stored], or interleaved [replica][row][component][place], where a step to
/// another row is `scale` times as long as GridView::step says, and one along a row as long.
struct FieldPointer {
  double* data = nullptr;
  std::int64_t per_replica = 0;
  std::int64_t per_component = 0;
  std::int64_t scale = 1;
  /// First site of a row.
  KOKKOS_INLINE_FUNCTION double* at(const GridRow& row, int component) const {
    return at(row.replica, component, row.site);
  }
  KOKKOS_INLINE_FUNCTION double* at(int replica, int component, int site) const {
    return data + replica * per_replica + component * per_component + site * scale;
  }
};

/// The neighbours of a site along its row: steps of the index and weights, as GridView::step and factor give them.
struct RowSides {
  int left = -1;
  int right = 1;
  double left_weight = 1;
  double right_weight = 1;
};

KOKKOS_INLINE_FUNCTION RowSides row_sides(const GridView& grid, int x) {
  return {grid.step(3, -1, x), grid.step(3, 1, x), grid.factor(3, -1, x), grid.factor(3, 1, x)};
}

/// Rows by number: all of a grid as they lie in memory, or in tiles, or those of a list. (A GPU has neighbours in its
/// large cache anyhow.)
struct AllRows {
  GridView grid;
  KOKKOS_INLINE_FUNCTION GridRow operator()(int k) const { return grid.row(k); }
};
struct TiledRows {
  GridView grid;
  KOKKOS_INLINE_FUNCTION GridRow operator()(int k) const { return kernels_on_host ? grid.tiled(k) : grid.row(k); }
};
struct ListedRows {
  GridView grid;
  Kokkos::View<int*> rows;
  KOKKOS_INLINE_FUNCTION GridRow operator()(int k) const { return grid.row(rows(k)); }
};

/// Runs `kernel` on every site of the rows. kernel.on(row) gives a callable line(x, sides), x the site of the row;
/// inside a row the sides are constants, so that the host compiles a vector loop.
template <typename Kernel, typename Rows>
void for_sites_of(const Kokkos::DefaultExecutionSpace& space, const char* label, const GridView& grid, const Rows& rows,
                  int n_rows, const Kernel& kernel) {
  if constexpr (kernels_on_host) {
    Kokkos::parallel_for(
        label, Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, n_rows), KOKKOS_LAMBDA(int k) {
          const auto line = kernel.on(rows(k));
          const int n = grid.extent[3];
          line(0, row_sides(grid, 0));
#ifdef __GNUC__
#pragma GCC ivdep  // sites are independent of each other: that is what a kernel on sites is
#endif
          for (int x = 1; x < n - 1; ++x) line(x, RowSides{});
          if (n > 1) line(n - 1, row_sides(grid, n - 1));
        });
  } else if (grid.extent[3] >= LaneTeam::size) {  // what a row needs is found once for its sites
    for_items(
        label, space, n_rows, KOKKOS_LAMBDA(const LaneTeam& team, int k) {
          const auto line = kernel.on(rows(k));
          const int n = grid.extent[3];
          team.each([&](int lane) {
            for (int x = lane; x < n; x += LaneTeam::size)
              line(x, x > 0 && x < n - 1 ? RowSides{} : row_sides(grid, x));
          });
        });
  } else {
    const int n = grid.extent[3];
    Kokkos::parallel_for(
        label, Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, n_rows * n), KOKKOS_LAMBDA(int s) {
          const int x = s % n;
          kernel.on(rows(s / n))(x, row_sides(grid, x));
        });
  }
}

template <typename Kernel>
void for_sites(const Kokkos::DefaultExecutionSpace& space, const char* label, const GridView& grid,
               const Kernel& kernel) {
  for_sites_of(space, label, grid, AllRows{grid}, grid.n_rows(), kernel);
}

/// Runs `kernel` on every site, rows in tiles: for kernels that read neighbours along direction 0.
template <typename Kernel>
void for_sites_tiled(const Kokkos::DefaultExecutionSpace& space, const char* label, const GridView& grid,
                     const Kernel& kernel) {
  for_sites_of(space, label, grid, TiledRows{grid}, grid.n_rows(), kernel);
}

template <typename Kernel>
void for_sites(const Kokkos::DefaultExecutionSpace& space, const char* label, const GridView& grid,
               const Kokkos::View<int*>& rows, const Kernel& kernel) {
  for_sites_of(space, label, grid, ListedRows{grid, rows}, static_cast<int>(rows.extent(0)), kernel);
}

/// Exact sums [replica][n], in this order in the memory of any space.
using SiteSums = Kokkos::View<ExactSum**, Kokkos::LayoutRight>;

/// Adds `part` to `total`, from any thread.
KOKKOS_INLINE_FUNCTION void add_atomically(ExactSum& total, const ExactSum& part) {
  for (int l = 0; l < 3; ++l) Kokkos::atomic_add(&total.limb[l], part.limb[l]);
  Kokkos::atomic_add(&total.refused, part.refused);
}

/// Adds what `kernel` finds on every site: kernel.on(row) gives line(x, sides, values) that fills `n` numbers; sums:
/// [replica][n], added to. Exact sums, so in any order.
template <int n, typename Kernel>
void sum_sites(const Kokkos::DefaultExecutionSpace& space, const char* label, const GridView& grid,
               const Kernel& kernel, const SiteSums& sums) {
  // On a GPU all additions to one total wait for each other: a warp takes many rows of a replica.
  const int rows = grid.n_rows() / Kokkos::max(1, grid.n_replicas);
  const int at_once = kernels_on_host ? 1 : Kokkos::max(1, rows / 4096);
  const int pieces = (rows + at_once - 1) / at_once;
  for_items(
      label, space, pieces * grid.n_replicas, KOKKOS_LAMBDA(const LaneTeam& team, int item) {
        const int replica = item / pieces;
        const int first = item % pieces * at_once;
        LaneSums<ExactSum, n> total;
        team.combine(total, [&](int lane, LaneSums<ExactSum, n>& part) {
          part = LaneSums<ExactSum, n>::identity();
          for (int k = first; k < Kokkos::min(first + at_once, rows); ++k) {
            const auto line = kernel.on(grid.row(replica * rows + k));
            for (int x = lane; x < grid.extent[3]; x += LaneTeam::size) {
              double values[n];
              line(x, row_sides(grid, x), values);
              for (int m = 0; m < n; ++m) part.sum[m].add(values[m]);
            }
          }
        });
        team.once([&] {
          for (int m = 0; m < n; ++m) add_atomically(sums(replica, m), total.sum[m]);
        });
      });
}

}  // namespace koushi
