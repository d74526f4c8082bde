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
                          const Eigen::VectorXd& kept) {
  const Eigen::VectorXcd w = problem.weights.cast<Complex>();
  const Eigen::MatrixXcd mean = w.transpose() * problem.rows;
  const Eigen::MatrixXcd centred = problem.rows - Eigen::VectorXcd::Ones(w.size()) * mean;
  const Complex energy = w.transpose() * problem.energies;
  const Eigen::VectorXcd residual = problem.energies.array() - energy;
  const Eigen::MatrixXcd s = centred.adjoint() * w.asDiagonal() * centred;
  const Eigen::VectorXcd f = centred.adjoint() * w.asDiagonal() * residual;
  const double shift = absolute + relative * s.trace().real() / static_cast<double>(s.rows());
  const Eigen::MatrixXcd identity = Eigen::MatrixXcd::Identity(s.rows(), s.cols());
  if (!holomorphic) return (s + shift * identity).real().ldlt().solve(f.real() + shift * kept);
  const Eigen::VectorXcd kept_complex =
      Eigen::Map<const Eigen::VectorXcd>(reinterpret_cast<const Complex*>(kept.data()), kept.size() / 2);
  const Eigen::VectorXcd delta = (s + shift * identity).ldlt().solve(f + shift * kept_complex);
  Eigen::VectorXd interleaved(2 * delta.size());
  for (Eigen::Index k = 0; k < delta.size(); ++k) interleaved.segment(2 * k, 2) << delta(k).real(), delta(k).imag();
  return interleaved;
}

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
      for (const double momentum : {0.0, 0.9}) {
        const Eigen::VectorXd expected = reference(
            problem, holomorphic, 1e-3, 1e-2,
            momentum * Eigen::Map<const Eigen::VectorXd>(previous.data(), static_cast<Eigen::Index>(previous.size())));
        const double distance = length(problem, holomorphic, expected);
        for (const SrRoute route : {SrRoute::dense, SrRoute::sample_space, SrRoute::matrix_free, SrRoute::automatic}) {
          if (route == SrRoute::matrix_free && n > 100) continue;  // hundreds of iterations that know nothing of tiles
          SrReport report;
          const auto delta = solve(world, problem, holomorphic,
                                   {.route = route,
                                    .shift_absolute = 1e-3,
                                    .shift_relative = 1e-2,
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
