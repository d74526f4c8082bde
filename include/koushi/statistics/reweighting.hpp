#pragma once

#include <cstddef>
#include <vector>

namespace koushi {

/// A run at one value p of a parameter on which the action depends linearly, S = S_0 + p E.
struct ReweightingRun {
  double parameter = 0;
  double tau_int = 0.5;  ///< of E
  /// [chain][t * width + k]; k = 0 is E, the others are what is to be averaged
  std::vector<std::vector<double>> chains;
  /// runs with the same number >= 0 exchanged their configurations: their chains, equally many and long, share bins
  int ladder = -1;
};

/// Means at other values of the parameter.
struct Reweighted {
  bool converged = false;
  std::vector<double> free_energy;                              ///< f = - ln(Z(p_k) / Z(p_0)) per run
  std::vector<double> free_energy_error;                        ///< jackknife
  std::vector<double> effective_samples;                        ///< [target]
  std::vector<std::vector<double>> means;                       ///< [target][k]
  std::vector<std::vector<std::vector<double>>> means_without;  ///< [target][bin][k]
};

/// Reweighting by multiple histograms; a single run has the weights e^{-(p - p_0) E}.
///
///   w_n(p) = c_n e^{-p E_n} / sum_k N_k e^{f_k - p_k E_n},   f_k = - ln sum_n w_n(p_k),   c_n = 1 / (2 tau_k),
///   N_k = sum of the c_n of run k
///
/// so a run counts by its independent configurations. f is the minimum of the convex function sum_n c_n ln sum_k N_k
/// e^{f_k - p_k E_n} - sum_k N_k f_k, found by Newton steps (halved where they go uphill), everything in logarithms.
/// The energies are not binned. Effective samples are those of Kish, (sum w)^2 / sum w^2 with w = c v, in independent
/// configurations: (sum c v)^2 / sum c v^2. The jackknife leaves out one bin of one chain at a time, about 100 per run
/// and each of at least 2 tau_int measurements, and solves for f again. Chains of one number on the rungs of one ladder
/// lose the same stretch of time together, since a configuration walks from rung to rung.
///
/// Shapes      all chains of the same width; chains of any length
/// Errors      converged = false where runs do not overlap at all, so that f is not determined
/// Cost        measurements * bins * (runs * Newton steps + targets * width) multiplications, measurements * (runs *
///             steps + targets) exponentials
/// Source      A. M. Ferrenberg, R. H. Swendsen, Phys. Rev. Lett. 61, 2635 (1988); 63, 1195 (1989);
///             M. R. Shirts, J. D. Chodera, J. Chem. Phys. 129, 124105 (2008), eqs. (11)-(14)
Reweighted reweight(const std::vector<ReweightingRun>& runs, std::size_t width, const std::vector<double>& targets);

}  // namespace koushi
