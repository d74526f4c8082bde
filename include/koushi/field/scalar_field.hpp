#pragma once

#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "koushi/field/action_on_arrays.hpp"
#include "koushi/field/clusters.hpp"
#include "koushi/field/fourier.hpp"
#include "koushi/field/momentum_correlators.hpp"
#include "koushi/field/order_parameter.hpp"
#include "koushi/field/scalar_kernel.hpp"
#include "koushi/field/scalar_theory.hpp"
#include "koushi/random/philox.hpp"

namespace koushi {

/// One Metropolis update of every site of a colour.
template <typename Action, int n>
struct ScalarMetropolis {
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

/// The energy p.v / 2 of every site.
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

/// S = sum_x { V(phi(x)) + sum_mu B(phi(x), phi(x + mu)) } as a function of arrays of n components in d directions.
///
/// Cost        action_of: one pass over the field; force_of and kick: see KickKernel
template <typename Site, typename Bond, int n, int d>
class ScalarFunction final : public ForceOnArrays {
 public:
  using Kernel = ScalarAction<Site, Bond, n, d>;
  static constexpr int numbers = 5;  ///< of site_sums(), per replica

  /// Keeps the reference to `on`, which has n components.
  ScalarFunction(FieldOperations& on, const Site& site, const Bond& bond)
      : on_(on), kernel_{on.lattice().view(), site, bond} {}

  const Kernel& kernel() const { return kernel_; }

  std::vector<double> action_of(const FieldArray& field) override {
    std::vector<double> s;
    const std::vector<double> all = site_sums(field);
    for (std::size_t r = 0; r < all.size(); r += numbers) s.push_back(all[r]);
    return s;
  }
  void force_of(const FieldArray& field, const FieldArray& force) override {
    Kokkos::deep_copy(Kokkos::DefaultExecutionSpace{}, force, 0.0);
    kick(field, force, force, 1);
  }
  /// target = base - factor dS/dphi(source); base may be target.
  void kick(const FieldArray& source, const FieldArray& base, const FieldArray& target, double factor) {
    const KickKernel<Kernel, n, false> kick{
        kernel_, on_.pointer_to(source), on_.pointer_to(base), on_.pointer_to(target), {}, factor, 0};
    on_.run_with_halo("koushi::field::kick", source, kick);
  }
  /// Sums over the lattice of what ScalarSiteSums gives per site: [replica][numbers].
  std::vector<double> site_sums(const FieldArray& field) {
    on_.halo().exchange(field);
    return on_.totals<numbers>("koushi::field::site_sums", ScalarSiteSums<Kernel, n>{kernel_, on_.pointer_to(field)});
  }

 private:
  FieldOperations& on_;
  Kernel kernel_;
};

/// The names of |phi|^2 and |phi|^4.
struct MomentNames {
  std::string square = "phi2";
  std::string square_help = "<|phi|^2>";
  std::string fourth = "phi4";
  std::string fourth_help = "<|phi|^4>";
};

/// What is measured of a scalar field on an array: densities of S, |phi|^2, |phi|^4, the Schwinger-Dyson identity, and
/// its order parameter with all correlators.
template <typename Site, typename Bond, int n, int d>
class ScalarMeasurement {
 public:
  using Function = ScalarFunction<Site, Bond, n, d>;
  ScalarMeasurement(FieldOperations& on, Function& function, MomentNames names)
      : on_(on), function_(function), names_(std::move(names)) {}

  void correlate_at(const SpatialMomenta& momenta) { at_momenta_ = MomentumCorrelators(on_.lattice(), momenta); }

  /// Collective; `slices` become the sums of phi over slices, [replica][component][t].
  Measured measure(const FieldArray& field, std::vector<double>& slices) {
    const Grid& grid = on_.lattice();
    const std::vector<double> sums = function_.site_sums(field);
    const FieldValue value{on_.pointer_to(field)};
    slices = on_.slice_sums_of(n, value);
    const std::vector<double> waves = on_.slice_sums_of(n * at_momenta_.parts(), at_momenta_.times_waves(value));
    const auto volume = static_cast<double>(grid.n_sites());
    const auto replicas = static_cast<std::size_t>(grid.view().n_replicas);
    Measured all;
    for (std::size_t r = 0; r < replicas; ++r) {
      const double* const sum = &sums[Function::numbers * r];
      all["action_density"].push_back(sum[0] / volume);
      all[names_.square].push_back(sum[1] / volume);
      all[names_.fourth].push_back(sum[2] / volume);
      all["virial"].push_back(sum[3] / (n * volume));
      if constexpr (PeriodicSite<Site>) all["virial_slope"].push_back(sum[4] / (n * volume));
      append_order_parameter(slices.data() + r * slices.size() / replicas, n, grid, all);
      at_momenta_.append(waves.data() + r * waves.size() / replicas, n, grid, all);
    }
    return all;
  }

  /// Means of S, |phi|^2, |phi|^4, and the identity.
  std::vector<Observable> local_observables() const {
    const auto mean = [](const std::vector<double>& x) { return x[0]; };
    std::vector<Observable> all{{"action_density", "<S> / V", {{"action_density"}}, mean},
                                {names_.square, names_.square_help, {{names_.square}}, mean},
                                {names_.fourth, names_.fourth_help, {{names_.fourth}}, mean},
                                {"schwinger_dyson", "<sum phi dS/dphi> / (n V): 1 exactly", {{"virial"}}, mean}};
    if constexpr (PeriodicSite<Site>) {
      all.back() = {"schwinger_dyson",
                    "<sum sin(beta phi) dS/dphi> / <sum beta cos(beta phi)>: 1 exactly",
                    {{"virial"}, {"virial_slope"}},
                    [](const std::vector<double>& x) { return x[0] / x[1]; }};
      const double beta = function_.kernel().site.beta;
      all.push_back({"cosine", "<cos(beta phi)>", {{"virial_slope"}}, [beta](const std::vector<double>& x) {
                       return x[0] / beta;
                     }});
    }
    return all;
  }
  /// Appends the observables of the order parameter.
  void append_order(std::vector<Observable>& all) const {
    for (Observable& o : order_observables(on_.lattice())) all.push_back(std::move(o));
    at_momenta_.append_observables(all);
  }
  /// spacing: between two slices.
  std::vector<Curve> curves(double spacing) const {
    std::vector<Curve> all = order_curves(on_.lattice(), spacing);
    at_momenta_.append_curves(on_.lattice(), all);
    return all;
  }

 private:
  FieldOperations& on_;
  Function& function_;
  MomentNames names_;
  MomentumCorrelators at_momenta_;
};

/// The theory of a site potential V and a bond energy B of n components in d directions,
/// S = sum_x { V(phi(x)) + sum_mu B(phi(x), phi(x + mu)) }: scalar_kernel.hpp has examples of both.
template <typename Site, typename Bond, int n, int d>
class ScalarField : public ScalarTheory {
 public:
  static constexpr int n_components = n;
  using Function = ScalarFunction<Site, Bond, n, d>;

  ScalarField(const Grid& grid, const Site& site, const Bond& bond, const MomentNames& names = {})
      : ScalarTheory(grid, n, Function::Kernel::corners),
        function_(*this, site, bond),
        measurement_(*this, function_, names),
        spare_(make_field(grid, n)) {}

  std::vector<double> action() override { return function_.action_of(field_); }
  std::vector<double> action_of(const FieldArray& field) override { return function_.action_of(field); }
  void force_of(const FieldArray& field, const FieldArray& force) override { function_.force_of(field, force); }

  void kick(double time) override { function_.kick(field_, momentum_, momentum_, time); }
  void kick_then_drift(double kick_time, double drift_time) override {
    const KickKernel<typename Function::Kernel, n, true> kernel{
        function_.kernel(), pointer_to(field_), pointer_to(momentum_), pointer_to(momentum_), pointer_to(spare_),
        kick_time,          drift_time};
    run_with_halo("koushi::field::kick_then_drift", field_, kernel);
    std::swap(field_, spare_);
  }
  void shifted_kick(double time, double shift) override {
    function_.kick(field_, field_, spare_, shift);
    function_.kick(spare_, momentum_, momentum_, time);
  }

  Interactions interactions() const override {
    Interactions steps;
    for (int mu = 4 - d; mu < 4; ++mu) {
      steps.push_back({});
      steps.back()[static_cast<std::size_t>(mu)] = 1;
      for (int in_time = -1; Function::Kernel::corners && mu > 4 - d && in_time <= 1; in_time += 2) {
        steps.push_back(steps.back());
        steps.back()[4 - d] = in_time;
      }
    }
    return steps;
  }
  std::int64_t metropolis(const Colouring& colouring, std::uint64_t seed, std::uint64_t step, int hits,
                          double width) override {
    std::int64_t count = 0;
    for (int colour = 0; colour < colouring.n_colours(); ++colour) {
      const auto& sites = colouring.sites(colour);
      count += update_colour("koushi::field::metropolis", field_, sites, [&](const Kokkos::View<double*>& accepted) {
        return ScalarMetropolis<typename Function::Kernel, n>{
            function_.kernel(), pointer_to(field_), sites, accepted, seed, step, hits, width};
      });
    }
    return count;
  }

  void correlate_at(const SpatialMomenta& momenta) override { measurement_.correlate_at(momenta); }
  Measured measure() override {
    std::vector<double> slices;
    return measurement_.measure(field_, slices);
  }
  std::vector<Observable> observables() const override {
    std::vector<Observable> all = measurement_.local_observables();
    measurement_.append_order(all);
    return all;
  }
  std::vector<Curve> curves() const override { return measurement_.curves(1); }

 protected:
  const typename Function::Kernel& kernel() const { return function_.kernel(); }

  Function function_;
  ScalarMeasurement<Site, Bond, n, d> measurement_;
  FieldArray spare_;  ///< where a kick and drift in one pass writes the field, and where a shifted one stands
};

/// A ScalarField, or a layer on one, with clusters of the signs of phi, for even potentials and bonds
/// stiffness (phi - w phi')^2.
///
/// phi -> phi - 2 (phi.r) r, r a random unit vector (n = 1: phi -> - phi), keeps |phi|; of a bond it changes
/// - 2 stiffness w (phi.r)(phi'.r) alone, an Ising coupling J = 2 stiffness w |phi.r| |phi'.r| of the two signs, so
/// that a bond of aligned signs is active with probability 1 - e^{-2 J}.
/// Source  R. C. Brower, P. Tamayo, Phys. Rev. Lett. 62, 1087 (1989); U. Wolff, Phys. Rev. Lett. 62, 361 (1989)
template <typename Theory>
class SignClusters : public Theory, public ClusterUpdates {
 public:
  using Theory::Theory;
  std::int64_t flip_clusters(bool single, std::uint64_t seed, std::uint64_t step) override {
    this->halo_.exchange(this->field_);
    const GridView& view = this->grid_.view();
    constexpr int n = Theory::n_components;
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, this->field_);
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
    for (const auto& unit : this->interactions()) std::copy(unit.begin(), unit.end(), bonds.step[bonds.count++]);
    const BondExponent exponent = [&](int replica, int, int lower, int upper, double weight) {
      return 4 * this->kernel().bond.stiffness * projection(replica, lower) * weight * projection(replica, upper);
    };
    std::int64_t flipped = 0;
    visit_clusters(this->grid_, bonds, single, seed, step, exponent,
                   [&](int replica, int site, const RandomBlock& word) {
                     if (!single && (word.word[0] & 1U) == 0) return;
                     ++flipped;
                     const double along = projection(replica, site);
                     const auto r = static_cast<std::size_t>(replica);
                     for (std::size_t c = 0; c < n; ++c)
                       host(r, c, static_cast<std::size_t>(site)) -= 2 * along * axes[r][c];
                   });
    Kokkos::deep_copy(this->field_, host);
    return flipped;
  }
};

/// A ScalarField, or a layer on one, whose Fourier modes can have masses of their own, for stiffnesses > 0.
template <typename Theory>
class FourierAccelerated : public Theory, public FourierAcceleration {
 public:
  using Theory::Theory;
  void set_mass_of_spectrum(std::optional<double> mass) { mass_ = mass; }
  std::optional<double> mass_of_spectrum() const override { return mass_; }

  void accelerate(double mass) override {
    accelerated_ = mass != 0;
    if (!accelerated_ || (fourier_ && fourier_->mass() == mass)) return;
    fourier_ = std::make_unique<FourierMass>(this->grid_, 2 * this->kernel().bond.stiffness, mass);
    velocity_ = make_field(this->grid_, n);
  }
  void draw_momenta(std::uint64_t seed, std::uint64_t step) override {
    Theory::draw_momenta(seed, step);
    if (accelerated_) fourier_->apply_root(this->momentum_);
  }
  std::vector<double> hamiltonian() override {
    if (!accelerated_) return Theory::hamiltonian();
    std::vector<double> h = this->action();
    fourier_->apply_inverse(this->momentum_, velocity_);
    const std::vector<double> kinetic =
        this->template totals<1>("koushi::field::accelerated_kinetic",
                                 HalfProduct<n>{this->pointer_to(this->momentum_), this->pointer_to(velocity_)});
    for (std::size_t r = 0; r < h.size(); ++r) h[r] += kinetic[r];
    return h;
  }
  void drift(double time) override {
    if (!accelerated_) return Theory::drift(time);
    fourier_->apply_inverse(this->momentum_, velocity_);
    this->add_scaled("koushi::field::accelerated_drift", this->field_, velocity_, n, time);
  }
  void kick_then_drift(double kick_time, double drift_time) override {
    if (!accelerated_) return Theory::kick_then_drift(kick_time, drift_time);
    this->kick(kick_time);
    drift(drift_time);
  }
  void shifted_kick(double time, double shift) override {
    if (!accelerated_) return Theory::shifted_kick(time, shift);
    const Kokkos::DefaultExecutionSpace space;
    Kokkos::deep_copy(space, velocity_, 0.0);
    this->function_.kick(this->field_, velocity_, velocity_, shift);
    fourier_->apply_inverse(velocity_, velocity_);
    Kokkos::deep_copy(space, this->spare_, this->field_);
    this->add_scaled("koushi::field::accelerated_shift", this->spare_, velocity_, n, 1);
    this->function_.kick(this->spare_, this->momentum_, this->momentum_, time);
  }

 private:
  static constexpr int n = Theory::n_components;
  std::optional<double> mass_;
  bool accelerated_ = false;
  std::unique_ptr<FourierMass> fourier_;  ///< once it has been asked for
  FieldArray velocity_;                   ///< M^{-1} p
};

/// Theory(grid, arguments...), with Fourier acceleration where its stiffness and this build allow it. mass: in the
/// spectrum, where it is known.
template <typename Theory, typename... Arguments>
std::unique_ptr<ScalarTheory> make_accelerated(double stiffness, std::optional<double> mass, const Grid& grid,
                                               const Arguments&... arguments) {
  if (!(stiffness > 0) || !FourierMass::is_available()) return std::make_unique<Theory>(grid, arguments...);
  auto theory = std::make_unique<FourierAccelerated<Theory>>(grid, arguments...);
  theory->set_mass_of_spectrum(mass);
  return theory;
}

/// Calls make(std::integral_constant<int, d>) with the number of directions of a grid.
template <typename Make>
std::unique_ptr<ScalarTheory> in_dimension(const Grid& grid, const Make& make) {
  switch (grid.dimension()) {
    case 1:
      return make(std::integral_constant<int, 1>{});
    case 2:
      return make(std::integral_constant<int, 2>{});
    case 3:
      return make(std::integral_constant<int, 3>{});
    default:
      return make(std::integral_constant<int, 4>{});
  }
}

/// The theory of a potential and a bond of n components, in as many directions as the grid has. mass: in the spectrum,
/// where it is known.
template <int n, typename Site, typename Bond>
std::unique_ptr<ScalarTheory> make_scalar_theory(const Grid& grid, const Site& site, const Bond& bond,
                                                 std::optional<double> mass = std::nullopt) {
  return in_dimension(grid, [&](auto d) {
    return make_accelerated<ScalarField<Site, Bond, n, d.value>>(bond.stiffness, mass, grid, site, bond);
  });
}

}  // namespace koushi
