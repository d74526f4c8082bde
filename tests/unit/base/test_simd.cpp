#include <catch2/catch_test_macros.hpp>

#include "koushi/base/simd.hpp"

using namespace koushi;

TEST_CASE("vectors are as wide as the processor's", "[base]") {
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP) || defined(KOKKOS_ENABLE_SYCL)
  CHECK(simd_width() == 1);
#elif defined(__AVX512F__)
  CHECK(simd_width() == 8);
#elif defined(__AVX2__)
  CHECK(simd_width() == 4);
#endif
  double in[16];
  double out[16] = {};
  for (int k = 0; k < 16; ++k) in[k] = k;
  for (int k = 0; k + simd_width() <= 15; k += simd_width()) store(load(in + k + 1) * Simd(2.0), out + k);
  CHECK(out[0] == 2);
  CHECK(out[simd_width() - 1] == 2 * simd_width());
}
