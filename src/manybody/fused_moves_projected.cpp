#include "fused_moves.hpp"
#include "koushi/manybody/rbm_kernel.hpp"

namespace koushi {

KOUSHI_FUSED(RbmMoves<false, true>)
KOUSHI_FUSED(RbmMoves<true, true>)

}  // namespace koushi
