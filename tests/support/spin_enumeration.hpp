#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "koushi/field/spin_theory.hpp"

namespace koushi {

/// Means of H / V, its square, V times the square of the order parameter, and the fourth power of V times it.
struct EnumeratedSpins {
  double energy = 0;
  double energy2 = 0;
  double m2 = 0;
  double m4 = 0;
};

/// Sums over all states of a small Ising, clock or Potts lattice of any dimension, written out anew: every site has the
/// bonds to its forward neighbours, J[0] along the directions and J[1] along the diagonals of their planes.
inline EnumeratedSpins enumerate_spins(const std::vector<int>& extents, const SpinModel& model, bool open) {
  const auto d = extents.size();
  const int q = model.kind == SpinModel::Kind::vector ? 2 : model.states;
  std::vector<std::pair<std::vector<int>, double>> steps;
  for (std::size_t mu = 0; mu < d; ++mu) {
    std::vector<int> step(d);
    step[mu] = 1;
    steps.emplace_back(step, model.J[0]);
    for (std::size_t nu = mu + 1; nu < d && model.J.size() > 1; ++nu) {
      for (const int sign : {1, -1}) {
        step[nu] = sign;
        steps.emplace_back(step, model.J[1]);
      }
      step[nu] = 0;
    }
  }
  int n = 1;
  for (const int extent : extents) n *= extent;
  struct Coupled {
    std::size_t a;
    std::size_t b;
    double J;
  };
  std::vector<Coupled> bonds;
  for (int site = 0; site < n; ++site) {
    for (const auto& [step, J] : steps) {
      int neighbour = 0;
      int rest = site;
      int stride = 1;
      bool inside = true;
      for (std::size_t mu = d; mu-- > 0;) {
        const int to = rest % extents[mu] + step[mu];
        inside = inside && to >= 0 && to < extents[mu];
        neighbour += (to + extents[mu]) % extents[mu] * stride;
        rest /= extents[mu];
        stride *= extents[mu];
      }
      if (inside || !open) bonds.push_back({static_cast<std::size_t>(site), static_cast<std::size_t>(neighbour), J});
    }
  }
  // Spins as vectors of q corners: two for Ising, of a regular polygon for clocks, of a simplex for Potts.
  const double angle = 2 * M_PI / q;
  const auto product = [&](int a, int b) {
    return model.kind == SpinModel::Kind::potts ? (a == b ? 1.0 : 0.0) : std::cos(angle * (a - b));
  };
  const auto states = static_cast<long>(std::lround(std::pow(q, n)));
  EnumeratedSpins exact;
  double z = 0;
  std::vector<int> s(static_cast<std::size_t>(n));
  for (long state = 0; state < states; ++state) {
    long rest = state;
    for (int& v : s) {
      v = static_cast<int>(rest % q);
      rest /= q;
    }
    double h = 0;
    for (const Coupled& bond : bonds) h -= bond.J * product(s[bond.a], s[bond.b]);
    std::vector<double> counts(static_cast<std::size_t>(q));
    for (const int v : s) {
      h -= model.field * product(v, 0);
      ++counts[static_cast<std::size_t>(v)];
    }
    double square = 0;
    if (model.kind == SpinModel::Kind::potts) {
      for (const double c : counts) square += std::pow(c - static_cast<double>(n) / q, 2) * q / (q - 1.0);
    } else {
      double sum[2] = {};
      for (int v = 0; v < q; ++v) {
        sum[0] += counts[static_cast<std::size_t>(v)] * std::cos(angle * v);
        sum[1] += counts[static_cast<std::size_t>(v)] * std::sin(angle * v);
      }
      square = sum[0] * sum[0] + sum[1] * sum[1];
    }
    const double weight = std::exp(-model.beta * h);
    z += weight;
    exact.energy += weight * h / n;
    exact.energy2 += weight * h * h / n / n;
    exact.m2 += weight * square / n;
    exact.m4 += weight * square * square;
  }
  exact.energy /= z;
  exact.energy2 /= z;
  exact.m2 /= z;
  exact.m4 /= z;
  return exact;
}

}  // namespace koushi
