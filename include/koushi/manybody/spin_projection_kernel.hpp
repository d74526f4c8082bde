#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/base/lane_team.hpp"
#include "koushi/manybody/chain_kernel.hpp"
#include "koushi/manybody/matrix_kernel.hpp"
#include "koushi/manybody/particle_hops.hpp"
#include "koushi/manybody/shares.hpp"

namespace koushi {

/// Moves of n electrons, half of them up, in pairs of opposite spins f(i, j) whose spins are turned about y:
///
///   psi(x) = sum_q w_q Pf X_q(x),   X_q(x)_ab = K_q(x_a, x_b),   c = cos(beta_q / 2), s = sin(beta_q / 2):
///   K_q(i up, j down) = c^2 f(i, j) + s^2 f(j, i),   K_q(i up, j up) = - K_q(i down, j down) = c s (f(j, i) - f(i, j))
///   psi'/psi = sum_q p_q ratio_q,   p_q = w_q Pf X_q / psi,   ratio_q and V_q = X_q^-1 as in pfaffian_kernel.hpp
///
/// The numbers of all q stand together, so that the vectors of a CPU and the lanes of a warp are filled by them, and of
/// V_q one triangle is kept. Beyond the last q, up to whole vectors, the last one is repeated with weight 0.
/// Shapes      table of a walker, d = depth(points): [re, im where complex][entry (a, b), a > b: a (a - 1) / 2 + b][d] of
///             V, then the shares [re, im][d], then scratch of 4 [re, im where complex][n][d], which is 0 between calls
/// Cost        per q: ratio 3 n / 2 FMA (complex: 6 n), of two hops n^2; accept: 2 n^2 per hop
template <bool is_complex>
struct SpinProjectionMoves {
  static constexpr int group = 1;  ///< tables are large: a walker makes all its moves while its own is near
  static constexpr int at_once = 1;
  using Numbers = LaneNumbers<is_complex>;
  using L = Lanes<SiteVector>;
  static constexpr int width = is_complex ? 2 : 1;

  MoveList moves;
  int first = 0;  ///< column of the table where V begins
  int n = 0;      ///< electrons
  int d = 0;      ///< depth(points)
  int n_sites = 0;
  RealRows pairing[2];     ///< [re, im]: f(i, j) and f(j, i) as [i][2 j + ...]
  RealRows difference[2];  ///< [re, im]: f(j, i) - f(i, j) as [i][j]
  RealRows turns;          ///< [c^2, s^2, c s][d]

  KOKKOS_FUNCTION static constexpr int depth(int points) { return (points + 7) / 8 * 8; }
  KOKKOS_FUNCTION static constexpr int entry(int a, int b) { return a * (a - 1) / 2 + b; }
  /// Numbers of one plane of V.
  KOKKOS_FUNCTION static constexpr int plane(int n, int d) { return n * (n - 1) / 2 * d; }
  KOKKOS_FUNCTION static constexpr int column_of_shares(int n, int d) { return width * plane(n, d); }
  KOKKOS_FUNCTION static constexpr int column_of_scratch(int n, int d) { return column_of_shares(n, d) + 2 * d; }
  static constexpr int columns(int n, int d) { return column_of_scratch(n, d) + 4 * width * n * d; }

  KOKKOS_FUNCTION const MoveSites& at(int k) const { return moves(k); }

  template <bool one_move, int count>
  KOKKOS_FUNCTION void ratios(const LaneTeam& team, const Walkers& walkers, const int* w, const int* k,
                              const int* sigma, Complex* result) const {
    for (int m = 0; m < count; ++m) {
      const ParticleHops hops(walkers, w[m], moves(k[m]), sigma[m]);
      const Table t(*this, walkers, w[m]);
      result[m] = hops.count == 1 ? ratio(team, t, hops.particle[0], hops.place[0]) : of_two(team, t, hops);
    }
  }

  KOKKOS_FUNCTION void accept(const LaneTeam& team, const Walkers& walkers, int w, int k, int sigma) const {
    const ParticleHops hops(walkers, w, moves(k), sigma);
    const Table t(*this, walkers, w);
    int h = 0;
    if (hops.count == 2) {
      const Complex one = ratio(team, t, hops.particle[0], hops.place[0]);
      const Complex two = ratio(team, t, hops.particle[1], hops.place[1]);
      if (square(two) > square(one)) h = 1;
    }
    hop(team, t, hops.particle[h], hops.place[h], -1, 0);
    if (hops.count == 2) hop(team, t, hops.particle[1 - h], hops.place[1 - h], hops.particle[h], hops.place[h]);
    normalise(team, t);
    clear(team, t, 4);
  }

 private:
  /// Where the numbers of a walker stand.
  struct Table {
    double* v;
    double* shares;
    double* scratch;
    const std::int16_t* places;

    KOKKOS_FUNCTION Table(const SpinProjectionMoves& self, const Walkers& walkers, int w)
        : v(walkers.table_of(w) + self.first),
          shares(v + column_of_shares(self.n, self.d)),
          scratch(v + column_of_scratch(self.n, self.d)),
          places(walkers.state_of(w).particle) {}
  };

  /// What add_segment adds of one electron.
  template <bool opposite, bool below>
  struct Segment {
    const double* f_re;
    const double* f_im;
    const std::int16_t* places;
    const double* v;
    int first_place;
    int plane;
    int d;
    int a;

    KOKKOS_FORCEINLINE_FUNCTION Numbers pairing_at(int at) const {
      Numbers f;
      f.re = SiteVector(f_re[at]);
      if constexpr (is_complex) f.im = SiteVector(f_im[at]);
      return f;
    }
    KOKKOS_FORCEINLINE_FUNCTION static void add_product(const Numbers& f, const Numbers& value, Numbers& sum) {
      if constexpr (below) {
        sum.add(f, value);
      } else {
        sum.subtract(f, value);
      }
    }
    KOKKOS_FORCEINLINE_FUNCTION void add(int j, Numbers& direct, Numbers& mirrored) const {
      const int site = places[j] - first_place;
      const Numbers value = Numbers::load(v + (below ? entry(a, j) : entry(j, a)) * d, plane);
      if constexpr (opposite) {
        add_product(pairing_at(2 * site), value, direct);
        add_product(pairing_at(2 * site + 1), value, mirrored);
      } else {
        add_product(pairing_at(site), value, direct);
      }
    }
  };

  KOKKOS_FUNCTION static double square(const Complex& z) { return z.real() * z.real() + z.imag() * z.imag(); }
  KOKKOS_FORCEINLINE_FUNCTION Numbers v_of(const Table& t, int a, int b, int q) const {
    return Numbers::load(t.v + entry(a, b) * d + q, plane(n, d));
  }
  KOKKOS_FORCEINLINE_FUNCTION SiteVector turn(int kind, int q) const { return L::load(&turns(kind, q)); }
  /// One number of `pairing` or `difference` in all lanes.
  KOKKOS_FORCEINLINE_FUNCTION Numbers same_number(const RealRows (&rows)[2], int i, int at) const {
    Numbers z;
    z.re = SiteVector(rows[0](i, at));
    if constexpr (is_complex) z.im = SiteVector(rows[1](i, at));
    return z;
  }
  KOKKOS_FORCEINLINE_FUNCTION static Numbers scaled(const SiteVector& factor, const Numbers& z) {
    Numbers result;
    result.re = factor * z.re;
    if constexpr (is_complex) result.im = factor * z.im;
    return result;
  }
  /// K_q(p, p').
  KOKKOS_FORCEINLINE_FUNCTION Numbers pairing_of(int p, int other, int q) const {
    const bool up = p < n_sites;
    const int i = up ? p : p - n_sites;
    const bool other_up = other < n_sites;
    const int j = other_up ? other : other - n_sites;
    if (up == other_up) return scaled(up ? turn(2, q) : SiteVector(0.0) - turn(2, q), same_number(difference, i, j));
    // K(i down, j up) = -c^2 f(j, i) - s^2 f(i, j)
    const Numbers one =
        scaled(up ? turn(0, q) : SiteVector(0.0) - turn(0, q), same_number(pairing, i, 2 * j + (up ? 0 : 1)));
    Numbers both =
        scaled(up ? turn(1, q) : SiteVector(0.0) - turn(1, q), same_number(pairing, i, 2 * j + (up ? 1 : 0)));
    both.join(one);
    return both;
  }
  /// Number `vector` of the scratch, of electron j.
  KOKKOS_FORCEINLINE_FUNCTION double* scratch(const Table& t, int vector, int j, int q) const {
    return t.scratch + vector * width * n * d + j * d + q;
  }
  KOKKOS_FORCEINLINE_FUNCTION Numbers scratch_of(const Table& t, int vector, int j, int q) const {
    return Numbers::load(scratch(t, vector, j, q), n * d);
  }
  KOKKOS_FORCEINLINE_FUNCTION Numbers negative(const Numbers& z) const {
    Numbers result;
    result.re = SiteVector(0.0) - z.re;
    if constexpr (is_complex) result.im = SiteVector(0.0) - z.im;
    return result;
  }
  KOKKOS_FORCEINLINE_FUNCTION static Numbers product_of(const Numbers& a, const Numbers& b) {
    Numbers result;
    result.add(a, b);
    return result;
  }
  /// The sum of p_q z_q over the lanes.
  KOKKOS_FORCEINLINE_FUNCTION Complex weighted(const Table& t, const Numbers& z, int q) const {
    Numbers share = Numbers::load(t.shares + q, d);
    share = product_of(share, z);
    return share.sum();
  }
  /// sum_q p_q part(q), where part gives the numbers of the electrons [begin, begin + step, ...) alone.
  template <typename Part>
  KOKKOS_FORCEINLINE_FUNCTION Complex sum_over_points(const LaneTeam& team, const Table& t, const Part& part) const {
    LaneSums<double, 2> total;
    team.combine(total, [&](int lane, LaneSums<double, 2>& mine) {
      mine = LaneSums<double, 2>::identity();
      // A lane of a warp has one q and every fourth electron.
      const int groups = LaneTeam::size == 1 ? 1 : LaneTeam::size / 8;
      const int of_lane = LaneTeam::size == 1 ? 0 : lane / 8;
      const int first_q = LaneTeam::size == 1 ? 0 : lane % 8;
      const int step_q = LaneTeam::size == 1 ? L::width : 8;
      for (int q = first_q; q < d; q += step_q) {
        const Complex value = weighted(t, part(q, of_lane, groups), q);
        mine.sum[0] += value.real();
        mine.sum[1] += value.imag();
      }
    });
    return {total.sum[0], total.sum[1]};
  }
  /// Sums over electrons j, j + step, ... < end of one spin: opposite to that of electron a, of f(i, j) V_aj and f(j, i)
  /// V_aj, else of (f(j, i) - f(i, j)) V_aj. below: j < a, so that V_aj is kept, else V_ja = -V_aj is.
  template <bool opposite, bool below>
  KOKKOS_FORCEINLINE_FUNCTION void add_segment(const Table& t, int a, int i, int q, int j, int end, int step,
                                               int first_place, Numbers (&sums)[3]) const {
    // Two sums of each kind do not wait for each other. Functions instead of lambdas, which g++ does not take inline.
    Segment<opposite, below> segment;
    segment.f_re = opposite ? &pairing[0](i, 0) : &difference[0](i, 0);
    if constexpr (is_complex) segment.f_im = opposite ? &pairing[1](i, 0) : &difference[1](i, 0);
    segment.places = t.places;
    segment.first_place = first_place;
    segment.v = t.v + q;
    segment.plane = plane(n, d);
    segment.d = d;
    segment.a = a;
    Numbers one[2];
    Numbers two[2];
    for (; j + step < end; j += 2 * step) {
      segment.add(j, one[0], one[1]);
      segment.add(j + step, two[0], two[1]);
    }
    if (j < end) segment.add(j, one[0], one[1]);
    one[0].join(two[0]);
    one[1].join(two[1]);
    sums[opposite ? 0 : 2].join(one[0]);
    if constexpr (opposite) sums[1].join(one[1]);
  }
  /// T_a of the place r: -sum_j K(r, x_j) V_aj, of the electrons first, first + step, ...
  KOKKOS_FORCEINLINE_FUNCTION Numbers row_sum(const Table& t, int a, int r, int q, int first_j, int step) const {
    const bool up = r < n_sites;
    const int i = up ? r : r - n_sites;
    const int half = n / 2;
    Numbers sums[3];
    // The first of [begin, ...) that is one of this lane.
    const auto from = [&](int begin) { return begin + (first_j + step - begin % step) % step; };
    // Electrons of either spin, on either side of a.
    const auto add_spin = [&](int begin, int end, int first_place, auto opposite) {
      const int middle = Kokkos::min(Kokkos::max(a, begin), end);
      add_segment<opposite, true>(t, a, i, q, from(begin), middle, step, first_place, sums);
      add_segment<opposite, false>(t, a, i, q, from(Kokkos::max(a + 1, begin)), end, step, first_place, sums);
    };
    if (up) {
      add_spin(0, half, 0, std::false_type{});
      add_spin(half, n, n_sites, std::true_type{});
    } else {
      add_spin(0, half, 0, std::true_type{});
      add_spin(half, n, n_sites, std::false_type{});
    }
    // -K of an electron up: -c^2 f(i, j) - s^2 f(j, i) - c s difference; down: c^2 f(j, i) + s^2 f(i, j) + c s difference
    Numbers sum = scaled(turn(up ? 0 : 1, q), sums[0]);
    sum.join(scaled(turn(up ? 1 : 0, q), sums[1]));
    sum.join(scaled(turn(2, q), sums[2]));
    return up ? negative(sum) : sum;
  }
  KOKKOS_FUNCTION Complex ratio(const LaneTeam& team, const Table& t, int a, int r) const {
    return sum_over_points(team, t, [&](int q, int of_lane, int lanes) { return row_sum(t, a, r, q, of_lane, lanes); });
  }
  /// Both electrons of a move go.
  KOKKOS_FUNCTION Complex of_two(const LaneTeam& team, const Table& t, const ParticleHops& hops) const {
    const int a = hops.particle[0];
    const int b = hops.particle[1];
    const int r = hops.place[0];
    const int s = hops.place[1];
    left_product(team, t, r, -1, 0);
    // Products of sums over all electrons: a lane takes all of its q.
    const Complex result = sum_over_points(team, t, [&](int q, int of_lane, int /*lanes*/) {
      Numbers value;
      if (of_lane > 0) return value;
      Numbers both = pairing_of(r, s, q);
      for (int j = 0; j < n; ++j) both.subtract(scratch_of(t, 0, j, q), pairing_of(t.places[j], s, q));
      const Numbers v_ab = a > b ? v_of(t, a, b, q) : negative(v_of(t, b, a, q));
      value.add(scratch_of(t, 0, a, q), row_sum(t, b, s, q, 0, 1));
      value.subtract(scratch_of(t, 0, b, q), row_sum(t, a, s, q, 0, 1));
      value.subtract(v_ab, both);
      return value;
    });
    clear(team, t, 4);
    return result;
  }
  /// T_c = sum_j K(r, x_j) V_jc into the scratch 0, electron `moved` being at `to` already; K(r, x_j) into the scratch 3.
  /// On a CPU every entry of V is read once, for T of its row and of its column; on a GPU a lane makes one T.
  KOKKOS_FUNCTION void left_product(const LaneTeam& team, const Table& t, int r, int moved, int to) const {
    for_numbers(team, n * d, [&](int i) {
      const int j = i / d;
      const int q = i % d;
      pairing_of(r, j == moved ? to : t.places[j], q).store(scratch(t, 3, j, q), n * d);
    });
    const auto u = [&](int j, int q) { return scratch_of(t, 3, j, q); };
    if constexpr (kernels_on_host) {
      constexpr int block = 4;  // rows at once
      for (int q = 0; q < d; q += L::width) {
        const auto rows = [&](int b, auto count) {
          Numbers of_row[count];
          Numbers sum[count];
          const double* v[count];
          unrolled<count>([&](auto i) {
            of_row[i] = u(b + i, q);
            v[i] = t.v + entry(b + i, 0) * d + q;
          });
          const double* column_u = scratch(t, 3, 0, q);
          double* column_t = scratch(t, 0, 0, q);
          const int v_plane = plane(n, d);
          for (int c = 0; c < b; ++c) {
            const Numbers of_column = Numbers::load(column_u + c * d, n * d);
            Numbers column = Numbers::load(column_t + c * d, n * d);
            unrolled<count>([&](auto i) {
              const Numbers value = Numbers::load(v[i] + c * d, v_plane);
              column.add(of_row[i], value);
              sum[i].subtract(of_column, value);
            });
            column.store(column_t + c * d, n * d);
          }
          unrolled<count>([&](auto i) {
            unrolled<i>([&](auto c) {
              const Numbers value = Numbers::load(v[i] + (b + c) * d, v_plane);
              sum[c].add(of_row[i], value);
              sum[i].subtract(of_row[c], value);
            });
          });
          unrolled<count>([&](auto i) { sum[i].store(column_t + (b + i) * d, n * d); });
        };
        int b = 0;
        for (; b + block <= n; b += block) rows(b, std::integral_constant<int, block>{});
        for (; b < n; ++b) rows(b, std::integral_constant<int, 1>{});
      }
    } else {
      for_numbers(team, n * d, [&](int i) {
        const int c = i / d;
        const int q = i % d;
        Numbers sum;
        for (int j = 0; j < c; ++j) sum.subtract(u(j, q), v_of(t, c, j, q));
        for (int j = c + 1; j < n; ++j) sum.add(u(j, q), v_of(t, j, c, q));
        sum.store(scratch(t, 0, c, q), n * d);
      });
    }
  }
  /// V_q and p_q ratio_q after electron a went to `place`, where electron `moved` is at `to` already.
  KOKKOS_FUNCTION void hop(const LaneTeam& team, const Table& t, int a, int place, int moved, int to) const {
    left_product(team, t, place, moved, to);
    // Scratch 1: V_ac / T_a. Scratch 2: T_c - delta_ac.
    for_numbers(team, n * d, [&](int i) {
      const int c = i / d;
      const int q = i % d;
      const Numbers ratio = scratch_of(t, 0, a, q);
      const Numbers inverse = reciprocal(ratio);
      Numbers y;
      Numbers x = scratch_of(t, 0, c, q);
      if (c < a) y = product_of(v_of(t, a, c, q), inverse);
      if (c > a) y = negative(product_of(v_of(t, c, a, q), inverse));
      if (c == a) {
        x.re = x.re - SiteVector(1.0);
        move_share(t, ratio, q);
      }
      y.store(scratch(t, 1, c, q), n * d);
      x.store(scratch(t, 2, c, q), n * d);
    });
    if constexpr (kernels_on_host) {
      constexpr int block = 4;
      for (int q = 0; q < d; q += L::width) {
        const auto rows = [&](int b, auto count) {
          Numbers x[count];
          Numbers y[count];
          double* v[count];
          const double* column_x = scratch(t, 2, 0, q);
          const double* column_y = scratch(t, 1, 0, q);
          const int v_plane = plane(n, d);
          unrolled<count>([&](auto i) {
            x[i] = Numbers::load(column_x + (b + i) * d, n * d);
            y[i] = Numbers::load(column_y + (b + i) * d, n * d);
            v[i] = t.v + entry(b + i, 0) * d + q;
          });
          const auto update = [&](auto i, int c, const Numbers& xc, const Numbers& yc) {
            Numbers value = Numbers::load(v[i] + c * d, v_plane);
            value.subtract(x[i], yc);
            value.add(y[i], xc);
            value.store(v[i] + c * d, v_plane);
          };
          for (int c = 0; c < b; ++c) {
            const Numbers xc = Numbers::load(column_x + c * d, n * d);
            const Numbers yc = Numbers::load(column_y + c * d, n * d);
            unrolled<count>([&](auto i) { update(i, c, xc, yc); });
          }
          unrolled<count>([&](auto i) { unrolled<i>([&](auto c) { update(i, b + c, x[c], y[c]); }); });
        };
        int b = 0;
        for (; b + block <= n; b += block) rows(b, std::integral_constant<int, block>{});
        for (; b < n; ++b) rows(b, std::integral_constant<int, 1>{});
      }
    } else {
      for (int b = 1; b < n; ++b) {
        for_numbers(team, b * d, [&](int i) {
          const int c = i / d;
          const int q = i % d;
          Numbers v = v_of(t, b, c, q);
          v.subtract(scratch_of(t, 2, b, q), scratch_of(t, 1, c, q));
          v.add(scratch_of(t, 1, b, q), scratch_of(t, 2, c, q));
          v.store(t.v + entry(b, c) * d + q, plane(n, d));
        });
      }
    }
  }
  KOKKOS_FORCEINLINE_FUNCTION static Numbers reciprocal(const Numbers& z) {
    Numbers result;
    if constexpr (is_complex) {
      const SiteVector inverse = SiteVector(1.0) / L::fma(z.re, z.re, z.im * z.im);
      result.re = z.re * inverse;
      result.im = SiteVector(0.0) - z.im * inverse;
    } else {
      result.re = SiteVector(1.0) / z.re;
    }
    return result;
  }
  /// Shares::move of all lanes.
  KOKKOS_FORCEINLINE_FUNCTION void move_share(const Table& t, const Numbers& ratio, int q) const {
    for (int lane = 0; lane < L::width; ++lane) {
      const Complex r(L::get(ratio.re, lane), is_complex ? L::get(ratio.im, lane) : 0.0);
      const Complex p = Shares::moved({t.shares[q + lane], t.shares[d + q + lane]}, r);
      t.shares[q + lane] = p.real();
      t.shares[d + q + lane] = p.imag();
    }
  }
  KOKKOS_FUNCTION void normalise(const LaneTeam& team, const Table& t) const {
    team.once([&] {
      Complex sum = 0;
      for (int q = 0; q < d; ++q) sum += Complex(t.shares[q], t.shares[d + q]);
      for (int q = 0; q < d; ++q) {
        const Complex p = Complex(t.shares[q], t.shares[d + q]) / sum;
        t.shares[q] = p.real();
        t.shares[d + q] = p.imag();
      }
    });
  }
  /// body(i) for vectors of numbers i = 0 ... count - 1.
  template <typename Body>
  KOKKOS_FORCEINLINE_FUNCTION void for_numbers(const LaneTeam& team, int count, const Body& body) const {
    team.each([&](int lane) {
      for (int i = lane * L::width; i < count; i += LaneTeam::size * L::width) body(i);
    });
  }
  /// The first vectors of the scratch are 0 again.
  KOKKOS_FUNCTION void clear(const LaneTeam& team, const Table& t, int vectors) const {
    for_numbers(team, vectors * width * n * d, [&](int i) { L::store(SiteVector(0.0), t.scratch + i); });
  }
};

}  // namespace koushi
