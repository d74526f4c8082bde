// Integrals over paths in real and complex time on contours of the holomorphic flow: the action, Gaussian integrals, the
// flow and its Jacobian, and means over draws against sums over grids.
#include <Eigen/Dense>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <complex>
#include <numbers>

#include "koushi/base/error.hpp"
#include "koushi/field/holomorphic_flow.hpp"
#include "koushi/field/real_time_grid.hpp"

using namespace koushi;

namespace {

using Complex = std::complex<double>;
using std::numbers::pi;

PathOptions anharmonic(PathRule rule, double spacing) {
  return {.spacing = spacing,
          .potential = {0, 0.3, -0.2, 0.1, 0.7},
          .rule = rule,
          .bumps = {{0.8, 0.4, 0.6}, {-0.5, -1.0, 0.9}}};
}

/// V at a complex x, term by term.
Complex potential(const PathOptions& path, Complex x) {
  Complex v = 0;
  for (std::size_t k = 1; k < path.potential.size(); ++k) v += path.potential[k] * std::pow(x, static_cast<double>(k));
  for (const auto& [height, centre, width] : path.bumps)
    v += height * std::exp(-(x - centre) * (x - centre) / (2 * width * width));
  return v;
}

/// epsilon V of a step as its rule has it.
Complex step_of(const PathOptions& path, Complex epsilon, Complex from, Complex to) {
  if (path.rule == PathRule::end_point) return epsilon * potential(path, to);
  if (path.rule == PathRule::mid_point) return epsilon * potential(path, 0.5 * (from + to));
  return 0.5 * epsilon * (potential(path, from) + potential(path, to));
}

double distance(Complex a, Complex b) { return std::abs(a - b) / std::abs(b); }

/// det^{1/2} and mean of many draws.
struct Mean {
  Complex value;
  double error;
};
Mean mean_of(const HolomorphicFlow& flow, int draws) {
  const HolomorphicFlow::Draws numbers("draws", static_cast<std::size_t>(draws),
                                       static_cast<std::size_t>(flow.numbers()));
  flow.sample(7, 0, 0, flow.first_proposal(1), flow.time(), numbers);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, numbers);
  Complex sum = 0;
  double squares = 0;
  for (std::size_t d = 0; d < host.extent(0); ++d) {
    sum += std::polar(std::exp(host(d, 0)), host(d, 1));
    squares += std::exp(2 * host(d, 0));
  }
  const Complex mean = sum / static_cast<double>(draws);
  return {mean, std::sqrt((squares / draws - std::norm(mean)) / draws)};
}

}  // namespace

TEST_CASE("the action of wave packets and of traces is the sum over steps", "[field]") {
  const PathRule rule = GENERATE(PathRule::end_point, PathRule::mid_point, PathRule::symmetrised);
  const PathOptions path = anharmonic(rule, 0.3);
  const std::vector<Complex> z{{0.2, 0.1}, {-0.7, 0.3}, {1.1, -0.4}, {0.5, 0.6}, {-0.3, -0.2}};

  const WavePacket from{0.4, -0.8, 1.3};
  const WavePacket to{-0.2, 0.5, 0.7};
  const ContourAction packets = packet_action(path, 4, from, to);
  const auto log_packet = [](const WavePacket& p, Complex x, double sign) {
    const Complex d = x - p.position;
    return -0.25 * std::log(pi * p.width * p.width) - d * d / (2 * p.width * p.width) +
           Complex(0, sign * p.momentum) * d;
  };
  Complex exponent = log_packet(from, z[0], 1) + log_packet(to, z[4], -1);
  for (std::size_t k = 0; k < 4; ++k) {
    const Complex epsilon(0, path.spacing);
    exponent -= 0.5 * std::log(2 * pi * epsilon) + (z[k + 1] - z[k]) * (z[k + 1] - z[k]) / (2.0 * epsilon) +
                step_of(path, epsilon, z[k], z[k + 1]);
  }
  CHECK(std::abs(packets.constant - packets(z) - exponent) < 1e-12);

  const std::vector<Complex> steps{{0, 0.3}, {0, 0.3}, {0.2, -0.1}, {0.2, -0.1}, {0.4, -0.4}};
  const ContourAction trace = trace_action(path, steps);
  exponent = 0;
  for (std::size_t k = 0; k < 5; ++k) {
    const Complex to_next = z[(k + 1) % 5];
    exponent -= 0.5 * std::log(2 * pi * steps[k]) + (to_next - z[k]) * (to_next - z[k]) / (2.0 * steps[k]) +
                step_of(path, steps[k], z[k], to_next);
  }
  CHECK(std::abs(trace.constant - trace(z) - exponent) < 1e-12);
}

TEST_CASE("Gaussian integrals are those of packets and traces, on every contour", "[field]") {
  // a free packet spreads: <psi| e^{-ip^2 t/2} |psi> = (1 + it / 2 w^2)^{-1/2}, at any number of steps
  const double width = 0.8;
  for (const int steps : {1, 2, 7}) {
    const double t = 1.7;
    const PathOptions free{.spacing = t / steps, .potential = {0}};
    const HolomorphicFlow flow(packet_action(free, steps, {0, 0, width}, {0, 0, width}), 0.8);
    const Complex exact = 1.0 / std::sqrt(Complex(1, t / (2 * width * width)));
    CHECK(distance(flow.gaussian().on_the_real_plane, exact) < 1e-12);
    CHECK(distance(flow.gaussian().on_the_contour, exact) < 1e-11);
  }
  // of an oscillator that is pulled, between packets apart, by waves on a grid
  for (const PathRule rule : {PathRule::end_point, PathRule::symmetrised}) {
    const PathOptions pulled{.spacing = 0.2, .potential = {0, 0.3, 0.6}, .rule = rule};
    const WavePacket from{0.7, -0.5, 1.1};
    const WavePacket to{-0.4, 0.9, 0.8};
    const HolomorphicFlow flow(packet_action(pulled, 5, from, to), 0.6);
    const GridValue grid = packet_by_grid(pulled, 5, from, to);
    CHECK(grid.change < 1e-9);
    CHECK(distance(flow.gaussian().on_the_real_plane, grid.value) < 1e-9);
    CHECK(distance(flow.gaussian().on_the_contour, grid.value) < 1e-9);
  }
  // of a closed contour: trace, and <x_k x_0> = (H^{-1})_{k0}
  for (const PathRule rule : {PathRule::end_point, PathRule::symmetrised}) {
    const PathOptions oscillator{.spacing = 0.25, .potential = {0, 0, 0.9}, .rule = rule};
    std::vector<Complex> steps(3, Complex(0, 0.25));
    steps.insert(steps.end(), 5, (1.2 - Complex(0, 0.75)) / 5.0);
    const ContourAction action = trace_action(oscillator, steps);
    const HolomorphicFlow flow(action, 0.9);
    const ThermalGrid grid = thermal_by_grid(oscillator, steps, 3, 1.2);
    CHECK(distance(flow.gaussian().on_the_real_plane, grid.trace.value) < 1e-8);
    CHECK(distance(flow.gaussian().on_the_contour, grid.trace.value) < 1e-8);
    Eigen::MatrixXcd h = Eigen::MatrixXcd::Zero(8, 8);
    for (Eigen::Index k = 0; k < 8; ++k) {
      h(k, k) += action.diagonal[static_cast<std::size_t>(k)];
      h(k, (k + 1) % 8) += action.next[static_cast<std::size_t>(k)];
      h((k + 1) % 8, k) += action.next[static_cast<std::size_t>(k)];
    }
    const Eigen::MatrixXcd inverse = h.inverse();
    for (Eigen::Index k = 0; k <= 3; ++k)
      CHECK(distance(grid.correlator[static_cast<std::size_t>(k)].value, inverse(k, 0)) < 1e-8);
    // without steps of time: (e^{i omega t} + e^{beta omega} e^{-i omega t}) / (2 omega (e^{beta omega} - 1))
    const double omega = std::sqrt(1.8);
    for (int k = 0; k <= 3; ++k) {
      const double t = 0.25 * k;
      const Complex exact = (std::polar(1.0, omega * t) + std::exp(1.2 * omega) * std::polar(1.0, -omega * t)) /
                            (2 * omega * (std::exp(1.2 * omega) - 1));
      CHECK(distance(grid.continuum[static_cast<std::size_t>(k)], exact) < 1e-9);
    }
  }
}

TEST_CASE("on lines of the flow Re S rises and Im S stays, and det J is that of the map", "[field]") {
  const PathRule rule = GENERATE(PathRule::end_point, PathRule::mid_point, PathRule::symmetrised);
  const bool closed = GENERATE(false, true);
  const PathOptions path = anharmonic(rule, 0.3);
  const ContourAction action =
      closed ? trace_action(path, {{0, 0.3}, {0.2, -0.1}, {0.3, -0.2}}) : packet_action(path, 2, {0.3, 0.4, 0.9}, {});
  const HolomorphicFlow flow(action, 0.5);
  const int n = action.size();

  // draws in a small ball, over which the map is linear
  const double small = 1e-4;
  Eigen::VectorXd centre(n);
  centre << 0.4, -0.6, 0.7;
  const HolomorphicFlow::Proposal proposal{{1, centre, small * Eigen::MatrixXd::Identity(n, n)}};
  const HolomorphicFlow::Draws draws("draws", 200, static_cast<std::size_t>(flow.numbers()));
  flow.sample(3, 1, 5, proposal, 0.5, draws);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, draws);
  Eigen::MatrixXcd x(200, n + 1);
  Eigen::MatrixXcd z(200, n);
  for (Eigen::Index d = 0; d < 200; ++d) {
    const auto row = static_cast<std::size_t>(d);
    std::vector<Complex> from;
    std::vector<Complex> to;
    for (Eigen::Index k = 0; k < n; ++k) {
      const auto at = static_cast<std::size_t>(k);
      from.emplace_back(host(row, static_cast<std::size_t>(2 + 2 * n) + at));
      to.emplace_back(host(row, 2 + 2 * at), host(row, 3 + 2 * at));
      x(d, k) = from.back();
      z(d, k) = to.back();
    }
    x(d, n) = 1;
    const Complex rise = action(to) - action(from);
    CHECK(rise.real() > 0.1);
    CHECK(std::abs(rise.imag()) < 1e-3 * rise.real());
  }
  const Eigen::MatrixXcd map = x.colPivHouseholderQr().solve(z);  // rows: the Jacobian, then the shift
  const Complex det = map.topRows(n).determinant();
  for (Eigen::Index d = 0; d < 200; ++d) {
    const auto row = static_cast<std::size_t>(d);
    std::vector<Complex> to;
    double squares = 0;
    for (Eigen::Index k = 0; k < n; ++k) {
      to.push_back(z(d, k));
      squares += std::norm(x(d, k) - centre(k)) / (small * small);
    }
    const double log_density = std::lgamma(0.5 * (8 + n)) - std::lgamma(4.0) - 0.5 * n * std::log(8 * pi) -
                               n * std::log(small) - 0.5 * (8 + n) * std::log(1 + squares / 8);
    const Complex w = std::polar(std::exp(host(row, 0) + log_density), host(row, 1));
    CHECK(distance(w, std::exp(action.constant - action(to)) * det) < 0.02);
  }
}

TEST_CASE("means over draws on a contour are sums over a grid", "[field][statistical]") {
  PathOptions path{.spacing = 0.25, .potential = {0, 0.1, 0.5, 0, 0.6}, .rule = PathRule::symmetrised};
  SECTION("a quartic potential") {}
  SECTION("a double well with a bump") {
    path = {.spacing = 0.25, .potential = {0, 0, -0.5, 0.1, 0.3}, .bumps = {{0.7, 0.2, 0.5}}};
  }
  const WavePacket from{0.3, 0.5, 1};
  const WavePacket to{-0.1, 0.2, 0.9};
  const GridValue grid = packet_by_grid(path, 3, from, to);
  REQUIRE(grid.change < 1e-6);
  for (const double time : {0.5, 0.8}) {
    const Mean mean = mean_of(HolomorphicFlow(packet_action(path, 3, from, to), time), 40000);
    CAPTURE(time, mean.value, grid.value, mean.error);
    CHECK(mean.error < 0.02);
    CHECK(std::abs(mean.value - grid.value) < 4 * mean.error);
  }
  // Z of a closed contour
  std::vector<Complex> steps{{0, 0.25}, {0, 0.25}};
  steps.insert(steps.end(), 3, (1.0 - Complex(0, 0.5)) / 3.0);
  const ThermalGrid thermal = thermal_by_grid(path, steps, 2, 1.0);
  const Mean trace = mean_of(HolomorphicFlow(trace_action(path, steps), 0.8), 40000);
  CAPTURE(trace.value, thermal.trace.value, trace.error);
  CHECK(trace.error < 0.03 * std::abs(thermal.trace.value));
  CHECK(std::abs(trace.value - thermal.trace.value) < 4 * trace.error);
}

TEST_CASE("a mixture finds the places of weight", "[field]") {
  // two narrow peaks in a wide first proposal
  Eigen::MatrixXd x(4000, 2);
  Eigen::VectorXd weights(4000);
  HolomorphicFlow::Proposal proposal(9);
  for (std::size_t m = 0; m < proposal.size(); ++m) {
    const Eigen::Vector2d mean(0.2 * static_cast<double>(m) - 0.8, m % 2 == 0 ? 0.3 : -0.3);
    proposal[m] = {1.0 / 9, mean, 1.5 * Eigen::MatrixXd::Identity(2, 2)};
  }
  std::uint64_t state = 1;
  const auto uniform_number = [&state] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state >> 11) * 0x1.0p-53;
  };
  for (int round = 0; round < 10; ++round) {
    for (Eigen::Index d = 0; d < 4000; ++d) {
      x(d, 0) = 6 * uniform_number() - 3;
      x(d, 1) = 6 * uniform_number() - 3;
      const double left = std::hypot(x(d, 0) + 1, x(d, 1) - 1) / 0.3;
      const double right = std::hypot(x(d, 0) - 2, x(d, 1)) / 0.2;
      weights(d) = std::exp(-0.5 * left * left) / 0.09 + std::exp(-0.5 * right * right) / 0.04;
    }
    proposal = HolomorphicFlow::improve(proposal, x, weights, round < 6 ? 3 : 0);
  }
  double share = 0;
  for (const auto& [ax, ay, spread] : {std::array{-1.0, 1.0, 0.3}, std::array{2.0, 0.0, 0.2}}) {
    double near = 0;
    for (std::size_t m = 1; m < proposal.size(); ++m) {
      if (std::hypot(proposal[m].mean(0) - ax, proposal[m].mean(1) - ay) < 0.3 && proposal[m].factor(0, 0) < 3 * spread)
        near += proposal[m].share;
    }
    CHECK(near > 0.25);
    share += near;
  }
  CHECK(share > 0.7);
  CHECK(proposal[0].share == 0.1);
  CHECK(proposal[0].factor(0, 0) > 1);
}

TEST_CASE("grids refuse V at the middles of steps", "[field]") {
  const PathOptions path{.spacing = 0.2, .potential = {0, 0, 0.5}, .rule = PathRule::mid_point};
  CHECK_THROWS_AS(packet_by_grid(path, 2, {}, {}), UsageError);
  CHECK_THROWS_AS(thermal_by_grid(path, {0.2, 0.2, 0.2}, 0, 0.6), UsageError);
}
