// Rows of products, against the matrices that they stand for.
#include <Eigen/Dense>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>
#include <random>

#include "koushi/base/error.hpp"
#include "koushi/manybody/concatenated_rows.hpp"
#include "koushi/manybody/make_stored_rows.hpp"
#include "koushi/parallel/tree_sum.hpp"
#include "outer_product_rows.hpp"
#include "stored_rows.hpp"

using namespace koushi;

namespace {

enum class Kind { real, general, holomorphic, dense_rbm };

/// Blocks of 64 rows dealt to the ranks.
RowRange rows_here(const Communicator& comm, std::int64_t n) {
  const RowRange blocks = share_of((n + 63) / 64, comm.rank(), comm.size());
  return {n, 64 * blocks.first, std::min<std::int64_t>(64 * (blocks.first + blocks.count), n) - 64 * blocks.first};
}

struct Factor {
  Kind kind;
  Eigen::MatrixXcd all;  ///< O of all ranks
  bool holomorphic() const { return kind == Kind::holomorphic || kind == Kind::dense_rbm; }
};

constexpr int rbm_sites = 3;
constexpr int rbm_units = 2;

/// 3 sites and 2 units: the columns of the visible and hidden biases and of the weights.
Factor random_factor(Kind kind, int n, int columns, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  if (kind == Kind::dense_rbm) {
    Eigen::MatrixXcd all(n, rbm_sites + rbm_units * (1 + rbm_sites));
    for (int s = 0; s < n; ++s) {
      for (int i = 0; i < rbm_sites; ++i) all(s, i) = normal(engine) > 0 ? 1 : -1;
      for (int j = 0; j < rbm_units; ++j) {
        all(s, rbm_sites + j) = {normal(engine), normal(engine)};
        for (int i = 0; i < rbm_sites; ++i)
          all(s, rbm_sites + rbm_units + j * rbm_sites + i) = all(s, rbm_sites + j) * all(s, i);
      }
    }
    return {kind, all};
  }
  Eigen::MatrixXcd all(n, columns);
  for (Eigen::Index s = 0; s < n; ++s) {
    for (Eigen::Index k = 0; k < columns; ++k) all(s, k) = {normal(engine), kind == Kind::real ? 0 : normal(engine)};
  }
  return {kind, all};
}

std::unique_ptr<DistributedRows> rows_of(const Communicator& comm, const Factor& factor) {
  const RowRange range = rows_here(comm, factor.all.rows());
  const Eigen::MatrixXcd here = factor.all.middleRows(range.first, range.count);
  const auto n = static_cast<std::size_t>(range.count);
  const auto columns = static_cast<std::size_t>(here.cols());
  if (factor.kind == Kind::dense_rbm) {
    SlabMatrix<false> spins(rbm_sites, range.count);
    SlabMatrix<true> t(rbm_units, range.count);
    for (Eigen::Index s = 0; s < range.count; ++s) {
      for (int i = 0; i < rbm_sites; ++i) spins.re(spins.at(i, s)) = here(s, i).real();
      for (int j = 0; j < rbm_units; ++j) {
        t.re(t.at(j, s)) = here(s, rbm_sites + j).real();
        t.im(t.at(j, s)) = here(s, rbm_sites + j).imag();
      }
    }
    return std::make_unique<OuterProductRows<true>>(comm, range, rbm_sites, rbm_units, spins, t, true);
  }
  if (factor.kind == Kind::real) {
    const Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> entries("koushi::test::entries", n, columns);
    for (std::size_t s = 0; s < n; ++s) {
      for (std::size_t k = 0; k < columns; ++k)
        entries(s, k) = here(static_cast<Eigen::Index>(s), static_cast<Eigen::Index>(k)).real();
    }
    return make_stored_rows(comm, range, entries);
  }
  const Kokkos::View<Kokkos::complex<double>**, Kokkos::LayoutRight, Kokkos::HostSpace> entries("koushi::test::entries",
                                                                                                n, columns);
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t k = 0; k < columns; ++k) {
      const std::complex<double> entry = here(static_cast<Eigen::Index>(s), static_cast<Eigen::Index>(k));
      entries(s, k) = Kokkos::complex<double>(entry.real(), entry.imag());
    }
  }
  return make_stored_rows(comm, range, entries, factor.kind == Kind::holomorphic);
}

/// O of the product: where not all factors are holomorphic, complex parameters as pairs of real ones.
Eigen::MatrixXcd product_of(const std::vector<Factor>& factors, bool holomorphic) {
  Eigen::MatrixXcd all(factors[0].all.rows(), 0);
  for (const Factor& factor : factors) {
    const Eigen::Index from = all.cols();
    if (holomorphic || !factor.holomorphic()) {
      all.conservativeResize(Eigen::NoChange, from + factor.all.cols());
      all.rightCols(factor.all.cols()) = factor.all;
      continue;
    }
    all.conservativeResize(Eigen::NoChange, from + 2 * factor.all.cols());
    for (Eigen::Index k = 0; k < factor.all.cols(); ++k) {
      all.col(from + 2 * k) = factor.all.col(k);
      all.col(from + 2 * k + 1) = std::complex<double>(0, 1) * factor.all.col(k);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("rows of products are the concatenated matrices, for every mixture of kinds", "[manybody][mpi]") {
  const Communicator world = Communicator::world();
  const auto r = Kind::real;
  const auto g = Kind::general;
  const auto h = Kind::holomorphic;
  const auto d = Kind::dense_rbm;
  const std::vector<std::vector<Kind>> mixtures{{r},    {g},       {h},       {d},       {r, r},    {g, g},      {h, h},
                                                {d, h}, {r, g},    {g, r},    {r, h},    {h, r},    {g, h},      {h, g},
                                                {d, r}, {r, d, g}, {h, h, d}, {r, r, r}, {r, g, h}, {h, r, h, g}};
  for (const int n : {256, 130, 50}) {           // at the edges of tiles and not; fewer rows than a block
    if ((n + 63) / 64 < world.size()) continue;  // every rank has a block
    for (const std::vector<Kind>& mixture : mixtures) {
      std::vector<Factor> parts;
      std::vector<std::unique_ptr<DistributedRows>> children;
      bool holomorphic = true;
      bool real = true;
      for (std::size_t c = 0; c < mixture.size(); ++c) {
        // 5, 11, 17 ... columns, so that no factor ends at a slab of 8
        parts.push_back(random_factor(mixture[c], n, 5 + 6 * static_cast<int>(c), 7 + static_cast<unsigned>(c)));
        children.push_back(rows_of(world, parts.back()));
        holomorphic = holomorphic && parts.back().holomorphic();
        real = real && mixture[c] == Kind::real;
      }
      INFO("n " << n << ", mixture of " << mixture.size() << " from " << static_cast<int>(mixture[0]) << " to "
                << static_cast<int>(mixture.back()));
      const Eigen::MatrixXcd all = product_of(parts, holomorphic);
      const ConcatenatedRows rows(std::move(children));
      const RowRange range = rows_here(world, n);
      const Eigen::MatrixXcd here = all.middleRows(range.first, range.count);
      REQUIRE(rows.holomorphic() == holomorphic);
      CHECK(rows.real_valued() == real);
      REQUIRE(rows.columns() == all.cols());
      REQUIRE(rows.parameters() == all.cols() * (holomorphic ? 2 : 1));

      CHECK((rows.entries() - here).norm() < 1e-13 * all.norm());
      for (const auto& [first, count] : {std::pair<std::int64_t, std::int64_t>{3, 2}, {1, all.cols() - 2}}) {
        if (range.count < 10) continue;
        const std::int64_t stride = 80 * slab_rows;  // rows and columns of a chunk, away from the corner
        const EntrySlabs to{
            .re = HostReals("koushi::test::re", static_cast<std::size_t>((count + 16) * stride)),
            .im = real ? HostReals() : HostReals("koushi::test::im", static_cast<std::size_t>((count + 16) * stride)),
            .stride = stride,
            .row = 6,
            .column = 13};
        rows.entries(DistributedRows::Space{}, 2, range.count < 70 ? range.count - 2 : 68, first, count, to);
        double worst = 0;
        for (std::int64_t s = 0; s < std::min<std::int64_t>(range.count - 2, 68); ++s) {
          for (std::int64_t k = 0; k < count; ++k) {
            const std::complex<double> found(to.re(to.at(s, k)), real ? 0 : to.im(to.at(s, k)));
            worst = std::max(worst, std::abs(found - here(2 + s, first + k)));
          }
        }
        CHECK(worst < 1e-13);
      }

      std::vector<double> v(static_cast<std::size_t>(rows.parameters()));
      for (std::size_t p = 0; p < v.size(); ++p) v[p] = std::sin(1.0 + static_cast<double>(p));
      Eigen::VectorXcd vector(all.cols());
      for (Eigen::Index k = 0; k < vector.size(); ++k) {
        const auto q = static_cast<std::size_t>(k);
        vector(k) = holomorphic ? std::complex<double>(v[2 * q], v[2 * q + 1]) : v[q];
      }
      const auto y = rows.multiply(v);
      CHECK((Eigen::Map<const Eigen::VectorXcd>(y.data(), range.count) - here * vector).norm() < 1e-11);

      Eigen::VectorXcd residual(n);
      for (Eigen::Index s = 0; s < n; ++s)
        residual(s) = {std::cos(static_cast<double>(s)), std::sin(2.0 * static_cast<double>(s))};
      const auto x = rows.multiply_adjoint(std::vector<std::complex<double>>(
          residual.data() + range.first, residual.data() + range.first + range.count));
      const Eigen::VectorXcd adjoint = all.adjoint() * residual;
      double worst = 0;
      for (Eigen::Index k = 0; k < adjoint.size(); ++k) {
        const auto q = static_cast<std::size_t>(k);
        worst = std::max(worst, holomorphic ? std::abs(std::complex<double>(x[2 * q], x[2 * q + 1]) - adjoint(k))
                                            : std::abs(x[q] - adjoint(k).real()));
      }
      CHECK(worst < 1e-11);

      const auto norms = rows.row_norms();
      for (Eigen::Index s = 0; s < range.count; ++s)
        CHECK(std::abs(norms[static_cast<std::size_t>(s)] - here.row(s).squaredNorm()) < 1e-11);

      const Eigen::MatrixXcd gram = rows.gram();
      if (holomorphic) {
        CHECK((gram - all * all.adjoint()).norm() < 1e-10);
      } else {
        Eigen::MatrixXd stacked(2 * n, all.cols());
        stacked << all.real(), all.imag();
        CHECK((gram - (stacked * stacked.transpose()).cast<std::complex<double>>()).norm() < 1e-10);
      }
    }
  }
}

TEST_CASE("products of nothing, and of factors whose rows differ, are refused", "[manybody]") {
  const Communicator self = Communicator::self();
  CHECK_THROWS_AS(ConcatenatedRows({}), UsageError);
  std::vector<std::unique_ptr<DistributedRows>> factors;
  factors.push_back(rows_of(self, random_factor(Kind::real, 64, 3, 1)));
  factors.push_back(rows_of(self, random_factor(Kind::real, 65, 3, 1)));
  CHECK_THROWS_AS(ConcatenatedRows(std::move(factors)), UsageError);
}
