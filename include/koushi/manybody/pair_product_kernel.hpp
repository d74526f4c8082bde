#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/base/lane_team.hpp"
#include "koushi/manybody/chain_kernel.hpp"
#include "koushi/manybody/matrix_kernel.hpp"

namespace koushi {

/// Moves of a pair product of n electrons up and n down.
///
///   psi(x) = det F,   F_ab = f(i_a, j_b),   i_a, j_b: the sites of electron a up and b down,   W = F^-1
///
/// a goes to r:   psi'/psi = sum_b f(r, j_b) W_ba         b goes to s:   psi'/psi = sum_a W_ba f(i_a, s)
/// a to r and b to s, with u_c = f(r, j_c) and v_c = f(i_c, s):
///                psi'/psi = (u W)_a (W v)_b + W_ba (f(r, s) - u W v)
/// a to r and c to q: the determinant of the two by two ratios. After a hop of a,
/// W_bc -= W_ba ((u W)_c - delta_ac) / (u W)_a; two hops follow each other, the one with the larger ratio first.
/// Shapes      table of a walker: the matrix W [b][a] (matrix_kernel.hpp), then two vectors of its width for scratch,
///             which are 0 between calls
/// Cost        ratio: n FMA (complex: 4 n) and n look-ups of f, of a hop up and one down n^2; accept: 2 n^2 per hop
/// Source      D. Tahara, M. Imada, J. Phys. Soc. Jpn. 77, 114701 (2008), sec. 2; J. Sherman, W. J. Morrison, Ann. Math.
///             Stat. 21, 124 (1950)
template <bool is_complex>
struct PairProductMoves {
  static constexpr int group = kernels_on_host ? 4 : 1;
  static constexpr int at_once = 1;
  using Matrix = TableMatrix<is_complex>;
  using Vector = TableVector<is_complex>;

  MoveList moves;
  int first = 0;  ///< column of the table where W begins
  int n_sites = 0;
  int n = 0;               ///< electrons of one spin
  RealRows pairing[2][2];  ///< [re, im][0]: f(i, j) as [i][j], [1]: as [j][i]

  static int columns(int n) { return Matrix::size(n, n) + 2 * Matrix::size(1, n); }

  KOKKOS_FUNCTION const MoveSites& at(int k) const { return moves(k); }

  template <bool one_move, int count>
  KOKKOS_FUNCTION void ratios(const LaneTeam& team, const Walkers& walkers, const int* w, const int* k,
                              const int* sigma, Complex* result) const {
    for (int m = 0; m < count; ++m) {
      const Hops hops(*this, walkers, w[m], moves(k[m]), sigma[m]);
      double* table = walkers.table_of(w[m]) + first;
      const std::int16_t* places = walkers.state_of(w[m]).particle;
      if (hops.count == 1) {
        result[m] = ratio(team, table, places, hops.spin[0], hops.site[0], hops.particle[0]);
      } else if (hops.spin[0] == hops.spin[1]) {
        Complex entry[2][2];
        for (int g = 0; g < 2; ++g) {
          for (int h = 0; h < 2; ++h)
            entry[g][h] = ratio(team, table, places, hops.spin[0], hops.site[g], hops.particle[h]);
        }
        result[m] = product(entry[0][0], entry[1][1]) - product(entry[0][1], entry[1][0]);
      } else {
        const int up = hops.spin[0] == 0 ? 0 : 1;
        result[m] =
            of_pair(team, table, places, hops.particle[up], hops.site[up], hops.particle[1 - up], hops.site[1 - up]);
      }
    }
  }

  KOKKOS_FUNCTION void accept(const LaneTeam& team, const Walkers& walkers, int w, int k, int sigma) const {
    const Hops hops(*this, walkers, w, moves(k), sigma);
    double* table = walkers.table_of(w) + first;
    const std::int16_t* places = walkers.state_of(w).particle;
    int h = 0;
    if (hops.count == 2) {
      const Complex one = ratio(team, table, places, hops.spin[0], hops.site[0], hops.particle[0]);
      const Complex two = ratio(team, table, places, hops.spin[1], hops.site[1], hops.particle[1]);
      if (square(two) > square(one)) h = 1;
    }
    hop(team, table, places, hops.spin[h], hops.particle[h], hops.site[h], -1, 0);
    if (hops.count < 2) return;
    hop(team, table, places, hops.spin[1 - h], hops.particle[1 - h], hops.site[1 - h],
        hops.spin[h] * n + hops.particle[h], hops.site[h]);
  }

 private:
  /// Electrons of a move in one direction: spin 0 up, 1 down; its number within its spin; the site where it goes.
  struct Hops {
    int count;
    int spin[2];
    int particle[2];
    int site[2];

    KOKKOS_FUNCTION Hops(const PairProductMoves& self, const Walkers& walkers, int w, const MoveSites& sites, int sigma)
        : count(sites.hops) {
      const StateView state = walkers.state_of(w);
      for (int h = 0; h < count; ++h) {
        const int from = sites.place[2 * h + (sigma > 0 ? 0 : 1)];
        const int to = sites.place[2 * h + (sigma > 0 ? 1 : 0)];
        spin[h] = from >= self.n_sites ? 1 : 0;
        particle[h] = state.occupant[from] - spin[h] * self.n;
        site[h] = to - spin[h] * self.n_sites;
      }
    }
  };

  KOKKOS_FUNCTION static double square(const Complex& z) { return z.real() * z.real() + z.imag() * z.imag(); }
  KOKKOS_FUNCTION Matrix inverse(double* table) const { return {table, n, Matrix::whole_vectors(n)}; }
  KOKKOS_FUNCTION Vector scratch(double* table, int v) const {
    return {table + Matrix::size(n, n) + v * Matrix::size(1, n), Matrix::whole_vectors(n)};
  }
  /// f of an electron of spin `spin` at `site` with one of the other spin at `other`.
  KOKKOS_FORCEINLINE_FUNCTION Complex f(int spin, int site, int other) const {
    return {pairing[0][spin](site, other), is_complex ? pairing[1][spin](site, other) : 0.0};
  }
  /// The site of electron c of the spin other than `spin`, where electron `moved` (numbers of both spins) is at `to`.
  KOKKOS_FORCEINLINE_FUNCTION int partner(const std::int16_t* places, int spin, int c, int moved, int to) const {
    const int number = (1 - spin) * n + c;
    return number == moved ? to : places[number] - (1 - spin) * n_sites;
  }
  /// f of an electron at `site` with all of the other spin.
  KOKKOS_FUNCTION void pairings_of(const LaneTeam& team, const std::int16_t* places, int spin, int site, int moved,
                                   int to, const Vector& u) const {
    team.each([&](int lane) {
      for (int c = lane; c < n; c += LaneTeam::size) u.set(c, f(spin, site, partner(places, spin, c, moved, to)));
    });
  }

  /// psi'/psi of electron p of a spin that goes to `site`.
  KOKKOS_FUNCTION Complex ratio(const LaneTeam& team, double* table, const std::int16_t* places, int spin, int site,
                                int p) const {
    constexpr int parts = kernels_on_host ? 4 : 1;  // sums that do not wait for each other
    const Matrix w = inverse(table);
    LaneSums<double, 2> total;
    team.combine(total, [&](int lane, LaneSums<double, 2>& part) {
      double re[parts] = {};
      double im[parts] = {};
      const double* from = w.re + (spin == 0 ? p : p * w.stride);
      const int step = spin == 0 ? w.stride : 1;
      const auto add = [&](int c, int m) {
        const int other = partner(places, spin, c, -1, 0);
        const double fr = pairing[0][spin](site, other);
        const double wr = from[c * step];
        re[m] = Kokkos::fma(fr, wr, re[m]);
        if constexpr (is_complex) {
          const double fi = pairing[1][spin](site, other);
          const double wi = from[w.plane() + c * step];
          re[m] = Kokkos::fma(-fi, wi, re[m]);
          im[m] = Kokkos::fma(fr, wi, im[m]);
          im[m] = Kokkos::fma(fi, wr, im[m]);
        }
      };
      int c = lane;
      for (; c + (parts - 1) * LaneTeam::size < n; c += parts * LaneTeam::size) {
        for (int m = 0; m < parts; ++m) add(c + m * LaneTeam::size, m);
      }
      for (; c < n; c += LaneTeam::size) add(c, 0);
      for (int m = 1; m < parts; ++m) {
        re[0] += re[m];
        im[0] += im[m];
      }
      part.sum[0] = re[0];
      part.sum[1] = im[0];
    });
    return {total.sum[0], total.sum[1]};
  }
  /// Electron a up goes to r, b down to s.
  KOKKOS_FUNCTION Complex of_pair(const LaneTeam& team, double* table, const std::int16_t* places, int a, int r, int b,
                                  int s) const {
    const Matrix w = inverse(table);
    const Vector u = scratch(table, 0);
    const Vector uw = scratch(table, 1);
    pairings_of(team, places, 0, r, -1, 0, u);
    w.left_product(team, u, uw);
    LaneSums<double, 4> total;
    team.combine(total, [&](int lane, LaneSums<double, 4>& part) {
      part = LaneSums<double, 4>::identity();
      for (int c = lane; c < n; c += LaneTeam::size) {
        const Complex v = f(1, s, places[c]);
        const Complex down = product(w(b, c), v);
        const Complex both = product(uw(c), v);
        part.sum[0] += down.real();
        part.sum[1] += down.imag();
        part.sum[2] += both.real();
        part.sum[3] += both.imag();
      }
    });
    const Complex result = product(uw(a), Complex(total.sum[0], total.sum[1])) +
                           product(w(b, a), f(0, r, s) - Complex(total.sum[2], total.sum[3]));
    clear(team, table);
    return result;
  }
  /// W after electron p of a spin went to `site`; `moved`: an electron of the other spin that is at `to` already.
  KOKKOS_FUNCTION void hop(const LaneTeam& team, double* table, const std::int16_t* places, int spin, int p, int site,
                           int moved, int to) const {
    const Matrix w = inverse(table);
    const Vector u = scratch(table, 0);
    const Vector v = scratch(table, 1);
    pairings_of(team, places, spin, site, moved, to, u);
    if (spin == 0) {
      w.left_product(team, u, v);
      const Complex inverse = Complex(1.0) / v(p);
      team.each([&](int lane) {
        for (int b = lane; b < n; b += LaneTeam::size) u.set(b, product(w(b, p), inverse));
        if (lane == 0) v.set(p, v(p) - 1.0);
      });
      w.subtract(team, u, v);
    } else {
      w.right_product(team, u, v);
      const Complex inverse = Complex(1.0) / v(p);
      team.once([&] { v.set(p, v(p) - 1.0); });
      team.each([&](int lane) {
        for (int c = lane; c < w.stride; c += LaneTeam::size) u.set(c, product(w(p, c), inverse));
      });
      w.subtract(team, v, u);
    }
    clear(team, table);
  }
  KOKKOS_FUNCTION void clear(const LaneTeam& team, double* table) const {
    double* all = scratch(table, 0).re;
    team.each([&](int lane) {
      for (int c = lane; c < 2 * Matrix::size(1, n); c += LaneTeam::size) all[c] = 0;
    });
  }
};

}  // namespace koushi
