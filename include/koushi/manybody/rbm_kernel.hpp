#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

#include "koushi/base/simd.hpp"
#include "koushi/random/philox.hpp"

namespace koushi {

using RealRows = Kokkos::View<double**, Kokkos::LayoutRight>;
using SpinRows = Kokkos::View<std::int8_t**, Kokkos::LayoutRight>;
using Complex = Kokkos::complex<double>;

/// Moves of one walker and what the RBM needs to evaluate them without a transcendental function.
///
///   theta_j = b_j + sum_i s_i W_ij,   t_j = tanh theta_j
///   move k changes theta_j by sigma delta_kj, sigma = s_i:  delta_k = -2 W_i (flip of i), -2 (W_i - W_j) (exchange of i, j)
///   psi(s') / psi(s) = C_k^sigma prod_j (1 + sigma t_j tau_kj),   tau_kj = tanh delta_kj,
///   C_k^sigma = exp(sum_j ln cosh delta_kj + sigma v_k),   v_k = -2 a_i or -2 (a_i - a_j)
///   after acceptance  t_j <- (t_j + sigma tau_kj) / (1 + sigma t_j tau_kj)
///
/// Each of the L lanes of the product starts from C_k^(sigma / L), so that neither C_k nor the product alone has to be representable:
/// log C_k may be as large as 700 L, which thousands of hidden units need.
/// Shapes      tau: [moves][padded] (real) or [moves][re: padded, im: padded] (complex); lane_factor: [moves][sigma +, -]
/// Cost        ratio: 2 FMA per hidden unit (real), 8 (complex); reads one row of tau and one table
template <bool is_complex>
struct RbmTables {
  int n_sites = 0;
  int padded = 0;  ///< hidden units, rounded up to the SIMD width; the padding has zero weights
  RealRows tau;
  Kokkos::View<Complex* [2]> lane_factor;
  Kokkos::View<int* [2]> sites;  ///< (i, j); j < 0: single flip

  /// sigma of move k for configuration s, or 0 if the move changes nothing.
  KOKKOS_FUNCTION int sign(int k, const std::int8_t* s) const {
    const int i = sites(k, 0);
    const int j = sites(k, 1);
    if (j >= 0 && s[i] == s[j]) return 0;
    return s[i];
  }

  KOKKOS_FUNCTION Complex ratio(int k, int sigma, const double* t) const {
    const double* row = &tau(k, 0);
    const Simd sign_of_move(static_cast<double>(sigma));
    const Complex start = lane_factor(k, sigma > 0 ? 0 : 1);
    Simd re(start.real());
    Simd im(start.imag());
    for (int j = 0; j < padded; j += simd_width()) {
      const Simd tr = load(t + j) * sign_of_move;
      const Simd wr = load(row + j);
      if constexpr (is_complex) {
        const Simd ti = load(t + padded + j) * sign_of_move;
        const Simd wi = load(row + padded + j);
        const Simd fr = Simd(1.0) + tr * wr - ti * wi;
        const Simd fi = tr * wi + ti * wr;
        const Simd next = re * fr - im * fi;
        im = re * fi + im * fr;
        re = next;
      } else {
        re = re * (Simd(1.0) + tr * wr);
      }
    }
    Complex product(1.0, 0.0);
    for (int lane = 0; lane < simd_width(); ++lane) {
      if constexpr (is_complex) {
        product *= Complex(re[lane], im[lane]);
      } else {
        product *= re[lane];
      }
    }
    return product;
  }

  KOKKOS_FUNCTION void accept(int k, int sigma, std::int8_t* s, double* t) const {
    const double* row = &tau(k, 0);
    const Simd sign_of_move(static_cast<double>(sigma));
    for (int j = 0; j < padded; j += simd_width()) {
      const Simd tr = load(t + j);
      const Simd wr = load(row + j) * sign_of_move;
      if constexpr (is_complex) {
        const Simd ti = load(t + padded + j);
        const Simd wi = load(row + padded + j) * sign_of_move;
        const Simd dr = Simd(1.0) + tr * wr - ti * wi;
        const Simd di = tr * wi + ti * wr;
        const Simd nr = tr + wr;
        const Simd ni = ti + wi;
        const Simd norm = Simd(1.0) / (dr * dr + di * di);
        store((nr * dr + ni * di) * norm, t + j);
        store((ni * dr - nr * di) * norm, t + padded + j);
      } else {
        store((tr + wr) / (Simd(1.0) + tr * wr), t + j);
      }
    }
    const int i = sites(k, 0);
    const int j = sites(k, 1);
    s[i] = static_cast<std::int8_t>(-s[i]);
    if (j >= 0) s[j] = static_cast<std::int8_t>(-s[j]);
  }
};

/// Which moves a chain proposes: kind m with probability weight, then one of its moves [first, first + count).
struct ProposalKinds {
  static constexpr int max_kinds = 4;
  int n_kinds = 0;
  int first[max_kinds] = {};
  int count[max_kinds] = {};
  double cumulative[max_kinds] = {};
};

/// Metropolis chains, one per walker: n_proposals proposals each, accepted with min(1, |psi(s')/psi(s)|^2).
/// Random numbers by (seed, step, global chain, draw). accepted, proposed: [walker], counts of moves that change something.
template <bool is_complex>
void metropolis(const Kokkos::DefaultExecutionSpace& space, const RbmTables<is_complex>& tables, const ProposalKinds& kinds,
                const SpinRows& spins, const RealRows& t, const Kokkos::View<std::int64_t* [2]>& counts, std::uint64_t seed,
                std::uint64_t step, std::int64_t first_chain, int first_draw, int n_proposals) {
  Kokkos::parallel_for(
      "koushi::manybody::metropolis",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(spins.extent(0))),
      KOKKOS_LAMBDA(int w) {
        std::int8_t* s = &spins(w, 0);
        double* table = &t(w, 0);
        for (int p = 0; p < n_proposals; ++p) {
          const RandomBlock r = philox(seed, RandomPurpose::markov_chain, step, static_cast<std::uint64_t>(first_chain + w),
                                       static_cast<std::uint32_t>(first_draw + p));
          int kind = 0;
          if (kinds.n_kinds > 1) {
            const double u = uniform(r.word[3], r.word[3] * 2654435761U);
            while (kind + 1 < kinds.n_kinds && u >= kinds.cumulative[kind]) ++kind;
          }
          const int k = kinds.first[kind] + uniform_below(r.word[0], kinds.count[kind]);
          const int sigma = tables.sign(k, s);
          if (sigma == 0) continue;
          const Complex ratio = tables.ratio(k, sigma, table);
          ++counts(w, 1);
          if (uniform(r.word[1], r.word[2]) < ratio.real() * ratio.real() + ratio.imag() * ratio.imag()) {
            tables.accept(k, sigma, s, table);
            ++counts(w, 0);
          }
        }
      });
}

/// The Hamiltonian on the device: sum_b zz_b s_i s_j + sum_i z_i s_i + sum_k element_k (move k where it acts).
struct SpinTerms {
  Kokkos::View<int* [2]> pairs;
  Kokkos::View<double*> zz;
  Kokkos::View<double*> z;  ///< one per site
  Kokkos::View<double*> element;
};

/// E_loc(s) = sum_s' <s|H|s'> psi(s') / psi(s) for every walker.
template <bool is_complex>
void local_energies(const Kokkos::DefaultExecutionSpace& space, const RbmTables<is_complex>& tables, const SpinTerms& terms,
                    const SpinRows& spins, const RealRows& t, const Kokkos::View<Complex*>& energies) {
  Kokkos::parallel_for(
      "koushi::manybody::local_energies",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(energies.extent(0))),
      KOKKOS_LAMBDA(int w) {
        const std::int8_t* s = &spins(w, 0);
        double diagonal = 0;
        for (int b = 0; b < static_cast<int>(terms.zz.extent(0)); ++b) {
          diagonal += terms.zz(b) * s[terms.pairs(b, 0)] * s[terms.pairs(b, 1)];
        }
        for (int i = 0; i < static_cast<int>(terms.z.extent(0)); ++i) diagonal += terms.z(i) * s[i];
        Complex energy(diagonal, 0.0);
        for (int m = 0; m < static_cast<int>(terms.element.extent(0)); ++m) {
          const int sigma = tables.sign(m, s);
          if (sigma != 0) energy += terms.element(m) * tables.ratio(m, sigma, &t(w, 0));
        }
        energies(w) = energy;
      });
}

}  // namespace koushi
