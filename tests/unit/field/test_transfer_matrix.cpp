// The transfer matrix of a path against linear algebra of Gaussian paths and against published numbers.
#include <Eigen/Dense>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <numbers>

#include "koushi/field/transfer_matrix.hpp"

using namespace koushi;

namespace {

TransferResult solve(const PathOptions& path, int length, Boundary boundary, int levels = 3) {
  const auto extent = TransferMatrix::extent(path, length, boundary);
  return TransferMatrix(path, extent.reach, extent.points).solve(length, boundary, levels);
}

/// Mean and covariance of a path in V = u x + c x^2, and log Z of the transfer matrix.
struct Gaussian {
  Eigen::MatrixXd covariance;
  Eigen::VectorXd mean;
  double log_z;
};

Gaussian gaussian_path(const PathOptions& path, int n, Boundary boundary) {
  const double a = path.spacing;
  const double u = path.potential[1];
  const double c = path.potential[2];
  Eigen::MatrixXd m = Eigen::MatrixXd::Zero(n, n);
  Eigen::VectorXd linear = Eigen::VectorXd::Zero(n);
  double constant = 0;
  int steps = 0;
  // a step between sign * x_i (or the number `given`) and x_j
  const auto add_step = [&](int i, int j, double sign, double given) {
    ++steps;
    Eigen::VectorXd from = Eigen::VectorXd::Zero(n);
    Eigen::VectorXd to = Eigen::VectorXd::Zero(n);
    double from_number = 0;
    double to_number = 0;
    i >= 0 ? static_cast<void>(from(i) = sign) : static_cast<void>(from_number = given);
    j >= 0 ? static_cast<void>(to(j) = 1) : static_cast<void>(to_number = given);
    const auto add_square = [&](double factor, const Eigen::VectorXd& v, double number) {
      m += 2 * factor * v * v.transpose();
      linear += 2 * factor * number * v;
      constant += factor * number * number;
    };
    add_square(0.5 / a, to - from, to_number - from_number);
    const bool half_ends = path.rule == PathRule::symmetrised && boundary == Boundary::open;
    if (path.rule == PathRule::mid_point) {
      add_square(0.25 * a * c, to + from, to_number + from_number);
      linear += 0.5 * a * u * (to + from);
      constant += 0.5 * a * u * (to_number + from_number);
    } else if (half_ends) {
      add_square(0.5 * a * c, to, to_number);
      add_square(0.5 * a * c, from, from_number);
      linear += 0.5 * a * u * (to + from);
    }
  };
  for (int i = 0; i + 1 < n; ++i) add_step(i, i + 1, 1, 0);
  if (boundary == Boundary::periodic) add_step(n - 1, 0, 1, 0);
  if (boundary == Boundary::antiperiodic) add_step(n - 1, 0, -1, 0);
  if (boundary == Boundary::fixed) {
    add_step(-1, 0, 1, path.ends[0]);
    add_step(n - 1, -1, 1, path.ends[1]);
  }
  if (path.rule == PathRule::end_point || (path.rule == PathRule::symmetrised && boundary != Boundary::open)) {
    m.diagonal().array() += 2 * a * c;
    linear.array() += a * u;
  }
  Gaussian result;
  result.covariance = m.inverse();
  result.mean = -result.covariance * linear;
  result.log_z = -constant + 0.5 * linear.dot(result.covariance * linear) - 0.5 * std::log(m.determinant()) +
                 0.5 * n * std::log(2 * std::numbers::pi) - 0.5 * steps * std::log(2 * std::numbers::pi * a);
  return result;
}

}  // namespace

TEST_CASE("paths in quadratic potentials are Gaussians, with every rule and all ends", "[field][exact]") {
  for (const Boundary boundary : {Boundary::periodic, Boundary::antiperiodic, Boundary::open, Boundary::fixed}) {
    for (const PathRule rule : {PathRule::end_point, PathRule::mid_point, PathRule::symmetrised}) {
      for (const int n : {1, 2, 3, 9}) {
        const bool even = boundary == Boundary::antiperiodic;
        if (boundary == Boundary::open && n == 1 && rule != PathRule::end_point) continue;  // S = 0
        if (even && n == 1 && rule == PathRule::mid_point) continue;                        // the middle of x and -x
        const PathOptions path{
            .spacing = 0.4, .potential = {0, even ? 0 : 0.7, 0.6}, .rule = rule, .ends = {1.2, -0.5}};
        INFO("boundary " << static_cast<int>(boundary) << ", rule " << static_cast<int>(rule) << ", n = " << n);
        const Gaussian exact = gaussian_path(path, n, boundary);
        const TransferResult found = solve(path, n, boundary);
        const Eigen::VectorXd variance = exact.covariance.diagonal();
        CHECK(std::abs(found.mean - exact.mean.mean()) < 1e-11);
        CHECK(std::abs(found.x2 - (variance.array() + exact.mean.array().square()).mean()) < 1e-11);
        CHECK(std::abs(found.x4 - (3 * variance.array().square() + 6 * variance.array() * exact.mean.array().square() +
                                   exact.mean.array().pow(4))
                                      .mean()) < 1e-10);
        CHECK(std::abs(found.log_z - exact.log_z) < 1e-11);
        if (boundary == Boundary::fixed) {
          CHECK(found.correlator.empty());
          continue;
        }
        REQUIRE(found.correlator.size() == static_cast<std::size_t>(n / 2 + 1));
        for (int t = 0; t <= n / 2; ++t) {
          double sum = 0;
          const int pairs = boundary == Boundary::open ? n - t : n;
          for (int i = 0; i < pairs; ++i)
            sum += (i + t >= n && even ? -1 : 1) * exact.covariance(i, (i + t) % n) / pairs;
          CHECK(std::abs(found.correlator[static_cast<std::size_t>(t)] - sum) < 1e-11);
        }
      }
    }
  }
}

TEST_CASE("the free kernel is exact at every number of steps", "[field][exact]") {
  for (const int n : {1, 4, 15}) {
    const PathOptions path{.spacing = 1.7 / (n + 1), .potential = {0}, .ends = {0.3, -0.9}};
    const double t = 1.7;
    CHECK(std::abs(solve(path, n, Boundary::fixed).log_z -
                   (-0.5 * 1.2 * 1.2 / t - 0.5 * std::log(2 * std::numbers::pi * t))) < 1e-11);
  }
}

TEST_CASE("published numbers of V = x^2/2 + x^4 and of bumps", "[field][exact]") {
  // <x^2> of paths of length 10 with the mid-point rule, gaps of both rules
  struct Row {
    double a;
    double x2;
    double mid_point;
  };
  for (const Row& row : {Row{0.5, 0.285313, 1.8522}, Row{0.25, 0.273395, 1.8464}, Row{0.1, 0.264397, 1.8851}}) {
    const PathOptions path{.spacing = row.a, .potential = {0, 0, 0.5, 0, 1}, .rule = PathRule::mid_point};
    const TransferResult found = solve(path, static_cast<int>(std::lround(10 / row.a)), Boundary::periodic);
    CHECK(std::abs(found.x2 - row.x2) < 6e-7);
    CHECK(std::abs(found.levels[1] - found.levels[0] - row.mid_point) < 6e-5);
  }
  const PathOptions fine{.spacing = 0.01, .potential = {0, 0, 0.5, 0, 1}, .rule = PathRule::symmetrised};
  const TransferResult found = solve(fine, 1000, Boundary::periodic);
  CHECK(std::abs(found.levels[1] - found.levels[0] - 1.934121617) < 1e-4);  // E_1 - E_0 of H, error O(a^2)
  // a bump that is nearly flat where the path is shifts all levels by its height, and leaves the rest
  const TransferResult plain = solve({.spacing = 0.2, .potential = {0, 0, 0.5}}, 30, Boundary::periodic);
  const TransferResult raised =
      solve({.spacing = 0.2, .potential = {0, 0, 0.5}, .bumps = {{0.8, 0, 1e5}}}, 30, Boundary::periodic);
  CHECK(std::abs(raised.levels[0] - plain.levels[0] - 0.8) < 1e-8);
  CHECK(std::abs(raised.x2 - plain.x2) < 1e-8);
  // curvature of a bump, 1/2 height / width^2, in perturbation theory of a wide one
  const TransferResult bent =
      solve({.spacing = 0.2, .potential = {0, 0, 0.5}, .bumps = {{1.0, 0, 100}}}, 30, Boundary::periodic);
  const TransferResult softer = solve({.spacing = 0.2, .potential = {0, 0, 0.5 - 0.5e-4}}, 30, Boundary::periodic);
  CHECK(std::abs(bent.x2 - softer.x2) < 1e-7);
}
