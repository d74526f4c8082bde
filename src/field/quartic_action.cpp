#include "quartic_action.hpp"

#include <fmt/format.h>

namespace koushi {

FieldAction scalar_action(int components) {
  FieldAction action;
  action.components = components;
  action.numbers_per_site = 4 * components;
  action.correlator = SliceCorrelator{};
  action.configuration = "scalar field";
  return action;
}

QuarticForm quartic_form(const DeckSection& section, Normalization form, int components,
                         std::optional<double> mass_squared, double lambda) {
  if (!mass_squared) section.refuse("mass_squared", "it is missing", "a real number");
  const bool textbook = form == Normalization::textbook;
  QuarticOptions options{.components = components};
  options.stiffness = textbook ? 0.5 : 1;
  options.quadratic = options.stiffness * *mass_squared;
  options.quartic = textbook ? lambda / 24 : lambda;
  if (options.quartic == 0 && options.quadratic <= 0) {
    section.refuse("mass_squared",
                   fmt::format("{} without a quartic coupling leaves the action without a minimum", *mass_squared),
                   "mass_squared > 0");
  }
  return {options, {{.key = "mass_squared", .series = "phi2", .factor = options.stiffness, .degree = 2}}};
}

FieldAction quartic_action(const QuarticForm& form) {
  FieldAction action = scalar_action(form.options.components);
  action.has_modulus = true;
  action.couplings = form.couplings;
  action.make = [options = form.options](const Grid& grid) { return make_quartic_theory(grid, options); };
  return action;
}

}  // namespace koushi
