#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

#include "koushi/base/lane_team.hpp"
#include "koushi/base/simd.hpp"
#include "koushi/manybody/chain_kernel.hpp"

namespace koushi {

/// Moves of one walker and what the RBM needs to evaluate them without a transcendental function.
///
///   theta_j = b_j + sum_p s_p W_pj,   t_j = tanh theta_j,   s_p = LocalSpace::centred(place p), -1 ... 1
///   move k changes theta_j by sigma delta_kj,   delta_k = sum_p (change of s_p for sigma = 1) W_p
///   psi(s') / psi(s) = C_k^sigma prod_j (sigma + t_j tau_kj),   tau_kj = tanh delta_kj,
///   C_k^sigma = exp(sum_j ln cosh delta_kj + sigma v_k),   v_k = sum_p (change of s_p) a_p
///   after acceptance  t_j <- (sigma t_j + tau_kj) / (sigma + t_j tau_kj)
///
/// The factors are sigma (1 + sigma t tau), with an even number of them: the sign costs no instruction. The product is
/// made of `lanes` parts, whose multiplications do not wait for each other; each part starts from C_k^(sigma / lanes),
/// so that neither C_k nor the product alone has to be representable: log C_k may be as large as 700 lanes, which
/// thousands of hidden units need.
///
/// Projected: psi = sum_c psi_c over the images c of the state. The units of one psi_c stand together, and the ratio is
/// sum_c p_c ratio_c, p_c = psi_c(s) / psi(s); after acceptance p_c <- p_c ratio_c / ratio.
/// Shapes      tau: [moves][plane][image][padded], planes re and, if complex, im; lane_factor: [moves][image][sigma +,
///             -]; table of a walker: [plane][image][padded], and if projected [p: image][re, im]
/// Cost        ratio: 2 FMA per hidden unit (real), 8 (complex); reads one row of tau and one table.
///             accept: 3 flops and a division per hidden unit (real), 18 and one (complex); a division costs as much as
///             16 FMA (AVX-512), so several units share one. Projected, an accepted move costs one more ratio
template <bool is_complex, bool projected>
struct RbmMoves {
  static constexpr int chains = 2;  ///< partial products in flight
  static constexpr int lanes = kernels_on_host ? chains * simd_width() : LaneTeam::size;
  static constexpr int at_once = kernels_on_host ? 4 : 1;  ///< ratios that are best taken together
  /// Walkers that go in step: their tables share the first cache of a CPU (26 kB at 400 hidden units). A GPU wants as
  /// many warps as there are walkers.
  static constexpr int group = !kernels_on_host ? 1 : is_complex ? 4 : 8;
  static constexpr int shared = is_complex ? 4 : 8;  ///< vectors of units that share a division

  /// Hidden units of an image, rounded up to an even multiple of the SIMD width; the padding has zero weights.
  int padded = 0;
  int images = 1;
  int plane = 0;  ///< images * padded
  int first = 0;  ///< column of the table where this factor begins
  RealRows tau;
  Kokkos::View<Complex** [2]> lane_factor;
  MoveList moves;

  KOKKOS_FUNCTION const MoveSites& at(int k) const { return moves(k); }

  /// Ratios psi(s') / psi(s) of n walkers, each with its move; one_move: the same for all.
  template <bool one_move, int n>
  KOKKOS_FUNCTION void ratios(const LaneTeam& team, const Walkers& walkers, const int* w, const int* k,
                              const int* sigma, Complex* result) const {
    const double* t = walkers.table + first;
    int offset[n];
    for (int m = 0; m < n; ++m) offset[m] = w[m] * walkers.columns;
    of_image<one_move, n>(team, 0, k, sigma, t, offset, result);
    if constexpr (projected) add_images<one_move, n>(team, k, sigma, t, offset, result);
  }

  KOKKOS_FORCEINLINE_FUNCTION void accept(const LaneTeam& team, const Walkers& walkers, int w, int k, int sigma) const {
    double* t = walkers.table_of(w) + first;
    if constexpr (projected) move_shares(team, k, sigma, t);
    const double* row = &tau(k, 0);
    const Simd sign_of_move(static_cast<double>(sigma));
    team.each([&](int lane) {
      int j = lane * simd_width();
      if constexpr (LaneTeam::size == 1) {
        for (; j + shared * simd_width() <= plane; j += shared * simd_width())
          update<shared>(row + j, sign_of_move, t + j);
      }
      for (; j < plane; j += LaneTeam::size * simd_width()) update<1>(row + j, sign_of_move, t + j);
    });
  }

 private:
  /// Where the p_c stand in a table.
  KOKKOS_FUNCTION int shares() const { return (is_complex ? 2 : 1) * plane; }

  /// Turns the ratio of image 0 into sum_c p_c ratio_c.
  template <bool one_move, int n>
  KOKKOS_FUNCTION void add_images(const LaneTeam& team, const int* k, const int* sigma, const double* t,
                                  const int* offset, Complex* result) const {
    for (int c = 0; c < images; ++c) {
      Complex ratio[n];
      if (c > 0) of_image<one_move, n>(team, c, k, sigma, t, offset, ratio);
      for (int m = 0; m < n; ++m) {
        const double* p = t + offset[m] + shares() + 2 * c;
        const Complex share(p[0], p[1]);
        result[m] = c == 0 ? share * result[m] : result[m] + share * ratio[m];
      }
    }
  }

  KOKKOS_FUNCTION void move_shares(const LaneTeam& team, int k, int sigma, double* t) const {
    const int offset = 0;
    double* const p = t + shares();
    Complex ratio = 0;
    for (int c = 0; c < images; ++c) {
      const Complex share(p[2 * c], p[2 * c + 1]);
      Complex of_c;
      of_image<false, 1>(team, c, &k, &sigma, t, &offset, &of_c);
      of_c *= share;
      ratio += of_c;
      team.once([&] {
        p[2 * c] = of_c.real();
        p[2 * c + 1] = of_c.imag();
      });
    }
    team.once([&] {
      for (int c = 0; c < images; ++c) {
        const Complex share = Complex(p[2 * c], p[2 * c + 1]) / ratio;
        p[2 * c] = share.real();
        p[2 * c + 1] = share.imag();
      }
    });
  }

  /// Partial products of n ratios: vectors of them on a CPU, those of one lane on a GPU.
  template <typename T, int n>
  struct Part {
    T re[n];
    T im[n];
    KOKKOS_FORCEINLINE_FUNCTION static Part identity() {
      Part part;
      for (int m = 0; m < n; ++m) {
        part.re[m] = T(1.0);
        part.im[m] = T(0.0);
      }
      return part;
    }
    KOKKOS_FORCEINLINE_FUNCTION void join(const Part& other) {
      unrolled<n>([&](auto m) { multiply_by(re[m], im[m], other.re[m], other.im[m]); });
    }
  };

  /// The ratio psi_c(s') / psi_c(s) of one image.
  template <bool one_move, int n>
  KOKKOS_FUNCTION void of_image(const LaneTeam& team, int image, const int* k, const int* sigma, const double* t,
                                const int* offset, Complex* result) const {
    const int to_im = plane;
    const double* row[n];
    const double* table[n];
    unrolled<n>([&](auto m) {
      row[m] = &tau(k[m], image * padded);
      table[m] = t + offset[m] + image * padded;
    });
    const auto begin = [&](auto& part) {
      using T = std::decay_t<decltype(part.re[0])>;
      unrolled<n>([&](auto m) {
        const Complex start = lane_factor(k[m], image, sigma[m] > 0 ? 0 : 1);
        part.re[m] = T(start.real());
        part.im[m] = T(start.imag());
      });
    };
    if constexpr (kernels_on_host) {
      Simd sign_of_move[n];
      unrolled<n>([&](auto m) { sign_of_move[m] = Simd(static_cast<double>(sigma[m])); });
      Part<Simd, n> parts[chains];
      unrolled<chains>([&](auto c) { begin(parts[c]); });
      const auto multiply = [&](int j, auto c) {
        unrolled<n>([&](auto m) {
          multiply_unit(row[one_move ? 0 : m] + j, table[m] + j, to_im, sign_of_move[m], parts[c].re[m],
                        parts[c].im[m]);
        });
      };
      int j = 0;
      for (; j + lanes <= padded; j += lanes) unrolled<chains>([&](auto c) { multiply(j + c * simd_width(), c); });
      unrolled<chains - 1>([&](auto c) {
        if (j + c * simd_width() < padded) multiply(j + c * simd_width(), c);
      });
      unrolled<chains / 2>([&](auto c) { parts[c].join(parts[c + chains / 2]); });
      unrolled<chains / 2 - 1>([&](auto c) { parts[0].join(parts[c + 1]); });
      unrolled<n>([&](auto m) { result[m] = product_of_lanes(parts[0].re[m], parts[0].im[m]); });
    } else {
      Part<double, n> product;
      team.combine(product, [&](int lane, Part<double, n>& part) {
        begin(part);
        for (int j = lane; j < padded; j += lanes) {
          unrolled<n>([&](auto m) {
            multiply_unit(row[one_move ? 0 : m] + j, table[m] + j, to_im, static_cast<double>(sigma[m]), part.re[m],
                          part.im[m]);
          });
        }
      });
      unrolled<n>([&](auto m) { result[m] = Complex(product.re[m], is_complex ? product.im[m] : 0.0); });
    }
  }

  /// Multiplies a partial product by sigma + t tau.
  template <typename T>
  KOKKOS_FORCEINLINE_FUNCTION static void multiply_unit(const double* tau_of_unit, const double* t, int to_im,
                                                        const T& sigma, T& re, T& im) {
    const T tr = Lanes<T>::load(t);
    const T wr = Lanes<T>::load(tau_of_unit);
    const T fr = sigma + tr * wr;
    if constexpr (is_complex) {
      const T ti = Lanes<T>::load(t + to_im);
      const T wi = Lanes<T>::load(tau_of_unit + to_im);
      multiply_by(re, im, fr - ti * wi, tr * wi + ti * wr);
    } else {
      multiply_by(re, im, fr, fr);
    }
  }

  template <typename T>
  KOKKOS_FORCEINLINE_FUNCTION static void multiply_by(T& re, T& im, const T& fr, const T& fi) {
    if constexpr (is_complex) {
      const T next = re * fr - im * fi;
      im = re * fi + im * fr;
      re = next;
    } else {
      re = re * fr;
    }
  }

  KOKKOS_FORCEINLINE_FUNCTION static Complex product_of_lanes(const Simd& re, const Simd& im) {
    double x[simd_width()];
    double y[simd_width()];
    store(re, x);
    store(im, y);
    for (int half = simd_width() / 2; half > 0; half /= 2) {
      for (int l = 0; l < half; ++l) multiply_by(x[l], y[l], x[l + half], y[l + half]);
    }
    return {x[0], is_complex ? y[0] : 0.0};
  }

  /// Inverts n vectors, d <- 1 / d, by one division: that of the product of all.
  template <int n>
  KOKKOS_FORCEINLINE_FUNCTION static void invert(Simd (&d)[n]) {
    if constexpr (n == 1) {
      d[0] = Simd(1.0) / d[0];
    } else {
      Simd product[n / 2];
      unrolled<n / 2>([&](auto v) { product[v] = d[2 * v] * d[2 * v + 1]; });
      invert(product);
      unrolled<n / 2>([&](auto v) {
        const Simd left = d[2 * v];
        d[2 * v] = product[v] * d[2 * v + 1];
        d[2 * v + 1] = product[v] * left;
      });
    }
  }

  /// Updates n vectors of units: t <- (sigma t + tau) / (sigma + t tau).
  template <int n>
  KOKKOS_FORCEINLINE_FUNCTION void update(const double* row, const Simd& sigma, double* t) const {
    Simd re[n];
    Simd im[n];
    Simd divisor[n];
    unrolled<n>([&](auto v) {
      const Simd tr = load(t + v * simd_width());
      const Simd wr = load(row + v * simd_width());
      const Simd nr = sigma * tr + wr;
      const Simd fr = sigma + tr * wr;
      if constexpr (is_complex) {
        const Simd ti = load(t + plane + v * simd_width());
        const Simd wi = load(row + plane + v * simd_width());
        const Simd dr = fr - ti * wi;
        const Simd di = tr * wi + ti * wr;
        const Simd ni = sigma * ti + wi;
        re[v] = nr * dr + ni * di;
        im[v] = ni * dr - nr * di;
        divisor[v] = dr * dr + di * di;
      } else {
        re[v] = nr;
        divisor[v] = fr;
      }
    });
    invert(divisor);
    unrolled<n>([&](auto v) {
      store(re[v] * divisor[v], t + v * simd_width());
      if constexpr (is_complex) store(im[v] * divisor[v], t + plane + v * simd_width());
    });
  }
};

}  // namespace koushi
