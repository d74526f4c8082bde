#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/base/lane_team.hpp"
#include "koushi/manybody/chain_kernel.hpp"

namespace koushi {

/// Moves of a pair product of n electrons up and n down.
///
///   psi(x) = det F,   F_ab = f(i_a, j_b),   i_a, j_b: the sites of electron a up and b down,   W = F^-1
///
/// a goes to r:   psi'/psi = sum_b f(r, j_b) W_ba         b goes to s:   psi'/psi = sum_a W_ba f(i_a, s)
/// a to r and b to s, with u_c = f(r, j_c) and v_c = f(i_c, s) but v_a = f(r, s):
///                psi'/psi = (u W)_a (W v)_b - W_ba (u W v - v_a)
/// a to r and c to q: the determinant of the two by two ratios. After a hop of a,
/// W_bc -= W_ba ((u W)_c - delta_ac) / (u W)_a; two hops follow each other, the one with the larger ratio first.
/// Shapes      table of a walker: [re, im where complex][b][a] of W, then the same planes of a vector of n for scratch
/// Cost        ratio: n FMA (complex: 4 n) and n look-ups of f, of a hop up and one down n^2; accept: 2 n^2 per hop
/// Source      D. Tahara, M. Imada, J. Phys. Soc. Jpn. 77, 114701 (2008), sec. 2; J. Sherman, W. J. Morrison, Ann. Math.
///             Stat. 21, 124 (1950)
template <bool is_complex>
struct PairProductMoves {
  static constexpr int group = kernels_on_host ? 4 : 1;
  static constexpr int at_once = 1;
  using Sum = LaneSums<double, 2>;  ///< re, im

  MoveList moves;
  int first = 0;  ///< column of the table where W begins
  int n_sites = 0;
  int n = 0;               ///< electrons of one spin
  RealRows pairing[2][2];  ///< [re, im][0]: f(i, j) as [i][j], [1]: as [j][i]

  KOKKOS_FUNCTION const MoveSites& at(int k) const { return moves(k); }

  template <bool one_move, int count>
  KOKKOS_FUNCTION void ratios(const LaneTeam& team, const Walkers& walkers, const int* w, const int* k,
                              const int* sigma, Complex* result) const {
    for (int m = 0; m < count; ++m) {
      const Hops hops(*this, walkers, w[m], moves(k[m]), sigma[m]);
      const double* table = walkers.table_of(w[m]) + first;
      const std::int16_t* places = walkers.state_of(w[m]).particle;
      if (hops.count == 1) {
        result[m] = ratio(team, table, places, hops.spin[0], hops.site[0], hops.particle[0]);
      } else if (hops.spin[0] == hops.spin[1]) {
        Complex entry[2][2];
        for (int g = 0; g < 2; ++g) {
          for (int h = 0; h < 2; ++h)
            entry[g][h] = ratio(team, table, places, hops.spin[0], hops.site[g], hops.particle[h]);
        }
        result[m] = entry[0][0] * entry[1][1] - entry[0][1] * entry[1][0];
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
  KOKKOS_FUNCTION Complex entry(const double* table, int b, int a) const {
    return {table[b * n + a], is_complex ? table[n * n + b * n + a] : 0.0};
  }
  KOKKOS_FUNCTION void set_entry(double* table, int b, int a, const Complex& value) const {
    table[b * n + a] = value.real();
    if constexpr (is_complex) table[n * n + b * n + a] = value.imag();
  }
  KOKKOS_FUNCTION double* scratch(double* table) const { return table + (is_complex ? 2 : 1) * n * n; }
  KOKKOS_FUNCTION Complex scratch_at(double* table, int c) const {
    return {scratch(table)[c], is_complex ? scratch(table)[n + c] : 0.0};
  }
  /// f of an electron of spin `spin` at `site` with one of the other spin at `other`.
  KOKKOS_FUNCTION Complex f(int spin, int site, int other) const {
    return {pairing[0][spin](site, other), is_complex ? pairing[1][spin](site, other) : 0.0};
  }
  /// W_ba for spin 0, with the two indices exchanged for spin 1: what stands beside f(site, partner c) in the ratio of
  /// electron p.
  KOKKOS_FUNCTION Complex weight(const double* table, int spin, int p, int c) const {
    return spin == 0 ? entry(table, c, p) : entry(table, p, c);
  }
  KOKKOS_FUNCTION static void add(Sum& part, const Complex& value) {
    part.sum[0] += value.real();
    part.sum[1] += value.imag();
  }
  /// The site of electron c of the spin other than `spin`, where electron `moved` (numbers of both spins) is at `to`.
  KOKKOS_FUNCTION int partner(const std::int16_t* places, int spin, int c, int moved, int to) const {
    const int number = (1 - spin) * n + c;
    return number == moved ? to : places[number] - (1 - spin) * n_sites;
  }

  /// psi'/psi of electron p of a spin that goes to `site`.
  KOKKOS_FUNCTION Complex ratio(const LaneTeam& team, const double* table, const std::int16_t* places, int spin,
                                int site, int p) const {
    Sum total;
    team.combine(total, [&](int lane, Sum& part) {
      part = Sum::identity();
      for (int c = lane; c < n; c += LaneTeam::size)
        add(part, f(spin, site, partner(places, spin, c, -1, 0)) * weight(table, spin, p, c));
    });
    return {total.sum[0], total.sum[1]};
  }
  /// Electron a up goes to r, b down to s.
  KOKKOS_FUNCTION Complex of_pair(const LaneTeam& team, const double* table, const std::int16_t* places, int a, int r,
                                  int b, int s) const {
    const auto v = [&](int c) { return c == a ? f(0, r, s) : f(0, places[c], s); };
    const Complex up = ratio(team, table, places, 0, r, a);
    LaneSums<double, 4> total;
    team.combine(total, [&](int lane, LaneSums<double, 4>& part) {
      part = LaneSums<double, 4>::identity();
      for (int c = lane; c < n; c += LaneTeam::size) {
        const Complex down = entry(table, b, c) * v(c);
        part.sum[0] += down.real();
        part.sum[1] += down.imag();
        Complex row = 0;
        for (int d = 0; d < n; ++d) row += entry(table, c, d) * v(d);
        row *= f(0, r, places[n + c] - n_sites);
        part.sum[2] += row.real();
        part.sum[3] += row.imag();
      }
    });
    return up * Complex(total.sum[0], total.sum[1]) -
           entry(table, b, a) * (Complex(total.sum[2], total.sum[3]) - f(0, r, s));
  }
  /// W after electron p of a spin went to `site`; `moved`: an electron of the other spin that is at `to` already.
  KOKKOS_FUNCTION void hop(const LaneTeam& team, double* table, const std::int16_t* places, int spin, int p, int site,
                           int moved, int to) const {
    // (u W)_c of spin up, (W v)_c of spin down, into scratch.
    team.each([&](int lane) {
      for (int c = lane; c < n; c += LaneTeam::size) {
        Complex sum = 0;
        for (int d = 0; d < n; ++d)
          sum += f(spin, site, partner(places, spin, d, moved, to)) * weight(table, spin, c, d);
        scratch(table)[c] = sum.real();
        if constexpr (is_complex) scratch(table)[n + c] = sum.imag();
      }
    });
    const Complex inverse = Complex(1.0) / scratch_at(table, p);
    // Row and column p are read by all: the others first.
    team.each([&](int lane) {
      for (int c = lane; c < n; c += LaneTeam::size) {
        if (c == p) continue;
        const Complex factor = scratch_at(table, c) * inverse;
        for (int d = 0; d < n; ++d) {
          const Complex value = weight(table, spin, c, d) - weight(table, spin, p, d) * factor;
          set(table, spin, c, d, value);
        }
      }
    });
    team.each([&](int lane) {
      for (int d = lane; d < n; d += LaneTeam::size) {
        set(table, spin, p, d, weight(table, spin, p, d) * inverse);
        scratch(table)[d] = 0;
        if constexpr (is_complex) scratch(table)[n + d] = 0;
      }
    });
  }
  KOKKOS_FUNCTION void set(double* table, int spin, int p, int c, const Complex& value) const {
    if (spin == 0) {
      set_entry(table, c, p, value);
    } else {
      set_entry(table, p, c, value);
    }
  }
};

}  // namespace koushi
