#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include "koushi/network/layer.hpp"

namespace koushi {

// Products of matrices with tensors of samples: rows of numbers side by side, samples_at_once of them.

inline constexpr int vectors_at_once = samples_at_once / simd_width();
/// Outputs whose sums are kept in registers.
inline constexpr int outputs_at_once = simd_width() >= 8 ? 8 : 4;

/// body(first, number of outputs) with a compile-time number: whole blocks, then 4, 2, 1.
template <typename Body>
void for_outputs(int channels, const Body& body) {
  int first = 0;
  const auto take = [&](auto count) {
    for (; first + count <= channels; first += count) body(first, count);
  };
  if constexpr (outputs_at_once == 8) take(std::integral_constant<int, 8>{});
  take(std::integral_constant<int, 4>{});
  take(std::integral_constant<int, 2>{});
  take(std::integral_constant<int, 1>{});
}

/// sum[o][v] += w[o] x[v]. Written without lambdas, which g++ 12 does not always take inline.
template <int... o>
KOKKOS_FORCEINLINE_FUNCTION void add_input(std::integer_sequence<int, o...> /*outputs*/,
                                           Simd (&sum)[sizeof...(o)][vectors_at_once], const double* w, const Simd& low,
                                           const Simd& high) {
  static_assert(vectors_at_once == 2);
  ((sum[o][0] = Kokkos::fma(Simd(w[o]), low, sum[o][0]), sum[o][1] = Kokkos::fma(Simd(w[o]), high, sum[o][1])), ...);
}

/// sum[o][v] += sum_i w[i][o] x[i][v], rows of x `stride` numbers apart
template <int outputs>
KOKKOS_FORCEINLINE_FUNCTION void add_inputs(Simd (&sum)[outputs][vectors_at_once], const double* w, const double* x,
                                            int inputs, std::ptrdiff_t stride) {
  for (int i = 0; i < inputs; ++i, w += outputs, x += stride)
    add_input(std::make_integer_sequence<int, outputs>{}, sum, w, load(x), load(x + simd_width()));
}

/// A matrix whose rows stand in blocks as for_outputs takes them, [block][column][row of the block].
template <typename Entry>
std::vector<double> packed_rows(int rows, int columns, const Entry& entry) {
  std::vector<double> packed;
  packed.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  for_outputs(rows, [&](int first, auto count) {
    for (int c = 0; c < columns; ++c) {
      for (int r = first; r < first + count; ++r) packed.push_back(entry(r, c));
    }
  });
  return packed;
}

}  // namespace koushi
