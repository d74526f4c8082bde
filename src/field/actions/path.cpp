#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "../mode_range.hpp"
#include "../quartic_action.hpp"
#include "koushi/field/path_levels.hpp"
#include "koushi/field/scalar_field.hpp"

namespace koushi {

namespace {

/// Whether V rises on both sides.
bool is_bound(const std::vector<double>& potential) {
  const std::size_t degree = degree_of(potential);
  return degree > 0 && degree % 2 == 0 && potential[degree] > 0;
}

/// A scalar field on a line, as the path of a particle: its ends may be fixed, and its levels are measured.
template <typename Bond>
class Path : public ScalarField<PolynomialSite, Bond, 1, 1> {
  using Base = ScalarField<PolynomialSite, Bond, 1, 1>;

 public:
  Path(const Grid& grid, const PolynomialSite& site, const Bond& bond, const PathOptions& options)
      : Base(grid, site, bond, {"x2", "<x^2>", "x4", "<x^4>"}),
        spacing_(options.spacing),
        closed_(grid.options().boundary[0] != Boundary::fixed) {
    if (!closed_) set_ends(options.ends);
    // paths with ends have excited states near them
    if (closed_ && grid.options().boundary[0] != Boundary::open && is_bound(options.potential))
      levels_.emplace(options, grid.view().global_extent[grid.view().first_direction], options.gap_time);
  }

  Measured measure() override {
    std::vector<double> slices;
    Measured all = this->measurement_.measure(this->field_, slices);
    if (!levels_) return all;
    const GridView& view = this->grid_.view();
    const int length = view.global_extent[view.first_direction];
    const double weight = this->grid_.options().boundary[0] == Boundary::antiperiodic ? -1 : 1;
    for (std::size_t r = 0; r < static_cast<std::size_t>(view.n_replicas); ++r)
      levels_->append(&slices[r * static_cast<std::size_t>(length)], weight, all["path_correlators"]);
    return all;
  }
  std::vector<Observable> observables() const override {
    std::vector<Observable> all = this->measurement_.local_observables();
    if (levels_) {
      for (Observable& gap : levels_->observables()) all.push_back(std::move(gap));
    }
    return all;
  }
  std::vector<Curve> curves() const override {
    std::vector<Curve> all = closed_ ? this->measurement_.curves(spacing_) : std::vector<Curve>{};
    if (levels_) {
      for (Curve& gap : levels_->curves()) all.push_back(std::move(gap));
    }
    return all;
  }

 private:
  /// Values in the halo, which no update touches.
  void set_ends(const double (&ends)[2]) {
    const GridView& view = this->grid_.view();
    const FieldArray arrays[] = {this->field_, this->spare_,
                                 this->kept_};  // nvcc 13 makes no range of a list in braces here
    for (const FieldArray& array : arrays) {
      const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, array);
      for (std::size_t r = 0; r < static_cast<std::size_t>(view.n_replicas); ++r) {
        if (this->grid_.ends_fixed(3, -1)) host(r, 0, static_cast<std::size_t>(view.origin - 1)) = ends[0];
        if (this->grid_.ends_fixed(3, 1)) host(r, 0, static_cast<std::size_t>(view.origin + view.extent[3])) = ends[1];
      }
      Kokkos::deep_copy(array, host);
    }
  }

  double spacing_;
  bool closed_;                       ///< no fixed ends
  std::optional<PathLevels> levels_;  ///< none with ends, or without bound states
};

/// What a deck gives of a PathOptions.
struct PathDeck {
  double spacing = PathOptions{}.spacing;
  std::vector<double> potential;
  PathRule rule = PathOptions{}.rule;
  std::vector<double> ends{PathOptions{}.ends[0], PathOptions{}.ends[1]};
  std::optional<double> gap_time;

  static const Keys<PathDeck>& keys() {
    static const Keys<PathDeck> all =
        Keys<PathDeck>()
            .real("spacing", &PathDeck::spacing, {positive_number}, "a, time between two points")
            .required()
            .reals("potential", &PathDeck::potential, {}, "V = c_1 x + c_2 x^2 + ..., as [c_1, c_2, ...], at most 8")
            .required()
            .choice("rule", &PathDeck::rule,
                    {{"end-point", PathRule::end_point},
                     {"mid-point", PathRule::mid_point},
                     {"symmetrised", PathRule::symmetrised}},
                    "where V is taken; results agree only as a -> 0")
            .reals("ends", &PathDeck::ends, {},
                   "x before the first and behind the last point, with boundary = [\"fixed\"]")
            .real("gap_time", &PathDeck::gap_time, {positive_number},
                  "t of gap_n, from C(t) and C(2t): at most a quarter of the length, in steps of a; if not given: "
                  "where states beyond the sixth are down by e^-3.6 in V");
    return all;
  }
};

/// Refuses an S whose e^{-S} has no finite integral, which depends on V, on its rule and on the ends. S is a sum of
/// (x_{i+1} - x_i)^2 / 2a over steps and of a V over points or middles of steps.
///
/// * V of degree > 2 decides alone: S grows in every direction if the highest power is even with a positive coefficient,
///   and falls as |x|^degree in some direction if not.
/// * V = c_1 x + c_2 x^2 leaves a Gaussian, whose matrix -d^2/a + 2 a c_2 W must have positive eigenvalues. Its modes
///   have momenta k: k_hat^2 / a + 2 a c_2 w, w = 1 at points and (1 + cos k)/2 at middles. w falls where k_hat^2
///   grows, so for c_2 < 0 the least k has the least eigenvalue. With open ends the halves of a V at ends are missing
///   where a rule is on steps, but x = const shows that c_2 > 0 is needed, and then all terms are squares.
/// * One point with open ends has no step: nothing of S is left to the rules on steps.
void refuse_unbounded(const DeckSection& section, const PathOptions& options, int extent, Boundary boundary) {
  const std::size_t degree = degree_of(options.potential);
  const bool on_steps =
      options.rule == PathRule::mid_point || (options.rule == PathRule::symmetrised && boundary == Boundary::open);
  if (on_steps && boundary == Boundary::open && extent == 1) {
    section.refuse("rule", "V is taken on steps, and one point with open ends has none: S = 0",
                   "lattice.extents = [2] or more, or rule = \"end-point\"");
  }
  const double k = mode_range(extent, boundary).least;
  const double c = std::cos(0.5 * k);
  const double weight = options.rule == PathRule::mid_point ? c * c : 1;
  constexpr double rounding = 1e-12;
  if (weight < rounding) return;  // one point on an antiperiodic ring: the middle of x and -x is 0
  if (degree > 2) {
    if (!is_bound(options.potential))
      section.refuse("potential", "V is not bounded below", "an even highest power with a positive coefficient");
    return;
  }
  const double kinetic = lattice_momentum_squared(k) / options.spacing;
  const double c_2 = degree == 2 ? options.potential[2] : 0;
  const double potential = 2 * options.spacing * c_2 * weight;
  if (kinetic + potential > rounding * kinetic) return;
  const double limit = 0.5 * kinetic / (options.spacing * weight);
  section.refuse(
      "potential",
      fmt::format("e^(-S) cannot be normalised: the smallest eigenvalue of the matrix of S is {:.4g}",
                  kinetic + potential),
      fmt::format("c_2 > {:.6g} with these ends, or an even highest power beyond 2 with a positive coefficient",
                  limit > 0 ? -limit : 0.0));
}

FieldAction path(const DeckSection& section, const GridOptions& lattice) {
  const PathDeck keys = PathDeck::keys().read(section);
  if (lattice.extents.size() != 1)
    section.deck().refuse("lattice.extents", fmt::format("a path in {} directions", lattice.extents.size()),
                          fmt::format("one number for action.kind = \"{}\"", section.kind()));
  PathOptions options{.spacing = keys.spacing, .potential = {0}, .rule = keys.rule};
  options.potential.insert(options.potential.end(), keys.potential.begin(), keys.potential.end());
  if (keys.potential.size() > PolynomialSite::degree)
    section.refuse("potential", fmt::format("{} coefficients were given", keys.potential.size()), "at most 8");
  refuse_unbounded(section, options, lattice.extents[0], lattice.boundary[0]);
  if (keys.ends.size() != 2) section.refuse("ends", fmt::format("{} ends were given", keys.ends.size()), "two");
  if (section.given("ends") && lattice.boundary[0] != Boundary::fixed)
    section.refuse("ends", "the ends of this path are not fixed", "lattice.boundary = [\"fixed\"], or no ends");
  std::copy(keys.ends.begin(), keys.ends.end(), options.ends);
  if (keys.gap_time) {
    const double length = keys.spacing * lattice.extents[0];
    if (lattice.boundary[0] == Boundary::fixed || lattice.boundary[0] == Boundary::open || !is_bound(options.potential))
      section.refuse("gap_time", "gaps of a path with ends, or of a V without bound states, are not measured",
                     "no gap_time");
    if (*keys.gap_time < keys.spacing || *keys.gap_time > 0.25 * length * (1 + 1e-9))
      section.refuse(
          "gap_time",
          fmt::format("{:.6g} on a path of length {:.6g} in steps of {:.6g}", *keys.gap_time, length, keys.spacing),
          "at least a step, at most a quarter of the path");
    options.gap_time = *keys.gap_time;
  }
  FieldAction action = scalar_action(1);
  action.grid.fixed_ends = true;
  action.couplings = {{.key = "spacing"}};
  action.correlator->spacing = keys.spacing;
  action.make = [options](const Grid& grid) { return make_path_theory(grid, options); };
  return action;
}

}  // namespace

std::unique_ptr<ScalarTheory> make_path_theory(const Grid& grid, const PathOptions& options) {
  if (grid.dimension() != 1)
    throw UsageError(fmt::format("a path in {} directions\n  expected: one", grid.dimension()));
  PolynomialSite potential{options.spacing, {}};
  for (std::size_t k = 1; k < options.potential.size() && k <= PolynomialSite::degree; ++k)
    potential.coefficient[k] = options.potential[k];
  const double stiffness = 0.5 / options.spacing;
  const auto with = [&]<typename Bond>(const PolynomialSite& site, const Bond& bond) {
    return make_accelerated<Path<Bond>>(stiffness, std::nullopt, grid, site, bond, options);
  };
  if (options.rule == PathRule::mid_point) return with(PolynomialSite{}, MidpointBond{stiffness, potential});
  if (options.rule == PathRule::symmetrised && grid.options().boundary[0] == Boundary::open)
    return with(PolynomialSite{}, TrapezoidBond{stiffness, potential});
  return with(potential, QuadraticBond{stiffness});
}

ActionKinds::OneKind path_kind() {
  return {"path", "path of a particle of mass 1 on a line: (d x)^2 / (2 a) + a V(x)", PathDeck::keys().list(), path};
}

}  // namespace koushi
