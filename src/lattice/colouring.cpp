#include "koushi/lattice/colouring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

/// Colour of every site of the whole lattice.
std::vector<std::uint8_t> colour_lattice(const Grid& whole, const std::vector<std::array<int, 4>>& displacements) {
  const GridView& grid = whole.view();
  bool closed[4] = {true, true, true, true};
  for (int mu = grid.first_direction; mu < 4; ++mu) {
    const Boundary b = whole.options().boundary[static_cast<std::size_t>(mu - grid.first_direction)];
    closed[mu] = b == Boundary::periodic || b == Boundary::antiperiodic;
  }
  std::int64_t volume = 1;
  for (const int n : grid.global_extent) volume *= n;
  if (volume > (std::int64_t{1} << 28))
    throw UsageError(fmt::format(
        "{} sites are too many to colour for local updates\n  expected: at most 2^28, or updates of the whole field",
        volume));
  constexpr std::uint8_t none = 255;
  std::vector<std::uint8_t> colour(static_cast<std::size_t>(volume), none);
  int at[4] = {};
  for (std::int64_t s = 0; s < volume; ++s) {
    std::uint64_t taken[4] = {};
    for (const auto& step : displacements) {
      for (const int sign : {-1, 1}) {
        std::int64_t other = 0;
        bool inside = true;
        for (int mu = 0; mu < 4; ++mu) {
          const int n = grid.global_extent[mu];
          const int target = at[mu] + sign * step[static_cast<std::size_t>(mu)];
          if (!closed[mu] && (target < 0 || target >= n)) inside = false;
          other = other * n + (target % n + n) % n;
        }
        if (!inside) continue;
        if (other == s) {
          throw UsageError(
              "a site interacts with itself through the boundary, so that updates of single sites would be wrong\n  "
              "expected: larger or open extents, or updates of the whole field or of clusters");
        }
        const std::uint8_t theirs = colour[static_cast<std::size_t>(other)];
        if (theirs != none) taken[theirs / 64] |= std::uint64_t{1} << (theirs % 64U);
      }
    }
    std::uint8_t mine = 0;
    while ((taken[mine / 64] >> (mine % 64U) & 1U) != 0) ++mine;
    colour[static_cast<std::size_t>(s)] = mine;
    for (int mu = 3; mu >= 0 && ++at[mu] == grid.global_extent[mu]; --mu) at[mu] = 0;
  }
  return colour;
}

}  // namespace

Colouring::Colouring(const Grid& grid, const std::vector<std::array<int, 4>>& displacements) {
  const GridView& view = grid.view();
  const std::vector<std::uint8_t> colour = colour_lattice(grid, displacements);
  const int n_colours = 1 + *std::max_element(colour.begin(), colour.end());
  std::vector<std::vector<int>> lists(static_cast<std::size_t>(n_colours));
  for (int k = 0; k < view.n_rows() / view.n_replicas; ++k) {
    const GridRow row = view.row(k);
    for (int x = 0; x < view.extent[3]; ++x) {
      lists[colour[static_cast<std::size_t>(view.global_site(row, x))]].push_back(k * view.extent[3] + x);
    }
  }
  for (const auto& list : lists) {
    Kokkos::View<int*> sites("koushi::lattice::colour", list.size());
    Kokkos::deep_copy(sites, Kokkos::View<const int*, Kokkos::HostSpace>(list.data(), list.size()));
    sites_.push_back(sites);
  }
}

}  // namespace koushi
