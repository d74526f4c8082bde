#pragma once

#include <Kokkos_SIMD.hpp>

namespace koushi {

/// Vector of doubles of this processor: 8 lanes with AVX-512, 4 with AVX2, 2 with NEON, 1 on a GPU.
using Simd = Kokkos::Experimental::simd<double>;

KOKKOS_INLINE_FUNCTION constexpr int simd_width() { return static_cast<int>(Simd::size()); }

/// From and to memory of any alignment.
KOKKOS_INLINE_FUNCTION Simd load(const double* p) {
  return Kokkos::Experimental::simd_unchecked_load<Simd>(p, Kokkos::Experimental::simd_flag_default);
}
KOKKOS_INLINE_FUNCTION void store(const Simd& v, double* p) {
  Kokkos::Experimental::simd_unchecked_store(v, p, Kokkos::Experimental::simd_flag_default);
}

}  // namespace koushi
