#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/manybody/chain_kernel.hpp"

namespace koushi {

/// No factor, in a place of ProductMoves that is not used.
struct NoFactor {
  static constexpr int group = 1 << 10;
  static constexpr int at_once = 1 << 10;
};

/// The moves of a product of up to three factors, in one kernel: ratios are multiplied, tables updated one after the
/// other. Walkers that go in step: as many as the factor with the fewest allows.
template <typename A, typename B = NoFactor, typename C = NoFactor>
struct ProductMoves {
  static constexpr int least(int x, int y) { return x < y ? x : y; }
  static constexpr int group = least(A::group, least(B::group, C::group));
  static constexpr int at_once = least(A::at_once, least(B::at_once, C::at_once));

  A a;
  B b{};
  C c{};

  KOKKOS_FUNCTION const MoveSites& at(int k) const { return a.at(k); }

  template <bool one_move, int n>
  KOKKOS_FUNCTION void ratios(const LaneTeam& team, const Walkers& walkers, const int* w, const int* k,
                              const int* sigma, Complex* result) const {
    a.template ratios<one_move, n>(team, walkers, w, k, sigma, result);
    multiply<one_move, n>(b, team, walkers, w, k, sigma, result);
    multiply<one_move, n>(c, team, walkers, w, k, sigma, result);
  }

  KOKKOS_FUNCTION void accept(const LaneTeam& team, const Walkers& walkers, int w, int k, int sigma) const {
    a.accept(team, walkers, w, k, sigma);
    if constexpr (!std::is_same_v<B, NoFactor>) b.accept(team, walkers, w, k, sigma);
    if constexpr (!std::is_same_v<C, NoFactor>) c.accept(team, walkers, w, k, sigma);
  }

 private:
  template <bool one_move, int n, typename Factor>
  KOKKOS_FUNCTION static void multiply(const Factor& factor, const LaneTeam& team, const Walkers& walkers, const int* w,
                                       const int* k, const int* sigma, Complex* result) {
    if constexpr (!std::is_same_v<Factor, NoFactor>) {
      Complex of_factor[n];
      factor.template ratios<one_move, n>(team, walkers, w, k, sigma, of_factor);
      for (int m = 0; m < n; ++m) result[m] = product(result[m], of_factor[m]);
    }
  }
};

}  // namespace koushi
