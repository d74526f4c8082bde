// Fields whose lines in time are outputs of networks: maps and their Jacobians, masses, and equality with the transfer
// matrix.
#include <Eigen/Dense>
#include <Eigen/Eigenvalues>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "field_sampling.hpp"
#include "koushi/field/network_field.hpp"
#include "koushi/field/transfer_matrix.hpp"

using namespace koushi;

namespace {

constexpr Boundary all_boundaries[] = {Boundary::periodic, Boundary::antiperiodic, Boundary::open, Boundary::fixed};

Grid make_grid(const Communicator& comm, const std::vector<int>& extents, Boundary first, std::int64_t replicas) {
  std::vector<Boundary> boundary(extents.size(), Boundary::periodic);
  boundary[0] = first;
  return {comm, {extents, boundary, std::vector<int>(extents.size(), 1), 1, replicas}};
}

PathSetting setting_of(const Grid& grid, int components, double spacing) {
  return {PathLines(grid, components), grid.view(), spacing, grid.options().boundary[0], {0.7, -0.4}};
}

/// Numbers of the sites of an array, replica by replica, and back.
std::vector<double> numbers(const Grid& grid, const FieldArray& field) {
  const GridView& view = grid.view();
  const FieldPointer pointer = pointer_to(view, field);
  std::vector<double> all;
  for (int k = 0; k < view.n_rows(); ++k) {
    for (int x = 0; x < view.extent[3]; ++x) all.push_back(pointer.at(view.row(k), 0)[x]);
  }
  return all;
}
void set(const Grid& grid, const FieldArray& field, const std::vector<double>& all) {
  const GridView& view = grid.view();
  const FieldPointer pointer = pointer_to(view, field);
  std::size_t at = 0;
  for (int k = 0; k < view.n_rows(); ++k) {
    for (int x = 0; x < view.extent[3]; ++x) pointer.at(view.row(k), 0)[x] = all[at++];
  }
}

/// Numbers that are all different, of order one.
std::vector<double> some(std::size_t n, double phase) {
  std::vector<double> all(n);
  for (std::size_t k = 0; k < n; ++k) all[k] = std::sin(1.7 * static_cast<double>(k) + phase);
  return all;
}

/// The matrix of a linear map of arrays of one line.
template <typename Map>
Eigen::MatrixXd matrix_of(const Grid& grid, const Map& map) {
  const auto n = static_cast<Eigen::Index>(grid.n_sites());
  const FieldArray in = make_field(grid, 1);
  const FieldArray out = make_field(grid, 1);
  Eigen::MatrixXd m(n, n);
  for (Eigen::Index k = 0; k < n; ++k) {
    std::vector<double> unit(static_cast<std::size_t>(n), 0.0);
    unit[static_cast<std::size_t>(k)] = 1;
    set(grid, in, unit);
    set(grid, out, unit);
    map(in, out);
    const std::vector<double> column = numbers(grid, out);
    for (Eigen::Index i = 0; i < n; ++i) m(i, k) = column[static_cast<std::size_t>(i)];
  }
  return m;
}

Eigen::MatrixXd output_matrix(const Grid& grid, const PathVariables& variables) {
  const FieldArray zero = make_field(grid, 1);
  const FieldArray offset = make_field(grid, 1);
  variables.expand(zero, offset);
  const std::vector<double> x_0 = numbers(grid, offset);
  Eigen::MatrixXd m = matrix_of(grid, [&](const FieldArray& in, const FieldArray& out) { variables.expand(in, out); });
  for (Eigen::Index k = 0; k < m.cols(); ++k) m.col(k) -= Eigen::Map<const Eigen::VectorXd>(x_0.data(), m.rows());
  return m;
}

/// The Hessian of S of a quadratic action in x.
Eigen::MatrixXd hessian(const Grid& grid, ScalarTheory& theory) {
  const FieldArray zero = make_field(grid, 1);
  const FieldArray at_zero = make_field(grid, 1);
  theory.force_of(zero, at_zero);
  const std::vector<double> force_0 = numbers(grid, at_zero);
  Eigen::MatrixXd m = -matrix_of(grid, [&](const FieldArray& in, const FieldArray& out) { theory.force_of(in, out); });
  for (Eigen::Index k = 0; k < m.cols(); ++k) m.col(k) += Eigen::Map<const Eigen::VectorXd>(force_0.data(), m.rows());
  return m;
}

double condition(const Eigen::MatrixXd& h, const Eigen::MatrixXd& mass) {
  const Eigen::GeneralizedSelfAdjointEigenSolver<Eigen::MatrixXd> solver(h, mass);
  return solver.eigenvalues().tail(1)(0) / solver.eigenvalues()(0);
}

}  // namespace

TEST_CASE("networks are regular maps with the Jacobian that they claim, forward, inverse and transposed", "[field]") {
  const Communicator self = Communicator::self();
  for (const PathVariableKind& kind : path_variable_kinds().all()) {
    for (const Boundary boundary : all_boundaries) {
      for (const std::vector<int>& extents : {std::vector<int>{1}, {2}, {7}, {8}, {5, 3}, {4, 2, 11}}) {
        INFO(kind.name << ", boundary " << static_cast<int>(boundary) << ", " << extents[0] << " points, "
                       << extents.size() << " directions");
        if (boundary == Boundary::fixed && extents.size() > 1) continue;  // ends are those of a path
        const Grid grid = make_grid(self, extents, boundary, 11);         // a full block of lines and a part
        const auto variables = kind.make(setting_of(grid, 1, 0.3));
        const auto n = static_cast<std::size_t>(grid.n_sites()) * 11;
        const FieldArray theta = make_field(grid, 1);
        const FieldArray x = make_field(grid, 1);
        const FieldArray back = make_field(grid, 1);
        const std::vector<double> first = some(n, 0.2);
        const std::vector<double> force = some(n, 2.9);
        set(grid, theta, first);
        variables->expand(theta, x);
        variables->collapse(x, back);
        CHECK(largest_difference(numbers(grid, back), first) < 1e-12);
        const std::vector<double> output = numbers(grid, x);
        // f . (x(theta + d) - x(theta)) = (M^T f) . d, and M^{-1} of the change is d
        const std::vector<double> change = some(n, 4.4);
        std::vector<double> moved = first;
        for (std::size_t k = 0; k < n; ++k) moved[k] += change[k];
        set(grid, theta, moved);
        variables->expand(theta, x);
        std::vector<double> difference = numbers(grid, x);
        for (std::size_t k = 0; k < n; ++k) difference[k] -= output[k];
        set(grid, x, difference);
        variables->collapse_change(x, back);
        CHECK(largest_difference(numbers(grid, back), change) < 1e-12);
        set(grid, x, force);
        variables->pull_back(x, back);
        const std::vector<double> pulled = numbers(grid, back);
        double left = 0;
        double right = 0;
        for (std::size_t k = 0; k < n; ++k) {
          left += force[k] * difference[k];
          right += pulled[k] * change[k];
        }
        CHECK(std::abs(left - right) < 1e-11 * (1 + std::abs(left)));
        if (extents.size() > 1) continue;
        const Grid one = make_grid(self, extents, boundary, 1);
        const auto alone = kind.make(setting_of(one, 1, 0.3));
        CHECK(std::abs(std::log(std::abs(output_matrix(one, *alone).determinant())) - alone->log_jacobian()) < 1e-12);
      }
    }
  }
}

TEST_CASE("a ReLU network with time-divided biases is the path of its weights", "[field]") {
  // x(t_n) = b + sum_k w_k ReLU(t_n - t_{k-1}) written out
  const Communicator self = Communicator::self();
  const int n = 9;
  const double a = 0.3;
  const std::vector<double> w = some(n, 0.4);
  for (const bool fixed : {true, false}) {
    const Grid grid = make_grid(self, {n}, fixed ? Boundary::fixed : Boundary::periodic, 1);
    for (const PathVariableKind& kind : path_variable_kinds().all()) {
      if (kind.name != "weights") continue;
      const auto variables = kind.make(setting_of(grid, 1, a));
      const FieldArray theta = make_field(grid, 1);
      const FieldArray x = make_field(grid, 1);
      set(grid, theta, w);
      variables->expand(theta, x);
      const std::vector<double> output = numbers(grid, x);
      for (int t = 0; t < n; ++t) {
        // fixed: points at a, 2a ..., units at 0, a ...; else theta_0 = b, the first point at 0
        double sum = fixed ? 0.7 : w[0];
        for (int k = fixed ? 0 : 1; k < n; ++k) {
          const double bias = a * (fixed ? k : k - 1);
          const double time = a * (fixed ? t + 1 : t);
          sum += w[static_cast<std::size_t>(k)] * std::max(0.0, time - bias);
        }
        CHECK(std::abs(output[static_cast<std::size_t>(t)] - sum) < 1e-14 * n);
      }
    }
  }
}

TEST_CASE("condition numbers of positions, velocities and weights are those of their Hessians", "[field][exact]") {
  // fixed ends, T = 4, omega = 1, mid-point rule: 40/633/1.0e4 in x, 21/69/261 in W, 2.2/2.5/2.6 in W without its
  // stiff mode, 6.5e3/3.7e5/2.3e7 in w, at N = 16/64/256
  const Communicator self = Communicator::self();
  struct Row {
    int steps;
    double x;
    double velocities;
    double corrected;
    double weights;
  };
  for (const Row& row : {Row{16, 40, 21, 2.2, 6.5e3}, Row{64, 633, 69, 2.5, 3.7e5}, Row{256, 1.0e4, 261, 2.6, 2.3e7}}) {
    const int n = row.steps - 1;
    const double a = 4.0 / row.steps;
    CAPTURE(row.steps);
    const Grid grid = make_grid(self, {n}, Boundary::fixed, 1);
    const auto theory = make_path_theory(grid, {.spacing = a, .potential = {0, 0, 0.5}, .rule = PathRule::mid_point});
    const Eigen::MatrixXd h = hessian(grid, *theory);
    const auto unit = Eigen::MatrixXd::Identity(n, n);
    for (const PathVariableKind& kind : path_variable_kinds().all()) {
      INFO(kind.name);
      const Eigen::MatrixXd m = output_matrix(grid, *kind.make(setting_of(grid, 1, a)));
      const Eigen::MatrixXd own = m.transpose() * h * m;
      const double found = condition(own, unit);
      if (kind.name == "positions" || kind.name == "cosines") CHECK(std::abs(found / row.x - 1) < 0.02);
      if (kind.name == "weights") CHECK(std::abs(found / row.weights - 1) < 0.02);
      if (kind.name != "velocities") continue;
      CHECK(std::abs(found / row.velocities - 1) < 0.02);
      // but for the one stiff mode, of the sum of all velocities
      const Eigen::VectorXd spectrum = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(own).eigenvalues();
      CHECK(std::abs(spectrum(n - 2) / spectrum(0) / row.corrected - 1) < 0.02);
      // with masses of the free path 1 + (omega T / pi)^2, that of the longest wave
      const RankOneMass mass(grid, 1, a, true, 1);
      const Eigen::MatrixXd root =
          matrix_of(grid, [&](const FieldArray&, const FieldArray& out) { mass.apply_root(out); });
      CHECK(std::abs(condition(own, root * root.transpose()) - 2.62) < 0.02);
    }
  }
}

TEST_CASE("masses are the matrix that they claim, and its root and inverse", "[field]") {
  const Communicator self = Communicator::self();
  for (const Boundary boundary : all_boundaries) {
    for (const bool mid_points : {false, true}) {
      for (const int n : {1, 2, 3, 4, 9}) {
        INFO("boundary " << static_cast<int>(boundary) << ", " << n << " points, mid-points " << mid_points);
        if (boundary == Boundary::open && mid_points && n == 1) continue;          // no step
        if (boundary == Boundary::antiperiodic && mid_points && n == 1) continue;  // the middle of x and -x
        const Grid grid = make_grid(self, {n}, boundary, 1);
        const double a = 0.4;
        const auto theory = make_path_theory(grid, {.spacing = a,
                                                    .potential = {0, 0, 0.5 * 1.3 * 1.3},
                                                    .rule = mid_points ? PathRule::mid_point : PathRule::end_point});
        const Eigen::MatrixXd exact = hessian(grid, *theory);
        const TridiagonalMass mass(grid, 1, 0.5 / a, 1.3 * a, mid_points);
        const Eigen::MatrixXd root =
            matrix_of(grid, [&](const FieldArray&, const FieldArray& out) { mass.apply_root(out); });
        const Eigen::MatrixXd inverse =
            matrix_of(grid, [&](const FieldArray& in, const FieldArray& out) { mass.apply_inverse(in, out); });
        CHECK((root * root.transpose() - exact).cwiseAbs().maxCoeff() < 1e-13 * exact.cwiseAbs().maxCoeff());
        CHECK((inverse * exact - Eigen::MatrixXd::Identity(n, n)).cwiseAbs().maxCoeff() < 1e-12);
      }
    }
  }
  for (const bool whole : {true, false}) {
    const int n = 6;
    const Grid grid = make_grid(self, {n}, Boundary::periodic, 1);
    const RankOneMass mass(grid, 1, 0.7, whole, 2.5);
    Eigen::MatrixXd exact = 0.7 * (Eigen::MatrixXd::Identity(n, n) + Eigen::MatrixXd::Ones(n, n));
    if (!whole) {
      exact.row(0).setZero();
      exact.col(0).setZero();
      exact(0, 0) = 2.5;
    }
    const Eigen::MatrixXd root =
        matrix_of(grid, [&](const FieldArray&, const FieldArray& out) { mass.apply_root(out); });
    const Eigen::MatrixXd inverse =
        matrix_of(grid, [&](const FieldArray& in, const FieldArray& out) { mass.apply_inverse(in, out); });
    CHECK((root * root.transpose() - exact).cwiseAbs().maxCoeff() < 1e-14);
    CHECK((inverse * exact - Eigen::MatrixXd::Identity(n, n)).cwiseAbs().maxCoeff() < 1e-14);
  }
}

namespace {

using Mass = NetworkField::Mass;

std::unique_ptr<NetworkField> make_network(const Grid& grid, const PathVariableKind& kind, const PathOptions& path,
                                           Mass mass) {
  const Boundary boundary = grid.options().boundary[0];
  PathSetting setting{PathLines(grid, 1), grid.view(), path.spacing, boundary, {path.ends[0], path.ends[1]}};
  std::unique_ptr<LineMass> masses;
  if (mass == Mass::gaussian)
    masses =
        std::make_unique<TridiagonalMass>(grid, 1, 0.5 / path.spacing, path.spacing, path.rule == PathRule::mid_point);
  if (mass == Mass::rank_one)
    masses = std::make_unique<RankOneMass>(grid, 1, path.spacing, boundary == Boundary::fixed,
                                           path.spacing * setting.lines.length());
  return std::make_unique<NetworkField>(grid, make_path_theory(grid, path), kind.make(setting), mass,
                                        std::move(masses));
}

}  // namespace

TEST_CASE("trajectories of parameters follow the derivative of S, go back, and have the errors of their integrators",
          "[field]") {
  const Communicator self = Communicator::self();
  const PathOptions path{.spacing = 0.4, .potential = {0, 0.1, 0.4, 0.2, 0.3}, .ends = {0.7, -0.4}};
  for (const PathVariableKind& kind : path_variable_kinds().all()) {
    for (const Boundary boundary : all_boundaries) {
      for (const Mass mass : {Mass::unit, Mass::gaussian, Mass::rank_one}) {
        if (mass == Mass::rank_one && (kind.name != "velocities" || boundary == Boundary::open)) continue;
        INFO(kind.name << ", boundary " << static_cast<int>(boundary) << ", mass " << static_cast<int>(mass));
        const Grid grid = make_grid(self, {6}, boundary, 2);
        const auto theory = make_network(grid, kind, path, mass);
        const auto sum = [](const std::vector<double>& all) { return all[0] + all[1]; };
        theory->start(7, 0.6);
        // kicks: dH = 0 to first order along a trajectory
        theory->draw_momenta(7, 0);
        const std::vector<double> begin = configuration_of(*theory);
        const double before = sum(theory->hamiltonian());
        const auto error = [&](Integrator integrator, int steps) {
          theory->set_configuration(begin);
          theory->draw_momenta(7, 0);
          integrate(*theory, integrator, 0.3 / steps, steps);
          return sum(theory->hamiltonian()) - before;
        };
        for (const auto& [integrator, order] :
             {std::pair{Integrator::leapfrog, 2}, {Integrator::omelyan4, 4}, {Integrator::force_gradient, 4}}) {
          INFO("integrator of order " << order);
          const int coarse = kind.name == "weights" && mass == Mass::unit ? 16 : 4;
          const double measured = std::log2(std::abs(error(integrator, coarse) / error(integrator, 2 * coarse)));
          CHECK(std::abs(measured - order) < 0.35);
        }
        theory->reverse_momenta();
        integrate(*theory, Integrator::force_gradient,
                  0.3 / (2 * (kind.name == "weights" && mass == Mass::unit ? 16 : 4)),
                  2 * (kind.name == "weights" && mass == Mass::unit ? 16 : 4));
        CHECK(largest_difference(configuration_of(*theory), begin) < 1e-10);
      }
    }
  }
}

TEST_CASE("with masses of the Gaussian action trajectories are the same in all variables", "[field]") {
  const Communicator self = Communicator::self();
  const PathOptions path{.spacing = 0.4, .potential = {0, 0, 0.5, 0, 1}, .ends = {0.7, -0.4}};
  for (const Boundary boundary : all_boundaries) {
    const Grid grid = make_grid(self, {12}, boundary, 3);
    std::vector<std::vector<double>> ends;
    for (const PathVariableKind& kind : path_variable_kinds().all()) {
      const auto theory = make_network(grid, kind, path, Mass::gaussian);
      theory->start(7, 0.6);
      for (std::uint64_t t = 0; t < 5; ++t) hmc_trajectory(*theory, {.length = 1, .steps = 4, .seed = 3}, t);
      ends.push_back(numbers(grid, theory->expanded()));
      CHECK(largest_difference(ends.back(), ends.front()) < 1e-11);
    }
  }
}

TEST_CASE("sums over parameters are the path integral of the transfer matrix", "[field][exact][statistical]") {
  // The bias that this sees: momenta that are not drawn with the masses of the drifts, which was planted once, and a
  // begin of the path that is left out.
  const Communicator self = Communicator::self();
  for (const PathVariableKind& kind : path_variable_kinds().all()) {
    for (const Boundary boundary : all_boundaries) {
      for (const Mass mass : {Mass::unit, Mass::gaussian, Mass::rank_one}) {
        if (mass == Mass::rank_one && (kind.name != "velocities" || boundary == Boundary::open)) continue;
        const bool even = boundary == Boundary::antiperiodic;
        const PathOptions path{.spacing = 0.5,
                               .potential = {0, even ? 0 : 0.2, 0.5, 0, 0.5},
                               .rule = mass == Mass::unit ? PathRule::mid_point : PathRule::end_point,
                               .ends = {0.7, -0.4},
                               .bumps = {{0.5, 0, 0.6}}};
        INFO(kind.name << ", boundary " << static_cast<int>(boundary) << ", mass " << static_cast<int>(mass));
        const Grid grid(self, {{8}, {boundary}, {1}, 1, 32});
        const auto theory = make_network(grid, kind, path, mass);
        const auto extent = TransferMatrix::extent(path, 8, boundary);
        const TransferResult exact = TransferMatrix(path, extent.reach, extent.points).solve(8, boundary, 2);
        const bool stiff = kind.name == "weights" && mass == Mass::unit;
        auto result = sample_field(*theory, 900, [&](std::uint64_t t) {
          hmc_trajectory(*theory, {.length = stiff ? 2.0 : 1.5, .jitter = 0.3, .steps = stiff ? 40 : 10, .seed = 5}, t);
        });
        compare_estimate(result["x2"], exact.x2, 0.05);
        compare_estimate(result["x4"], exact.x4, 0.1);
        if (boundary != Boundary::fixed) compare_estimate(result["correlator(2)"], exact.correlator[2], 0.3, 0.05);
      }
    }
  }
}

TEST_CASE("chains of networks are the same on any number of ranks", "[field][mpi]") {
  const Communicator self = Communicator::self();
  const Communicator world = Communicator::world();
  const PathOptions path{.spacing = 0.4, .potential = {0, 0, 0.5, 0, 1}};
  for (const PathVariableKind& kind : path_variable_kinds().all()) {
    INFO(kind.name);
    const auto run = [&](const Grid& grid) {
      auto theory = make_network(grid, kind, path, Mass::gaussian);
      theory->start(7, 0.6);
      for (std::uint64_t t = 0; t < 3; ++t) hmc_trajectory(*theory, {.length = 1, .steps = 4, .seed = 3}, t);
      return theory->configuration();
    };
    const Grid alone(self, {{9}, {Boundary::periodic}, {1}, 1, 13});
    const Grid shared(world, {{9}, {Boundary::periodic}, {1}, 1, 13});
    const Configuration here = run(shared);
    CHECK(here.local == cut_brick(run(alone).local, here.box));
  }
}
