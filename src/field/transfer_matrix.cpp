#include "koushi/field/transfer_matrix.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

bool at_points(const PathOptions& path) { return path.rule != PathRule::mid_point; }

/// log of the element of T between two points, without its normalisation.
double log_kernel(const PathOptions& path, double x, double y) {
  const double a = path.spacing;
  const double potential = at_points(path) ? 0.5 * (path.value(x) + path.value(y)) : path.value(0.5 * (x + y));
  return -(x - y) * (x - y) / (2 * a) - a * potential;
}

}  // namespace

TransferMatrix::Extent TransferMatrix::extent(const PathOptions& path, int length, Boundary boundary) {
  const double a = path.spacing;
  double reach = 0;
  if (path.is_bound()) {
    // all wells stand within `wide`; how far V - lowest is small to the outside of each side
    const double without = path.reach(1);
    double wide = without;
    for (const auto& [height, centre, width] : path.bumps) {
      if (height < 0) wide = std::max(wide, std::abs(centre) + std::min(8 * width, without));
    }
    std::vector<double> places;
    for (int k = -4000; k <= 4000; ++k) places.push_back(wide * k / 4000);
    for (const auto& bump : path.bumps) places.push_back(bump[1]);
    double lowest = 0;
    for (const double x : places) lowest = std::min(lowest, path.value(x));
    const bool open = boundary == Boundary::open && path.rule != PathRule::end_point;
    const double steps = open ? std::max(1, length - 1) : length;
    for (const int side : {-1, 1}) {
      double x = 0;
      for (const double place : places) {
        if (path.value(place) - lowest < 2) x = std::max(x, side * place);
      }
      double action = 0;
      double step = 0.01 * (wide - x > 0 ? wide - x : wide);
      // a path that stays there, and one that comes from below and goes back
      for (double above = 0; action < 25 || steps * a * above < 45;) {
        x += step;
        above = path.value(side * x) - lowest;
        action += std::max(0.0, std::sqrt(2 * std::max(0.0, above)) - 2) * step;
        if (a * above > 60 || x > 1e100) break;  // of one point alone
        step *= 1.01;                            // where a point counts nearly nothing x becomes large
      }
      reach = std::max(reach, x);
    }
    for (const auto& [height, centre, width] : path.bumps) {
      if (height < 0 && path.value(centre) - lowest < 50)
        reach = std::max(reach, std::abs(centre) + std::min(8 * width, without));
    }
  }
  if (boundary == Boundary::fixed) {
    const double spread = std::sqrt(a * (length + 1) / 4);
    const double free = std::max(std::abs(path.ends[0]), std::abs(path.ends[1])) + 10 * spread;
    reach = path.is_bound() ? std::max(std::min(reach, free),
                                       std::max(std::abs(path.ends[0]), std::abs(path.ends[1])) + 10 * std::sqrt(a))
                            : free;
  }
  // one point on an antiperiodic ring has the step from -x to x, half as wide
  double finest = (boundary == Boundary::antiperiodic && length == 1 ? 0.5 : 1.0) * std::sqrt(a);
  for (const auto& bump : path.bumps) finest = std::min(finest, bump[2]);
  return {reach, 2 * static_cast<int>(std::ceil(reach / (0.55 * finest))) + 1};
}

TransferMatrix::TransferMatrix(const PathOptions& path, double reach, int points)
    : path_(path), step_(2 * reach / (points - 1)), x_(points), half_weight_(Eigen::VectorXd::Ones(points)) {
  const double a = path_.spacing;
  for (int i = 0; i < points; ++i) {
    x_(i) = -reach + step_ * i;
    if (2 * i + 1 == points) x_(i) = 0;
    if (at_points(path_)) half_weight_(i) = std::exp(-0.5 * a * path_.value(x_(i)));
  }
  const double scale = step_ / std::sqrt(2 * std::numbers::pi * a);
  Eigen::MatrixXd t(points, points);
  for (int i = 0; i < points; ++i) {
    for (int j = 0; j <= i; ++j) t(i, j) = t(j, i) = scale * std::exp(log_kernel(path_, x_(i), x_(j)));
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(t);
  if (solver.info() != Eigen::Success || !solver.eigenvalues().allFinite())
    throw NumericalError(
        "the eigenvalues of the transfer matrix are not found; remedy: a potential and a spacing whose a V stays below "
        "700");
  values_ = solver.eigenvalues().reverse();
  vectors_ = solver.eigenvectors().rowwise().reverse();
}

Eigen::VectorXd TransferMatrix::from_end(double y) const {
  const double a = path_.spacing;
  const double scale = 1 / std::sqrt(2 * std::numbers::pi * a);
  Eigen::VectorXd v(x_.size());
  for (Eigen::Index i = 0; i < x_.size(); ++i) {
    const double own = at_points(path_) ? 0.5 * a * path_.value(y) : 0;
    v(i) = scale * std::exp(log_kernel(path_, x_(i), y) + own);
  }
  return v;
}

/// Z = Tr T^L = sum_n lambda_n^L; <f> = sum_n lambda_n^L <n|f|n> / Z; <x(0) x(t)> = sum_mn lambda_m^{L-t} lambda_n^t
/// <m|x|n>^2 / Z. With x -> -x across the end every level counts with its parity, and an x on the far side changes its
/// sign, which <x P x> = - <x x P> of the trace holds already.
void TransferMatrix::trace(TransferResult& result, int length, bool antiperiodic) const {
  const auto n = values_.size();
  const Eigen::VectorXd ratio = values_ / values_(0);
  Eigen::VectorXd parity = Eigen::VectorXd::Ones(n);
  if (antiperiodic) {
    for (Eigen::Index m = 0; m < n; ++m) parity(m) = vectors_.col(m).dot(vectors_.col(m).reverse());
  }
  const auto power = [&](int t) -> Eigen::VectorXd { return ratio.array().pow(static_cast<double>(t)); };
  const Eigen::VectorXd weight = power(length).cwiseProduct(parity);
  const double z = weight.sum();
  result.log_z = length * std::log(values_(0)) + std::log(z);
  result.density.assign(static_cast<std::size_t>(n), 0);
  Eigen::VectorXd density = Eigen::VectorXd::Zero(n);
  for (Eigen::Index m = 0; m < n; ++m) {
    if (weight(m) != 0) density += weight(m) / z * vectors_.col(m).cwiseProduct(vectors_.col(m));
  }
  if (antiperiodic) {  // <x|T^L P|x>
    density.setZero();
    for (Eigen::Index m = 0; m < n; ++m)
      density += power(length)(m) / z * vectors_.col(m).cwiseProduct(vectors_.col(m).reverse());
  }
  result.x2 = density.dot(x_.cwiseAbs2());
  result.x4 = density.dot(x_.array().pow(4).matrix());
  result.mean = density.dot(x_);
  for (Eigen::Index i = 0; i < n; ++i) result.density[static_cast<std::size_t>(i)] = density(i) / step_;
  const Eigen::MatrixXd square = element(x_).cwiseAbs2();
  for (int t = 0; t <= length / 2; ++t) {
    const double c = power(length - t).cwiseProduct(parity).dot(square * power(t)) / z;
    result.correlator.push_back(c - result.mean * result.mean);
  }
}

/// Z = <l| T^{L-1} |r> between what the ends make of the first and the last point.
void TransferMatrix::between_ends(TransferResult& result, int length, Boundary boundary) const {
  const auto n = x_.size();
  Eigen::VectorXd left = half_weight_;
  Eigen::VectorXd right = half_weight_;
  if (boundary == Boundary::fixed) {
    left = from_end(path_.ends[0]);
    right = from_end(path_.ends[1]);
  } else if (path_.rule == PathRule::symmetrised) {
    left.setOnes();
    right.setOnes();
  }
  // in the basis of the eigenvectors, sums over x as step_ times values
  const double root = std::sqrt(step_);
  const Eigen::VectorXd l = vectors_.transpose() * left * root;
  const Eigen::VectorXd r = vectors_.transpose() * right * root;
  const Eigen::VectorXd ratio = values_ / values_(0);
  const auto power = [&](int t) -> Eigen::VectorXd { return ratio.array().pow(static_cast<double>(t)); };
  const double z = l.cwiseProduct(power(length - 1)).dot(r);
  if (!(z > 0))
    throw NumericalError(
        "the path integral between these ends is 0 in double precision; remedy: ends that a path of this length "
        "reaches");
  result.log_z = (length - 1) * std::log(values_(0)) + std::log(z);
  Eigen::VectorXd density = Eigen::VectorXd::Zero(n);
  const bool correlate = boundary == Boundary::open && length <= 2048;
  Eigen::MatrixXd before(n, correlate ? length : 0);  // <l| T^t x
  Eigen::MatrixXd after(n, correlate ? length : 0);   // x T^{L-1-t} |r>
  std::vector<double> means;
  for (int t = 0; t < length; ++t) {
    const Eigen::VectorXd from_left = vectors_ * l.cwiseProduct(power(t));
    const Eigen::VectorXd from_right = vectors_ * r.cwiseProduct(power(length - 1 - t));
    const Eigen::VectorXd here = from_left.cwiseProduct(from_right) / z;
    density += here / length;
    if (!correlate) continue;
    means.push_back(here.dot(x_));
    before.col(t) = vectors_.transpose() * from_left.cwiseProduct(x_);
    after.col(t) = vectors_.transpose() * from_right.cwiseProduct(x_);
  }
  result.x2 = density.dot(x_.cwiseAbs2());
  result.x4 = density.dot(x_.array().pow(4).matrix());
  result.mean = density.dot(x_);
  for (Eigen::Index i = 0; i < n; ++i) result.density.push_back(density(i) / step_);
  for (int tau = 0; correlate && tau <= length / 2; ++tau) {
    const Eigen::VectorXd between = power(tau);
    double sum = 0;
    for (int t = 0; t + tau < length; ++t) {
      sum += before.col(t).cwiseProduct(between).dot(after.col(t + tau)) / z -
             means[static_cast<std::size_t>(t)] * means[static_cast<std::size_t>(t + tau)];
    }
    result.correlator.push_back(sum / (length - tau));
  }
}

TransferResult TransferMatrix::solve(int length, Boundary boundary, int n_levels) const {
  TransferResult result;
  if (boundary == Boundary::periodic || boundary == Boundary::antiperiodic) {
    trace(result, length, boundary == Boundary::antiperiodic);
  } else {
    between_ends(result, length, boundary);
  }
  for (int k = 0; k < std::min<int>(n_levels, static_cast<int>(values_.size())); ++k)
    result.levels.push_back(values_(k) > 1e-12 * values_(0) ? -std::log(values_(k)) / path_.spacing : std::nan(""));
  for (Eigen::Index i = 0; i < x_.size(); ++i) {
    result.x.push_back(x_(i));
    result.ground_density.push_back(vectors_(i, 0) * vectors_(i, 0) / step_);
  }
  return result;
}

}  // namespace koushi
