#include <catch2/catch_test_macros.hpp>

#include "koushi/lattice/colouring.hpp"

using namespace koushi;

namespace {

using Steps = std::vector<std::array<int, 4>>;

/// Every site of the lattice has one colour, and no step joins two of one colour. Returns the number of colours.
int check_colours(const std::vector<int>& extents, const Steps& steps) {
  const Communicator self = Communicator::self();
  const std::size_t d = extents.size();
  const Grid grid(self, {extents, std::vector<Boundary>(d, Boundary::periodic), std::vector<int>(d, 1), 2, 1});
  const Colouring colouring(grid, steps);
  const GridView& g = grid.view();
  std::vector<int> colour(static_cast<std::size_t>(g.volume()), -1);
  for (int c = 0; c < colouring.n_colours(); ++c) {
    const auto sites = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, colouring.sites(c));
    for (std::size_t k = 0; k < sites.extent(0); ++k) {
      CHECK(colour[static_cast<std::size_t>(sites(k))] == -1);
      colour[static_cast<std::size_t>(sites(k))] = c;
    }
  }
  int bad = 0;
  for (int s = 0; s < g.volume(); ++s) {
    if (colour[static_cast<std::size_t>(s)] < 0) ++bad;
    int at[4];
    int rest = s;
    for (int mu = 3; mu >= 0; --mu) {
      at[mu] = rest % g.extent[mu];
      rest /= g.extent[mu];
    }
    for (const auto& step : steps) {
      int other = 0;
      for (int mu = 0; mu < 4; ++mu)
        other = other * g.extent[mu] +
                ((at[mu] + step[static_cast<std::size_t>(mu)]) % g.extent[mu] + g.extent[mu]) % g.extent[mu];
      if (other != s && colour[static_cast<std::size_t>(other)] == colour[static_cast<std::size_t>(s)]) ++bad;
    }
  }
  CHECK(bad == 0);
  return colouring.n_colours();
}

}  // namespace

TEST_CASE("two colours where two do, more for odd extents and longer steps", "[lattice]") {
  const Steps nearest{{0, 0, 0, 1}, {0, 0, 1, 0}};
  CHECK(check_colours({4, 6}, nearest) == 2);
  CHECK(check_colours({5, 6}, nearest) > 2);
  CHECK(check_colours({4, 6}, {{0, 0, 0, 1}, {0, 0, 1, 0}, {0, 0, 1, 1}, {0, 0, 1, -1}}) >= 4);
  CHECK(check_colours({5, 7}, {{0, 0, 0, 1}, {0, 0, 1, 0}, {0, 0, 0, 2}, {0, 0, 2, 0}}) > 2);
  CHECK(check_colours({4, 4, 4, 4}, {{0, 0, 0, 1}, {0, 0, 1, 0}, {0, 1, 0, 0}, {1, 0, 0, 0}}) == 2);
  CHECK(check_colours({3, 3, 3}, {{0, 0, 0, 1}, {0, 0, 1, 0}, {0, 1, 0, 0}}) >= 3);
}
