#include <catch2/catch_test_macros.hpp>

#include "koushi/field/gauge_theory.hpp"
#include "koushi/field/hmc.hpp"
#include "koushi/field/scalar_theory.hpp"
#include "koushi/field/spin_theory.hpp"
#include "transfer_counter.hpp"
#include "updates_of.hpp"

using namespace koushi;

namespace {

template <typename Make, typename Update>
void check_constant(const std::vector<int>& small, const std::vector<int>& large, bool split_rows, const Make& make,
                    const Update& update) {
  const Communicator self = Communicator::self();
  const auto count = [&](const std::vector<int>& extents) {
    const Grid grid(self, {extents, std::vector<Boundary>(extents.size(), Boundary::periodic),
                           std::vector<int>(extents.size(), 1), 1, 2, split_rows});
    const auto theory = make(grid);
    theory->start(1, 0.3);
    return transfers_of([&] { update(*theory); });
  };
  const Transfers few = count(small);
  const Transfers many = count(large);
  CHECK(few.copies + few.fences > 0);  // the counter hears
  CHECK(many.copies == few.copies);
  CHECK(many.fences == few.fences);
}

/// Three steps that no replica refuses.
void trajectory(MolecularDynamics& theory) { hmc_trajectory(theory, {.length = 1e-3, .jitter = 0, .steps = 3}, 1); }

}  // namespace

TEST_CASE("trajectories and sweeps copy and wait as often on large lattices as on small ones", "[field][structure]") {
  check_constant(
      {4, 4}, {24, 16}, false,
      [](const Grid& grid) { return make_quartic_theory(grid, {.quadratic = 0.2, .quartic = 0.1}); }, trajectory);
  check_constant(
      {4, 4}, {24, 16}, true,
      [](const Grid& grid) { return make_gauge_theory(grid, {.group = GaugeGroup::su3, .beta = 6.0}); },
      [](FieldTheory& theory) { trajectory(dynamic_cast<MolecularDynamics&>(theory)); });
  check_constant(
      {4, 4}, {24, 16}, true,
      [](const Grid& grid) { return make_gauge_theory(grid, {.group = GaugeGroup::su2, .beta = 2.0}); },
      [](FieldTheory& theory) {
        const Colouring colouring(theory.grid(), as<LocalUpdates>(theory).interactions());
        as<Heatbath>(theory).heatbath(colouring, 1, 1);
        as<Overrelaxation>(theory).overrelax(colouring);
      });
  check_constant(
      {4, 4}, {24, 16}, true, [](const Grid& grid) { return make_spin_theory(grid, {.beta = 0.4}); },
      [](FieldTheory& theory) {
        as<LocalUpdates>(theory).metropolis(Colouring(theory.grid(), as<LocalUpdates>(theory).interactions()), 1, 1, 2,
                                            1);
      });
}
