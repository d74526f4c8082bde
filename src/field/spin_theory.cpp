#include "koushi/field/spin_theory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <type_traits>

#include "koushi/base/error.hpp"
#include "koushi/field/action_on_arrays.hpp"
#include "koushi/field/clusters.hpp"
#include "koushi/field/momentum_correlators.hpp"
#include "koushi/field/order_parameter.hpp"
#include "koushi/field/real_field.hpp"
#include "koushi/field/spin_kernel.hpp"

namespace koushi {

namespace {

/// The forward displacements of the first shells of the hypercubic lattice, shell by shell.
std::vector<std::vector<std::array<int, 4>>> shells(int dimension, std::size_t count) {
  constexpr int reach = 3;
  std::map<int, std::vector<std::array<int, 4>>> by_distance;
  for (int k = 0; k < 2401; ++k) {  // 7^4
    std::array<int, 4> step{k / 343 - reach, k / 49 % 7 - reach, k / 7 % 7 - reach, k % 7 - reach};
    bool inside = true;
    int first = 0;
    int square = 0;
    for (int mu = 3; mu >= 0; --mu) {
      const int s = step[static_cast<std::size_t>(mu)];
      if (mu < 4 - dimension && s != 0) inside = false;
      if (s != 0) first = s;
      square += s * s;
    }
    if (inside && first > 0) by_distance[square].push_back(step);
  }
  std::vector<std::vector<std::array<int, 4>>> result;
  for (const auto& [square, steps] : by_distance) {
    if (result.size() < count) result.push_back(steps);
  }
  return result;
}

/// The order parameter of Potts spins, sqrt(q / (q - 1)) ([s = k] - 1/q), of length 1 where they are aligned.
struct PottsOrder {
  FieldPointer field;
  double q;
  KOKKOS_FUNCTION double operator()(const GridRow& row, int x, int k) const {
    return Kokkos::sqrt(q / (q - 1)) * ((field.at(row, 0)[x] == k ? 1.0 : 0.0) - 1 / q);
  }
};

/// Spins on a storage: RealField, or RealDynamics of those that have momenta.
template <typename Spins, typename Storage>
class SpinTheory : public Storage, public LocalUpdates, public SliceCorrelators, public ActionOnArrays {
 protected:
  static constexpr int n = Spins::components;
  static constexpr bool is_potts = std::is_same_v<Spins, PottsSpins>;
  using Storage::field_;
  using Storage::grid_;
  using Storage::halo_;
  using Storage::pointer_to;
  using Storage::slice_sums_of;
  using Storage::update_colour;

 public:
  SpinTheory(const Grid& grid, const Spins& spins, const std::vector<double>& J)
      : Storage(grid, n, J.size() > 1), spins_(spins) {
    const auto all = shells(grid.dimension(), J.size());
    for (std::size_t shell = 0; shell < all.size(); ++shell) {
      for (const auto& step : all[shell]) {
        std::copy(step.begin(), step.end(), bonds_.step[bonds_.count]);
        bonds_.coupling[bonds_.count++] = J[shell];
      }
      if (shell == 0) first_shell_ = bonds_.count;
    }
  }

  void start(std::uint64_t seed, double spread) override {
    const auto host = Kokkos::create_mirror_view(field_);
    const GridView& view = grid_.view();
    for (int k = 0; k < view.n_rows(); ++k) {
      const GridRow row = view.row(k);
      for (int x = 0; x < view.extent[3]; ++x) {
        double s[n] = {};
        if constexpr (!is_potts) s[0] = 1;
        if (spread > 0) {  // any spread: fully random
          const auto block = [&](std::uint32_t draw) {
            return philox(seed, RandomPurpose::initial_configurations, 0,
                          static_cast<std::uint64_t>(view.global_site(row, x)),
                          static_cast<std::uint32_t>(2 * (view.first_replica + row.replica)) + draw);
          };
          if constexpr (n == 1 && !is_potts) {
            if ((block(0).word[3] & 1U) != 0) s[0] = -1;
          } else if (is_potts) {
            s[0] = uniform_below(block(0).word[3], spins_.states);
          } else {
            spins_.propose(s, block(0), block(1), 1e6, s);
          }
        }
        for (int c = 0; c < n; ++c)
          host(static_cast<std::size_t>(row.replica), static_cast<std::size_t>(c),
               static_cast<std::size_t>(row.site + x)) = s[c];
      }
    }
    Kokkos::deep_copy(field_, host);
  }

  std::vector<double> action() override { return action_of(field_); }
  std::vector<double> action_of(const FieldArray& field) override {
    std::vector<double> s;
    for (const auto& sums : site_sums(field)) s.push_back(-spins_.beta * (sums[0] + sums[2]));
    return s;
  }

  double largest_width() const override { return 0; }

  Interactions interactions() const override {
    Interactions steps;
    for (int b = 0; b < bonds_.count; ++b)
      steps.push_back({bonds_.step[b][0], bonds_.step[b][1], bonds_.step[b][2], bonds_.step[b][3]});
    return steps;
  }

  std::int64_t metropolis(const Colouring& colouring, std::uint64_t seed, std::uint64_t step, int hits,
                          double width) override {
    if constexpr (std::is_same_v<Spins, VectorSpins<1>>) {
      if (bonds_.count == first_shell_) return ising_heatbath(colouring, seed, step, hits);
    }
    std::int64_t count = 0;
    for (int colour = 0; colour < colouring.n_colours(); ++colour) {
      const auto& sites = colouring.sites(colour);
      count +=
          update_colour("koushi::field::spin_metropolis", field_, sites, [&](const Kokkos::View<double*>& accepted) {
            return SpinMetropolis<Spins>{spins_, bonds_, grid_.view(), pointer_to(field_), sites, accepted, seed,
                                         step,   hits,   width};
          });
    }
    return count;
  }

  Measured measure() override;
  std::vector<Observable> observables() const override;
  std::vector<Curve> curves() const override {
    // the others share - <phi_1>
    std::vector<Curve> all = order_curves(grid_, 1.0, is_potts ? spins_.states / (spins_.states - 1.0) : 1.0);
    at_momenta_.append_curves(grid_, all);
    return all;
  }
  void correlate_at(const SpatialMomenta& momenta) override { at_momenta_ = MomentumCorrelators(grid_, momenta); }

 private:
  /// Colour by colour: of a checkerboard in split rows 32 sites at once where the groups of random words begin with the
  /// rows of this rank; else by lists.
  std::int64_t ising_heatbath(const Colouring& colouring, std::uint64_t seed, std::uint64_t step, int hits) {
    const GridView& view = grid_.view();
    const auto& boundary = grid_.options().boundary;
    const bool weighted = std::count(boundary.begin(), boundary.end(), Boundary::periodic) !=
                          static_cast<std::ptrdiff_t>(boundary.size());
    const bool in_vectors = view.half > 0 && colouring.n_colours() == 2 && view.global_first[3] % 64 == 0;
    std::int64_t count = 0;
    for (int colour = 0; colour < colouring.n_colours(); ++colour) {
      halo_.exchange(field_);
      for (int hit = 0; hit < hits; ++hit) {
        const auto with_type = [&]<typename T>(std::type_identity<T>) {
          IsingHeatbath<T> kernel{view,
                                  pointer_to(field_),
                                  spins_.beta * bonds_.coupling[0],
                                  spins_.beta * spins_.field,
                                  seed,
                                  step,
                                  static_cast<std::uint32_t>(hit),
                                  static_cast<std::uint32_t>(hits),
                                  weighted,
                                  {}};
          kernel.tabulate();
          return kernel;
        };
        const Kokkos::DefaultExecutionSpace space;
        constexpr int stretch = Lanes<SiteVector>::width > 1 ? 32 : 1;
        count += in_vectors ? count_lanes<SiteVector, stretch>(space, "koushi::field::spin_metropolis", view, colour,
                                                               with_type(std::type_identity<SiteVector>{}))
                            : count_list(space, "koushi::field::spin_metropolis", view, colouring.sites(colour),
                                         with_type(std::type_identity<double>{}));
      }
    }
    return count;
  }

  std::vector<std::array<double, 4>> site_sums(const FieldArray& field) {
    halo_.exchange(field);
    const std::vector<double> all =
        this->template totals<4>("koushi::field::spin_site_sums",
                                 SpinSiteSums<Spins>{spins_, bonds_, first_shell_, grid_.view(), pointer_to(field)});
    std::vector<std::array<double, 4>> sums;
    for (std::size_t r = 0; r < all.size(); r += 4) sums.push_back({all[r], all[r + 1], all[r + 2], all[r + 3]});
    return sums;
  }

  int first_shell_ = 0;
  MomentumCorrelators at_momenta_;

 protected:
  Spins spins_;
  SpinBonds bonds_;
};

/// Unit vectors that turn without steps: molecular dynamics on their spheres, and reflections.
template <int n>
class ContinuousSpins : public SpinTheory<VectorSpins<n>, RealDynamics>, public Overrelaxation {
  using Base = SpinTheory<VectorSpins<n>, RealDynamics>;

 public:
  using Base::Base;
  Interactions interactions() const override { return Base::interactions(); }
  double largest_width() const override { return 10; }

  void draw_momenta(std::uint64_t seed, std::uint64_t step) override {
    Base::draw_momenta(seed, step);
    for_sites(Kokkos::DefaultExecutionSpace{}, "koushi::field::tangent", this->grid_.view(),
              ToTangent<n>{this->pointer_to(this->field_), this->pointer_to(this->momentum_)});
  }
  void kick(double time) override {
    this->run_with_halo("koushi::field::sphere_kick", this->field_,
                        SphereKick<n>{this->spins_, this->bonds_, this->grid_.view(), this->pointer_to(this->field_),
                                      this->pointer_to(this->momentum_), time});
  }
  void drift(double time) override {
    for_sites(Kokkos::DefaultExecutionSpace{}, "koushi::field::sphere_drift", this->grid_.view(),
              SphereDrift<n>{this->pointer_to(this->field_), this->pointer_to(this->momentum_), time});
  }

  void overrelax(const Colouring& colouring) override {
    for (int colour = 0; colour < colouring.n_colours(); ++colour) {
      this->halo_.exchange(this->field_);
      const auto& sites = colouring.sites(colour);
      const int updates = static_cast<int>(sites.extent(0)) * this->grid_.view().n_replicas;
      Kokkos::parallel_for(
          "koushi::field::overrelaxation", Kokkos::RangePolicy<>(0, updates),
          SpinOverrelaxation<n>{this->spins_, this->bonds_, this->grid_.view(), this->pointer_to(this->field_), sites});
    }
  }
};

/// Clusters of spins that a field does not hold, and that their bonds join.
template <typename Theory>
class SpinClusters final : public Theory, public ClusterUpdates {
 public:
  using Theory::Theory;
  std::int64_t flip_clusters(bool single, std::uint64_t seed, std::uint64_t step) override;

 private:
  static constexpr int n = Theory::n;
  static constexpr bool is_potts = Theory::is_potts;
  /// The direction of reflection of a replica: a random axis, for the clock one that maps its angles onto themselves.
  std::array<double, 4> axis(std::uint64_t seed, std::uint64_t step, std::int64_t replica) const {
    if (n != 2 || this->spins_.states == 0) return random_axis(n, seed, step, replica);
    const double angle = std::numbers::pi *
                             uniform_below(axis_block(seed, step, replica, 0).word[0], 2 * this->spins_.states) /
                             this->spins_.states -
                         std::numbers::pi / 2;
    return {std::cos(angle), std::sin(angle), 0, 0};
  }
};

template <typename Theory>
std::int64_t SpinClusters<Theory>::flip_clusters(bool single, std::uint64_t seed, std::uint64_t step) {
  this->halo_.exchange(this->field_);
  const GridView& view = this->grid_.view();
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, this->field_);
  std::vector<std::array<double, 4>> axes;
  for (int r = 0; r < view.n_replicas; ++r) axes.push_back(axis(seed, step, view.first_replica + r));
  const auto projection = [&](int replica, int stored) {
    double sum = 0;
    for (std::size_t c = 0; c < n; ++c)
      sum += host(static_cast<std::size_t>(replica), c, static_cast<std::size_t>(stored)) *
             axes[static_cast<std::size_t>(replica)][c];
    return sum;
  };
  const BondExponent exponent = [&](int replica, int b, int lower, int upper, double weight) {
    if constexpr (is_potts)
      return projection(replica, lower) == projection(replica, upper) ? this->spins_.beta * this->bonds_.coupling[b]
                                                                      : 0.0;
    return 2 * this->spins_.beta * this->bonds_.coupling[b] * projection(replica, lower) * weight *
           projection(replica, upper);
  };
  std::int64_t flipped = 0;
  // Reflects a spin, or gives it the state that its cluster drew: of one cluster always another.
  visit_clusters(this->grid_, this->bonds_, single, seed, step, exponent,
                 [&](int replica, int site, const RandomBlock& word) {
                   const auto r = static_cast<std::size_t>(replica);
                   const auto stored = static_cast<std::size_t>(site);
                   if (!is_potts && !single && (word.word[0] & 1U) == 0) return;
                   ++flipped;
                   if constexpr (is_potts) {
                     const int old = static_cast<int>(host(r, 0, stored));
                     host(r, 0, stored) =
                         single ? (old + 1 + uniform_below(word.word[1], this->spins_.states - 1)) % this->spins_.states
                                : uniform_below(word.word[1], this->spins_.states);
                   } else {
                     const double along = projection(replica, site);
                     double norm = 0;
                     for (std::size_t c = 0; c < n; ++c) {
                       host(r, c, stored) -= 2 * along * axes[r][c];
                       norm += host(r, c, stored) * host(r, c, stored);
                     }
                     for (std::size_t c = 0; c < n; ++c) host(r, c, stored) /= std::sqrt(norm);
                   }
                 });
  Kokkos::deep_copy(this->field_, host);
  return flipped;
}

template <typename Spins, typename Storage>
Measured SpinTheory<Spins, Storage>::measure() {
  const auto sums = site_sums(field_);
  const auto volume = static_cast<double>(grid_.n_sites());
  const int orders = is_potts ? spins_.states : n;
  const auto value = [this] {
    if constexpr (is_potts) {
      return PottsOrder{pointer_to(field_), static_cast<double>(spins_.states)};
    } else {
      return FieldValue{pointer_to(field_)};
    }
  }();
  const std::vector<double> slices = slice_sums_of(orders, value);
  const std::vector<double> waves = slice_sums_of(orders * at_momenta_.parts(), at_momenta_.times_waves(value));
  Measured all;
  for (std::size_t r = 0; r < sums.size(); ++r) {
    const double energy = -(sums[r][0] + sums[r][2]) / volume;
    all["action_density"].push_back(spins_.beta * energy);
    all["energy_per_site"].push_back(energy);
    all["energy_per_site2"].push_back(energy * energy);
    all["bond"].push_back(sums[r][1] / sums[r][3]);
    append_order_parameter(slices.data() + r * slices.size() / sums.size(), orders, grid_, all);
    at_momenta_.append(waves.data() + r * waves.size() / sums.size(), orders, grid_, all);
  }
  return all;
}

template <typename Spins, typename Storage>
std::vector<Observable> SpinTheory<Spins, Storage>::observables() const {
  const auto volume = static_cast<double>(grid_.n_sites());
  const double beta = spins_.beta;
  const auto mean = [](const std::vector<double>& x) { return x[0]; };
  std::vector<Observable> all{
      {"energy_per_site", "<H> / V", {{"energy_per_site"}}, mean},
      {"bond", "mean f(s, s') over the bonds of the first shell", {{"bond"}}, mean},
      {"specific_heat",
       "beta^2 (<H^2> - <H>^2) / V",
       {{"energy_per_site2"}, {"energy_per_site"}},
       [volume, beta](const std::vector<double>& x) { return beta * beta * volume * (x[0] - x[1] * x[1]); }}};
  for (Observable& o : order_observables(grid_)) all.push_back(std::move(o));
  at_momenta_.append_observables(all);
  return all;
}

/// A theory of spins; with clusters where no field holds them and every bond joins some: a negative coupling of Potts
/// spins joins nothing.
template <typename Theory, typename Spins>
std::unique_ptr<FieldTheory> make(const Grid& grid, const Spins& spins, const std::vector<double>& J) {
  const bool attracts = std::all_of(J.begin(), J.end(), [](double j) { return j >= 0; });
  if (spins.field == 0 && (attracts || !std::is_same_v<Spins, PottsSpins>))
    return std::make_unique<SpinClusters<Theory>>(grid, spins, J);
  return std::make_unique<Theory>(grid, spins, J);
}

template <typename Spins>
std::unique_ptr<FieldTheory> make_discrete(const Grid& grid, const Spins& spins, const std::vector<double>& J) {
  return make<SpinTheory<Spins, RealField>>(grid, spins, J);
}

template <int n>
std::unique_ptr<FieldTheory> make_continuous(const Grid& grid, const SpinModel& model) {
  return make<ContinuousSpins<n>>(grid, VectorSpins<n>{model.beta, model.field}, model.J);
}

}  // namespace

int spin_range(const SpinModel& model, int dimension) {
  int range = 1;
  for (const auto& shell : shells(dimension, model.J.size())) {
    for (const auto& step : shell) {
      for (const int s : step) range = std::max(range, std::abs(s));
    }
  }
  return range;
}

std::unique_ptr<FieldTheory> make_spin_theory(const Grid& grid, const SpinModel& model) {
  if (model.J.empty() || model.J.size() > 3)
    throw UsageError(fmt::format("{} couplings\n  expected: one per distance shell, at most 3", model.J.size()));
  if (model.kind != SpinModel::Kind::vector && model.states < 2)
    throw UsageError(fmt::format("{} states\n  expected: at least 2", model.states));
  if (model.kind == SpinModel::Kind::potts)
    return make_discrete(grid, PottsSpins{model.beta, model.field, model.states}, model.J);
  if (model.kind == SpinModel::Kind::clock)
    return make_discrete(grid, VectorSpins<2>{model.beta, model.field, model.states}, model.J);
  switch (model.components) {
    case 1:
      return make_discrete(grid, VectorSpins<1>{model.beta, model.field}, model.J);
    case 2:
      return make_continuous<2>(grid, model);
    case 3:
      return make_continuous<3>(grid, model);
    case 4:
      return make_continuous<4>(grid, model);
    default:
      throw UsageError(fmt::format("spins of {} components\n  expected: 1 to 4", model.components));
  }
}

}  // namespace koushi
