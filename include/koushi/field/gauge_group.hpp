#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/base/lane_math.hpp"

// Products of links are as fast as they are where they are part of the loop that calls them, which the compiler does
// for functions with few callers only.
#if defined(__GNUC__) && !defined(__CUDACC__)
#define KOUSHI_WITH_ALL_CALLS_INLINE [[gnu::flatten]]
#else
#define KOUSHI_WITH_ALL_CALLS_INLINE
#endif

namespace koushi {

/// What gauge theories need of a group, on sums of its elements ("matrices", `reals` numbers): products, traces, and
/// the way along a direction of the algebra. Generators are normalised to tr T_a T_b = 1/2 (U(1): T = 1), U <- exp(i t
/// p_a T_a) U.
///
/// Value T     a number, or a vector of numbers that belong to different sites (base/simd.hpp)
/// product     A B, with A or B (or both) replaced by its adjoint: product<true, false>(A, B) = A^dagger B; A and B are
///             anything whose [k] are its numbers
/// overlap     Re tr A B^dagger
/// slope       slope(W, out): Im tr(T_a W), so that d/dt of - Re tr(U A) along T_a is slope_a(U A)

/// Complex numbers re + i im.
template <typename T = double>
struct GroupU1 {
  using Value = T;
  template <typename Other>
  using With = GroupU1<Other>;
  static constexpr int reals = 2;
  static constexpr int generators = 1;
  static constexpr int subgroups = 1;
  static constexpr double order = 1;  ///< N
  struct Matrix {
    T v[2];
    KOKKOS_INLINE_FUNCTION const T& operator[](int k) const { return v[k]; }
  };
  KOKKOS_INLINE_FUNCTION static Matrix one() { return {{T(1.0), T(0.0)}}; }
  template <bool adjoint_a = false, bool adjoint_b = false, typename A, typename B>
  KOKKOS_INLINE_FUNCTION static Matrix product(const A& a, const B& b) {
    Matrix c{{T(0.0), T(0.0)}};
    add_product<adjoint_a, adjoint_b>(c, a, b);
    return c;
  }
  template <bool adjoint_a, bool adjoint_b, typename A, typename B>
  KOKKOS_INLINE_FUNCTION static void add_product(Matrix& c, const A& a, const B& b) {
    using L = Lanes<T>;
    const T ar = a[0];
    const T ai = a[1];
    const T br = b[0];
    const T bi = b[1];
    c.v[0] = L::fma(ar, br, c.v[0]);
    c.v[0] = adjoint_a == adjoint_b ? L::fnma(ai, bi, c.v[0]) : L::fma(ai, bi, c.v[0]);
    c.v[1] = adjoint_b ? L::fnma(ar, bi, c.v[1]) : L::fma(ar, bi, c.v[1]);
    c.v[1] = adjoint_a ? L::fnma(ai, br, c.v[1]) : L::fma(ai, br, c.v[1]);
  }
  KOKKOS_INLINE_FUNCTION static Matrix adjoint(const Matrix& a) { return {{a.v[0], T(0.0) - a.v[1]}}; }
  KOKKOS_INLINE_FUNCTION static T re_trace(const Matrix& a) { return a.v[0]; }
  KOKKOS_INLINE_FUNCTION static T im_trace(const Matrix& a) { return a.v[1]; }
  KOKKOS_INLINE_FUNCTION static T overlap(const Matrix& a, const Matrix& b) {
    return Lanes<T>::fma(a.v[0], b.v[0], a.v[1] * b.v[1]);
  }
  KOKKOS_INLINE_FUNCTION static void slope(const Matrix& w, T (&out)[1]) { out[0] = w.v[1]; }
  KOKKOS_INLINE_FUNCTION static Matrix exponential(const T (&p)[1], double t) {
    Matrix e;
    lane_circle(T(t * 0.15915494309189533577) * p[0], e.v[0], e.v[1]);
    return e;
  }
  KOKKOS_INLINE_FUNCTION static Matrix to_group(const Matrix& a) {
    const T norm = T(1.0) / Kokkos::sqrt(Lanes<T>::fma(a.v[0], a.v[0], a.v[1] * a.v[1]));
    return {{a.v[0] * norm, a.v[1] * norm}};
  }
  KOKKOS_INLINE_FUNCTION static void refresh(Matrix& a) { a = to_group(a); }
  /// The matrix of the group with the largest Re tr U A^dagger.
  KOKKOS_INLINE_FUNCTION static Matrix nearest(const Matrix& a) { return to_group(a); }
};

/// Quaternions v_0 + i v.sigma: real multiples of SU(2), closed under sums.
template <typename T = double>
struct GroupSU2 {
  using Value = T;
  template <typename Other>
  using With = GroupSU2<Other>;
  static constexpr int reals = 4;
  static constexpr int generators = 3;
  static constexpr int subgroups = 1;
  static constexpr double order = 2;
  struct Matrix {
    T v[4];
    KOKKOS_INLINE_FUNCTION const T& operator[](int k) const { return v[k]; }
  };
  KOKKOS_INLINE_FUNCTION static Matrix one() { return {{T(1.0), T(0.0), T(0.0), T(0.0)}}; }
  template <bool adjoint_a = false, bool adjoint_b = false, typename A, typename B>
  KOKKOS_INLINE_FUNCTION static Matrix product(const A& a, const B& b) {
    Matrix c{{T(0.0), T(0.0), T(0.0), T(0.0)}};
    add_product<adjoint_a, adjoint_b>(c, a, b);
    return c;
  }
  /// (a.sigma)(b.sigma) = a.b + i (a x b).sigma
  template <bool adjoint_a, bool adjoint_b, typename A, typename B>
  KOKKOS_INLINE_FUNCTION static void add_product(Matrix& c, const A& a, const B& b) {
    using L = Lanes<T>;
    const auto add = [](bool minus, const T& x, const T& y, const T& z) {
      return minus ? L::fnma(x, y, z) : L::fma(x, y, z);
    };
    const T p[4] = {a[0], a[1], a[2], a[3]};
    const T q[4] = {b[0], b[1], b[2], b[3]};
    constexpr bool same = adjoint_a == adjoint_b;
    c.v[0] = L::fma(p[0], q[0], c.v[0]);
    for (int k = 1; k < 4; ++k) c.v[0] = add(same, p[k], q[k], c.v[0]);
    for (int k = 1; k < 4; ++k) {
      const int i = k % 3 + 1;
      const int j = i % 3 + 1;
      c.v[k] = add(adjoint_b, p[0], q[k], c.v[k]);
      c.v[k] = add(adjoint_a, p[k], q[0], c.v[k]);
      c.v[k] = add(same, p[i], q[j], c.v[k]);
      c.v[k] = add(!same, p[j], q[i], c.v[k]);
    }
  }
  KOKKOS_INLINE_FUNCTION static Matrix adjoint(const Matrix& a) {
    return {{a.v[0], T(0.0) - a.v[1], T(0.0) - a.v[2], T(0.0) - a.v[3]}};
  }
  KOKKOS_INLINE_FUNCTION static T re_trace(const Matrix& a) { return a.v[0] + a.v[0]; }
  KOKKOS_INLINE_FUNCTION static T im_trace(const Matrix&) { return T(0.0); }
  KOKKOS_INLINE_FUNCTION static T overlap(const Matrix& a, const Matrix& b) {
    using L = Lanes<T>;
    return T(2.0) * L::fma(a.v[0], b.v[0], L::fma(a.v[1], b.v[1], L::fma(a.v[2], b.v[2], a.v[3] * b.v[3])));
  }
  KOKKOS_INLINE_FUNCTION static void slope(const Matrix& w, T (&out)[3]) {
    for (int a = 0; a < 3; ++a) out[a] = w.v[a + 1];
  }
  KOKKOS_INLINE_FUNCTION static T square(const Matrix& a) {
    using L = Lanes<T>;
    return L::fma(a.v[0], a.v[0], L::fma(a.v[1], a.v[1], L::fma(a.v[2], a.v[2], a.v[3] * a.v[3])));
  }
  KOKKOS_INLINE_FUNCTION static Matrix exponential(const T (&p)[3], double t) {
    using L = Lanes<T>;
    const T length = Kokkos::sqrt(L::fma(p[0], p[0], L::fma(p[1], p[1], p[2] * p[2])));
    T cosine;
    T sine;
    lane_circle(T(0.5 * t * 0.15915494309189533577) * length, cosine, sine);
    const auto moves = T(0.0) < length;
    const T s = L::select(moves, sine / L::select(moves, length, T(1.0)), T(0.0));
    return {{cosine, s * p[0], s * p[1], s * p[2]}};
  }
  KOKKOS_INLINE_FUNCTION static Matrix to_group(const Matrix& a) {
    const T norm = T(1.0) / Kokkos::sqrt(square(a));
    return {{a.v[0] * norm, a.v[1] * norm, a.v[2] * norm, a.v[3] * norm}};
  }
  KOKKOS_INLINE_FUNCTION static void refresh(Matrix& a) { a = to_group(a); }
  /// The matrix of the group with the largest Re tr U A^dagger.
  KOKKOS_INLINE_FUNCTION static Matrix nearest(const Matrix& a) { return to_group(a); }
};

/// 3 x 3 complex matrices: nine real parts row by row, then nine imaginary parts.
template <typename T = double>
struct GroupSU3 {
  using Value = T;
  template <typename Other>
  using With = GroupSU3<Other>;
  static constexpr int reals = 18;
  static constexpr int generators = 8;
  static constexpr int subgroups = 3;
  static constexpr double order = 3;
  struct Matrix {
    T v[18];
    KOKKOS_INLINE_FUNCTION const T& operator[](int k) const { return v[k]; }
    KOKKOS_INLINE_FUNCTION const T& re(int i, int j) const { return v[3 * i + j]; }
    KOKKOS_INLINE_FUNCTION const T& im(int i, int j) const { return v[9 + 3 * i + j]; }
    KOKKOS_INLINE_FUNCTION T& re(int i, int j) { return v[3 * i + j]; }
    KOKKOS_INLINE_FUNCTION T& im(int i, int j) { return v[9 + 3 * i + j]; }
  };
  KOKKOS_INLINE_FUNCTION static Matrix one() {
    Matrix m;
    for (T& x : m.v) x = T(0.0);
    for (int i = 0; i < 3; ++i) m.re(i, i) = T(1.0);
    return m;
  }
  template <bool adjoint_a = false, bool adjoint_b = false, typename A, typename B>
  KOKKOS_INLINE_FUNCTION static Matrix product(const A& a, const B& b) {
    Matrix c;
    rows<adjoint_a, adjoint_b, false>(c, a, b);
    return c;
  }
  template <bool adjoint_a, bool adjoint_b, typename A, typename B>
  KOKKOS_INLINE_FUNCTION static void add_product(Matrix& c, const A& a, const B& b) {
    rows<adjoint_a, adjoint_b, true>(c, a, b);
  }
  /// C = A B or C += A B, a row of C at a time, which with a row of A fits into registers, while the entries of B come
  /// from memory. 198 flops as they are counted: 108 (fused) operations.
  template <bool adjoint_a, bool adjoint_b, bool adds, typename A, typename B>
  KOKKOS_INLINE_FUNCTION static void rows(Matrix& c, const A& a, const B& b) {
    using L = Lanes<T>;
#ifdef __GNUC__
#pragma GCC unroll 1
#endif
    for (int i = 0; i < 3; ++i) {
      T re[3] = {};
      T im[3] = {};
      if (adds) {
        for (int j = 0; j < 3; ++j) {
          re[j] = c.re(i, j);
          im[j] = c.im(i, j);
        }
      }
      for (int k = 0; k < 3; ++k) {
        const T ar = a[adjoint_a ? 3 * k + i : 3 * i + k];
        const T ai = a[9 + (adjoint_a ? 3 * k + i : 3 * i + k)];
        for (int j = 0; j < 3; ++j) {
          const T br = b[adjoint_b ? 3 * j + k : 3 * k + j];
          const T bi = b[9 + (adjoint_b ? 3 * j + k : 3 * k + j)];
          const bool first = k == 0 && !adds;
          re[j] = first ? ar * br : L::fma(ar, br, re[j]);
          re[j] = adjoint_a == adjoint_b ? L::fnma(ai, bi, re[j]) : L::fma(ai, bi, re[j]);
          if (adjoint_b) {
            im[j] = first       ? (adjoint_a ? T(0.0) - ai * br : ai * br)
                    : adjoint_a ? L::fnma(ai, br, im[j])
                                : L::fma(ai, br, im[j]);
            im[j] = L::fnma(ar, bi, im[j]);
          } else {
            im[j] = first ? ar * bi : L::fma(ar, bi, im[j]);
            im[j] = adjoint_a ? L::fnma(ai, br, im[j]) : L::fma(ai, br, im[j]);
          }
        }
      }
      for (int j = 0; j < 3; ++j) {
        c.re(i, j) = re[j];
        c.im(i, j) = im[j];
      }
    }
  }
  KOKKOS_INLINE_FUNCTION static Matrix adjoint(const Matrix& a) {
    Matrix c;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        c.re(i, j) = a.re(j, i);
        c.im(i, j) = T(0.0) - a.im(j, i);
      }
    }
    return c;
  }
  KOKKOS_INLINE_FUNCTION static T re_trace(const Matrix& a) { return a.re(0, 0) + a.re(1, 1) + a.re(2, 2); }
  KOKKOS_INLINE_FUNCTION static T im_trace(const Matrix& a) { return a.im(0, 0) + a.im(1, 1) + a.im(2, 2); }
  KOKKOS_INLINE_FUNCTION static T overlap(const Matrix& a, const Matrix& b) {
    T sum = a.v[0] * b.v[0];
    for (int k = 1; k < reals; ++k) sum = Lanes<T>::fma(a.v[k], b.v[k], sum);
    return sum;
  }
  /// T_a = lambda_a / 2 with Gell-Mann's lambda_1 ... lambda_8.
  KOKKOS_INLINE_FUNCTION static void slope(const Matrix& w, T (&out)[8]) {
    const T half(0.5);
    out[0] = half * (w.im(0, 1) + w.im(1, 0));
    out[1] = half * (w.re(0, 1) - w.re(1, 0));
    out[2] = half * (w.im(0, 0) - w.im(1, 1));
    out[3] = half * (w.im(0, 2) + w.im(2, 0));
    out[4] = half * (w.re(0, 2) - w.re(2, 0));
    out[5] = half * (w.im(1, 2) + w.im(2, 1));
    out[6] = half * (w.re(1, 2) - w.re(2, 1));
    out[7] = (w.im(0, 0) + w.im(1, 1) - (w.im(2, 2) + w.im(2, 2))) * T(0.28867513459481288225);  // 1 / (2 sqrt 3)
  }
  /// Q = t p_a T_a
  KOKKOS_INLINE_FUNCTION static Matrix algebra(const T (&p)[8], const T& t) {
    const T half = T(0.5) * t;
    const T r = T(0.28867513459481288225) * t;
    Matrix q;
    const auto pair = [&](int i, int j, const T& re, const T& im) {
      q.re(i, j) = q.re(j, i) = half * re;
      q.im(j, i) = half * im;
      q.im(i, j) = T(0.0) - q.im(j, i);
    };
    pair(0, 1, p[0], p[1]);
    pair(0, 2, p[3], p[4]);
    pair(1, 2, p[5], p[6]);
    const T up = half * p[2];
    const T eight = r * p[7];
    q.re(0, 0) = eight + up;
    q.re(1, 1) = eight - up;
    q.re(2, 2) = T(0.0) - (eight + eight);
    for (int i = 0; i < 3; ++i) q.im(i, i) = T(0.0);
    return q;
  }
  /// e^{iQ} = f_0 + f_1 Q + f_2 Q^2 by its Taylor series on Q^3 = c_1 Q + c_0, c_1 = tr Q^2 / 2, c_0 = det Q (Cayley
  /// and Hamilton). |Q| is halved until it is below 1, so that 18 terms reach rounding, and the result squared back:
  /// lane by lane.
  KOKKOS_INLINE_FUNCTION static Matrix exponential(const T (&p)[8], double time) {
    using L = Lanes<T>;
    constexpr int most = 60;
    T length(0.0);
    for (int a = 0; a < 8; ++a) length = L::fma(p[a], p[a], length);
    length = T(Kokkos::fabs(time)) * Kokkos::sqrt(T(0.5) * length);  // Frobenius norm of Q
    T t(time);
    T halvings(0.0);
    int most_halvings = 0;
    for (; most_halvings < most; ++most_halvings) {
      const auto large = T(1.0) < length;
      if (!L::any(large)) break;
      const T factor = L::select(large, T(0.5), T(1.0));
      length = length * factor;
      t = t * factor;
      halvings = L::select(large, halvings + T(1.0), halvings);
    }
    const Matrix q = algebra(p, t);
    const Matrix q2 = product(q, q);
    const T c1 = T(0.5) * re_trace(q2);
    T c0(0.0);  // tr Q^3 / 3
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) c0 = c0 + L::fma(q2.re(i, j), q.re(j, i), T(0.0) - q2.im(i, j) * q.im(j, i));
    }
    c0 = c0 * T(1.0 / 3);
    // Q^k / k! = a + b Q + c Q^2
    T a(1.0);
    T b(0.0);
    T c(0.0);
    T f[3][2] = {{T(1.0), T(0.0)}, {T(0.0), T(0.0)}, {T(0.0), T(0.0)}};
    for (int k = 1; k <= 18; ++k) {
      const T over(1.0 / k);
      const T na = c * c0 * over;
      const T nb = L::fma(c, c1, a) * over;
      c = b * over;
      a = na;
      b = nb;
      const T sign((k / 2) % 2 == 0 ? 1.0 : -1.0);  // i^k = 1, i, -1, -i
      const int part = k % 2;
      f[0][part] = L::fma(sign, a, f[0][part]);
      f[1][part] = L::fma(sign, b, f[1][part]);
      f[2][part] = L::fma(sign, c, f[2][part]);
    }
    Matrix e;
    for (int k = 0; k < 9; ++k) {
      const T& qr = q.v[k];
      const T& qi = q.v[9 + k];
      const T& sr = q2.v[k];
      const T& si = q2.v[9 + k];
      e.v[k] = L::fma(f[1][0], qr, f[2][0] * sr) - L::fma(f[1][1], qi, f[2][1] * si);
      e.v[9 + k] = L::fma(f[1][0], qi, f[2][0] * si) + L::fma(f[1][1], qr, f[2][1] * sr);
    }
    for (int i = 0; i < 3; ++i) {
      e.re(i, i) = e.re(i, i) + f[0][0];
      e.im(i, i) = e.im(i, i) + f[0][1];
    }
    for (int k = 0; k < most_halvings; ++k) {
      const Matrix squared = product(e, e);
      const auto wanted = T(static_cast<double>(k)) < halvings;
      for (int m = 0; m < reals; ++m) e.v[m] = L::select(wanted, squared.v[m], e.v[m]);
    }
    return e;
  }
  /// The first two rows orthonormalised, the third their conjugate cross product.
  KOKKOS_INLINE_FUNCTION static Matrix to_group(Matrix u) {
    using L = Lanes<T>;
    const auto normalise = [&](int i) {
      T norm(0.0);
      for (int j = 0; j < 3; ++j) norm = L::fma(u.re(i, j), u.re(i, j), L::fma(u.im(i, j), u.im(i, j), norm));
      norm = T(1.0) / Kokkos::sqrt(norm);
      for (int j = 0; j < 3; ++j) {
        u.re(i, j) = u.re(i, j) * norm;
        u.im(i, j) = u.im(i, j) * norm;
      }
    };
    normalise(0);
    T re(0.0);
    T im(0.0);
    T mi(0.0);
    for (int j = 0; j < 3; ++j) {  // <row 0, row 1>
      re = L::fma(u.re(0, j), u.re(1, j), L::fma(u.im(0, j), u.im(1, j), re));
      im = L::fma(u.re(0, j), u.im(1, j), im);
      mi = L::fma(u.im(0, j), u.re(1, j), mi);
    }
    im = im - mi;
    for (int j = 0; j < 3; ++j) {
      const T r0 = u.re(0, j);
      const T i0 = u.im(0, j);
      u.re(1, j) = u.re(1, j) - L::fma(re, r0, T(0.0) - im * i0);
      u.im(1, j) = u.im(1, j) - L::fma(re, i0, im * r0);
    }
    normalise(1);
    complete(u);
    return u;
  }
  /// Brings back a matrix that has left the group by rounding only, up to the square of that: a step of Newton for the
  /// norms, 1 / sqrt(n) = 3/2 - n/2, and nothing that waits for another.
  KOKKOS_INLINE_FUNCTION static void refresh(Matrix& u) {
    using L = Lanes<T>;
    T norm[2];
    T re(0.0);
    T im(0.0);
    for (int i = 0; i < 2; ++i) {
      T a = u.re(i, 0) * u.re(i, 0);
      T b = u.im(i, 0) * u.im(i, 0);
      for (int j = 1; j < 3; ++j) {
        a = L::fma(u.re(i, j), u.re(i, j), a);
        b = L::fma(u.im(i, j), u.im(i, j), b);
      }
      norm[i] = L::fma(T(-0.5), a + b, T(1.5));
    }
    for (int j = 0; j < 3; ++j) {  // <row 0, row 1>
      re = re + L::fma(u.re(0, j), u.re(1, j), u.im(0, j) * u.im(1, j));
      im = im + L::fma(u.re(0, j), u.im(1, j), T(0.0) - u.im(0, j) * u.re(1, j));
    }
    for (int j = 0; j < 3; ++j) {
      const T r0 = u.re(0, j);
      const T i0 = u.im(0, j);
      u.re(1, j) = L::fma(u.re(1, j), norm[1], L::fma(im, i0, T(0.0) - re * r0));
      u.im(1, j) = L::fma(u.im(1, j), norm[1], T(0.0) - L::fma(re, i0, im * r0));
      u.re(0, j) = r0 * norm[0];
      u.im(0, j) = i0 * norm[0];
    }
    complete(u);
  }
  /// The third row: the conjugate cross product of the others.
  KOKKOS_INLINE_FUNCTION static void complete(Matrix& u) {
    using L = Lanes<T>;
    for (int j = 0; j < 3; ++j) {
      const int k = (j + 1) % 3;
      const int l = (j + 2) % 3;
      u.re(2, j) = L::fma(u.re(0, k), u.re(1, l), u.im(0, l) * u.im(1, k)) -
                   L::fma(u.im(0, k), u.im(1, l), u.re(0, l) * u.re(1, k));
      u.im(2, j) = L::fma(u.re(0, l), u.im(1, k), u.im(0, l) * u.re(1, k)) -
                   L::fma(u.re(0, k), u.im(1, l), u.im(0, k) * u.re(1, l));
    }
  }
  /// The unitary factor of A = U H (nearest to A, and turning with it under gauge transformations, which to_group does
  /// not) by Newton's iteration X <- (X + X^{-dagger}) / 2, its determinant's phase shared out among the rows.
  /// Source  N. J. Higham, SIAM J. Sci. Stat. Comput. 7, 1160 (1986)
  KOKKOS_INLINE_FUNCTION static Matrix nearest(const Matrix& a) {
    Matrix u = a;
    for (int k = 0; k < 12; ++k) {
      T re;
      T im;
      const Matrix c = cofactors(u, re, im);
      // X^{-dagger}: conjugate cofactors over the conjugate determinant
      const T over = T(0.5) / Lanes<T>::fma(re, re, im * im);
      for (int m = 0; m < 9; ++m) {
        const T cr = Lanes<T>::fma(c.v[m], re, c.v[9 + m] * im);
        const T ci = Lanes<T>::fma(c.v[9 + m], re, T(0.0) - c.v[m] * im);
        u.v[m] = Lanes<T>::fma(T(0.5), u.v[m], cr * over);
        u.v[9 + m] = Lanes<T>::fma(T(0.5), u.v[9 + m], T(0.0) - ci * over);
      }
    }
    T re;
    T im;
    cofactors(u, re, im);
    T cosine;
    T sine;
    lane_circle(Kokkos::atan2(im, re) * T(-0.15915494309189533577 / 3), cosine, sine);
    for (int m = 0; m < 9; ++m) {
      const T r = u.v[m];
      u.v[m] = Lanes<T>::fma(r, cosine, T(0.0) - u.v[9 + m] * sine);
      u.v[9 + m] = Lanes<T>::fma(r, sine, u.v[9 + m] * cosine);
    }
    return u;
  }
  /// The cofactors C_ij: sum_j A_ij C_ij = det A for every row i.
  KOKKOS_INLINE_FUNCTION static Matrix cofactors(const Matrix& a, T& re, T& im) {
    using L = Lanes<T>;
    Matrix c;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        const int i1 = (i + 1) % 3;
        const int i2 = (i + 2) % 3;
        const int j1 = (j + 1) % 3;
        const int j2 = (j + 2) % 3;
        c.re(i, j) = L::fma(a.re(i1, j1), a.re(i2, j2), a.im(i1, j2) * a.im(i2, j1)) -
                     L::fma(a.im(i1, j1), a.im(i2, j2), a.re(i1, j2) * a.re(i2, j1));
        c.im(i, j) = L::fma(a.re(i1, j1), a.im(i2, j2), a.im(i1, j1) * a.re(i2, j2)) -
                     L::fma(a.re(i1, j2), a.im(i2, j1), a.im(i1, j2) * a.re(i2, j1));
      }
    }
    re = T(0.0);
    im = T(0.0);
    for (int j = 0; j < 3; ++j) {
      re = re + L::fma(a.re(0, j), c.re(0, j), T(0.0) - a.im(0, j) * c.im(0, j));
      im = im + L::fma(a.re(0, j), c.im(0, j), a.im(0, j) * c.re(0, j));
    }
    return c;
  }
};

}  // namespace koushi
