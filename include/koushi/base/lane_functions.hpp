#pragma once

#include "koushi/base/lane_math.hpp"

namespace koushi {

#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP) || defined(KOKKOS_ENABLE_SYCL)
/// The vector of one number that host code has in a build for GPUs.
template <>
struct Lanes<Simd> {
  static constexpr int width = 1;
  using Mask = typename Simd::mask_type;
  using Word = std::uint64_t;
  KOKKOS_INLINE_FUNCTION static Simd fma(const Simd& a, const Simd& b, const Simd& c) { return Kokkos::fma(a, b, c); }
  KOKKOS_INLINE_FUNCTION static Simd select(const Mask& mask, const Simd& yes, const Simd& no) {
    return mask[0] ? yes : no;
  }
  KOKKOS_INLINE_FUNCTION static Simd from_bits(Word w) { return Simd(Kokkos::bit_cast<double>(w)); }
  KOKKOS_INLINE_FUNCTION static Word to_bits(const Simd& v) {
    const double x = v[0];
    return Kokkos::bit_cast<std::uint64_t>(x);
  }
};
#endif

template <typename T>
KOKKOS_INLINE_FUNCTION T lane_modulus(const T& x) {
  return Lanes<T>::select(x < T(0.0), T(0.0) - x, x);
}

/// e^-x for x >= 0, without underflow.
template <typename T>
KOKKOS_INLINE_FUNCTION T lane_decay(const T& x) {
  return lane_exp(T(0.0) - Lanes<T>::select(x < T(690.0), x, T(690.0)));
}

/// 1 / (1 + e^-x), |error| < 3e-16
template <typename T>
KOKKOS_INLINE_FUNCTION T lane_logistic(const T& x) {
  using L = Lanes<T>;
  const T above = L::select(x < T(-690.0), T(-690.0), x);
  return T(1.0) / (T(1.0) + lane_exp(T(0.0) - L::select(above < T(690.0), above, T(690.0))));
}

/// tanh x = 1 - 2 / (1 + e^2x), |error| < 6e-16
template <typename T>
KOKKOS_INLINE_FUNCTION T lane_tanh(const T& x) {
  return Lanes<T>::fma(T(2.0), lane_logistic(x + x), T(-1.0));
}

/// log cosh x = |x| + log(1 + e^-2|x|) - log 2
template <typename T>
KOKKOS_INLINE_FUNCTION T lane_log_cosh(const T& x) {
  const T modulus = lane_modulus(x);
  return modulus + lane_log(T(1.0) + lane_decay(T(2.0) * modulus)) - T(0.69314718055994530942);
}

/// log cosh(a + i b) = |a| + i b' - log 2 + log(1 + e^(-2|a|) e^(-2 i b')), b' = b sign a, summed over many numbers: the
/// last logarithms are one of a product, whose modulus is taken out now and then.
template <typename T>
struct LogCoshSum {
  T re{0.0};
  T im{0.0};
  T product_re{1.0};
  T product_im{0.0};

  KOKKOS_INLINE_FUNCTION void add(const T& a, const T& b) {
    const T modulus = lane_modulus(a);
    const T angle = Lanes<T>::select(a < T(0.0), T(0.0) - b, b);
    const T e = lane_decay(T(2.0) * modulus);
    T cosine;
    T sine;
    lane_circle(angle * T(-Kokkos::numbers::inv_pi), cosine, sine);
    re = re + (modulus - T(Kokkos::numbers::ln2));
    im = im + angle;
    const T x = Lanes<T>::fma(e, cosine, T(1.0));
    const T y = e * sine;
    const T old = product_re;
    product_re = old * x - product_im * y;
    product_im = Lanes<T>::fma(old, y, product_im * x);
  }
  KOKKOS_INLINE_FUNCTION void take_modulus_out() {
    const T square = Lanes<T>::fma(product_re, product_re, product_im * product_im);
    const T inverse = T(1.0) / Kokkos::sqrt(square);
    re = re + T(0.5) * lane_log(square);
    product_re = product_re * inverse;
    product_im = product_im * inverse;
  }
};

/// tanh(a + i b) = sign a (1 - w) / (1 + w), w = e^(-2|a|) e^(-2 i b')
template <typename T>
KOKKOS_INLINE_FUNCTION void lane_tanh(const T& a, const T& b, T& re, T& im) {
  const auto negative = a < T(0.0);
  const T angle = Lanes<T>::select(negative, T(0.0) - b, b);
  const T e = lane_decay(T(2.0) * lane_modulus(a));
  T cosine;
  T sine;
  lane_circle(angle * T(-Kokkos::numbers::inv_pi), cosine, sine);
  const T x = e * cosine;
  const T y = e * sine;
  const T one(1.0);
  const T inverse = one / ((one + x) * (one + x) + y * y);
  // (1 - x - i y) (1 + x - i y) = 1 - x^2 - y^2 - 2 i y
  const T t_re = (one - x * x - y * y) * inverse;
  const T t_im = T(-2.0) * y * inverse;
  re = Lanes<T>::select(negative, T(0.0) - t_re, t_re);
  im = Lanes<T>::select(negative, T(0.0) - t_im, t_im);
}

}  // namespace koushi
