#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "koushi/manybody/factor.hpp"
#include "koushi/manybody/image.hpp"
#include "koushi/manybody/image_kernel.hpp"

namespace koushi {

/// A factor with the name that a deck gives it.
struct NamedFactor {
  std::string kind;
  std::unique_ptr<Factor> factor;
};

/// psi = prod_f psi_f, or with images, a group that begins with the identity,
///
///   Psi(x) = prod_outside psi_f(x) sum_g weight_g prod_inside psi_f(g x)
///
/// where factors that are the same for all images stand outside. Where the space has fermions and no factor is
/// antisymmetric, the sign of the particles' order is a factor more (inside), so that psi is one of fermions all the
/// same. Parameters are those of the factors behind each other.
/// Cost    with images: memory and time of the inner factors times the number of images; rows are kept
/// Errors  UsageError if there is no factor, or more than one antisymmetric factor
std::unique_ptr<Wavefunction> make_product(const Space& space, std::vector<NamedFactor> factors,
                                           std::vector<Image> images = {});

/// The factors of a product as moves see them.
struct MovesOfFactors {
  std::vector<std::unique_ptr<FactorMoves>> outside;
  std::vector<std::unique_ptr<FactorMoves>> inside;  ///< of a sum over images
  ImageTables images;
};

/// The moves of a product of factors. Products that are common are one kernel with the factors inside; others launch a
/// kernel per factor. `general`: the latter in any case.
std::unique_ptr<MoveSet> make_move_set(const MoveList& moves, MovesOfFactors factors, bool general = false);

}  // namespace koushi
