#include "koushi/network/momentum_law.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace koushi {

namespace {

using std::numbers::pi;

/// Nodes and weights of Gauss and Legendre on [-1, 1], 16 points.
struct Legendre {
  static constexpr int n = 16;
  std::array<double, n> x;
  std::array<double, n> w;
  Legendre() {
    for (int i = 0; i < n; ++i) {
      double z = std::cos(pi * (i + 0.75) / (n + 0.5));
      double slope = 1;
      for (int step = 0; step < 100; ++step) {
        double p = 1;
        double before = 0;
        for (int k = 0; k < n; ++k) {
          const double earlier = before;
          before = p;
          p = ((2 * k + 1) * z * before - k * earlier) / (k + 1);
        }
        slope = n * (z * p - before) / (z * z - 1);
        const double change = p / slope;
        z -= change;
        if (std::abs(change) < 1e-16) break;
      }
      x[static_cast<std::size_t>(i)] = z;
      w[static_cast<std::size_t>(i)] = 2 / ((1 - z * z) * slope * slope);
    }
  }
};

/// The integral of f from a to b.
template <typename F>
double panel(double a, double b, const F& f) {
  static const Legendre rule;
  double sum = 0;
  for (std::size_t i = 0; i < Legendre::n; ++i) sum += rule.w[i] * f(0.5 * (a + b) + 0.5 * (b - a) * rule.x[i]);
  return 0.5 * (b - a) * sum;
}

/// The mean of cos(k x) over directions of k, times the surface of the sphere over (2 pi)^d, times k^{d-1}.
double shell(int d, double k, double r) {
  const double z = k * r;
  switch (d) {
    case 1:
      return std::cos(z) / pi;
    case 2:
      return k / (2 * pi) * std::cyl_bessel_j(0, z);
    case 3:
      return k * k / (2 * pi * pi) * (z < 1e-4 ? 1 - z * z / 6 : std::sin(z) / z);
    default:
      return k * k * k / (8 * pi * pi) * (z < 1e-4 ? 1 - z * z / 8 : 2 * std::cyl_bessel_j(1, z) / z);
  }
}

}  // namespace

MomentumLaw::MomentumLaw(const MomentumOptions& options) : options_(options) {
  view_.dimension = options.dimension;
  view_.lattice = !options.extents.empty();
  omega_ = integral(-options.alpha - 1, std::vector<double>(static_cast<std::size_t>(options.dimension), 0.0));
  view_.lattice ? make_lattice() : make_radial();
  view_.guide = Kokkos::View<int*>("koushi::network::guide", View::guides + 1);
  const auto guide = Kokkos::create_mirror_view(view_.guide);
  const auto cumulated = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, view_.cumulated);
  int at = 0;
  for (int k = 0; k <= View::guides; ++k) {
    while (at + 2 < view_.entries && cumulated(at + 1) <= static_cast<double>(k) / View::guides) ++at;
    guide(k) = at;
  }
  Kokkos::deep_copy(view_.guide, guide);
}

double MomentumLaw::cut(double k2) const {
  if (options_.cutoff == Cutoff::hard) return 1;  // integrals end there
  return std::exp(-0.5 * k2 / (options_.lambda * options_.lambda));
}

double MomentumLaw::upper() const { return options_.cutoff == Cutoff::hard ? options_.lambda : 9 * options_.lambda; }

double MomentumLaw::integral(double beta, const std::vector<double>& x) const {
  const double m2 = options_.mass * options_.mass;
  if (view_.lattice) {
    const std::vector<int>& extents = options_.extents;
    double volume = 1;
    for (const int n : extents) volume *= n;
    double sum = 0;
    for (std::int64_t index = 0; index < static_cast<std::int64_t>(volume); ++index) {
      std::int64_t rest = index;
      double k2 = 0;
      double phase = 0;
      for (std::size_t mu = extents.size(); mu-- > 0;) {
        const double k = 2 * pi * static_cast<double>(rest % extents[mu]) / extents[mu];
        rest /= extents[mu];
        k2 += 4 * std::sin(0.5 * k) * std::sin(0.5 * k);
        phase += k * x[mu];
      }
      sum += std::pow(k2 + m2, beta) * std::cos(phase);
    }
    return sum / volume;
  }
  double r = 0;
  for (const double c : x) r += c * c;
  r = std::sqrt(r);
  // panels shorter than a wave and than half of the scale on which k^2 + m^2 changes
  double sum = 0;
  for (double k = 0; k < upper();) {
    const double width = std::min({r > 0 ? pi / r : upper(), 0.5 * (k + options_.mass), upper() - k});
    sum += panel(k, k + width,
                 [&](double q) { return cut(q * q) * std::pow(q * q + m2, beta) * shell(options_.dimension, q, r); });
    k = upper() - k - width < 1e-12 * upper() ? upper() : k + width;
  }
  return sum;
}

void MomentumLaw::make_lattice() {
  const std::vector<int>& extents = options_.extents;
  std::int64_t volume = 1;
  for (const int n : extents) volume *= n;
  const auto size = static_cast<std::size_t>(volume);
  const auto d = extents.size();
  view_.entries = static_cast<int>(volume) + 1;
  view_.cumulated = Kokkos::View<double*>("koushi::network::cumulated", size + 1);
  view_.mode = Kokkos::View<double**, Kokkos::LayoutRight>("koushi::network::modes", size, d + 1);
  const auto cumulated = Kokkos::create_mirror_view(view_.cumulated);
  const auto mode = Kokkos::create_mirror_view(view_.mode);
  const double m2 = options_.mass * options_.mass;
  double sum = 0;
  for (std::size_t index = 0; index < size; ++index) {
    auto rest = static_cast<std::int64_t>(index);
    double k2 = 0;
    for (std::size_t mu = d; mu-- > 0;) {
      const double k = 2 * pi * static_cast<double>(rest % extents[mu]) / extents[mu];
      rest /= extents[mu];
      mode(index, mu) = k;
      k2 += 4 * std::sin(0.5 * k) * std::sin(0.5 * k);
    }
    mode(index, d) = k2;
    cumulated(index) = sum;
    sum += std::pow(k2 + m2, -options_.alpha - 1);
  }
  for (std::size_t index = 0; index < size; ++index) cumulated(index) /= sum;
  cumulated(size) = 1;
  Kokkos::deep_copy(view_.cumulated, cumulated);
  Kokkos::deep_copy(view_.mode, mode);
}

void MomentumLaw::make_radial() {
  constexpr int n = 8192;
  const double m2 = options_.mass * options_.mass;
  const auto density = [&](double k) {
    return cut(k * k) * std::pow(k * k + m2, -options_.alpha - 1) * shell(options_.dimension, k, 0) / omega_;
  };
  view_.entries = n + 1;
  view_.cumulated = Kokkos::View<double*>("koushi::network::cumulated", n + 1);
  view_.node = Kokkos::View<double* [2], Kokkos::LayoutRight>("koushi::network::moduli", n + 1);
  const auto cumulated = Kokkos::create_mirror_view(view_.cumulated);
  const auto node = Kokkos::create_mirror_view(view_.node);
  // even below the mass, in equal ratios above it, no longer than upper / 2000
  std::vector<double> nodes{0};
  const double most = 3 * upper() / n;
  const double stretch = std::asinh(upper() / options_.mass) * 1.5 / n;
  while (nodes.back() < upper())
    nodes.push_back(nodes.back() + std::min(most, stretch * std::hypot(nodes.back(), options_.mass)));
  const double scale = upper() / nodes.back();
  // as many as the table has, by interpolation of their number
  for (int k = 0; k <= n; ++k) {
    const double place = static_cast<double>(k) / n * static_cast<double>(nodes.size() - 1);
    const auto low = std::min(static_cast<std::size_t>(place), nodes.size() - 2);
    const double part = place - static_cast<double>(low);
    node(k, 0) = scale * (nodes[low] + part * (nodes[low + 1] - nodes[low]));
  }
  double sum = 0;
  cumulated(0) = 0;
  for (int k = 0; k < n; ++k) {
    sum += panel(node(k, 0), node(k + 1, 0), density);
    cumulated(k + 1) = sum;
  }
  for (int k = 0; k <= n; ++k) {
    node(k, 1) = density(node(k, 0)) / sum;
    cumulated(k) = k == n ? 1 : cumulated(k) / sum;
  }
  Kokkos::deep_copy(view_.cumulated, cumulated);
  Kokkos::deep_copy(view_.node, node);
}

}  // namespace koushi
