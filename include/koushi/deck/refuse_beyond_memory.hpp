#pragma once

#include <string>

#include "koushi/deck/deck_section.hpp"

namespace koushi {

/// Refuses a key whose value asks for more memory than this machine has, before an allocation fails.
/// what: as "the samples with their tables"; bytes: on this rank. Errors: DeckError at the key
void refuse_beyond_memory(const DeckSection& section, const std::string& key, const std::string& what, double bytes);

}  // namespace koushi
