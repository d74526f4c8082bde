#include "koushi/field/hopfield_theory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/field/capabilities.hpp"
#include "koushi/random/philox.hpp"

namespace koushi {

namespace {

using Spins = Kokkos::View<std::int8_t**, Kokkos::LayoutRight>;           // [replica][site]
using Overlaps = Kokkos::View<std::int32_t**, Kokkos::LayoutRight>;       // [replica][pattern]: M_mu
using Patterns = Kokkos::View<const std::int8_t**, Kokkos::LayoutRight>;  // [site][pattern]

/// One sweep of one replica: every spin in turn is flipped with its heat-bath probability 1 / (1 + e^{dS}),
/// dS = 2 beta / N (s_i h_i - P), h_i = sum_mu xi_i^mu M_mu. Of Metropolis' min(1, e^{-dS}) in a fixed order see
/// SpinMetropolis.
struct HopfieldSweep {
  Spins spins;
  Overlaps overlaps;
  Patterns patterns;
  Kokkos::View<int*> flips;
  std::int64_t first_replica;
  std::uint64_t seed;
  std::uint64_t step;
  int hits;
  double beta;

  KOKKOS_FUNCTION void operator()(int replica) const {
    const int n = static_cast<int>(patterns.extent(0));
    const int p = static_cast<int>(patterns.extent(1));
    std::int32_t* const m = &overlaps(replica, 0);
    int count = 0;
    for (int i = 0; i < n; ++i) {
      const std::int8_t* const xi = &patterns(i, 0);
      for (int hit = 0; hit < hits; ++hit) {
        std::int32_t h = 0;
        for (int mu = 0; mu < p; ++mu) h += xi[mu] * m[mu];
        const int s = spins(replica, i);
        // e^{dS}, which may be infinite
        const double over = Kokkos::exp(2 * beta / n * (s * static_cast<double>(h) - p));
        const RandomBlock r = philox(seed, RandomPurpose::local_update, step, static_cast<std::uint64_t>(i),
                                     static_cast<std::uint32_t>((first_replica + replica) * hits + hit));
        if (uniform(r.word[0], r.word[1]) >= 1 / (1 + over)) continue;
        spins(replica, i) = static_cast<std::int8_t>(-s);
        for (int mu = 0; mu < p; ++mu) m[mu] -= 2 * s * xi[mu];
        ++count;
      }
    }
    flips(replica) = count;
  }
};

class HopfieldTheory final : public FieldTheory, public LocalUpdates {
 public:
  HopfieldTheory(const Grid& grid, const HopfieldOptions& options)
      : grid_(grid),
        beta_(options.beta),
        n_(static_cast<int>(grid.n_sites())),
        p_(static_cast<int>(options.patterns.size())),
        from_pattern_(options.from_pattern),
        noise_(options.noise),
        spins_("koushi::field::hopfield_spins", static_cast<std::size_t>(grid.view().n_replicas),
               static_cast<std::size_t>(n_)),
        overlaps_("koushi::field::hopfield_overlaps", spins_.extent(0), static_cast<std::size_t>(p_)) {
    const Kokkos::View<std::int8_t**, Kokkos::LayoutRight> patterns(
        "koushi::field::hopfield_patterns", static_cast<std::size_t>(n_), static_cast<std::size_t>(p_));
    patterns_host_ = Kokkos::create_mirror_view(patterns);
    for (std::size_t mu = 0; mu < overlaps_.extent(1); ++mu) {
      for (std::size_t i = 0; i < spins_.extent(1); ++i)
        patterns_host_(i, mu) = static_cast<std::int8_t>(options.patterns[mu][i]);
    }
    Kokkos::deep_copy(patterns, patterns_host_);
    patterns_ = patterns;
  }

  const Grid& grid() const override { return grid_; }

  void start(std::uint64_t seed, double) override {
    const auto host = Kokkos::create_mirror_view(spins_);
    for (std::size_t r = 0; r < host.extent(0); ++r) {
      for (std::size_t i = 0; i < host.extent(1); ++i) {
        const RandomBlock word =
            philox(seed, RandomPurpose::initial_configurations, 0, i,
                   static_cast<std::uint32_t>(grid_.view().first_replica) + static_cast<std::uint32_t>(r));
        const bool flipped = from_pattern_ ? uniform(word.word[0], word.word[1]) < noise_ : (word.word[3] & 1U) != 0;
        const int s = from_pattern_ ? patterns_host_(i, 0) : 1;
        host(r, i) = static_cast<std::int8_t>(flipped ? -s : s);
      }
    }
    set_spins(host);
  }

  std::vector<double> action() override {
    std::vector<double> s;
    for (const double h : energies(overlaps())) s.push_back(beta_ * h);
    return s;
  }

  // every spin with every other: no two are updated at once
  std::vector<std::array<int, 4>> interactions() const override { return {}; }
  double largest_width() const override { return 0; }
  std::int64_t metropolis(const Colouring&, std::uint64_t seed, std::uint64_t step, int hits, double) override {
    const Kokkos::View<int*> flips("koushi::field::flips", spins_.extent(0));
    Kokkos::parallel_for(
        "koushi::field::hopfield_sweep", Kokkos::RangePolicy<>(0, grid_.view().n_replicas),
        HopfieldSweep{spins_, overlaps_, patterns_, flips, grid_.view().first_replica, seed, step, hits, beta_});
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, flips);
    std::int64_t count = 0;
    for (std::size_t r = 0; r < host.extent(0); ++r) count += host(r);
    return count;
  }

  Measured measure() override {
    const auto m = overlaps();
    Measured all;
    for (const double h : energies(m)) {
      all["action_density"].push_back(beta_ * h / n_);
      all["energy_per_site"].push_back(h / n_);
      all["energy_per_site2"].push_back(h * h / n_ / n_);
    }
    for (std::size_t r = 0; r < m.extent(0); ++r) {
      double largest = 0;
      double rest = 0;
      for (std::size_t mu = 0; mu < m.extent(1); ++mu) {
        const double overlap = static_cast<double>(m(r, mu)) / n_;
        all["overlap"].push_back(overlap);
        largest = std::max(largest, std::abs(overlap));
        if (mu > 0) rest += overlap * overlap;
      }
      all["overlap_max"].push_back(largest);
      if (p_ > 1) all["overlap_noise"].push_back(rest * n_ / (p_ - 1));
    }
    return all;
  }

  std::vector<Observable> observables() const override {
    const auto mean = [](const std::vector<double>& x) { return x[0]; };
    const double beta = beta_;
    const double n = n_;
    std::vector<Observable> all{
        {"energy_per_site", "<H> / N", {{"energy_per_site"}}, mean},
        {"specific_heat",
         "beta^2 (<H^2> - <H>^2) / N",
         {{"energy_per_site2"}, {"energy_per_site"}},
         [beta, n](const std::vector<double>& x) { return beta * beta * n * (x[0] - x[1] * x[1]); }},
        {"overlap_1", "<m_1>, the pattern of the start", {{"overlap"}}, mean},
        {"overlap_max", "<max_mu |m_mu|>", {{"overlap_max"}}, mean}};
    if (p_ > 1)
      all.push_back({"overlap_noise",
                     "N <m_mu^2>, mean over the patterns but the first: 1 for random spins",
                     {{"overlap_noise"}},
                     mean});
    return all;
  }

  std::vector<Curve> curves() const override {
    Curve curve{"overlap", "<m_mu> of every pattern", "pattern", {}, {}};
    for (std::size_t mu = 0; mu < overlaps_.extent(1); ++mu) {
      curve.x.push_back(static_cast<double>(mu + 1));
      curve.points.push_back({"", "", {{"overlap", mu}}, [](const std::vector<double>& x) { return x[0]; }});
    }
    return {curve};
  }

  ArrayBox box() const override { return grid_.box(1); }
  Configuration configuration() const override {
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, spins_);
    return {box(), std::vector<double>(host.data(), host.data() + host.size())};
  }
  void set_configuration(const std::vector<double>& local) override {
    const auto host = Kokkos::create_mirror_view(spins_);
    for (std::size_t k = 0; k < local.size(); ++k) host.data()[k] = static_cast<std::int8_t>(local[k]);
    set_spins(host);
  }
  void exchange(FieldTheory& other, const std::vector<bool>& replicas) override {
    const auto& that = dynamic_cast<HopfieldTheory&>(other);
    const auto swap_rows = [&replicas](const auto& mine, const auto& theirs) {
      const auto a = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, mine);
      const auto b = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, theirs);
      for (std::size_t r = 0; r < replicas.size(); ++r) {
        if (replicas[r]) std::swap_ranges(&a(r, 0), &a(r, 0) + a.extent(1), &b(r, 0));
      }
      Kokkos::deep_copy(mine, a);
      Kokkos::deep_copy(theirs, b);
    };
    swap_rows(spins_, that.spins_);
    swap_rows(overlaps_, that.overlaps_);
  }

 private:
  Overlaps::host_mirror_type overlaps() const {
    return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, overlaps_);
  }

  /// H of every replica: M_mu^2 < 2^53 for N < 2^26, so its sum is exact for all but the largest memories.
  std::vector<double> energies(const Overlaps::host_mirror_type& m) const {
    std::vector<double> all;
    for (std::size_t r = 0; r < m.extent(0); ++r) {
      double square = 0;
      for (std::size_t mu = 0; mu < m.extent(1); ++mu) square += static_cast<double>(m(r, mu)) * m(r, mu);
      all.push_back(-(square / n_ - p_) / 2);
    }
    return all;
  }

  /// Spins, and the overlaps that they have.
  void set_spins(const Spins::host_mirror_type& host) {
    const auto m = Kokkos::create_mirror_view(overlaps_);
    for (std::size_t r = 0; r < m.extent(0); ++r) {
      for (std::size_t mu = 0; mu < m.extent(1); ++mu) m(r, mu) = 0;
      for (std::size_t i = 0; i < host.extent(1); ++i) {
        for (std::size_t mu = 0; mu < m.extent(1); ++mu) m(r, mu) += patterns_host_(i, mu) * host(r, i);
      }
    }
    Kokkos::deep_copy(spins_, host);
    Kokkos::deep_copy(overlaps_, m);
  }

  const Grid& grid_;
  double beta_;
  int n_;
  int p_;
  bool from_pattern_;
  double noise_;
  Spins spins_;
  Overlaps overlaps_;
  Patterns patterns_;
  Spins::host_mirror_type patterns_host_;
};

}  // namespace

std::vector<std::vector<int>> random_patterns(std::uint64_t seed, int n_patterns, int n_sites) {
  std::vector<std::vector<int>> patterns(static_cast<std::size_t>(n_patterns));
  for (std::size_t mu = 0; mu < patterns.size(); ++mu) {
    for (int i = 0; i < n_sites; ++i) {
      const RandomBlock word =
          philox(seed, RandomPurpose::patterns, 0, static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(mu));
      patterns[mu].push_back((word.word[0] & 1U) != 0 ? 1 : -1);
    }
  }
  return patterns;
}

std::unique_ptr<FieldTheory> make_hopfield_theory(const Grid& grid, const HopfieldOptions& options) {
  const auto n = static_cast<std::size_t>(grid.n_sites());
  if (grid.dimension() != 1 || grid.decomposed())
    throw UsageError(
        "a Hopfield model on a lattice of several directions or ranks\n  expected: one direction, whole replicas on "
        "every rank");
  if (options.patterns.empty()) throw UsageError("a Hopfield model without patterns\n  expected: at least one");
  for (const auto& pattern : options.patterns) {
    if (pattern.size() != n)
      throw UsageError(
          fmt::format("a pattern of {} spins\n  expected: {}, as the lattice has sites", pattern.size(), n));
  }
  if (static_cast<double>(n) * static_cast<double>(options.patterns.size()) >= 2147483648.0) {
    throw UsageError(
        fmt::format("{} patterns of {} spins\n  expected: fewer than 2^31 numbers in all", options.patterns.size(), n));
  }
  return std::make_unique<HopfieldTheory>(grid, options);
}

}  // namespace koushi
