#include "koushi/field/gauge_theory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <type_traits>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/field/action_on_arrays.hpp"
#include "koushi/field/gauge_measurement_kernel.hpp"
#include "koushi/field/link_update_kernel.hpp"
#include "koushi/field/real_field.hpp"

namespace koushi {

namespace {

constexpr int most_loop = 4;  ///< of Wilson loops

/// Sums of n numbers per site, from vectors of sites: [replica][n].
template <typename T, int n, typename Kernel>
struct SumLanes {
  Kernel kernel;
  SiteSums sums;
  KOKKOS_FUNCTION void operator()(const GridRow& row, int x, int count) const {
    T values[n];
    kernel(row, x, count, values);
    for (int m = 0; m < n; ++m) {
      ExactSum local;
      for (int l = 0; l < count; ++l) local.add(Lanes<T>::get(values[m], l));
      add_atomically(sums(row.replica, m), local);
    }
  }
};

/// p <- factor p
struct ScaleForce {
  FieldPointer force;
  int components;
  double factor;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const ScaleForce self = *this;
    return [self, row](int x, const RowSides&) {
      for (int c = 0; c < self.components; ++c)
        self.force.at(row, c)[x] = self.factor == 0 ? 0.0 : self.factor * self.force.at(row, c)[x];
    };
  }
};

template <typename Group>
struct UnitLinks {
  LinkField<Group> links;
  KOKKOS_FUNCTION auto on(const GridRow& row) const {
    const UnitLinks self = *this;
    return [self, row](int x, const RowSides&) {
      for (int mu = self.links.grid.first_direction; mu < 4; ++mu)
        self.links.store(mu, {self.links.grid, row, x, 1}, Group::one());
    };
  }
};

template <template <typename> class GroupOf>
class GaugeTheory final : public RealDynamics,
                          public LocalUpdates,
                          public Heatbath,
                          public Overrelaxation,
                          public ForceGradient,
                          public ActionOnArrays {
  using Group = GroupOf<double>;

 public:
  GaugeTheory(const Grid& grid, const GaugeOptions& options)
      : RealDynamics(grid, grid.dimension() * Group::reals, true, grid.dimension() * Group::generators),
        options_(options),
        beta_(options.beta),
        weights_{1 - 8 * options.rectangle, options.rectangle} {}

  /// Links exp(i spread normal_a T_a).
  void start(std::uint64_t seed, double spread) override {
    for_sites(Kokkos::DefaultExecutionSpace{}, "koushi::field::unit_links", grid_.view(),
              UnitLinks<Group>{links<double>()});
    field_changed();
    RealDynamics::draw_momenta(seed ^ 0x9e3779b97f4a7c15ULL, 0);
    if (spread > 0) drift(spread);
  }

  std::vector<double> action() override { return actions_of(site_sums()); }
  std::vector<double> action_of(const FieldArray& field) override {
    halo_.exchange(field, {.layers = reach()});
    return actions_of(site_sums_of(field));
  }

  void kick(double time) override { add_force(momentum_, time * beta_ / Group::order, weights_); }
  void drift(double time) override { turn_links(momentum_, time); }
  /// The force at links moved along it: U' = exp(- shift F) U with the force F as momentum (H. Yin, R. D. Mawhinney,
  /// PoS(LATTICE 2011)051).
  void shifted_kick(double time, double shift) override {
    fill_halo(reach());
    save_links();
    Kokkos::deep_copy(Kokkos::DefaultExecutionSpace{}, force(), 0.0);
    add_force(force(), beta_ / Group::order, weights_);
    turn_links(force(), shift);
    kick(time);
    restore_links();
  }

  Interactions interactions() const override {
    Interactions steps;
    for (int mu = grid_.view().first_direction; mu < 4; ++mu) {
      steps.push_back({});
      steps.back()[static_cast<std::size_t>(mu)] = 1;
      if (weights_.rectangle == 0) continue;
      // Links of one direction that share a rectangle are one or two steps apart, or one step in two directions.
      steps.push_back({});
      steps.back()[static_cast<std::size_t>(mu)] = 2;
      for (int nu = mu + 1; nu < 4; ++nu) {
        for (const int sign : {-1, 1}) {
          steps.push_back({});
          steps.back()[static_cast<std::size_t>(mu)] = 1;
          steps.back()[static_cast<std::size_t>(nu)] = sign;
        }
      }
    }
    return steps;
  }

  double largest_width() const override { return 10; }
  int proposals_per_site() const override { return grid_.dimension(); }
  int draws_per_site() const override { return grid_.dimension() * Group::subgroups; }
  std::int64_t metropolis(const Colouring& colouring, std::uint64_t seed, std::uint64_t step, int hits,
                          double width) override {
    return local_update(colouring, LinkUpdate::metropolis, seed, step * 1024, width, hits);
  }
  void overrelax(const Colouring& colouring) override { local_update(colouring, LinkUpdate::overrelaxation, 0, 0, 0); }
  std::int64_t heatbath(const Colouring& colouring, std::uint64_t seed, std::uint64_t step) override {
    return local_update(colouring, LinkUpdate::heatbath, seed, step * 1024, 0);
  }

  Measured measure() override {
    const auto sums = site_sums();
    const auto volume = static_cast<double>(grid_.n_sites());
    const std::vector<std::complex<double>> lines = polyakov_loops();
    Measured all;
    measure_wilson_loops(all);
    if (options_.static_loops > 0) measure_static_loops(all);
    if (options_.flow_time > 0) measure_flow(all);
    for (std::size_t r = 0; r < sums.size(); ++r) {
      if (!lines.empty()) {
        all["polyakov_loop"].push_back(std::abs(lines[r]));
        all["polyakov_loop2"].push_back(std::norm(lines[r]));
        all["polyakov_loop_re"].push_back(lines[r].real());
      }
      all["action_density"].push_back(action_of_sums(sums[r]) / volume);
      all["plaquette"].push_back(sums[r][1] / planes());
      if (has_charge()) {
        const double charge = std::round(sums[r][2]);
        all["topological_charge"].push_back(charge);
        all["topological_charge2"].push_back(charge * charge);
      }
    }
    return all;
  }

  std::vector<Observable> observables() const override {
    const auto volume = static_cast<double>(grid_.n_sites());
    const auto mean = [](const std::vector<double>& x) { return x[0]; };
    std::vector<Observable> all{{"plaquette", "<Re tr U_P> / N", {{"plaquette"}}, mean},
                                {"action_density", "<S> / V", {{"action_density"}}, mean}};
    const auto largest = static_cast<std::size_t>(largest_loop());
    const auto loop = [largest](std::size_t r, std::size_t t) {
      return SeriesColumn{"wilson_loops", (r - 1) * largest + t - 1};
    };
    for (std::size_t r = 1; r <= largest; ++r) {
      for (std::size_t t = r; t <= largest; ++t) {
        if (t == 1) continue;
        all.push_back(
            {fmt::format("wilson_loop_{}x{}", r, t), fmt::format("<Re tr W({}, {})> / N", r, t), {loop(r, t)}, mean});
      }
    }
    for (std::size_t r = 2; r <= largest; ++r) {
      all.push_back({fmt::format("creutz_ratio_{}", r),
                     fmt::format("- ln W(R, R) W(R - 1, R - 1) / W(R, R - 1)^2, R = {}", r),
                     {loop(r, r), loop(r - 1, r - 1), loop(r, r - 1)},
                     [](const std::vector<double>& x) { return -std::log(x[0] * x[1] / (x[2] * x[2])); }});
    }
    if (!is_open()) {
      all.push_back({"polyakov_loop",
                     "<|P|>, P the mean of tr (links along the first direction) / N",
                     {{"polyakov_loop"}},
                     mean});
      all.push_back({"polyakov_loop_re", "<Re P>", {{"polyakov_loop_re"}}, mean});
      const double transverse = volume / grid_.view().global_extent[grid_.view().first_direction];
      all.push_back({"polyakov_susceptibility",
                     "V_s (<|P|^2> - <|P|>^2)",
                     {{"polyakov_loop2"}, {"polyakov_loop"}},
                     [transverse](const std::vector<double>& x) { return transverse * (x[0] - x[1] * x[1]); }});
    }
    if (has_charge() || has_clover_charge()) {
      all.push_back({"topological_charge", "<Q>", {{"topological_charge"}}, mean});
      all.push_back({"topological_charge2", "<Q^2>", {{"topological_charge2"}}, mean});
      all.push_back({"topological_susceptibility",
                     "<Q^2> / V",
                     {{"topological_charge2"}},
                     [volume](const std::vector<double>& x) { return x[0] / volume; }});
    }
    if (options_.flow_time > 0 && grid_.dimension() == 4) {
      std::vector<SeriesColumn> columns;
      for (std::size_t k = 0; k < flow_points(); ++k) columns.push_back({"flow_energy", k});
      const double step = options_.flow_step;
      const std::string undefined = "the flow ends before 0.3 is reached; remedy: a longer [action] flow_time";
      all.push_back({"t0", "flow time where t^2 <E> = 0.3, E of the clover", columns,
                     [step](const std::vector<double>& e) { return flow_scale(e, step, false); }, undefined});
      all.push_back({"w0", "square root of the flow time where t d/dt t^2 <E> = 0.3", columns,
                     [step](const std::vector<double>& e) { return std::sqrt(flow_scale(e, step, true)); }, undefined});
    }
    return all;
  }

  std::vector<Curve> curves() const override {
    std::vector<Curve> all;
    if (options_.flow_time > 0) {
      Curve flow{"flow", "t^2 <E>, E of the clover", "flow time t", {}, {}};
      for (std::size_t k = 1; k < flow_points(); ++k) {
        const double t = options_.flow_step * static_cast<double>(k);
        flow.x.push_back(t);
        flow.points.push_back(
            {"", "", {{"flow_energy", k}}, [t](const std::vector<double>& x) { return t * t * x[0]; }});
      }
      all.push_back(flow);
    }
    const auto n = static_cast<std::size_t>(options_.static_loops);
    for (std::size_t t = 1; t < n; ++t) {
      Curve potential{fmt::format("static_potential_{}", t),
                      fmt::format("ln W(R, {}) / W(R, {}), the sides R smeared as the deck says", t, t + 1),
                      "R",
                      {},
                      {}};
      for (std::size_t r = 1; r <= n; ++r) {
        potential.x.push_back(static_cast<double>(r));
        potential.points.push_back({"",
                                    "",
                                    {{"static_loops", (r - 1) * n + t - 1}, {"static_loops", (r - 1) * n + t}},
                                    [](const std::vector<double>& x) { return std::log(x[0] / x[1]); }});
      }
      all.push_back(potential);
    }
    return all;
  }

 private:
  /// Steps that the action takes from a link.
  int reach() const { return weights_.rectangle == 0 ? 1 : 2; }
  using Sums = std::array<double, GaugeSiteSums<Group>::numbers>;
  double action_of_sums(const Sums& sums) const {
    return beta_ * (weights_.plaquette * sums[0] + weights_.rectangle * sums[3]);
  }
  std::vector<double> actions_of(const std::vector<Sums>& all) const {
    std::vector<double> s;
    for (const Sums& sums : all) s.push_back(action_of_sums(sums));
    return s;
  }
  void save_links() {
    if (aside_.extent(2) == 0) aside_ = make_field(grid_, components_);
    Kokkos::deep_copy(Kokkos::DefaultExecutionSpace{}, aside_, field_);
    aside_filled_ = filled_;
  }
  void restore_links() {
    Kokkos::deep_copy(Kokkos::DefaultExecutionSpace{}, field_, aside_);
    filled_ = aside_filled_;
  }
  const FieldArray& force() {
    if (force_.extent(2) == 0) force_ = make_field(grid_, momenta_);
    return force_;
  }
  std::size_t flow_points() const {
    return static_cast<std::size_t>(std::llround(options_.flow_time / options_.flow_step)) + 1;
  }
  bool has_clover_charge() const { return options_.flow_time > 0 && grid_.dimension() == 4 && Group::generators > 1; }

  /// Where f = t^2 E (or t f') passes 0.3, between two points of the flow linearly; NaN where it does not.
  static double flow_scale(const std::vector<double>& energy, double step, bool derivative) {
    double before = 0;
    double t_before = 0;
    for (std::size_t k = 1; k < energy.size(); ++k) {
      const double t = step * static_cast<double>(k);
      const double f = t * t * energy[k];
      double value = f;
      double at = t;
      if (derivative) {
        const double last = t - step;
        at = t - 0.5 * step;
        value = at * (f - last * last * energy[k - 1]) / step;
      }
      if (value >= 0.3) return t_before + (at - t_before) * (0.3 - before) / (value - before);
      before = value;
      t_before = at;
    }
    return std::nan("");
  }

  /// E and Q along the flow; the field is as it was afterwards.
  void measure_flow(Measured& all) {
    save_links();
    const Kokkos::DefaultExecutionSpace space;
    const double e = options_.flow_step * (Group::generators == 1 ? 1 : 2);
    const LoopWeights wilson;
    const auto volume = static_cast<double>(grid_.n_sites());
    const auto replicas = static_cast<std::size_t>(grid_.view().n_replicas);
    std::vector<std::vector<double>> energies(replicas);
    std::vector<double> charges(replicas);
    for (std::size_t k = 0; k < flow_points(); ++k) {
      if (k > 0) {
        // W_1 = e^{Z_0 / 4} V, W_2 = e^{8/9 Z_1 - 17/36 Z_0} W_1, V' = e^{3/4 Z_2 - 8/9 Z_1 + 17/36 Z_0} W_2, every
        // exponent kept in one array
        const double keep[3] = {0, -17.0 / 9, -1};
        const double add[3] = {0.25, 8.0 / 9, 0.75};
        for (int stage = 0; stage < 3; ++stage) {
          for_sites(space, "koushi::field::scale_force", grid_.view(),
                    ScaleForce{pointer_to(force()), momenta_, keep[stage]});
          add_force(force(), e * add[stage], wilson);
          turn_links(force(), 1);
        }
      }
      fill_halo(1);
      const std::vector<double> sums = lane_totals<FlowSiteSums>(
          "koushi::field::flow_site_sums",
          [&]<typename T>(std::type_identity<T>) { return FlowSiteSums<GroupOf<T>>{links<T>()}; });
      for (std::size_t r = 0; r < replicas; ++r) {
        energies[r].push_back(sums[2 * r] / volume);
        charges[r] = sums[2 * r + 1];
      }
    }
    for (std::size_t r = 0; r < replicas; ++r) {
      all["flow_energy"].insert(all["flow_energy"].end(), energies[r].begin(), energies[r].end());
      if (!has_clover_charge()) continue;
      all["topological_charge"].push_back(charges[r]);
      all["topological_charge2"].push_back(charges[r] * charges[r]);
    }
    restore_links();
  }

  /// Loops R x T of smeared links in space, each of lines that grow by one link at a time.
  void measure_static_loops(Measured& all) {
    save_links();
    FieldArray links = aside_;
    FieldArray lines = kept_;  // free between trajectories
    if (options_.smearing != Smearing::none) {
      for (int k = 0; k < options_.smearing_steps; ++k) {
        halo_.exchange(links, {.layers = 1});
        with_values([&]<typename T>(std::type_identity<T>) {
          const GridView& view = grid_.view();
          const LinkField<GroupOf<T>> from{view, pointer_to(links), is_open()};
          const LinkField<GroupOf<T>> to{view, pointer_to(lines), is_open()};
          for_lanes<T>(Kokkos::DefaultExecutionSpace{}, "koushi::field::smear", view, TiledRows{view}, view.n_rows(),
                       SmearLinks<GroupOf<T>>{from, to, view.first_direction + 1, options_.smearing == Smearing::stout,
                                              options_.smearing_weight});
        });
        std::swap(links, lines);
      }
    }
    halo_.exchange(links);
    const int time = grid_.view().first_direction;
    const int largest = options_.static_loops;
    std::vector<std::vector<double>> loops;  // [R, T][replica]
    for (int r = 1; r <= largest; ++r) {
      extend_lines(lines, links, r - 1, time + 1, 3);
      for (int t = 1; t <= largest; ++t) {
        extend_lines(lines, links, t - 1, time, time);
        loops.push_back(loops_of_lines(lines, lines, r, t, time, false));
      }
    }
    for (std::size_t replica = 0; replica < loops[0].size(); ++replica) {
      for (const auto& loop : loops) all["static_loops"].push_back(loop[replica]);
    }
  }

  /// Loops of R <= T links, each plane with R along either direction, which are those of T and R as well.
  void measure_wilson_loops(Measured& all) {
    const int largest = largest_loop();
    if (largest == 0) return;
    const auto n = static_cast<std::size_t>(largest);
    std::vector<std::vector<std::vector<double>>> loops(n, std::vector<std::vector<double>>(n));
    fill_halo(largest);
    FieldArray a = field_;  // lines of R links
    FieldArray b = field_;  // of T
    for (int r = 1; r <= largest; ++r) {
      if (r == largest) {
        a = b;
      } else if (r > 1) {
        if (r == 2) save_links();
        a = aside_;
        extend_lines(a, field_, r - 1, grid_.view().first_direction, 3);
      }
      b = a;
      for (int t = r; t <= largest; ++t) {
        if (t == r + 1) {
          b = kept_;  // free between trajectories
          Kokkos::deep_copy(Kokkos::DefaultExecutionSpace{}, b, a);
        }
        if (t > r) extend_lines(b, field_, t - 1, grid_.view().first_direction, 3);
        const auto i = static_cast<std::size_t>(r - 1);
        const auto j = static_cast<std::size_t>(t - 1);
        loops[i][j] = loops[j][i] = loops_of_lines(a, b, r, t, 3, r == t);
      }
    }
    for (std::size_t replica = 0; replica < loops[0][0].size(); ++replica) {
      for (const auto& row : loops) {
        for (const auto& loop : row) all["wilson_loops"].push_back(loop[replica]);
      }
    }
  }

  /// Lines of `length` links in directions first to last get one more, and their halo.
  void extend_lines(const FieldArray& lines, const FieldArray& links, int length, int first, int last) {
    const GridView& view = grid_.view();
    with_values([&]<typename T>(std::type_identity<T>) {
      using Lines = LinkField<GroupOf<T>, longest_line>;
      for_lanes<T>(
          Kokkos::DefaultExecutionSpace{}, "koushi::field::extend_lines", view, AllRows{view}, view.n_rows(),
          ExtendLines<GroupOf<T>>{Lines{view, pointer_to(lines)}, Lines{view, pointer_to(links)}, length, first, last});
    });
    halo_.exchange(
        lines, {.first = (first - view.first_direction) * Group::reals, .count = (last - first + 1) * Group::reals});
  }
  /// Means of LoopsOfLines: [replica].
  std::vector<double> loops_of_lines(const FieldArray& a, const FieldArray& b, int along_mu, int along_nu, int last_nu,
                                     bool half) const {
    const GridView& view = grid_.view();
    std::vector<double> means =
        lane_totals<LoopsOfLines>("koushi::field::loops", [&]<typename T>(std::type_identity<T>) {
          using Lines = LinkField<GroupOf<T>, longest_line>;
          return LoopsOfLines<GroupOf<T>>{
              Lines{view, pointer_to(a)}, Lines{view, pointer_to(b)}, along_mu, along_nu, last_nu, half};
        });
    for (double& mean : means) mean /= static_cast<double>(grid_.n_sites());
    return means;
  }

  template <typename T>
  LinkField<GroupOf<T>> links() const {
    return links_of<T>(field_);
  }
  template <typename T>
  LinkField<GroupOf<T>> links_of(const FieldArray& field) const {
    return {grid_.view(), pointer_to(field), is_open()};
  }
  /// Calls body(std::type_identity<T>): T the type of the values of kernels, vectors of sites where rows are split.
  template <typename Body>
  void with_values(const Body& body) const {
    if (grid_.view().half > 0) {
      body(std::type_identity<SiteVector>{});
    } else {
      body(std::type_identity<double>{});
    }
  }
  /// momentum -= factor Im tr(T_a U A)
  void add_force(const FieldArray& momentum, double factor, const LoopWeights& weights) {
    fill_halo(reach());
    with_values([&]<typename T>(std::type_identity<T>) {
      const GridView& view = grid_.view();
      for_lanes<T>(Kokkos::DefaultExecutionSpace{}, "koushi::field::gauge_kick", view, TiledRows{view}, view.n_rows(),
                   GaugeKick<GroupOf<T>>{links<T>(), pointer_to(momentum), factor, weights});
    });
  }
  void turn_links(const FieldArray& momentum, double time) {
    with_values([&]<typename T>(std::type_identity<T>) {
      const GridView& view = grid_.view();
      for_lanes<T>(Kokkos::DefaultExecutionSpace{}, "koushi::field::gauge_drift", view, AllRows{view}, view.n_rows(),
                   GaugeDrift<GroupOf<T>>{links<T>(), pointer_to(momentum), time});
    });
    field_changed();
  }
  /// Sums of the numbers of a kernel, make(std::type_identity<T>), over the sites of the whole lattice:
  /// [replica][number].
  template <template <typename> class Kernel, typename Make>
  std::vector<double> lane_totals(const char* label, const Make& make) const {
    constexpr int n = Kernel<Group>::numbers;
    const GridView& view = grid_.view();
    const SiteSums sums("koushi::field::sums", static_cast<std::size_t>(view.n_replicas), n);
    with_values([&]<typename T>(std::type_identity<T> type) {
      for_lanes<T>(Kokkos::DefaultExecutionSpace{}, label, view, TiledRows{view}, view.n_rows(),
                   SumLanes<T, n, Kernel<GroupOf<T>>>{make(type), sums});
    });
    return totals_of(sums);
  }
  /// Loops across an open end are none.
  int largest_loop() const { return is_open() ? 0 : std::min({most_loop, grid_.view().range, options_.loops}); }
  bool has_charge() const { return Group::generators == 1 && grid_.dimension() == 2 && !is_open(); }
  bool is_open() const {
    return std::count(grid_.options().boundary.begin(), grid_.options().boundary.end(), Boundary::open) > 0;
  }

  /// Plaquettes of the whole lattice.
  double planes() const {
    double count = 0;
    const auto& options = grid_.options();
    for (std::size_t a = 0; a < options.extents.size(); ++a) {
      for (std::size_t b = a + 1; b < options.extents.size(); ++b) {
        double here = 1;
        for (std::size_t c = 0; c < options.extents.size(); ++c)
          here *= options.extents[c] - ((c == a || c == b) && options.boundary[c] == Boundary::open ? 1 : 0);
        count += here;
      }
    }
    return count;
  }

  /// P of every replica here. Lines grow from rank to rank, so that they are the same products on any division.
  std::vector<std::complex<double>> polyakov_loops() const {
    if (is_open()) return {};
    const GridView& view = grid_.view();
    const int f = view.first_direction;
    const int n_lines = view.n_rows() * view.extent[3] / view.extent[f];
    const bool begin = view.global_first[f] == 0;
    const bool end = view.global_first[f] + view.extent[f] == view.global_extent[f];
    const Kokkos::View<double**, Kokkos::LayoutRight> lines("koushi::field::lines", static_cast<std::size_t>(n_lines),
                                                            Group::reals);
    const auto host = Kokkos::create_mirror_view(lines);
    Messages message(grid_.group());
    if (!begin) {
      message.receive(host.data(), static_cast<int>(host.size()), grid_.neighbour(f, -1), f);
      message.wait();
      Kokkos::deep_copy(lines, host);
    }
    Kokkos::parallel_for("koushi::field::line_products", Kokkos::RangePolicy<>(0, n_lines),
                         LineProducts<Group>{links<double>(), lines, begin});
    Kokkos::deep_copy(host, lines);
    std::vector<ExactSum> traces(2 * static_cast<std::size_t>(view.n_replicas));
    if (end) {
      const int per_replica = n_lines / view.n_replicas;
      for (int k = 0; k < n_lines; ++k) {
        typename Group::Matrix line;
        for (int c = 0; c < Group::reals; ++c) line.v[c] = host(k, c);
        ExactSum* const sums = &traces[2 * static_cast<std::size_t>(k / per_replica)];
        sums[0].add(Group::re_trace(line));
        sums[1].add(Group::im_trace(line));
      }
    } else {
      message.send(host.data(), static_cast<int>(host.size()), grid_.neighbour(f, 1), f);
      message.wait();
    }
    const std::vector<double> totals = exact_totals(grid_.group(), traces);
    const double norm = Group::order * static_cast<double>(grid_.n_sites() / view.global_extent[f]);
    std::vector<std::complex<double>> loops;
    for (std::size_t k = 0; k < totals.size(); k += 2) loops.emplace_back(totals[k] / norm, totals[k + 1] / norm);
    return loops;
  }

  std::vector<Sums> site_sums() {
    fill_halo(reach());
    return site_sums_of(field_);
  }
  /// Of links whose halo is filled.
  std::vector<Sums> site_sums_of(const FieldArray& field) const {
    const std::vector<double> all =
        lane_totals<GaugeSiteSums>("koushi::field::gauge_site_sums", [&]<typename T>(std::type_identity<T>) {
          return GaugeSiteSums<GroupOf<T>>{links_of<T>(field), weights_.rectangle != 0};
        });
    std::vector<Sums> sums(all.size() / GaugeSiteSums<Group>::numbers);
    for (std::size_t k = 0; k < all.size(); ++k)
      sums[k / GaugeSiteSums<Group>::numbers][k % GaugeSiteSums<Group>::numbers] = all[k];
    return sums;
  }

  /// Direction by direction and colour by colour; the two colours of a checkerboard in split rows by vectors of sites,
  /// others by lists.
  std::int64_t local_update(const Colouring& colouring, LinkUpdate update, std::uint64_t seed, std::uint64_t step,
                            double width, int hits = 1) {
    const GridView& view = grid_.view();
    const Kokkos::DefaultExecutionSpace space;
    std::int64_t count = 0;
    const bool checkerboard = view.half > 0 && colouring.n_colours() == 2;
    fill_halo(reach());
    for (int mu = view.first_direction; mu < 4; ++mu) {
      for (int colour = 0; colour < colouring.n_colours(); ++colour) {
        if (checkerboard) {
          using Kernel = LinkKernel<GroupOf<SiteVector>>;
          count += count_lanes<SiteVector>(
              space, "koushi::field::link_update", view, colour,
              Kernel{links<SiteVector>(), update, mu, beta_, weights_, width, seed, step, hits});
        } else {
          using Kernel = LinkKernel<Group>;
          count += count_list(space, "koushi::field::link_update", view, colouring.sites(colour),
                              Kernel{links<double>(), update, mu, beta_, weights_, width, seed, step, hits});
        }
        // nothing else has changed
        halo_.exchange(field_, {.first = (mu - view.first_direction) * Group::reals,
                                .count = Group::reals,
                                .layers = reach(),
                                .colour = checkerboard ? colour : -1});
      }
    }
    filled_ = reach();
    return count;
  }

  GaugeOptions options_;
  double beta_;
  LoopWeights weights_;
  FieldArray aside_;
  int aside_filled_ = 0;  ///< layers of its halo
  FieldArray force_;
};

}  // namespace

std::unique_ptr<FieldTheory> make_gauge_theory(const Grid& grid, const GaugeOptions& options) {
  if (grid.dimension() < 2) throw UsageError("a gauge theory in one direction\n  expected: 2 to 4");
  for (const Boundary b : grid.options().boundary) {
    if (b == Boundary::antiperiodic)
      throw UsageError("an antiperiodic gauge field\n  expected: periodic or open boundaries");
  }
  if (grid.view().range < std::max(options.static_loops, options.rectangle == 0 ? 1 : 2)) {
    throw UsageError(
        fmt::format("a grid of range {} for loops of {} links\n  expected: at least as much, and 2 with rectangles",
                    grid.view().range, options.static_loops));
  }
  switch (options.group) {
    case GaugeGroup::u1:
      return std::make_unique<GaugeTheory<GroupU1>>(grid, options);
    case GaugeGroup::su2:
      return std::make_unique<GaugeTheory<GroupSU2>>(grid, options);
    default:
      return std::make_unique<GaugeTheory<GroupSU3>>(grid, options);
  }
}

}  // namespace koushi
