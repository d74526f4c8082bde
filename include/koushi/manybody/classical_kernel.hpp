#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/base/simd.hpp"
#include "koushi/manybody/chain_kernel.hpp"

namespace koushi {

/// Factors that see what places hold and cost next to nothing: quadratic forms (Jastrow, Gutzwiller), correlations of
/// doublons and holons, and the sign of the fermions' order. Several quadratic forms go together.
///
///   log psi(x) = 1/2 sum_pq V_pq x_p x_q + sum_i D(x_i, m_i)  (+ i pi times the parity of the order of the particles)
///
/// V is symmetric. With T_p = sum_q V_pq x_q in the table, a move changes the first term by sigma sum_p c_p T_p + s_k,
/// s_k = 1/2 sum_pq c_p c_q V_pq, and T by sigma sum_p c_p V_p. D is a table over whether site i holds two fermions or
/// none, and over how many m_i of its partners hold none or two; a move changes it at the sites of affected(k, .).
/// Cost        ratio: an exponential and 4 flops per place of the move; accept: 2 flops per place of the lattice and of
///             the move
struct ClassicalMoves {
  static constexpr int max_quadratic = 4;
  static constexpr int group = kernels_on_host ? 8 : 1;
  static constexpr int at_once = kernels_on_host ? 4 : 1;

  MoveList moves;
  int n_quadratic = 0;
  int first[max_quadratic] = {};              ///< columns of T in the table
  RealRows potential[max_quadratic];          ///< [place][place]
  Kokkos::View<double*> self[max_quadratic];  ///< s_k

  bool parity = false;

  int n_sites = 0;                                    ///< of the doublon-holon factor; 0: none
  Kokkos::View<int**, Kokkos::LayoutRight> partners;  ///< [site][partner], -1 beyond the end
  Kokkos::View<int**, Kokkos::LayoutRight> affected;  ///< [move][site], -1 beyond the end
  Kokkos::View<double* [2]> weights;                  ///< D [partners that hold none, or two][doublon, holon]

  KOKKOS_FUNCTION const MoveSites& at(int k) const { return moves(k); }

  template <bool one_move, int n>
  KOKKOS_FUNCTION void ratios(const LaneTeam& team, const Walkers& walkers, const int* w, const int* k,
                              const int* sigma, Complex* result) const {
    for (int m = 0; m < n; ++m) {
      const MoveSites& sites = moves(k[m]);
      const double* table = walkers.table_of(w[m]);
      double exponent = 0;
      for (int f = 0; f < n_quadratic; ++f) {
        double sum = 0;
        for (int p = 0; p < sites.n; ++p) sum += sites.change[p] * table[first[f] + sites.place[p]];
        exponent += sigma[m] * sum + self[f](k[m]);
      }
      if (n_sites > 0) exponent += doublon_holon_change(team, walkers.local_of(w[m]), k[m], sigma[m]);
      double ratio = n_quadratic > 0 || n_sites > 0 ? Kokkos::exp(exponent) : 1.0;
      if (parity && is_odd(walkers.local_of(w[m]), sites, sigma[m])) ratio = -ratio;
      result[m] = Complex(ratio, 0.0);
    }
  }

  KOKKOS_FUNCTION void accept(const LaneTeam& team, const Walkers& walkers, int w, int k, int sigma) const {
    const MoveSites& sites = moves(k);
    for (int f = 0; f < n_quadratic; ++f) {
      double* t = walkers.table_of(w) + first[f];
      const RealRows& v = potential[f];
      team.each([&](int lane) {
        for (int p = 0; p < sites.n; ++p) {
          const double* row = &v(sites.place[p], 0);
          const double c = sigma * sites.change[p];
          for (int q = lane; q < walkers.places; q += LaneTeam::size) t[q] += c * row[q];
        }
      });
    }
  }

  /// Whether the fermions of a move pass an odd number of others in the order of places.
  KOKKOS_FUNCTION static bool is_odd(const std::int8_t* x, const MoveSites& sites, int sigma) {
    bool odd = false;
    for (int h = 0; h < sites.hops; ++h) {
      const int p = sites.place[2 * h];
      const int q = sites.place[2 * h + 1];
      const int low = p < q ? p : q;
      const int high = p < q ? q : p;
      for (int r = low + 1; r < high; ++r) {
        int here = x[r];
        if (h == 1 && (r == sites.place[0] || r == sites.place[1])) here = 1 - here;  // the first hop is made
        odd = odd != (here != 0);
      }
    }
    static_cast<void>(sigma);  // a hop and its inverse pass the same ones
    return odd;
  }

 private:
  /// Fermions at a site, before or after a move.
  KOKKOS_FUNCTION int occupation(const std::int8_t* x, const MoveSites& sites, int sigma, int site) const {
    int sum = x[site] + x[n_sites + site];
    for (int p = 0; p < sites.n && sigma != 0; ++p) {
      const int place = sites.place[p];
      if (place == site || place == n_sites + site) sum += sigma * sites.change[p];
    }
    return sum;
  }
  KOKKOS_FUNCTION double of_site(const std::int8_t* x, const MoveSites& sites, int sigma, int site) const {
    const int here = occupation(x, sites, sigma, site);
    if (here == 1) return 0;
    int others = 0;
    for (int l = 0; l < static_cast<int>(partners.extent(1)) && partners(site, l) >= 0; ++l)
      others += occupation(x, sites, sigma, partners(site, l)) == 2 - here ? 1 : 0;
    return weights(others, here == 2 ? 0 : 1);
  }
  KOKKOS_FUNCTION double doublon_holon_change(const LaneTeam& team, const std::int8_t* x, int k, int sigma) const {
    const MoveSites& sites = moves(k);
    LaneSums<double, 1> change;
    team.combine(change, [&](int lane, LaneSums<double, 1>& part) {
      part = LaneSums<double, 1>::identity();
      for (int a = lane; a < static_cast<int>(affected.extent(1)); a += LaneTeam::size) {
        if (affected(k, a) < 0) break;
        part.sum[0] += of_site(x, sites, sigma, affected(k, a)) - of_site(x, sites, 0, affected(k, a));
      }
    });
    return change.sum[0];
  }
};

}  // namespace koushi
