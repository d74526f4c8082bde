#include "fused_moves.hpp"
#include "koushi/manybody/classical_kernel.hpp"
#include "koushi/manybody/image_kernel.hpp"
#include "koushi/manybody/product_kernel.hpp"
#include "koushi/manybody/rbm_kernel.hpp"
#include "koushi/manybody/slater_kernel.hpp"

namespace koushi {

namespace {

using Determinant = ProductMoves<ClassicalMoves, SlaterMoves<false>>;
template <bool is_complex>
using WithNetwork = ProductMoves<ClassicalMoves, SlaterMoves<false>, RbmMoves<is_complex, false>>;

}  // namespace

KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<Determinant>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<Determinant>, RbmMoves<false, false>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<Determinant>, RbmMoves<true, false>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<WithNetwork<false>>>)
KOUSHI_FUSED(ProductMoves<ClassicalMoves, ImageMoves<WithNetwork<true>>>)

}  // namespace koushi
