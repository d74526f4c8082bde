// Clusters of the signs of scalar fields: against transfer matrices and independent Monte Carlo, for every boundary;
// the same chain on any ranks.
#include <Eigen/Core>
#include <catch2/catch_test_macros.hpp>

#include "field_sampling.hpp"
#include "koushi/field/hmc.hpp"
#include "koushi/field/scalar_theory.hpp"
#include "updates_of.hpp"

using namespace koushi;

namespace {

/// A sweep of `how` ("hmc", "metropolis" or neither), then clusters.
std::map<std::string, Estimate> sample(ScalarTheory& theory, const std::string& how, bool single, int n) {
  const Colouring colouring(theory.grid(), as<LocalUpdates>(theory).interactions());
  return sample_field(theory, n, [&](std::uint64_t t) {
    if (how == "hmc") hmc_trajectory(theory, {.length = 1.0, .jitter = 0.3, .steps = 8, .seed = 5}, 4 * t);
    if (how == "metropolis") as<LocalUpdates>(theory).metropolis(colouring, 5, 4 * t, 2, 1.0);
    for (std::uint64_t k = 1; k <= (single ? 3U : 1U); ++k)
      as<ClusterUpdates>(theory).flip_clusters(single, 5, 4 * t + k);
  });
}

struct Moments {
  double phi2 = 0;
  double susceptibility = 0;
};

constexpr int points = 201;

/// A ring of N sites, S = sum k |phi' - phi|^2 + a |phi|^2 + b |phi|^4, phi real, by its transfer matrix on a grid of
/// points. sign = -1: antiperiodic; 0: open.
Moments exact_ring(int n_sites, double k, double a, double b, int sign) {
  Eigen::MatrixXd t(points, points);
  Eigen::VectorXd x(points);
  for (int i = 0; i < points; ++i) x(i) = -5.0 + 10.0 * i / (points - 1);
  const auto v = [&](double s) { return (a + b * s * s) * s * s; };
  for (int i = 0; i < points; ++i) {
    for (int j = 0; j < points; ++j) t(i, j) = std::exp(-k * (x(i) - x(j)) * (x(i) - x(j)) - 0.5 * (v(x(i)) + v(x(j))));
  }
  std::vector<Eigen::MatrixXd> power{Eigen::MatrixXd::Identity(points, points)};
  for (int p = 0; p < n_sites; ++p) power.emplace_back(power.back() * t);
  Moments m;
  const double n = n_sites;
  if (sign != 0) {
    const Eigen::MatrixXd end = sign > 0
                                    ? Eigen::MatrixXd::Identity(points, points)
                                    : Eigen::MatrixXd(Eigen::MatrixXd::Identity(points, points).rowwise().reverse());
    const double z = (power.back() * end).trace();
    m.phi2 = (x.cwiseAbs2().asDiagonal() * power.back() * end).trace() / z;
    for (int s = 0; s < n_sites; ++s) {
      for (int r = s; r < n_sites; ++r) {
        const Eigen::MatrixXd inside = power[static_cast<std::size_t>(s)] * x.asDiagonal() *
                                       power[static_cast<std::size_t>(r - s)] * x.asDiagonal();
        m.susceptibility +=
            (r == s ? 1 : 2) * (inside * power[static_cast<std::size_t>(n_sites - r)] * end).trace() / z / n;
      }
    }
    return m;
  }
  const Eigen::VectorXd edge = (-0.5 * x.unaryExpr(v).array()).exp();
  const double z = edge.dot(power[static_cast<std::size_t>(n_sites - 1)] * edge);
  for (int s = 0; s < n_sites; ++s) {
    for (int r = s; r < n_sites; ++r) {
      const Eigen::VectorXd left = power[static_cast<std::size_t>(s)] * edge;
      const Eigen::VectorXd right = power[static_cast<std::size_t>(n_sites - 1 - r)] * edge;
      const double pair =
          left.dot(x.asDiagonal() * power[static_cast<std::size_t>(r - s)] * x.asDiagonal() * right) / z / n;
      m.susceptibility += (r == s ? 1 : 2) * pair;
      if (r == s) m.phi2 += pair;
    }
  }
  return m;
}

/// The same ring of a field of two components: its transfer matrix is one matrix in |phi| for every angular momentum l,
/// T_l(r, r') = 2 pi sqrt(r r') I_l(2 k r r') exp(- k (r^2 + r'^2) - (V(r) + V(r')) / 2).
Moments exact_complex_ring(int n_sites, double k, double a, double b) {
  constexpr int n = 120;
  constexpr int most = 24;
  const double h = 4.0 / n;
  std::vector<std::vector<Eigen::MatrixXd>> power;
  Eigen::VectorXd r(n);
  for (int i = 0; i < n; ++i) r(i) = (i + 0.5) * h;
  const auto v = [&](double s) { return (a + b * s * s) * s * s; };
  for (int l = 0; l <= most; ++l) {
    Eigen::MatrixXd t(n, n);
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        t(i, j) = 2 * M_PI * h * std::sqrt(r(i) * r(j)) * std::cyl_bessel_i(l, 2 * k * r(i) * r(j)) *
                  std::exp(-k * (r(i) * r(i) + r(j) * r(j)) - 0.5 * (v(r(i)) + v(r(j))));
      }
    }
    power.push_back({Eigen::MatrixXd::Identity(n, n)});
    for (int p = 0; p < n_sites; ++p) power.back().emplace_back(power.back().back() * t);
  }
  Moments m;
  double z = 0;
  for (int l = -most; l < most; ++l) {
    const auto& one = power[static_cast<std::size_t>(std::abs(l))];
    const auto& next = power[static_cast<std::size_t>(std::abs(l + 1))];
    z += one.back().trace();
    m.phi2 += (r.cwiseAbs2().asDiagonal() * one.back()).trace();
    for (int s = 0; s < n_sites; ++s) {  // phi(0).phi(s) joins l and l + 1
      m.susceptibility += (r.asDiagonal() * one[static_cast<std::size_t>(s)] * r.asDiagonal() *
                           next[static_cast<std::size_t>(n_sites - s)])
                              .trace();
    }
  }
  m.phi2 /= z;
  m.susceptibility /= z;
  return m;
}

}  // namespace

TEST_CASE("clusters of signs leave rings of phi^4 with their exact moments", "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  const int n = 6;
  const QuarticOptions options{.stiffness = 0.8, .quadratic = -1.2, .quartic = 0.7};
  for (const int sign : {1, -1, 0}) {
    const Boundary boundary = sign > 0 ? Boundary::periodic : sign < 0 ? Boundary::antiperiodic : Boundary::open;
    const Moments exact = exact_ring(n, options.stiffness, options.quadratic, options.quartic, sign);
    const Grid grid(self, {{n}, {boundary}, {1}, 1, 32});
    const auto theory = make_quartic_theory(grid, options);
    for (const std::string how : {"hmc", "metropolis"}) {
      for (const bool single : {true, false}) {
        INFO("boundary " << sign << ", " << how << (single ? ", Wolff" : ", Swendsen-Wang"));
        auto result = sample(*theory, how, single, 1500);
        compare_estimate(result["phi2"], exact.phi2, 0.01);
        compare_estimate(result["susceptibility"], exact.susceptibility, 0.03);
        compare_estimate(result["schwinger_dyson"], 1, 0.02);
      }
    }
  }
  const Moments exact = exact_complex_ring(n, options.stiffness, options.quadratic, options.quartic);
  const Grid grid(self, {{n}, {Boundary::periodic}, {1}, 1, 32});
  QuarticOptions two = options;
  two.components = 2;
  const auto theory = make_quartic_theory(grid, two);
  for (const bool single : {true, false}) {
    INFO("two components" << (single ? ", Wolff" : ", Swendsen-Wang"));
    auto result = sample(*theory, "hmc", single, 2500);
    compare_estimate(result["phi2"], exact.phi2, 0.01);
    compare_estimate(result["susceptibility"], exact.susceptibility, 0.02);
    compare_estimate(result["schwinger_dyson"], 1, 0.02);
  }
}

TEST_CASE("a negative hopping parameter makes clusters of alternating signs", "[field][exact][statistical]") {
  // phi -> - phi on one sublattice turns kappa into - kappa and leaves <phi^2> as it is.
  const Communicator self = Communicator::self();
  const double kappa = 0.4;
  const double lambda = 0.5;
  const Moments exact = exact_ring(6, kappa, 1 - 2 * lambda - 2 * kappa, lambda, 1);
  const Grid grid(self, {{6}, {Boundary::periodic}, {1}, 1, 32});
  const auto theory =
      make_quartic_theory(grid, {.stiffness = -kappa, .quadratic = 1 - 2 * lambda + 2 * kappa, .quartic = lambda});
  for (const bool single : {true, false}) {
    auto result = sample(*theory, "metropolis", single, 2500);
    compare_estimate(result["phi2"], exact.phi2, 0.01);
    compare_estimate(result["schwinger_dyson"], 1, 0.02);
  }
}

TEST_CASE("mixtures with clusters reach the known points of phi^4 in two dimensions and free fields of n components",
          "[field][exact][statistical]") {
  // Independent Monte Carlo: m^2 = -4, lambda, <phi^2> and its error, <M^2> / V and its error
  const Communicator self = Communicator::self();
  const Grid grid(self, {{8, 8}, {Boundary::periodic, Boundary::periodic}, {1, 1}, 1, 16});
  struct Row {
    double lambda;
    double phi2;
    double phi2_error;
    double chi;
    double chi_error;
  };
  for (const Row& row : {Row{8, 0.143443, 3.1e-5, 0.7441, 0.0013}, Row{6.008, 0.183932, 5e-5, 1.8999, 0.0037}}) {
    const auto theory = make_quartic_theory(grid, {.quadratic = -4, .quartic = row.lambda});
    for (const bool single : {true, false}) {
      INFO("lambda " << row.lambda << (single ? ", Wolff" : ", Swendsen-Wang"));
      auto result = sample(*theory, single ? "hmc" : "metropolis", single, 1500);
      Estimate phi2 = result["phi2"];
      Estimate chi = result["susceptibility"];
      phi2.error = std::hypot(phi2.error, row.phi2_error);
      chi.error = std::hypot(chi.error, row.chi_error);
      compare_estimate(phi2, row.phi2, 0.005);
      compare_estimate(chi, row.chi, 0.02);
    }
  }
  for (int n = 2; n <= 4; ++n) {
    INFO("free, " << n << " components");
    const auto theory = make_quartic_theory(grid, {.components = n, .stiffness = 0.5, .quadratic = 0.625});
    auto result = sample(*theory, "hmc", n % 2 == 0, 600);
    compare_estimate(result["phi2"], n * 0.233967001547, 0.01);  // sum over momenta
    compare_estimate(result["susceptibility"], n / 1.25, 0.03);
  }
}

TEST_CASE("clusters of signs are flipped alike on any number of ranks", "[field][mpi]") {
  const Communicator world = Communicator::world();
  const Communicator self = Communicator::self();
  const std::vector<int> extents{8, 12};
  const std::vector<Boundary> boundary{Boundary::antiperiodic, Boundary::periodic};
  std::vector<std::vector<int>> divisions{{world.size(), 1}, {1, world.size()}, {1, 1}};
  if (world.size() == 4) divisions.push_back({2, 2});
  for (const int components : {1, 3}) {
    for (const auto& ranks : divisions) {
      const std::int64_t replicas = ranks[0] * ranks[1] == 1 ? 5 : 2;
      const Grid alone(self, {extents, boundary, {1, 1}, 1, replicas});
      const Grid shared(world, {extents, boundary, ranks, 1, replicas});
      const QuarticOptions options{.components = components, .quadratic = -2.0, .quartic = 0.8};
      const auto whole = make_quartic_theory(alone, options);
      const auto part = make_quartic_theory(shared, options);
      double flipped[2] = {};
      for (ScalarTheory* theory : {whole.get(), part.get()}) {
        theory->start(2, 0.5);
        for (std::uint64_t t = 0; t < 40; ++t) {
          hmc_trajectory(*theory, {.length = 1, .jitter = 0, .steps = 6, .seed = 2}, 3 * t);
          flipped[theory == part.get() ? 1 : 0] += as<ClusterUpdates>(*theory).flip_clusters(true, 2, 3 * t + 1);
          flipped[theory == part.get() ? 1 : 0] += as<ClusterUpdates>(*theory).flip_clusters(false, 2, 3 * t + 2);
        }
      }
      INFO(components << " components, " << ranks[0] << "x" << ranks[1]);
      CHECK(configuration_of(*part) == cut_brick(configuration_of(*whole), shared.box(components)));
      std::vector<std::int64_t> sum{static_cast<std::int64_t>(flipped[1])};
      world.sum(sum);
      CHECK(sum[0] == static_cast<std::int64_t>(flipped[0]));
      CHECK(flipped[0] > 40 * static_cast<double>(replicas) * 20);
    }
  }
}
