#include <cmath>

#include "../quartic_action.hpp"
#include "koushi/field/scalar_field.hpp"

namespace koushi {

namespace {

struct SineGordonOptions {
  double mass_squared = 1;
  double beta = 1;

  static const Keys<SineGordonOptions>& keys() {
    static const Keys<SineGordonOptions> all =
        Keys<SineGordonOptions>()
            .real("mass_squared", &SineGordonOptions::mass_squared, {positive_number}, "m^2")
            .required()
            .real("beta", &SineGordonOptions::beta, {positive_number}, "beta")
            .required();
    return all;
  }
};

}  // namespace

std::unique_ptr<ScalarTheory> make_sine_gordon_theory(const Grid& grid, double mass_squared, double beta) {
  return make_scalar_theory<1>(grid, SineGordonSite{mass_squared / (beta * beta), beta}, QuadraticBond{0.5},
                               std::sqrt(mass_squared));
}

ActionKinds::OneKind sine_gordon_kind() {
  return {"sine-gordon", "1/2 (d phi)^2 + m^2 / beta^2 (1 - cos beta phi)", SineGordonOptions::keys().list(),
          [](const DeckSection& section, const GridOptions&) {
            const SineGordonOptions keys = SineGordonOptions::keys().read(section);
            FieldAction action = scalar_action(1);
            action.couplings = {{.key = "beta"}, {.key = "mass_squared"}};
            action.gaussian = GaussianPart{0.5, std::sqrt(keys.mass_squared)};
            action.make = [keys](const Grid& grid) {
              return make_sine_gordon_theory(grid, keys.mass_squared, keys.beta);
            };
            return action;
          }};
}

}  // namespace koushi
