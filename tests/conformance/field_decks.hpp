#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "koushi/study/catalogue.hpp"

namespace koushi {

/// A deck of a lattice field on 3 x 4 sites. keys: of [action], or with their section, as
/// "beta=0.4|lattice.extents=[9]"; updaters: TOML.
inline Deck field_deck(const std::string& kind, const std::string& keys, int replicas, const std::string& updaters) {
  std::string text = fmt::format(
      "title=\"conformance\"\nseed=3\nstudy.kind=\"lattice-field\"\nstudy.warm_up=0\nstudy.measurements=1\nlattice."
      "kind=\"hypercubic\"\nlattice.replicas={}\nupdater=[{}]\n"
      "output.file=\"none.h5\"\naction.kind=\"{}\"\n",
      replicas, updaters, kind);
  if (keys.find("lattice.extents") == std::string::npos) text += "lattice.extents=[3, 4]\n";
  for (std::size_t at = 0; at <= keys.size();) {
    const std::size_t end = std::min(keys.find('|', at), keys.size());
    const std::string line = keys.substr(at, end - at);
    text += (line.rfind("lattice.", 0) == 0 ? "" : "action.") + line + "\n";
    at = end + 1;
  }
  return Deck::parse(text, "conformance.toml", {}, catalogue());
}

}  // namespace koushi
