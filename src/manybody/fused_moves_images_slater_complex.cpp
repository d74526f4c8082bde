#include "fused_moves_images_slater.hpp"

namespace koushi {

KOUSHI_FUSED_IMAGES_OF_DETERMINANTS(true)

}  // namespace koushi
