#include "fused_moves.hpp"
#include "koushi/manybody/classical_kernel.hpp"
#include "koushi/manybody/product_kernel.hpp"
#include "koushi/manybody/rbm_kernel.hpp"
#include "koushi/manybody/slater_kernel.hpp"

namespace koushi {

KOUSHI_FUSED(ProductMoves<ClassicalMoves, SlaterMoves<true>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, SlaterMoves<true>, RbmMoves<false, false>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, SlaterMoves<true>, RbmMoves<true, false>>)

}  // namespace koushi
