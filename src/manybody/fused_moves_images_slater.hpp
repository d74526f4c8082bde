#pragma once

#include "fused_moves.hpp"
#include "koushi/manybody/classical_kernel.hpp"
#include "koushi/manybody/image_kernel.hpp"
#include "koushi/manybody/product_kernel.hpp"
#include "koushi/manybody/rbm_kernel.hpp"
#include "koushi/manybody/slater_kernel.hpp"

namespace koushi {

template <bool is_complex>
using Determinant = ProductMoves<ClassicalMoves, SlaterMoves<is_complex>>;
template <bool is_complex, bool complex_network>
using WithNetwork = ProductMoves<ClassicalMoves, SlaterMoves<is_complex>, RbmMoves<complex_network, false>>;

}  // namespace koushi

/// Sums of real or complex determinants over images, with a network outside, inside or nowhere.
#define KOUSHI_FUSED_IMAGES_OF_DETERMINANTS(is_complex)                                                   \
  KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<Determinant<is_complex>>>)                         \
  KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<Determinant<is_complex>>, RbmMoves<false, false>>) \
  KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<Determinant<is_complex>>, RbmMoves<true, false>>)  \
  KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<WithNetwork<is_complex, false>>>)                  \
  KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<WithNetwork<is_complex, true>>>)
