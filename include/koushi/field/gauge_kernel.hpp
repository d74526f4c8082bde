#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/field/gauge_group.hpp"
#include "koushi/lattice/site_lanes.hpp"

namespace koushi {

/// The links U_mu(x), mu = first_direction ... 3, of a field with (4 - first_direction) * reals components. reach:
/// steps along direction 3.
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
  KOKKOS_INLINE_FUNCTION Link link(int mu, const Site& at, const GridStep& to = {}) const {
    return {at, data, first(mu), to};
  }
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

  /// What staples(mu) on the sites of a row reads and earlier rows of a tile have not read: links nu at x + mu, and
  /// links mu at x + (the first direction but mu); mu = -1: for all directions. sites: how many of a row each call
  /// takes care of. It is fetched in parts where the call before computes without reading, since the way from the third
  /// cache is too long for the processor to look ahead.
  template <int sites>
  struct Ahead {
    static constexpr int pair = 16;  ///< numbers of two lines of 64 bytes, of which a processor fetches both
    static constexpr int numbers = sites * Group::reals;
    const double* from[4] = {};
    KOKKOS_INLINE_FUNCTION Ahead() = default;  ///< nothing
    /// call: number of the call in its row
    KOKKOS_INLINE_FUNCTION Ahead(const LinkField& field, int mu, const GridRow& row, int call) {
      int k = 0;
      const auto add = [&](int nu, int to) {
        from[k++] = field.data.at(row.replica, field.first(nu),
                                  row.site + (to < 3 ? field.grid.step(to, 1, row.coordinate[to]) : 0)) +
                    call * numbers;
      };
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
      KOKKOS_IF_ON_HOST((for (const double* const link
                              : from) {
        if (link == nullptr) continue;
        for (int k = part * numbers / parts; k < (part + 1) * numbers / parts; k += pair)
          __builtin_prefetch(link + k, 0, 2);
      }))
#endif
    }
  };

  /// A = sum of the other three sides of the plaquettes on link (x, mu), so that S = - (beta / N) Re tr U A + what does
  /// not contain U.
  /// Cost  4 (d - 1) products
  KOKKOS_INLINE_FUNCTION Matrix staples(const Site& at, int mu) const { return staples(at, mu, grid.first_direction); }
  /// The same in planes with directions nu >= lowest only.
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

  /// Product of the links along a way from x + from: entries mu + 1 forward, -(mu + 1) backward. `weight` is multiplied
  /// by the boundary factors of every step where a boundary is open.
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
  KOUSHI_WITH_ALL_CALLS_INLINE KOKKOS_INLINE_FUNCTION Matrix improved_staples(const Site& at, int mu, double c0,
                                                                              double c1) const {
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
        // Above: U_nu(x + mu) Y^dagger + c_1 U_mu(x + mu) U_nu(x + 2 mu) (side U_mu(x + mu + nu))^dagger with side =
        // U_nu(x) U_mu(x + nu), Y = c_0 side + c_1 [U_nu(x) U_nu(x + nu) U_mu(x + 2 nu) U_nu(x + mu + nu)^dagger +
        // U_mu(x - mu)^dagger U_nu(x - mu) U_mu(x - mu + nu) U_mu(x + nu)]
        const Matrix side = Group::product(link(nu, at), link(mu, at, n));
        Matrix y = Group::template product<false, true>(
            Group::product(Group::product(link(nu, at), link(nu, at, n)), link(mu, at, n2)), link(nu, at, m + n));
        Group::template add_product<true, false>(
            y, link(mu, at, back),
            Group::product(Group::product(link(nu, at, back), link(mu, at, back + n)), link(mu, at, n)));
        scale(y, Value(c1));
        add(y, side, Value(c0));
        Group::template add_product<false, true>(sum, link(nu, at, m), y);
        Matrix far = Group::product(link(mu, at, m), link(nu, at, m2));
        scale(far, Value(c1));
        Group::template add_product<false, true>(sum, far, Group::product(side, link(mu, at, m + n)));
      }
      {
        // Below: side^dagger Y + c_1 Z U_nu(x - nu) with side = U_mu(x - nu) U_nu(x + mu - nu), Y = c_0 U_nu(x - nu) +
        // c_1 U_mu(x - mu - nu)^dagger U_nu(x - mu - nu) U_mu(x - mu), Z = (U_mu(x - 2 nu) U_nu(x + mu - 2 nu) U_nu(x +
        // mu - nu))^dagger U_nu(x - 2 nu) + U_mu(x + mu) (U_mu(x - nu) U_mu(x + mu - nu) U_nu(x + 2 mu - nu))^dagger
        const Matrix side = Group::product(link(mu, at, down), link(nu, at, m + down));
        Matrix y =
            Group::product(Group::template product<true, false>(link(mu, at, back + down), link(nu, at, back + down)),
                           link(mu, at, back));
        scale(y, Value(c1));
        add(y, load(nu, at, down), Value(c0));
        Group::template add_product<true, false>(sum, side, y);
        Matrix z = Group::template product<true, false>(
            Group::product(Group::product(link(mu, at, down2), link(nu, at, m + down2)), link(nu, at, m + down)),
            link(nu, at, down2));
        Group::template add_product<false, true>(
            z, link(mu, at, m),
            Group::product(Group::product(link(mu, at, down), link(mu, at, m + down)), link(nu, at, m2 + down)));
        scale(z, Value(c1));
        Group::template add_product<false, false>(sum, z, link(nu, at, down));
      }
    }
    return sum;
  }

  /// Staples as staples(), but of the rectangles of 1 x 2 links: five links each, 6 per direction nu.
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

/// Weights of plaquettes and rectangles in the action; c_0 + 8 c_1 = 1. Source: K. Symanzik, Nucl. Phys. B 226, 187
/// (1983); M. Luescher, P. Weisz, Commun. Math. Phys. 97, 59 (1985); Y. Iwasaki, UTHEP-118 (1983), arXiv:1111.7054
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
      // Lanes beyond the end of the row read what lies behind it, and are masked.
      for (int a = 0; a < Group::generators; ++a)
        p[a] = Lanes<T>::select(Lanes<T>::first(count), Lanes<T>::load(momentum.at(row, first + a) + x), T(0.0));
      links.store(mu, at, Group::to_group(Group::product(Group::exponential(p, time), links.load(mu, at))));
    }
  }
};

}  // namespace koushi
