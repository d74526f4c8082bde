#pragma once

#include <memory>
#include <string>
#include <vector>

#include "koushi/manybody/estimator.hpp"

namespace koushi {

/// Names and units of the correlations of a quantity q_i = sum_f weight_f x_(f,i) that is diagonal in the basis.
struct DiagonalCorrelationNames {
  std::string correlation;       ///< of the curve <q_i q_j> against the distance
  std::string structure_factor;  ///< of the curve S(k)
  std::string help;
  std::string symbol;
};

/// <q_i q_j> averaged over all pairs of sites that translations of the lattice join, against their distance, and
/// S(k) = 1/N sum_ij e^{i k (r_i - r_j)} <q_i q_j> at all momenta of the torus.
///
/// Series      NAME: the pair averages in the order of their distances, then S(k)
/// Cost        N^2 / 2 products and N^2 additions of phases per state
/// Errors      DeckError at the observables where the sites have no distances
std::unique_ptr<Estimator> make_diagonal_correlation(const DeckSection& section, const Lattice& lattice,
                                                     const Space& space, const std::vector<double>& weights,
                                                     const DiagonalCorrelationNames& names);

}  // namespace koushi
