#include <cmath>

#include "../quartic_action.hpp"

namespace koushi {

namespace {

struct FreeFieldOptions {
  Normalization normalization = Normalization::lattice;
  int components = 1;
  std::optional<double> mass_squared;
  PathRule rule = PathRule::end_point;

  static const Keys<FreeFieldOptions>& keys() {
    static const Keys<FreeFieldOptions> all =
        Keys<FreeFieldOptions>()
            .choice("normalization", &FreeFieldOptions::normalization,
                    {{"lattice", Normalization::lattice}, {"textbook", Normalization::textbook}},
                    "lattice: sum (d phi)^2 + m^2 phi^2; textbook: half of it")
            .integer("components", &FreeFieldOptions::components, {1, max_components},
                     "1: real, 2: complex, n: O(n) vector")
            .real("mass_squared", &FreeFieldOptions::mass_squared, {}, "m^2, of the lattice and textbook forms")
            .choice("rule", &FreeFieldOptions::rule,
                    {{"end-point", PathRule::end_point}, {"mid-point", PathRule::mid_point}}, rule_help);
    return all;
  }
};

}  // namespace

ActionKinds::OneKind free_field_kind() {
  return {"free-field", "scalar field without interaction", FreeFieldOptions::keys().list(),
          [](const DeckSection& section, const GridOptions& lattice) {
            const FreeFieldOptions keys = FreeFieldOptions::keys().read(section);
            QuarticForm form =
                quartic_form(section, lattice, keys.normalization, keys.components, keys.mass_squared, 0);
            if (*keys.mass_squared > 0) form.options.mass = std::sqrt(*keys.mass_squared);
            set_rule(section, keys.rule, lattice, form);
            return quartic_action(form);
          }};
}

}  // namespace koushi
