#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "koushi/manybody/factor.hpp"

namespace koushi {

/// A factor with the name that a deck gives it.
struct NamedFactor {
  std::string kind;
  std::unique_ptr<Factor> factor;
};

/// psi = prod_f psi_f. Where the space has fermions and no factor is antisymmetric, the sign of the particles' order is
/// a factor more, so that psi is one of fermions all the same. Parameters are those of the factors behind each other.
/// Errors  UsageError if there is no factor, or more than one antisymmetric factor
std::unique_ptr<Wavefunction> make_product(const Space& space, std::vector<NamedFactor> factors);

/// The moves of a product of factors. Products that are common are one kernel with the factors inside; others launch a
/// kernel per factor. `general`: the latter in any case.
std::unique_ptr<MoveSet> make_move_set(const MoveList& moves, std::vector<std::unique_ptr<FactorMoves>> factors,
                                       bool general = false);

}  // namespace koushi
