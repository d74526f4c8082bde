#include <petscksp.h>

#include <Eigen/Dense>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <random>
#include <string>

#include "koushi/base/error.hpp"
#include "koushi/base/tile_product.hpp"
#include "koushi/parallel/tree_sum.hpp"
#include "koushi/solver/stochastic_reconfiguration.hpp"

using namespace koushi;
using Complex = std::complex<double>;

namespace {

/// Rows of a given matrix, split over the ranks in blocks of 8.
class MatrixRows final : public DistributedRows {
 public:
  MatrixRows(const Communicator& comm, Eigen::MatrixXcd all, bool holomorphic)
      : comm_(comm), all_(std::move(all)), holomorphic_(holomorphic) {
    blocks_ = share_of((all_.rows() + 7) / 8, comm.rank(), comm.size());
    const std::int64_t first = 8 * blocks_.first;
    range_ = {all_.rows(), first, std::min<std::int64_t>(8 * (blocks_.first + blocks_.count), all_.rows()) - first};
  }
  RowRange rows() const override { return range_; }
  std::int64_t parameters() const override { return all_.cols() * (holomorphic_ ? 2 : 1); }
  bool holomorphic() const override { return holomorphic_; }
  bool real_valued() const override { return !holomorphic_ && all_.imag().isZero(0); }
  std::int64_t block_rows() const override { return 8; }
  using DistributedRows::entries;
  using DistributedRows::multiply;
  using DistributedRows::multiply_adjoint;
  using DistributedRows::row_norms;
  void entries(const Space&, std::int64_t first, std::int64_t count, std::int64_t first_column, std::int64_t columns,
               const EntrySlabs& to) const override {
    for (std::int64_t s = 0; s < count; ++s) {
      for (std::int64_t k = 0; k < columns; ++k) {
        const Complex entry = all_(range_.first + first + s, first_column + k);
        to.re(to.at(s, k)) = entry.real();
        if (to.im.size() > 0) to.im(to.at(s, k)) = entry.imag();
      }
    }
  }
  void row_norms(const Space&, const HostReals& norms) const override {
    for (std::int64_t s = 0; s < range_.count; ++s) norms(s) = all_.row(range_.first + s).squaredNorm();
  }
  void multiply(const Space&, const ConstHostReals& v, const HostComplexes& y) const override {
    Eigen::Map<Eigen::VectorXcd>(y.data(), range_.count) = all_.middleRows(range_.first, range_.count) * vector(v);
  }
  void multiply_adjoint(const Space&, const ConstHostComplexes& r, const HostReals& result) const override {
    std::vector<double> parts;
    for (std::int64_t b = 0; b < blocks_.count; ++b) {
      const std::int64_t count = std::min<std::int64_t>(8, range_.count - 8 * b);
      const Eigen::VectorXcd x = all_.middleRows(range_.first + 8 * b, count).adjoint() *
                                 Eigen::Map<const Eigen::VectorXcd>(r.data() + 8 * b, count);
      for (const Complex& value : x) {
        parts.push_back(value.real());
        if (holomorphic_) parts.push_back(value.imag());
      }
    }
    const std::vector<double> total = tree_sum(comm_, blocks_, parameters(), parts);
    std::copy(total.begin(), total.end(), result.data());
  }
  std::unique_ptr<GramTiles> gram_tiles(const Space&) const override {
    class Tiles final : public GramTiles {
     public:
      explicit Tiles(Eigen::MatrixXcd gram) : gram_(std::move(gram)) {}
      void write(const Space&, const std::vector<Tile>& tiles, const Finish& finish) const override {
        for (const Tile& tile : tiles) {
          for (int i = 0; i < tile_extent; ++i) {
            for (int j = 0; j < tile_extent; ++j) {
              const Eigen::Index p = tile.row * tile_extent + i;
              const Eigen::Index q = tile.column * tile_extent + j;
              const Complex entry =
                  p < gram_.rows() && q < gram_.cols() ? gram_(p, q) : Complex(17, 17);  // beyond the end: anything
              tile.re[tile_at(i, j)] = entry.real();
              if (tile.im != nullptr) tile.im[tile_at(i, j)] = entry.imag();
            }
          }
          if (finish) finish(tile);
        }
      }

     private:
      Eigen::MatrixXcd gram_;
    };
    if (holomorphic_) return std::make_unique<Tiles>(all_ * all_.adjoint());
    Eigen::MatrixXd a(2 * all_.rows(), all_.cols());
    a << all_.real(), all_.imag();
    return std::make_unique<Tiles>((a * a.transpose()).cast<Complex>());
  }

 private:
  Eigen::VectorXcd vector(const ConstHostReals& v) const {
    Eigen::VectorXcd x(all_.cols());
    for (Eigen::Index k = 0; k < x.size(); ++k) {
      const auto q = static_cast<std::size_t>(k);
      x(k) = holomorphic_ ? Complex(v[2 * q], v[2 * q + 1]) : Complex(v[q], 0);
    }
    return x;
  }
  const Communicator& comm_;
  Eigen::MatrixXcd all_;
  bool holomorphic_;
  RowRange blocks_;
  RowRange range_;
};

struct Problem {
  Eigen::MatrixXcd rows;
  Eigen::VectorXd weights;
  Eigen::VectorXcd energies;
};

Problem random_problem(int n, int p) {
  std::mt19937 engine(4);
  std::normal_distribution<double> normal;
  Problem problem{Eigen::MatrixXcd(n, p), Eigen::VectorXd(n), Eigen::VectorXcd(n)};
  for (int s = 0; s < n; ++s) {
    problem.weights(s) = 0.2 + std::abs(normal(engine));
    problem.energies(s) = {3 + normal(engine), normal(engine)};
    for (int k = 0; k < p; ++k) problem.rows(s, k) = {normal(engine) + 0.5, normal(engine)};
  }
  problem.weights /= problem.weights.sum();
  return problem;
}

/// The same system, written down directly; kept: mu delta'.
Eigen::VectorXd reference(const Problem& problem, bool holomorphic, double absolute, double relative,
                          const Eigen::VectorXd& kept, double diagonal = 0) {
  const Eigen::VectorXcd w = problem.weights.cast<Complex>();
  const Eigen::MatrixXcd mean = w.transpose() * problem.rows;
  const Eigen::MatrixXcd centred = problem.rows - Eigen::VectorXcd::Ones(w.size()) * mean;
  const Complex energy = w.transpose() * problem.energies;
  const Eigen::VectorXcd residual = problem.energies.array() - energy;
  const Eigen::MatrixXcd s = centred.adjoint() * w.asDiagonal() * centred;
  const Eigen::VectorXcd f = centred.adjoint() * w.asDiagonal() * residual;
  const double shift = absolute + relative * s.trace().real() / static_cast<double>(s.rows());
  const Eigen::VectorXd shifts = shift + diagonal * s.diagonal().real().array();
  const Eigen::MatrixXcd shifted = s + Eigen::MatrixXcd(shifts.cast<Complex>().asDiagonal());
  if (!holomorphic) return shifted.real().ldlt().solve(f.real() + shifts.cwiseProduct(kept));
  const Eigen::VectorXcd kept_complex =
      Eigen::Map<const Eigen::VectorXcd>(reinterpret_cast<const Complex*>(kept.data()), kept.size() / 2);
  const Eigen::VectorXcd delta = shifted.ldlt().solve(f + shifts.cwiseProduct(kept_complex));
  Eigen::VectorXd interleaved(2 * delta.size());
  for (Eigen::Index k = 0; k < delta.size(); ++k) interleaved.segment(2 * k, 2) << delta(k).real(), delta(k).imag();
  return interleaved;
}

/// PETSc's options while this lives.
class Options {
 public:
  explicit Options(std::vector<std::pair<std::string, std::string>> options) : options_(std::move(options)) {
    for (const auto& [name, value] : options_) PetscOptionsSetValue(nullptr, name.c_str(), value.c_str());
  }
  ~Options() {
    for (const auto& [name, value] : options_) PetscOptionsClearValue(nullptr, name.c_str());
  }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

 private:
  std::vector<std::pair<std::string, std::string>> options_;
};

/// sqrt(delta^T S delta)
double length(const Problem& problem, bool holomorphic, const Eigen::VectorXd& delta) {
  const Eigen::MatrixXcd mean = problem.weights.cast<Complex>().transpose() * problem.rows;
  const Eigen::MatrixXcd centred = problem.rows - Eigen::VectorXcd::Ones(problem.rows.rows()) * mean;
  const Eigen::VectorXcd moved =
      holomorphic ? Eigen::VectorXcd(centred * Eigen::Map<const Eigen::VectorXcd>(
                                                   reinterpret_cast<const Complex*>(delta.data()), delta.size() / 2))
                  : Eigen::VectorXcd(centred * delta.cast<Complex>());
  return std::sqrt(moved.cwiseAbs2().dot(problem.weights));
}

std::vector<double> solve(const Communicator& comm, const Problem& problem, bool holomorphic, const SrOptions& options,
                          SrReport& report) {
  const MatrixRows rows(comm, problem.rows, holomorphic);
  const RowRange range = rows.rows();
  const auto first = static_cast<std::ptrdiff_t>(range.first);
  const auto last = first + static_cast<std::ptrdiff_t>(range.count);
  return solve_stochastic_reconfiguration(comm, rows, {problem.weights.data() + first, problem.weights.data() + last},
                                          {problem.energies.data() + first, problem.energies.data() + last}, options,
                                          report);
}

}  // namespace

TEST_CASE("the three routes solve the same system", "[solver][mpi]") {
  const Communicator world = Communicator::world();
  for (const std::string kind : {"general", "real", "holomorphic"}) {
    const bool holomorphic = kind == "holomorphic";
    for (const auto& [n, p] : {std::pair{60, 9}, std::pair{33, 40}, std::pair{128, 70}}) {  // one tile of 64, several
      Problem problem = random_problem(n, p);
      if (kind == "real") problem.rows.imag().setZero();
      std::vector<double> previous;
      for (int k = 0; k < (holomorphic ? 2 * p : p); ++k) previous.push_back(std::cos(1.7 * k));
      for (const auto& [momentum, diagonal] : {std::pair{0.0, 0.0}, std::pair{0.9, 0.0}, std::pair{0.9, 0.3}}) {
        const Eigen::VectorXd expected = reference(
            problem, holomorphic, 1e-3, 1e-2,
            momentum * Eigen::Map<const Eigen::VectorXd>(previous.data(), static_cast<Eigen::Index>(previous.size())),
            diagonal);
        const double distance = length(problem, holomorphic, expected);
        for (const SrRoute route : {SrRoute::dense, SrRoute::sample_space, SrRoute::matrix_free, SrRoute::automatic}) {
          if (route == SrRoute::matrix_free && n > 100) continue;  // hundreds of iterations that know nothing of tiles
          if (route == SrRoute::sample_space && diagonal > 0) continue;
          SrReport report;
          const auto delta = solve(world, problem, holomorphic,
                                   {.route = route,
                                    .shift_absolute = 1e-3,
                                    .shift_relative = 1e-2,
                                    .shift_diagonal = diagonal,
                                    .momentum = momentum,
                                    .previous = previous,
                                    .tolerance = 1e-12},
                                   report);
          const Eigen::Map<const Eigen::VectorXd> found(delta.data(), static_cast<Eigen::Index>(delta.size()));
          CHECK((found - expected).norm() < 1e-9 * expected.norm());
          CHECK(report.residual < 1e-9);
          CHECK(std::abs(report.distance / distance - 1) < 1e-9);
        }
      }
    }
  }
}

TEST_CASE("the automatic route is the one with the smaller matrix, while that fits", "[solver]") {
  CHECK(automatic_route(808, 4096) == SrRoute::dense);
  CHECK(automatic_route(3232, 4096) == SrRoute::dense);
  CHECK(automatic_route(40500, 4096) == SrRoute::sample_space);
  CHECK(automatic_route(40500, 40500) == SrRoute::matrix_free);
  for (const auto& [n, p] : {std::pair{60, 9}, std::pair{33, 40}}) {
    SrReport report;
    solve(Communicator::self(), random_problem(n, p), true, {}, report);
    CHECK(report.route == automatic_route(p, n));
    solve(Communicator::self(), random_problem(n, p), false, {}, report);  // 2 n equations
    CHECK(report.route == SrRoute::dense);
  }
}

TEST_CASE("the step is bitwise the same on one rank and on all", "[solver][mpi]") {
  const Communicator world = Communicator::world();
  const Communicator self = Communicator::self();
  for (const auto& [n, p] : {std::pair{50, 12}, std::pair{150, 70}}) {
    const Problem problem = random_problem(n, p);
    for (const bool holomorphic : {false, true}) {
      for (const SrRoute route : {SrRoute::dense, SrRoute::sample_space, SrRoute::matrix_free}) {
        if (route == SrRoute::matrix_free && n > 100) continue;
        SrReport report;
        CHECK(solve(world, problem, holomorphic, {.route = route}, report) ==
              solve(self, problem, holomorphic, {.route = route}, report));
      }
    }
  }
}

TEST_CASE("singular and infinite systems end in an error with a remedy, on every rank", "[solver][mpi]") {
  const Communicator world = Communicator::world();
  Problem problem = random_problem(40, 200);
  for (const int column : {3, 199}) {
    problem.rows.col(column).setZero();
    SrReport report;
    CHECK_THROWS_AS(
        solve(world, problem, true, {.route = SrRoute::dense, .shift_absolute = 0, .shift_relative = 0}, report),
        NumericalError);
  }
  SrReport report;
  problem.energies(2) = std::nan("");
  CHECK_THROWS_AS(solve(world, problem, true, {}, report), NumericalError);
}

TEST_CASE("methods and matrices of PETSc solve the same system on every route", "[solver][mpi]") {
  const Communicator world = Communicator::world();
  const std::vector<std::vector<std::pair<std::string, std::string>>> choices{
      {{"-sr_mat_type", "dense"}},
#ifdef PETSC_HAVE_SCALAPACK
      {{"-sr_mat_type", "scalapack"}},
      {{"-sr_mat_type", "scalapack"}, {"-sr_mat_scalapack_block_sizes", "16"}},
      {{"-sr_mat_type", "scalapack"}, {"-sr_ksp_type", "cg"}, {"-sr_pc_type", "none"}},
#endif
      {{"-sr_ksp_type", "minres"}},
      {{"-sr_ksp_type", "minres"}, {"-sr_pc_type", "none"}},
      {{"-sr_ksp_type", "cg"}, {"-sr_pc_type", "jacobi"}},
      {{"-sr_ksp_type", "preonly"}, {"-sr_pc_type", "koushi-cholesky"}}};
  for (const std::string kind : {"general", "real", "holomorphic"}) {
    const bool holomorphic = kind == "holomorphic";
    for (const auto& [n, p] : {std::pair{60, 9}, std::pair{75, 70}}) {
      Problem problem = random_problem(n, p);
      if (kind == "real") problem.rows.imag().setZero();
      const Eigen::VectorXd expected =
          reference(problem, holomorphic, 1e-1, 1e-1, Eigen::VectorXd::Zero(holomorphic ? 2 * p : p));
      for (const auto& choice : choices) {
        const Options options(choice);
        for (const SrRoute route : {SrRoute::dense, SrRoute::sample_space, SrRoute::matrix_free}) {
          INFO(kind << ", " << n << " x " << p << ", route " << static_cast<int>(route) << ", " << choice[0].second
                    << " " << choice.back().second);
          SrReport report;
          const auto delta =
              solve(world, problem, holomorphic,
                    {.route = route, .shift_absolute = 1e-1, .shift_relative = 1e-1, .tolerance = 1e-12}, report);
          const Eigen::Map<const Eigen::VectorXd> found(delta.data(), static_cast<Eigen::Index>(delta.size()));
          CHECK((found - expected).norm() < 1e-8 * expected.norm());
          if (choice.back().second == "none" || choice.back().second == "jacobi") CHECK(report.iterations > 2);
        }
      }
    }
  }
}

TEST_CASE("a matrix that the solver does not have is refused", "[solver]") {
  const std::vector<std::pair<std::string, std::string>> choice{{"-sr_mat_type", "aij"}};
  const Options options(choice);
  SrReport report;
  CHECK_THROWS_AS(solve(Communicator::self(), random_problem(20, 5), true, {}, report), UsageError);
}

TEST_CASE("steps in imaginary and in real time follow the exact evolution to first order", "[solver]") {
  // Three amplitudes psi_s = exp(theta_s), of complex parameters or of their real and imaginary parts.
  const Communicator self = Communicator::self();
  Eigen::MatrixXcd h(3, 3);
  h << 0.3, Complex(0.2, 0.5), 0.1, Complex(0.2, -0.5), -0.4, Complex(0, 0.7), 0.1, Complex(0, -0.7), 0.9;
  const Eigen::Vector3cd theta(Complex(0.1, 0.2), Complex(-0.3, 0.4), Complex(0.2, -0.6));
  const Eigen::Vector3cd psi = theta.array().exp();
  const Eigen::Vector3cd energies = (h * psi).array() / psi.array();
  const Eigen::Vector3d weights = psi.cwiseAbs2() / psi.squaredNorm();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> eigen(h);
  for (const bool holomorphic : {true, false}) {
    Eigen::MatrixXcd o = Eigen::MatrixXcd::Identity(3, 3);
    if (!holomorphic) {
      o.resize(3, 6);
      o.setZero();
      for (int s = 0; s < 3; ++s) {
        o(s, 2 * s) = 1;
        o(s, 2 * s + 1) = Complex(0, 1);
      }
    }
    const MatrixRows rows(self, o, holomorphic);
    for (const bool real_time : {false, true}) {
      for (const SrRoute route : {SrRoute::dense, SrRoute::sample_space}) {
        StochasticReconfiguration sr(self, rows, ConstHostReals(weights.data(), 3),
                                     {.route = route, .shift_absolute = 1e-9, .shift_relative = 0});
        const std::vector<double> delta =
            sr.solve(ConstHostComplexes(energies.data(), 3), real_time ? Complex(0, -1) : Complex(1, 0));
        CHECK(std::abs(sr.distance(delta) - sr.report().distance) < 1e-14);
        double errors[2];
        for (const int half : {0, 1}) {
          const double eta = half == 0 ? 1e-3 : 5e-4;
          Eigen::Vector3cd moved;
          for (int s = 0; s < 3; ++s) {
            const auto q = static_cast<std::size_t>(2 * s);
            moved(s) = std::exp(theta(s) + (real_time ? eta : -eta) * Complex(delta[q], delta[q + 1]));
          }
          const Complex exponent = real_time ? Complex(0, -eta) : Complex(-eta, 0);
          const Eigen::Vector3cd exact =
              eigen.eigenvectors() *
              (exponent * eigen.eigenvalues().cast<Complex>()).array().exp().matrix().asDiagonal() *
              eigen.eigenvectors().adjoint() * psi;
          const Eigen::Vector3cd apart = moved - exact * (exact.dot(moved) / exact.squaredNorm());
          errors[half] = apart.norm() / moved.norm();  // the distance of rays
        }
        CHECK(errors[0] < 1e-5);
        CHECK(std::abs(errors[0] / errors[1] - 4) < 0.1);  // of second order in eta
      }
    }
  }
}
