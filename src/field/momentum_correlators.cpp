#include "koushi/field/momentum_correlators.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>
#include <set>

#include "koushi/field/order_parameter.hpp"

namespace koushi {

namespace {

/// Twice n + 1/2 or n along direction k of the lattice: p = pi twice / L.
int twice(const Grid& grid, std::size_t k, int n) {
  return 2 * n + (grid.options().boundary[k] == Boundary::antiperiodic ? 1 : 0);
}

/// What stands for p and -p, with p in (-pi, pi], as `twice` per direction.
std::vector<int> representative(const Grid& grid, const std::vector<int>& p) {
  std::vector<int> both[2];
  for (std::size_t k = 0; k < p.size(); ++k) {
    const int period = 2 * grid.options().extents[k + 1];
    for (const int sign : {1, -1}) {
      int q = (sign * p[k] % period + period) % period;
      if (2 * q > period) q -= period;
      both[sign == 1 ? 0 : 1].push_back(q);
    }
  }
  return std::max(both[0], both[1]);
}

/// All momenta that reflections and exchanges of equal directions make of one, of p and -p one.
std::set<std::vector<int>> star(const Grid& grid, const std::vector<int>& p) {
  const auto& options = grid.options();
  std::set<std::vector<int>> all;
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  do {
    bool equal = true;
    for (std::size_t k = 0; k < p.size(); ++k) {
      equal = equal && options.extents[k + 1] == options.extents[order[k] + 1] &&
              options.boundary[k + 1] == options.boundary[order[k] + 1];
    }
    for (unsigned signs = 0; equal && signs < 1U << p.size(); ++signs) {
      std::vector<int> q;
      for (std::size_t k = 0; k < p.size(); ++k) q.push_back((signs >> k & 1U) != 0 ? -p[order[k]] : p[order[k]]);
      all.insert(representative(grid, q));
    }
  } while (std::next_permutation(order.begin(), order.end()));
  return all;
}

std::vector<int> twice(const Grid& grid, const std::vector<int>& n) {
  std::vector<int> p;
  for (std::size_t k = 0; k < n.size(); ++k) p.push_back(twice(grid, k + 1, n[k]));
  return p;
}

/// The momenta whose mean is measured, of p and -p one.
std::set<std::vector<int>> members_of(const Grid& grid, const std::vector<int>& p, bool average) {
  return average ? star(grid, p) : std::set<std::vector<int>>{representative(grid, p)};
}

}  // namespace

std::string momentum_series(std::size_t entry) { return fmt::format("correlator_p{}", entry + 1); }

bool same_correlator(const Grid& grid, const std::vector<int>& a, const std::vector<int>& b, bool average) {
  return members_of(grid, twice(grid, a), average) == members_of(grid, twice(grid, b), average);
}

MomentumCorrelators::MomentumCorrelators(const Grid& grid, const SpatialMomenta& momenta) {
  std::map<std::vector<int>, int> waves;
  for (const std::vector<int>& n : momenta.n) {
    const std::vector<int> p = twice(grid, n);
    std::vector<double> reals;
    for (std::size_t k = 0; k < n.size(); ++k) reals.push_back(std::numbers::pi * p[k] / grid.options().extents[k + 1]);
    const std::set<std::vector<int>> members = members_of(grid, p, momenta.average);
    Entry entry{fmt::format("n = [{}], p = [{:.5g}]", fmt::join(n, ", "), fmt::join(reals, ", ")), {}};
    if (members.size() > 1) entry.label += fmt::format(", mean over {} momenta p and -p", members.size());
    for (const auto& member : members)
      entry.waves.push_back(waves.emplace(member, static_cast<int>(waves.size())).first->second);
    entries_.push_back(entry);
  }
  n_waves_ = static_cast<int>(waves.size());
  has_energy_ = grid.options().extents[0] >= 4;
  waves_.grid = grid.view();
  const GridView& view = grid.view();
  const int longest = *std::max_element(view.extent, view.extent + 4);
  waves_.table =
      Kokkos::View<double****>("koushi::field::waves", waves.size(), 4, static_cast<std::size_t>(longest), 2);
  const auto host = Kokkos::create_mirror_view(waves_.table);
  for (const auto& [p, wave] : waves) {
    for (std::size_t k = 0; k < p.size(); ++k) {
      const auto mu = static_cast<std::size_t>(view.first_direction) + 1 + k;
      const std::int64_t length = view.global_extent[mu];
      for (int c = 0; c < view.extent[mu]; ++c) {
        const double angle =
            std::numbers::pi *
            static_cast<double>(p[k] * static_cast<std::int64_t>(view.global_first[mu] + c) % (2 * length)) /
            static_cast<double>(length);
        host(static_cast<std::size_t>(wave), mu, static_cast<std::size_t>(c), 0) = std::cos(angle);
        host(static_cast<std::size_t>(wave), mu, static_cast<std::size_t>(c), 1) = std::sin(angle);
      }
    }
  }
  Kokkos::deep_copy(waves_.table, host);
}

void MomentumCorrelators::append(const double* slices, int components, const Grid& grid, Measured& out) const {
  const int length = grid.options().extents[0];
  for (std::size_t e = 0; e < entries_.size(); ++e) {
    std::vector<double> correlator(static_cast<std::size_t>(length / 2 + 1));
    for (int c = 0; c < components; ++c) {
      for (const int wave : entries_[e].waves) {
        for (const int part : {2 * wave, 2 * wave + 1})
          add_correlation(slices + (c * parts() + part) * length, grid, correlator);
      }
    }
    for (double& x : correlator) x /= static_cast<double>(entries_[e].waves.size());
    auto& series = out[momentum_series(e)];
    series.insert(series.end(), correlator.begin(), correlator.end());
  }
}

void MomentumCorrelators::append_observables(std::vector<Observable>& all) const {
  for (std::size_t e = 0; e < entries_.size() && has_energy_; ++e) {
    const std::string series = momentum_series(e);
    all.push_back({fmt::format("energy_p{}", e + 1),
                   "arccosh of (C(0) + C(2)) / (2 C(1)) at " + entries_[e].label,
                   {{series, 0}, {series, 1}, {series, 2}},
                   [](const std::vector<double>& x) { return std::acosh(0.5 * (x[0] + x[2]) / x[1]); }});
  }
}

void MomentumCorrelators::append_curves(const Grid& grid, std::vector<Curve>& all) const {
  for (std::size_t e = 0; e < entries_.size(); ++e) {
    append_correlator_curves(grid, 1, momentum_series(e), fmt::format("effective_energy_p{}", e + 1),
                             "<sum over a slice of cos(p.x) phi(0) phi(x, t)>, " + entries_[e].label, 0, all);
  }
}

}  // namespace koushi
