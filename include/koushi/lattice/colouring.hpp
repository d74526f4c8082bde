#pragma once

#include <array>
#include <vector>

#include "koushi/lattice/grid.hpp"

namespace koushi {

/// Sites in classes such that no displacement of the list joins two of one class: they can be updated at the same time.
///
/// The colours are those of the whole lattice, chosen greedily in the order of its sites, so they do not depend on the
/// ranks: two for nearest neighbours and even extents, three or more where an extent is odd or longer steps are taken.
/// Errors  UsageError if the lattice has more than 2^28 sites, or a displacement leads from a site to itself around a
///         closed direction
class Colouring {
 public:
  Colouring(const Grid& grid, const std::vector<std::array<int, 4>>& displacements);
  int n_colours() const { return static_cast<int>(sites_.size()); }
  /// Sites of this rank's box, row * extent[3] + x of one replica, in increasing order.
  const Kokkos::View<int*>& sites(int colour) const { return sites_[static_cast<std::size_t>(colour)]; }

 private:
  std::vector<Kokkos::View<int*>> sites_;
};

}  // namespace koushi
