#pragma once

#include <optional>

#include "koushi/field/field_action.hpp"
#include "koushi/field/scalar_theory.hpp"

namespace koushi {

/// Forms of S of a scalar field with n components.
enum class Normalization {
  lattice,   ///< sum (d phi)^2 + m^2 phi^2 + lambda phi^4
  textbook,  ///< half the first two, lambda / 24
  hopping    ///< - 2 kappa phi phi + phi^2 + lambda (phi^2 - 1)^2
};

constexpr int max_components = 4;

/// What all theories of scalar fields are as an action, whatever their potential.
FieldAction scalar_action(int components);

/// The lattice or textbook form, of lambda = 0 without interaction; its coupling mass_squared.
/// Errors  DeckError at mass_squared: it is missing, an action without a minimum
struct QuarticForm {
  QuarticOptions options;
  std::vector<Coupling> couplings;
};
QuarticForm quartic_form(const DeckSection& section, const GridOptions& lattice, Normalization form, int components,
                         std::optional<double> mass_squared, double lambda);

/// Takes the mid-point rule into a form, whose couplings then have no measured series. Errors: DeckError at rule
void set_rule(const DeckSection& section, PathRule rule, const GridOptions& lattice, QuarticForm& form);
inline constexpr const char* rule_help =
    "where V and the spatial derivatives are taken: at the points, or in the middle of steps in time, as the networks "
    "of "
    "a path integral have it";

/// The action of a theory with quadratic and quartic terms.
FieldAction quartic_action(const QuarticForm& form);

}  // namespace koushi
