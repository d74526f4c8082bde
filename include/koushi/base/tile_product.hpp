#pragma once

#include "koushi/base/simd.hpp"

namespace koushi {

/// Extent of the square tiles that dense matrices are cut into, and the layout of all factors of their products: slabs
/// of 8 rows, in which the rows are fast, so that slab[i / 8][k][i % 8] is entry (i, k). A tile of 64 x 64 in this
/// layout is 8 slabs of 64 x 8.
inline constexpr int tile_extent = 64;
inline constexpr int slab_rows = 8;
inline constexpr int tile_size = tile_extent * tile_extent;

inline int tile_at(int i, int k) { return i / slab_rows * (tile_extent * slab_rows) + k * slab_rows + i % slab_rows; }

/// C_ij <- C_ij + sign sum_k A_ik B_jk, i, j = 0 ... 63: the product that all dense algebra of tiles is made of.
///
/// Shapes      c: a tile; a, b: 8 slabs of `depth` rows, a_stride and b_stride numbers apart
/// Cost        2 depth flops per entry of C, at some 80 % of the FMA peak. The sum does not depend on who calls.
template <int sign>
inline void add_tile_product(double* c, const double* a, std::ptrdiff_t a_stride, const double* b,
                             std::ptrdiff_t b_stride, int depth) {
  constexpr int width = simd_width() > slab_rows ? slab_rows : simd_width();
  constexpr int vectors = width >= 8 ? 4 : 2;  // of rows, and columns at once: as many sums as the registers hold
  constexpr int columns = 4;
  constexpr int at_once = 64;  // of k: three operands fit the first cache
  constexpr int per_slab = slab_rows / width;
  static_assert(tile_extent % (vectors * width) == 0 && slab_rows % columns == 0);
  for (int begin = 0; begin < depth; begin += at_once) {
    const int count = depth - begin < at_once ? depth - begin : at_once;
    for (int i = 0; i < tile_extent / width; i += vectors) {
      const double* left[vectors];
      unrolled<vectors>([&](auto v) {
        left[v] = a + (i + v) / per_slab * a_stride + begin * slab_rows + (i + v) % per_slab * width;
      });
      for (int j = 0; j < tile_extent; j += columns) {
        const double* right = b + j / slab_rows * b_stride + begin * slab_rows + j % slab_rows;
        Simd sum[vectors][columns];
        unrolled<vectors>([&](auto v) { unrolled<columns>([&](auto q) { sum[v][q] = Simd(0.0); }); });
        for (int k = 0; k < count * slab_rows; k += slab_rows) {
          Simd row[vectors];
          unrolled<vectors>([&](auto v) { row[v] = load(left[v] + k); });
          unrolled<columns>([&](auto q) {
            const Simd factor(right[k + q]);
            unrolled<vectors>([&](auto v) { sum[v][q] = Kokkos::fma(row[v], factor, sum[v][q]); });
          });
        }
        unrolled<columns>([&](auto q) {
          unrolled<vectors>([&](auto v) {
            double* at =
                c + (i + v) / per_slab * (tile_extent * slab_rows) + (j + q) * slab_rows + (i + v) % per_slab * width;
            const Simd before = load(at);
            store(sign > 0 ? before + sum[v][q] : before - sum[v][q], at);
          });
        });
      }
    }
  }
}

}  // namespace koushi
