#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/field/gauge_kernel.hpp"
#include "koushi/random/normal.hpp"

namespace koushi {

/// How a local update draws and what it does with the link.
enum class LinkUpdate { heatbath, overrelaxation, metropolis };

/// Local updates of links (x, mu).
///
/// heatbath        with W = U A restricted to a subgroup (U(1) itself; SU(2); the three SU(2) of SU(3)), W = k V: U <-
///                 X V^dagger U with X drawn from its conditional weight e^{alpha x_0}, x_0 = Re tr X / 2, alpha = 2
///                 beta k / N
/// overrelaxation  U <- V^dagger V^dagger U, which leaves S as it is
/// metropolis      U <- exp(i width r_a T_a) U, r uniform in [-1, 1], `hits` times with the same staples
/// Returns what is added to the count: accepted proposals (metropolis), subgroups that were drawn (heatbath), subgroups
/// (overrelaxation).
/// Cost    of SU(3) in four directions: 13 products and three times 168 flops for the subgroups, about 3.2 kflop
/// Source  A. D. Kennedy, B. J. Pendleton, Phys. Lett. B 156, 393 (1985); N. Cabibbo, E. Marinari, Phys. Lett. B 119,
///         387 (1982);
///         D. J. Best, N. I. Fisher, Appl. Statist. 28, 152 (1979) (U(1))
template <typename Group>
struct LinkKernel {
  using T = typename Group::Value;
  using L = Lanes<T>;
  using Mask = typename L::Mask;
  using Word = typename L::Word;
  using Matrix = typename Group::Matrix;
  /// Tries of a rejection loop; a link that fails all of them stays.
  static constexpr int tries = 64;
  static constexpr int draws_per_link = 4 * 3 * 2 * tries;  ///< 4 directions apart, 3 subgroups
  LinkField<Group> links;
  LinkUpdate update;
  int mu;
  double beta;
  LoopWeights weights;
  double width;
  std::uint64_t seed;
  std::uint64_t step;
  int hits = 1;  ///< of metropolis; each has a step of its own

  using Ahead = typename LinkField<Group>::template Ahead<2 * L::width>;  // a call of one parity
  /// The random words of the links of one call.
  struct Stream {
    std::uint64_t seed;
    std::uint64_t step;
    Word sites;
    std::uint32_t first;
    KOKKOS_INLINE_FUNCTION RandomLanes<T> operator()(int d) const {
      return philox_lanes<T>(seed, RandomPurpose::local_update, step, sites,
                             Word(static_cast<std::uint64_t>(first + static_cast<std::uint32_t>(d))));
    }
    KOKKOS_INLINE_FUNCTION Stream from(int d) const {
      return {seed, step, sites, first + static_cast<std::uint32_t>(d)};
    }
  };
  KOKKOS_INLINE_FUNCTION static T first_uniform(const RandomLanes<T>& r) {
    return uniform_lanes<T>(r.word[0], r.word[1]);
  }
  KOKKOS_INLINE_FUNCTION static T second_uniform(const RandomLanes<T>& r) {
    return uniform_lanes<T>(r.word[2], r.word[3]);
  }

  /// What a draw from SU(2) takes of random numbers alone: the logarithms and the level of the first of Kennedy and
  /// Pendleton's tries, a direction in space.
  struct Draw {
    T logs;
    T level;
    T direction[3];
  };
  KOKKOS_INLINE_FUNCTION static T logs(const RandomLanes<T>& one, const RandomLanes<T>& two) {
    T cosine;
    T sine;
    lane_circle(second_uniform(one), cosine, sine);
    return L::fma(lane_log(T(1.0) - first_uniform(one)), cosine * cosine, lane_log(T(1.0) - first_uniform(two)));
  }
  /// The level below which delta is kept: u^2 < 1 - delta / 2.
  KOKKOS_INLINE_FUNCTION static T level(const RandomLanes<T>& two) {
    const T u = second_uniform(two);
    return T(2.0) - T(2.0) * u * u;
  }
  KOKKOS_INLINE_FUNCTION static Draw draw(const Stream& block) {
    const RandomLanes<T> one = block(0);
    const RandomLanes<T> two = block(1);
    const RandomLanes<T> three = block(2 * tries - 1);
    const T height = T(2.0) * first_uniform(three) - T(1.0);
    const T flat = Kokkos::sqrt(Kokkos::max(T(0.0), T(1.0) - height * height));
    T cosine;
    T sine;
    lane_circle(second_uniform(three), cosine, sine);
    return {logs(one, two), level(two), {flat * cosine, flat * sine, height}};
  }

  /// x_0 with weight sqrt(1 - x_0^2) e^{alpha x_0} for the lanes of `open`, which keeps those for which no try
  /// succeeded. over: 1 / alpha
  KOKKOS_INLINE_FUNCTION static T kennedy_pendleton(const T& alpha, const T& over, const Draw& first,
                                                    const Stream& block, Mask& open) {
    T x0(0.0);
    const Mask small = alpha < T(1.5);
    const auto keep = [&](const T& x, const Mask& good) {
      x0 = L::select(good, x, x0);
      open = open && !good;
    };
    const auto keep_large = [&](const T& with_logs, const T& below) {
      const T delta = T(0.0) - with_logs * over;
      keep(T(1.0) - delta, open && !small && delta < below);
    };
    keep_large(first.logs, first.level);
    for (int t = 1; t < tries - 1 && L::any(open); ++t) {
      const RandomLanes<T> one = block(2 * t);
      const RandomLanes<T> two = block(2 * t + 1);
      if (L::any(open && !small)) keep_large(logs(one, two), level(two));
      if (L::any(open && small)) {
        // Where Kennedy and Pendleton's tries would fail: a component of a random direction in four dimensions has the
        // density sqrt(1 - x_0^2), and is kept with probability e^{alpha (x_0 - 1)} >= e^{-3}. The length of the vector
        // is independent of its direction and gives the uniform number.
        T a;
        T b;
        T c;
        T d;
        box_muller(first_uniform(one), second_uniform(one), a, b);
        box_muller(first_uniform(two), second_uniform(two), c, d);
        const T square = L::fma(a, a, L::fma(b, b, L::fma(c, c, d * d)));
        const T x = a / Kokkos::sqrt(square);
        const T u = (T(1.0) + T(0.5) * square) * lane_exp(T(-0.5) * square);  // 1 - the distribution function of square
        keep(x, open && small && u < lane_exp(alpha * (x - T(1.0))));
      }
    }
    return x0;
  }

  /// cos and sin of an angle with weight e^{kappa cos} for the lanes of `open`, which keeps those for which no try
  /// succeeded.
  KOKKOS_INLINE_FUNCTION static void best_fisher(const T& kappa, const Stream& block, Mask& open, T& cosine, T& sine) {
    const T tau = T(1.0) + Kokkos::sqrt(T(1.0) + T(4.0) * kappa * kappa);
    const T rho = (tau - Kokkos::sqrt(T(2.0) * tau)) / (T(2.0) * kappa);
    const T r = (T(1.0) + rho * rho) / (T(2.0) * rho);
    cosine = T(1.0);
    sine = T(0.0);
    for (int t = 0; t < tries - 1 && L::any(open); ++t) {
      const RandomLanes<T> one = block(2 * t);
      const RandomLanes<T> two = block(2 * t + 1);
      T z;
      T other;
      lane_circle(T(0.5) * first_uniform(one), z, other);
      const T f = (T(1.0) + r * z) / (r + z);
      const T c = kappa * (r - f);
      const T u = second_uniform(one) + T(0x1.0p-60);  // log u needs u > 0
      const Mask good = open && (u < c * (T(2.0) - c) || T(0.0) < lane_log(c / u) + T(1.0) - c);
      const T root = Kokkos::sqrt(Kokkos::max(T(0.0), T(1.0) - f * f));
      const Mask negative = first_uniform(two) < T(0.5);
      cosine = L::select(good, f, cosine);
      sine = L::select(good, L::select(negative, T(0.0) - root, root), sine);
      open = open && !good;
    }
  }

  /// U, W <- g U, g W with g of the subgroup that acts on rows i and j.
  KOKKOS_INLINE_FUNCTION static void turn(const T (&g)[4], int i, int j, Matrix& u) {
    for (int c = 0; c < 3; ++c) {
      const T ar = u.re(i, c);
      const T ai = u.im(i, c);
      const T br = u.re(j, c);
      const T bi = u.im(j, c);
      u.re(i, c) = L::fma(g[0], ar, g[2] * br) - L::fma(g[3], ai, g[1] * bi);
      u.im(i, c) = L::fma(g[0], ai, g[3] * ar) + L::fma(g[2], bi, g[1] * br);
      u.re(j, c) = L::fma(g[0], br, g[3] * bi) - L::fma(g[2], ar, g[1] * ai);
      u.im(j, c) = L::fma(g[0], bi, g[1] * ar) - L::fma(g[2], ai, g[3] * br);
    }
  }

  /// The factor of the subgroup for the part q of W in it (a real multiple of SU(2)); 1 in lanes that stay.
  KOKKOS_INLINE_FUNCTION void factor_su2(const T (&q)[4], const Draw& first, const Stream& block, const Mask& meant,
                                         T (&g)[4], int& moved) const {
    using Q = GroupSU2<T>;
    const T square = Q::square({{q[0], q[1], q[2], q[3]}});
    const Mask regular = meant && T(1e-24) < square;
    const T safe = L::select(regular, square, T(1.0));
    Mask stays = !regular;
    typename Q::Matrix product;
    if (update == LinkUpdate::heatbath) {
      const T k = Kokkos::sqrt(safe);
      const T over = k * (T(1.0) / safe);  // root and quotient at once
      const double scale = 2 * beta / Group::order;
      Mask open = regular;
      const T x0 = kennedy_pendleton(T(scale) * k, T(1 / scale) * over, first, block, open);
      stays = stays || open;
      const T radius = Kokkos::sqrt(Kokkos::max(T(0.0), L::fnma(x0, x0, T(1.0))));
      product = Q::template product<false, true>(
          typename Q::Matrix{
              {x0, radius * first.direction[0], radius * first.direction[1], radius * first.direction[2]}},
          typename Q::Matrix{{q[0] * over, q[1] * over, q[2] * over, q[3] * over}});
    } else {  // V^dagger V^dagger = q^dagger q^dagger / |q|^2
      const T twice = T(2.0) / safe;
      const T part = T(0.0) - twice * q[0];
      product = {{L::fma(twice * q[0], q[0], T(-1.0)), part * q[1], part * q[2], part * q[3]}};
    }
    for (int c = 0; c < 4; ++c) g[c] = L::select(stays, T(c == 0 ? 1.0 : 0.0), product.v[c]);
    moved += L::count(!stays);
  }

  KOKKOS_INLINE_FUNCTION void heat(Matrix& u, const Matrix& staples, const Stream& block, const Mask& meant,
                                   const Ahead& next, int& moved) const {
    // Together, since none waits for another.
    Draw draws[Group::subgroups];
    if (Group::generators > 1 && update == LinkUpdate::heatbath) {
      for (int subgroup = 0; subgroup < Group::subgroups; ++subgroup)
        draws[subgroup] = draw(block.from(subgroup * 2 * tries));
    }
    Matrix w = Group::product(u, staples);
    if constexpr (Group::generators == 1) {
      const T k = Kokkos::sqrt(w.v[0] * w.v[0] + w.v[1] * w.v[1]);
      const Mask regular = meant && T(1e-12) < k;
      const T safe = L::select(regular, k, T(1.0));
      const Matrix back{{w.v[0] / safe, (T(0.0) - w.v[1]) / safe}};
      Matrix x = back;
      Mask stays = !regular;
      if (update == LinkUpdate::heatbath) {
        // Flat weights are drawn flat, since rho above would lose its digits.
        const Mask flat = regular && T(beta) * safe < T(1e-6);
        Mask open = regular && !flat;
        best_fisher(L::select(open, T(beta) * safe, T(1.0)), block, open, x.v[0], x.v[1]);
        if (L::any(flat)) {
          Matrix any;
          lane_circle(first_uniform(block(0)), any.v[0], any.v[1]);
          for (int c = 0; c < 2; ++c) x.v[c] = L::select(flat, any.v[c], x.v[c]);
        }
        stays = stays || open;
      }
      const Matrix other = Group::product(Group::product(x, back), u);
      for (int c = 0; c < 2; ++c) u.v[c] = L::select(stays, u.v[c], other.v[c]);
      moved += L::count(!stays);
    } else if constexpr (Group::generators == 3) {
      T g[4];
      next.fetch(0, 1);
      factor_su2(w.v, draws[0], block, meant, g, moved);
      u = Group::product(Matrix{{g[0], g[1], g[2], g[3]}}, u);
    } else {
      for (int subgroup = 0; subgroup < 3; ++subgroup) {
        const int i = subgroup == 2 ? 1 : 0;
        const int j = subgroup == 0 ? 1 : 2;
        const T half(0.5);
        const T q[4] = {half * (w.re(i, i) + w.re(j, j)), half * (w.im(i, j) + w.im(j, i)),
                        half * (w.re(i, j) - w.re(j, i)), half * (w.im(i, i) - w.im(j, j))};
        T g[4];
        next.fetch(subgroup, 3);
        factor_su2(q, draws[subgroup], block.from(subgroup * 2 * tries), meant, g, moved);
        turn(g, i, j, u);
        if (subgroup < 2) turn(g, i, j, w);
      }
    }
  }

  KOKKOS_INLINE_FUNCTION Ahead ahead(const GridRow& row, int call) const { return {links, mu, row, call}; }
  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count, std::int64_t& sum) const {
    (*this)(row, x, count, Ahead(), sum);
  }
  KOUSHI_WITH_ALL_CALLS_INLINE KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count, const Ahead& next,
                                                               std::int64_t& sum) const {
    const GridView& grid = links.grid;
    const typename LinkField<Group>::Site at(grid, row, x, count);
    const Mask meant = L::first(count);
    const Stream block{
        seed, step, L::words(static_cast<std::uint64_t>(grid.global_site(row, x)), 2),
        static_cast<std::uint32_t>((grid.first_replica + row.replica) * draws_per_link + mu * (draws_per_link / 4))};
    Matrix u = links.load(mu, at);
    const Matrix staples = weights.staples(links, at, mu);
    int moved = 0;
    if (update == LinkUpdate::metropolis) {
      T trace = Group::re_trace(Group::product(u, staples));
      for (int hit = 0; hit < hits; ++hit) {
        const Stream draws{seed, step + static_cast<std::uint64_t>(hit), block.sites, block.first};
        T p[Group::generators];
        for (int a = 0; a < Group::generators; ++a) p[a] = T(2.0) * first_uniform(draws(a)) - T(1.0);
        const Matrix other = Group::product(Group::exponential(p, width), u);
        const T other_trace = Group::re_trace(Group::product(other, staples));
        const T change = T(beta / Group::order) * (other_trace - trace);
        const T bounded = Kokkos::max(T(-700.0), Kokkos::min(T(0.0), change));
        const Mask accepted = meant && first_uniform(draws(Group::generators)) < lane_exp(bounded);
        for (int c = 0; c < Group::reals; ++c) u.v[c] = L::select(accepted, other.v[c], u.v[c]);
        trace = L::select(accepted, other_trace, trace);
        moved += L::count(accepted);
      }
    } else {
      heat(u, staples, block, meant, next, moved);
    }
    Group::refresh(u);
    links.store(mu, at, u);
    sum += moved;
  }
};

}  // namespace koushi
