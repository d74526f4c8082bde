#include "koushi/field/scalar_theory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "clusters.hpp"
#include "fourier.hpp"
#include "koushi/base/error.hpp"
#include "koushi/field/scalar_kernel.hpp"
#include "koushi/random/philox.hpp"
#include "momentum_correlators.hpp"
#include "order_parameter.hpp"
#include "path_levels.hpp"
#include "real_field.hpp"

namespace koushi {

namespace {

/// One Metropolis update of every site of a colour.
template <typename Action, int n>
struct MetropolisKernel {
  Action action;
  FieldPointer field;
  Kokkos::View<int*> sites;
  Kokkos::View<double*> accepted;  ///< [site of the list * replica]
  std::uint64_t seed;
  std::uint64_t step;
  int hits;
  double width;

  KOKKOS_FUNCTION void operator()(int k) const {
    const GridView& grid = action.grid;
    const auto [row, x] = grid.listed(sites, k);
    const auto neighbours = action.row_of(field, row);
    const RowSides sides = row_sides(grid, x);
    const auto site = static_cast<std::uint64_t>(grid.global_site(row, x));
    const auto first_draw = static_cast<std::uint32_t>((grid.first_replica + row.replica) * hits * (n + 1));
    int count = 0;
    for (int hit = 0; hit < hits; ++hit) {
      double phi[n];
      double other[n];
      double u = 0;
      for (int c = 0; c <= n; ++c) {
        const RandomBlock r = philox(seed, RandomPurpose::local_update, step, site,
                                     first_draw + static_cast<std::uint32_t>(hit * (n + 1) + c));
        const double number = uniform(r.word[0], r.word[1]);
        if (c == n) {
          u = number;
          break;
        }
        phi[c] = field.at(row, c)[x];
        other[c] = phi[c] + width * (2 * number - 1);
      }
      if (u >= Kokkos::exp(-action.local_change(neighbours, x, sides, phi, other))) continue;
      for (int c = 0; c < n; ++c) field.at(row, c)[x] = other[c];
      ++count;
    }
    accepted(k) = count;
  }
};

/// p.v / 2 of every site.
template <int n>
struct HalfProduct {
  FieldPointer momentum;
  FieldPointer velocity;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const HalfProduct self = *this;
    return [self, row](int x, const RowSides&, double(&values)[1]) {
      values[0] = 0;
      for (int c = 0; c < n; ++c) values[0] += 0.5 * self.momentum.at(row, c)[x] * self.velocity.at(row, c)[x];
    };
  }
};

template <typename Site, typename Bond, int n, int d>
class ScalarTheory final : public RealField {
  using Action = ScalarAction<Site, Bond, n, d>;
  static constexpr bool periodic = PeriodicSite<Site>;
  /// S does not change with the sign of phi, bonds apart
  static constexpr bool even = std::is_same_v<Site, QuarticSite>;

 public:
  /// spacing: of a path; 0 for a field.
  ScalarTheory(const Grid& grid, Site site, Bond bond, double spacing)
      : RealField(grid, n),
        action_{grid.view(), site, bond},
        path_(spacing > 0),
        spacing_(path_ ? spacing : 1),
        spare_(make_field(grid, n)) {}

  /// Fixed ends of a path: values in the halo, which no update touches.
  void set_ends(const double (&ends)[2]) {
    const GridView& view = grid_.view();
    for (const FieldArray& array : {field_, spare_, kept_}) {
      const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, array);
      for (std::size_t r = 0; r < static_cast<std::size_t>(view.n_replicas); ++r) {
        if (grid_.ends_fixed(3, -1)) host(r, 0, static_cast<std::size_t>(view.origin - 1)) = ends[0];
        if (grid_.ends_fixed(3, 1)) host(r, 0, static_cast<std::size_t>(view.origin + view.extent[3])) = ends[1];
      }
      Kokkos::deep_copy(array, host);
    }
    closed_ = false;
  }

  std::vector<double> action() override {
    halo_.exchange(field_);
    std::vector<double> s;
    const std::vector<double> all =
        totals<5>("koushi::field::survey", ScalarSurvey<Action, n>{action_, pointer_to(field_)});
    for (std::size_t r = 0; r < all.size(); r += 5) s.push_back(all[r]);
    return s;
  }

  void accelerate(double mass) override {
    accelerated_ = mass != 0;
    if (!accelerated_ || (fourier_ && fourier_->mass() == mass)) return;
    fourier_ = std::make_unique<FourierMass>(grid_, 2 * action_.bond.stiffness, mass);
    velocity_ = make_field(grid_, n);
  }
  void draw_momenta(std::uint64_t seed, std::uint64_t step) override {
    RealField::draw_momenta(seed, step);
    if (accelerated_) fourier_->apply_root(momentum_);
  }
  std::vector<double> hamiltonian() override {
    if (!accelerated_) return RealField::hamiltonian();
    std::vector<double> h = action();
    fourier_->apply_inverse(momentum_, velocity_);
    const std::vector<double> kinetic =
        totals<1>("koushi::field::accelerated_kinetic", HalfProduct<n>{pointer_to(momentum_), pointer_to(velocity_)});
    for (std::size_t r = 0; r < h.size(); ++r) h[r] += kinetic[r];
    return h;
  }
  void drift(double time) override {
    if (!accelerated_) return RealField::drift(time);
    fourier_->apply_inverse(momentum_, velocity_);
    add_scaled("koushi::field::accelerated_drift", field_, velocity_, n, time);
  }
  void kick(double time) override { kick(field_, momentum_, momentum_, time); }
  void kick_then_drift(double kick_time, double drift_time) override {
    if (accelerated_) {
      kick(kick_time);
      drift(drift_time);
      return;
    }
    const KickKernel<Action, n, true> kernel{
        action_,   pointer_to(field_), pointer_to(momentum_), pointer_to(momentum_), pointer_to(spare_),
        kick_time, drift_time};
    run_with_halo("koushi::field::kick_then_drift", field_, kernel);
    std::swap(field_, spare_);
  }
  void shifted_kick(double time, double shift) override {
    if (accelerated_) {
      Kokkos::deep_copy(Kokkos::DefaultExecutionSpace{}, velocity_, 0.0);
      kick(field_, velocity_, velocity_, shift);
      fourier_->apply_inverse(velocity_, velocity_);
      Kokkos::deep_copy(Kokkos::DefaultExecutionSpace{}, spare_, field_);
      add_scaled("koushi::field::accelerated_shift", spare_, velocity_, n, 1);
    } else {
      kick(field_, field_, spare_, shift);
    }
    kick(spare_, momentum_, momentum_, time);
  }

  std::vector<std::array<int, 4>> interactions() const override {
    std::vector<std::array<int, 4>> steps;
    for (int mu = 4 - d; mu < 4; ++mu) {
      steps.push_back({});
      steps.back()[static_cast<std::size_t>(mu)] = 1;
    }
    return steps;
  }

  std::int64_t metropolis(const Colouring& colouring, std::uint64_t seed, std::uint64_t step, int hits,
                          double width) override {
    std::int64_t count = 0;
    for (int colour = 0; colour < colouring.n_colours(); ++colour) {
      const auto& sites = colouring.sites(colour);
      count += update_colour("koushi::field::metropolis", sites, [&](const Kokkos::View<double*>& accepted) {
        return MetropolisKernel<Action, n>{action_, pointer_to(field_), sites, accepted, seed, step, hits, width};
      });
    }
    return count;
  }

  std::vector<std::string> further_updates() const override {
    std::vector<std::string> all{"hmc"};
    if (action_.bond.stiffness > 0 && FourierMass::is_available()) all.emplace_back("fourier-hmc");
    if (even) {
      all.emplace_back("wolff");
      all.emplace_back("swendsen-wang");
    }
    return all;
  }

  /// Clusters of the signs of a field whose potential is even. phi -> phi - 2 (phi.r) r, r a random unit vector (n = 1:
  /// phi -> - phi), keeps |phi|; of a bond, stiffness (phi - w phi')^2, it changes - 2 stiffness w (phi.r)(phi'.r)
  /// alone, an Ising coupling J = 2 stiffness w |phi.r| |phi'.r| of the two signs, so that a bond of aligned signs is
  /// active with probability 1 - e^{-2 J}.
  /// Source  R. C. Brower, P. Tamayo, Phys. Rev. Lett. 62, 1087 (1989); U. Wolff, Phys. Rev. Lett. 62, 361 (1989)
  std::int64_t flip_clusters(bool single, std::uint64_t seed, std::uint64_t step) override {
    if constexpr (!even) return RealField::flip_clusters(single, seed, step);
    halo_.exchange(field_);
    const GridView& view = grid_.view();
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, field_);
    std::vector<std::array<double, 4>> axes;
    for (int r = 0; r < view.n_replicas; ++r) axes.push_back(random_axis(n, seed, step, view.first_replica + r));
    const auto projection = [&](int replica, int stored) {
      double sum = 0;
      for (std::size_t c = 0; c < n; ++c)
        sum += host(static_cast<std::size_t>(replica), c, static_cast<std::size_t>(stored)) *
               axes[static_cast<std::size_t>(replica)][c];
      return sum;
    };
    SpinBonds bonds;
    for (const auto& unit : interactions()) std::copy(unit.begin(), unit.end(), bonds.step[bonds.count++]);
    const BondExponent exponent = [&](int replica, int, int lower, int upper, double weight) {
      return 4 * action_.bond.stiffness * projection(replica, lower) * weight * projection(replica, upper);
    };
    std::int64_t flipped = 0;
    visit_clusters(grid_, bonds, single, seed, step, exponent, [&](int replica, int site, const RandomBlock& word) {
      if (!single && (word.word[0] & 1U) == 0) return;
      ++flipped;
      const double along = projection(replica, site);
      const auto r = static_cast<std::size_t>(replica);
      for (std::size_t c = 0; c < n; ++c) host(r, c, static_cast<std::size_t>(site)) -= 2 * along * axes[r][c];
    });
    Kokkos::deep_copy(field_, host);
    return flipped;
  }

  void correlate_at(const SpatialMomenta& momenta) override { at_momenta_ = MomentumCorrelators(grid_, momenta); }

  Measured measure() override {
    halo_.exchange(field_);
    const std::vector<double> sums =
        totals<5>("koushi::field::survey", ScalarSurvey<Action, n>{action_, pointer_to(field_)});
    const FieldValue value{pointer_to(field_)};
    const std::vector<double> slices = slice_sums_of(n, value);
    const std::vector<double> waves = slice_sums_of(n * at_momenta_.parts(), at_momenta_.times_waves(value));
    const auto volume = static_cast<double>(grid_.n_sites());
    const int length = grid_.view().global_extent[grid_.view().first_direction];
    const auto replicas = static_cast<std::size_t>(grid_.view().n_replicas);
    Measured all;
    for (std::size_t r = 0; r < replicas; ++r) {
      const double* const sum = &sums[5 * r];
      all["action_density"].push_back(sum[0] / volume);
      all[path_ ? "x2" : "phi2"].push_back(sum[1] / volume);
      all[path_ ? "x4" : "phi4"].push_back(sum[2] / volume);
      all["virial"].push_back(sum[3] / (n * volume));
      if constexpr (periodic) all["virial_slope"].push_back(sum[4] / (n * volume));
      append_order_parameter(&slices[r * n * static_cast<std::size_t>(length)], n, grid_, all);
      at_momenta_.append(waves.data() + r * waves.size() / replicas, n, grid_, all);
    }
    if (has_gaps()) {
      const double weight = grid_.options().boundary[0] == Boundary::antiperiodic ? -1 : 1;
      for (std::size_t r = 0; r < replicas; ++r)
        append_path_sums(&slices[r * static_cast<std::size_t>(length)], length, weight, all["path_levels"]);
    }
    return all;
  }

  std::vector<Observable> observables() const override {
    const auto mean = [](const std::vector<double>& x) { return x[0]; };
    std::vector<Observable> all{{"action_density", "<S> / V", {{"action_density"}}, mean},
                                {path_ ? "x2" : "phi2", path_ ? "<x^2>" : "<|phi|^2>", {{path_ ? "x2" : "phi2"}}, mean},
                                {path_ ? "x4" : "phi4", path_ ? "<x^4>" : "<|phi|^4>", {{path_ ? "x4" : "phi4"}}, mean},
                                {"schwinger_dyson", "<sum phi dS/dphi> / (n V): 1 exactly", {{"virial"}}, mean}};
    if constexpr (periodic) {
      all.back() = {"schwinger_dyson",
                    "<sum sin(beta phi) dS/dphi> / <sum beta cos(beta phi)>: 1 exactly",
                    {{"virial"}, {"virial_slope"}},
                    [](const std::vector<double>& x) { return x[0] / x[1]; }};
      all.push_back(
          {"cosine", "<cos(beta phi)>", {{"virial_slope"}}, [beta = action_.site.beta](const std::vector<double>& x) {
             return x[0] / beta;
           }});
    }
    if (path_) {
      if (has_gaps()) {
        for (Observable& gap : path_gaps(spacing_)) all.push_back(std::move(gap));
      }
      return all;
    }
    for (Observable& o : order_observables(grid_)) all.push_back(std::move(o));
    at_momenta_.append_observables(all);
    return all;
  }

  std::vector<Curve> curves() const override {
    if (!closed_) return {};
    std::vector<Curve> all = order_curves(grid_, spacing_);
    at_momenta_.append_curves(grid_, all);
    return all;
  }

 private:
  /// Paths with ends have excited states near them.
  bool has_gaps() const { return path_ && closed_ && grid_.options().boundary[0] != Boundary::open; }
  void kick(const FieldArray& source, const FieldArray& base, const FieldArray& target, double factor) {
    const KickKernel<Action, n, false> kernel{
        action_, pointer_to(source), pointer_to(base), pointer_to(target), {}, factor, 0};
    run_with_halo("koushi::field::kick", source, kernel);
  }

  Action action_;
  bool path_;
  double spacing_;
  bool closed_ = true;  ///< no fixed ends
  FieldArray spare_;    ///< where a kick and drift in one pass writes the field, and where a shifted one stands
  bool accelerated_ = false;
  std::unique_ptr<FourierMass> fourier_;  ///< once it has been asked for
  FieldArray velocity_;                   ///< M^{-1} p
  MomentumCorrelators at_momenta_;
};

template <typename Site, typename Bond, int n>
std::unique_ptr<MolecularDynamics> in_dimension(const Grid& grid, const Site& site, const Bond& bond) {
  switch (grid.dimension()) {
    case 1:
      return std::make_unique<ScalarTheory<Site, Bond, n, 1>>(grid, site, bond, 0);
    case 2:
      return std::make_unique<ScalarTheory<Site, Bond, n, 2>>(grid, site, bond, 0);
    case 3:
      return std::make_unique<ScalarTheory<Site, Bond, n, 3>>(grid, site, bond, 0);
    default:
      return std::make_unique<ScalarTheory<Site, Bond, n, 4>>(grid, site, bond, 0);
  }
}

}  // namespace

std::unique_ptr<MolecularDynamics> make_quartic_theory(const Grid& grid, const QuarticOptions& options) {
  const QuarticSite site{options.quadratic, options.quartic};
  const QuadraticBond bond{options.stiffness};
  switch (options.components) {
    case 1:
      return in_dimension<QuarticSite, QuadraticBond, 1>(grid, site, bond);
    case 2:
      return in_dimension<QuarticSite, QuadraticBond, 2>(grid, site, bond);
    case 3:
      return in_dimension<QuarticSite, QuadraticBond, 3>(grid, site, bond);
    case 4:
      return in_dimension<QuarticSite, QuadraticBond, 4>(grid, site, bond);
    default:
      throw UsageError(fmt::format("a field of {} components\n  expected: 1 to 4", options.components));
  }
}

std::unique_ptr<MolecularDynamics> make_sine_gordon_theory(const Grid& grid, double mass_squared, double beta) {
  return in_dimension<SineGordonSite, QuadraticBond, 1>(grid, {mass_squared / (beta * beta), beta}, {0.5});
}

std::unique_ptr<MolecularDynamics> make_path_theory(const Grid& grid, const PathOptions& options) {
  if (grid.dimension() != 1)
    throw UsageError(fmt::format("a path in {} directions\n  expected: one", grid.dimension()));
  PolynomialSite potential{options.spacing, {}};
  for (std::size_t k = 1; k < options.potential.size() && k <= PolynomialSite::degree; ++k)
    potential.coefficient[k] = options.potential[k];
  const double stiffness = 0.5 / options.spacing;
  const auto finish = [&](auto theory) -> std::unique_ptr<MolecularDynamics> {
    if (grid.options().boundary[0] == Boundary::fixed) theory->set_ends(options.ends);
    return theory;
  };
  if (options.rule == PathRule::mid_point) {
    using Theory = ScalarTheory<PolynomialSite, MidpointBond, 1, 1>;
    return finish(
        std::make_unique<Theory>(grid, PolynomialSite{}, MidpointBond{stiffness, potential}, options.spacing));
  }
  if (options.rule == PathRule::symmetrised && grid.options().boundary[0] == Boundary::open) {
    using Theory = ScalarTheory<PolynomialSite, TrapezoidBond, 1, 1>;
    return finish(
        std::make_unique<Theory>(grid, PolynomialSite{}, TrapezoidBond{stiffness, potential}, options.spacing));
  }
  using Theory = ScalarTheory<PolynomialSite, QuadraticBond, 1, 1>;
  return finish(std::make_unique<Theory>(grid, potential, QuadraticBond{stiffness}, options.spacing));
}

}  // namespace koushi
