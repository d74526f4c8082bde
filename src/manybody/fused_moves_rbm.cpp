#include "fused_moves.hpp"
#include "koushi/manybody/rbm_kernel.hpp"

namespace koushi {

KOUSHI_FUSED(RbmMoves<false, false>)
KOUSHI_FUSED(RbmMoves<true, false>)

}  // namespace koushi
