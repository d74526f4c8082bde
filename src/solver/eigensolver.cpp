#include "koushi/solver/eigensolver.hpp"

#include <fmt/format.h>
#include <slepceps.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <complex>
#include <exception>

#include "koushi/base/error.hpp"
#include "petsc_options.hpp"

namespace koushi {

namespace {

constexpr const char* prefix = "exact_";

using EpsHandle = Handle<EPS, EPSDestroy>;

/// SLEPc ends with PETSc.
PetscErrorCode finalize_slepc() { return SlepcFinalize(); }

void start_slepc() {
  PetscBool started = PETSC_FALSE;
  check(SlepcInitialized(&started));
  if (started == PETSC_TRUE) return;
  check(SlepcInitialize(nullptr, nullptr, nullptr, nullptr));
  check(PetscRegisterFinalize(finalize_slepc));
}

class Search {
 public:
  Search(const Communicator& comm, const HermitianOperator& op, const EigensolverOptions& options)
      : comm_(comm),
        op_(op),
        options_(options),
        numbers_(op.is_complex() ? 2 : 1),
        local_(static_cast<std::size_t>(numbers_ * op.rows().count)) {}

  std::vector<Eigenstate> dense() const {
    const RowRange rows = op_.rows();
    const std::int64_t n = rows.total;
    Eigen::MatrixXcd matrix(n, n);
    std::vector<double> unit(local_);
    std::vector<double> column(local_);
    for (std::int64_t k = 0; k < n; ++k) {
      const bool here = k >= rows.first && k < rows.first + rows.count;
      const auto place = static_cast<std::size_t>(numbers_ * (k - rows.first));
      if (here) unit[place] = 1;
      op_.apply(unit, column);
      if (here) unit[place] = 0;
      const std::vector<double> all = comm_.all_gather(column);
      for (std::int64_t r = 0; r < n; ++r) {
        const auto at = static_cast<std::size_t>(numbers_ * r);
        matrix(r, k) = {all[at], numbers_ == 2 ? all[at + 1] : 0.0};
      }
    }
    const std::int64_t wanted = std::min<std::int64_t>(options_.levels, n);
    std::vector<Eigenstate> found;
    const auto take = [&](const auto& solver) {
      for (std::int64_t k = 0; k < wanted; ++k) {
        Eigenstate state{solver.eigenvalues()(k), 0, {}};
        for (std::int64_t r = rows.first; r < rows.first + rows.count; ++r) {
          const std::complex<double> v = solver.eigenvectors()(r, k);
          state.vector.push_back(v.real());
          if (numbers_ == 2) state.vector.push_back(v.imag());
        }
        found.push_back(std::move(state));
      }
    };
    if (numbers_ == 2) {
      take(Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd>(matrix));
    } else {
      take(Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(matrix.real()));
    }
    for (Eigenstate& state : found) state.residual = residual(state);
    return found;
  }

  std::vector<Eigenstate> krylov() {
    start_slepc();
    take_petsc_options(comm_, options_.petsc_options, prefix, false);
    scale_ = norm_of_image();
    std::vector<Eigenstate> found;
    const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(options_.levels, op_.rows().total));
    for (bool first = true;; first = false) {
      const std::size_t missing = wanted > found.size() ? wanted - found.size() : 0;
      std::vector<Eigenstate> more = solve(found, std::max<std::size_t>(1, missing));
      const double last = found.size() >= wanted ? found[wanted - 1].value : INFINITY;
      bool below = false;
      for (Eigenstate& state : more) {
        if (!take_out(found, state)) continue;
        below = below || state.value < last - 10 * options_.tolerance * scale_;
        found.push_back(std::move(state));
      }
      std::sort(found.begin(), found.end(), [](const Eigenstate& a, const Eigenstate& b) { return a.value < b.value; });
      const bool all = static_cast<std::int64_t>(found.size()) >= op_.rows().total;
      if (all || (found.size() >= wanted && (!options_.searches_again || (!first && !below)))) break;
    }
    found.resize(std::min(found.size(), wanted));
    return found;
  }

 private:
  double dot(const std::vector<double>& a, const std::vector<double>& b) const {
    double sum = 0;
    for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
    double total = 0;  // in the order of the ranks
    for (const double part : comm_.all_gather(std::vector<double>{sum})) total += part;
    return total;
  }
  std::vector<double> times_i(const std::vector<double>& v) const {
    std::vector<double> w(v.size());
    for (std::size_t k = 0; k + 1 < v.size(); k += 2) {
      w[k] = -v[k + 1];
      w[k + 1] = v[k];
    }
    return w;
  }
  double residual(const Eigenstate& state) const {
    std::vector<double> image(local_);
    op_.apply(state.vector, image);
    for (std::size_t k = 0; k < image.size(); ++k) image[k] -= state.value * state.vector[k];
    return std::sqrt(dot(image, image));
  }
  /// |H v| of a random v of norm 1: as large as the root mean square of the eigenvalues.
  double norm_of_image() const {
    std::vector<double> v = start();
    std::vector<double> image(local_);
    op_.apply(v, image);
    return std::max(1e-300, std::sqrt(dot(image, image) / dot(v, v)));
  }
  /// Random numbers that belong to the rows, whatever the ranks are (splitmix64).
  std::vector<double> start() const {
    std::vector<double> v;
    for (std::size_t k = 0; k < local_; ++k) {
      auto x = static_cast<std::uint64_t>(numbers_ * op_.rows().first) + k + salt_;
      x = (x + 1) * 0x9e3779b97f4a7c15U;
      x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
      x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
      v.push_back(static_cast<double>((x ^ (x >> 31U)) >> 11U) * 0x1p-53 - 0.5);
    }
    return v;
  }
  /// Takes what was found before out of a state; false if nothing is left of it.
  bool take_out(const std::vector<Eigenstate>& found, Eigenstate& state) const {
    for (const Eigenstate& other : found) {
      const double re = dot(other.vector, state.vector);
      for (std::size_t k = 0; k < local_; ++k) state.vector[k] -= re * other.vector[k];
      if (numbers_ == 1) continue;
      const std::vector<double> turned = times_i(other.vector);
      const double im = dot(turned, state.vector);
      for (std::size_t k = 0; k < local_; ++k) state.vector[k] -= im * turned[k];
    }
    const double norm = std::sqrt(dot(state.vector, state.vector));
    if (norm < 0.5) return false;
    for (double& x : state.vector) x /= norm;
    state.residual = residual(state);
    return true;
  }

  struct Shell {
    const Search* search;
    std::exception_ptr failure{};
  };
  static PetscErrorCode multiply(Mat mat, Vec x, Vec y) {
    Shell* shell = nullptr;
    PetscErrorCode code = MatShellGetContext(mat, static_cast<void*>(&shell));
    if (code != 0) return code;
    const PetscScalar* in = nullptr;
    PetscScalar* out = nullptr;
    VecGetArrayRead(x, &in);
    VecGetArrayWrite(y, &out);
    try {
      const std::size_t n = shell->search->local_;
      shell->search->op_.apply({in, n}, {out, n});
    } catch (...) {
      shell->failure = std::current_exception();
      code = PETSC_ERR_LIB;
    }
    VecRestoreArrayWrite(y, &out);
    VecRestoreArrayRead(x, &in);
    return code;
  }
  static void fill(Vec to, const std::vector<double>& values) {
    PetscScalar* out = nullptr;
    check(VecGetArrayWrite(to, &out));
    std::copy(values.begin(), values.end(), out);
    check(VecRestoreArrayWrite(to, &out));
  }

  /// The lowest eigenvectors orthogonal to those that were found.
  std::vector<Eigenstate> solve(const std::vector<Eigenstate>& found, std::size_t wanted) {
    const auto local = static_cast<PetscInt>(local_);
    const auto total = static_cast<PetscInt>(numbers_ * op_.rows().total);
    Shell shell{this};
    MatHandle matrix;
    check(MatCreateShell(comm_.get(), local, local, total, total, &shell, matrix.out()));
    check(MatShellSetOperation(matrix.get(), MATOP_MULT, reinterpret_cast<void (*)()>(&multiply)));
    check(MatSetOption(matrix.get(), MAT_SYMMETRIC, PETSC_TRUE));
    EpsHandle eps;
    check(EPSCreate(comm_.get(), eps.out()));
    check(EPSSetOptionsPrefix(eps.get(), prefix));
    check(EPSSetOperators(eps.get(), matrix.get(), nullptr));
    check(EPSSetProblemType(eps.get(), EPS_HEP));
    check(EPSSetWhichEigenpairs(eps.get(), EPS_SMALLEST_REAL));
    check(EPSSetDimensions(eps.get(), static_cast<PetscInt>(wanted), PETSC_DEFAULT, PETSC_DEFAULT));
    check(EPSSetConvergenceTest(eps.get(), EPS_CONV_ABS));
    check(EPSSetTolerances(eps.get(), options_.tolerance * scale_, options_.max_iterations));
    VecHandle vector;
    check(MatCreateVecs(matrix.get(), vector.out(), nullptr));
    salt_ += static_cast<std::uint64_t>(total);
    fill(vector.get(), start());
    Vec initial = vector.get();
    check(EPSSetInitialSpace(eps.get(), 1, &initial));
    std::vector<Vec> deflated;
    for (const Eigenstate& state : found) {
      for (int part = 0; part < numbers_; ++part) {
        Vec copy = nullptr;
        check(VecDuplicate(vector.get(), &copy));
        deflated.push_back(copy);
        fill(copy, part == 0 ? state.vector : times_i(state.vector));
      }
    }
    if (!deflated.empty())
      check(EPSSetDeflationSpace(eps.get(), static_cast<PetscInt>(deflated.size()), deflated.data()));
    for (Vec& v : deflated) check(VecDestroy(&v));
    PetscErrorCode code = 0;
    {
      const QuietErrors quiet;
      code = EPSSetFromOptions(eps.get());
    }
    if (code != 0)
      throw UsageError(
          fmt::format("SLEPc refuses the options \"{}\"\n  expected: types and values that this SLEPc knows",
                      options_.petsc_options));
    code = EPSSolve(eps.get());
    if (shell.failure) std::rethrow_exception(shell.failure);
    check(code);
    refuse_unused_options(prefix);
    PetscInt converged = 0;
    check(EPSGetConverged(eps.get(), &converged));
    if (converged == 0) {
      throw NumericalError(fmt::format(
          "the eigensolver did not converge in {} restarts; remedy: a larger study.tolerance, or more Krylov "
          "vectors (-exact_eps_ncv 60)",
          options_.max_iterations));
    }
    std::vector<Eigenstate> states;
    for (PetscInt k = 0; k < converged; ++k) {
      Eigenstate state;
      check(EPSGetEigenpair(eps.get(), k, &state.value, nullptr, vector.get(), nullptr));
      const PetscScalar* in = nullptr;
      check(VecGetArrayRead(vector.get(), &in));
      state.vector.assign(in, in + local_);
      check(VecRestoreArrayRead(vector.get(), &in));
      states.push_back(std::move(state));
    }
    return states;
  }

  const Communicator& comm_;
  const HermitianOperator& op_;
  EigensolverOptions options_;
  int numbers_;  ///< per row
  std::size_t local_;
  double scale_ = 1;
  std::uint64_t salt_ = 0;
};

}  // namespace

std::vector<Eigenstate> lowest_eigenstates(const Communicator& comm, const HermitianOperator& op,
                                           const EigensolverOptions& options) {
  if (op.rows().total == 0) return {};
  Search search(comm, op, options);
  return op.rows().total <= options.dense_up_to ? search.dense() : search.krylov();
}

}  // namespace koushi
