#pragma once

#include <string>
#include <vector>

#include "koushi/study/study_run.hpp"

namespace koushi {

/// What [study] says of a correlator fit; t in steps of the lattice.
struct CorrelatorFitOptions {
  bool periodic = true;
  int states = 1;
  int t_min = 1;
  int t_max = -1;  ///< -1: half the period
  bool correlated = true;
  std::string subtract = "mean";
  std::vector<int> momentum;  ///< one of study.momenta of the runs; none: zero
  std::int64_t bin = 0;       ///< measurements; 0: from tau_int
};

/// Errors: DeckError.
CorrelatorFitOptions correlator_fit_options(const Deck& deck);

/// Masses from the correlator of finished lattice-field runs: the connected correlator
///
///   G(t) = < sum_x phi(0, 0) phi(x, t) > - V_s <phi_1>^2    (subtract = "mean"; "modulus": V_s <|M|/V>^2; "none")
///
/// with its jackknife covariance, effective masses ln(G(t)/G(t+1)) and the m of G(t)/G(t+1) = cosh(m (t - T/2)) /
/// cosh(m (t + 1 - T/2)), a fit of A cosh(m (t - T/2)) or A e^{-m t} in [t_min, t_max], and the same fit from every
/// other t_min. Every jackknife sample is fitted with the covariance of all bins. For the free field, S = sum { 1/2 (d
/// phi)^2 + 1/2 m0^2 phi^2 } or twice that with phi -> phi / sqrt 2,
///
///   G(t) = 1/T sum_k e^{ikt} / (4 sin^2(k/2) + m0^2) = cosh(m (t - T/2)) / (2 sinh m sinh(m T/2)),   4 sinh^2(m/2) =
///   m0^2,
///
/// so cosh m = 1 + m0^2/2 exactly, on any lattice. (The pole of the summand is at k = i m; summing over k = 2 pi n / T
/// gives its images.)
///
/// At a momentum p (study.momentum) the series of that momentum is taken, nothing is subtracted, and m is called
/// energy: of the free field cosh E = 1 + m0^2/2 + sum_i (1 - cos p_i), with E for m in G(t).
///
/// Collective  yes
/// Errors      DeckError, StoreError; NumericalError where the covariance cannot be inverted or the fit finds no
///             minimum
int run_correlator_fit(const Communicator& comm, const Deck& deck, const RunOptions& options);

/// What `koushi check` prints.
std::string describe_correlator_fit(const Communicator& comm, const Deck& deck);

}  // namespace koushi
