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

/// A scalar field on a line, as the path of a particle: its ends may be fixed, and its levels are measured.
template <typename Site, typename Bond>
class Path : public ScalarField<Site, Bond, 1, 1> {
  using Base = ScalarField<Site, Bond, 1, 1>;

 public:
  Path(const Grid& grid, const Site& site, const Bond& bond, const PathOptions& options)
      : Base(grid, site, bond, {"x2", "<x^2>", "x4", "<x^4>"}),
        options_(options),
        spacing_(options.spacing),
        closed_(grid.options().boundary[0] != Boundary::fixed) {
    if (!closed_) set_ends(options.ends);
    // paths with ends have excited states near them
    if (closed_ && grid.options().boundary[0] != Boundary::open && options.is_bound())
      levels_.emplace(options, grid.view().global_extent[grid.view().first_direction], options.gap_time);
    if (levels_) density_reach_ = options.reach(PathLevels::semiclassical_level(options, 3));
  }

  Measured measure() override {
    std::vector<double> slices;
    Measured all = this->measurement_.measure(this->field_, slices);
    if (!levels_) return all;
    const GridView& view = this->grid_.view();
    const int length = view.global_extent[view.first_direction];
    const double weight = this->grid_.options().boundary[0] == Boundary::antiperiodic ? -1 : 1;
    for (std::size_t r = 0; r < static_cast<std::size_t>(view.n_replicas); ++r) {
      const double* const x = &slices[r * static_cast<std::size_t>(length)];
      levels_->append(x, weight, all["path_correlators"]);
      all["virial_energy"].push_back(virial_energy(x, length, weight));
      append_histogram(x, length, all["density"]);
    }
    if (options_.density_bins == 0) all.erase("density");
    return all;
  }
  std::vector<Observable> observables() const override {
    std::vector<Observable> all = this->measurement_.local_observables();
    if (levels_) {
      for (Observable& gap : levels_->observables()) all.push_back(std::move(gap));
      all.push_back({"virial_energy",
                     "<V + x V' / 2>, where the rule takes V: E_0 of a long path as a -> 0",
                     {{"virial_energy"}},
                     [](const std::vector<double>& x) { return x[0]; }});
    }
    return all;
  }
  std::vector<Curve> curves() const override {
    std::vector<Curve> all = closed_ ? this->measurement_.curves(spacing_) : std::vector<Curve>{};
    if (levels_) {
      for (Curve& gap : levels_->curves()) all.push_back(std::move(gap));
      if (options_.density_bins > 0) all.push_back(density());
    }
    return all;
  }

 private:
  /// The mean of V + x V'/2 over the places at which the rule takes V.
  double virial_energy(const double* x, int length, double weight) const {
    double sum = 0;
    for (int t = 0; t < length; ++t) {
      const double next = t + 1 < length ? x[t + 1] : weight * x[0];
      const double at = options_.rule == PathRule::mid_point ? 0.5 * (x[t] + next) : x[t];
      sum += options_.value(at) + 0.5 * at * options_.slope(at);
    }
    return sum / length;
  }
  double bin_width() const { return 2 * density_reach_ / options_.density_bins; }
  void append_histogram(const double* x, int length, std::vector<double>& out) const {
    const auto bins = static_cast<std::size_t>(options_.density_bins);
    if (bins == 0) return;
    const std::size_t first = out.size();
    out.resize(first + bins, 0.0);
    for (int t = 0; t < length; ++t) {
      const double bin = std::floor((x[t] + density_reach_) / bin_width());
      if (bin >= 0 && bin < options_.density_bins) out[first + static_cast<std::size_t>(bin)] += 1;
    }
    for (std::size_t k = first; k < out.size(); ++k) out[k] /= length * bin_width();
  }
  Curve density() const {
    Curve curve{"density",
                "density of a point of the path, means over bins; of a long path |psi_0(x)|^2",
                "x",
                {},
                {},
                "1 / x",
                R"($\rho(x)$)"};
    for (int k = 0; k < options_.density_bins; ++k) {
      curve.x.push_back(-density_reach_ + (k + 0.5) * bin_width());
      curve.points.push_back({"", "", {{"density", static_cast<std::size_t>(k)}}, [](const std::vector<double>& means) {
                                return means[0];
                              }});
    }
    return curve;
  }
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

  PathOptions options_;
  double density_reach_ = 1;  ///< of the histogram, both ways
  double spacing_;
  bool closed_;                       ///< no fixed ends
  std::optional<PathLevels> levels_;  ///< none with ends, or without bound states
};

/// What a deck gives of a PathOptions.
struct PathDeck {
  double spacing = PathOptions{}.spacing;
  std::vector<double> potential;
  std::optional<std::vector<std::vector<double>>> bumps;
  PathRule rule = PathOptions{}.rule;
  std::vector<double> ends{PathOptions{}.ends[0], PathOptions{}.ends[1]};
  std::optional<double> gap_time;
  int density_bins = PathOptions{}.density_bins;

  static const Keys<PathDeck>& keys() {
    static const Keys<PathDeck> all =
        Keys<PathDeck>()
            .real("spacing", &PathDeck::spacing, {positive_number}, "a, time between two points")
            .required()
            .reals("potential", &PathDeck::potential, {}, "V = c_1 x + c_2 x^2 + ..., as [c_1, c_2, ...], at most 8")
            .required()
            .example("[0.0, 0.5]")
            .rows("bumps", &PathDeck::bumps,
                  "added to V: h e^(-(x - c)^2 / (2 w^2)) for each [h, c, w], at most 4 of them")
            .choice("rule", &PathDeck::rule,
                    {{"end-point", PathRule::end_point},
                     {"mid-point", PathRule::mid_point},
                     {"symmetrised", PathRule::symmetrised}},
                    "where V is taken; results agree only as a -> 0")
            .reals("ends", &PathDeck::ends, {},
                   "x before the first and behind the last point, with boundary = [\"fixed\"]")
            .real("gap_time", &PathDeck::gap_time, {positive_number},
                  "t of gap_n, from C(t) and C(2t): at most a quarter of the length, in steps of a; if not given: "
                  "where states beyond the sixth are down by e^-3.6 in V")
            .integer("density_bins", &PathDeck::density_bins, {0, 1024},
                     "of a histogram of x over where V is below about E_3; 0: none");
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
  const std::size_t degree = options.degree();
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
    if (!options.is_bound())
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
  if (keys.bumps && keys.bumps->size() > PathOptions::max_bumps)
    section.refuse("bumps", fmt::format("{} bumps were given", keys.bumps->size()), "at most 4");
  const std::vector<std::vector<double>> bumps = keys.bumps.value_or(std::vector<std::vector<double>>{});
  for (const std::vector<double>& bump : bumps) {
    if (bump.size() != 3 || !(bump[2] > 0))
      section.refuse("bumps", fmt::format("[{}]", fmt::join(bump, ", ")), "[height, centre, width], with a width > 0");
    options.bumps.push_back({bump[0], bump[1], bump[2]});
  }
  if (keys.ends.size() != 2) section.refuse("ends", fmt::format("{} ends were given", keys.ends.size()), "two");
  if (section.given("ends") && lattice.boundary[0] != Boundary::fixed)
    section.refuse("ends", "the ends of this path are not fixed", "lattice.boundary = [\"fixed\"], or no ends");
  std::copy(keys.ends.begin(), keys.ends.end(), options.ends);
  if (keys.gap_time) {
    const double length = keys.spacing * lattice.extents[0];
    if (lattice.boundary[0] == Boundary::fixed || lattice.boundary[0] == Boundary::open || !options.is_bound())
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
  options.density_bins = keys.density_bins;
  if (keys.density_bins > 0 &&
      (lattice.boundary[0] == Boundary::fixed || lattice.boundary[0] == Boundary::open || !options.is_bound()))
    section.refuse("density_bins", "the density of a path with ends, or of a V without bound states, is not measured",
                   "no density_bins");
  if (options.is_bound() && !std::isfinite(PathLevels::default_time(options)))
    section.refuse("potential", "the levels of V are beyond the range of double precision numbers",
                   "coefficients of more equal sizes");
  action.path = options;
  const double c_2 = options.potential.size() > 2 ? options.potential[2] : 0;
  const double frequency =
      c_2 > 0              ? std::sqrt(2 * c_2)
      : options.is_bound() ? PathLevels::semiclassical_level(options, 1) - PathLevels::semiclassical_level(options, 0)
                           : 0;
  action.gaussian = GaussianPart{0.5 / options.spacing,
                                 options.spacing * frequency,
                                 options.rule == PathRule::mid_point,
                                 options.spacing,
                                 {options.ends[0], options.ends[1]}};
  action.make = [options, section, extent = lattice.extents[0], boundary = lattice.boundary[0]](const Grid& grid) {
    refuse_unbounded(section, options, extent, boundary);  // in real time nothing needs to be normalised
    return make_path_theory(grid, options);
  };
  return action;
}

/// The theory of a potential, which is added at points, at middles of steps, or at both ends of steps.
template <typename Potential>
std::unique_ptr<ScalarTheory> make_path(const Grid& grid, const PathOptions& options, const Potential& potential) {
  const double stiffness = 0.5 / options.spacing;
  const auto with = [&]<typename Bond>(const Potential& site, const Bond& bond) {
    return make_accelerated<Path<Potential, Bond>>(stiffness, std::nullopt, grid, site, bond, options);
  };
  if (options.rule == PathRule::mid_point) return with(Potential{}, MidpointBond<Potential>{stiffness, potential});
  if (options.rule == PathRule::symmetrised && grid.options().boundary[0] == Boundary::open)
    return with(Potential{}, TrapezoidBond<Potential>{stiffness, potential});
  return with(potential, QuadraticBond{stiffness});
}

}  // namespace

std::unique_ptr<ScalarTheory> make_path_theory(const Grid& grid, const PathOptions& options) {
  if (grid.dimension() != 1)
    throw UsageError(fmt::format("a path in {} directions\n  expected: one", grid.dimension()));
  PolynomialSite potential{options.spacing, {}};
  for (std::size_t k = 1; k < options.potential.size() && k <= PolynomialSite::degree; ++k)
    potential.coefficient[k] = options.potential[k];
  if (options.bumps.empty()) return make_path(grid, options, potential);
  BumpySite bumpy{potential, static_cast<int>(options.bumps.size()), {}};
  for (std::size_t k = 0; k < options.bumps.size(); ++k) {
    const auto& [height, centre, width] = options.bumps[k];
    bumpy.bump[k] = {height, centre, 1 / width};
  }
  return make_path(grid, options, bumpy);
}

ActionKinds::OneKind path_kind() {
  return {"path", "path of a particle of mass 1 on a line: (d x)^2 / (2 a) + a V(x)", PathDeck::keys().list(), path};
}

}  // namespace koushi
