#include "koushi/deck/refuse_beyond_memory.hpp"

#include <fmt/format.h>

#include "koushi/base/memory.hpp"
#include "koushi/base/text.hpp"

namespace koushi {

void refuse_beyond_memory(const DeckSection& section, const std::string& key, const std::string& what, double bytes) {
  if (fits_into_memory(bytes)) return;
  section.refuse(
      key, fmt::format("{} would take {} on this rank", what, format_bytes(bytes)),
      fmt::format("less than 80 % of the {} of this machine, or more ranks", format_bytes(physical_memory())));
}

}  // namespace koushi
