#include "fused_moves.hpp"
#include "koushi/manybody/classical_kernel.hpp"
#include "koushi/manybody/image_kernel.hpp"
#include "koushi/manybody/product_kernel.hpp"
#include "koushi/manybody/rbm_kernel.hpp"

namespace koushi {

KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<ProductMoves<ClassicalMoves>>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<ProductMoves<RbmMoves<false, false>>>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<ProductMoves<RbmMoves<true, false>>>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<ProductMoves<ClassicalMoves, RbmMoves<false, false>>>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<ProductMoves<ClassicalMoves, RbmMoves<true, false>>>>)

}  // namespace koushi
