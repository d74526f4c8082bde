// Kernels of paths in real time: closed forms, orders in the spacing, caustics, and bumps on the rotated contour.
#include <Eigen/Dense>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <complex>
#include <numbers>

#include "koushi/base/error.hpp"
#include "koushi/field/propagator.hpp"

using namespace koushi;

namespace {

using Complex = std::complex<double>;
using std::numbers::pi;

PathOptions path_of(double time, int steps, PathRule rule, double c1, double c2) {
  return {.spacing = time / steps, .potential = {0, c1, c2}, .rule = rule};
}

/// The integral over all points between, with its factors of every step, by the eigenvalues of the whole matrix.
Complex by_eigenvalues(const PathOptions& path, int steps, double begin, double end) {
  const double a = path.spacing;
  const int n = steps - 1;
  const double c1 = path.potential[1];
  const double c2 = path.potential[2];
  // S = x^T A x / 2 + b.x + c, step by step
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n, n);
  Eigen::VectorXd linear = Eigen::VectorXd::Zero(n);
  double constant = 0;
  const auto form = [&](int k, Eigen::VectorXd& v, double& number) {
    v = Eigen::VectorXd::Zero(n);
    number = 0;
    if (k == 0) number = begin;
    if (k == steps) number = end;
    if (k > 0 && k < steps) v(k - 1) = 1;
  };
  const auto add_square = [&](double factor, const Eigen::VectorXd& v, double number) {
    matrix += 2 * factor * v * v.transpose();
    linear += 2 * factor * number * v;
    constant += factor * number * number;
  };
  const auto add_v = [&](double factor, const Eigen::VectorXd& v, double number) {
    add_square(-factor * a * c2, v, number);
    linear -= factor * a * c1 * v;
    constant -= factor * a * c1 * number;
  };
  for (int k = 1; k <= steps; ++k) {
    Eigen::VectorXd u;
    Eigen::VectorXd v;
    double s = 0;
    double t = 0;
    form(k - 1, u, s);
    form(k, v, t);
    add_square(0.5 / a, v - u, t - s);
    if (path.rule == PathRule::mid_point) add_v(1, 0.5 * (u + v), 0.5 * (s + t));
    if (path.rule == PathRule::end_point) add_v(1, v, t);
    if (path.rule == PathRule::symmetrised) {
      add_v(0.5, u, s);
      add_v(0.5, v, t);
    }
  }
  Complex k = 1;
  for (int step = 0; step < steps; ++step) k *= std::polar(1 / std::sqrt(2 * pi * a), -0.25 * pi);
  if (n == 0) return k * std::polar(1.0, constant);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
  for (int i = 0; i < n; ++i) {
    const double eigenvalue = solver.eigenvalues()(i);
    k *= std::polar(std::sqrt(2 * pi / std::abs(eigenvalue)), eigenvalue > 0 ? 0.25 * pi : -0.25 * pi);
  }
  return k * std::polar(1.0, constant - 0.5 * linear.dot(matrix.inverse() * linear));
}

}  // namespace

TEST_CASE("kernels of quadratic actions are the complex Gaussian integrals of their matrices", "[field][exact]") {
  for (const PathRule rule : {PathRule::end_point, PathRule::mid_point, PathRule::symmetrised}) {
    for (const double c2 : {0.0, 0.5, 0.9, -0.3}) {
      for (const int steps : {1, 2, 3, 12}) {
        for (const double time : {0.4, 2.0, 3.7, 7.1}) {  // behind no, one, two caustics
          INFO("rule " << static_cast<int>(rule) << ", c_2 = " << c2 << ", " << steps << " steps, t = " << time);
          const PathOptions path = path_of(time, steps, rule, 0.3, c2);
          const Propagator propagator(path, steps);
          const Complex exact = by_eigenvalues(path, steps, 0.4, -0.8);
          CHECK(std::abs(propagator.gaussian(0.4, -0.8) - exact) < 1e-11 * std::abs(exact));
        }
      }
    }
  }
}

TEST_CASE("the free kernel is exact at every number of steps, also in a field of force", "[field][exact]") {
  for (const int steps : {1, 2, 7, 100}) {
    for (const double time : {0.1, 1.0, 12.0}) {
      const Propagator free(path_of(time, steps, PathRule::mid_point, 0, 0), steps);
      const Complex exact = std::polar(1 / std::sqrt(2 * pi * time), 1.3 * 1.3 / (2 * time) - 0.25 * pi);
      CHECK(std::abs(free.gaussian(-0.5, 0.8) - exact) < 1e-12 * std::abs(exact));
      CHECK(std::abs(free.continuum(-0.5, 0.8) - exact) < 1e-15);
    }
  }
}

TEST_CASE("kernels of an oscillator approach the continuum with the order of their rule", "[field][exact]") {
  // end-point 1, mid-point 2 once (1 + omega^2 a^2 / 4)^{-N/2} is divided out (else 1), symmetrised 2; before and behind
  // the first caustic, also for an inverted oscillator and with a force
  struct Case {
    PathRule rule;
    bool divided;
    double order;
  };
  for (const Case& one : {Case{PathRule::end_point, false, 1}, Case{PathRule::mid_point, false, 1},
                          Case{PathRule::mid_point, true, 2}, Case{PathRule::symmetrised, false, 2}}) {
    for (const double c2 : {0.5, -0.4}) {
      for (const double time : {1.3, 4.0}) {
        std::vector<double> errors;
        for (const int steps : {64, 128, 256, 640}) {
          const PathOptions path = path_of(time, steps, one.rule, 0.2, c2);
          const Propagator propagator(path, steps);
          Complex k = propagator.gaussian(0.7, -0.5);
          if (one.divided) k /= std::pow(1 + 2 * c2 * path.spacing * path.spacing / 4, -0.5 * steps);
          errors.push_back(std::abs(k - propagator.continuum(0.7, -0.5)));
        }
        INFO("rule " << static_cast<int>(one.rule) << ", divided " << one.divided << ", c_2 = " << c2
                     << ", t = " << time);
        CHECK(std::abs(std::log10(errors[0] / errors[3]) - one.order) < 0.06);  // over a decade of a
        CHECK(std::abs(std::log2(errors[1] / errors[2]) - one.order) < 0.06);
      }
    }
  }
  const Propagator behind(path_of(4.0, 100, PathRule::symmetrised, 0, 0.5), 100);
  CHECK(behind.n_negative() == 1);
  CHECK_THROWS_AS(Propagator({.spacing = 0.1, .potential = {0, 0, 0.5, 0, 1}}, 10), UsageError);
}

TEST_CASE("kernels with bumps have the values of independent transfer matrices", "[field][exact]") {
  // V = x^2/2 + e^{-x^2/2}, K(0, 0; t) of the symmetrised rule at N = 32
  struct Row {
    double time;
    Complex k;
  };
  for (const Row& row : {Row{0.5, {0.15970, -0.54119}}, Row{1, {-0.08032, -0.39154}}, Row{1.5, {-0.20459, -0.25674}},
                         Row{2, {-0.25695, -0.12794}}, Row{2.5, {-0.25188, -0.02948}}}) {
    PathOptions path = path_of(row.time, 32, PathRule::symmetrised, 0, 0.5);
    path.bumps = {{1, 0, 1}};
    const Propagator propagator(path, 32);
    const Complex k = propagator.gaussian(0, 0) * propagator.mean_by_grid(0, 0, 0.25 * pi);
    INFO("t = " << row.time << ": " << k.real() << " + " << k.imag() << " i");
    CHECK(std::abs(k - row.k) < 1.5e-5);
    CHECK(propagator.default_angle(0, 0) == 0.25 * pi);
    // finer and wider
    CHECK(std::abs(propagator.mean_by_grid(0, 0, 0.25 * pi) - propagator.mean_by_grid(0, 0, 0.25 * pi, 0.2, 11)) <
          1e-8);
  }
  // a flat bump is a constant in V, whatever the rule
  for (const PathRule rule : {PathRule::end_point, PathRule::mid_point, PathRule::symmetrised}) {
    PathOptions path = path_of(1.2, 9, rule, 0.1, 0.4);
    path.bumps = {{0.8, 0.5, 1e6}};
    const Propagator propagator(path, 9);
    CHECK(std::abs(propagator.mean_by_grid(0.3, -0.6, 0.25 * pi) - std::polar(1.0, -0.8 * 1.2)) < 1e-9);
    // and a wide one bends it: h e^{-x^2/2w^2} = h - h x^2 / 2 w^2 to first order
    path.bumps = {{1.0, 0, 300}};
    const PathOptions softer = path_of(1.2, 9, rule, 0.1, 0.4 - 0.5 / (300 * 300));
    const Complex bent =
        Propagator(path, 9).gaussian(0.3, -0.6) * Propagator(path, 9).mean_by_grid(0.3, -0.6, 0.25 * pi);
    const Complex exact = Propagator(softer, 9).gaussian(0.3, -0.6) * std::polar(1.0, -1.2);
    CHECK(std::abs(bent - exact) < 1e-8);
  }
  // the same on contours of other angles, off the centres of the bumps
  for (const PathRule rule : {PathRule::end_point, PathRule::mid_point, PathRule::symmetrised}) {
    PathOptions path = path_of(1.4, 8, rule, 0.2, 0.5);
    path.bumps = {{1.5, 0.3, 0.7}, {-0.8, -0.5, 0.5}};
    const Propagator propagator(path, 8);
    CHECK(std::isinf(propagator.log_bound(-0.4, 0.9, 0.25 * pi)));
    std::vector<Complex> found;
    for (const double angle : {0.4, 0.5, 0.6}) {
      CHECK(propagator.log_bound(-0.4, 0.9, angle) < 10);
      found.push_back(propagator.mean_by_grid(-0.4, 0.9, angle, 0.1, 11));
      CHECK(std::abs(found.back() - found.front()) < 1e-8);
    }
    CHECK(std::abs(propagator.default_angle(-0.4, 0.9) - 0.5 * std::asin(std::pow(0.5, 2.0 / 7))) < 1e-12);
  }
}

TEST_CASE("means over draws on the contour are those of the grid", "[field][exact][statistical]") {
  for (const PathRule rule : {PathRule::end_point, PathRule::mid_point, PathRule::symmetrised}) {
    PathOptions path = path_of(1.4, 8, rule, 0.2, 0.5);
    path.bumps = {{1.5, 0.3, 0.7}, {-0.8, -0.5, 0.5}};
    const Propagator propagator(path, 8);
    const std::vector<double> ends{0.0, 0.9};
    const std::vector<double> angles{0.5, 0.55};
    const int draws = 60000;
    const int block = 100;
    const Propagator::Sums sums("sums", draws / block, ends.size(), 4);
    propagator.sample(3, 500, draws, block, -0.4, ends, angles, sums);
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, sums);
    for (std::size_t e = 0; e < ends.size(); ++e) {
      const Complex exact =
          propagator.mean_by_grid(-0.4, ends[e], angles[e], 0.15) / propagator.normalisation(angles[e]);
      for (std::size_t part = 0; part < 2; ++part) {
        double mean = 0;
        double square = 0;
        for (std::size_t b = 0; b < host.extent(0); ++b) {
          mean += host(b, e, part) / draws;
          square += std::pow(host(b, e, part) / block, 2) * block / draws;
        }
        const double error = std::sqrt((square - mean * mean) * block / draws);
        INFO("rule " << static_cast<int>(rule) << ", end " << ends[e] << ": " << mean << " +- " << error);
        CHECK(std::abs(mean - (part == 0 ? exact.real() : exact.imag())) < 5 * error);
        CHECK(error < 0.01);
      }
    }
  }
}
