#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <utility>
#include <vector>

namespace koushi {

/// ln sum_c e^(l_c), and the shares e^(l_c) of the terms in the sum.
struct LogSum {
  std::complex<double> total;
  std::vector<std::complex<double>> shares;
};

/// The sum of terms whose logarithms are given. Where the terms cancel to what rounding leaves of them, the total is -inf
/// and the shares are no numbers.
inline LogSum log_sum(std::vector<std::complex<double>> terms) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const auto& term : terms) largest = std::max(largest, term.real());
  std::complex<double> sum = 0;
  double moduli = 0;
  for (auto& term : terms) {
    sum += term = std::exp(term - largest);
    moduli += std::abs(term);
  }
  if (!std::isfinite(largest) || std::abs(sum) < 1e-12 * moduli) {
    return {-std::numeric_limits<double>::infinity(),
            std::vector<std::complex<double>>(terms.size(), std::numeric_limits<double>::quiet_NaN())};
  }
  for (auto& term : terms) term /= sum;
  return {largest + std::log(sum), std::move(terms)};
}

}  // namespace koushi
