#pragma once

#include "koushi/network/momentum_law.hpp"

namespace koushi {

/// Hidden units a cos(k x + b) of random networks: k from a law of momenta, a = scale (k^2 + m^2)^{alpha/2}, times a standard
/// normal number if `normal`, b uniform on the circle.
struct WaveUnits {
  MomentumLaw::View law;
  double alpha = 0;
  double mass2 = 1;
  double scale = 1;  ///< sqrt(2 Omega / N)
  bool normal = false;

  /// One unit per lane. words(block): random words of the unit, block 0 modulus of k and phase, 1 and 2 direction of k,
  /// 3 amplitude. k and b in turns, units of 2 pi.
  template <typename T, int d, typename Words>
  KOKKOS_INLINE_FUNCTION void draw(const Words& words, T (&k)[d], T& a, T& b) const {
    const RandomLanes<T> w = words(0);
    const T k2 = law.template draw<T, d>(uniform_lanes<T>(w.word[0], w.word[1]), words, k);
    b = uniform_lanes<T>(w.word[2], w.word[3]);
    a = T(scale);
    if (alpha != 0) a = a * lane_exp(T(0.5 * alpha) * lane_log(k2 + T(mass2)));
    if (normal) {
      const RandomLanes<T> v = words(3);
      T one;
      T two;
      box_muller(uniform_lanes<T>(v.word[0], v.word[1]), uniform_lanes<T>(v.word[2], v.word[3]), one, two);
      a = a * one;
    }
  }
};

}  // namespace koushi
