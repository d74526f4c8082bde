#pragma once

#include <Kokkos_Core.hpp>

namespace koushi {

/// What gauge theories need of a group, on sums of its elements ("matrices", `reals` numbers): products, traces, and the way along a
/// direction of the algebra. Generators are normalised to tr T_a T_b = 1/2 (U(1): T = 1), U <- exp(i t p_a T_a) U.
///
/// slope(W, out): Im tr(T_a W), so that d/dt of - Re tr(U A) along T_a is slope_a(U A).

/// Complex numbers re + i im.
struct GroupU1 {
  static constexpr int reals = 2;
  static constexpr int generators = 1;
  static constexpr int subgroups = 1;
  static constexpr double order = 1;  ///< N
  struct Matrix {
    double v[2];
  };
  KOKKOS_INLINE_FUNCTION static Matrix one() { return {{1, 0}}; }
  KOKKOS_INLINE_FUNCTION static Matrix product(const Matrix& a, const Matrix& b) { return {{a.v[0] * b.v[0] - a.v[1] * b.v[1], a.v[0] * b.v[1] + a.v[1] * b.v[0]}}; }
  KOKKOS_INLINE_FUNCTION static Matrix adjoint(const Matrix& a) { return {{a.v[0], -a.v[1]}}; }
  KOKKOS_INLINE_FUNCTION static double re_trace(const Matrix& a) { return a.v[0]; }
  KOKKOS_INLINE_FUNCTION static double im_trace(const Matrix& a) { return a.v[1]; }
  KOKKOS_INLINE_FUNCTION static void slope(const Matrix& w, double (&out)[1]) { out[0] = w.v[1]; }
  KOKKOS_INLINE_FUNCTION static Matrix exponential(const double (&p)[1], double t) { return {{Kokkos::cos(t * p[0]), Kokkos::sin(t * p[0])}}; }
  KOKKOS_INLINE_FUNCTION static Matrix to_group(const Matrix& a) {
    const double norm = 1 / Kokkos::sqrt(a.v[0] * a.v[0] + a.v[1] * a.v[1]);
    return {{a.v[0] * norm, a.v[1] * norm}};
  }
};

/// Quaternions v_0 + i v.sigma: real multiples of SU(2), closed under sums.
struct GroupSU2 {
  static constexpr int reals = 4;
  static constexpr int generators = 3;
  static constexpr int subgroups = 1;
  static constexpr double order = 2;
  struct Matrix {
    double v[4];
  };
  KOKKOS_INLINE_FUNCTION static Matrix one() { return {{1, 0, 0, 0}}; }
  KOKKOS_INLINE_FUNCTION static Matrix product(const Matrix& a, const Matrix& b) {
    // (a.sigma)(b.sigma) = a.b + i (a x b).sigma
    return {{a.v[0] * b.v[0] - a.v[1] * b.v[1] - a.v[2] * b.v[2] - a.v[3] * b.v[3],
             a.v[0] * b.v[1] + a.v[1] * b.v[0] - (a.v[2] * b.v[3] - a.v[3] * b.v[2]),
             a.v[0] * b.v[2] + a.v[2] * b.v[0] - (a.v[3] * b.v[1] - a.v[1] * b.v[3]),
             a.v[0] * b.v[3] + a.v[3] * b.v[0] - (a.v[1] * b.v[2] - a.v[2] * b.v[1])}};
  }
  KOKKOS_INLINE_FUNCTION static Matrix adjoint(const Matrix& a) { return {{a.v[0], -a.v[1], -a.v[2], -a.v[3]}}; }
  KOKKOS_INLINE_FUNCTION static double re_trace(const Matrix& a) { return 2 * a.v[0]; }
  KOKKOS_INLINE_FUNCTION static double im_trace(const Matrix&) { return 0; }
  KOKKOS_INLINE_FUNCTION static void slope(const Matrix& w, double (&out)[3]) {
    for (int a = 0; a < 3; ++a) out[a] = w.v[a + 1];
  }
  KOKKOS_INLINE_FUNCTION static Matrix exponential(const double (&p)[3], double t) {
    const double length = Kokkos::sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]);
    const double half = 0.5 * t * length;
    const double s = length > 0 ? Kokkos::sin(half) / length : 0;
    return {{Kokkos::cos(half), s * p[0], s * p[1], s * p[2]}};
  }
  KOKKOS_INLINE_FUNCTION static Matrix to_group(const Matrix& a) {
    const double norm = 1 / Kokkos::sqrt(a.v[0] * a.v[0] + a.v[1] * a.v[1] + a.v[2] * a.v[2] + a.v[3] * a.v[3]);
    return {{a.v[0] * norm, a.v[1] * norm, a.v[2] * norm, a.v[3] * norm}};
  }
};

/// 3 x 3 complex matrices: nine real parts row by row, then nine imaginary parts. Not interleaved: g++ 12 would recognise the pattern of complex
/// products and fuse them, against -ffp-contract=off.
struct GroupSU3 {
  static constexpr int reals = 18;
  static constexpr int generators = 8;
  static constexpr int subgroups = 3;
  static constexpr double order = 3;
  struct Matrix {
    double v[18];
    KOKKOS_INLINE_FUNCTION double re(int i, int j) const { return v[3 * i + j]; }
    KOKKOS_INLINE_FUNCTION double im(int i, int j) const { return v[9 + 3 * i + j]; }
    KOKKOS_INLINE_FUNCTION double& re(int i, int j) { return v[3 * i + j]; }
    KOKKOS_INLINE_FUNCTION double& im(int i, int j) { return v[9 + 3 * i + j]; }
  };
  KOKKOS_INLINE_FUNCTION static Matrix one() {
    Matrix m = {};
    for (int i = 0; i < 3; ++i) m.re(i, i) = 1;
    return m;
  }
  KOKKOS_INLINE_FUNCTION static Matrix product(const Matrix& a, const Matrix& b) {
    Matrix c;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        double re = 0;
        double im = 0;
        for (int k = 0; k < 3; ++k) {
          re += a.re(i, k) * b.re(k, j) - a.im(i, k) * b.im(k, j);
          im += a.re(i, k) * b.im(k, j) + a.im(i, k) * b.re(k, j);
        }
        c.re(i, j) = re;
        c.im(i, j) = im;
      }
    }
    return c;
  }
  KOKKOS_INLINE_FUNCTION static Matrix adjoint(const Matrix& a) {
    Matrix c;
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) {
        c.re(i, j) = a.re(j, i);
        c.im(i, j) = -a.im(j, i);
      }
    }
    return c;
  }
  KOKKOS_INLINE_FUNCTION static double re_trace(const Matrix& a) { return a.re(0, 0) + a.re(1, 1) + a.re(2, 2); }
  KOKKOS_INLINE_FUNCTION static double im_trace(const Matrix& a) { return a.im(0, 0) + a.im(1, 1) + a.im(2, 2); }
  /// T_a = lambda_a / 2 with Gell-Mann's lambda_1 ... lambda_8.
  KOKKOS_INLINE_FUNCTION static void slope(const Matrix& w, double (&out)[8]) {
    out[0] = 0.5 * (w.im(0, 1) + w.im(1, 0));
    out[1] = 0.5 * (w.re(0, 1) - w.re(1, 0));
    out[2] = 0.5 * (w.im(0, 0) - w.im(1, 1));
    out[3] = 0.5 * (w.im(0, 2) + w.im(2, 0));
    out[4] = 0.5 * (w.re(0, 2) - w.re(2, 0));
    out[5] = 0.5 * (w.im(1, 2) + w.im(2, 1));
    out[6] = 0.5 * (w.re(1, 2) - w.re(2, 1));
    out[7] = (w.im(0, 0) + w.im(1, 1) - 2 * w.im(2, 2)) * 0.28867513459481288225;  // 1 / (2 sqrt 3)
  }
  /// Q = t p_a T_a
  KOKKOS_INLINE_FUNCTION static Matrix algebra(const double (&p)[8], double t) {
    constexpr double r = 0.28867513459481288225;
    Matrix q = {};
    const auto pair = [&](int i, int j, double re, double im) {
      q.re(i, j) = q.re(j, i) = 0.5 * t * re;
      q.im(i, j) = -0.5 * t * im;
      q.im(j, i) = 0.5 * t * im;
    };
    pair(0, 1, p[0], p[1]);
    pair(0, 2, p[3], p[4]);
    pair(1, 2, p[5], p[6]);
    q.re(0, 0) = t * (0.5 * p[2] + r * p[7]);
    q.re(1, 1) = t * (-0.5 * p[2] + r * p[7]);
    q.re(2, 2) = -2 * t * r * p[7];
    return q;
  }
  /// e^{iQ} = f_0 + f_1 Q + f_2 Q^2 by its Taylor series on Q^3 = c_1 Q + c_0, c_1 = tr Q^2 / 2, c_0 = det Q (Cayley and Hamilton).
  /// |Q| is halved until it is below 1, so that 18 terms reach rounding, and the result squared back.
  KOKKOS_INLINE_FUNCTION static Matrix exponential(const double (&p)[8], double t) {
    double length = 0;
    for (int a = 0; a < 8; ++a) length += p[a] * p[a];
    length = Kokkos::fabs(t) * Kokkos::sqrt(0.5 * length);  // Frobenius norm of Q
    int halvings = 0;
    while (length > 1 && halvings < 60) {
      length *= 0.5;
      t *= 0.5;
      ++halvings;
    }
    const Matrix q = algebra(p, t);
    const Matrix q2 = product(q, q);
    const double c1 = 0.5 * re_trace(q2);
    double c0 = 0;  // tr Q^3 / 3
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) c0 += (q2.re(i, j) * q.re(j, i) - q2.im(i, j) * q.im(j, i)) / 3;
    }
    // Q^k / k! = a + b Q + c Q^2
    double a = 1;
    double b = 0;
    double c = 0;
    double f[3][2] = {{1, 0}, {0, 0}, {0, 0}};
    for (int k = 1; k <= 18; ++k) {
      const double na = c * c0 / k;
      const double nb = (a + c * c1) / k;
      c = b / k;
      a = na;
      b = nb;
      const double sign = (k / 2) % 2 == 0 ? 1.0 : -1.0;  // i^k = 1, i, -1, -i
      const int part = k % 2;
      f[0][part] += sign * a;
      f[1][part] += sign * b;
      f[2][part] += sign * c;
    }
    Matrix e;
    for (int k = 0; k < 9; ++k) {
      const double qr = q.v[k];
      const double qi = q.v[9 + k];
      const double sr = q2.v[k];
      const double si = q2.v[9 + k];
      e.v[k] = f[1][0] * qr - f[1][1] * qi + f[2][0] * sr - f[2][1] * si;
      e.v[9 + k] = f[1][0] * qi + f[1][1] * qr + f[2][0] * si + f[2][1] * sr;
    }
    for (int i = 0; i < 3; ++i) {
      e.re(i, i) += f[0][0];
      e.im(i, i) += f[0][1];
    }
    for (int k = 0; k < halvings; ++k) e = product(e, e);
    return e;
  }
  /// The first two rows orthonormalised, the third their conjugate cross product.
  KOKKOS_INLINE_FUNCTION static Matrix to_group(Matrix u) {
    const auto normalise = [&](int i) {
      double norm = 0;
      for (int j = 0; j < 3; ++j) norm += u.re(i, j) * u.re(i, j) + u.im(i, j) * u.im(i, j);
      norm = 1 / Kokkos::sqrt(norm);
      for (int j = 0; j < 3; ++j) {
        u.re(i, j) *= norm;
        u.im(i, j) *= norm;
      }
    };
    normalise(0);
    double re = 0;
    double im = 0;
    for (int j = 0; j < 3; ++j) {  // <row 0, row 1>
      re += u.re(0, j) * u.re(1, j) + u.im(0, j) * u.im(1, j);
      im += u.re(0, j) * u.im(1, j) - u.im(0, j) * u.re(1, j);
    }
    for (int j = 0; j < 3; ++j) {
      const double r0 = u.re(0, j);
      const double i0 = u.im(0, j);
      u.re(1, j) -= re * r0 - im * i0;
      u.im(1, j) -= re * i0 + im * r0;
    }
    normalise(1);
    for (int j = 0; j < 3; ++j) {
      const int k = (j + 1) % 3;
      const int l = (j + 2) % 3;
      u.re(2, j) = u.re(0, k) * u.re(1, l) - u.im(0, k) * u.im(1, l) - u.re(0, l) * u.re(1, k) + u.im(0, l) * u.im(1, k);
      u.im(2, j) = -(u.re(0, k) * u.im(1, l) + u.im(0, k) * u.re(1, l) - u.re(0, l) * u.im(1, k) - u.im(0, l) * u.re(1, k));
    }
    return u;
  }
};

}  // namespace koushi
