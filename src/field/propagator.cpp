#include "koushi/field/propagator.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "koushi/base/error.hpp"
#include "koushi/random/normal.hpp"

namespace koushi {

using std::numbers::pi;

std::string Propagator::objection(const PathOptions& path) {
  if (path.degree() <= 2) return "";
  const std::size_t degree = path.degree();
  return fmt::format(
      "V grows as x^{}: on contours rotated by an angle t the weight |e^(iS)| grows as e^(a c |x|^{} sin({} t)) for "
      "small "
      "t > 0 and c > 0, so that they leave the class of the real axis",
      degree, degree, degree);
}

Propagator::Propagator(const PathOptions& path, int steps) : path_(path), steps_(steps) {
  if (const std::string why = objection(path); !why.empty())
    throw UsageError(why + "\n  expected: a quadratic V and bumps");
  c1_ = path.potential.size() > 1 ? path.potential[1] : 0;
  c2_ = path.potential.size() > 2 ? path.potential[2] : 0;
  const double a = path.spacing;
  const bool middle = path.rule == PathRule::mid_point;
  const double diagonal = 2 / a - (middle ? a * c2_ : 2 * a * c2_);
  off_ = -1 / a - (middle ? 0.5 * a * c2_ : 0);
  for (int n = 1; n < steps; ++n) {
    const double pivot = n == 1 ? diagonal : diagonal - off_ * off_ / pivot_.back();
    if (!(std::abs(pivot) > 1e-10 / a))
      throw UsageError("the path ends at a caustic, where the kernel is infinite\n  expected: another time");
    pivot_.push_back(pivot);
    if (pivot < 0) ++n_negative_;
    log_determinant_ += std::log(std::abs(a * pivot));
  }
}

double Propagator::weight_of_end() const { return path_.rule == PathRule::symmetrised ? 0.5 : 1; }

double Propagator::action(const std::vector<double>& x) const {
  const double a = path_.spacing;
  const auto v = [&](double at) { return (c1_ + c2_ * at) * at; };
  double s = 0;
  for (std::size_t n = 1; n < x.size(); ++n) {
    s += (x[n] - x[n - 1]) * (x[n] - x[n - 1]) / (2 * a);
    if (path_.rule == PathRule::mid_point) {
      s -= a * v(0.5 * (x[n] + x[n - 1]));
    } else {
      s -= a * v(x[n]) * (n + 1 == x.size() ? weight_of_end() : 1);
    }
  }
  if (path_.rule == PathRule::symmetrised) s -= 0.5 * a * v(x[0]);
  return s;
}

std::vector<double> Propagator::classical(double begin, double end) const {
  // dS/dx_n = 0: A x = right, with the ends and c_1 on the right
  std::vector<double> x(static_cast<std::size_t>(steps_) + 1, 0.0);
  x.front() = begin;
  x.back() = end;
  const auto n = static_cast<std::size_t>(steps_ - 1);
  std::vector<double> y(n, path_.spacing * c1_);
  if (n == 0) return x;
  y.front() -= off_ * begin;
  y.back() -= off_ * end;
  for (std::size_t k = 1; k < n; ++k) y[k] -= off_ / pivot_[k - 1] * y[k - 1];
  for (std::size_t k = n; k-- > 0;) x[k + 1] = (y[k] - (k + 1 < n ? off_ * x[k + 2] : 0)) / pivot_[k];
  return x;
}

Propagator::Complex Propagator::gaussian(double begin, double end) const {
  const double a = path_.spacing;
  const double modulus = std::exp(-0.5 * (std::log(2 * pi * a) + log_determinant_));
  return std::polar(modulus, action(classical(begin, end)) - 0.25 * pi - 0.5 * pi * n_negative_);
}

/// Of V = c_1 x + c_2 x^2, omega^2 = 2 c_2, about its rest: (omega / 2 pi i sin omega t)^{1/2} e^{iS_cl}, Maslov's sign from
/// the passed caustics; omega^2 < 0 and 0 by the same functions of an imaginary omega t.
Propagator::Complex Propagator::continuum(double begin, double end) const {
  const double t = path_.spacing * steps_;
  if (c2_ == 0) {
    const double mean = 0.5 * (begin + end);
    return std::polar(1 / std::sqrt(2 * pi * t), (end - begin) * (end - begin) / (2 * t) - c1_ * t * mean -
                                                     c1_ * c1_ * t * t * t / 24 - 0.25 * pi);
  }
  const double w = std::sqrt(2 * std::abs(c2_));
  const double s = c2_ > 0 ? std::sin(w * t) : std::sinh(w * t);
  const double c = c2_ > 0 ? std::cos(w * t) : std::cosh(w * t);
  const double rest = -c1_ / (2 * c2_);
  const double u = begin - rest;
  const double v = end - rest;
  const double passed = c2_ > 0 ? std::floor(w * t / pi) : 0;
  return std::polar(
      std::sqrt(w / (2 * pi * std::abs(s))),
      w / (2 * s) * ((u * u + v * v) * c - 2 * u * v) + c1_ * c1_ / (4 * c2_) * t - 0.25 * pi - 0.5 * pi * passed);
}

double Propagator::default_angle(double begin, double end) const {
  bool still = true;
  for (const double at : classical(begin, end)) {
    for (const auto& bump : path_.bumps) still = still && std::abs(at - bump[1]) < 1e-12;
  }
  if (still || steps_ < 2) return 0.25 * pi;
  return 0.5 * std::asin(std::max(0.8, std::pow(0.5, 2.0 / (steps_ - 1))));
}

double Propagator::log_bound(double begin, double end, double angle) const {
  double most = 0;
  const double falls = std::cos(2 * angle);
  const double sine = std::sin(angle);
  for (const double at : classical(begin, end)) {
    for (const auto& [height, centre, width] : path_.bumps) {
      const double d = at - centre;
      if (std::abs(d) < 1e-12) continue;
      if (!(falls > 1e-12)) return INFINITY;
      most = std::max(most, d * d * sine * sine / (2 * width * width * falls));
    }
  }
  return most;
}

Propagator::Complex Propagator::normalisation(double angle) const {
  return std::pow(Complex(1, -1 / std::tan(2 * angle)), 0.5 * (steps_ - 1));
}

namespace {

/// sum_b height_b e^{-(x - c_b)^2 / 2 w_b^2} at a complex x.
struct Bumps {
  int n = 0;
  double height[PathOptions::max_bumps] = {};
  double centre[PathOptions::max_bumps] = {};
  double half_curvature[PathOptions::max_bumps] = {};  ///< 1 / 2 w^2
  explicit Bumps(const PathOptions& path) : n(static_cast<int>(path.bumps.size())) {
    for (int b = 0; b < n; ++b) {
      const auto& [h, c, w] = path.bumps[static_cast<std::size_t>(b)];
      height[b] = h;
      centre[b] = c;
      half_curvature[b] = 0.5 / (w * w);
    }
  }
  KOKKOS_FUNCTION void add(double re, double im, double factor, double& sum_re, double& sum_im) const {
    for (int b = 0; b < n; ++b) {
      const double u = re - centre[b];
      const double scale = factor * height[b] * Kokkos::exp(-half_curvature[b] * (u * u - im * im));
      const double angle = -2 * half_curvature[b] * u * im;
      sum_re += scale * Kokkos::cos(angle);
      sum_im += scale * Kokkos::sin(angle);
    }
  }
};

/// Draws y = U^{-1} D^{-1/2} z and adds what their weights w are, for all ends. One item is one block of draws.
struct SampleWeights {
  Bumps bumps;
  Kokkos::View<const double*> pivot;
  Kokkos::View<const double**, Kokkos::LayoutRight> classical;  ///< [end][point]
  Propagator::Sums sums;
  Kokkos::View<double**, Kokkos::LayoutRight> path;  ///< [block][point] y of a draw
  double off;
  double spacing;
  double end_weight;
  double begin_weight;
  Kokkos::View<const double* [3], Kokkos::LayoutRight>
      turn;  ///< [end]: cos t and sin t over the root of sin 2t, cot 2t
  bool middle;
  std::uint64_t seed;
  std::uint64_t first;
  std::int64_t count;
  int block;

  KOKKOS_FUNCTION void operator()(int item) const {
    const int points = static_cast<int>(pivot.extent(0));
    double* const y = &path(item, 0);  // 0 at both ends
    for (std::int64_t d = static_cast<std::int64_t>(item) * block;
         d < count && d < static_cast<std::int64_t>(item + 1) * block; ++d) {
      NormalPair z{};
      double squares = 0;
      for (int n = points; n > 0; --n) {
        if (n == points || (n - 1) % 2 == 1) {
          z = normal_pair(philox(seed, RandomPurpose::real_time_paths, first + static_cast<std::uint64_t>(d),
                                 static_cast<std::uint64_t>((n - 1) / 2), 0));
        }
        const double normal = (n - 1) % 2 == 0 ? z.first : z.second;
        squares += normal * normal;
        y[n] = normal / Kokkos::sqrt(pivot(n - 1)) - (n < points ? off / pivot(n - 1) * y[n + 1] : 0);
      }
      for (int e = 0; e < static_cast<int>(classical.extent(0)); ++e) {
        const double cosine = turn(e, 0);
        const double sine = turn(e, 1);
        double re = 0;
        double im = 0;
        for (int n = 0; n <= points + 1; ++n) {
          if (middle) {
            if (n == 0) continue;
            const double m = 0.5 * (y[n] + y[n - 1]);
            bumps.add(0.5 * (classical(e, n) + classical(e, n - 1)) + cosine * m, sine * m, spacing, re, im);
          } else {
            const double weight = n == 0 ? begin_weight : n == points + 1 ? end_weight : 1;
            bumps.add(classical(e, n) + cosine * y[n], sine * y[n], weight * spacing, re, im);
          }
        }
        re -= 0.5 * turn(e, 2) * squares;
        // w = e^{-i (re + i im)}
        const double modulus = Kokkos::exp(im);
        sums(item, e, 0) += modulus * Kokkos::cos(re);
        sums(item, e, 1) -= modulus * Kokkos::sin(re);
        sums(item, e, 2) += modulus;
        sums(item, e, 3) += modulus * modulus;
      }
    }
  }
};

}  // namespace

void Propagator::sample(std::uint64_t seed, std::uint64_t first, std::int64_t count, int block, double begin,
                        const std::vector<double>& ends, const std::vector<double>& angles, const Sums& sums) const {
  const std::size_t points = pivot_.size();
  const Kokkos::View<double*> pivot("koushi::field::pivots", points);
  const Kokkos::View<double**, Kokkos::LayoutRight> paths("koushi::field::classical", ends.size(), points + 2);
  const auto host_pivot = Kokkos::create_mirror_view(pivot);
  const auto host_paths = Kokkos::create_mirror_view(paths);
  for (std::size_t n = 0; n < points; ++n) host_pivot(n) = pivot_[n];
  for (std::size_t e = 0; e < ends.size(); ++e) {
    const std::vector<double> x = classical(begin, ends[e]);
    for (std::size_t n = 0; n < x.size(); ++n) host_paths(e, n) = x[n];
  }
  const Kokkos::View<double* [3], Kokkos::LayoutRight> turn("koushi::field::angles", ends.size());
  const auto host_turn = Kokkos::create_mirror_view(turn);
  for (std::size_t e = 0; e < ends.size(); ++e) {
    const double root = std::sqrt(std::sin(2 * angles[e]));
    host_turn(e, 0) = std::cos(angles[e]) / root;
    host_turn(e, 1) = std::sin(angles[e]) / root;
    host_turn(e, 2) = std::cos(2 * angles[e]) / std::sin(2 * angles[e]);
  }
  Kokkos::deep_copy(turn, host_turn);
  Kokkos::deep_copy(pivot, host_pivot);
  Kokkos::deep_copy(paths, host_paths);
  const auto blocks = static_cast<int>((count + block - 1) / block);
  const Kokkos::View<double**, Kokkos::LayoutRight> y("koushi::field::fluctuations", static_cast<std::size_t>(blocks),
                                                      points + 2);
  const bool middle = path_.rule == PathRule::mid_point;
  const SampleWeights kernel{Bumps(path_),
                             pivot,
                             paths,
                             sums,
                             y,
                             off_,
                             path_.spacing,
                             weight_of_end(),
                             path_.rule == PathRule::symmetrised ? 0.5 : 0.0,
                             turn,
                             middle,
                             seed,
                             first,
                             count,
                             block};
  Kokkos::parallel_for("koushi::field::real_time_paths", Kokkos::RangePolicy<>(0, blocks), kernel);
}

Propagator::Complex Propagator::mean_by_grid(double begin, double end, double angle, double step, double widths) const {
  if (n_negative_ > 0) throw UsageError("a caustic has been passed\n  expected: a shorter time");
  const std::vector<double> x = classical(begin, end);
  const auto n = pivot_.size();
  const double a = path_.spacing;
  const bool middle = path_.rule == PathRule::mid_point;
  const Bumps bumps(path_);
  const auto factor = [&](double re, double im, double weight) {
    double sum_re = 0;
    double sum_im = 0;
    bumps.add(re, im, weight * a, sum_re, sum_im);
    return std::polar(std::exp(sum_im), -sum_re);
  };
  // variances of y: the largest decides the grid
  double largest = 0;
  {
    Eigen::VectorXd variance(static_cast<Eigen::Index>(n));
    for (std::size_t k = n; k-- > 0;) {
      const double ratio = k + 1 < n ? off_ / pivot_[k] : 0;
      variance(static_cast<Eigen::Index>(k)) =
          1 / pivot_[k] + (k + 1 < n ? ratio * ratio * variance(static_cast<Eigen::Index>(k + 1)) : 0);
    }
    largest = n > 0 ? std::sqrt(variance.maxCoeff() / std::sin(2 * angle)) : 0;
  }
  const double h = step * std::sqrt(a);
  const auto m = static_cast<Eigen::Index>(std::ceil(widths * largest / h));
  const Eigen::Index size = 2 * m + 1;
  // between two points e^{-off y y'} and on a point e^{-diagonal y^2 / 2}, with the factor sin 2t - i cos 2t of yAy; the
  // weights of the ends are factors
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  const Complex turned(std::sin(2 * angle), -std::cos(2 * angle));
  const double own = n > 0 ? pivot_[0] : 0;
  const auto y = [&](Eigen::Index i) { return h * static_cast<double>(i - m); };
  const auto kernel = [&](double u, double v) {
    return std::exp(-turned * (0.25 * own * (u * u + v * v) + off_ * u * v));
  };
  const auto at_point = [&](std::size_t k, double u) {
    return middle ? Complex(1) : factor(x[k] + cosine * u, sine * u, 1);
  };
  const auto on_step = [&](std::size_t k, double u, double v) {  // of step k, from x_{k-1} to x_k
    if (!middle) return Complex(1);
    const double between = 0.5 * (u + v);
    return factor(0.5 * (x[k - 1] + x[k]) + cosine * between, sine * between, 1);
  };
  Complex edges = 1;
  if (!middle) {
    edges = factor(x.back(), 0, weight_of_end());
    if (path_.rule == PathRule::symmetrised) edges *= factor(x.front(), 0, 0.5);
  }
  if (n == 0) return edges * on_step(1, 0, 0);
  Eigen::VectorXcd with(size);
  Eigen::VectorXcd without(size);
  for (Eigen::Index i = 0; i < size; ++i) {
    without(i) = kernel(0, y(i));
    with(i) = without(i) * on_step(1, 0, y(i)) * at_point(1, y(i));
  }
  Eigen::MatrixXcd plain(size, size);
  for (Eigen::Index i = 0; i < size; ++i) {
    for (Eigen::Index j = 0; j < size; ++j) plain(i, j) = h * kernel(y(i), y(j));
  }
  const double scale = plain.rowwise().sum().cwiseAbs().maxCoeff();
  plain /= scale;
  for (std::size_t k = 2; k <= n; ++k) {
    Eigen::VectorXcd next(size);
    if (middle) {
      for (Eigen::Index i = 0; i < size; ++i) {
        Complex sum = 0;
        for (Eigen::Index j = 0; j < size; ++j) sum += plain(i, j) * on_step(k, y(j), y(i)) * with(j);
        next(i) = sum;
      }
    } else {
      next = plain * with;
    }
    for (Eigen::Index i = 0; i < size; ++i) next(i) *= at_point(k, y(i));
    with = next;
    without = plain * without;
  }
  Complex above = 0;
  Complex below = 0;
  for (Eigen::Index i = 0; i < size; ++i) {
    above += kernel(y(i), 0) * on_step(n + 1, y(i), 0) * with(i);
    below += kernel(y(i), 0) * without(i);
  }
  return edges * above / below;
}

}  // namespace koushi
