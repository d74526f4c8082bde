#include "spin_action.hpp"

#include <fmt/format.h>

namespace koushi {

FieldAction spin_action(const DeckSection& section, const GridOptions& lattice, const SpinModel& model, int fields,
                        const std::string& configuration, const std::vector<std::string>& configuration_keys) {
  if (model.J.size() > 3)
    section.refuse("J", fmt::format("{} couplings were given", model.J.size()), "one per distance shell, at most 3");
  FieldAction action;
  action.grid.range = spin_range(model, static_cast<int>(lattice.extents.size()));
  action.components = model.components;
  action.numbers_per_site = fields * model.components;
  action.couplings = {{.key = "beta", .series = "energy_per_site"}, {.key = "field"}};
  action.correlator = SliceCorrelator{.has_source = model.field != 0};
  action.configuration = configuration;
  action.configuration_keys = configuration_keys;
  action.make = [model](const Grid& grid) { return make_spin_theory(grid, model); };
  return action;
}

}  // namespace koushi
