#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/field/field_action.hpp"
#include "koushi/field/gauge_theory.hpp"

namespace koushi {

namespace {

const Keys<GaugeOptions>& gauge_keys() {
  static const Keys<GaugeOptions> all =
      Keys<GaugeOptions>()
          .choice("group", &GaugeOptions::group,
                  {{"u1", GaugeGroup::u1}, {"su2", GaugeGroup::su2}, {"su3", GaugeGroup::su3}}, "of the links")
          .required()
          .real("beta", &GaugeOptions::beta, {0}, "2 N / g^2 (SU(N)), 1 / g^2 (U(1))")
          .required()
          .choice(
              "rectangles", &GaugeOptions::rectangle,
              {{"none", 0.0}, {"luscher-weisz", -1.0 / 12}, {"iwasaki", -0.331}, {"dbw2", -1.4088}},
              "c_1 (1 - Re tr U_R / N) of 1 x 2 loops beside c_0 = 1 - 8 c_1 plaquettes; c_1 = -1/12, -0.331, -1.4088")
          .integer("loops", &GaugeOptions::loops, {1, 4},
                   "Wilson loops are measured up to so many links on a side, fewer than any direction has")
          .real("flow_time", &GaugeOptions::flow_time, {0}, "end of the gradient flow at every measurement; 0: none")
          .real("flow_step", &GaugeOptions::flow_step, {positive_number},
                "step of the flow, of third order; energies are measured at each")
          .integer("static_loops", &GaugeOptions::static_loops, {0, 6},
                   "loops R x T for the static potential, T along the first direction, up to so many links and fewer "
                   "than any direction has; 0: none")
          .choice("smearing", &GaugeOptions::smearing,
                  {{"none", Smearing::none}, {"ape", Smearing::ape}, {"stout", Smearing::stout}},
                  "of the spatial links of those loops, in space only")
          .integer("smearing_steps", &GaugeOptions::smearing_steps, {1, 200}, "times")
          .real("smearing_weight", &GaugeOptions::smearing_weight, {0, 1}, "of the staples: ape 0.5, stout about 0.1");
  return all;
}

void check_flow(const DeckSection& section, const GaugeOptions& options) {
  const double steps = options.flow_time / options.flow_step;
  if (options.flow_time > 0 && (steps < 1 || steps > 1000)) {
    section.refuse("flow_time", fmt::format("{} steps of the flow", steps), "1 to 1000, by flow_time or flow_step");
  }
  if (std::abs(steps - std::round(steps)) > 1e-6) {
    section.refuse(
        "flow_time", fmt::format("{} is no multiple of flow_step = {}", options.flow_time, options.flow_step),
        fmt::format("{} or {}", options.flow_step * std::floor(steps), options.flow_step * std::ceil(steps)));
  }
}

FieldAction wilson(const DeckSection& section, const GridOptions& lattice) {
  const Deck& deck = section.deck();
  GaugeOptions options = gauge_keys().read(section);
  const auto has = [&lattice](Boundary b) {
    return std::count(lattice.boundary.begin(), lattice.boundary.end(), b) > 0;
  };
  const auto d = static_cast<int>(lattice.extents.size());
  if (d < 2)
    deck.refuse("lattice.extents", "a gauge field in one direction",
                fmt::format("2 to 4 directions for action.kind = \"{}\"", section.kind()));
  if (has(Boundary::antiperiodic)) deck.refuse("lattice.boundary", "an antiperiodic gauge field", "periodic or open");
  check_flow(section, options);

  const double reals = options.group == GaugeGroup::u1 ? 2 : options.group == GaugeGroup::su2 ? 4 : 18;
  const double generators = options.group == GaugeGroup::u1 ? 1 : options.group == GaugeGroup::su2 ? 3 : 8;
  const bool flows = options.flow_time > 0;
  const bool copied = flows || options.static_loops > 0 || options.loops > 2;
  FieldAction action;
  // links, kept links, momenta; a copy; a force
  action.numbers_per_site = d * (2 * reals + generators + (copied ? reals : 0) + (flows ? generators : 0));
  action.components = d * static_cast<int>(reals);

  // Longer loops would close around the shortest direction.
  const int longest = *std::min_element(lattice.extents.begin(), lattice.extents.end()) - 1;
  options.loops = std::min(options.loops, longest);
  options.static_loops = std::min(options.static_loops, longest);
  if (options.static_loops > 0 && has(Boundary::open)) {
    section.refuse("static_loops", "loops for the static potential with an open boundary", "periodic boundaries");
  }
  if (options.static_loops == 0 && options.smearing != Smearing::none)
    section.refuse("smearing", "nothing would be measured with smeared links", "static_loops of at least 2");
  if (options.smearing != Smearing::none && d < 3)
    section.refuse("smearing", "one spatial direction has no spatial staples", "3 or 4 directions");

  action.grid.range = std::max({options.loops, options.static_loops, options.rectangle != 0 ? 2 : 1});
  action.grid.split_rows = true;
  action.grid.numbers = action.components;
  action.couplings = {{.key = "beta", .series = "action_density", .factor = 1 / options.beta}};
  action.configuration = "links";
  action.configuration_keys = {"group"};
  action.make = [options](const Grid& grid) { return make_gauge_theory(grid, options); };
  return action;
}

}  // namespace

ActionKinds::OneKind wilson_kind() {
  return {"wilson", "gauge links, beta sum (1 - Re tr U_P / N), in 2 to 4 directions, with rectangles if asked",
          gauge_keys().list(), wilson};
}

}  // namespace koushi
