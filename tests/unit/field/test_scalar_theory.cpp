// Laws of molecular dynamics for every theory of real fields, and exact results of free fields and paths.
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>

#include "field_sampling.hpp"
#include "koushi/field/hmc.hpp"
#include "koushi/field/path_levels.hpp"
#include "koushi/field/scalar_theory.hpp"
#include "updates_of.hpp"

using namespace koushi;

namespace {

struct Case {
  std::string name;
  int dimension;
  std::unique_ptr<ScalarTheory> (*make)(const Grid&);
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"phi^4", 0, [](const Grid& g) { return make_quartic_theory(g, {.quadratic = -0.7, .quartic = 0.4}); }},
      {"mid-point phi^4", 0,
       [](const Grid& g) { return make_quartic_theory(g, {.quadratic = -0.7, .quartic = 0.4, .mid_points = true}); }},
      {"mid-point O(3) phi^4", 0,
       [](const Grid& g) {
         return make_quartic_theory(g, {.components = 3, .quadratic = 0.3, .quartic = 0.4, .mid_points = true});
       }},
      {"complex phi^4", 0,
       [](const Grid& g) {
         return make_quartic_theory(g, {.components = 2, .stiffness = 0.5, .quadratic = 0.3, .quartic = 0.2});
       }},
      {"O(3) phi^4", 0,
       [](const Grid& g) { return make_quartic_theory(g, {.components = 3, .quadratic = 0.1, .quartic = 0.3}); }},
      {"O(4) phi^4", 0,
       [](const Grid& g) { return make_quartic_theory(g, {.components = 4, .quadratic = 0.1, .quartic = 0.3}); }},
      {"sine-Gordon", 0, [](const Grid& g) { return make_sine_gordon_theory(g, 0.8, 1.7); }},
      {"path", 1,
       [](const Grid& g) {
         return make_path_theory(g, {.spacing = 0.5, .potential = {0, 0.1, -0.5, 0.2, 0.5}});
       }},
      {"mid-point path", 1, [](const Grid& g) {
         return make_path_theory(g,
                                 {.spacing = 0.5, .potential = {0, 0.1, -0.5, 0.2, 0.5}, .rule = PathRule::mid_point});
       }}};
  return all;
}

std::vector<int> extents_of(int dimension) {
  const std::vector<int> all{3, 4, 5, 6};
  return {all.end() - dimension, all.end()};
}

Grid make_grid(const Communicator& comm, int dimension, Boundary boundary, std::int64_t replicas) {
  const auto d = static_cast<std::size_t>(dimension);
  return {comm, {extents_of(dimension), std::vector<Boundary>(d, boundary), std::vector<int>(d, 1), 1, replicas}};
}

double sum(const std::vector<double>& x) {
  double total = 0;
  for (const double v : x) total += v;
  return total;
}

}  // namespace

TEST_CASE("kicks are the derivative of the action, trajectories are reversible, their errors of the order claimed",
          "[field]") {
  const Communicator self = Communicator::self();
  for (const Case& theory_case : cases()) {
    for (int d = 1; d <= (theory_case.dimension == 0 ? 4 : theory_case.dimension); ++d) {
      for (const Boundary boundary : {Boundary::periodic, Boundary::antiperiodic, Boundary::open}) {
        INFO(theory_case.name << " in " << d << " directions, boundary " << static_cast<int>(boundary));
        const Grid grid = make_grid(self, d, boundary, 2);
        const auto theory = theory_case.make(grid);
        theory->start(7, 0.6);
        theory->draw_momenta(7, 0);
        // d/de S(phi + e p) = p.dS and K(p - t dS) = K - t p.dS + t^2 |dS|^2 / 2
        const auto kinetic = [&] { return sum(theory->hamiltonian()) - sum(theory->action()); };
        const double e = 1e-4;
        theory->drift(e);
        const double above = sum(theory->action());
        theory->drift(-2 * e);
        const double slope = (above - sum(theory->action())) / (2 * e);
        theory->drift(e);
        theory->kick(0.5);
        const double forward = kinetic();
        theory->kick(-1.0);
        const double backward = kinetic();
        theory->kick(0.5);
        CHECK(std::abs((backward - forward) - slope) < 1e-5 * (1 + std::abs(slope)));
        // both in one pass = one after the other
        theory->keep();
        theory->kick(0.1);
        theory->drift(0.2);
        const auto apart = configuration_of(*theory);
        theory->restore({false, false});
        theory->kick(-0.1);
        theory->kick_then_drift(0.1, 0.2);
        const auto together = configuration_of(*theory);
        CHECK(largest_difference(apart, together) < 1e-12);
      }
    }
  }
}

namespace {

/// An array that no theory owns, with the numbers of a configuration of one rank.
FieldArray array_of(const Grid& grid, int components, const std::vector<double>& local) {
  const FieldArray field = make_field(grid, components);
  const auto host = Kokkos::create_mirror_view(field);
  const GridView& view = grid.view();
  const FieldPointer pointer = pointer_to(view, host);
  std::size_t at = 0;
  for (int r = 0; r < view.n_replicas; ++r) {
    for (int c = 0; c < components; ++c) {
      for (int k = 0; k < view.n_rows() / view.n_replicas; ++k) {
        for (int x = 0; x < view.extent[3]; ++x) pointer.at(r, c, view.row(k).site)[view.place(x)] = local[at++];
      }
    }
  }
  Kokkos::deep_copy(field, host);
  return field;
}

}  // namespace

TEST_CASE("S and its force on an array that no theory owns are those of a theory that holds the same", "[field]") {
  const Communicator self = Communicator::self();
  for (const Case& theory_case : cases()) {
    INFO(theory_case.name);
    const Grid grid = make_grid(self, theory_case.dimension == 0 ? 3 : 1, Boundary::antiperiodic, 2);
    const auto theory = theory_case.make(grid);
    const auto holder = theory_case.make(grid);
    theory->start(3, 0.5);
    holder->start(4, 0.8);
    const std::vector<double> held = configuration_of(*theory);
    const int n = theory->components();
    const FieldArray field = array_of(grid, n, configuration_of(*holder));
    CHECK(theory->action_of(field) == holder->action());
    CHECK(theory->action_of(field) != theory->action());
    const FieldArray force = make_field(grid, n);
    theory->force_of(field, force);
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, force);
    double square = 0;
    for (std::size_t k = 0; k < host.size(); ++k) square += host.data()[k] * host.data()[k];
    const double e = 1e-4;
    theory->add_scaled("koushi::field::along", field, force, n, e);
    const double above = sum(theory->action_of(field));
    theory->add_scaled("koushi::field::along", field, force, n, -2 * e);
    const double slope = (above - sum(theory->action_of(field))) / (2 * e);
    CHECK(std::abs(slope + square) < 1e-5 * square);
    CHECK(configuration_of(*theory) == held);
  }
}

TEST_CASE("trajectories are reversible and conserve energy to the order of their integrator", "[field]") {
  const Communicator self = Communicator::self();
  for (const auto& [integrator, order] :
       {std::pair{Integrator::leapfrog, 2}, std::pair{Integrator::omelyan2, 2}, std::pair{Integrator::omelyan4, 4},
        std::pair{Integrator::force_gradient, 4}}) {
    for (const Case& theory_case : cases()) {
      const int d = theory_case.dimension == 0 ? 2 : 1;
      INFO(theory_case.name << ", integrator " << static_cast<int>(integrator));
      const Grid grid = make_grid(self, d, Boundary::periodic, 1);
      const auto theory = theory_case.make(grid);
      const auto begin = [&] {
        theory->start(3, 0.5);
        theory->draw_momenta(3, 1);
      };
      CHECK(std::abs(order_of(*theory, integrator, 40, begin) - order) < 0.6);
      begin();
      const auto first = configuration_of(*theory);
      integrate(*theory, integrator, 0.05, 20);
      const auto end = configuration_of(*theory);
      theory->reverse_momenta();
      integrate(*theory, integrator, 0.05, 20);
      CHECK(largest_difference(first, end) > 0.1);
      CHECK(largest_difference(first, configuration_of(*theory)) < 1e-12);
    }
  }
}

namespace {

/// Means of observables after `n` updates, by HMC or Metropolis sweeps.
std::map<std::string, Estimate> sample(FieldTheory& theory, MolecularDynamics* dynamics, int n, double width,
                                       int steps) {
  const Colouring colouring(theory.grid(), as<LocalUpdates>(theory).interactions());
  double exponential = 0;
  double square = 0;
  auto result = sample_field(theory, n, [&](std::uint64_t t) {
    if (dynamics == nullptr) {
      as<LocalUpdates>(theory).metropolis(colouring, 5, t, 2, width);
      return;
    }
    const HmcReport report = hmc_trajectory(*dynamics, {.length = 1.5, .jitter = 0.3, .steps = steps, .seed = 5}, t);
    for (const double change : report.energy_change) {
      if (static_cast<int>(t) < n / 10) continue;
      exponential += std::exp(-change);
      square += std::pow(std::exp(-change) - 1, 2);
    }
  });
  if (dynamics != nullptr) {  // <e^{-dH}> = 1 (M. Creutz, Phys. Rev. D 38, 1228 (1988))
    const double count = (n - n / 10) * static_cast<double>(theory.grid().n_replicas());
    CHECK(std::abs(exponential / count - 1) < 5 * std::sqrt(square) / count);
  }
  return result;
}

///  <phi^2> of the free field with hopping weight K and mass term A: mean over momenta of 1 / (2 (A + 2 K sum_mu (1 -
///  cos k)))
double free_phi2(const std::vector<int>& extents, double stiffness, double quadratic, double phase) {
  std::vector<double> denominators{quadratic};
  for (const int n : extents) {
    std::vector<double> next;
    for (const double x : denominators) {
      for (int k = 0; k < n; ++k) next.push_back(x + 2 * stiffness * (1 - std::cos((2 * M_PI * k + phase) / n)));
    }
    denominators = next;
  }
  double mean = 0;
  for (const double x : denominators) mean += 0.5 / x / static_cast<double>(denominators.size());
  return mean;
}

}  // namespace

TEST_CASE("free fields of 1 to 4 directions have the exact <phi^2>", "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  CHECK(std::abs(free_phi2({8, 8}, 0.5, 0.625, 0) - 0.233967001547) < 1e-11);  // textbook form, m^2 = 1.25
  for (int d = 1; d <= 4; ++d) {
    for (const bool antiperiodic : {false, true}) {
      INFO(d << " directions, antiperiodic " << antiperiodic);
      const Grid grid = make_grid(self, d, antiperiodic ? Boundary::antiperiodic : Boundary::periodic, 8);
      const auto theory = make_quartic_theory(grid, {.stiffness = 0.5, .quadratic = 0.5});
      auto result = sample(*theory, theory.get(), d < 4 ? 1500 : 500, 0, 8);
      compare_estimate(result["phi2"], free_phi2(extents_of(d), 0.5, 0.5, antiperiodic ? M_PI : 0), 0.02);
      compare_estimate(result["schwinger_dyson"], 1.0, 0.02);
    }
  }
}

/// The transfer matrix T(x, y) = exp(- (x - y)^2 / 2a - a (V(x) + V(y)) / 2) on a grid of points, V = q x^2 + l x^4 + c
/// x: gaps, and <0| x^k |n> of the lowest 20 states.
struct TransferMatrix {
  static constexpr int n = 201;
  static constexpr int states = 20;
  double a;
  Eigen::VectorXd gaps;
  double element[6][states] = {};

  TransferMatrix(double spacing, double q, double l, double c = 0) : a(spacing) {
    const double reach = 4.5;
    const double h = 2 * reach / (n - 1);
    Eigen::MatrixXd t(n, n);
    const auto v = [&](double x) { return ((q + l * x * x) * x + c) * x; };
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        const double x = -reach + i * h;
        const double y = -reach + j * h;
        t(i, j) = std::exp(-(x - y) * (x - y) / (2 * a) - a * (v(x) + v(y)) / 2);
      }
    }
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(t);
    gaps = (-(solver.eigenvalues().reverse().array() / solver.eigenvalues()(n - 1)).log() / a).matrix();
    for (int k = 0; k < 6; ++k) {
      for (int state = 0; state < states; ++state) {
        for (int i = 0; i < n; ++i)
          element[k][state] +=
              solver.eigenvectors()(i, n - 1) * std::pow(-reach + i * h, k) * solver.eigenvectors()(i, n - 1 - state);
      }
    }
  }
  /// <x^k(0) x^l(time)> of an infinite path.
  double correlator(int k, int l, double time) const {
    double sum = 0;
    for (int state = 0; state < states; ++state)
      sum += element[k][state] * element[l][state] * std::exp(-time * gaps(state));
    return sum;
  }
  /// What a gap between t and 2t is made of, in the order of its series, as many operators as these tell.
  std::vector<double> means(double t, const std::vector<SeriesColumn>& series, bool even) const {
    std::vector<double> all;
    int n_operators = 4;
    while (n_operators < 6 && means_of(n_operators, even) < series.size()) ++n_operators;
    REQUIRE(means_of(n_operators, even) == series.size());
    for (int k = 1; k < n_operators; ++k) {
      if (!even || k % 2 == 0) all.push_back(element[k][0]);
    }
    for (const double time : {t, 2 * t}) {
      for (int k = 1; k < n_operators; ++k) {
        for (int l = k; l < n_operators; ++l) {
          if (!even || (k + l) % 2 == 0) all.push_back(correlator(k, l, time));
        }
      }
    }
    return all;
  }
  static std::size_t means_of(int n_operators, bool even) {
    std::size_t count = 0;
    for (int k = 1; k < n_operators; ++k) {
      count += !even || k % 2 == 0 ? 1 : 0;
      for (int l = k; l < n_operators; ++l) count += !even || (k + l) % 2 == 0 ? 2 : 0;
    }
    return count;
  }
};

Eigen::VectorXd exact_gaps(double a, double q, double l) { return TransferMatrix(a, q, l).gaps; }

TEST_CASE("gaps of a double well are those of its transfer matrix, however small the spacing", "[field][exact]") {
  // E_1 - E_0 and E_2 - E_0 of V = -1.96 x^2 + x^4 / 2 at two spacings, by an independent program. Between the first two
  // times, and with four operators, gap_2 was 2.11 at a = 0.1 and 2.21 at 0.05.
  struct Row {
    double a;
    double first;
    double second;
  };
  for (const Row& row : {Row{0.1, 0.24700, 1.82245}, Row{0.05, 0.24792, 1.82495}}) {
    const TransferMatrix exact(row.a, -1.96, 0.5);
    CAPTURE(row.a);
    CHECK(std::abs(exact.gaps(1) - row.first) < 6e-6);
    CHECK(std::abs(exact.gaps(2) - row.second) < 6e-6);
    const PathOptions options{.spacing = row.a, .potential = {0, 0, -1.96, 0, 0.5}};
    const int length = static_cast<int>(std::lround(40 / row.a));
    const PathLevels levels(options, length, 0);
    const PathLevels shortest(options, length, row.a);
    for (std::size_t level = 1; level <= 2; ++level) {
      const double right = exact.gaps(static_cast<Eigen::Index>(level));
      const Observable gap = levels.observables()[level - 1];
      CHECK(gap.name == "gap_" + std::to_string(level));
      CHECK(gap.help.find("t = 0.6;") != std::string::npos);  // at both spacings
      const double bias = gap.value(exact.means(0.6, gap.series, true)) / right - 1;
      CHECK(bias > -1e-7);
      CHECK(bias < 1e-3);
      const double later = gap.later.value(exact.means(0.8, gap.later.series, true)) / right - 1;
      CHECK(later < 0.3 * bias);  // e^{-0.2 (E_6 - E_2)} = 0.24
      // what a silent bias looks like: at one step it is large, and the later time tells
      const Observable early = shortest.observables()[level - 1];
      const double at_once = early.value(exact.means(row.a, early.series, true)) / right - 1;
      CHECK(at_once > 0.008);
      CHECK(early.later.value(exact.means(2 * row.a, early.later.series, true)) <
            early.value(exact.means(row.a, early.series, true)) * (1 - 0.004));
      const Curve curve = levels.curves()[level - 1];
      double before = 1;
      for (std::size_t k = 0; k < curve.x.size(); ++k) {
        const double now = curve.points[k].value(exact.means(curve.x[k], curve.points[k].series, true)) / right - 1;
        CHECK(now < before);
        before = now;
      }
      CHECK(std::abs(curve.x.front() - 0.3) < 1e-12);
      CHECK(std::abs(curve.x.back() - 1.2) < 1e-12);
    }
  }
}

TEST_CASE("derivatives of gaps by their means are those of small steps", "[field]") {
  for (const double tilt : {0.0, 0.3}) {
    const double a = 0.1;
    const TransferMatrix exact(a, -1.96, 0.5, tilt);
    const PathLevels levels({.spacing = a, .potential = {0, tilt, -1.96, 0, 0.5}}, 400, 0.6);
    for (std::size_t level = 1; level <= 2; ++level) {
      const Observable gap = levels.observables()[level - 1];
      const std::vector<double> means = exact.means(0.6, gap.series, tilt == 0);
      REQUIRE(means.size() == gap.series.size());
      CHECK(std::abs(gap.value(means) / exact.gaps(static_cast<Eigen::Index>(level)) - 1) < 2e-3);
      const std::vector<double> slopes = gap.gradient(means);
      REQUIRE(slopes.size() == means.size());
      for (std::size_t k = 0; k < means.size(); ++k) {
        CAPTURE(tilt, level, k);
        const double step = 1e-7 * std::abs(means[k]);
        std::vector<double> moved = means;
        moved[k] += step;
        const double above = gap.value(moved);
        moved[k] -= 2 * step;
        const double slope = (above - gap.value(moved)) / (2 * step);
        CHECK(std::abs(slopes[k] - slope) < 1e-3 * std::abs(slope) + 1e-6);
      }
    }
  }
}

TEST_CASE("anharmonic paths have the exact moments of their transfer matrix", "[field][exact][statistical]") {
  // Reference: transfer matrix at finite spacing, periodic; spacing, sites, omega^2 / 2, lambda, <x^2>, <x^4>
  struct Row {
    double a;
    int n;
    double quadratic;
    double lambda;
    double x2;
    double x4;
  };
  const Communicator self = Communicator::self();
  for (const Row& row :
       {Row{0.5, 20, 0.5, 1, 0.2419337004, 0.1519840915}, Row{0.25, 40, 0.5, 1, 0.2529374593, 0.1723023733},
        Row{0.5, 40, -1, 0.5, 0.6203450747, 0.8376337666}}) {
    for (const bool hmc : {true, false}) {
      INFO("a = " << row.a << ", N = " << row.n << (hmc ? ", HMC" : ", Metropolis"));
      const Grid grid(self, {{row.n}, {Boundary::periodic}, {1}, 1, 32});
      const auto theory = make_path_theory(grid, {.spacing = row.a, .potential = {0, 0, row.quadratic, 0, row.lambda}});
      auto result = sample(*theory, hmc ? theory.get() : nullptr, 2000, 1.0, 10);
      compare_estimate(result["x2"], row.x2, 0.02);
      compare_estimate(result["x4"], row.x4, 0.02);
      const Eigen::VectorXd gaps = exact_gaps(row.a, row.quadratic, row.lambda);
      compare_estimate(result["gap_1"], gaps(1), 0.02);
      compare_estimate(result["gap_2"], gaps(2), 0.08);  // its signal falls by e^{-4} in two steps of 0.5
      compare_estimate(result["schwinger_dyson"], 1.0, 0.02);
    }
  }
}

///  <cos beta phi> on a ring of three sites, S = sum 1/2 (phi - phi')^2 + m^2 / beta^2 (1 - cos beta phi): one site in
///  one period, the others as far from it as counts.
double sine_gordon_ring_of_three(double mass_squared, double beta) {
  const double step = 0.1;
  const double period = 2 * std::acos(-1.0) / beta;
  const auto v = [&](double x) { return mass_squared / (beta * beta) * (1 - std::cos(beta * x)); };
  double norm = 0;
  double sum = 0;
  for (int k = 0; k < 64; ++k) {
    const double a = period * k / 64;
    for (double b = a - 7; b < a + 7; b += step) {
      for (double c = a - 7; c < a + 7; c += step) {
        const double weight =
            std::exp(-0.5 * ((a - b) * (a - b) + (b - c) * (b - c) + (c - a) * (c - a)) - v(a) - v(b) - v(c));
        norm += weight;
        sum += weight * std::cos(beta * a);
      }
    }
  }
  return sum / norm;
}

TEST_CASE("sine-Gordon fields have the exact <cos> and fulfil an identity as periodic as they are",
          "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  for (const double beta : {2.5, 0.7}) {
    const Grid grid(self, {{3}, {Boundary::periodic}, {1}, 1, 64});
    const auto theory = make_sine_gordon_theory(grid, 0.8, beta);
    auto result = sample(*theory, theory.get(), 2500, 0, 8);
    CAPTURE(beta);
    compare_estimate(result["cosine"], sine_gordon_ring_of_three(0.8, beta), 0.02);
    compare_estimate(result["schwinger_dyson"], 1, 0.05);
  }
}

TEST_CASE("a harmonic path between fixed ends is the Gaussian of its matrix", "[field][exact][statistical][mpi]") {
  // S = sum (x_{i+1} - x_i)^2 / 2a + a (u x + x^2 / 2), x_0 and x_{n+1} given: mean and covariance by linear algebra.
  const Communicator world = Communicator::world();
  const int n = 12;
  const double a = 0.4;
  const double u = 0.7;
  const double ends[2] = {1.5, -0.8};
  for (const bool hmc : {true, false}) {
    for (const PathRule rule : {PathRule::end_point, PathRule::mid_point}) {
      Eigen::MatrixXd m = Eigen::MatrixXd::Zero(n, n);
      Eigen::VectorXd force = Eigen::VectorXd::Constant(n, -a * u);
      // mid-point: a/2 ((x + y)/2)^2 per bond
      const double diagonal = 2 / a + (rule == PathRule::mid_point ? 0.5 * a : a);
      const double neighbour = -1 / a + (rule == PathRule::mid_point ? 0.25 * a : 0);
      for (int i = 0; i < n; ++i) {
        m(i, i) = diagonal;
        if (i + 1 < n) m(i, i + 1) = m(i + 1, i) = neighbour;
      }
      force(0) -= neighbour * ends[0];
      force(n - 1) -= neighbour * ends[1];
      const Eigen::MatrixXd covariance = m.inverse();
      const Eigen::VectorXd mean = covariance * force;
      const double exact = (covariance.diagonal().sum() + mean.squaredNorm()) / n;
      const Grid grid(world, {{n}, {Boundary::fixed}, {world.size()}, 1, 16});
      const auto theory =
          make_path_theory(grid, {.spacing = a, .potential = {0, u, 0.5}, .rule = rule, .ends = {ends[0], ends[1]}});
      auto result = sample(*theory, hmc ? theory.get() : nullptr, 2000, 1.0, 10);
      INFO((hmc ? "HMC" : "Metropolis") << ", rule " << static_cast<int>(rule));
      compare_estimate(result["x2"], exact, 0.02);
      compare_estimate(result["schwinger_dyson"], 1.0, 0.02);
    }
  }
}

TEST_CASE(
    "the correlation length of a free field is 1 / m with any ends, and is not measured without momentum 0 along the "
    "slices",
    "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  constexpr auto periodic = Boundary::periodic;
  constexpr auto antiperiodic = Boundary::antiperiodic;
  constexpr auto open = Boundary::open;
  const auto make = [](const Grid& grid) {
    return make_quartic_theory(grid, {.components = 2, .stiffness = 0.5, .quadratic = 0.2});
  };
  for (const std::vector<Boundary>& boundary : {std::vector<Boundary>{periodic, periodic},
                                                {antiperiodic, periodic},
                                                {open, periodic},
                                                {antiperiodic, open},
                                                {open, open}}) {
    const Grid grid(self, {{8, 4}, boundary, {1, 1}, 1, 16});
    const auto theory = make(grid);
    auto result = sample_field(*theory, 3000, [&](std::uint64_t t) {
      hmc_trajectory(*theory, {.length = 1.5, .jitter = 0.3, .steps = 6, .seed = 5}, t);
    });
    INFO("ends " << static_cast<int>(boundary[0]) << " and " << static_cast<int>(boundary[1]));
    compare_estimate(result.at("correlation_length"), 1 / std::sqrt(0.4), 0.03);
  }
  const auto measured = [&](const std::vector<int>& extents, const std::vector<Boundary>& boundary) {
    const Grid grid(self, {extents, boundary, std::vector<int>(extents.size(), 1), 1, 1});
    const auto all = make(grid)->observables();
    return std::any_of(all.begin(), all.end(), [](const Observable& o) { return o.name == "correlation_length"; });
  };
  CHECK(measured({3, 4}, {antiperiodic, periodic}));
  CHECK_FALSE(measured({2, 4}, {antiperiodic, periodic}));
  CHECK_FALSE(measured({8, 4}, {periodic, antiperiodic}));
}

TEST_CASE("the same chain on any number of ranks, replica by replica and bit by bit", "[field][mpi]") {
  const Communicator world = Communicator::world();
  const Communicator self = Communicator::self();
  const std::vector<int> extents{8, 6, 10};
  const std::vector<Boundary> boundary{Boundary::periodic, Boundary::antiperiodic, Boundary::open};
  std::vector<std::vector<int>> divisions{{world.size(), 1, 1}, {1, 1, world.size()}, {1, 1, 1}};
  if (world.size() == 4) divisions.push_back({2, 1, 2});
  for (const auto& ranks : divisions) {
    const std::int64_t replicas = ranks == std::vector<int>{1, 1, 1} ? 5 : 2;
    const Grid alone(self, {extents, boundary, {1, 1, 1}, 1, replicas});
    const Grid shared(world, {extents, boundary, ranks, 1, replicas});
    const auto make = [](const Grid& grid) {
      return make_quartic_theory(grid, {.components = 2, .quadratic = -0.5, .quartic = 0.5});
    };
    const auto whole = make(alone);
    const auto part = make(shared);
    const Colouring whole_colours(alone, as<LocalUpdates>(*whole).interactions());
    const Colouring part_colours(shared, as<LocalUpdates>(*part).interactions());
    int rejected = 0;
    for (ScalarTheory* theory : {whole.get(), part.get()}) {
      theory->start(2, 0.5);
      for (std::uint64_t t = 0; t < 100; ++t) {
        const auto report = hmc_trajectory(*theory, {.length = 1, .jitter = 0.2, .steps = 3, .seed = 2}, t);
        for (const double p : report.probability) rejected += p < 0.9 ? 1 : 0;
        as<LocalUpdates>(*theory).metropolis(theory == whole.get() ? whole_colours : part_colours, 2, t, 1, 0.7);
      }
    }
    CHECK(rejected > 5);
    int wrong = 0;
    CHECK(configuration_of(*part) == cut_brick(configuration_of(*whole), shared.box(2)));
    const auto all = whole->measure();
    const auto here = part->measure();
    for (const auto& [name, values] : here) {
      const std::size_t width = all.at(name).size() / static_cast<std::size_t>(replicas);
      for (std::size_t k = 0; k < values.size(); ++k) {
        if (values[k] != all.at(name)[static_cast<std::size_t>(shared.view().first_replica) * width + k]) ++wrong;
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("paths on antiperiodic rings and with open ends are the Gaussians of their matrix",
          "[field][exact][statistical]") {
  const int n = 16;
  const double a = 0.5;
  const Communicator self = Communicator::self();
  for (const auto& [boundary, rule] : {std::pair{Boundary::antiperiodic, PathRule::end_point},
                                       {Boundary::open, PathRule::end_point},
                                       {Boundary::open, PathRule::symmetrised},
                                       {Boundary::open, PathRule::mid_point}}) {
    Eigen::MatrixXd m = Eigen::MatrixXd::Zero(n, n);
    const auto add = [&m](int i, int j, double ii, double ij) {
      m(i, i) += ii;
      m(j, j) += ii;
      m(i, j) += ij;
      m(j, i) += ij;
    };
    for (int i = 0; i + 1 < n; ++i) {
      const double potential = rule == PathRule::symmetrised ? 0.5 * a : rule == PathRule::mid_point ? 0.25 * a : 0;
      add(i, i + 1, 1 / a + potential, -1 / a + (rule == PathRule::mid_point ? 0.25 * a : 0));
    }
    if (boundary == Boundary::antiperiodic) add(n - 1, 0, 1 / a, 1 / a);
    if (rule == PathRule::end_point) m.diagonal().array() += a;
    const Grid grid(self, {{n}, {boundary}, {1}, 1, 32});
    const auto theory = make_path_theory(grid, {.spacing = a, .potential = {0, 0, 0.5}, .rule = rule});
    auto result = sample(*theory, theory.get(), 2000, 1.0, 10);
    INFO("boundary " << static_cast<int>(boundary) << ", rule " << static_cast<int>(rule));
    compare_estimate(result["x2"], m.inverse().trace() / n, 0.02);
    compare_estimate(result["schwinger_dyson"], 1.0, 0.02);
    CHECK(result.count("gap_1") == (boundary == Boundary::antiperiodic ? 1 : 0));
    // 1.30 if pairs around the ring keep their sign
    if (boundary == Boundary::antiperiodic) compare_estimate(result["gap_1"], 2 / a * std::asinh(a / 2), 0.05);
  }
}
