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

/// tanh x = (1 - e) / (1 + e), e = e^-2|x|, odd.
template <typename T>
KOKKOS_INLINE_FUNCTION T lane_tanh(const T& x) {
  const T e = lane_decay(T(2.0) * lane_modulus(x));
  const T t = (T(1.0) - e) / (T(1.0) + e);
  return Lanes<T>::select(x < T(0.0), T(0.0) - t, t);
}

/// log cosh x = |x| + log(1 + e^-2|x|) - log 2
template <typename T>
KOKKOS_INLINE_FUNCTION T lane_log_cosh(const T& x) {
  const T modulus = lane_modulus(x);
  return modulus + lane_log(T(1.0) + lane_decay(T(2.0) * modulus)) - T(0.69314718055994530942);
}

/// 1 / (1 + e^-x)
template <typename T>
KOKKOS_INLINE_FUNCTION T lane_logistic(const T& x) {
  const T e = lane_decay(lane_modulus(x));
  const T small = e / (T(1.0) + e);
  return Lanes<T>::select(x < T(0.0), small, T(1.0) - small);
}

}  // namespace koushi
