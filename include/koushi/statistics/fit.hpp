#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace koushi {

/// Lower Cholesky factor of a covariance matrix, to turn deviations into independent ones of variance 1.
class Whitening {
 public:
  /// `correlated = false` takes the diagonal alone. `bins`: the number of samples behind the matrix, 0 if it is exact.
  /// Returns none where the matrix cannot be inverted: an entry is not finite, a variance is 0, the rank of bins - 1 is
  /// less than its size, or its correlation matrix is singular to 1e-12.
  static std::optional<Whitening> of(const std::vector<double>& covariance, std::size_t size, bool correlated,
                                     std::size_t bins);
  std::vector<double> operator()(const std::vector<double>& deviations) const;
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
  std::vector<double> lower_;  ///< [i * size + j], j <= i
};

/// What a correlator is fitted with: the sum over states of A cosh(m (t - T/2)), or of A e^{-m t}.
struct CorrelatorModel {
  bool periodic = true;
  int states = 1;
  double period = 0;  ///< T
};

/// A fit with its quality.
struct CorrelatorFit {
  std::vector<double> mass;       ///< rising, one per state
  std::vector<double> amplitude;  ///< A of the model
  double chi_squared = 0;
  int degrees_of_freedom = 0;
  bool converged = false;
  std::vector<double> parameters;  ///< where a fit to similar data may start
};

/// Minimises chi^2 = r^T C^{-1} r over masses and amplitudes.
///
/// For given masses the best amplitudes are a linear problem; the masses alone are searched (variable projection), as
/// ln m_0 and ln (m_k - m_{k-1}), by Levenberg-Marquardt.
/// Shapes      t, values: one per point, as many as `whitening` has; at least as many as parameters
/// Source      G. H. Golub, V. Pereyra, SIAM J. Numer. Anal. 10, 413 (1973); J. J. More, Lect. Notes Math. 630, 105
///             (1978), as in Eigen (MINPACK)
CorrelatorFit fit_correlator(const std::vector<double>& t, const std::vector<double>& values,
                             const Whitening& whitening, const CorrelatorModel& model,
                             const std::vector<double>& start = {});

/// Probability that chi^2 of so many degrees of freedom is larger: Q = Gamma(nu/2, chi^2/2) / Gamma(nu/2). 1 without
/// degrees of freedom.
double q_value(double chi_squared, int degrees_of_freedom);

/// The mass m with cosh(m (t - T/2)) / cosh(m (t + 1 - T/2)) = ratio, between the steps t and t + 1 of a lattice of
/// period T: NaN where there is none.
/// Source      periodic form of ln(G(t) / G(t+1)); C. Gattringer, C. B. Lang, Quantum Chromodynamics on the Lattice
///             (2010), eq. (6.57)
double cosh_mass(double ratio, double t, double period);

}  // namespace koushi
