#pragma once

#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"

namespace koushi {

/// [lattice] of studies of lattice fields.
Section field_lattice_section(const std::vector<std::string>& studies);

}  // namespace koushi
