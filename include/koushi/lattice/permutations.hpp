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

inline Permutation inverse(const Permutation& g) {
  Permutation result(g.size());
  for (std::size_t i = 0; i < g.size(); ++i) result[static_cast<std::size_t>(g[i])] = static_cast<int>(i);
  return result;
}

}  // namespace koushi
