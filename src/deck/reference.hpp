#pragma once

#include <string>

#include "koushi/deck/deck.hpp"

namespace koushi {

/// What values a key takes: "integer >= 1", "one of a, b".
std::string type_text(const Key& key);

}  // namespace koushi
