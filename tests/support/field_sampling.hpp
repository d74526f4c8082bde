#pragma once

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "koushi/field/field_theory.hpp"
#include "koushi/field/hmc.hpp"
#include "koushi/statistics/estimate.hpp"
#include "memory_archive.hpp"

namespace koushi {

/// Estimates of all observables and points of curves, NAME(k), from n updates, update(t) for t = 0 ... n - 1, the first
/// tenth of them not measured.
inline std::map<std::string, Estimate> sample_field(FieldTheory& theory, int n,
                                                    const std::function<void(std::uint64_t)>& update,
                                                    double start = 0.3) {
  theory.start(11, start);
  std::map<std::pair<std::string, std::size_t>, std::vector<std::vector<double>>> series;  // [replica][t]
  const auto replicas = static_cast<std::size_t>(theory.grid().view().n_replicas);
  for (int t = 0; t < n; ++t) {
    update(static_cast<std::uint64_t>(t));
    if (t < n / 10) continue;
    for (const auto& [name, values] : theory.measure()) {
      const std::size_t columns = values.size() / replicas;
      for (std::size_t w = 0; w < columns; ++w) {
        auto& column = series[{name, w}];
        column.resize(replicas);
        for (std::size_t r = 0; r < replicas; ++r) column[r].push_back(values[r * columns + w]);
      }
    }
  }
  std::map<std::string, Estimate> result;
  std::vector<Observable> all = theory.observables();
  for (const Curve& curve : theory.curves()) {
    for (const Observable& point : curve.points) {
      all.push_back(point);
      all.back().name = curve.name + "(" + std::to_string(&point - curve.points.data()) + ")";
    }
  }
  for (const Observable& observable : all) {
    std::vector<std::vector<double>> flat;
    for (const auto& from : observable.series) {
      flat.emplace_back();
      for (const auto& chain : series.at({from.series, from.column}))
        flat.back().insert(flat.back().end(), chain.begin(), chain.end());
    }
    result[observable.name] =
        derived_gamma_method(flat, static_cast<std::int64_t>(replicas), observable.value, observable.gradient);
  }
  return result;
}

/// z = 5: some five hundred such comparisons stand in a test program, so a family-wise error of 3e-4. The error must be
/// below precision * |exact| + absolute.
inline void compare_estimate(const Estimate& estimate, double exact, double precision, double absolute = 0) {
  INFO(estimate.value << " +- " << estimate.error << ", exact " << exact << ", tau_int " << estimate.tau_int);
  CHECK(std::abs(estimate.value - exact) < 5 * estimate.error + 1e-12);
  CHECK(estimate.error < precision * std::abs(exact) + absolute);
}

inline std::vector<double> configuration_of(const FieldTheory& theory) { return theory.configuration().local; }

/// log2 of how much smaller the error of H over a trajectory of length 1 is with twice the steps; begin() starts one.
inline double order_of(MolecularDynamics& dynamics, Integrator integrator, int steps,
                       const std::function<void()>& begin) {
  const auto error = [&](int n) {
    begin();
    const double before = dynamics.hamiltonian()[0];
    integrate(dynamics, integrator, 1.0 / n, n);
    return dynamics.hamiltonian()[0] - before;
  };
  return std::log2(std::abs(error(steps) / error(2 * steps)));
}

inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (std::size_t k = 0; k < a.size(); ++k) worst = std::max(worst, std::abs(a[k] - b[k]));
  return worst;
}

/// The brick of a rank, `box` as Grid::box gives it, cut out of the array of the whole lattice.
inline std::vector<double> cut_brick(const std::vector<double>& whole, const ArrayBox& box) {
  std::vector<double> brick;
  std::vector<std::int64_t> at(box.shape.size());
  for (bool more = true; more;) {
    std::int64_t index = 0;
    for (std::size_t k = 0; k < at.size(); ++k) index = index * box.shape[k] + box.first[k] + at[k];
    brick.push_back(whole[static_cast<std::size_t>(index)]);
    std::size_t k = at.size();
    while (k > 0 && ++at[k - 1] == box.count[k - 1]) at[--k] = 0;
    more = k > 0;
  }
  return brick;
}

}  // namespace koushi
