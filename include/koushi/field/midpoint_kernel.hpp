#pragma once

#include "koushi/field/scalar_kernel.hpp"

namespace koushi {

/// The bond of a scalar field with everything but the time derivative at the middle of steps in time (the first
/// direction), m(x) = (phi(x) + phi(x + 0)) / 2:
///
///   S = sum_x { stiffness (phi(x + 0) - phi(x))^2 + V(m(x)) + stiffness sum_i (m(x + i) - m(x))^2 }
///
/// the mid-point rule of a path of every spatial site; terms of steps across an open end in time are left out.
struct MidpointInTime {
  double stiffness = 1;
};

template <typename Site, int n, int d>
struct ScalarAction<Site, MidpointInTime, n, d> {
  GridView grid;
  Site site;
  MidpointInTime bond;

  static constexpr bool corners = d > 1;
  /// A step of the index and the weight of what is found there.
  struct Hop {
    int step = 0;
    double weight = 1;
  };
  struct Row {
    const double* phi[n];
    Hop hop[3][2];
  };
  KOKKOS_INLINE_FUNCTION Row row_of(const FieldPointer& field, const GridRow& row) const {
    Row result;
    for (int c = 0; c < n; ++c) result.phi[c] = field.at(row, c);
    for (int mu = 4 - d; mu < 3; ++mu) {
      for (int side = 0; side < 2; ++side)
        result.hop[mu][side] = {grid.step(mu, 2 * side - 1, row.coordinate[mu]),
                                grid.factor(mu, 2 * side - 1, row.coordinate[mu])};
    }
    return result;
  }

  /// Backward (0) or forward (1) in direction mu.
  KOKKOS_INLINE_FUNCTION static Hop hop(const Row& row, const RowSides& sides, int mu, int side) {
    if (mu < 3) return row.hop[mu][side];
    return side == 0 ? Hop{sides.left, sides.left_weight} : Hop{sides.right, sides.right_weight};
  }
  /// phi(x + across) + w phi(x + across + in time), halved: the field in the middle of the step, as seen from x, where x
  /// itself has the value `here` if across is no step.
  KOKKOS_INLINE_FUNCTION static double middle(const Row& row, int x, int c, const Hop& time, double here) {
    return 0.5 * (here + time.weight * row.phi[c][x + time.step]);
  }
  KOKKOS_INLINE_FUNCTION static double middle(const Row& row, int x, int c, const Hop& time, const Hop& across) {
    const double near = row.phi[c][x + across.step];
    const double far = row.phi[c][x + across.step + time.step];
    return 0.5 * across.weight * (near + time.weight * far);
  }

  /// What the step in time to one side of x adds to S as a function of phi(x), but for what does not depend on it.
  KOKKOS_INLINE_FUNCTION double energy_of_step(const Row& row, int x, const RowSides& sides, int side,
                                               const double (&phi)[n]) const {
    const Hop time = hop(row, sides, 4 - d, side);
    double own[n];  // in the frame of the lower end, which an antiperiodic end turns
    double m[n];
    double energy = 0;
    for (int c = 0; c < n; ++c) {
      const double change = phi[c] - time.weight * row.phi[c][x + time.step];
      energy += bond.stiffness * change * change;
      m[c] = middle(row, x, c, time, phi[c]);
      own[c] = side == 0 ? time.weight * m[c] : m[c];
    }
    energy += site.energy(own);
    for (int mu = 5 - d; mu < 4; ++mu) {
      for (int back = 0; back < 2; ++back) {
        const Hop across = hop(row, sides, mu, back);
        for (int c = 0; c < n; ++c) {
          const double slope = middle(row, x, c, time, across) - m[c];
          energy += Kokkos::fabs(across.weight) * bond.stiffness * slope * slope;
        }
      }
    }
    return Kokkos::fabs(time.weight) * energy;
  }

  KOKKOS_INLINE_FUNCTION void slope(const Row& row, int x, const RowSides& sides, double (&out)[n]) const {
    for (int c = 0; c < n; ++c) out[c] = 0;
    for (int side = 0; side < 2; ++side) {
      const Hop time = hop(row, sides, 4 - d, side);
      const double there = Kokkos::fabs(time.weight);
      const double frame = side == 0 ? time.weight : 1;
      double own[n];
      double m[n];
      for (int c = 0; c < n; ++c) {
        m[c] = middle(row, x, c, time, row.phi[c][x]);
        own[c] = frame * m[c];
      }
      double potential[n];
      site.slope(own, potential);
      for (int c = 0; c < n; ++c) {
        double sum = 0.5 * there * frame * potential[c];
        sum += there * 2 * bond.stiffness * (row.phi[c][x] - time.weight * row.phi[c][x + time.step]);
        for (int mu = 5 - d; mu < 4; ++mu) {
          for (int back = 0; back < 2; ++back) {
            const Hop across = hop(row, sides, mu, back);
            sum += there * Kokkos::fabs(across.weight) * bond.stiffness * (m[c] - middle(row, x, c, time, across));
          }
        }
        out[c] += sum;
      }
    }
  }

  /// The part of S of the step forward in time from x.
  KOKKOS_INLINE_FUNCTION double density(const Row& row, int x, const RowSides& sides) const {
    const Hop time = hop(row, sides, 4 - d, 1);
    double m[n];
    double energy = 0;
    for (int c = 0; c < n; ++c) {
      const double change = row.phi[c][x] - time.weight * row.phi[c][x + time.step];
      energy += bond.stiffness * change * change;
      m[c] = middle(row, x, c, time, row.phi[c][x]);
    }
    energy += site.energy(m);
    for (int mu = 5 - d; mu < 4; ++mu) {
      const Hop across = hop(row, sides, mu, 1);
      for (int c = 0; c < n; ++c) {
        const double slope = middle(row, x, c, time, across) - m[c];
        energy += Kokkos::fabs(across.weight) * bond.stiffness * slope * slope;
      }
    }
    return Kokkos::fabs(time.weight) * energy;
  }

  KOKKOS_INLINE_FUNCTION double local_change(const Row& row, int x, const RowSides& sides, const double (&phi)[n],
                                             const double (&other)[n]) const {
    double change = 0;
    for (int side = 0; side < 2; ++side)
      change += energy_of_step(row, x, sides, side, other) - energy_of_step(row, x, sides, side, phi);
    return change;
  }
};

}  // namespace koushi
