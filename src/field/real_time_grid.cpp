#include "koushi/field/real_time_grid.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

using Complex = std::complex<double>;
using std::numbers::pi;

/// Points of a ring of x of length 2 reach, and functions of the momentum between them.
struct Ring {
  Eigen::VectorXd x;
  double step;
  Ring(double reach, Eigen::Index points) : x(points), step(2 * reach / static_cast<double>(points)) {
    for (Eigen::Index k = 0; k < points; ++k) x(k) = step * static_cast<double>(k) - reach;
  }
  /// f(p) between points, by their distance d = 0 ... points - 1 on the ring: 1/M sum_p f(p) e^{ipd}
  template <typename Function>
  Eigen::VectorXcd of_momentum(const Function& f) const {
    const Eigen::Index m = x.size();
    Eigen::VectorXcd of_wave(m);
    Eigen::VectorXcd wave(m);
    for (Eigen::Index k = 0; k < m; ++k) {
      const double p = 2 * pi / (step * static_cast<double>(m)) * static_cast<double>(k <= m / 2 ? k : k - m);
      of_wave(k) = f(p) / static_cast<double>(m);
      wave(k) = std::polar(1.0, 2 * pi * static_cast<double>(k) / static_cast<double>(m));
    }
    Eigen::VectorXcd kernel = Eigen::VectorXcd::Zero(m);
    for (Eigen::Index d = 0; d < m; ++d) {
      for (Eigen::Index k = 0; k < m; ++k) kernel(d) += of_wave(k) * wave((k * d) % m);
    }
    return kernel;
  }
  /// e^{-epsilon p^2 / 2}
  Eigen::VectorXcd free(Complex epsilon) const {
    return of_momentum([epsilon](double p) { return std::exp(-0.5 * epsilon * p * p); });
  }
};

void refuse_middles(const PathOptions& path) {
  if (path.rule == PathRule::mid_point)
    throw UsageError("V at the middles of steps is no product of V and T\n  expected: another rule");
}

Eigen::VectorXcd on_grid(const WavePacket& packet, const Eigen::VectorXd& x) {
  Eigen::VectorXcd psi(x.size());
  const double norm = std::pow(pi * packet.width * packet.width, -0.25);
  for (Eigen::Index k = 0; k < x.size(); ++k) {
    const double d = x(k) - packet.position;
    psi(k) = norm * std::exp(Complex(-0.5 * d * d / (packet.width * packet.width), packet.momentum * d));
  }
  return psi;
}

Complex packet_on(const PathOptions& path, int steps, const WavePacket& from, const WavePacket& to, double reach,
                  Eigen::Index points) {
  const Ring ring(reach, points);
  const double a = path.spacing;
  const bool halves = path.rule == PathRule::symmetrised;
  Eigen::VectorXcd half(points);
  Eigen::VectorXd rim(points);
  for (Eigen::Index k = 0; k < points; ++k) {
    half(k) = std::polar(1.0, -(halves ? 0.5 : 1.0) * a * path.value(ring.x(k)));
    const double beyond = std::max(0.0, std::abs(ring.x(k)) / reach - 0.8) / 0.2;
    rim(k) = std::pow(std::max(0.0, std::cos(0.5 * pi * beyond)), 0.25);
  }
  const Eigen::VectorXcd kernel = ring.free({0, a});
  Eigen::VectorXcd psi = on_grid(from, ring.x);
  std::vector<Complex> twice(2 * static_cast<std::size_t>(points));  // the kernel, unrolled
  for (std::size_t d = 0; d < twice.size(); ++d) twice[d] = kernel(static_cast<Eigen::Index>(d) % points);
  for (int n = 0; n < steps; ++n) {
    if (halves) psi = psi.cwiseProduct(half);
    Eigen::VectorXcd next(points);
    for (Eigen::Index i = 0; i < points; ++i) {
      // the kernel is even, so that the distance i - j may be read as j - i
      const Eigen::Map<const Eigen::VectorXcd> row(twice.data() + (points - i) % points, points);
      next(i) = (row.transpose() * psi)(0);
    }
    psi = next.cwiseProduct(half).cwiseProduct(rim.cast<Complex>());
  }
  return on_grid(to, ring.x).dot(psi) * ring.step;
}

struct Thermal {
  Complex trace;
  std::vector<Complex> correlator;
  std::vector<Complex> continuum;
};

Thermal thermal_on(const PathOptions& path, const std::vector<Complex>& steps, int real_steps, double beta,
                   double reach, Eigen::Index points) {
  const Ring ring(reach, points);
  const bool halves = path.rule == PathRule::symmetrised;
  const auto potential = [&](Complex epsilon) {
    Eigen::VectorXcd v(points);
    for (Eigen::Index k = 0; k < points; ++k) v(k) = std::exp(-epsilon * path.value(ring.x(k)));
    return v;
  };
  const auto step_matrix = [&](Complex epsilon) {
    const Eigen::VectorXcd kernel = ring.free(epsilon);
    Eigen::MatrixXcd m(points, points);
    for (Eigen::Index i = 0; i < points; ++i) {
      for (Eigen::Index j = 0; j < points; ++j) m(i, j) = kernel((i - j + points) % points);
    }
    const Eigen::VectorXcd end = potential(halves ? 0.5 * epsilon : epsilon);
    m = end.asDiagonal() * m;
    if (halves) m = m * end.asDiagonal();
    return m;
  };
  // forward^k for all k, and rest forward^(n - k): Tr[rest forward^(n-k) x forward^k x] / Tr[rest forward^n]
  std::vector<Eigen::MatrixXcd> forward{Eigen::MatrixXcd::Identity(points, points)};
  const Eigen::MatrixXcd one = real_steps > 0 ? step_matrix(steps.front()) : forward.front();
  for (int k = 0; k < real_steps; ++k) forward.push_back(one * forward.back());
  Eigen::MatrixXcd rest = Eigen::MatrixXcd::Identity(points, points);
  Eigen::MatrixXcd m;
  for (std::size_t k = static_cast<std::size_t>(real_steps); k < steps.size(); ++k) {
    if (k == static_cast<std::size_t>(real_steps) || steps[k] != steps[k - 1]) m = step_matrix(steps[k]);
    rest = m * rest;
  }
  const auto trace = [](const Eigen::MatrixXcd& a, const Eigen::MatrixXcd& b) {
    return a.cwiseProduct(b.transpose()).sum();
  };
  Thermal result;
  const Eigen::VectorXcd x = ring.x.cast<Complex>();
  for (int k = real_steps; k >= 0; --k) {  // rest grows by a forward step
    const Eigen::MatrixXcd both = x.asDiagonal() * forward[static_cast<std::size_t>(k)] * x.asDiagonal();
    result.correlator.push_back(trace(rest, both));
    if (k > 0) rest = rest * one;
  }
  std::reverse(result.correlator.begin(), result.correlator.end());
  result.trace = rest.trace();
  for (Complex& c : result.correlator) c /= result.trace;

  // H itself, on the same waves
  const Eigen::VectorXcd kinetic = ring.of_momentum([](double p) { return 0.5 * p * p; });
  Eigen::MatrixXd h(points, points);
  for (Eigen::Index i = 0; i < points; ++i) {
    for (Eigen::Index j = 0; j < points; ++j)
      h(i, j) = kinetic((i - j + points) % points).real() + (i == j ? path.value(ring.x(i)) : 0);
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(h);
  const Eigen::VectorXd& e = solved.eigenvalues();
  const Eigen::MatrixXd elements = solved.eigenvectors().transpose() * ring.x.asDiagonal() * solved.eigenvectors();
  const double a = real_steps > 0 ? steps.front().imag() : 0;
  for (int k = 0; k <= real_steps; ++k) {
    Complex sum = 0;
    double z = 0;
    for (Eigen::Index i = 0; i < points; ++i) {
      const double weight = std::exp(-beta * (e(i) - e(0)));
      z += weight;
      if (weight < 1e-18) continue;
      for (Eigen::Index j = 0; j < points; ++j)
        sum += weight * elements(i, j) * elements(i, j) * std::polar(1.0, (e(i) - e(j)) * a * k);
    }
    result.continuum.push_back(sum / z);
  }
  return result;
}

}  // namespace

GridValue packet_by_grid(const PathOptions& path, int steps, const WavePacket& from, const WavePacket& to) {
  refuse_middles(path);
  const double reach =
      20 + 1.5 * std::max(std::abs(from.position), std::abs(to.position)) + 4 * std::max(from.width, to.width);
  const Complex coarse = packet_on(path, steps, from, to, reach, 2048);
  const Complex fine = packet_on(path, steps, from, to, 1.2 * reach, 2880);
  return {fine, std::abs(fine - coarse)};
}

ThermalGrid thermal_by_grid(const PathOptions& path, const std::vector<Complex>& steps, int real_steps, double beta) {
  refuse_middles(path);
  const double reach = std::max(5.0, 1.8 * path.reach(40 / beta));
  const Thermal coarse = thermal_on(path, steps, real_steps, beta, reach, 300);
  const Thermal fine = thermal_on(path, steps, real_steps, beta, 1.1 * reach, 360);
  ThermalGrid result;
  result.trace = {fine.trace, std::abs(fine.trace - coarse.trace)};
  for (std::size_t k = 0; k < fine.correlator.size(); ++k)
    result.correlator.push_back({fine.correlator[k], std::abs(fine.correlator[k] - coarse.correlator[k])});
  result.continuum = fine.continuum;
  return result;
}

}  // namespace koushi
