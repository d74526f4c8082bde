#include "kernel_labels.hpp"
#include "koushi/field/gauge_theory.hpp"
#include "koushi/field/hmc.hpp"
#include "koushi/field/hopfield_theory.hpp"
#include "koushi/field/scalar_theory.hpp"
#include "koushi/field/spin_theory.hpp"
#include "updates_of.hpp"

using namespace koushi;

TEST_CASE("every kernel and allocation of lattice fields is labelled koushi::<room>::<what>", "[field][structure]") {
  const Communicator self = Communicator::self();
  const auto labels = labels_of([&] {
    const Grid grid(self, {{4, 4}, {Boundary::periodic, Boundary::periodic}, {1, 1}, 1, 2});
    std::vector<std::unique_ptr<FieldTheory>> theories;
    theories.push_back(make_quartic_theory(grid, {.quadratic = 0.5, .quartic = 0.1}));
    theories.push_back(make_spin_theory(grid, {.components = 3}));
    theories.push_back(make_gauge_theory(grid, {.group = GaugeGroup::su2, .beta = 1.0}));
    for (const auto& theory : theories) {
      const Colouring colouring(grid, as<LocalUpdates>(*theory).interactions());
      theory->start(1, 0.5);
      hmc_trajectory(dynamic_cast<MolecularDynamics&>(*theory), {.jitter = 0, .steps = 2}, 0);
      as<LocalUpdates>(*theory).metropolis(colouring, 1, 0, 1, 0.5);
      for (const std::string& update : updates_of(*theory)) {
        if (update == "overrelaxation") as<Overrelaxation>(*theory).overrelax(colouring);
        if (update == "heatbath") as<Heatbath>(*theory).heatbath(colouring, 1, 0);
        if (update == "wolff") as<ClusterUpdates>(*theory).flip_clusters(true, 1, 0);
        if (update == "fourier-hmc") {
          as<FourierAcceleration>(*theory).accelerate(0.5);
          hmc_trajectory(as<MolecularDynamics>(*theory),
                         {.integrator = Integrator::force_gradient, .jitter = 0, .steps = 2}, 1);
        }
      }
      theory->measure();
    }
    const Grid line(self, {{16}, {Boundary::periodic}, {1}, 1, 2});
    const auto memory = make_hopfield_theory(line, {.patterns = random_patterns(1, 3, 16)});
    memory->start(1, 0);
    as<LocalUpdates>(*memory).metropolis(Colouring(line, as<LocalUpdates>(*memory).interactions()), 1, 0, 1, 0);
    memory->measure();
  });
  check_labels(labels, 50);
}
