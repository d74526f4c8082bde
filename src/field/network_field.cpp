#include "koushi/field/network_field.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/deck/keys.hpp"

namespace koushi {

namespace {

/// The energy p.v / 2 of every site.
struct HalfProductOf {
  FieldPointer momentum;
  FieldPointer velocity;
  int components;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const HalfProductOf self = *this;
    return [self, row](int x, const RowSides&, double(&values)[1]) {
      values[0] = 0;
      for (int c = 0; c < self.components; ++c)
        values[0] += 0.5 * self.momentum.at(row, c)[x] * self.velocity.at(row, c)[x];
    };
  }
};

}  // namespace

NetworkField::NetworkField(const Grid& grid, std::unique_ptr<ScalarTheory> theory,
                           std::unique_ptr<PathVariables> variables, Mass mass, std::unique_ptr<LineMass> masses)
    : RealDynamics(grid, theory->components()),
      theory_(std::move(theory)),
      variables_(std::move(variables)),
      mass_(mass),
      masses_(std::move(masses)),
      force_(make_field(grid, components_)),
      pulled_(make_field(grid, components_)),
      velocity_(make_field(grid, components_)),
      spare_(make_field(grid, components_)) {
  if (mass_ == Mass::rank_one && !variables_->is_rank_one())
    throw UsageError(
        "masses of rank one for variables in which the free path has no such form\n  expected: velocities");
}

const FieldArray& NetworkField::expanded() {
  variables_->expand(field_, theory_->array());
  return theory_->array();
}

std::vector<double> NetworkField::action() { return theory_->action_of(expanded()); }

void NetworkField::start(std::uint64_t seed, double spread) {
  theory_->start(seed, spread);
  variables_->collapse(theory_->array(), field_);
}

std::optional<Configuration> NetworkField::field() {
  expanded();
  return theory_->configuration();
}

void NetworkField::set_field(const std::vector<double>& local) {
  theory_->set_configuration(local);
  variables_->collapse(theory_->array(), field_);
  field_changed();
}

Measured NetworkField::measure() {
  expanded();
  return theory_->measure();
}

void NetworkField::draw_momenta(std::uint64_t seed, std::uint64_t step) {
  RealDynamics::draw_momenta(seed, step);
  if (masses_) masses_->apply_root(momentum_);
}

std::vector<double> NetworkField::hamiltonian() {
  if (!masses_) return RealDynamics::hamiltonian();
  std::vector<double> h = action();
  masses_->apply_inverse(momentum_, velocity_);
  const std::vector<double> kinetic = totals<1>(
      "koushi::field::kinetic_of_masses", HalfProductOf{pointer_to(momentum_), pointer_to(velocity_), components_});
  for (std::size_t r = 0; r < h.size(); ++r) h[r] += kinetic[r];
  return h;
}

const FieldArray& NetworkField::force_at(const FieldArray& theta) {
  variables_->expand(theta, theory_->array());
  theory_->force_of(theory_->array(), force_);
  if (mass_ == Mass::gaussian) return force_;
  variables_->pull_back(force_, pulled_);
  return pulled_;
}

void NetworkField::kick_at(const FieldArray& theta, double time) {
  add_scaled("koushi::field::kick_parameters", momentum_, force_at(theta), components_, time);
}

void NetworkField::add_velocity(const FieldArray& source, const FieldArray& target, double factor) {
  if (!masses_) return add_scaled("koushi::field::drift", target, source, components_, factor);
  if (mass_ == Mass::gaussian) {
    masses_->apply_inverse(source, pulled_);
    variables_->collapse_change(pulled_, velocity_);
  } else {
    masses_->apply_inverse(source, velocity_);
  }
  add_scaled("koushi::field::drift", target, velocity_, components_, factor);
}

void NetworkField::drift(double time) {
  add_velocity(momentum_, field_, time);
  field_changed();
}

void NetworkField::shifted_kick(double time, double shift) {
  const FieldArray& force = force_at(field_);
  Kokkos::deep_copy(Kokkos::DefaultExecutionSpace{}, spare_, field_);
  if (&force == &pulled_) std::swap(force_, pulled_);  // velocities are made in pulled_
  add_velocity(force_, spare_, shift);
  kick_at(spare_, time);
}

namespace {

struct PathDeckOptions {
  NetworkField::Mass mass = NetworkField::Mass::gaussian;
  std::optional<double> frequency;
  static const Keys<PathDeckOptions>& keys() {
    static const Keys<PathDeckOptions> all =
        Keys<PathDeckOptions>()
            .choice(
                "mass", &PathDeckOptions::mass,
                {{"unit", NetworkField::Mass::unit},
                 {"gaussian", NetworkField::Mass::gaussian},
                 {"rank-one", NetworkField::Mass::rank_one}},
                "of the momenta of hybrid Monte Carlo: 1 for every parameter; the matrix of a Gaussian action; that "
                "of the free path, which in velocities is a (1 + 1 1^T)")
            .real("frequency", &PathDeckOptions::frequency, {0},
                  "omega of the Gaussian action in the masses; if not given: that of the potential");
    return all;
  }
};

}  // namespace

std::vector<Key> PathSection::keys() {
  std::vector<std::string> names;
  std::vector<std::string> lines;
  for (const PathVariableKind& kind : path_variable_kinds().all()) {
    names.push_back(kind.name);
    lines.push_back(kind.name + ": " + kind.help);
  }
  std::vector<Key> all{declare::choice("variables", names, "\"velocities\"", join(lines, "; "))};
  for (const Key& key : PathDeckOptions::keys().list()) all.push_back(key);
  return all;
}

FieldAction in_path_variables(const Deck& deck, const GridOptions& lattice, FieldAction action) {
  const DeckSection section(deck, "path");
  const PathDeckOptions keys = PathDeckOptions::keys().read(section);
  const std::string name = section.text("variables");
  const auto& kinds = path_variable_kinds().all();
  const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const auto& one) { return one.name == name; });
  if (kind == kinds.end()) throw InternalError("no path.variables " + name);
  if (!action.gaussian)
    deck.refuse("action.kind", fmt::format("\"{}\" is no scalar field of lines in time", deck.text("action.kind")),
                "an action of a scalar field, as \"path\" or \"phi4\"");
  const GaussianPart gaussian = *action.gaussian;
  // gradients across the lines add to their spectrum, on average 2 for every other direction
  const double across = 2.0 * (static_cast<double>(lattice.extents.size()) - 1);
  const double mass =
      keys.frequency ? *keys.frequency * gaussian.spacing : std::sqrt(gaussian.mass * gaussian.mass + across);
  if (section.given("frequency") && keys.mass == NetworkField::Mass::unit)
    section.refuse("frequency", "masses are 1", "mass = \"gaussian\" or \"rank-one\", or no frequency");
  const Boundary boundary = lattice.boundary[0];
  action.numbers_per_site += 7 * action.components;  // parameters, momenta, kept, force, pulled, velocities, shifted
  action.grid.undivided = "the line of a network stays whole on a rank";
  action.variables = name;
  action.note = fmt::format(
      "networks     {}; masses of the momenta: {}{}\n", kind->help, section.text("mass"),
      keys.mass == NetworkField::Mass::unit ? "" : fmt::format(", omega = {:.6g}", mass / gaussian.spacing));
  action.make = [make = action.make, kind = *kind, gaussian, mass, boundary, masses_kind = keys.mass,
                 section](const Grid& grid) -> std::unique_ptr<FieldTheory> {
    std::unique_ptr<FieldTheory> made = make(grid);
    const bool has_zero_mode = boundary == Boundary::periodic || boundary == Boundary::open;
    if (masses_kind != NetworkField::Mass::unit && !(mass > 0) && has_zero_mode)
      section.refuse("frequency", "a path with these ends has a mode of no momentum, whose mass would be 0",
                     "a frequency > 0");
    auto* const scalar = dynamic_cast<ScalarTheory*>(made.get());
    if (scalar == nullptr) throw InternalError("an action with a Gaussian part whose theory is no scalar field");
    made.release();
    std::unique_ptr<ScalarTheory> theory(scalar);
    const int components = theory->components();
    const PathSetting setting{
        PathLines(grid, components), grid.view(), gaussian.spacing, boundary, {gaussian.ends[0], gaussian.ends[1]}};
    const auto refusing = [&section](const std::string& key, const auto& made_of) {
      try {
        return made_of();
      } catch (const UsageError& error) {
        const auto [problem, expected] = problem_and_expected(error.what());
        section.refuse(key, problem, expected);
      }
    };
    std::unique_ptr<PathVariables> variables = refusing("variables", [&] { return kind.make(setting); });
    std::unique_ptr<LineMass> masses = refusing("mass", [&]() -> std::unique_ptr<LineMass> {
      if (masses_kind == NetworkField::Mass::unit) return nullptr;
      if (masses_kind == NetworkField::Mass::gaussian)
        return std::make_unique<TridiagonalMass>(grid, components, gaussian.stiffness, mass, gaussian.mid_points);
      if (boundary == Boundary::open)
        throw UsageError("masses of rank one for a path with an open end\n  expected: gaussian or unit masses");
      const double a = gaussian.spacing;
      return std::make_unique<RankOneMass>(grid, components, 2 * gaussian.stiffness * a * a,
                                           boundary == Boundary::fixed,
                                           2 * gaussian.stiffness * mass * mass * setting.lines.length());
    });
    return refusing("mass", [&] {
      return std::make_unique<NetworkField>(grid, std::move(theory), std::move(variables), masses_kind,
                                            std::move(masses));
    });
  };
  return action;
}

}  // namespace koushi
