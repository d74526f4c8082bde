#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

#include "koushi/lattice/halo_exchange.hpp"

namespace koushi {

/// Some lines of sites side by side: numbers [time][line] of an array.
struct LineBlock {
  double* first = nullptr;
  std::int64_t time_stride = 1;
  std::int64_t line_stride = 1;
  KOKKOS_INLINE_FUNCTION double& operator()(int t, int line) const {
    return first[t * time_stride + line * line_stride];
  }
};

/// The lines along the first direction of the lattices of a grid, which must be whole in that direction, in blocks of up
/// to `width` lines: recurrences along a line run in step for all lines of a block, so that their latency is shared.
class PathLines {
 public:
  static constexpr int width = kernels_on_host ? 8 : 1;

  PathLines(const Grid& grid, int components) : grid_(grid.view()), components_(components) {}
  KOKKOS_INLINE_FUNCTION int length() const { return grid_.extent[grid_.first_direction]; }
  KOKKOS_INLINE_FUNCTION int n_blocks() const {
    const int arrays = grid_.n_replicas * components_;
    return in_time() ? (arrays + width - 1) / width : arrays * rows() * row_blocks();
  }
  /// Lines of block b.
  KOKKOS_INLINE_FUNCTION int lines(int b) const {
    const int left =
        in_time() ? grid_.n_replicas * components_ - b * width : grid_.extent[3] - b % row_blocks() * width;
    return left < width ? left : width;
  }
  KOKKOS_INLINE_FUNCTION LineBlock block(int b, const FieldPointer& field) const {
    if (in_time()) return {field.data + b * width * field.per_component + grid_.origin, 1, field.per_component};
    const int x = b % row_blocks() * width;
    int rest = b / row_blocks();
    std::int64_t site = grid_.origin + x;
    for (int mu = 2; mu > grid_.first_direction; --mu) {
      site += rest % grid_.extent[mu] * grid_.stride[mu];
      rest /= grid_.extent[mu];
    }
    return {field.data + rest * field.per_component + site, grid_.stride[grid_.first_direction], 1};
  }

 private:
  KOKKOS_INLINE_FUNCTION bool in_time() const { return grid_.first_direction == 3; }
  KOKKOS_INLINE_FUNCTION int row_blocks() const { return (grid_.extent[3] + width - 1) / width; }
  KOKKOS_INLINE_FUNCTION int rows() const {
    int n = 1;
    for (int mu = grid_.first_direction + 1; mu < 3; ++mu) n *= grid_.extent[mu];
    return n;
  }

  GridView grid_;
  int components_;
};

/// Runs map.run<n>(source, target, lines) on every block of lines; n: lines of the block if it is full, else 0.
template <typename Map>
void for_lines(const char* label, const PathLines& lines, const FieldPointer& source, const FieldPointer& target,
               const Map& map) {
  Kokkos::parallel_for(
      label, Kokkos::RangePolicy<>(0, lines.n_blocks()), KOKKOS_LAMBDA(int b) {
        const LineBlock in = lines.block(b, source);
        const LineBlock out = lines.block(b, target);
        const int n = lines.lines(b);
        if (n == PathLines::width) {
          map.template run<PathLines::width>(in, out, n);
        } else {
          map.template run<0>(in, out, n);
        }
      });
}

}  // namespace koushi
