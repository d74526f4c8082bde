#include <fmt/format.h>

#include <algorithm>

#include "../quartic_action.hpp"
#include "koushi/field/path_levels.hpp"
#include "koushi/field/scalar_field.hpp"

namespace koushi {

namespace {

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
  }

  Measured measure() override {
    std::vector<double> slices;
    Measured all = this->measurement_.measure(this->field_, slices);
    if (!has_levels()) return all;
    const GridView& view = this->grid_.view();
    const int length = view.global_extent[view.first_direction];
    const double weight = this->grid_.options().boundary[0] == Boundary::antiperiodic ? -1 : 1;
    for (std::size_t r = 0; r < static_cast<std::size_t>(view.n_replicas); ++r)
      append_path_sums(&slices[r * static_cast<std::size_t>(length)], length, weight, all["path_levels"]);
    return all;
  }
  std::vector<Observable> observables() const override {
    std::vector<Observable> all = this->measurement_.local_observables();
    if (has_levels()) {
      for (Observable& gap : path_gaps(spacing_)) all.push_back(std::move(gap));
    }
    return all;
  }
  std::vector<Curve> curves() const override {
    return closed_ ? this->measurement_.curves(spacing_) : std::vector<Curve>{};
  }

 private:
  /// Paths with ends have excited states near them.
  bool has_levels() const { return closed_ && this->grid_.options().boundary[0] != Boundary::open; }
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
  bool closed_;  ///< no fixed ends
};

/// What a deck gives of a PathOptions.
struct PathDeck {
  double spacing = PathOptions{}.spacing;
  std::vector<double> potential;
  PathRule rule = PathOptions{}.rule;
  std::vector<double> ends{PathOptions{}.ends[0], PathOptions{}.ends[1]};

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
                   "x before the first and behind the last point, with boundary = [\"fixed\"]");
    return all;
  }
};

FieldAction path(const DeckSection& section, const GridOptions& lattice) {
  const PathDeck keys = PathDeck::keys().read(section);
  if (lattice.extents.size() != 1)
    section.deck().refuse("lattice.extents", fmt::format("a path in {} directions", lattice.extents.size()),
                          fmt::format("one number for action.kind = \"{}\"", section.kind()));
  PathOptions options{.spacing = keys.spacing, .potential = {0}, .rule = keys.rule};
  options.potential.insert(options.potential.end(), keys.potential.begin(), keys.potential.end());
  if (keys.potential.size() > PolynomialSite::degree)
    section.refuse("potential", fmt::format("{} coefficients were given", keys.potential.size()), "at most 8");
  std::size_t degree = keys.potential.size();
  while (degree > 0 && keys.potential[degree - 1] == 0) --degree;
  if (degree == 0 || degree % 2 != 0 || keys.potential[degree - 1] < 0) {
    section.refuse("potential", "V is not bounded below", "an even highest power with a positive coefficient");
  }
  if (keys.ends.size() != 2) section.refuse("ends", fmt::format("{} ends were given", keys.ends.size()), "two");
  if (section.given("ends") && lattice.boundary[0] != Boundary::fixed)
    section.refuse("ends", "the ends of this path are not fixed", "lattice.boundary = [\"fixed\"], or no ends");
  std::copy(keys.ends.begin(), keys.ends.end(), options.ends);
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
