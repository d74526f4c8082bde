#include "fused_moves.hpp"
#include "koushi/manybody/classical_kernel.hpp"
#include "koushi/manybody/image_kernel.hpp"
#include "koushi/manybody/pair_product_kernel.hpp"
#include "koushi/manybody/product_kernel.hpp"
#include "koushi/manybody/rbm_kernel.hpp"

namespace koushi {

KOUSHI_FUSED(ProductMoves<ClassicalMoves, PairProductMoves<false>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, PairProductMoves<false>, RbmMoves<false, false>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, PairProductMoves<false>, RbmMoves<true, false>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<ProductMoves<ClassicalMoves, PairProductMoves<false>>>>)

}  // namespace koushi
