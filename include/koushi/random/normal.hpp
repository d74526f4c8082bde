#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/random/philox.hpp"

namespace koushi {

struct NormalPair {
  double first;
  double second;
};

/// Two independent standard normal numbers from one block (G. E. P. Box, M. E. Muller, Ann. Math. Stat. 29, 610 (1958)).
KOKKOS_INLINE_FUNCTION NormalPair normal_pair(const RandomBlock& r) {
  const double radius = Kokkos::sqrt(-2.0 * Kokkos::log(1.0 - uniform(r.word[0], r.word[1])));
  const double angle = 6.283185307179586476925 * uniform(r.word[2], r.word[3]);
  return {radius * Kokkos::cos(angle), radius * Kokkos::sin(angle)};
}

}  // namespace koushi
