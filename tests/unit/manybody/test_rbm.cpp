#include <Kokkos_Core.hpp>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>

#include "koushi/manybody/rbm.hpp"
#include "koushi/parallel/tree_sum.hpp"

using namespace koushi;

namespace {

template <bool value>
struct Weights {
  static constexpr bool is_complex = value;
};

std::vector<std::vector<int>> ring_translations(int n) {
  std::vector<std::vector<int>> group;
  for (int g = 0; g < n; ++g) {
    group.emplace_back();
    for (int i = 0; i < n; ++i) group.back().push_back((i + g) % n);
  }
  return group;
}

std::vector<SpinMove> all_moves(int n) {
  std::vector<SpinMove> moves;
  for (int i = 0; i < n; ++i) moves.push_back({i, -1});
  for (int i = 0; i < n; ++i) {
    for (int j = i + 1; j < n; ++j) moves.push_back({i, j});
  }
  return moves;
}

RbmOptions options(int n, bool symmetric, bool visible = true) {
  RbmOptions result{.n_sites = n, .density = 2, .visible_bias = visible, .width = 0.3, .seed = 5};
  if (symmetric) result.symmetry = ring_translations(n);
  return result;
}

template <bool is_complex>
SpinBatch random_batch(const Rbm<is_complex>& rbm, int n_sites, int count, int first = 0) {
  SpinBatch batch = rbm.make_batch(count);
  for (int w = 0; w < count; ++w) {
    for (int i = 0; i < n_sites; ++i) {
      const auto r = philox(9, RandomPurpose::test, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(first + w), 0);
      batch.spins(w, i) = (r.word[0] & 1U) != 0 ? 1 : -1;
    }
  }
  rbm.refresh(batch);
  return batch;
}

}  // namespace

TEMPLATE_TEST_CASE("ratios of moves are differences of log amplitudes, and tables survive 10^4 accepted moves", "[manybody][conformance]",
                   Weights<false>, Weights<true>) {
  constexpr bool is_complex = TestType::is_complex;
  const int n = 11;
  for (const bool symmetric : {false, true}) {
    const Rbm<is_complex> rbm(options(n, symmetric));
    const auto moves = all_moves(n);
    const auto tables = rbm.tables(moves);
    SpinBatch batch = random_batch(rbm, n, 1);
    double worst = 0;
    for (int accepted = 0, draw = 0; accepted < 10000; ++draw) {
      const auto r = philox(3, RandomPurpose::test, 0, 0, static_cast<std::uint32_t>(draw));
      const int k = uniform_below(r.word[0], static_cast<int>(moves.size()));
      std::int8_t* s = &batch.spins(0, 0);
      const int sigma = tables.sign(k, s);
      if (sigma == 0) continue;
      const Complex ratio = tables.ratio(k, sigma, &batch.t(0, 0));
      const std::complex<double> before = rbm.log_amplitude(s);
      tables.accept(k, sigma, s, &batch.t(0, 0));
      ++accepted;
      const std::complex<double> expected = std::exp(rbm.log_amplitude(s) - before);
      worst = std::max(worst, std::abs(std::complex<double>(ratio.real(), ratio.imag()) - expected) / std::abs(expected));
    }
    CHECK(worst < 1e-9);
    SpinBatch fresh = rbm.make_batch(1);
    Kokkos::deep_copy(fresh.spins, batch.spins);
    rbm.refresh(fresh);
    double drift = 0;
    for (int j = 0; j < rbm.table_columns(); ++j) drift = std::max(drift, std::abs(fresh.t(0, j) - batch.t(0, j)));
    CHECK(drift < 1e-10);
  }
}

TEMPLATE_TEST_CASE("log derivatives agree with finite differences, and the operator's calls with its entries", "[manybody][conformance]",
                   Weights<false>, Weights<true>) {
  constexpr bool is_complex = TestType::is_complex;
  const int n = 6;
  const int count = 150;
  const Communicator self(MPI_COMM_SELF);
  for (const bool symmetric : {false, true}) {
    for (const bool visible : {false, true}) {
      Rbm<is_complex> rbm(options(n, symmetric, visible));
      const SpinBatch batch = random_batch(rbm, n, count);
      const auto rows = rbm.log_derivatives(self, {count, 0, count}, batch);
      const Eigen::MatrixXcd entries = rows->entries();
      REQUIRE(rows->parameters() == rbm.n_parameters());
      REQUIRE(rows->holomorphic() == is_complex);

      const std::vector<double> parameters = rbm.parameters();
      const double h = 2e-6;  // truncation h^2 f'''/6 and rounding 1e-15/h are both below 1e-8
      for (std::size_t p = 0; p < parameters.size(); p += 3) {
        std::vector<double> moved = parameters;
        moved[p] += h;
        rbm.set_parameters(moved);
        const std::complex<double> up = rbm.log_amplitude(&batch.spins(7, 0));
        moved[p] -= 2 * h;
        rbm.set_parameters(moved);
        const std::complex<double> slope = (up - rbm.log_amplitude(&batch.spins(7, 0))) / (2 * h);
        const auto column = static_cast<Eigen::Index>(is_complex ? p / 2 : p);
        const std::complex<double> factor = is_complex && p % 2 == 1 ? std::complex<double>(0, 1) : 1.0;
        CHECK(std::abs(slope - factor * entries(7, column)) < 1e-8);
      }
      rbm.set_parameters(parameters);

      std::vector<double> v(parameters.size());
      for (std::size_t p = 0; p < v.size(); ++p) v[p] = std::sin(1.0 + static_cast<double>(p));
      Eigen::VectorXcd vector(entries.cols());
      for (Eigen::Index p = 0; p < vector.size(); ++p) {
        const auto q = static_cast<std::size_t>(p);
        if constexpr (is_complex) {
          vector(p) = {v[2 * q], v[2 * q + 1]};
        } else {
          vector(p) = v[q];
        }
      }
      const auto product = rows->multiply(v);
      const Eigen::VectorXcd expected = entries * vector;
      std::vector<std::complex<double>> r(product.size());
      Eigen::VectorXcd residual(count);
      for (Eigen::Index s = 0; s < count; ++s) {
        CHECK(std::abs(product[static_cast<std::size_t>(s)] - expected(s)) < 1e-11);
        residual(s) = {std::cos(static_cast<double>(s)), std::sin(2.0 * static_cast<double>(s))};
        r[static_cast<std::size_t>(s)] = residual(s);
      }
      const auto adjoint = rows->multiply_adjoint(r);
      const Eigen::VectorXcd expected_adjoint = entries.adjoint() * residual;
      for (Eigen::Index p = 0; p < expected_adjoint.size(); ++p) {
        const auto q = static_cast<std::size_t>(p);
        if constexpr (is_complex) {
          CHECK(std::abs(std::complex<double>(adjoint[2 * q], adjoint[2 * q + 1]) - expected_adjoint(p)) < 1e-10);
        } else {
          CHECK(std::abs(adjoint[q] - expected_adjoint(p).real()) < 1e-10);
        }
      }
      const std::vector<double> norms = rows->row_norms();
      for (Eigen::Index s = 0; s < count; ++s) {
        CHECK(std::abs(norms[static_cast<std::size_t>(s)] - entries.row(s).squaredNorm()) < 1e-10);
      }
      const Eigen::MatrixXcd gram = rows->gram();
      if constexpr (is_complex) {
        CHECK((gram - entries * entries.adjoint()).norm() < 1e-9);
      } else {
        CHECK((gram.topLeftCorner(count, count) - entries * entries.adjoint()).norm() < 1e-9);
        CHECK(gram.bottomRightCorner(count, count).norm() == 0);
      }
    }
  }
}

TEST_CASE("a symmetrised RBM is invariant under its group, a dense one is not", "[manybody][conformance]") {
  const int n = 8;
  const Rbm<true> symmetric(options(n, true));
  const Rbm<true> dense(options(n, false));
  const SpinBatch batch = random_batch(symmetric, n, 1);
  const std::int8_t* s = &batch.spins(0, 0);
  for (const auto& g : ring_translations(n)) {
    std::vector<std::int8_t> moved(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) moved[static_cast<std::size_t>(g[static_cast<std::size_t>(i)])] = s[i];
    CHECK(std::abs(symmetric.log_amplitude(moved.data()) - symmetric.log_amplitude(s)) < 1e-12);
    if (g[0] == 3) CHECK(std::abs(dense.log_amplitude(moved.data()) - dense.log_amplitude(s)) > 1e-6);
  }
}

TEST_CASE("the mean local energy over all states is the Rayleigh quotient", "[manybody][exact]") {
  const int n = 6;
  std::vector<LabelledBond> bonds;
  for (int i = 0; i < n; ++i) bonds.push_back({i, (i + 1) % n, 1});
  const auto h = make_xxz(n, bonds, {.J = {1.0}, .anisotropy = 1.3});
  const auto basis = spin_basis(n, true, 0);
  const Rbm<true> rbm(options(n, false));
  SpinBatch batch = rbm.make_batch(static_cast<std::int64_t>(basis.size()));
  Eigen::VectorXcd psi(static_cast<Eigen::Index>(basis.size()));
  for (std::size_t a = 0; a < basis.size(); ++a) {
    for (int i = 0; i < n; ++i) batch.spins(static_cast<int>(a), i) = basis[a][static_cast<std::size_t>(i)];
    psi(static_cast<Eigen::Index>(a)) = std::exp(rbm.log_amplitude(basis[a].data()));
  }
  rbm.refresh(batch);
  SpinTerms terms = make_terms(h);
  Kokkos::View<Complex*> energies("koushi::test::energies", basis.size());
  local_energies(Kokkos::DefaultExecutionSpace{}, rbm.tables(h.moves), terms, batch.spins, batch.t, energies);
  const Eigen::VectorXcd h_psi = h.matrix(basis) * psi;
  for (std::size_t a = 0; a < basis.size(); ++a) {
    const auto index = static_cast<Eigen::Index>(a);
    CHECK(std::abs(std::complex<double>(energies(a).real(), energies(a).imag()) - h_psi(index) / psi(index)) < 1e-11);
  }
}

TEST_CASE("Metropolis chains follow |psi|^2 (chi-squared against enumeration)", "[manybody][statistical]") {
  const int n = 6;
  RbmOptions smooth = options(n, false);
  smooth.width = 0.12;  // every state is seen often enough for chi^2
  const Rbm<true> rbm(smooth);
  for (const bool exchange : {false, true}) {
    std::vector<SpinMove> moves;
    for (int i = 0; i < n; ++i) moves.push_back(exchange ? SpinMove{i, (i + 1) % n} : SpinMove{i, -1});
    const auto basis = spin_basis(n, exchange, 0);
    const int chains = 4000;
    SpinBatch batch = rbm.make_batch(chains);
    for (int w = 0; w < chains; ++w) {
      for (int i = 0; i < n; ++i) batch.spins(w, i) = i % 2 == 0 ? 1 : -1;
    }
    rbm.refresh(batch);
    ProposalKinds kinds;
    kinds.n_kinds = 1;
    kinds.count[0] = n;
    kinds.cumulative[0] = 1;
    Kokkos::View<std::int64_t* [2]> counts("koushi::test::counts", chains);
    metropolis(Kokkos::DefaultExecutionSpace{}, rbm.tables(moves), kinds, batch.spins, batch.t, counts, 17, 0, 0, 0, 400);
    // One sample per independent chain after 400 proposals: the counts are multinomial and chi^2 needs no tau_int.
    std::vector<double> probability;
    double norm = 0;
    for (const auto& state : basis) {
      probability.push_back(std::exp(2 * rbm.log_amplitude(state.data()).real()));
      norm += probability.back();
    }
    std::vector<int> seen(basis.size());
    for (int w = 0; w < chains; ++w) {
      for (std::size_t a = 0; a < basis.size(); ++a) {
        if (std::equal(basis[a].begin(), basis[a].end(), &batch.spins(w, 0))) ++seen[a];
      }
    }
    double chi_squared = 0;
    for (std::size_t a = 0; a < basis.size(); ++a) {
      const double expected = chains * probability[a] / norm;
      REQUIRE(expected > 5);
      chi_squared += (seen[a] - expected) * (seen[a] - expected) / expected;
    }
    const double dof = static_cast<double>(basis.size()) - 1;
    CHECK(chi_squared < dof + 4.5 * std::sqrt(2 * dof));  // a sampler of |psi| instead of |psi|^2 gives several times that
    CHECK(chi_squared > dof - 4.5 * std::sqrt(2 * dof));
  }
}

TEMPLATE_TEST_CASE("thousands of hidden units neither overflow nor underflow", "[manybody]", Weights<false>, Weights<true>) {
  if (simd_width() < 4) SKIP("the range grows with the SIMD width");
  const int n = 8;
  const Rbm<TestType::is_complex> rbm({.n_sites = n, .density = 1024, .width = 0.25, .seed = 3});
  const auto moves = all_moves(n);
  const auto tables = rbm.tables(moves);
  const SpinBatch batch = random_batch(rbm, n, 4);
  for (int w = 0; w < 4; ++w) {
    for (int k = 0; k < static_cast<int>(moves.size()); ++k) {
      std::int8_t* s = &batch.spins(w, 0);
      const int sigma = tables.sign(k, s);
      if (sigma == 0) continue;
      const Complex ratio = tables.ratio(k, sigma, &batch.t(w, 0));
      const std::complex<double> before = rbm.log_amplitude(s);
      const SpinMove move = moves[static_cast<std::size_t>(k)];
      std::vector<std::int8_t> other(s, s + n);
      other[static_cast<std::size_t>(move.i)] *= -1;
      if (move.j >= 0) other[static_cast<std::size_t>(move.j)] *= -1;
      const std::complex<double> difference = rbm.log_amplitude(other.data()) - before;
      CHECK(std::abs(std::log(std::hypot(ratio.real(), ratio.imag())) - difference.real()) < 1e-9 * 8192);
    }
  }
}

TEMPLATE_TEST_CASE("a smaller RBM embedded in a larger one leaves psi as it was where the new units are zero", "[manybody]", Weights<false>, Weights<true>) {
  const int n = 6;
  for (const bool symmetric : {false, true}) {
    const Rbm<TestType::is_complex> small(options(n, symmetric));
    RbmOptions wide = options(n, symmetric);
    wide.density = 5;
    wide.width = 0;
    Rbm<TestType::is_complex> large(wide);
    REQUIRE(large.embed(small.parameters()));
    const SpinBatch batch = random_batch(small, n, 5);
    for (int w = 0; w < 5; ++w) CHECK(std::abs(large.log_amplitude(&batch.spins(w, 0)) - small.log_amplitude(&batch.spins(w, 0))) < 1e-12);
    Rbm<TestType::is_complex> again(options(n, symmetric));
    CHECK_FALSE(again.embed(large.parameters()));
    CHECK_FALSE(large.embed(std::vector<double>(7, 0.0)));
  }
}
