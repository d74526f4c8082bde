#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

#include "koushi/base/simd.hpp"
#include "koushi/manybody/spin_kernel.hpp"

namespace koushi {

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
struct RbmMoves {
  int n_sites = 0;
  int padded = 0;  ///< hidden units, rounded up to the SIMD width; the padding has zero weights
  RealRows tau;
  Kokkos::View<Complex* [2]> lane_factor;
  Kokkos::View<int* [2]> sites;  ///< (i, j); j < 0: single flip

  /// sigma of move k for configuration s.
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

}  // namespace koushi
