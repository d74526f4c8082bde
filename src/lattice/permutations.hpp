#pragma once

#include "koushi/lattice/lattice.hpp"

namespace koushi {

/// First h, then g.
inline Permutation product(const Permutation& g, const Permutation& h) {
  Permutation result;
  result.reserve(h.size());
  for (const int site : h) result.push_back(g[static_cast<std::size_t>(site)]);
  return result;
}

}  // namespace koushi
