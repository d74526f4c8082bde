#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/base/lane_team.hpp"
#include "koushi/manybody/chain_kernel.hpp"

namespace koushi {

/// A product of Slater determinants, one for every block of places whose particles stay in it (one block, or up and
/// down).
///
///   psi(x) = prod_blocks det Phi[R_a][alpha],   R_a the place of particle a,   R[q][a] = sum_alpha Phi[q][alpha]
///   (Phi_R^-1)[alpha][a]
///
/// R holds every ratio: particle a goes to q with psi'/psi = R[q][a]; two particles of one block with R[q][a] R[r][b] -
/// R[q][b] R[r][a]. After a hop of a to q  R[r][b] -= R[r][a] (R[q][b] - delta_ab) / R[q][a], and R[q] = e_a.
/// Shapes      table of a walker: block by block [re, im where complex][place of the block][particle of the block]
/// Cost        ratio: a look-up; accept: 2 flops (real; 8 complex) per entry of the block's R
/// Source      W = M^-1 updated as by J. Sherman, W. J. Morrison, Ann. Math. Stat. 21, 124 (1950), times Phi
template <bool is_complex>
struct SlaterMoves {
  static constexpr int group = kernels_on_host ? 4 : 1;
  static constexpr int at_once = kernels_on_host ? 4 : 1;
  static constexpr int max_blocks = 2;

  struct Block {
    int first = 0;  ///< column of the table where R begins
    int place = 0;  ///< its first place
    int places = 0;
    int particle = 0;  ///< its first particle
    int particles = 0;

    KOKKOS_FUNCTION bool has(int p) const { return p >= place && p < place + places; }
    KOKKOS_FUNCTION int plane() const { return places * particles; }
  };
  MoveList moves;
  int n_blocks = 0;
  Block blocks[max_blocks];

  KOKKOS_FUNCTION const MoveSites& at(int k) const { return moves(k); }

  template <bool one_move, int n>
  KOKKOS_FUNCTION void ratios(const LaneTeam& /*team*/, const Walkers& walkers, const int* w, const int* k,
                              const int* sigma, Complex* result) const {
    for (int m = 0; m < n; ++m) {
      const Hops hops(*this, walkers, w[m], moves(k[m]), sigma[m]);
      const double* table = walkers.table_of(w[m]);
      Complex ratio = 1.0;
      if (hops.in_one_block) {
        const Block& b = blocks[hops.block[0]];
        ratio = product(entry(b, table, hops.to[0], hops.particle[0]), entry(b, table, hops.to[1], hops.particle[1])) -
                product(entry(b, table, hops.to[0], hops.particle[1]), entry(b, table, hops.to[1], hops.particle[0]));
      } else {
        for (int h = 0; h < hops.count; ++h) {
          ratio = product(ratio, entry(blocks[hops.block[h]], table, hops.to[h], hops.particle[h]));
        }
      }
      result[m] = ratio;
    }
  }

  KOKKOS_FUNCTION void accept(const LaneTeam& team, const Walkers& walkers, int w, int k, int sigma) const {
    const Hops hops(*this, walkers, w, moves(k), sigma);
    double* table = walkers.table_of(w);
    if (hops.in_one_block) {
      two_particles(team, blocks[hops.block[0]], table, hops);
    } else {
      for (int h = 0; h < hops.count; ++h) {
        one_particle(team, blocks[hops.block[h]], table, hops.to[h], hops.particle[h]);
      }
    }
  }

 private:
  /// The hops of a move in one direction: the block, the particle within it, and the place within it where that goes.
  struct Hops {
    int count;
    bool in_one_block = false;
    int block[2];
    int particle[2];
    int to[2];

    KOKKOS_FUNCTION Hops(const SlaterMoves& self, const Walkers& walkers, int w, const MoveSites& sites, int sigma)
        : count(sites.hops) {
      const StateView state = walkers.state_of(w);
      for (int h = 0; h < count; ++h) {
        const int from = sites.place[2 * h + (sigma > 0 ? 0 : 1)];
        const int target = sites.place[2 * h + (sigma > 0 ? 1 : 0)];
        block[h] = self.n_blocks > 1 && self.blocks[1].has(from) ? 1 : 0;
        particle[h] = state.occupant[from] - self.blocks[block[h]].particle;
        to[h] = target - self.blocks[block[h]].place;
      }
      in_one_block = count == 2 && block[0] == block[1];
    }
  };

  KOKKOS_FUNCTION static Complex entry(const Block& b, const double* table, int q, int a) {
    const int at = b.first + q * b.particles + a;
    return {table[at], is_complex ? table[at + b.plane()] : 0.0};
  }

  KOKKOS_FUNCTION static void one_particle(const LaneTeam& team, const Block& b, double* table, int q, int a) {
    const int n = b.particles;
    const Complex inverse = Complex(1.0) / entry(b, table, q, a);
    double* re = table + b.first;
    double* im = re + b.plane();
    const double* row_re = re + q * n;
    const double* row_im = im + q * n;
    team.each([&](int lane) {
      for (int r = lane; r < b.places; r += LaneTeam::size) {
        if (r == q) continue;
        const Complex factor = entry(b, table, r, a) * inverse;
        const double fr = factor.real();
        double* to = re + r * n;
        if constexpr (is_complex) {
          const double fi = factor.imag();
          double* to_im = im + r * n;
          for (int c = 0; c < n; ++c) {
            to[c] -= fr * row_re[c] - fi * row_im[c];
            to_im[c] -= fr * row_im[c] + fi * row_re[c];
          }
          to[a] += fr;
          to_im[a] += fi;
        } else {
          for (int c = 0; c < n; ++c) to[c] -= fr * row_re[c];
          to[a] += fr;
        }
      }
    });
    team.each([&](int lane) {
      for (int c = lane; c < n; c += LaneTeam::size) {
        re[q * n + c] = c == a ? 1.0 : 0.0;
        if constexpr (is_complex) im[q * n + c] = 0.0;
      }
    });
  }

  /// R[r] -= sum_ij R[r][a_i] K^-1_ij (R[q_j] - e_(a_j)),  K_ji = R[q_j][a_i].
  KOKKOS_FUNCTION static void two_particles(const LaneTeam& team, const Block& b, double* table, const Hops& hops) {
    const int n = b.particles;
    const int q0 = hops.to[0];
    const int q1 = hops.to[1];
    const int a0 = hops.particle[0];
    const int a1 = hops.particle[1];
    const Complex k00 = entry(b, table, q0, a0);
    const Complex k01 = entry(b, table, q0, a1);
    const Complex k10 = entry(b, table, q1, a0);
    const Complex k11 = entry(b, table, q1, a1);
    const Complex inverse = Complex(1.0) / (k00 * k11 - k01 * k10);
    double* re = table + b.first;
    double* im = re + b.plane();
    team.each([&](int lane) {
      for (int r = lane; r < b.places; r += LaneTeam::size) {
        if (r == q0 || r == q1) continue;
        const Complex x0 = entry(b, table, r, a0);
        const Complex x1 = entry(b, table, r, a1);
        // (f0, f1) K = (x0, x1)
        const Complex f0 = (x0 * k11 - x1 * k10) * inverse;
        const Complex f1 = (x1 * k00 - x0 * k01) * inverse;
        for (int c = 0; c < n; ++c) {
          const Complex change = f0 * entry(b, table, q0, c) + f1 * entry(b, table, q1, c);
          re[r * n + c] -= change.real();
          if constexpr (is_complex) im[r * n + c] -= change.imag();
        }
        re[r * n + a0] += f0.real();
        re[r * n + a1] += f1.real();
        if constexpr (is_complex) {
          im[r * n + a0] += f0.imag();
          im[r * n + a1] += f1.imag();
        }
      }
    });
    team.each([&](int lane) {
      for (int c = lane; c < n; c += LaneTeam::size) {
        re[q0 * n + c] = c == a0 ? 1.0 : 0.0;
        re[q1 * n + c] = c == a1 ? 1.0 : 0.0;
        if constexpr (is_complex) im[q0 * n + c] = im[q1 * n + c] = 0.0;
      }
    });
  }
};

}  // namespace koushi
