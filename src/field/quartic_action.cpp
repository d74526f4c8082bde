#include "quartic_action.hpp"

#include <fmt/format.h>

#include <cmath>

#include "mode_range.hpp"

namespace koushi {

namespace {

/// The smallest eigenvalue of -d^2 on a lattice: that of its longest waves.
double least_momentum_squared(const GridOptions& lattice) {
  double sum = 0;
  for (std::size_t mu = 0; mu < lattice.extents.size(); ++mu)
    sum += lattice_momentum_squared(mode_range(lattice.extents[mu], lattice.boundary[mu]).least);
  return sum;
}

}  // namespace

FieldAction scalar_action(int components) {
  FieldAction action;
  action.components = components;
  action.numbers_per_site = 4 * components;
  action.correlator = SliceCorrelator{};
  action.configuration = "scalar field";
  return action;
}

QuarticForm quartic_form(const DeckSection& section, const GridOptions& lattice, Normalization form, int components,
                         std::optional<double> mass_squared, double lambda) {
  if (!mass_squared) section.refuse("mass_squared", "it is missing", "a real number");
  const bool textbook = form == Normalization::textbook;
  QuarticOptions options{.components = components};
  options.stiffness = textbook ? 0.5 : 1;
  options.quadratic = options.stiffness * *mass_squared;
  options.quartic = textbook ? lambda / 24 : lambda;
  // S = stiffness sum_k (k_hat^2 + m^2) |phi_k|^2; antiperiodic ends leave no mode with k_hat^2 = 0
  const double least = least_momentum_squared(lattice);
  const double rounding = 1e-12 * least;
  if (options.quartic == 0 && *mass_squared + least <= rounding) {
    section.refuse("mass_squared",
                   fmt::format("{} without a quartic coupling leaves the action without a minimum", *mass_squared),
                   least > 0 ? fmt::format("mass_squared > {:.6g} on this lattice", -least) : "mass_squared > 0");
  }
  return {options, {{.key = "mass_squared", .series = "phi2", .factor = options.stiffness, .degree = 2}}};
}

void set_rule(const DeckSection& section, PathRule rule, const GridOptions& lattice, QuarticForm& form) {
  if (rule != PathRule::mid_point) return;
  if (lattice.extents[0] == 1 && lattice.boundary[0] != Boundary::periodic)
    section.refuse("rule", "one point in time that is not periodic has no middle of a step",
                   "\"end-point\", or lattice.extents = [2, ...]");
  form.options.mid_points = true;
  for (Coupling& coupling : form.couplings) coupling.series.clear();
}

FieldAction quartic_action(const QuarticForm& form) {
  FieldAction action = scalar_action(form.options.components);
  action.has_modulus = true;
  action.couplings = form.couplings;
  if (form.options.stiffness > 0) {  // about the minimum of V
    const double m2 = form.options.quadratic / form.options.stiffness;
    action.gaussian = GaussianPart{form.options.stiffness, std::sqrt(m2 > 0 ? m2 : -2 * m2), form.options.mid_points};
  }
  action.make = [options = form.options](const Grid& grid) { return make_quartic_theory(grid, options); };
  return action;
}

}  // namespace koushi
