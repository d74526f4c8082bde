#pragma once

#include "koushi/base/lane_math.hpp"

namespace koushi {

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

}  // namespace koushi
