#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/base/lane_team.hpp"
#include "koushi/manybody/chain_kernel.hpp"
#include "koushi/manybody/matrix_kernel.hpp"
#include "koushi/manybody/particle_hops.hpp"

namespace koushi {

/// Moves of a Pfaffian of n electrons, psi(x) = Pf X(x):
///
///   X(x)_ab = K(x_a, x_b),   K(p, p') = -K(p', p) for places p, p';   V = X^-1
///   a goes to r:              psi'/psi = T_a,   T_b = sum_j K(r, x_j) V_jb
///   a to r and b to s:        psi'/psi = T_a S_b - T_b S_a - V_ab (K(r, s) - sum_j T_j K(x_j, s)),   S: that of s
///   after a hop of a to r:    V_bc -= ((T_b - delta_ab) V_ac - V_ab (T_c - delta_ac)) / T_a
///
/// Two hops follow each other, the one with the larger ratio first.
/// Shapes      table of a walker: V (matrix_kernel.hpp), and three vectors for scratch, which are 0 between calls
/// Cost        ratio: n FMA (complex: 4 n) and n look-ups of K, of two hops n^2; accept: 3 n^2 per hop
/// Source      M. Bajdich et al., Phys. Rev. B 77, 115112 (2008), app. A; J. Xu, Z. Deng et al., arXiv:2105.13098
template <bool is_complex>
struct PfaffianMoves {
  static constexpr int group = kernels_on_host ? 4 : 1;
  static constexpr int at_once = 1;
  using Matrix = TableMatrix<is_complex>;
  using Vector = TableVector<is_complex>;

  MoveList moves;
  int first = 0;        ///< column of the table where V begins
  int n = 0;            ///< electrons
  RealRows pairing[2];  ///< [re, im]: K as [p][p']

  static int columns(int n) { return Matrix::size(n, n) + 3 * Matrix::size(1, n); }

  KOKKOS_FUNCTION const MoveSites& at(int k) const { return moves(k); }

  template <bool one_move, int count>
  KOKKOS_FUNCTION void ratios(const LaneTeam& team, const Walkers& walkers, const int* w, const int* k,
                              const int* sigma, Complex* result) const {
    for (int m = 0; m < count; ++m) {
      const ParticleHops hops(walkers, w[m], moves(k[m]), sigma[m]);
      double* table = walkers.table_of(w[m]) + first;
      const std::int16_t* places = walkers.state_of(w[m]).particle;
      result[m] = hops.count == 1 ? ratio(team, table, places, hops.place[0], hops.particle[0])
                                  : of_two(team, table, places, hops);
    }
  }

  KOKKOS_FUNCTION void accept(const LaneTeam& team, const Walkers& walkers, int w, int k, int sigma) const {
    const ParticleHops hops(walkers, w, moves(k), sigma);
    double* table = walkers.table_of(w) + first;
    const std::int16_t* places = walkers.state_of(w).particle;
    int h = 0;
    if (hops.count == 2) {
      const Complex one = ratio(team, table, places, hops.place[0], hops.particle[0]);
      const Complex two = ratio(team, table, places, hops.place[1], hops.particle[1]);
      if (square(two) > square(one)) h = 1;
    }
    hop(team, table, places, hops.particle[h], hops.place[h], -1, 0);
    if (hops.count == 2)
      hop(team, table, places, hops.particle[1 - h], hops.place[1 - h], hops.particle[h], hops.place[h]);
    double* all = scratch(table, 0).re;
    team.each([&](int lane) {
      for (int c = lane; c < 3 * Matrix::size(1, n); c += LaneTeam::size) all[c] = 0;
    });
  }

 private:
  KOKKOS_FUNCTION static double square(const Complex& z) { return z.real() * z.real() + z.imag() * z.imag(); }
  KOKKOS_FUNCTION Matrix inverse(double* table) const { return {table, n, Matrix::whole_vectors(n)}; }
  KOKKOS_FUNCTION Vector scratch(double* table, int v) const {
    return {table + Matrix::size(n, n) + v * Matrix::size(1, n), Matrix::whole_vectors(n)};
  }
  KOKKOS_FORCEINLINE_FUNCTION Complex pairing_of(int p, int other) const {
    return {pairing[0](p, other), is_complex ? pairing[1](p, other) : 0.0};
  }
  /// K(place, x_j) of all electrons j, of which `moved` is at `to` already.
  KOKKOS_FUNCTION void pairings_of(const LaneTeam& team, const std::int16_t* places, int place, int moved, int to,
                                   const Vector& u) const {
    team.each([&](int lane) {
      for (int j = lane; j < n; j += LaneTeam::size) u.set(j, pairing_of(place, j == moved ? to : places[j]));
    });
  }

  /// T_a = -sum_j K(place, x_j) V_aj.
  KOKKOS_FUNCTION Complex ratio(const LaneTeam& team, double* table, const std::int16_t* places, int place,
                                int a) const {
    constexpr int parts = kernels_on_host ? 8 : 1;  // sums that do not wait for each other
    const double* from_re = inverse(table).row(a).re;
    const int plane = inverse(table).plane();
    const double* k_re = &pairing[0](place, 0);
    const double* k_im = is_complex ? &pairing[1](place, 0) : nullptr;
    LaneSums<double, 2> total;
    team.combine(total, [&](int lane, LaneSums<double, 2>& part) {
      double re[parts] = {};
      double im[parts] = {};
      const auto add = [&](int j, int m) {
        const double fr = k_re[places[j]];
        const double vr = from_re[j];
        re[m] = Kokkos::fma(fr, vr, re[m]);
        if constexpr (is_complex) {
          const double fi = k_im[places[j]];
          const double vi = from_re[plane + j];
          re[m] = Kokkos::fma(-fi, vi, re[m]);
          im[m] = Kokkos::fma(fr, vi, im[m]);
          im[m] = Kokkos::fma(fi, vr, im[m]);
        }
      };
      int j = lane;
      for (; j + (parts - 1) * LaneTeam::size < n; j += parts * LaneTeam::size) {
        for (int m = 0; m < parts; ++m) add(j + m * LaneTeam::size, m);
      }
      for (; j < n; j += LaneTeam::size) add(j, 0);
      for (int m = 1; m < parts; ++m) {
        re[0] += re[m];
        im[0] += im[m];
      }
      part.sum[0] = -re[0];
      part.sum[1] = -im[0];
    });
    return {total.sum[0], total.sum[1]};
  }
  /// Both electrons of a move go.
  KOKKOS_FUNCTION Complex of_two(const LaneTeam& team, double* table, const std::int16_t* places,
                                 const ParticleHops& hops) const {
    const int a = hops.particle[0];
    const int b = hops.particle[1];
    const int r = hops.place[0];
    const int s = hops.place[1];
    const Matrix v = inverse(table);
    const Vector u = scratch(table, 0);
    const Vector t = scratch(table, 1);
    pairings_of(team, places, r, -1, 0, u);
    v.left_product(team, u, t);
    // S_a, S_b and sum_j T_j K(x_j, s)
    LaneSums<double, 6> total;
    team.combine(total, [&](int lane, LaneSums<double, 6>& part) {
      part = LaneSums<double, 6>::identity();
      for (int j = lane; j < n; j += LaneTeam::size) {
        const Complex k = pairing_of(s, places[j]);
        const Complex values[3] = {product(k, v(a, j)), product(k, v(b, j)), product(k, t(j))};
        for (int m = 0; m < 3; ++m) {
          part.sum[2 * m] -= values[m].real();
          part.sum[2 * m + 1] -= values[m].imag();
        }
      }
    });
    const Complex s_a(total.sum[0], total.sum[1]);
    const Complex s_b(total.sum[2], total.sum[3]);
    const Complex both(total.sum[4], total.sum[5]);
    const Complex result = product(t(a), s_b) - product(t(b), s_a) - product(v(a, b), pairing_of(r, s) - both);
    team.each([&](int lane) {
      for (int c = lane; c < 2 * Matrix::size(1, n); c += LaneTeam::size) u.re[c] = 0;
    });
    return result;
  }
  /// V after electron a went to `place`, where electron `moved` is at `to` already.
  KOKKOS_FUNCTION void hop(const LaneTeam& team, double* table, const std::int16_t* places, int a, int place, int moved,
                           int to) const {
    const Matrix v = inverse(table);
    const Vector u = scratch(table, 0);
    const Vector t = scratch(table, 1);
    const Vector y = scratch(table, 2);
    pairings_of(team, places, place, moved, to, u);
    v.left_product(team, u, t);
    const Complex inverse = Complex(1.0) / t(a);
    team.once([&] { t.set(a, t(a) - 1.0); });
    team.each([&](int lane) {
      for (int c = lane; c < v.stride; c += LaneTeam::size) {
        const Complex scaled = product(v(a, c), inverse);
        y.set(c, scaled);
        u.set(c, -scaled);
      }
    });
    v.subtract(team, t, y, u, t);
  }
};

}  // namespace koushi
