#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace koushi {

/// A mean with everything needed to judge it.
struct Estimate {
  double value = 0;
  double error = 0;      ///< one standard deviation, corrected for autocorrelation where a series was given
  double variance = 0;   ///< of one measurement
  double tau_int = 0.5;  ///< integrated autocorrelation time in measurements; 1/2 for white noise
  double r_hat = 1;      ///< split R-hat
  std::int64_t samples = 0;
};

/// Mean and error of independent chains from the mean of each. NaN error for fewer than two chains.
Estimate estimate_from_chain_means(const std::vector<double>& means);

/// Gamma method over independent chains of equal length, series[chain * length + t].
///
///   error^2 = 2 tau_int variance / n,  tau_int = 1/2 + sum_{t=1}^{W} rho(t),  window W by the automatic criterion with
///   S = 1.5,
///   autocovariance corrected for the bias of the subtracted mean
/// Source      U. Wolff, Comput. Phys. Commun. 156, 143 (2004), eqs. (31)-(33), (35), (49)-(52)
Estimate gamma_method(const std::vector<double>& series, std::int64_t n_chains);

/// Gamma method for f(means of several series): the error of f comes from the series sum_k (df/dx_k) x_k, the
/// derivatives by central differences of one standard error of x_k, or as `gradient` gives them. One series and f =
/// identity is gamma_method.
///
/// Shapes      series[k][chain * length + t]; f takes [k]
/// Source      U. Wolff, Comput. Phys. Commun. 156, 143 (2004), eqs. (14)-(16), (37)-(38)
Estimate derived_gamma_method(const std::vector<std::vector<double>>& series, std::int64_t n_chains,
                              const std::function<double(const std::vector<double>&)>& f,
                              const std::function<std::vector<double>(const std::vector<double>&)>& gradient = {});

/// Whether numbers are one and the same but for rounding: a deviation of at most 1e-14 of their size.
bool is_constant(const std::vector<double>& series);

/// Split R-hat: every chain is cut in halves; sqrt(((h - 1)/h W + B/h)/W), h the length of a half. 1 for constant
/// series, infinite for chains that are constant and differ.
/// Source      A. Gelman et al., Bayesian Data Analysis, 3rd ed., sec. 11.4
double split_r_hat(const std::vector<double>& series, std::int64_t n_chains);

/// What split R-hat needs of half a chain.
struct HalfChain {
  double mean = 0;
  double square = 0;  ///< sum of squared deviations from the mean
};
/// The first and the last length / 2 numbers of a chain.
std::array<HalfChain, 2> halves(const double* chain, std::int64_t length);
/// Split R-hat from the halves of all chains, of `half` numbers each; NaN where these are fewer than two.
double split_r_hat(const std::vector<HalfChain>& halves, std::int64_t half);

/// N Var(E) / (E - E_inf)^2, both total. Source: D. Wu et al., Science 386, 296 (2024)
double v_score(int n_sites, double energy, double variance, double infinite_temperature_energy);

/// Warnings with their numbers: R-hat > 1.1, chains shorter than 50 tau_int.
std::vector<std::string> warnings(const Estimate& estimate, std::int64_t chain_length);

}  // namespace koushi
