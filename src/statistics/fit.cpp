#include "koushi/statistics/fit.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <unsupported/Eigen/NonLinearOptimization>
#include <unsupported/Eigen/NumericalDiff>
#include <unsupported/Eigen/SpecialFunctions>

namespace koushi {

std::optional<Whitening> Whitening::of(const std::vector<double>& covariance, std::size_t size, bool correlated,
                                       std::size_t bins) {
  const auto n = static_cast<Eigen::Index>(size);
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> given(
      covariance.data(), n, n);
  const Eigen::VectorXd sigma = given.diagonal().array().sqrt();
  if (!given.allFinite() || !(sigma.array() > 0).all()) return std::nullopt;
  if (correlated && bins > 0 && bins - 1 < size) return std::nullopt;
  Eigen::MatrixXd correlation = Eigen::MatrixXd::Identity(n, n);
  if (correlated) correlation = sigma.cwiseInverse().asDiagonal() * given * sigma.cwiseInverse().asDiagonal();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> spectrum(correlation, Eigen::EigenvaluesOnly);
  if (spectrum.info() != Eigen::Success || spectrum.eigenvalues()(0) < 1e-12 * spectrum.eigenvalues()(n - 1))
    return std::nullopt;
  const Eigen::MatrixXd lower = sigma.asDiagonal() * Eigen::MatrixXd(correlation.llt().matrixL());
  Whitening whitening;
  whitening.size_ = size;
  for (Eigen::Index i = 0; i < n; ++i) {
    for (Eigen::Index j = 0; j < n; ++j) whitening.lower_.push_back(lower(i, j));
  }
  return whitening;
}

std::vector<double> Whitening::operator()(const std::vector<double>& deviations) const {
  std::vector<double> result(deviations);
  for (std::size_t i = 0; i < size_; ++i) {
    for (std::size_t j = 0; j < i; ++j) result[i] -= lower_[i * size_ + j] * result[j];
    result[i] /= lower_[i * size_ + i];
  }
  return result;
}

namespace {

/// One state with amplitude 1 at t = 0, without overflow for large masses.
double state(const CorrelatorModel& model, double mass, double t) {
  if (!model.periodic) return std::exp(-mass * t);
  return (std::exp(-mass * t) + std::exp(-mass * (model.period - t))) / (1 + std::exp(-mass * model.period));
}

/// Deviations in standard deviations as a function of the logarithms of mass differences, with the best amplitudes.
struct ProjectedResidual {
  using Scalar = double;
  using InputType = Eigen::VectorXd;
  using ValueType = Eigen::VectorXd;
  using JacobianType = Eigen::MatrixXd;
  enum { InputsAtCompileTime = Eigen::Dynamic, ValuesAtCompileTime = Eigen::Dynamic };
  static constexpr double least = -20;  ///< of logarithms
  static constexpr double most = 5;

  const std::vector<double>& t;
  const Whitening& whitening;
  const CorrelatorModel& model;
  Eigen::VectorXd target;  ///< whitened values

  int inputs() const { return model.states; }
  int values() const { return static_cast<int>(t.size()); }

  std::vector<double> masses(const Eigen::VectorXd& x) const {
    std::vector<double> result;
    double mass = 0;
    for (Eigen::Index k = 0; k < x.size(); ++k) result.push_back(mass += std::exp(std::clamp(x(k), -30.0, most)));
    return result;
  }

  Eigen::VectorXd amplitudes(const Eigen::VectorXd& x, Eigen::VectorXd& residual) const {
    const std::vector<double> mass = masses(x);
    Eigen::MatrixXd basis(static_cast<Eigen::Index>(t.size()), x.size());
    for (Eigen::Index k = 0; k < x.size(); ++k) {
      std::vector<double> column;
      for (const double time : t) column.push_back(state(model, mass[static_cast<std::size_t>(k)], time));
      column = whitening(column);
      basis.col(k) = Eigen::Map<const Eigen::VectorXd>(column.data(), basis.rows());
    }
    const Eigen::VectorXd best = basis.colPivHouseholderQr().solve(target);
    residual = basis * best - target;
    return best;
  }

  int operator()(const Eigen::VectorXd& x, Eigen::VectorXd& residual) const {
    amplitudes(x, residual);
    return 0;
  }

  /// chi^2 with the best amplitudes of states that are 1 at the first point, as they may be e^{-150 t} at the others.
  double chi_squared(const Eigen::VectorXd& x) const {
    const std::vector<double> mass = masses(x);
    Eigen::MatrixXd basis(static_cast<Eigen::Index>(t.size()), x.size());
    for (Eigen::Index k = 0; k < x.size(); ++k) {
      const double m = mass[static_cast<std::size_t>(k)];
      std::vector<double> column;
      for (const double time : t) column.push_back(state(model, m, time) / state(model, m, t[0]));
      column = whitening(column);
      basis.col(k) = Eigen::Map<const Eigen::VectorXd>(column.data(), basis.rows()).normalized();
    }
    return (basis * basis.colPivHouseholderQr().solve(target) - target).squaredNorm();
  }
};

/// Whether chi^2 rises from x to where a mass, or the distance of two, is as small or as large as the search allows;
/// else it has run away, and stopped where chi^2 is flat to rounding.
bool is_minimum(const ProjectedResidual& residual, const Eigen::VectorXd& x, double chi_squared) {
  if (!x.allFinite()) return false;
  for (Eigen::Index k = 0; k < x.size(); ++k) {
    for (const double end : {ProjectedResidual::least, ProjectedResidual::most}) {
      if (x(k) <= ProjectedResidual::least || x(k) >= ProjectedResidual::most) return false;
      Eigen::VectorXd there = x;
      there(k) = end;
      const double rise = residual.chi_squared(there) - chi_squared;
      if (!(rise > 1e-6 * std::min(1.0, chi_squared) + 1e-12 * residual.target.squaredNorm())) return false;
    }
  }
  return true;
}

/// -ln of the ratio of the last two points, or of the first two, as far as they have one.
std::vector<Eigen::VectorXd> starts(const std::vector<double>& t, const std::vector<double>& values,
                                    const CorrelatorModel& model) {
  double mass = 0.5;
  for (std::size_t k = 1; k < t.size(); ++k) {  // the latest that is a sound number
    const double slope = std::log(values[k - 1] / values[k]) / (t[k] - t[k - 1]);
    const double turned = model.periodic ? cosh_mass(values[k - 1] / values[k], t[k - 1], model.period) : slope;
    if (std::isfinite(turned) && turned > 1e-3) mass = turned;
    if (model.states == 1 && 2 * k >= t.size()) break;
  }
  std::vector<Eigen::VectorXd> all;
  for (const double gap : model.states == 1 ? std::vector<double>{0} : std::vector<double>{0.5, 1.5, 4}) {
    Eigen::VectorXd x(model.states);
    x(0) = std::log(mass);
    for (Eigen::Index k = 1; k < x.size(); ++k) x(k) = std::log(gap * std::max(mass, 0.1));
    all.push_back(x);
  }
  return all;
}

}  // namespace

CorrelatorFit fit_correlator(const std::vector<double>& t, const std::vector<double>& values,
                             const Whitening& whitening, const CorrelatorModel& model,
                             const std::vector<double>& start) {
  const std::vector<double> whitened = whitening(values);
  const ProjectedResidual residual{
      t, whitening, model,
      Eigen::Map<const Eigen::VectorXd>(whitened.data(), static_cast<Eigen::Index>(whitened.size()))};
  std::vector<Eigen::VectorXd> begin;
  if (start.empty()) {
    begin = starts(t, values, model);
  } else {
    begin.emplace_back(Eigen::Map<const Eigen::VectorXd>(start.data(), static_cast<Eigen::Index>(start.size())));
  }
  CorrelatorFit best;
  best.chi_squared = std::numeric_limits<double>::infinity();
  for (Eigen::VectorXd x : begin) {
    Eigen::NumericalDiff<ProjectedResidual, Eigen::Central> differentiated(residual);
    Eigen::LevenbergMarquardt<Eigen::NumericalDiff<ProjectedResidual, Eigen::Central>> search(differentiated);
    search.parameters.xtol = search.parameters.ftol = 1e-13;
    search.parameters.maxfev = 2000;
    const auto status = search.minimize(x);
    Eigen::VectorXd deviation;
    const Eigen::VectorXd amplitude = residual.amplitudes(x, deviation);
    const double chi_squared = deviation.squaredNorm();
    if (!(chi_squared < best.chi_squared)) continue;
    best.chi_squared = chi_squared;
    best.mass = residual.masses(x);
    best.parameters.assign(x.begin(), x.end());
    best.amplitude.clear();
    for (std::size_t k = 0; k < best.mass.size(); ++k) {
      const double scale =
          model.periodic ? 2 * std::exp(-best.mass[k] * model.period / 2) / (1 + std::exp(-best.mass[k] * model.period))
                         : 1;
      best.amplitude.push_back(amplitude(static_cast<Eigen::Index>(k)) * scale);
    }
    using namespace Eigen::LevenbergMarquardtSpace;
    // A mass at the end of what the search allows is none: the data do not fall, or do not have so many states.
    best.converged = status != ImproperInputParameters && status != TooManyFunctionEvaluation &&
                     is_minimum(residual, x, chi_squared);
  }
  best.degrees_of_freedom = static_cast<int>(t.size()) - 2 * model.states;
  return best;
}

double q_value(double chi_squared, int degrees_of_freedom) {
  return degrees_of_freedom > 0 ? Eigen::numext::igammac(0.5 * degrees_of_freedom, 0.5 * chi_squared) : 1.0;
}

double cosh_mass(double ratio, double t, double period) {
  // With a = |t - T/2|, b = |t + 1 - T/2|: cosh(m a) / cosh(m b) rises with m from 1 if a > b, and falls from 1 if a <
  // b.
  double a = std::abs(t - period / 2);
  double b = std::abs(t + 1 - period / 2);
  if (a < b) {
    std::swap(a, b);
    ratio = 1 / ratio;
  }
  if (!(ratio > 1) || !std::isfinite(ratio) || a == b) return std::numeric_limits<double>::quiet_NaN();
  const auto log_ratio = [a, b](double m) {
    return m * (a - b) + std::log1p(std::exp(-2 * m * a)) - std::log1p(std::exp(-2 * m * b));
  };
  double low = 0;
  double high = (std::log(ratio) + std::log(2.0)) / (a - b);  // log_ratio(m) >= m (a - b) - ln 2
  for (int k = 0; k < 200 && high - low > 1e-15 * high; ++k) {
    const double middle = 0.5 * (low + high);
    (log_ratio(middle) < std::log(ratio) ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace koushi
