#pragma once

#include <array>
#include <vector>

#include "koushi/field/field_theory.hpp"

namespace koushi {

/// Plane waves e^{ip.x} in space, p_mu = 2 pi n_mu / L_mu, along antiperiodic directions 2 pi (n_mu + 1/2) / L_mu:
/// products of tables per direction and coordinate, which the host fills once, so that a site has the same wave on any
/// division.
struct PlaneWaves {
  GridView grid;
  Kokkos::View<double****> table;  ///< [wave][direction][coordinate in the box][cos, sin]

  /// cos(p.x) of wave k / 2 for even k, sin(p.x) for odd k.
  KOKKOS_FUNCTION double part(const GridRow& row, int x, int k) const {
    double re = 1;
    double im = 0;
    for (int mu = grid.first_direction + 1; mu < 4; ++mu) {
      const int c = mu < 3 ? row.coordinate[mu] : grid.coordinate(x);
      const double cosine = table(k / 2, mu, c, 0);
      const double sine = table(k / 2, mu, c, 1);
      const double next = re * cosine - im * sine;
      im = re * sine + im * cosine;
      re = next;
    }
    return k % 2 == 0 ? re : im;
  }
};

/// value(row, x, c) times the parts of all waves: entry c * parts + k.
template <typename Value>
struct WaveValue {
  Value value;
  PlaneWaves waves;
  int parts;
  KOKKOS_FUNCTION double operator()(const GridRow& row, int x, int k) const {
    return value(row, x, k / parts) * waves.part(row, x, k % parts);
  }
};

/// Whether two momenta have the same correlator: p and -p, and with `average` those that reflections and exchanges of
/// equal spatial directions make of each other.
bool same_correlator(const Grid& grid, const std::vector<int>& a, const std::vector<int>& b, bool average);

/// Name of the series of entry 0, 1, ... of the momenta.
std::string momentum_series(std::size_t entry);

/// Correlators of the order parameter at spatial momenta,
///
///   C(p, t) = (1/V) sum_{t0} Re M(p, t0 + t).M(p, t0)* = < sum_x cos(p.x) phi(0, 0).phi(x, t) >,   M(p, t) = sum_x
///   e^{ip.x} phi(x, t),
///
/// as series and curves correlator_pK, curves effective_energy_pK and observables energy_pK (the effective energy at t
/// = 1), K = 1, 2, ... in the order asked. C(p, t) = C(-p, t) on every configuration, since fields are real.
class MomentumCorrelators {
 public:
  MomentumCorrelators() = default;
  MomentumCorrelators(const Grid& grid, const SpatialMomenta& momenta);

  /// `value` times the parts of all waves, for RealField::slice_sums_of() of orders * parts() numbers.
  template <typename Value>
  WaveValue<Value> times_waves(const Value& value) const {
    return {value, waves_, parts()};
  }
  int parts() const { return 2 * n_waves_; }
  /// Appends for one replica what follows from sums over slices of times_waves(), [c][part][t].
  void append(const double* slices, int components, const Grid& grid, Measured& out) const;
  void append_observables(std::vector<Observable>& all) const;
  void append_curves(const Grid& grid, std::vector<Curve>& all) const;

 private:
  struct Entry {
    std::string label;  ///< n and p in words
    std::vector<int> waves;
  };
  std::vector<Entry> entries_;
  PlaneWaves waves_;
  int n_waves_ = 0;
  bool has_energy_ = false;  ///< there are slices at distance 2
};

}  // namespace koushi
