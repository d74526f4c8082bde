#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/field/gauge_group.hpp"
#include "koushi/lattice/site_lanes.hpp"
#include "koushi/random/normal.hpp"

// Products of links are as fast as they are where they are part of the loop that calls them, which the compiler does for functions with few callers only.
#if defined(__GNUC__) && !defined(__CUDACC__)
#define KOUSHI_WITH_ALL_CALLS_INLINE [[gnu::flatten]]
#else
#define KOUSHI_WITH_ALL_CALLS_INLINE
#endif

namespace koushi {

/// The links U_mu(x), mu = first_direction ... 3, of a field with (4 - first_direction) * reals components. reach: steps along direction 3.
template <typename Group, int reach = 2>
struct LinkField {
  using Value = typename Group::Value;
  using Matrix = typename Group::Matrix;
  using Site = SiteLanes<Value, reach>;
  GridView grid;
  FieldPointer data;
  bool is_open = false;  ///< whether a boundary is open

  KOKKOS_INLINE_FUNCTION int first(int mu) const { return (mu - grid.first_direction) * Group::reals; }
  KOKKOS_INLINE_FUNCTION Matrix load(int mu, const Site& at, const GridStep& to = {}) const {
    Matrix u;
    at.template load<Group::reals>(data, first(mu), to, u.v);
    return u;
  }
  using Link = typename Site::template Numbers<Group::reals>;
  KOKKOS_INLINE_FUNCTION Link link(int mu, const Site& at, const GridStep& to = {}) const { return {at, data, first(mu), to}; }
  KOKKOS_INLINE_FUNCTION void store(int mu, const Site& at, const Matrix& u) const {
    double* const to = data.at(at.row, first(mu)) + at.x;
    for (int k = 0; k < Group::reals; ++k) Lanes<Value>::store(u.v[k], to + k * data.per_component, at.count);
  }

  KOKKOS_INLINE_FUNCTION static void add(Matrix& sum, const Matrix& term, const Value& weight) {
    for (int k = 0; k < Group::reals; ++k) sum.v[k] = Lanes<Value>::fma(weight, term.v[k], sum.v[k]);
  }
  KOKKOS_INLINE_FUNCTION static void scale(Matrix& m, const Value& factor) {
    for (Value& v : m.v) v = v * factor;
  }
  KOKKOS_INLINE_FUNCTION static Matrix zero() {
    Matrix m;
    for (Value& v : m.v) v = Value(0.0);
    return m;
  }

  /// What staples(mu) on the sites of a row reads that earlier rows of a tile have not: links nu at x + mu, and links mu at x + (the first direction but mu);
  /// mu = -1: of all directions. sites: of a row that each call takes care of.
  /// It is fetched in parts where the call before computes without reading, since the way from the third cache is too long for the processor to look ahead.
  template <int sites>
  struct Ahead {
    static constexpr int pair = 16;  ///< numbers of two lines of 64 bytes, of which a processor fetches both
    static constexpr int numbers = sites * Group::reals;
    const double* from[4] = {};
    KOKKOS_INLINE_FUNCTION Ahead() = default;  ///< nothing
    /// call: number of the call in its row
    KOKKOS_INLINE_FUNCTION Ahead(const LinkField& field, int mu, const GridRow& row, int call) {
      int k = 0;
      const auto add = [&](int nu, int to) { from[k++] = field.data.at(row.replica, field.first(nu), row.site + (to < 3 ? field.grid.step(to, 1, row.coordinate[to]) : 0)) + call * numbers; };
      const int first = field.grid.first_direction;
      for (int nu = first; nu < 4; ++nu) {
        if (nu != mu) {
          add(nu, mu < 0 ? first : mu);
        } else {
          add(mu, mu == first ? first + 1 : first);
        }
      }
    }
    KOKKOS_INLINE_FUNCTION void fetch(int part, int parts) const {
#ifdef __GNUC__
      KOKKOS_IF_ON_HOST((
        for (const double* const link : from) {
          if (link == nullptr) continue;
          for (int k = part * numbers / parts; k < (part + 1) * numbers / parts; k += pair) __builtin_prefetch(link + k, 0, 2);
        }))
#endif
    }
  };

  /// A = sum of the other three sides of the plaquettes on link (x, mu), so that S = - (beta / N) Re tr U A + what does not contain U.
  /// Cost  4 (d - 1) products
  KOKKOS_INLINE_FUNCTION Matrix staples(const Site& at, int mu) const { return staples(at, mu, grid.first_direction); }
  /// In planes with directions nu >= lowest only.
  KOUSHI_WITH_ALL_CALLS_INLINE KOKKOS_INLINE_FUNCTION Matrix staples(const Site& at, int mu, int lowest) const {
    Matrix sum = zero();
    const GridStep forward = at.step(mu, 1);
    const Value open = is_open ? at.factor(mu, 1) : Value(1.0);
    for (int nu = lowest; nu < 4; ++nu) {
      if (nu == mu) continue;
      const GridStep up = at.step(nu, 1);
      const GridStep down = at.step(nu, -1);
      // U_nu(x + mu) (U_nu(x) U_mu(x + nu))^dagger
      Matrix side = Group::product(link(nu, at), link(mu, at, up));
      if (is_open) scale(side, open * at.factor(nu, 1));
      Group::template add_product<false, true>(sum, link(nu, at, forward), side);
      // (U_mu(x - nu) U_nu(x + mu - nu))^dagger U_nu(x - nu)
      side = Group::product(link(mu, at, down), link(nu, at, forward + down));
      if (is_open) scale(side, open * at.factor(nu, -1));
      Group::template add_product<true, false>(sum, side, link(nu, at, down));
    }
    return sum;
  }

  /// Product of the links along a way from x + from: entries mu + 1 forward, -(mu + 1) backward. `weight` is multiplied by the boundary factors of every
  /// step where a boundary is open.
  template <int n>
  KOKKOS_INLINE_FUNCTION Matrix path(const Site& at, const int (&from)[4], const int (&way)[n], Value& weight) const {
    int place[4] = {from[0], from[1], from[2], from[3]};
    const auto here = [&] {
      GridStep sum;
      for (int mu = grid.first_direction; mu < 4; ++mu) {
        if (place[mu] != 0) sum = sum + at.step(mu, place[mu]);
      }
      return sum;
    };
    Matrix product;
    for (int k = 0; k < n; ++k) {
      const int mu = Kokkos::abs(way[k]) - 1;
      if (way[k] < 0) --place[mu];
      const Matrix u = load(mu, at, here());
      if (is_open) {
        weight = weight * at.factor(mu, place[mu]);
        if (place[mu] != -1) weight = weight * at.factor(mu, place[mu] + 1);
      }
      if (way[k] > 0) ++place[mu];
      if (k == 0) {
        product = way[k] > 0 ? u : Group::adjoint(u);
      } else {
        product = way[k] > 0 ? Group::product(product, u) : Group::template product<false, true>(product, u);
      }
    }
    return product;
  }

  /// c_0 staples() + c_1 rectangle_staples() where no boundary is open.
  /// Cost  22 (d - 1) products
  KOUSHI_WITH_ALL_CALLS_INLINE KOKKOS_INLINE_FUNCTION Matrix improved_staples(const Site& at, int mu, double c0, double c1) const {
    Matrix sum = zero();
    const GridStep m = at.step(mu, 1);
    const GridStep back = at.step(mu, -1);
    const GridStep m2 = at.step(mu, 2);
    for (int nu = grid.first_direction; nu < 4; ++nu) {
      if (nu == mu) continue;
      const GridStep n = at.step(nu, 1);
      const GridStep n2 = at.step(nu, 2);
      const GridStep down = at.step(nu, -1);
      const GridStep down2 = at.step(nu, -2);
      {
        // Above: U_nu(x + mu) Y^dagger + c_1 U_mu(x + mu) U_nu(x + 2 mu) (side U_mu(x + mu + nu))^dagger with side = U_nu(x) U_mu(x + nu),
        // Y = c_0 side + c_1 [U_nu(x) U_nu(x + nu) U_mu(x + 2 nu) U_nu(x + mu + nu)^dagger + U_mu(x - mu)^dagger U_nu(x - mu) U_mu(x - mu + nu) U_mu(x + nu)]
        const Matrix side = Group::product(link(nu, at), link(mu, at, n));
        Matrix y = Group::template product<false, true>(Group::product(Group::product(link(nu, at), link(nu, at, n)), link(mu, at, n2)), link(nu, at, m + n));
        Group::template add_product<true, false>(y, link(mu, at, back), Group::product(Group::product(link(nu, at, back), link(mu, at, back + n)), link(mu, at, n)));
        scale(y, Value(c1));
        add(y, side, Value(c0));
        Group::template add_product<false, true>(sum, link(nu, at, m), y);
        Matrix far = Group::product(link(mu, at, m), link(nu, at, m2));
        scale(far, Value(c1));
        Group::template add_product<false, true>(sum, far, Group::product(side, link(mu, at, m + n)));
      }
      {
        // Below: side^dagger Y + c_1 Z U_nu(x - nu) with side = U_mu(x - nu) U_nu(x + mu - nu), Y = c_0 U_nu(x - nu) + c_1 U_mu(x - mu - nu)^dagger U_nu(x - mu - nu) U_mu(x - mu),
        // Z = (U_mu(x - 2 nu) U_nu(x + mu - 2 nu) U_nu(x + mu - nu))^dagger U_nu(x - 2 nu) + U_mu(x + mu) (U_mu(x - nu) U_mu(x + mu - nu) U_nu(x + 2 mu - nu))^dagger
        const Matrix side = Group::product(link(mu, at, down), link(nu, at, m + down));
        Matrix y = Group::product(Group::template product<true, false>(link(mu, at, back + down), link(nu, at, back + down)), link(mu, at, back));
        scale(y, Value(c1));
        add(y, load(nu, at, down), Value(c0));
        Group::template add_product<true, false>(sum, side, y);
        Matrix z = Group::template product<true, false>(Group::product(Group::product(link(mu, at, down2), link(nu, at, m + down2)), link(nu, at, m + down)), link(nu, at, down2));
        Group::template add_product<false, true>(z, link(mu, at, m), Group::product(Group::product(link(mu, at, down), link(mu, at, m + down)), link(nu, at, m2 + down)));
        scale(z, Value(c1));
        Group::template add_product<false, false>(sum, z, link(nu, at, down));
      }
    }
    return sum;
  }

  /// As staples(), of the rectangles of 1 x 2 links: five links each, 6 per direction nu.
  /// Cost  24 (d - 1) products
  KOKKOS_INLINE_FUNCTION Matrix rectangle_staples(const Site& at, int mu) const {
    Matrix sum = zero();
    int from[4] = {};
    from[mu] = 1;
    const int m = mu + 1;
    for (int nu = grid.first_direction; nu < 4; ++nu) {
      if (nu == mu) continue;
      for (int sign = -1; sign <= 1; sign += 2) {
        const int n = sign * (nu + 1);
        const int ways[3][5] = {{n, n, -m, -n, -n}, {m, n, -m, -m, -n}, {n, -m, -m, -n, m}};
        for (const auto& way : ways) {
          Value weight = is_open ? at.factor(mu, 1) : Value(1.0);
          const Matrix staple = path(at, from, way, weight);
          add(sum, staple, weight);
        }
      }
    }
    return sum;
  }

  /// Clover of the plane (mu, nu): the sum of the four plaquettes that start at x, all turning the same way.
  KOKKOS_INLINE_FUNCTION Matrix clover(const Site& at, int mu, int nu) const {
    const int m = mu + 1;
    const int n = nu + 1;
    const int from[4] = {};
    const int ways[4][4] = {{m, n, -m, -n}, {n, -m, -n, m}, {-m, -n, m, n}, {-n, m, n, -m}};
    Matrix sum = zero();
    for (const auto& way : ways) {
      Value weight(1.0);
      const Matrix leaf = path(at, from, way, weight);
      add(sum, leaf, weight);
    }
    return sum;
  }

};

/// Weights of plaquettes and rectangles in the action; c_0 + 8 c_1 = 1. Source: K. Symanzik, Nucl. Phys. B 226, 187 (1983); M. Luescher, P. Weisz, Commun.
/// Math. Phys. 97, 59 (1985); Y. Iwasaki, UTHEP-118 (1983), arXiv:1111.7054
struct LoopWeights {
  double plaquette = 1;
  double rectangle = 0;
  template <typename Links>
  KOKKOS_INLINE_FUNCTION auto staples(const Links& links, const typename Links::Site& at, int mu) const {
    if (rectangle == 0) return links.staples(at, mu);
    if (!links.is_open) return links.improved_staples(at, mu, plaquette, rectangle);
    return open_staples(links, at, mu);
  }
  template <typename Links>
  KOKKOS_INLINE_FUNCTION auto open_staples(const Links& links, const typename Links::Site& at, int mu) const {
    using T = typename Links::Value;
    auto all = Links::zero();
    Links::add(all, links.staples(at, mu), T(plaquette));
    Links::add(all, links.rectangle_staples(at, mu), T(rectangle));
    return all;
  }
};

/// p_a <- p_a - time (beta / N) Im tr(T_a U A), A with the weights of the action.
template <typename Group>
struct GaugeKick {
  LinkField<Group> links;
  FieldPointer momentum;
  double factor;  ///< time * beta / N
  LoopWeights weights;
  using Ahead = typename LinkField<Group>::template Ahead<Lanes<typename Group::Value>::width>;
  KOKKOS_INLINE_FUNCTION Ahead ahead(const GridRow& row, int call) const { return {links, -1, row, call}; }
  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count) const { (*this)(row, x, count, Ahead()); }
  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count, const Ahead& next) const {
    using T = typename Group::Value;
    using L = Lanes<T>;
    const typename LinkField<Group>::Site at(links.grid, row, x, count);
    for (int mu = links.grid.first_direction; mu < 4; ++mu) {
      next.fetch(mu, 4);
      T slope[Group::generators];
      Group::slope(Group::product(links.load(mu, at), weights.staples(links, at, mu)), slope);
      const int first = (mu - links.grid.first_direction) * Group::generators;
      for (int a = 0; a < Group::generators; ++a) {
        double* const p = momentum.at(row, first + a) + x;
        L::store(L::fma(T(-factor), slope[a], L::load(p)), p, count);
      }
    }
  }
};

/// U <- exp(i time p_a T_a) U, brought back to the group against rounding.
template <typename Group>
struct GaugeDrift {
  LinkField<Group> links;
  FieldPointer momentum;
  double time;
  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count) const {
    using T = typename Group::Value;
    const typename LinkField<Group>::Site at(links.grid, row, x, count);
    for (int mu = links.grid.first_direction; mu < 4; ++mu) {
      T p[Group::generators];
      const int first = (mu - links.grid.first_direction) * Group::generators;
      // Lanes that are not meant would else be turned by what stands behind the row.
      for (int a = 0; a < Group::generators; ++a) p[a] = Lanes<T>::select(Lanes<T>::first(count), Lanes<T>::load(momentum.at(row, first + a) + x), T(0.0));
      links.store(mu, at, Group::to_group(Group::product(Group::exponential(p, time), links.load(mu, at))));
    }
  }
};

/// How a local update draws and what it does with the link.
enum class LinkUpdate { heatbath, overrelaxation, metropolis };

/// Local updates of links (x, mu).
///
/// heatbath        with W = U A restricted to a subgroup (U(1) itself; SU(2); the three SU(2) of SU(3)), W = k V: U <- X V^dagger U with X drawn
///                 from its conditional weight e^{alpha x_0}, x_0 = Re tr X / 2, alpha = 2 beta k / N
/// overrelaxation  U <- V^dagger V^dagger U, which leaves S as it is
/// metropolis      U <- exp(i width r_a T_a) U, r uniform in [-1, 1]
/// Returns what is added to the count: links (metropolis), subgroups that were drawn (heatbath), subgroups (overrelaxation).
/// Cost    of SU(3) in four directions: 13 products and three times 168 flops for the subgroups, about 3.2 kflop
/// Source  A. D. Kennedy, B. J. Pendleton, Phys. Lett. B 156, 393 (1985); N. Cabibbo, E. Marinari, Phys. Lett. B 119, 387 (1982);
///         D. J. Best, N. I. Fisher, Appl. Statist. 28, 152 (1979) (U(1))
template <typename Group>
struct LinkKernel {
  using T = typename Group::Value;
  using L = Lanes<T>;
  using Mask = typename L::Mask;
  using Word = typename L::Word;
  using Matrix = typename Group::Matrix;
  static constexpr int tries = 64;                          ///< of a rejection loop; a link that fails all of them stays
  static constexpr int draws_per_link = 4 * 3 * 2 * tries;  ///< 4 directions apart, 3 subgroups
  LinkField<Group> links;
  LinkUpdate update;
  int mu;
  double beta;
  LoopWeights weights;
  double width;
  std::uint64_t seed;
  std::uint64_t step;

  using Ahead = typename LinkField<Group>::template Ahead<2 * L::width>;  // a call of one parity
  /// The random words of the links of one call.
  struct Stream {
    std::uint64_t seed;
    std::uint64_t step;
    Word sites;
    std::uint32_t first;
    KOKKOS_INLINE_FUNCTION RandomLanes<T> operator()(int d) const {
      return philox_lanes<T>(seed, RandomPurpose::local_update, step, sites, Word(static_cast<std::uint64_t>(first + static_cast<std::uint32_t>(d))));
    }
    KOKKOS_INLINE_FUNCTION Stream from(int d) const { return {seed, step, sites, first + static_cast<std::uint32_t>(d)}; }
  };
  KOKKOS_INLINE_FUNCTION static T first_uniform(const RandomLanes<T>& r) { return uniform_lanes<T>(r.word[0], r.word[1]); }
  KOKKOS_INLINE_FUNCTION static T second_uniform(const RandomLanes<T>& r) { return uniform_lanes<T>(r.word[2], r.word[3]); }

  /// What a draw from SU(2) takes of random numbers alone: the logarithms and the level of the first of Kennedy and Pendleton's tries, a direction in space.
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
  /// delta below it is kept: u^2 < 1 - delta / 2.
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

  /// x_0 with weight sqrt(1 - x_0^2) e^{alpha x_0} for the lanes of `open`, which keeps those for which no try succeeded.
  /// over: 1 / alpha
  KOKKOS_INLINE_FUNCTION static T kennedy_pendleton(const T& alpha, const T& over, const Draw& first, const Stream& block, Mask& open) {
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
        // Where Kennedy and Pendleton's tries would fail: a component of a random direction in four dimensions has the density sqrt(1 - x_0^2), and is
        // kept with probability e^{alpha (x_0 - 1)} >= e^{-3}. The length of the vector is independent of its direction and gives the uniform number.
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

  /// cos and sin of an angle with weight e^{kappa cos} for the lanes of `open`, which keeps those for which no try succeeded.
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
  KOKKOS_INLINE_FUNCTION void factor_su2(const T (&q)[4], const Draw& first, const Stream& block, const Mask& meant, T (&g)[4], int& moved) const {
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
      product = Q::template product<false, true>(typename Q::Matrix{{x0, radius * first.direction[0], radius * first.direction[1], radius * first.direction[2]}},
                                                 typename Q::Matrix{{q[0] * over, q[1] * over, q[2] * over, q[3] * over}});
    } else {  // V^dagger V^dagger = q^dagger q^dagger / |q|^2
      const T twice = T(2.0) / safe;
      const T part = T(0.0) - twice * q[0];
      product = {{L::fma(twice * q[0], q[0], T(-1.0)), part * q[1], part * q[2], part * q[3]}};
    }
    for (int c = 0; c < 4; ++c) g[c] = L::select(stays, T(c == 0 ? 1.0 : 0.0), product.v[c]);
    moved += L::count(!stays);
  }

  KOKKOS_INLINE_FUNCTION void heat(Matrix& u, const Matrix& staples, const Stream& block, const Mask& meant, const Ahead& next, int& moved) const {
    // Together, since none waits for another.
    Draw draws[Group::subgroups];
    if (Group::generators > 1 && update == LinkUpdate::heatbath) {
      for (int subgroup = 0; subgroup < Group::subgroups; ++subgroup) draws[subgroup] = draw(block.from(subgroup * 2 * tries));
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
        const T q[4] = {half * (w.re(i, i) + w.re(j, j)), half * (w.im(i, j) + w.im(j, i)), half * (w.re(i, j) - w.re(j, i)), half * (w.im(i, i) - w.im(j, j))};
        T g[4];
        next.fetch(subgroup, 3);
        factor_su2(q, draws[subgroup], block.from(subgroup * 2 * tries), meant, g, moved);
        turn(g, i, j, u);
        if (subgroup < 2) turn(g, i, j, w);
      }
    }
  }

  KOKKOS_INLINE_FUNCTION Ahead ahead(const GridRow& row, int call) const { return {links, mu, row, call}; }
  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count, std::int64_t& sum) const { (*this)(row, x, count, Ahead(), sum); }
  KOUSHI_WITH_ALL_CALLS_INLINE KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count, const Ahead& next, std::int64_t& sum) const {
    const GridView& grid = links.grid;
    const typename LinkField<Group>::Site at(grid, row, x, count);
    const Mask meant = L::first(count);
    const Stream block{seed, step, L::words(static_cast<std::uint64_t>(grid.global_site(row, x)), 2),
                       static_cast<std::uint32_t>((grid.first_replica + row.replica) * draws_per_link + mu * (draws_per_link / 4))};
    Matrix u = links.load(mu, at);
    const Matrix staples = weights.staples(links, at, mu);
    int moved = 0;
    if (update == LinkUpdate::metropolis) {
      T p[Group::generators];
      for (int a = 0; a < Group::generators; ++a) p[a] = T(2.0) * first_uniform(block(a)) - T(1.0);
      const Matrix other = Group::product(Group::exponential(p, width), u);
      const T change = T(beta / Group::order) * (Group::re_trace(Group::product(other, staples)) - Group::re_trace(Group::product(u, staples)));
      const T bounded = Kokkos::max(T(-700.0), Kokkos::min(T(0.0), change));
      const Mask accepted = meant && first_uniform(block(Group::generators)) < lane_exp(bounded);
      for (int c = 0; c < Group::reals; ++c) u.v[c] = L::select(accepted, other.v[c], u.v[c]);
      moved = L::count(accepted);
    } else {
      heat(u, staples, block, meant, next, moved);
    }
    Group::refresh(u);
    links.store(mu, at, u);
    sum += moved;
  }
};

}  // namespace koushi

#undef KOUSHI_WITH_ALL_CALLS_INLINE
