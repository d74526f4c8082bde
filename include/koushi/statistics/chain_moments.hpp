#pragma once

#include <cstdint>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/statistics/estimate.hpp"
#include "koushi/statistics/observable.hpp"

namespace koushi {

/// Mean and spread of complex numbers over samples, as a step of an optimisation needs them.
struct ChainMoments {
  double mean = 0;
  double error = 0;     ///< standard error from the means of the chains; 0 without chains
  double variance = 0;  ///< of |x - mean|^2
  double r_hat = 1;     ///< split R-hat of the real parts; 1 without chains
};

/// Moments of weighted numbers x = re + i im, whose mean is real, that are spread over the ranks. Every chain is summed
/// where it is: what the ranks exchange grows with the number of chains, not of samples, and neither ranks nor threads
/// move a bit of the result.
///
/// Shapes      re, im, weights: [rows.count]; all weights together are 1
/// n_chains    chains of equal length, one after the other in the rows; 0: no chains, the rows are every state there is
/// block       rows per leaf of the sums where there are no chains; rank boundaries lie on block boundaries
/// Collective  yes
ChainMoments chain_moments(const Communicator& comm, RowRange rows, std::int64_t n_chains, std::int64_t block,
                           const std::vector<double>& re, const std::vector<double>& im,
                           const std::vector<double>& weights);

/// The value of an observable at the exact means of its columns over every state there is, with the variance of one
/// measurement and no error.
///
/// Shapes      columns: [k][rows.count], those of observable.series; imaginary: [rows.count], or empty
/// Collective  yes
Estimate exact_estimate(const Communicator& comm, RowRange rows, std::int64_t block, const Observable& observable,
                        const std::vector<std::vector<double>>& columns, const std::vector<double>& imaginary,
                        const std::vector<double>& weights);

}  // namespace koushi
