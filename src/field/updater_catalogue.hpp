#pragma once

#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"

namespace koushi {

/// [[updater]]: updaters and their keys.
Section updater_section(const std::vector<std::string>& studies);

/// Whether a kind of [action] is of spins with bonds.
bool is_spin(const std::string& kind);

}  // namespace koushi
