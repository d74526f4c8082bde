#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/base/simd.hpp"
#include "koushi/lattice/grid_kernel.hpp"

namespace koushi {

/// Where a path on the lattice has come to from a site: an index for directions 0 to 2, and steps along direction 3.
struct GridStep {
  int offset = 0;
  int along = 0;
};
KOKKOS_INLINE_FUNCTION GridStep operator+(const GridStep& a, const GridStep& b) {
  return {a.offset + b.offset, a.along + b.along};
}

/// A site, or Lanes<T>::width sites of one parity that follow each other in a split row: of those the first `count` are
/// meant, whatever the others hold.
///
/// A neighbour one or two steps along direction 3 is for all lanes but one (where the row ends) at the same distance in
/// memory; that lane is patched in. For longer steps, up to `reach`, more lanes may be patched.
template <typename T, int reach = 2>
struct SiteLanes {
  const GridView& grid;  // not a copy: its views would be counted
  GridRow row;
  int x = 0;  ///< place of the first site
  int count = 1;
  int inner[2 * reach + 1] = {};
  int patch[2 * reach + 1] = {};                    ///< place of the neighbour of the lane that is patched
  int lane[2 * reach + 1] = {};                     ///< lane that is patched; -1: none
  int patches[reach > 2 ? 2 * reach + 1 : 1] = {};  ///< number of lanes patched from that one on

  KOKKOS_FORCEINLINE_FUNCTION SiteLanes(const GridView& view, const GridRow& at, int place, int n)
      : grid(view), row(at), x(place), count(n) {
    if constexpr (Lanes<T>::width > 1) {
      const int parity = x < grid.half ? 0 : 1;
      const int first = x - parity * grid.half;
      const int far = Kokkos::min(int{reach}, grid.range);
      for (int r = -far; r <= far; ++r) {
        const int to = (parity + r) & 1;
        const int shift = (parity + r - to) / 2;  // in the order of one parity
        inner[r + reach] = shift + (to - parity) * grid.half;
        lane[r + reach] = -1;
        if constexpr (reach == 2) {
          const int edge = shift < 0 ? 0 : grid.half - 1;
          if (shift == 0 || edge < first || edge >= first + count) continue;
          lane[r + reach] = edge - first;
        } else {  // sites begin ... end - 1 have neighbours beyond the row
          const int begin = Kokkos::max(first, shift < 0 ? 0 : grid.half - shift);
          const int end = Kokkos::min(first + count, shift < 0 ? -shift : grid.half);
          if (shift == 0 || begin >= end) continue;
          lane[r + reach] = begin - first;
          patches[r + reach] = end - begin;
        }
        patch[r + reach] = place_of(r, lane[r + reach]);
      }
    }
  }
  /// Place of a lane's neighbour r steps along direction 3.
  KOKKOS_INLINE_FUNCTION int place_of(int r, int l) const { return x + l + grid.step(3, r, x + l); }
  KOKKOS_INLINE_FUNCTION GridStep step(int mu, int r) const {
    return mu < 3 ? GridStep{grid.step(mu, r, row.coordinate[mu]), 0} : GridStep{0, r};
  }
  /// Boundary factor of a step.
  KOKKOS_INLINE_FUNCTION T factor(int mu, int r) const {
    return mu < 3 ? T(grid.factor(mu, r, row.coordinate[mu])) : Lanes<T>::load(&grid.weight(3, r + grid.range, x));
  }
  /// Where the numbers of component `first` at the end of `to` are: lane 0 at `from`, and the lane that is patched, if
  /// any, at `other`.
  struct Place {
    const SiteLanes& at;
    int along;
    const double* from;
    const double* other = nullptr;
    typename Lanes<T>::Mask mask = {};
    KOKKOS_FORCEINLINE_FUNCTION Place(const SiteLanes& sites, const FieldPointer& field, int first, const GridStep& to)
        : at(sites), along(to.along) {
      const double* const there = field.at(at.row.replica, first, at.row.site + to.offset);
      if constexpr (Lanes<T>::width == 1) {
        from = there + at.x + (to.along == 0 ? 0 : at.grid.step(3, to.along, at.x));
      } else {
        from = there + at.x + at.inner[to.along + reach];
        const int l = at.lane[to.along + reach];
        if (l < 0) return;
        other = there + at.patch[to.along + reach];
        mask = Lanes<T>::only(l);
      }
    }
    KOKKOS_FORCEINLINE_FUNCTION T operator()(std::int64_t k) const {
      if (other == nullptr) return Lanes<T>::load(from + k);
      T all = Lanes<T>::select(mask, T(other[k]), Lanes<T>::load(from + k));
      if constexpr (reach > 2 && Lanes<T>::width > 1) {
        const int l = at.lane[along + reach];
        for (int m = 1; m < at.patches[along + reach]; ++m) {
          all = Lanes<T>::select(Lanes<T>::only(l + m),
                                 T(other[k + at.place_of(along, l + m) - at.patch[along + reach]]), all);
        }
      }
      return all;
    }
  };
  /// Components first ... first + n - 1 of the sites at the end of `to`.
  template <int n>
  KOKKOS_FORCEINLINE_FUNCTION void load(const FieldPointer& field, int first, const GridStep& to, T (&out)[n]) const {
    const Place place(*this, field, first, to);
    for (int k = 0; k < n; ++k) out[k] = place(k * field.per_component);
  }
  /// The numbers of load(), left where they are in memory, or put beside it where a lane had to be patched.
  template <int n>
  struct Numbers {
    const double* from;
    std::int64_t apart;
    double patched[Lanes<T>::width > 1 ? n* Lanes<T>::width : 1];
    KOKKOS_FORCEINLINE_FUNCTION Numbers(const SiteLanes& at, const FieldPointer& field, int first, const GridStep& to)
        : apart(field.per_component) {
      const Place place(at, field, first, to);
      from = place.from;
      if (place.other == nullptr) return;
      for (int k = 0; k < n; ++k) Lanes<T>::store(place(k * apart), patched + k * Lanes<T>::width);
      from = patched;
      apart = Lanes<T>::width;
    }
    Numbers(const Numbers&) = delete;
    Numbers& operator=(const Numbers&) = delete;
    KOKKOS_FORCEINLINE_FUNCTION T operator[](int k) const { return Lanes<T>::load(from + k * apart); }
  };
};

/// Calls work(row, place, count) for all sites of the rows (parity -1), or for those of one parity of the coordinates
/// of the whole lattice: for `stretch` sites at once in split rows (a vector, or several), or for single ones. Work
/// that has ahead(row, number of the call in its row) gets, where kernels run on the host, that of the next row as
/// well: what it may fetch into the cache.
template <typename T, typename Rows, typename Work, int stretch = Lanes<T>::width>
struct EachLanes {
  GridView grid;
  Rows rows;
  int parity;
  Work work;
  KOKKOS_INLINE_FUNCTION static int per_half(const GridView& grid) { return (grid.half + stretch - 1) / stretch; }
  /// Calls per row.
  KOKKOS_INLINE_FUNCTION static int per_row(const GridView& grid, int parity) {
    if (grid.half == 0) return grid.extent[3];
    return (parity < 0 ? 2 : 1) * per_half(grid);
  }
  template <typename... Sum>
  KOKKOS_FUNCTION void operator()(int k, Sum&... sum) const {
    const int n = per_row(grid, parity);
    const int number = n == 1 ? k : k / n;
    const GridRow row = rows(number);
    if (grid.half == 0) {
      work(row, k % n, 1, sum...);
      return;
    }
    const int m = per_half(grid);
    int odd = k % n / m;
    if (parity >= 0) {
      odd = parity + grid.global_first[3];
      for (int mu = 0; mu < 3; ++mu) odd += grid.global_first[mu] + row.coordinate[mu];
      odd &= 1;
    }
    const int first = k % n % m * stretch;
    const int place = odd * grid.half + first;
    const int count = Kokkos::min(stretch, grid.half - first);
    if constexpr (kernels_on_host && requires { &Work::ahead; }) {
      work(row, place, count, work.ahead(rows(Kokkos::min(number + 1, grid.n_rows() - 1)), k % n), sum...);
    } else {
      work(row, place, count, sum...);
    }
  }
};

template <typename T, typename Rows, typename Work>
void for_lanes(const Kokkos::DefaultExecutionSpace& space, const char* label, const GridView& grid, const Rows& rows,
               int n_rows, const Work& work) {
  using Each = EachLanes<T, Rows, Work>;
  Kokkos::parallel_for(label,
                       Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, n_rows * Each::per_row(grid, -1)),
                       Each{grid, rows, -1, work});
}

/// Runs work on the sites of one parity (split rows) and returns what it counts.
template <typename T, int stretch = Lanes<T>::width, typename Work>
std::int64_t count_lanes(const Kokkos::DefaultExecutionSpace& space, const char* label, const GridView& grid,
                         int parity, const Work& work) {
  using Each = EachLanes<T, TiledRows, Work, stretch>;
  std::int64_t count = 0;
  Kokkos::parallel_reduce(
      label, Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, grid.n_rows() * Each::per_row(grid, parity)),
      Each{grid, TiledRows{grid}, parity, work}, count);
  return count;
}

/// Calls work(row, place, 1, sum) for the sites of a list (GridView::listed) in all replicas.
template <typename Work>
struct OnList {
  GridView grid;
  Kokkos::View<int*> sites;
  Work work;
  KOKKOS_FUNCTION void operator()(int k, std::int64_t& sum) const {
    const auto [row, x] = grid.listed(sites, k);
    work(row, x, 1, sum);
  }
};

template <typename Work>
std::int64_t count_list(const Kokkos::DefaultExecutionSpace& space, const char* label, const GridView& grid,
                        const Kokkos::View<int*>& sites, const Work& work) {
  std::int64_t count = 0;
  Kokkos::parallel_reduce(
      label,
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(sites.extent(0)) * grid.n_replicas),
      OnList<Work>{grid, sites, work}, count);
  return count;
}

}  // namespace koushi
