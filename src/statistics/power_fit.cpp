#include "koushi/statistics/power_fit.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "koushi/statistics/fit.hpp"

namespace koushi {

double PowerFit::operator()(double x, const std::vector<double>& powers) const {
  double y = parameters[0];
  for (std::size_t k = 0; k < powers.size(); ++k) y += parameters[k + 1] * std::pow(x, powers[k]);
  return y;
}

namespace {

PowerFit fit_with_errors(const std::vector<FitPoint>& points, const std::vector<double>& powers, bool weighted) {
  const auto n = static_cast<Eigen::Index>(points.size());
  const auto m = static_cast<Eigen::Index>(powers.size() + 1);
  PowerFit fit;
  fit.degrees_of_freedom = static_cast<int>(n - m);
  if (n < m) return fit;
  Eigen::MatrixXd design(n, m);
  Eigen::VectorXd target(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    const FitPoint& point = points[static_cast<std::size_t>(i)];
    const double weight = weighted ? 1 / point.error : 1;
    target(i) = weight * point.value;
    design(i, 0) = weight;
    for (Eigen::Index k = 1; k < m; ++k)
      design(i, k) = weight * std::pow(point.x, powers[static_cast<std::size_t>(k - 1)]);
  }
  const Eigen::VectorXd scale = design.colwise().norm();  // x^p of different p differ by orders of magnitude
  const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(design * scale.cwiseInverse().asDiagonal());
  const Eigen::VectorXd diagonal = qr.matrixR().diagonal().cwiseAbs();
  if (!design.allFinite() || !target.allFinite() || !(diagonal.minCoeff() > 1e-10 * diagonal.maxCoeff())) return fit;
  const Eigen::VectorXd solution = scale.cwiseInverse().asDiagonal() * qr.solve(target);
  const Eigen::MatrixXd inverse =
      qr.matrixR().topLeftCorner(m, m).triangularView<Eigen::Upper>().solve(Eigen::MatrixXd::Identity(m, m));
  const Eigen::MatrixXd root = scale.cwiseInverse().asDiagonal() * (qr.colsPermutation() * inverse);
  Eigen::MatrixXd covariance = root * root.transpose();
  fit.solvable = true;
  fit.chi_squared = (target - design * solution).squaredNorm();
  const double none = std::numeric_limits<double>::quiet_NaN();
  fit.q = weighted ? q_value(fit.chi_squared, fit.degrees_of_freedom) : none;
  if (!weighted) covariance *= fit.degrees_of_freedom > 0 ? fit.chi_squared / fit.degrees_of_freedom : none;
  for (Eigen::Index k = 0; k < m; ++k) {
    fit.parameters.push_back(solution(k));
    fit.errors.push_back(std::sqrt(covariance(k, k)));
    for (Eigen::Index j = 0; j < m; ++j) fit.covariance.push_back(covariance(k, j));
  }
  return fit;
}

}  // namespace

PowerFit fit_powers(const std::vector<FitPoint>& points, const std::vector<double>& powers, bool weighted) {
  PowerFit fit = fit_with_errors(points, powers, weighted);
  const bool of_x = std::any_of(points.begin(), points.end(), [](const FitPoint& p) { return p.x_error > 0; });
  constexpr int most_repetitions = 100;
  for (int repetition = 0; weighted && of_x && fit.solvable && repetition < most_repetitions; ++repetition) {
    std::vector<FitPoint> effective = points;
    for (FitPoint& point : effective) {
      double slope = 0;
      for (std::size_t k = 0; k < powers.size(); ++k)
        slope += fit.parameters[k + 1] * powers[k] * std::pow(point.x, powers[k] - 1);
      point.error = std::hypot(point.error, slope * point.x_error);
    }
    const double before = fit.parameters[0];
    fit = fit_with_errors(effective, powers, weighted);
    if (fit.solvable && std::abs(fit.parameters[0] - before) < 1e-6 * fit.errors[0]) break;
  }
  return fit;
}

}  // namespace koushi
