#include "fused_moves.hpp"
#include "koushi/manybody/classical_kernel.hpp"
#include "koushi/manybody/image_kernel.hpp"
#include "koushi/manybody/product_kernel.hpp"
#include "koushi/manybody/rbm_kernel.hpp"
#include "koushi/manybody/spin_projection_kernel.hpp"

namespace koushi {

KOUSHI_FUSED(ProductMoves<ClassicalMoves, SpinProjectionMoves<false>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, SpinProjectionMoves<false>, RbmMoves<false, false>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, SpinProjectionMoves<false>, RbmMoves<true, false>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<ProductMoves<ClassicalMoves, SpinProjectionMoves<false>>>>)

}  // namespace koushi
