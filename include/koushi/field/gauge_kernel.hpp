#pragma once

#include <Kokkos_Core.hpp>

#include "koushi/field/gauge_group.hpp"
#include "koushi/lattice/grid_kernel.hpp"
#include "koushi/random/normal.hpp"

namespace koushi {

/// The links U_mu(x), mu = first_direction ... 3, of a field with (4 - first_direction) * reals components.
template <typename Group>
struct LinkField {
  using Matrix = typename Group::Matrix;
  GridView grid;
  FieldPointer data;

  KOKKOS_INLINE_FUNCTION double* first(int mu, int replica, int site) const {
    return data.data + replica * data.per_replica + (mu - grid.first_direction) * Group::reals * data.per_component + site;
  }
  KOKKOS_INLINE_FUNCTION Matrix load(int mu, int replica, int site) const {
    const double* const from = first(mu, replica, site);
    Matrix u;
    for (int k = 0; k < Group::reals; ++k) u.v[k] = from[k * data.per_component];
    return u;
  }
  KOKKOS_INLINE_FUNCTION void store(int mu, int replica, int site, const Matrix& u) const {
    double* const to = first(mu, replica, site);
    for (int k = 0; k < Group::reals; ++k) to[k * data.per_component] = u.v[k];
  }
  KOKKOS_INLINE_FUNCTION int step(const GridRow& row, int x, int mu, int r) const { return grid.step(mu, r, mu < 3 ? row.coordinate[mu] : x); }
  KOKKOS_INLINE_FUNCTION double factor(const GridRow& row, int x, int mu, int r) const { return grid.factor(mu, r, mu < 3 ? row.coordinate[mu] : x); }

  KOKKOS_INLINE_FUNCTION static void add(Matrix& sum, const Matrix& term, double weight) {
    for (int k = 0; k < Group::reals; ++k) sum.v[k] += weight * term.v[k];
  }

  /// A = sum of the other three sides of the plaquettes on link (x, mu), so that S = - (beta / N) Re tr U A + what does not contain U.
  /// Cost  6 (d - 1) products
  KOKKOS_INLINE_FUNCTION Matrix staples(const GridRow& row, int x, int mu) const {
    Matrix sum = {};
    const int site = row.site + x;
    const int forward = step(row, x, mu, 1);
    const double open = factor(row, x, mu, 1);
    for (int nu = grid.first_direction; nu < 4; ++nu) {
      if (nu == mu) continue;
      const int up = step(row, x, nu, 1);
      const int down = step(row, x, nu, -1);
      const Matrix above = Group::product(load(nu, row.replica, site + forward),
                                          Group::product(Group::adjoint(load(mu, row.replica, site + up)), Group::adjoint(load(nu, row.replica, site))));
      add(sum, above, open * factor(row, x, nu, 1));
      const Matrix below = Group::product(Group::adjoint(load(nu, row.replica, site + forward + down)),
                                          Group::product(Group::adjoint(load(mu, row.replica, site + down)), load(nu, row.replica, site + down)));
      add(sum, below, open * factor(row, x, nu, -1));
    }
    return sum;
  }

  KOKKOS_INLINE_FUNCTION Matrix plaquette(const GridRow& row, int x, int mu, int nu) const {
    const int site = row.site + x;
    return Group::product(Group::product(load(mu, row.replica, site), load(nu, row.replica, site + step(row, x, mu, 1))),
                          Group::product(Group::adjoint(load(mu, row.replica, site + step(row, x, nu, 1))), Group::adjoint(load(nu, row.replica, site))));
  }
};

/// p_a <- p_a - time (beta / N) Im tr(T_a U A)
template <typename Group>
struct GaugeKick {
  LinkField<Group> links;
  FieldPointer momentum;
  double factor;  ///< time * beta / N
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const GaugeKick self = *this;
    return [self, row](int x, const RowSides&) {
      for (int mu = self.links.grid.first_direction; mu < 4; ++mu) {
        double slope[Group::generators];
        Group::slope(Group::product(self.links.load(mu, row.replica, row.site + x), self.links.staples(row, x, mu)), slope);
        const int first = (mu - self.links.grid.first_direction) * Group::generators;
        for (int a = 0; a < Group::generators; ++a) self.momentum.at(row, first + a)[x] -= self.factor * slope[a];
      }
    };
  }
};

/// U <- exp(i time p_a T_a) U, brought back to the group against rounding.
template <typename Group>
struct GaugeDrift {
  LinkField<Group> links;
  FieldPointer momentum;
  double time;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const GaugeDrift self = *this;
    return [self, row](int x, const RowSides&) {
      for (int mu = self.links.grid.first_direction; mu < 4; ++mu) {
        double p[Group::generators];
        const int first = (mu - self.links.grid.first_direction) * Group::generators;
        for (int a = 0; a < Group::generators; ++a) p[a] = self.momentum.at(row, first + a)[x];
        const auto u = Group::product(Group::exponential(p, self.time), self.links.load(mu, row.replica, row.site + x));
        self.links.store(mu, row.replica, row.site + x, Group::to_group(u));
      }
    };
  }
};

/// Per site: sum over its planes of 1 - Re tr U_P / N (what is cut by an open end left out), of Re tr U_P / N, and for two directions
/// arg det U_P / (2 pi) in (-1/2, 1/2].
template <typename Group>
struct GaugeSurvey {
  LinkField<Group> links;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const GaugeSurvey self = *this;
    return [self, row](int x, const RowSides&, double (&values)[3]) {
      values[0] = values[1] = values[2] = 0;
      for (int mu = self.links.grid.first_direction; mu < 4; ++mu) {
        for (int nu = mu + 1; nu < 4; ++nu) {
          const double weight = self.links.factor(row, x, mu, 1) * self.links.factor(row, x, nu, 1);
          const auto u = self.links.plaquette(row, x, mu, nu);
          const double trace = Group::re_trace(u) / Group::order;
          values[0] += weight * (1 - trace);
          values[1] += weight * trace;
          if (Group::generators == 1) values[2] += weight * Kokkos::atan2(u.v[1], u.v[0]) * 0.15915494309189533577;
        }
      }
    };
  }
};

/// Per site: Re tr of the R x T loops in all planes, R, T = 1 ... largest <= most, over N and the number of ordered planes: [R - 1][T - 1].
template <typename Group, int most>
struct WilsonLoops {
  LinkField<Group> links;
  int largest;
  using Matrix = typename Group::Matrix;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const WilsonLoops self = *this;
    return [self, row](int x, const RowSides&, double (&values)[most * most]) {
      for (double& v : values) v = 0;
      const auto& u = self.links;
      const int site = row.site + x;
      int planes = 0;
      for (int mu = u.grid.first_direction; mu < 4; ++mu) {
        for (int nu = u.grid.first_direction; nu < 4; ++nu) {
          if (nu == mu) continue;
          ++planes;
          Matrix side = Group::one();  // U_nu(x) ... U_nu(x + (T - 1) nu)
          for (int t = 1; t <= self.largest; ++t) {
            side = Group::product(side, u.load(nu, row.replica, site + u.step(row, x, nu, t - 1)));
            const int above = u.step(row, x, nu, t);
            Matrix bottom = Group::one();
            Matrix top = Group::one();
            for (int r = 1; r <= self.largest; ++r) {
              const int before = u.step(row, x, mu, r - 1);
              const int after = u.step(row, x, mu, r);
              bottom = Group::product(bottom, u.load(mu, row.replica, site + before));
              top = Group::product(top, u.load(mu, row.replica, site + above + before));
              Matrix far = Group::one();
              for (int s = 0; s < t; ++s) far = Group::product(far, u.load(nu, row.replica, site + after + u.step(row, x, nu, s)));
              const Matrix loop = Group::product(Group::product(bottom, far), Group::adjoint(Group::product(side, top)));
              values[(r - 1) * most + t - 1] += Group::re_trace(loop) / Group::order;
            }
          }
        }
      }
      for (double& v : values) v /= planes;
    };
  }
};

/// Products of the links along direction `first_direction` through the box, one for every replica and site of the box with coordinate 0 in it:
/// out[replica * transverse + site][reals], sites lexicographic.
template <typename Group>
struct LineProducts {
  LinkField<Group> links;
  Kokkos::View<double**> out;
  KOKKOS_FUNCTION void operator()(int k) const {
    const GridView& grid = links.grid;
    const int f = grid.first_direction;
    const int rows_per_slice = grid.n_rows() / grid.n_replicas / grid.extent[f];
    const int x = k % grid.extent[3];
    const int line = k / grid.extent[3];
    // Rows of a replica with coordinate 0 in direction f come first.
    const GridRow row = grid.row(line / rows_per_slice * rows_per_slice * grid.extent[f] + line % rows_per_slice);
    typename Group::Matrix product = Group::one();
    for (int t = 0; t < grid.extent[f]; ++t) product = Group::product(product, links.load(f, row.replica, row.site + x + t * grid.stride[f]));
    for (int c = 0; c < Group::reals; ++c) out(k, c) = product.v[c];
  }
};

/// How a local update draws and what it does with the link.
enum class LinkUpdate { heatbath, overrelaxation, metropolis };

/// Local updates of the links (x, mu) of one colour.
///
/// heatbath        with W = U A restricted to a subgroup (U(1) itself; SU(2); the three SU(2) of SU(3)), W = k V: U <- X V^dagger U with X drawn
///                 from its conditional weight e^{alpha x_0}, x_0 = Re tr X / 2, alpha = 2 beta k / N
/// overrelaxation  U <- V^dagger V^dagger U, which leaves S as it is
/// metropolis      U <- exp(i width r_a T_a) U, r uniform in [-1, 1]
/// Source  A. D. Kennedy, B. J. Pendleton, Phys. Lett. B 156, 393 (1985); N. Cabibbo, E. Marinari, Phys. Lett. B 119, 387 (1982);
///         D. J. Best, N. I. Fisher, Appl. Statist. 28, 152 (1979) (U(1))
template <typename Group>
struct LinkKernel {
  using Matrix = typename Group::Matrix;
  static constexpr int tries = 64;                       ///< of a rejection loop; a link that fails all of them stays
  static constexpr int draws_per_link = 4 * 3 * 2 * tries;  ///< 4 directions apart, 3 subgroups
  LinkField<Group> links;
  Kokkos::View<int*> sites;
  Kokkos::View<double*> accepted;
  LinkUpdate update;
  int mu;
  double beta;
  double width;
  std::uint64_t seed;
  std::uint64_t step;

  /// x_0 with weight sqrt(1 - x_0^2) e^{alpha x_0}; 2 if no try succeeded.
  template <typename Block>
  KOKKOS_INLINE_FUNCTION static double kennedy_pendleton(double alpha, const Block& block) {
    if (alpha < 1.5) {
      // Where Kennedy and Pendleton's tries would fail: a component of a random direction in four dimensions has the density sqrt(1 - x_0^2), and is
      // kept with probability e^{alpha (x_0 - 1)} >= e^{-3}. The length of the vector is independent of its direction and gives the uniform number.
      for (int t = 0; t < tries - 1; ++t) {
        const NormalPair a = normal_pair(block(2 * t));
        const NormalPair b = normal_pair(block(2 * t + 1));
        const double square = a.first * a.first + a.second * a.second + b.first * b.first + b.second * b.second;
        const double x0 = a.first / Kokkos::sqrt(square);
        const double u = (1 + 0.5 * square) * Kokkos::exp(-0.5 * square);  // 1 - the distribution function of square
        if (u <= Kokkos::exp(alpha * (x0 - 1))) return x0;
      }
      return 2;
    }
    for (int t = 0; t < tries - 1; ++t) {
      const RandomBlock first = block(2 * t);
      const RandomBlock second = block(2 * t + 1);
      const double c = Kokkos::cos(6.283185307179586476925 * uniform(first.word[2], first.word[3]));
      const double delta = -(Kokkos::log(1 - uniform(first.word[0], first.word[1])) * c * c + Kokkos::log(1 - uniform(second.word[0], second.word[1]))) / alpha;
      const double u = uniform(second.word[2], second.word[3]);
      if (u * u <= 1 - 0.5 * delta) return 1 - delta;
    }
    return 2;
  }

  /// An angle with weight e^{kappa cos}; 10 if no try succeeded.
  template <typename Block>
  KOKKOS_INLINE_FUNCTION static double best_fisher(double kappa, const Block& block) {
    const double tau = 1 + Kokkos::sqrt(1 + 4 * kappa * kappa);
    const double rho = (tau - Kokkos::sqrt(2 * tau)) / (2 * kappa);
    const double r = (1 + rho * rho) / (2 * rho);
    for (int t = 0; t < tries - 1; ++t) {
      const RandomBlock first = block(2 * t);
      const RandomBlock second = block(2 * t + 1);
      const double z = Kokkos::cos(3.14159265358979323846 * uniform(first.word[0], first.word[1]));
      const double f = (1 + r * z) / (r + z);
      const double c = kappa * (r - f);
      const double u = uniform(first.word[2], first.word[3]);
      if (c * (2 - c) - u > 0 || Kokkos::log(c / u) + 1 - c >= 0) {
        const double angle = Kokkos::acos(f);
        return (second.word[0] & 1U) != 0 ? angle : -angle;
      }
    }
    return 10;
  }

  /// The new factor on the left of U for W = U A in one subgroup, as a matrix of the group; `moved` tells whether it is one.
  template <typename Block>
  KOKKOS_INLINE_FUNCTION Matrix left_factor(const Matrix& w, int subgroup, const Block& block, bool& moved) const {
    moved = true;
    if constexpr (Group::generators == 1) {
      const double k = Kokkos::sqrt(w.v[0] * w.v[0] + w.v[1] * w.v[1]);
      if (!(k > 1e-12)) {
        moved = false;
        return Group::one();
      }
      const Matrix back{{w.v[0] / k, -w.v[1] / k}};
      if (update == LinkUpdate::overrelaxation) return Group::product(back, back);
      if (beta * k < 1e-6) {  // flat
        const RandomBlock r = block(0);
        const double angle = 6.283185307179586476925 * uniform(r.word[0], r.word[1]);
        return {{Kokkos::cos(angle), Kokkos::sin(angle)}};
      }
      const double angle = best_fisher(beta * k, block);
      moved = angle < 9;
      return Group::product({{Kokkos::cos(angle), Kokkos::sin(angle)}}, back);
    } else {
      using Q = GroupSU2::Matrix;
      Q q;
      int i = 0;
      int j = 1;
      if constexpr (Group::generators == 3) {
        q = w;
      } else {
        i = subgroup == 2 ? 1 : 0;
        j = subgroup == 0 ? 1 : 2;
        // The part of the 2 x 2 block that is a real multiple of SU(2).
        q = {{0.5 * (w.re(i, i) + w.re(j, j)), 0.5 * (w.im(i, j) + w.im(j, i)), 0.5 * (w.re(i, j) - w.re(j, i)), 0.5 * (w.im(i, i) - w.im(j, j))}};
      }
      const double k = Kokkos::sqrt(q.v[0] * q.v[0] + q.v[1] * q.v[1] + q.v[2] * q.v[2] + q.v[3] * q.v[3]);
      if (!(k > 1e-12)) {
        moved = false;
        return Group::one();
      }
      const Q back{{q.v[0] / k, -q.v[1] / k, -q.v[2] / k, -q.v[3] / k}};
      Q x = back;
      if (update == LinkUpdate::heatbath) {
        const double x0 = kennedy_pendleton(2 * beta * k / Group::order, block);
        if (x0 > 1.5) {
          moved = false;
          return Group::one();
        }
        const RandomBlock r = block(2 * tries - 1);
        const double cosine = 2 * uniform(r.word[0], r.word[1]) - 1;
        const double angle = 6.283185307179586476925 * uniform(r.word[2], r.word[3]);
        const double radius = Kokkos::sqrt(Kokkos::fmax(0.0, 1 - x0 * x0));
        const double sine = Kokkos::sqrt(Kokkos::fmax(0.0, 1 - cosine * cosine));
        x = {{x0, radius * sine * Kokkos::cos(angle), radius * sine * Kokkos::sin(angle), radius * cosine}};
      }
      const Q g = GroupSU2::product(x, back);
      if constexpr (Group::generators == 3) {
        return g;
      } else {
        Matrix full = Group::one();
        full.re(i, i) = g.v[0];
        full.im(i, i) = g.v[3];
        full.re(i, j) = g.v[2];
        full.im(i, j) = g.v[1];
        full.re(j, i) = -g.v[2];
        full.im(j, i) = g.v[1];
        full.re(j, j) = g.v[0];
        full.im(j, j) = -g.v[3];
        return full;
      }
    }
  }

  KOKKOS_FUNCTION void operator()(int k) const {
    const GridView& grid = links.grid;
    const int n_sites = static_cast<int>(sites.extent(0));
    const int local = sites(k % n_sites);
    const int x = local % grid.extent[3];
    const GridRow row = grid.row(local / grid.extent[3] + k / n_sites * (grid.n_rows() / grid.n_replicas));
    const auto number = static_cast<std::uint64_t>(grid.global_site(row, x));
    const auto first_draw = static_cast<std::uint32_t>((grid.first_replica + row.replica) * draws_per_link + mu * (draws_per_link / 4));
    const auto draw = [&](int d) { return philox(seed, RandomPurpose::local_update, step, number, first_draw + static_cast<std::uint32_t>(d)); };
    Matrix u = links.load(mu, row.replica, row.site + x);
    const Matrix staples = links.staples(row, x, mu);
    double count = 0;
    if (update == LinkUpdate::metropolis) {
      double p[Group::generators];
      for (int a = 0; a < Group::generators; ++a) {
        const RandomBlock r = draw(a);
        p[a] = 2 * uniform(r.word[0], r.word[1]) - 1;
      }
      const Matrix other = Group::product(Group::exponential(p, width), u);
      const double change = -beta / Group::order * (Group::re_trace(Group::product(other, staples)) - Group::re_trace(Group::product(u, staples)));
      const RandomBlock r = draw(Group::generators);
      if (uniform(r.word[0], r.word[1]) < Kokkos::exp(-change)) {
        u = other;
        count = 1;
      }
    } else {
      for (int subgroup = 0; subgroup < Group::subgroups; ++subgroup) {
        bool moved = false;
        const auto block = [&](int d) { return draw(subgroup * 2 * tries + d); };
        const Matrix g = left_factor(Group::product(u, staples), subgroup, block, moved);
        if (!moved) continue;
        u = Group::product(g, u);
        count += 1.0 / Group::subgroups;
      }
    }
    links.store(mu, row.replica, row.site + x, Group::to_group(u));
    accepted(k) = count;
  }
};

}  // namespace koushi
