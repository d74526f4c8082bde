#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>
#include <vector>

#include "koushi/random/normal.hpp"

namespace koushi {

/// How large momenta are cut off: f(k^2) = 1 below Lambda and 0 above it, or e^{-k^2 / 2 Lambda^2}.
enum class Cutoff { hard, gaussian };

struct MomentumOptions {
  int dimension = 1;
  double mass = 1;
  double alpha = 0;  ///< p(k) ~ f(k^2) / (k^2 + m^2)^{alpha + 1}
  Cutoff cutoff = Cutoff::gaussian;
  double lambda = 10;          ///< Lambda; unused on a lattice
  std::vector<int> extents{};  ///< of a periodic lattice: k = 2 pi n / L and k^2 is sum 4 sin^2(k/2); empty: all of R^d
};

/// Momenta k drawn from p(k) ~ f(k^2) / (k^2 + m^2)^{alpha + 1}, and the integrals that belong to them.
///
/// In R^d the modulus comes from the inverse of its distribution, which a table with cubic pieces holds to about 1e-12; on
/// a lattice the mode comes from the table of cumulated weights. Both find their place through a guide table.
class MomentumLaw {
 public:
  explicit MomentumLaw(const MomentumOptions& options);

  /// Int d^dk/(2 pi)^d f(k^2) (k^2 + m^2)^beta cos(k x); on a lattice 1/V times the sum over its modes.
  double integral(double beta, const std::vector<double>& x) const;
  /// Omega_alpha = integral(-alpha - 1, 0).
  double omega() const { return omega_; }
  const MomentumOptions& options() const { return options_; }

  /// What kernels know of it.
  struct View {
    static constexpr int guides = 4096;
    int dimension = 1;
    bool lattice = false;
    int entries = 0;
    Kokkos::View<int*> guide;         ///< [guides + 1]: the last entry whose distribution is not above k / guides
    Kokkos::View<double*> cumulated;  ///< [entry] distribution, from 0 to 1
    Kokkos::View<double* [2], Kokkos::LayoutRight> node;  ///< [entry]: modulus and d distribution / d modulus
    Kokkos::View<double**, Kokkos::LayoutRight> mode;     ///< [mode][direction, then k^2 of the lattice]

    KOKKOS_INLINE_FUNCTION int entry(double u) const {
      int k = guide(static_cast<int>(u * guides));
      while (k + 2 < entries && cumulated(k + 1) <= u) ++k;
      return k;
    }
    /// The moduli whose distribution is u: a cubic between two nodes, solved by Newton's steps. Every lane has its own.
    template <typename T>
    KOKKOS_INLINE_FUNCTION T modulus(const T& u) const {
      using L = Lanes<T>;
      double from[6][L::width];  // two neighbouring nodes: modulus, distribution, its slope
      for (int l = 0; l < L::width; ++l) {
        const int k = entry(L::get(u, l));
        for (int side = 0; side < 2; ++side) {
          from[side][l] = node(k + side, 0);
          from[2 + side][l] = cumulated(k + side);
          from[4 + side][l] = node(k + side, 1);
        }
      }
      const T lower = L::load(from[0]);
      const T low = L::load(from[2]);
      const T h = L::load(from[1]) - lower;
      const T rise = L::load(from[3]) - low;
      const T begin = L::load(from[4]) * h;
      const T end = L::load(from[5]) * h;
      // C(t) = begin t + (3 rise - 2 begin - end) t^2 + (begin + end - 2 rise) t^3, 0 <= t <= 1
      const T b = T(3.0) * rise - T(2.0) * begin - end;
      const T c = begin + end - T(2.0) * rise;
      const T wanted = u - low;
      const auto some = T(0.0) < rise;
      T t = L::select(some, wanted / L::select(some, rise, T(1.0)), T(0.5));
      for (int step = 0; step < 3; ++step) {
        const T slope = L::fma(L::fma(T(3.0) * c, t, T(2.0) * b), t, begin);
        const T value = L::fma(L::fma(c, t, b), t, begin) * t - wanted;
        const auto rises = T(0.0) < slope;
        const T next = t - L::select(rises, value / L::select(rises, slope, T(1.0)), T(0.0));
        const T bounded = L::select(next < T(0.0), T(0.5) * t, next);
        t = L::select(T(1.0) < bounded, T(0.5) * (t + T(1.0)), bounded);
      }
      return L::fma(h, t, lower);
    }
    /// k / 2 pi and k^2 of the law for a neuron per lane, from a uniform number; words(block) gives further random words.
    template <typename T, int d, typename Words>
    KOKKOS_INLINE_FUNCTION T draw(const T& u, const Words& words, T (&k)[d]) const {
      using L = Lanes<T>;
      const T turn(0.15915494309189533577);  // 1 / 2 pi
      if (lattice) {
        double from[d + 1][L::width];
        for (int l = 0; l < L::width; ++l) {
          const int m = entry(L::get(u, l));
          for (int mu = 0; mu <= d; ++mu) from[mu][l] = mode(m, mu);
        }
        for (int mu = 0; mu < d; ++mu) k[mu] = turn * L::load(from[mu]);
        return L::load(from[d]);
      }
      const T r = modulus(u);
      const T turns = r * turn;
      if constexpr (d == 1) {
        k[0] = turns;  // the sign is one with the phase
      } else {
        const RandomLanes<T> w = words(1);
        const T first = uniform_lanes<T>(w.word[0], w.word[1]);
        const T second = uniform_lanes<T>(w.word[2], w.word[3]);
        if constexpr (d == 2) {
          lane_circle(first, k[0], k[1]);
          for (T& one : k) one = one * turns;
        } else if constexpr (d == 3) {
          const T z = T(2.0) * first - T(1.0);
          lane_circle(second, k[0], k[1]);
          const T across = turns * Kokkos::sqrt(T(1.0) - z * z);
          k[0] = k[0] * across;
          k[1] = k[1] * across;
          k[2] = z * turns;
        } else {
          const RandomLanes<T> v = words(2);
          box_muller(first, second, k[0], k[1]);
          box_muller(uniform_lanes<T>(v.word[0], v.word[1]), uniform_lanes<T>(v.word[2], v.word[3]), k[2], k[3]);
          const T square = k[0] * k[0] + k[1] * k[1] + k[2] * k[2] + k[3] * k[3];
          const T scale = turns / Kokkos::sqrt(square);
          for (T& one : k) one = one * scale;
        }
      }
      return r * r;
    }
  };
  const View& view() const { return view_; }

 private:
  double cut(double k2) const;
  void make_lattice();
  void make_radial();
  double upper() const;  ///< modulus beyond which nothing is left

  MomentumOptions options_;
  double omega_ = 0;
  View view_;
};

}  // namespace koushi
