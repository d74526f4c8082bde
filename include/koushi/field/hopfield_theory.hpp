#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "koushi/field/field_theory.hpp"

namespace koushi {

/// Hopfield's associative memory: N spins s = +-1, each joined to all others, and P patterns xi = +-1,
///
///   S = beta H,   H = - 1/(2N) sum_{i != j} sum_mu xi_i^mu xi_j^mu s_i s_j = - (1/(2N)) (sum_mu M_mu^2 - P N),   M_mu
///   = sum_i xi_i^mu s_i.
///
/// Series      action_density, energy_per_site, overlap (m_mu = M_mu / N of every pattern), overlap_max, overlap_noise:
///             see observables()
/// Source      J. J. Hopfield, Proc. Natl. Acad. Sci. USA 79, 2554 (1982); D. J. Amit, H. Gutfreund, H. Sompolinsky,
///             Ann. Phys. 173, 30 (1987)
struct HopfieldOptions {
  double beta = 1;
  std::vector<std::vector<int>> patterns;  ///< [mu][site], +-1
  bool from_pattern = true;                ///< the first configuration is the first pattern; otherwise random
  double noise = 0;                        ///< probability with which each of its spins is flipped
};

/// P patterns of N spins, independent and unbiased: a function of the seed alone.
std::vector<std::vector<int>> random_patterns(std::uint64_t seed, int n_patterns, int n_sites);

/// Local updates go from site to site, since all spins are joined; replicas are updated at once. The M_mu are integers,
/// so nothing drifts.
/// Errors  UsageError: a grid of more than one direction or divided among ranks, no patterns, patterns of another
///         length, N P not below 2^31
/// Cost    2 P integer operations per proposal and 2 P per flip
std::unique_ptr<FieldTheory> make_hopfield_theory(const Grid& grid, const HopfieldOptions& options);

}  // namespace koushi
