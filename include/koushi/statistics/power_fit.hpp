#pragma once

#include <vector>

namespace koushi {

struct FitPoint {
  double x = 0;
  double value = 0;
  double error = 0;
  double x_error = 0;  ///< of x, where that was measured too
};

/// The best a_0, a_1, ... of y = a_0 + sum_k a_k x^{p_k}.
struct PowerFit {
  std::vector<double> parameters;
  std::vector<double> errors;
  std::vector<double> covariance;  ///< row by row
  double chi_squared = 0;          ///< unweighted: the sum of squared deviations
  int degrees_of_freedom = 0;
  double q = 0;           ///< NaN if unweighted
  bool solvable = false;  ///< false: fewer different x than parameters, or powers that they cannot tell apart

  double operator()(double x, const std::vector<double>& powers) const;
};

/// Minimises chi^2 = sum ((y - a_0 - sum_k a_k x^{p_k}) / error)^2, x > 0; the errors are those that follow from the
/// errors of the points. Unweighted, all points count alike and the errors follow from their scatter about the curve
/// (NaN without degrees of freedom). Where x has errors, independent of those of y, the error of a point is the square
/// root of error^2 + (dy/dx x_error)^2 with the slope of the fit itself, which is repeated until it stands (effective
/// variances: J. Orear, Am. J. Phys. 50, 912 (1982)).
/// Source      W. H. Press et al., Numerical Recipes, 3rd ed. (2007), sec. 15.4
PowerFit fit_powers(const std::vector<FitPoint>& points, const std::vector<double>& powers, bool weighted);

}  // namespace koushi
