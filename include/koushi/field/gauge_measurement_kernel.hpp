#pragma once

#include "koushi/field/gauge_kernel.hpp"

namespace koushi {

constexpr int longest_line = 6;  ///< links on a side of a loop

/// Sums per site over its planes of 1 - Re tr U_P / N and of Re tr U_P / N (without what an open end cuts); for U(1) in
/// two directions arg U_P / (2 pi) in (-1/2, 1/2]; with rectangles the sum of 1 - Re tr U_R / N and their number.
template <typename Group>
struct GaugeSiteSums {
  static constexpr int numbers = 5;
  LinkField<Group> links;
  bool rectangles;
  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count,
                                  typename Group::Value (&values)[numbers]) const {
    using T = typename Group::Value;
    const typename LinkField<Group>::Site at(links.grid, row, x, count);
    for (T& v : values) v = T(0.0);
    for (int mu = links.grid.first_direction; mu < 4; ++mu) {
      for (int nu = links.grid.first_direction; nu < 4; ++nu) {
        if (nu > mu) {
          const T weight = links.is_open ? at.factor(mu, 1) * at.factor(nu, 1) : T(1.0);
          const auto one = Group::product(links.load(mu, at), links.load(nu, at, at.step(mu, 1)));
          const auto other = Group::product(links.load(nu, at), links.load(mu, at, at.step(nu, 1)));
          const T trace = Group::overlap(one, other) * T(1.0 / Group::order);
          values[0] = values[0] + weight * (T(1.0) - trace);
          values[1] = values[1] + weight * trace;
          if (Group::generators == 1 && links.grid.first_direction == 2) {
            const auto u = Group::template product<false, true>(one, other);
            values[2] = values[2] +
                        weight * (Kokkos::atan2(Group::im_trace(u), Group::re_trace(u)) * T(0.15915494309189533577));
          }
        }
        if (!rectangles || nu == mu) continue;
        T weight(1.0);
        const int m = mu + 1;
        const int n = nu + 1;
        const auto u = links.path(at, {0, 0, 0, 0}, {m, m, n, -m, -m, -n}, weight);
        values[3] = values[3] + weight * (T(1.0) - Group::re_trace(u) * T(1.0 / Group::order));
        values[4] = values[4] + weight;
      }
    }
  }
};

/// Per site of a flowed field: E = - sum_{mu < nu} tr F F with F the clover's, and (four directions, SU(N)) the density
/// (1 / 8 pi^2) (F^a_01 F^a_23 - F^a_02 F^a_13 + F^a_03 F^a_12) of the topological charge; F = F^a T_a = (clover - its
/// adjoint) / 8i, its trace left out.
/// Source  M. Luescher, JHEP 08 (2010) 071, eqs. (3.1), (A.1)
template <typename Group>
struct FlowSiteSums {
  static constexpr int numbers = 2;
  LinkField<Group> links;
  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count,
                                  typename Group::Value (&values)[numbers]) const {
    using T = typename Group::Value;
    constexpr int n_generators = Group::generators;
    const typename LinkField<Group>::Site at(links.grid, row, x, count);
    for (T& v : values) v = T(0.0);
    T f[6][n_generators];
    int plane = 0;
    for (int mu = links.grid.first_direction; mu < 4; ++mu) {
      for (int nu = mu + 1; nu < 4; ++nu, ++plane) {
        Group::slope(links.clover(at, mu, nu), f[plane]);
        for (T& component : f[plane]) component = component * T(n_generators == 1 ? 0.25 : 0.5);
        for (const T& component : f[plane]) values[0] = Lanes<T>::fma(T(0.5) * component, component, values[0]);
      }
    }
    if (links.grid.first_direction != 0 || n_generators == 1) return;
    for (int a = 0; a < n_generators; ++a) {
      // planes 01, 02, 03, 12, 13, 23
      const T density = Lanes<T>::fma(f[0][a], f[5][a], Lanes<T>::fma(f[2][a], f[3][a], T(0.0) - f[1][a] * f[4][a]));
      values[1] = Lanes<T>::fma(density, T(0.012665147955292222), values[1]);  // 1 / (8 pi^2)
    }
  }
};

/// One step of smearing of the links of `from` into those of `to`, in directions mu >= first, with staples of those
/// directions:
///   ape    U <- P[(1 - weight) U + weight / (2 (d' - 1)) sum of staples^dagger], P = P_polar det(P_polar)^(-1/N) onto
///          the group, d' directions
///   stout  U <- exp(- 2 i weight T_a Im tr(T_a U A)) U (U(1): once the slope)
/// Source  M. Albanese et al., Phys. Lett. B 192, 163 (1987); C. Morningstar, M. Peardon, Phys. Rev. D 69, 054501
///         (2004)
template <typename Group>
struct SmearLinks {
  LinkField<Group> from;
  LinkField<Group> to;
  int first;
  bool stout;
  double weight;
  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count) const {
    using T = typename Group::Value;
    const typename LinkField<Group>::Site at(from.grid, row, x, count);
    for (int mu = from.grid.first_direction; mu < 4; ++mu) {
      const auto u = from.load(mu, at);
      if (mu < first) {
        to.store(mu, at, u);
        continue;
      }
      const auto staples = from.staples(at, mu, first);
      if (stout) {
        T slope[Group::generators];
        Group::slope(Group::product(u, staples), slope);
        to.store(mu, at,
                 Group::to_group(
                     Group::product(Group::exponential(slope, Group::generators == 1 ? -weight : -2 * weight), u)));
      } else {
        auto sum = LinkField<Group>::zero();
        LinkField<Group>::add(sum, u, T(1 - weight));
        LinkField<Group>::add(sum, Group::adjoint(staples), T(weight / (2.0 * (3 - first))));
        to.store(mu, at, Group::nearest(sum));
      }
    }
  }
};

/// Straight lines of links: line_mu(x) <- line_mu(x) U_mu(x + length mu), for mu = first ... last; length 0: <-
/// U_mu(x).
template <typename Group>
struct ExtendLines {
  using Links = LinkField<Group, longest_line>;
  Links lines;
  Links links;
  int length;
  int first;
  int last;
  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count) const {
    const typename Links::Site at(links.grid, row, x, count);
    for (int mu = first; mu <= last; ++mu) {
      lines.store(mu, at,
                  length == 0 ? links.load(mu, at)
                              : Group::product(lines.link(mu, at), links.link(mu, at, at.step(mu, length))));
    }
  }
};

/// Loops per site: Re tr of those of R links along mu and T along nu, over N and the number of such planes: nu up to
/// last_nu, mu any other direction or (half the planes) any before nu.
///
/// a, b    the lines of R links, along mu, and of T links, along nu
/// Cost    two products and a trace per plane
template <typename Group>
struct LoopsOfLines {
  static constexpr int numbers = 1;
  using Links = LinkField<Group, longest_line>;
  using Value = typename Group::Value;
  Links a;
  Links b;
  int along_mu;  ///< R
  int along_nu;  ///< T
  int last_nu;
  bool half;
  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count, Value (&values)[numbers]) const {
    const typename Links::Site at(a.grid, row, x, count);
    const int first = a.grid.first_direction;
    int planes = 0;
    values[0] = Value(0.0);
    for (int nu = first; nu <= last_nu; ++nu) {
      for (int mu = first; mu < (half ? nu : 4); ++mu) {
        if (mu == nu) continue;
        ++planes;
        const auto one = Group::product(a.link(mu, at), b.link(nu, at, at.step(mu, along_mu)));
        const auto other = Group::product(b.link(nu, at), a.link(mu, at, at.step(nu, along_nu)));
        values[0] = values[0] + Group::overlap(one, other);
      }
    }
    values[0] = values[0] * Value(1.0 / (Group::order * planes));
  }
};

/// lines[replica * transverse + site][reals], sites lexicographic, times the links along direction `first_direction`
/// through the box, for every site of it with coordinate 0 there; `begin`: lines start here, at 1.
template <typename Group>
struct LineProducts {
  LinkField<Group> links;
  Kokkos::View<double**, Kokkos::LayoutRight> lines;
  bool begin;
  KOKKOS_FUNCTION void operator()(int k) const {
    const GridView& grid = links.grid;
    const int f = grid.first_direction;
    const int rows_per_slice = grid.n_rows() / grid.n_replicas / grid.extent[f];
    const int x = grid.place(k % grid.extent[3]);
    const int line = k / grid.extent[3];
    // Rows of a replica with coordinate 0 in direction f come first.
    const GridRow row = grid.row(line / rows_per_slice * rows_per_slice * grid.extent[f] + line % rows_per_slice);
    typename Group::Matrix product = Group::one();
    for (int c = 0; c < Group::reals && !begin; ++c) product.v[c] = lines(k, c);
    for (int t = 0; t < grid.extent[f]; ++t)
      product = Group::product(product, links.load(f, {grid, row, x, 1}, {t * grid.stride[f], 0}));
    for (int c = 0; c < Group::reals; ++c) lines(k, c) = product.v[c];
  }
};

}  // namespace koushi
