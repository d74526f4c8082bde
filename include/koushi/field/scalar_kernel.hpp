#pragma once

#include <Kokkos_Core.hpp>
#include <type_traits>

#include "koushi/lattice/grid_kernel.hpp"

namespace koushi {

/// V = quadratic |phi|^2 + quartic |phi|^4 of n components.
struct QuarticSite {
  double quadratic = 0;
  double quartic = 0;
  template <int n>
  KOKKOS_INLINE_FUNCTION double energy(const double (&phi)[n]) const {
    const double s = square(phi);
    return (quadratic + quartic * s) * s;
  }
  template <int n>
  KOKKOS_INLINE_FUNCTION void slope(const double (&phi)[n], double (&out)[n]) const {
    const double factor = 2 * quadratic + 4 * quartic * square(phi);
    for (int c = 0; c < n; ++c) out[c] = factor * phi[c];
  }
  template <int n>
  KOKKOS_INLINE_FUNCTION static double square(const double (&phi)[n]) {
    double s = 0;
    for (int c = 0; c < n; ++c) s += phi[c] * phi[c];
    return s;
  }
};

/// V = amplitude (1 - cos(beta phi)).
struct SineGordonSite {
  double amplitude = 0;
  double beta = 1;
  KOKKOS_INLINE_FUNCTION double energy(const double (&phi)[1]) const {
    return amplitude * (1 - Kokkos::cos(beta * phi[0]));
  }
  KOKKOS_INLINE_FUNCTION void slope(const double (&phi)[1], double (&out)[1]) const {
    out[0] = amplitude * beta * Kokkos::sin(beta * phi[0]);
  }
  /// f of the Schwinger-Dyson identity and its derivative: as periodic as S, which has no normalisable phi.
  KOKKOS_INLINE_FUNCTION double test(double phi) const { return Kokkos::sin(beta * phi); }
  KOKKOS_INLINE_FUNCTION double test_slope(double phi) const { return beta * Kokkos::cos(beta * phi); }
};

/// V = factor sum_k coefficient_k phi^k, k = 1 ... 8.
struct PolynomialSite {
  static constexpr int degree = 8;
  double factor = 1;
  double coefficient[degree + 1] = {};
  KOKKOS_INLINE_FUNCTION double value(double phi) const {
    double v = coefficient[degree];
    for (int k = degree - 1; k >= 1; --k) v = v * phi + coefficient[k];
    return factor * v * phi;
  }
  KOKKOS_INLINE_FUNCTION double derivative(double phi) const {
    double v = degree * coefficient[degree];
    for (int k = degree - 1; k >= 1; --k) v = v * phi + k * coefficient[k];
    return factor * v;
  }
  KOKKOS_INLINE_FUNCTION double energy(const double (&phi)[1]) const { return value(phi[0]); }
  KOKKOS_INLINE_FUNCTION void slope(const double (&phi)[1], double (&out)[1]) const { out[0] = derivative(phi[0]); }
};

/// V = factor { polynomial + sum_b height_b e^{-((phi - centre_b) / width_b)^2 / 2} }, factor and polynomial of the
/// PolynomialSite.
struct BumpySite {
  static constexpr int most = 4;
  struct Bump {
    double height = 0;
    double centre = 0;
    double inverse_width = 1;
  };
  PolynomialSite polynomial;
  int n = 0;
  Bump bump[most] = {};
  KOKKOS_INLINE_FUNCTION double value(double phi) const {
    double v = 0;
    for (int b = 0; b < n; ++b) {
      const double u = (phi - bump[b].centre) * bump[b].inverse_width;
      v += bump[b].height * Kokkos::exp(-0.5 * u * u);
    }
    return polynomial.value(phi) + polynomial.factor * v;
  }
  KOKKOS_INLINE_FUNCTION double derivative(double phi) const {
    double v = 0;
    for (int b = 0; b < n; ++b) {
      const double u = (phi - bump[b].centre) * bump[b].inverse_width;
      v -= bump[b].height * u * bump[b].inverse_width * Kokkos::exp(-0.5 * u * u);
    }
    return polynomial.derivative(phi) + polynomial.factor * v;
  }
  KOKKOS_INLINE_FUNCTION double energy(const double (&phi)[1]) const { return value(phi[0]); }
  KOKKOS_INLINE_FUNCTION void slope(const double (&phi)[1], double (&out)[1]) const { out[0] = derivative(phi[0]); }
};

/// A bond from a to its forward neighbour b: stiffness (b - a)^2.
struct QuadraticBond {
  double stiffness = 1;
  KOKKOS_INLINE_FUNCTION double energy(double a, double b) const { return stiffness * (b - a) * (b - a); }
  KOKKOS_INLINE_FUNCTION double slope_a(double a, double b) const { return 2 * stiffness * (a - b); }
  KOKKOS_INLINE_FUNCTION double slope_b(double a, double b) const { return 2 * stiffness * (b - a); }
};

/// stiffness (b - a)^2 + V((a + b) / 2): the mid-point rule of a path.
template <typename Potential>
struct MidpointBond {
  double stiffness = 1;
  Potential potential;
  KOKKOS_INLINE_FUNCTION double energy(double a, double b) const {
    return stiffness * (b - a) * (b - a) + potential.value(0.5 * (a + b));
  }
  KOKKOS_INLINE_FUNCTION double slope_a(double a, double b) const {
    return 2 * stiffness * (a - b) + 0.5 * potential.derivative(0.5 * (a + b));
  }
  KOKKOS_INLINE_FUNCTION double slope_b(double a, double b) const {
    return 2 * stiffness * (b - a) + 0.5 * potential.derivative(0.5 * (a + b));
  }
};

/// stiffness (b - a)^2 + (V(a) + V(b)) / 2: the symmetrised rule of a path, which differs from V at sites where an end
/// is open.
template <typename Potential>
struct TrapezoidBond {
  double stiffness = 1;
  Potential potential;
  KOKKOS_INLINE_FUNCTION double energy(double a, double b) const {
    return stiffness * (b - a) * (b - a) + 0.5 * (potential.value(a) + potential.value(b));
  }
  KOKKOS_INLINE_FUNCTION double slope_a(double a, double b) const {
    return 2 * stiffness * (a - b) + 0.5 * potential.derivative(a);
  }
  KOKKOS_INLINE_FUNCTION double slope_b(double a, double b) const {
    return 2 * stiffness * (b - a) + 0.5 * potential.derivative(b);
  }
};

/// S = sum_x [ V(phi(x)) + sum_mu B(phi(x), w phi(x + mu)) ] in d directions, phi with n components, w = -1 across an
/// antiperiodic boundary; a bond across an open end (w = 0) is left out.
template <typename Site, typename Bond, int n, int d>
struct ScalarAction {
  GridView grid;
  Site site;
  Bond bond;

  static constexpr bool corners = false;  ///< terms join sites that are a step apart in two directions
  /// Field and neighbours of one row.
  struct Row {
    const double* phi[n];
    int step[3][2];
    double weight[3][2];
  };
  KOKKOS_INLINE_FUNCTION Row row_of(const FieldPointer& field, const GridRow& row) const {
    Row result;
    for (int c = 0; c < n; ++c) result.phi[c] = field.at(row, c);
    for (int mu = 4 - d; mu < 3; ++mu) {
      for (int side = 0; side < 2; ++side) {
        result.step[mu][side] = grid.step(mu, 2 * side - 1, row.coordinate[mu]);
        result.weight[mu][side] = grid.factor(mu, 2 * side - 1, row.coordinate[mu]);
      }
    }
    return result;
  }

  /// dS / dphi_c at site x of the row.
  KOKKOS_INLINE_FUNCTION void slope(const Row& row, int x, const RowSides& sides, double (&out)[n]) const {
    double phi[n];
    for (int c = 0; c < n; ++c) phi[c] = row.phi[c][x];
    site.slope(phi, out);
    if constexpr (std::is_same_v<Bond, QuadraticBond>) {
      // sum of |w| (phi - w phi') = count phi - sum of w phi': two operations per neighbour
      double count = 0;
      double sum[n] = {};
      const auto add = [&](int down, int up, double down_weight, double up_weight) {
        count += down_weight * down_weight + up_weight * up_weight;
        for (int c = 0; c < n; ++c) sum[c] += down_weight * row.phi[c][x + down] + up_weight * row.phi[c][x + up];
      };
      for (int mu = 4 - d; mu < 3; ++mu) add(row.step[mu][0], row.step[mu][1], row.weight[mu][0], row.weight[mu][1]);
      add(sides.left, sides.right, sides.left_weight, sides.right_weight);
      for (int c = 0; c < n; ++c) out[c] += 2 * bond.stiffness * (count * phi[c] - sum[c]);
      return;
    }
    const auto add = [&](int down, int up, double down_weight, double up_weight) {
      for (int c = 0; c < n; ++c) {
        out[c] += Kokkos::fabs(up_weight) * bond.slope_a(phi[c], up_weight * row.phi[c][x + up]);
        out[c] += down_weight * bond.slope_b(row.phi[c][x + down], down_weight * phi[c]);
      }
    };
    for (int mu = 4 - d; mu < 3; ++mu) add(row.step[mu][0], row.step[mu][1], row.weight[mu][0], row.weight[mu][1]);
    add(sides.left, sides.right, sides.left_weight, sides.right_weight);
  }

  /// The part of S that belongs to site x: its potential and its forward bonds; the first site of a path with fixed
  /// ends has the bond to the end behind it, too.
  KOKKOS_INLINE_FUNCTION double density(const Row& row, int x, const RowSides& sides) const {
    double phi[n];
    for (int c = 0; c < n; ++c) phi[c] = row.phi[c][x];
    double energy = site.energy(phi);
    const auto add = [&](int up, double weight) {
      for (int c = 0; c < n; ++c) energy += Kokkos::fabs(weight) * bond.energy(phi[c], weight * row.phi[c][x + up]);
    };
    for (int mu = 4 - d; mu < 3; ++mu) add(row.step[mu][1], row.weight[mu][1]);
    add(sides.right, sides.right_weight);
    if (grid.fixed[3] && grid.global_first[3] + x == 0) {
      for (int c = 0; c < n; ++c) energy += bond.energy(row.phi[c][x + sides.left], phi[c]);
    }
    return energy;
  }

  /// S(phi(x) -> other) - S, the rest fixed.
  KOKKOS_INLINE_FUNCTION double local_change(const Row& row, int x, const RowSides& sides, const double (&phi)[n],
                                             const double (&other)[n]) const {
    double change = site.energy(other) - site.energy(phi);
    const auto add = [&](int down, int up, double down_weight, double up_weight) {
      for (int c = 0; c < n; ++c) {
        const double above = up_weight * row.phi[c][x + up];
        const double below = row.phi[c][x + down];
        change += Kokkos::fabs(up_weight) * (bond.energy(other[c], above) - bond.energy(phi[c], above));
        change += Kokkos::fabs(down_weight) *
                  (bond.energy(below, down_weight * other[c]) - bond.energy(below, down_weight * phi[c]));
      }
    };
    for (int mu = 4 - d; mu < 3; ++mu) add(row.step[mu][0], row.step[mu][1], row.weight[mu][0], row.weight[mu][1]);
    add(sides.left, sides.right, sides.left_weight, sides.right_weight);
    return change;
  }
};

/// target = base - factor dS/dphi(source); with `fused` also moved = source + drift target.
///
/// Bytes       per component and site: 24 (base = target = p), fused 32 and the write-allocate of `moved`; the field's
///             neighbours come from cache
/// Flops       about 6 d + 6 per component
template <typename Action, int n, bool fused>
struct KickKernel {
  Action action;
  FieldPointer source;
  FieldPointer base;
  FieldPointer target;
  FieldPointer moved;
  double factor = 0;
  double drift = 0;

  KOKKOS_INLINE_FUNCTION auto on(const GridRow& row) const {
    struct Line {
      Action action;
      typename Action::Row field;
      const double* base[n];
      double* target[n];
      double* moved[n];
      double factor;
      double drift;
      KOKKOS_INLINE_FUNCTION void operator()(int x, const RowSides& sides) const {
        double slope[n];
        action.slope(field, x, sides, slope);
        for (int c = 0; c < n; ++c) {
          const double p = base[c][x] - factor * slope[c];
          target[c][x] = p;
          if constexpr (fused) moved[c][x] = field.phi[c][x] + drift * p;
        }
      }
    };
    Line line{action, action.row_of(source, row), {}, {}, {}, factor, drift};
    for (int c = 0; c < n; ++c) {
      line.base[c] = base.at(row, c);
      line.target[c] = target.at(row, c);
      if constexpr (fused) line.moved[c] = moved.at(row, c);
    }
    return line;
  }
};

template <typename Site>
concept PeriodicSite = requires(const Site& site) {
  site.test_slope(0.0);
};

/// Per site: density of S, |phi|^2, |phi|^4, sum_c f_c dS/dphi_c and sum_c df_c/dphi_c with f = phi, or that of a
/// periodic V.
template <typename Action, int n>
struct ScalarSiteSums {
  Action action;
  FieldPointer field;
  KOKKOS_INLINE_FUNCTION auto on(const GridRow& row) const {
    struct Line {
      Action action;
      typename Action::Row field;
      KOKKOS_INLINE_FUNCTION void operator()(int x, const RowSides& sides, double (&values)[5]) const {
        double slope[n];
        action.slope(field, x, sides, slope);
        double square = 0;
        double virial = 0;
        for (int c = 0; c < n; ++c) {
          square += field.phi[c][x] * field.phi[c][x];
          if constexpr (PeriodicSite<decltype(action.site)>) {
            virial += action.site.test(field.phi[c][x]) * slope[c];
          } else {
            virial += field.phi[c][x] * slope[c];
          }
        }
        values[0] = action.density(field, x, sides);
        values[1] = square;
        values[2] = square * square;
        values[3] = virial;
        if constexpr (PeriodicSite<decltype(action.site)>) {
          values[4] = action.site.test_slope(field.phi[0][x]);
        } else {
          values[4] = n;
        }
      }
    };
    return Line{action, action.row_of(field, row)};
  }
};

}  // namespace koushi
