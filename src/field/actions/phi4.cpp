#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "../mode_range.hpp"
#include "../quartic_action.hpp"

namespace koushi {

namespace {

struct Phi4Options {
  Normalization normalization = Normalization::lattice;
  int components = 1;
  std::optional<double> mass_squared;
  double lambda = 0;
  std::optional<double> kappa;
  PathRule rule = PathRule::end_point;

  static const Keys<Phi4Options>& keys() {
    static const Keys<Phi4Options> all =
        Keys<Phi4Options>()
            .choice("normalization", &Phi4Options::normalization,
                    {{"lattice", Normalization::lattice},
                     {"textbook", Normalization::textbook},
                     {"hopping", Normalization::hopping}},
                    "lattice: sum (d phi)^2 + m^2 phi^2 + lambda phi^4; textbook: half the first two, lambda / 24; "
                    "hopping: - 2 kappa phi phi + phi^2 + lambda (phi^2 - 1)^2")
            .integer("components", &Phi4Options::components, {1, max_components}, "1: real, 2: complex, n: O(n) vector")
            .real("mass_squared", &Phi4Options::mass_squared, {}, "m^2, of the lattice and textbook forms")
            .real("lambda", &Phi4Options::lambda, {0}, "quartic coupling")
            .required()
            .real("kappa", &Phi4Options::kappa, {}, "hopping parameter, of the hopping form")
            .choice("rule", &Phi4Options::rule,
                    {{"end-point", PathRule::end_point}, {"mid-point", PathRule::mid_point}}, rule_help);
    return all;
  }
};

/// - 2 kappa sum phi phi' = kappa sum (phi' - phi)^2 - 2 d kappa sum phi^2, and lambda (phi^2 - 1)^2 = lambda phi^4 - 2
/// lambda phi^2 + lambda.
QuarticForm hopping_form(const DeckSection& section, const Phi4Options& keys, const GridOptions& lattice) {
  if (!keys.kappa) section.refuse("kappa", "it is missing", "a real number, with normalization = \"hopping\"");
  if (keys.mass_squared) section.refuse("mass_squared", "the hopping form has kappa instead", "no mass_squared");
  if (std::count(lattice.boundary.begin(), lattice.boundary.end(), Boundary::open) > 0)
    section.refuse("normalization", "the hopping form is defined on closed lattices",
                   "\"lattice\" or \"textbook\" with open boundaries");
  const auto d = static_cast<int>(lattice.extents.size());
  QuarticOptions options{.components = keys.components, .stiffness = *keys.kappa};
  // lambda = 0: S = sum_k (1 - 2 kappa sum_mu cos k_mu) |phi_k|^2
  double most = 0;
  double least = 0;
  for (std::size_t mu = 0; mu < lattice.extents.size(); ++mu) {
    const ModeRange range = mode_range(lattice.extents[mu], lattice.boundary[mu]);
    most += std::cos(range.least);
    least += std::cos(range.most);
  }
  constexpr double rounding = 1e-12;
  if (keys.lambda == 0 && 1 - 2 * options.stiffness * (options.stiffness > 0 ? most : least) <= rounding) {
    std::string limits = fmt::format("|kappa| < 1 / {}", 2 * d);
    if (std::abs(most + least) > rounding || std::abs(most - d) > rounding) {
      limits = most > rounding ? fmt::format("kappa < {:.6g}", 0.5 / most) : "kappa";
      if (least < -rounding) limits = fmt::format("{:.6g} < {}", 0.5 / least, limits);
      limits += " on this lattice";
    }
    section.refuse("kappa",
                   fmt::format("{} without a quartic coupling leaves the action without a minimum", options.stiffness),
                   "lambda > 0, or " + limits);
  }
  options.quadratic = 1 - 2 * keys.lambda - 2 * d * options.stiffness;
  options.quartic = keys.lambda;
  return {options, {{.key = "lambda"}, {.key = "kappa"}}};
}

FieldAction phi4(const DeckSection& section, const GridOptions& lattice) {
  const Phi4Options keys = Phi4Options::keys().read(section);
  if (keys.normalization == Normalization::hopping) {
    if (keys.rule == PathRule::mid_point)
      section.refuse("rule", "the hopping form is one of the points", "\"end-point\", or another normalization");
    return quartic_action(hopping_form(section, keys, lattice));
  }
  if (keys.mass_squared && keys.kappa)
    section.refuse("kappa", fmt::format("the {} form has mass_squared instead", section.text("normalization")),
                   "no kappa");
  QuarticForm form =
      quartic_form(section, lattice, keys.normalization, keys.components, keys.mass_squared, keys.lambda);
  form.couplings.push_back({.key = "lambda",
                            .series = "phi4",
                            .factor = keys.normalization == Normalization::textbook ? 1.0 / 24 : 1.0,
                            .degree = 4});
  set_rule(section, keys.rule, lattice, form);
  return quartic_action(form);
}

}  // namespace

ActionKinds::OneKind phi4_kind() {
  return {.name = "phi4",
          .help = "scalar field with n components and quartic self-interaction",
          .keys = Phi4Options::keys().list(),
          .make = phi4,
          .in_template = true};
}

}  // namespace koushi
