#pragma once

#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"

namespace koushi {

/// Every section, kind and key that a deck can name.
const std::vector<Section>& catalogue();

}  // namespace koushi
