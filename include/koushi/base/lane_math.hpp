#pragma once

#include "koushi/base/simd.hpp"

namespace koushi {

/// Elementary functions of numbers or vectors of numbers (Lanes<T>), by the same operations in every lane, on host and
/// device. That one lane equals one number to the last bit needs a compiler that fuses nothing by itself:
/// -ffp-contract=off, as in room field.

/// x = m 2^e with m in [sqrt(1/2), sqrt 2), x > 0 and normal: log x = e log 2 + 2 artanh s, s = (m - 1) / (m + 1), |s|
/// < 0.172, as its power series to s^19. Error below 2 units in the last place.
template <typename T>
KOKKOS_INLINE_FUNCTION T lane_log(const T& x) {
  using L = Lanes<T>;
  using Word = typename L::Word;
  constexpr double root_half = 0.70710678118654752440;
  const Word bits = L::to_bits(x);
  const Word fraction = (bits & Word(0x000fffffffffffffULL)) | Word(0x3fe0000000000000ULL);
  T m = L::from_bits(fraction);  // in [1/2, 1)
  // The exponent, put behind the mantissa of 2^52, is a number of its own.
  T e = L::from_bits((bits >> 52) | Word(0x4330000000000000ULL)) - T(4503599627370496.0 + 1022.0);
  const auto low = m < T(root_half);
  m = L::select(low, m + m, m);
  e = L::select(low, e - T(1.0), e);
  const T s = (m - T(1.0)) / (m + T(1.0));
  const T z = s * s;
  T p(2.0 / 19);
  p = L::fma(p, z, T(2.0 / 17));
  p = L::fma(p, z, T(2.0 / 15));
  p = L::fma(p, z, T(2.0 / 13));
  p = L::fma(p, z, T(2.0 / 11));
  p = L::fma(p, z, T(2.0 / 9));
  p = L::fma(p, z, T(2.0 / 7));
  p = L::fma(p, z, T(2.0 / 5));
  p = L::fma(p, z, T(2.0 / 3));
  const T tail = L::fma(p * z, s, e * T(1.90821492927058770002e-10));  // log 2 in two parts
  return L::fma(e, T(6.93147180369123816490e-01), (s + s) + tail);
}

/// e^x for |x| < 700: x = n log 2 + r, the series of e^r to r^13.
template <typename T>
KOKKOS_INLINE_FUNCTION T lane_exp(const T& x) {
  using L = Lanes<T>;
  using Word = typename L::Word;
  const T shift(6755399441055744.0);  // 1.5 2^52: adding it rounds to an integer, which then stands in the low bits
  const T big = L::fma(x, T(1.44269504088896340736), shift);
  const T n = big - shift;
  T r = L::fma(n, T(-6.93147180369123816490e-01), x);
  r = L::fma(n, T(-1.90821492927058770002e-10), r);
  T p(1.0 / 6227020800.0);
  p = L::fma(p, r, T(1.0 / 479001600.0));
  p = L::fma(p, r, T(1.0 / 39916800.0));
  p = L::fma(p, r, T(1.0 / 3628800.0));
  p = L::fma(p, r, T(1.0 / 362880.0));
  p = L::fma(p, r, T(1.0 / 40320.0));
  p = L::fma(p, r, T(1.0 / 5040.0));
  p = L::fma(p, r, T(1.0 / 720.0));
  p = L::fma(p, r, T(1.0 / 120.0));
  p = L::fma(p, r, T(1.0 / 24.0));
  p = L::fma(p, r, T(1.0 / 6.0));
  p = L::fma(p, r, T(0.5));
  p = L::fma(p, r, T(1.0));
  p = L::fma(p, r, T(1.0));
  // 2^n: n + 1023 in the exponent's bits.
  const T power = L::from_bits((L::to_bits(big) + Word(1023ULL)) << 52);
  return p * power;
}

/// cos and sin of 2 pi u, |u| < 2^30: u = q / 4 + r exactly, the series of the rest, |2 pi r| <= pi / 4, to its 16th
/// and 15th powers.
template <typename T>
KOKKOS_INLINE_FUNCTION void lane_circle(const T& u, T& cosine, T& sine) {
  using L = Lanes<T>;
  using Word = typename L::Word;
  const T shift(6755399441055744.0);
  const T big = u * T(4.0) + shift;
  const T q = big - shift;
  const T x = (u * T(4.0) - q) * T(1.57079632679489661923);
  const T z = x * x;
  T s(-1.0 / 1307674368000.0);
  s = L::fma(s, z, T(1.0 / 6227020800.0));
  s = L::fma(s, z, T(-1.0 / 39916800.0));
  s = L::fma(s, z, T(1.0 / 362880.0));
  s = L::fma(s, z, T(-1.0 / 5040.0));
  s = L::fma(s, z, T(1.0 / 120.0));
  s = L::fma(s, z, T(-1.0 / 6.0));
  s = L::fma(s * z, x, x);
  T c(1.0 / 20922789888000.0);
  c = L::fma(c, z, T(-1.0 / 87178291200.0));
  c = L::fma(c, z, T(1.0 / 479001600.0));
  c = L::fma(c, z, T(-1.0 / 3628800.0));
  c = L::fma(c, z, T(1.0 / 40320.0));
  c = L::fma(c, z, T(-1.0 / 720.0));
  c = L::fma(c, z, T(1.0 / 24.0));
  c = L::fma(c, z, T(-0.5));
  c = L::fma(c, z, T(1.0));
  const Word quarter = L::to_bits(big);
  const T odd = L::from_bits((quarter & Word(1ULL)) | Word(0x4330000000000000ULL)) - T(4503599627370496.0);
  const T half = L::from_bits(((quarter >> 1) & Word(1ULL)) | Word(0x4330000000000000ULL)) - T(4503599627370496.0);
  const auto swap = T(0.5) < odd;
  const T first = L::select(swap, T(0.0) - s, c);
  const T second = L::select(swap, c, s);
  const T sign = T(1.0) - (half + half);
  cosine = sign * first;
  sine = sign * second;
}

}  // namespace koushi
