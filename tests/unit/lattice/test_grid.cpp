#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/lattice/halo_exchange.hpp"

using namespace koushi;

namespace {

/// A number that tells every global site, replica and component apart.
double tell(std::int64_t replica, int component, std::int64_t site) {
  return 1.0 + static_cast<double>(site) + 1e6 * component + 1e8 * static_cast<double>(replica);
}

std::int64_t site_number(const GridView& g, const int (&c)[4]) {
  std::int64_t site = 0;
  for (int mu = 0; mu < 4; ++mu) site = site * g.global_extent[mu] + c[mu];
  return site;
}

/// What stands at global coordinates that may lie outside: the wrapped value with its sign, 0 beyond an open end.
double expected(const GridView& g, const std::vector<Boundary>& boundary, std::int64_t replica, int component,
                const int (&c)[4]) {
  int wrapped[4];
  double weight = 1;
  for (int mu = 0; mu < 4; ++mu) {
    const int n = g.global_extent[mu];
    wrapped[mu] = ((c[mu] % n) + n) % n;
    const int crossings = (c[mu] - wrapped[mu]) / n;
    const Boundary b =
        mu < g.first_direction ? Boundary::periodic : boundary[static_cast<std::size_t>(mu - g.first_direction)];
    if (crossings != 0 && b == Boundary::open) weight = 0;
    if (crossings % 2 != 0 && b == Boundary::antiperiodic) weight = -weight;
  }
  return weight * tell(replica, component, site_number(g, wrapped));
}

void check_neighbours(const Communicator& world, const GridOptions& options, bool corners) {
  const Grid grid(world, options);
  const GridView& g = grid.view();
  const int components = 2;
  const FieldArray field = make_field(grid, components);
  const auto host = Kokkos::create_mirror_view(field);
  Kokkos::deep_copy(host, -1.0);
  for (int k = 0; k < g.n_rows(); ++k) {
    const GridRow row = g.row(k);
    for (int c = 0; c < components; ++c) {
      for (int x = 0; x < g.extent[3]; ++x) {
        host(static_cast<std::size_t>(row.replica), static_cast<std::size_t>(c),
             static_cast<std::size_t>(row.site + x)) = tell(g.first_replica + row.replica, c, g.global_site(row, x));
      }
    }
  }
  Kokkos::deep_copy(field, host);
  HaloExchange halo(grid, components, corners);
  halo.exchange(field);
  Kokkos::deep_copy(host, field);
  int wrong = 0;
  for (int k = 0; k < g.n_rows(); ++k) {
    const GridRow row = g.row(k);
    for (int x = 0; x < g.extent[3]; ++x) {
      const int here[4] = {row.coordinate[0], row.coordinate[1], row.coordinate[2], x};
      const int r = g.range;
      for (int step = 0; step < (2 * r + 1) * (2 * r + 1) * (2 * r + 1) * (2 * r + 1); ++step) {
        int rest = step;
        int there[4];
        int index = row.site + x;
        double weight = 1;
        int directions = 0;
        for (int mu = 3; mu >= 0; --mu) {
          const int s = rest % (2 * r + 1) - r;
          rest /= 2 * r + 1;
          if (mu < g.first_direction && s != 0) weight = std::nan("");
          directions += s != 0 ? 1 : 0;
          there[mu] = g.global_first[mu] + here[mu] + s;
          index += g.step(mu, s, here[mu]);
          weight *= g.factor(mu, s, here[mu]);
        }
        if (std::isnan(weight) || (directions > 1 && !corners)) continue;
        for (int c = 0; c < components; ++c) {
          const double found = weight == 0
                                   ? 0
                                   : weight * host(static_cast<std::size_t>(row.replica), static_cast<std::size_t>(c),
                                                   static_cast<std::size_t>(index));
          wrong += found == expected(g, options.boundary, g.first_replica + row.replica, c, there) ? 0 : 1;
        }
      }
    }
  }
  CHECK(wrong == 0);
}

/// Counts the visits of every site, and those with wrong sides a hundredfold.
struct CountVisits {
  GridView g;
  FieldArray seen;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    double* const s = &seen(row.replica, 0, row.site);
    const GridView view = g;
    return [=](int x, const RowSides& sides) {
      const RowSides right = row_sides(view, x);
      const bool same = sides.left == right.left && sides.right == right.right &&
                        sides.left_weight == right.left_weight && sides.right_weight == right.right_weight;
      s[x] += same ? 1 : 100;
    };
  }
};

}  // namespace

TEST_CASE("every neighbour within the range is found, on every division of ranks, boundary and number of directions",
          "[lattice][mpi]") {
  const Communicator world = Communicator::world();
  const bool corners = GENERATE(false, true);
  const Boundary first = GENERATE(Boundary::periodic, Boundary::antiperiodic, Boundary::open);
  const int range = GENERATE(1, 2);
  const std::vector<int> all{7, 5, 6, 8};
  for (std::size_t d = 1; d <= 4; ++d) {
    const std::vector<int> extents(all.end() - static_cast<std::ptrdiff_t>(d), all.end());
    std::vector<Boundary> boundary(d, Boundary::periodic);
    boundary[0] = first;
    if (d > 1) boundary[d - 1] = Boundary::antiperiodic;
    std::vector<std::vector<int>> divisions{choose_divisions(extents, world.size(), 1, range)};
    for (std::size_t k = 0; k < d; ++k) {
      divisions.emplace_back(d, 1);
      divisions.back()[k] = world.size();
    }
    if (world.size() == 4 && d > 1) {
      divisions.emplace_back(d, 1);
      divisions.back()[0] = divisions.back()[d - 1] = 2;
    }
    for (const auto& ranks : divisions) {
      if (ranks.empty() || (d == 1 && extents[0] / world.size() < range)) continue;
      bool thin = false;
      for (std::size_t k = 0; k < d; ++k) thin = thin || (ranks[k] > 1 && extents[k] / ranks[k] < range);
      const GridOptions options{extents, boundary, ranks, range, 2};
      if (thin) {
        CHECK_THROWS_AS(Grid(world, options), UsageError);
      } else {
        check_neighbours(world, options, corners);
      }
    }
    check_neighbours(world, {extents, boundary, std::vector<int>(d, 1), range, 5}, corners);  // replicas shared out
  }
}

TEST_CASE("for_sites visits every site once with its sides", "[lattice]") {
  const Communicator self = Communicator::self();
  for (const int length : {1, 2, 3, 8}) {
    const Grid grid(self, {{3, length}, {Boundary::periodic, Boundary::open}, {1, 1}, 1, 2});
    const GridView g = grid.view();
    const FieldArray seen = make_field(grid, 1);
    for_sites(Kokkos::DefaultExecutionSpace{}, "koushi::test::visit", g, CountVisits{g, seen});
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, seen);
    for (std::size_t r = 0; r < 2; ++r) {
      for (std::size_t s = 0; s < host.extent(2); ++s) CHECK(host(r, 0, s) == 1);
    }
  }
}

TEST_CASE("tiled rows are all rows, tile by tile along direction 0", "[lattice]") {
  const Communicator self = Communicator::self();
  const std::vector<Boundary> periodic(4, Boundary::periodic);
  for (const auto& extents :
       {std::vector<int>{4, 24, 18, 64}, std::vector<int>{3, 4, 5, 6}, std::vector<int>{2, 1, 7, 4096},
        std::vector<int>{2, 30, 31, 128}, std::vector<int>{4, 64, 64, 64}}) {
    const Grid grid(self, {extents, periodic, {1, 1, 1, 1}, 1, 2});
    const GridView g = grid.view();
    std::vector<int> seen(static_cast<std::size_t>(g.n_rows()));
    std::vector<int> turns(2);  // of direction 0
    for (int k = 0; k < g.n_rows(); ++k) {
      const GridRow row = g.tiled(k);
      const int number =
          ((row.replica * g.extent[0] + row.coordinate[0]) * g.extent[1] + row.coordinate[1]) * g.extent[2] +
          row.coordinate[2];
      ++seen[static_cast<std::size_t>(number)];
      CHECK(row.site == g.row(number).site);
      if (k > 0 && row.coordinate[0] < g.tiled(k - 1).coordinate[0])
        ++turns[static_cast<std::size_t>(g.tiled(k - 1).replica)];
    }
    CHECK(std::count(seen.begin(), seen.end(), 1) == g.n_rows());
    // Every tile but the last one ends with a turn, and three slices of it stay in a megabyte.
    const int tiles = turns[0];
    REQUIRE(tiles == turns[1] + 1);
    CHECK(5 * 8 * g.volume() / g.extent[0] / tiles <= 1048576);
    if (extents[1] == 64) CHECK(tiles > 1);
  }
}

TEST_CASE("divisions share replicas first and keep the contiguous direction whole", "[lattice]") {
  CHECK(choose_divisions({16, 16}, 4, 8, 1) == std::vector<int>{1, 1});
  CHECK(choose_divisions({16, 16}, 4, 1, 1) == std::vector<int>{4, 1});
  CHECK(choose_divisions({16, 16, 16, 16}, 8, 1, 1) == std::vector<int>{2, 2, 2, 1});
  CHECK(choose_divisions({64, 16}, 8, 2, 1) == std::vector<int>{4, 1});
  CHECK(choose_divisions({16}, 4, 1, 1) == std::vector<int>{4});
  CHECK(choose_divisions({4}, 8, 1, 1).empty());
}

TEST_CASE("grids that cannot be are refused", "[lattice]") {
  const Communicator self = Communicator::self();
  CHECK_THROWS_AS(Grid(self, {{4, 4}, {Boundary::periodic, Boundary::periodic}, {2, 1}, 1, 1}), UsageError);
  CHECK_THROWS_AS(Grid(self, {{4, 4}, {Boundary::periodic, Boundary::periodic}, {1}, 1, 1}), UsageError);
}
