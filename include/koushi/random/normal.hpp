#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/base/lane_math.hpp"
#include "koushi/random/philox.hpp"

namespace koushi {

struct NormalPair {
  double first;
  double second;
};

/// Two independent standard normal numbers from two uniform ones in [0, 1), lane by lane (G. E. P. Box, M. E. Muller,
/// Ann. Math. Stat. 29, 610 (1958)).
template <typename T>
KOKKOS_INLINE_FUNCTION void box_muller(const T& u, const T& v, T& first, T& second) {
  const T radius = Kokkos::sqrt(T(-2.0) * lane_log(T(1.0) - u));
  lane_circle(v, first, second);
  first = radius * first;
  second = radius * second;
}

KOKKOS_INLINE_FUNCTION NormalPair normal_pair(const RandomBlock& r) {
  NormalPair pair;
  box_muller(uniform(r.word[0], r.word[1]), uniform(r.word[2], r.word[3]), pair.first, pair.second);
  return pair;
}

}  // namespace koushi
