#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/base/lane_team.hpp"
#include "koushi/base/simd.hpp"
#include "koushi/manybody/chain_kernel.hpp"

namespace koushi {

/// A vector of real or complex numbers in registers, of SiteVector.
template <bool is_complex>
struct LaneNumbers {
  using L = Lanes<SiteVector>;
  using T = SiteVector;
  T re{0.0};
  T im{0.0};

  /// Imaginary parts stand `plane` numbers behind the real ones.
  KOKKOS_FORCEINLINE_FUNCTION static LaneNumbers load(const double* p, int plane) {
    LaneNumbers z;
    z.re = L::load(p);
    if constexpr (is_complex) z.im = L::load(p + plane);
    return z;
  }
  /// The same number in all lanes.
  KOKKOS_FORCEINLINE_FUNCTION static LaneNumbers one(const double* p, int plane) {
    LaneNumbers z;
    z.re = T(*p);
    if constexpr (is_complex) z.im = T(p[plane]);
    return z;
  }
  KOKKOS_FORCEINLINE_FUNCTION void store(double* p, int plane) const {
    L::store(re, p);
    if constexpr (is_complex) L::store(im, p + plane);
  }
  /// *this + a b
  KOKKOS_FORCEINLINE_FUNCTION void add(const LaneNumbers& a, const LaneNumbers& b) {
    re = L::fma(a.re, b.re, re);
    if constexpr (is_complex) {
      re = L::fnma(a.im, b.im, re);
      im = L::fma(a.re, b.im, im);
      im = L::fma(a.im, b.re, im);
    }
  }
  /// *this - a b
  KOKKOS_FORCEINLINE_FUNCTION void subtract(const LaneNumbers& a, const LaneNumbers& b) {
    re = L::fnma(a.re, b.re, re);
    if constexpr (is_complex) {
      re = L::fma(a.im, b.im, re);
      im = L::fnma(a.re, b.im, im);
      im = L::fnma(a.im, b.re, im);
    }
  }
  KOKKOS_FORCEINLINE_FUNCTION void join(const LaneNumbers& other) {
    re = re + other.re;
    if constexpr (is_complex) im = im + other.im;
  }
  /// The sum of all lanes.
  KOKKOS_FORCEINLINE_FUNCTION Complex sum() const { return {sum(re), is_complex ? sum(im) : 0.0}; }

 private:
  KOKKOS_FORCEINLINE_FUNCTION static double sum(const T& v) {
    double all[L::width];
    L::store(v, all);
    for (int half = L::width / 2; half > 0; half /= 2) {
      for (int l = 0; l < half; ++l) all[l] += all[l + half];
    }
    return all[0];
  }
};

/// A vector in a walker's table: its numbers, and their imaginary parts `plane` numbers behind them where complex.
template <bool is_complex>
struct TableVector {
  double* re;
  int plane;

  KOKKOS_FORCEINLINE_FUNCTION Complex operator()(int i) const { return {re[i], is_complex ? re[plane + i] : 0.0}; }
  KOKKOS_FORCEINLINE_FUNCTION void set(int i, const Complex& z) const {
    re[i] = z.real();
    if constexpr (is_complex) re[plane + i] = z.imag();
  }
};

/// A matrix in a walker's table, [re, im where complex][row][stride]. The stride is the number of columns rounded up to
/// whole vectors (whole_vectors); the numbers beyond the last column are 0 and stay it.
///
/// The operations below are those by which an inverse follows its matrix. On a CPU the vectors of a row share the work,
/// on a GPU the lanes of a warp. Every entry is rounded in one way, whoever takes part.
template <bool is_complex>
struct TableMatrix {
  using Vector = TableVector<is_complex>;
  using L = Lanes<SiteVector>;
  static constexpr int alignment = 8;  ///< numbers: the widest vector

  double* re;
  int rows;
  int stride;

  KOKKOS_FUNCTION static constexpr int whole_vectors(int columns) {
    return (columns + alignment - 1) / alignment * alignment;
  }
  /// Numbers of a matrix.
  KOKKOS_FUNCTION static constexpr int size(int rows, int columns) {
    return (is_complex ? 2 : 1) * rows * whole_vectors(columns);
  }
  KOKKOS_FUNCTION int plane() const { return rows * stride; }
  KOKKOS_FORCEINLINE_FUNCTION Complex operator()(int row, int column) const {
    const int at = row * stride + column;
    return {re[at], is_complex ? re[plane() + at] : 0.0};
  }
  KOKKOS_FORCEINLINE_FUNCTION Vector row(int r) const { return {re + r * stride, plane()}; }

  /// y_c = sum_r x_r M_rc.
  KOKKOS_FUNCTION void left_product(const LaneTeam& team, const Vector& x, const Vector& y) const {
    for_columns(team, [&](int c, auto vectors) { left_product_of<vectors>(x, y, c); });
  }
  /// y_r = sum_c M_rc x_c; the numbers of x beyond the last column may be anything finite.
  KOKKOS_FUNCTION void right_product(const LaneTeam& team, const Vector& x, const Vector& y) const {
    team.each([&](int lane) {
      for (int r = lane; r < rows; r += LaneTeam::size) y.set(r, dot(row(r), x));
    });
  }
  /// M_rc <- M_rc - x_r y_c.
  KOKKOS_FUNCTION void subtract(const LaneTeam& team, const Vector& x, const Vector& y) const {
    for_columns(team, [&](int c, auto vectors) { subtract_in<vectors, false>(x, y, x, y, c); });
  }
  /// M_rc <- M_rc - x_r y_c - u_r v_c.
  KOKKOS_FUNCTION void subtract(const LaneTeam& team, const Vector& x, const Vector& y, const Vector& u,
                                const Vector& v) const {
    for_columns(team, [&](int c, auto vectors) { subtract_in<vectors, true>(x, y, u, v, c); });
  }
  /// sum_c a_c b_c over a whole row, by one lane.
  KOKKOS_FUNCTION Complex dot(const Vector& a, const Vector& b) const {
    Numbers sums[2];
    for (int c = 0; c < stride; c += 2 * L::width) {
      sums[0].add(Numbers::load(a.re + c, a.plane), Numbers::load(b.re + c, b.plane));
      const int next = c + L::width;
      if (next < stride) sums[1].add(Numbers::load(a.re + next, a.plane), Numbers::load(b.re + next, b.plane));
    }
    sums[0].join(sums[1]);
    return sums[0].sum();
  }

 private:
  using Numbers = LaneNumbers<is_complex>;
  static constexpr int block = 4;  ///< vectors of a row that are kept in registers

  /// body(first column, vectors): all columns, in blocks of vectors.
  template <typename Body>
  KOKKOS_FORCEINLINE_FUNCTION void for_columns(const LaneTeam& team, const Body& body) const {
    team.each([&](int lane) {
      int c = lane * L::width;
      if constexpr (LaneTeam::size == 1) {
        for (; c + block * L::width <= stride; c += block * L::width) body(c, std::integral_constant<int, block>{});
      }
      for (; c < stride; c += LaneTeam::size * L::width) body(c, std::integral_constant<int, 1>{});
    });
  }
  template <int n>
  KOKKOS_FORCEINLINE_FUNCTION void left_product_of(const Vector& x, const Vector& y, int c) const {
    Numbers sum[n];
    for (int r = 0; r < rows; ++r) {
      const Numbers xr = Numbers::one(x.re + r, x.plane);
      const double* from = re + r * stride + c;
      unrolled<n>([&](auto v) { sum[v].add(xr, Numbers::load(from + v * L::width, plane())); });
    }
    unrolled<n>([&](auto v) { sum[v].store(y.re + c + v * L::width, y.plane); });
  }
  template <int n, bool two>
  KOKKOS_FORCEINLINE_FUNCTION void subtract_in(const Vector& x, const Vector& y, const Vector& u, const Vector& w,
                                               int c) const {
    Numbers yc[n];
    Numbers wc[n];
    unrolled<n>([&](auto v) {
      yc[v] = Numbers::load(y.re + c + v * L::width, y.plane);
      if constexpr (two) wc[v] = Numbers::load(w.re + c + v * L::width, w.plane);
    });
    for (int r = 0; r < rows; ++r) {
      const Numbers xr = Numbers::one(x.re + r, x.plane);
      Numbers ur;
      if constexpr (two) ur = Numbers::one(u.re + r, u.plane);
      double* to = re + r * stride + c;
      unrolled<n>([&](auto v) {
        Numbers z = Numbers::load(to + v * L::width, plane());
        z.subtract(xr, yc[v]);
        if constexpr (two) z.subtract(ur, wc[v]);
        z.store(to + v * L::width, plane());
      });
    }
  }
};

}  // namespace koushi
