#include "petsc_solve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <exception>
#include <memory>
#include <set>

#include "koushi/base/error.hpp"
#include "petsc_handles.hpp"
#include "petsc_options.hpp"
#include "tiled_cholesky.hpp"

namespace koushi {

namespace {

constexpr const char* prefix = "sr_";
constexpr const char* cholesky_name = "koushi-cholesky";

/// What the MATSHELL stands for. Exceptions do not pass through PETSc: they wait here.
struct Shell {
  const SrSystem& system;
  std::exception_ptr failure{};
};

template <typename Body>
PetscErrorCode guarded(Shell& shell, const Body& body) {
  try {
    body();
    return 0;
  } catch (...) {
    shell.failure = std::current_exception();
    return PETSC_ERR_LIB;
  }
}

Shell* shell_of(Mat mat) {
  Shell* shell = nullptr;
  check(MatShellGetContext(mat, static_cast<void*>(&shell)));
  return shell;
}

std::vector<double> values_of(Vec x) {
  PetscInt n = 0;
  check(VecGetLocalSize(x, &n));
  const PetscScalar* in = nullptr;
  check(VecGetArrayRead(x, &in));
  const std::vector<double> values(in, in + n);
  check(VecRestoreArrayRead(x, &in));
  return values;
}

void set_values(Vec y, const double* values) {
  PetscInt n = 0;
  check(VecGetLocalSize(y, &n));
  PetscScalar* out = nullptr;
  check(VecGetArrayWrite(y, &out));
  std::copy_n(values, n, out);
  check(VecRestoreArrayWrite(y, &out));
}

PetscErrorCode multiply(Mat mat, Vec x, Vec y) {
  Shell& shell = *shell_of(mat);
  return guarded(shell, [&] { set_values(y, shell.system.multiply(values_of(x)).data()); });
}

PetscErrorCode get_diagonal(Mat mat, Vec d) {
  Shell& shell = *shell_of(mat);
  return guarded(shell, [&] { set_values(d, shell.system.diagonal().data()); });
}

/// All entries, on this rank alone.
PetscErrorCode convert_to_dense(Mat mat, MatType, MatReuse reuse, Mat* dense) {
  if (reuse != MAT_INITIAL_MATRIX) return PETSC_ERR_SUP;
  Shell& shell = *shell_of(mat);
  return guarded(shell, [&] {
    const SrSystem& system = shell.system;
    const auto n = static_cast<PetscInt>(system.unknowns());
    check(MatCreateSeqDense(PETSC_COMM_SELF, n, n, nullptr, dense));
    const std::unique_ptr<GramTiles> source = system.tiles(false);
    PetscScalar* values = nullptr;
    check(MatDenseGetArrayWrite(*dense, &values));
    const std::int64_t n_tiles = (system.extent() + tile_extent - 1) / tile_extent;
    std::vector<double> scratch(static_cast<std::size_t>(2 * n_tiles * tile_size));
    for (std::int64_t column = 0; column < n_tiles; ++column) {
      std::vector<GramTiles::Tile> tiles;
      for (std::int64_t row = column; row < n_tiles; ++row) {
        double* re = scratch.data() + 2 * tile_size * tiles.size();
        tiles.push_back({row, column, re, system.is_complex() ? re + tile_size : nullptr});
      }
      source->write(GramTiles::Space{}, tiles, {});
      for_entries(system, tiles, [&](std::int64_t i, std::int64_t j, double value) { values[i + j * n] = value; });
    }
    check(MatDenseRestoreArrayWrite(*dense, &values));
    check(MatAssemblyBegin(*dense, MAT_FINAL_ASSEMBLY));
    check(MatAssemblyEnd(*dense, MAT_FINAL_ASSEMBLY));
  });
}

/// The data of the PC koushi-cholesky.
struct Factorisation {
  Shell* shell = nullptr;
  std::unique_ptr<TiledCholesky> cholesky;
};

Factorisation* factorisation_of(PC pc) {
  Factorisation* data = nullptr;
  check(PCShellGetContext(pc, static_cast<void*>(&data)));
  return data;
}

PetscErrorCode set_up_cholesky(PC pc) {
  Mat matrix = nullptr;
  check(PCGetOperators(pc, nullptr, &matrix));
  PetscBool is_shell = PETSC_FALSE;
  check(PetscObjectTypeCompare(reinterpret_cast<PetscObject>(matrix), MATSHELL, &is_shell));
  if (is_shell == PETSC_FALSE) return PETSC_ERR_SUP;  // it has no tiles
  Factorisation& data = *factorisation_of(pc);
  data.shell = shell_of(matrix);
  return guarded(*data.shell, [&] {
    const SrSystem& system = data.shell->system;
    data.cholesky = std::make_unique<TiledCholesky>(system.comm(), system.extent(), system.is_complex());
    {
      const std::unique_ptr<GramTiles> source = system.tiles(false);
      data.cholesky->fill(
          [&](const std::vector<GramTiles::Tile>& tiles) { source->write(GramTiles::Space{}, tiles, {}); });
    }
    data.cholesky->factor();
  });
}

PetscErrorCode apply_cholesky(PC pc, Vec x, Vec y) {
  Factorisation& data = *factorisation_of(pc);
  return guarded(*data.shell, [&] { set_values(y, data.cholesky->solve(values_of(x)).data()); });
}

PetscErrorCode destroy_cholesky(PC pc) {
  delete factorisation_of(pc);
  return 0;
}

/// A PCSHELL, so that no private header of PETSc is needed.
PetscErrorCode create_cholesky(PC pc) {
  check(PCSetType(pc, PCSHELL));
  check(PCShellSetName(pc, cholesky_name));
  check(PCShellSetContext(pc, new Factorisation));
  check(PCShellSetSetUp(pc, set_up_cholesky));
  check(PCShellSetApply(pc, apply_cholesky));
  check(PCShellSetApplyTranspose(pc, apply_cholesky));
  check(PCShellSetDestroy(pc, destroy_cholesky));
  return 0;
}

void register_cholesky() {
  static bool registered = false;
  if (registered) return;
  check(PCRegister(cholesky_name, create_cholesky));
  registered = true;
}

std::string matrix_type() {
  char text[64] = "shell";
  check(PetscOptionsGetString(nullptr, prefix, "-mat_type", text, sizeof text, nullptr));
  const std::string type = text;
  if (type == "shell" || type == MATDENSE || type == MATSEQDENSE) return type;
#ifdef PETSC_HAVE_SCALAPACK
  if (type == MATSCALAPACK) return type;
  const char* const expected = "shell, dense or scalapack";
#else
  const char* const expected = "shell or dense (this PETSc has no ScaLAPACK)";
#endif
  throw UsageError(fmt::format("-sr_mat_type {} is not a matrix of the solver\n  expected: {}", type, expected));
}

/// KSPSolve with the types as defaults.
void solve(MPI_Comm comm, Mat matrix, KSPType method, PCType preconditioner, MatSolverType package, Vec b, Vec x,
           const Shell& shell, const SrOptions& options, int& iterations) {
  KspHandle ksp;
  check(KSPCreate(comm, ksp.out()));
  check(KSPSetOperators(ksp.get(), matrix, matrix));
  check(KSPSetOptionsPrefix(ksp.get(), prefix));
  PC pc = nullptr;
  check(KSPGetPC(ksp.get(), &pc));
  check(KSPSetType(ksp.get(), method));
  check(PCSetType(pc, preconditioner));
  if (package != nullptr) check(PCFactorSetMatSolverType(pc, package));
  check(KSPSetTolerances(ksp.get(), options.tolerance, PETSC_DEFAULT, PETSC_DEFAULT, options.max_iterations));
  PetscErrorCode code = 0;
  {
    const QuietErrors quiet;
    code = KSPSetFromOptions(ksp.get());
  }
  if (code != 0) {
    throw UsageError(fmt::format("PETSc refuses the options \"{}\"\n  expected: types and values that this PETSc knows",
                                 options.petsc_options));
  }
  {
    const QuietErrors quiet;
    code = KSPSolve(ksp.get(), b, x);
  }
  if (shell.failure != nullptr) std::rethrow_exception(shell.failure);
  if (code == PETSC_ERR_SUP || code == PETSC_ERR_ARG_WRONG || code == PETSC_ERR_MISSING_FACTOR) {
    throw UsageError(
        fmt::format("PETSc cannot solve with the options \"{}\" (code {})\n  expected: a method and a preconditioner "
                    "for the matrix of the solver, or [solver] route or -sr_mat_type with which it has what they need",
                    options.petsc_options, static_cast<int>(code)));
  }
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
  check(KSPGetConvergedReason(ksp.get(), &reason));
  PetscInt count = 0;
  check(KSPGetIterationNumber(ksp.get(), &count));
  iterations = static_cast<int>(count);
  if (code != 0 || (reason < 0 && reason != KSP_DIVERGED_ITS)) {
    throw NumericalError(
        fmt::format("stochastic reconfiguration: S + lambda could not be solved ({}); remedy: a larger shift",
                    code != 0 ? "the factorisation met a non-positive pivot" : KSPConvergedReasons[reason]));
  }
  refuse_unused_options(prefix);
}

#ifdef PETSC_HAVE_SCALAPACK
/// Entries of the rows and columns that this rank holds, one column of tiles at a time.
void fill_own_entries(const SrSystem& system, Mat matrix) {
  IsHandle rows;
  IsHandle columns;
  check(MatGetOwnershipIS(matrix, rows.out(), columns.out()));
  const auto indices = [](IS set) {
    PetscInt n = 0;
    check(ISGetLocalSize(set, &n));
    const PetscInt* values = nullptr;
    check(ISGetIndices(set, &values));
    const std::vector<PetscInt> copy(values, values + n);
    check(ISRestoreIndices(set, &values));
    return copy;
  };
  const std::vector<PetscInt> own_rows = indices(rows.get());
  const std::vector<PetscInt> own_columns = indices(columns.get());
  const std::int64_t side = tile_extent * (system.is_complex() ? 2 : 1);  // of a tile in the real form
  std::vector<std::int64_t> place_of_row(static_cast<std::size_t>(system.unknowns()), -1);
  std::set<std::int64_t> row_tiles;
  for (std::size_t i = 0; i < own_rows.size(); ++i) {
    place_of_row[static_cast<std::size_t>(own_rows[i])] = static_cast<std::int64_t>(i);
    row_tiles.insert(own_rows[i] / side);
  }
  const std::unique_ptr<GramTiles> source = system.tiles(false);
  std::vector<double> scratch(2 * tile_size * row_tiles.size());
  for (std::size_t begin = 0, end = 0; begin < own_columns.size(); begin = end) {
    const std::int64_t column = own_columns[begin] / side;
    while (end < own_columns.size() && own_columns[end] / side == column) ++end;
    std::vector<GramTiles::Tile> tiles;
    for (const std::int64_t row : row_tiles) {
      double* re = scratch.data() + 2 * tile_size * tiles.size();
      tiles.push_back(
          {std::max(row, column), std::min(row, column), re, system.is_complex() ? re + tile_size : nullptr});
    }
    source->write(GramTiles::Space{}, tiles, {});
    std::vector<std::int64_t> place_of_column(static_cast<std::size_t>(side), -1);
    for (std::size_t j = begin; j < end; ++j)
      place_of_column[static_cast<std::size_t>(own_columns[j] % side)] = static_cast<std::int64_t>(j - begin);
    std::vector<PetscScalar> block(own_rows.size() * (end - begin));
    for_entries(system, tiles, [&](std::int64_t i, std::int64_t j, double value) {
      if (j / side != column) return;
      const std::int64_t at = place_of_row[static_cast<std::size_t>(i)];
      const std::int64_t to = place_of_column[static_cast<std::size_t>(j % side)];
      if (at >= 0 && to >= 0)
        block[static_cast<std::size_t>(at) * (end - begin) + static_cast<std::size_t>(to)] = value;
    });
    check(MatSetValues(matrix, static_cast<PetscInt>(own_rows.size()), own_rows.data(),
                       static_cast<PetscInt>(end - begin), own_columns.data() + begin, block.data(), INSERT_VALUES));
  }
  check(MatAssemblyBegin(matrix, MAT_FINAL_ASSEMBLY));
  check(MatAssemblyEnd(matrix, MAT_FINAL_ASSEMBLY));
}

/// Matrix, vectors and KSP on the run's communicator.
std::vector<double> solve_by_scalapack(const Shell& shell, const std::vector<double>& right, const SrOptions& options,
                                       int& iterations) {
  const MPI_Comm comm = shell.system.comm().get();
  auto n = static_cast<PetscInt>(right.size());
  PetscInt local = PETSC_DECIDE;
  check(PetscSplitOwnershipEqual(comm, &local, &n));
  MatHandle matrix;
  check(MatCreate(comm, matrix.out()));
  check(MatSetOptionsPrefix(matrix.get(), prefix));
  check(MatSetSizes(matrix.get(), local, local, n, n));
  check(MatSetType(matrix.get(), MATSCALAPACK));
  check(MatSetUp(matrix.get()));
  fill_own_entries(shell.system, matrix.get());
  check(MatSetOption(matrix.get(), MAT_SYMMETRIC, PETSC_TRUE));  // it does not know MAT_SPD
  VecHandle x;
  VecHandle b;
  check(MatCreateVecs(matrix.get(), x.out(), b.out()));
  PetscInt first = 0;
  check(VecGetOwnershipRange(b.get(), &first, nullptr));
  set_values(b.get(), right.data() + first);
  solve(comm, matrix.get(), KSPPREONLY, PCCHOLESKY, MATSOLVERSCALAPACK, b.get(), x.get(), shell, options, iterations);
  return shell.system.comm().all_gather(values_of(x.get()));
}
#endif

}  // namespace

std::vector<double> petsc_solve(const SrSystem& system, bool direct, const std::vector<double>& right,
                                const SrOptions& options, int& iterations) {
  register_cholesky();
  Shell shell{system};
  const std::string type = matrix_type();
#ifdef PETSC_HAVE_SCALAPACK
  if (type == MATSCALAPACK) return solve_by_scalapack(shell, right, options, iterations);
#endif
  const auto n = static_cast<PetscInt>(right.size());
  MatHandle matrix;
  check(MatCreateShell(PETSC_COMM_SELF, n, n, n, n, &shell, matrix.out()));
  check(MatShellSetOperation(matrix.get(), MATOP_MULT, reinterpret_cast<void (*)()>(multiply)));
  check(MatShellSetOperation(matrix.get(), MATOP_MULT_TRANSPOSE, reinterpret_cast<void (*)()>(multiply)));
  check(MatShellSetOperation(matrix.get(), MATOP_GET_DIAGONAL, reinterpret_cast<void (*)()>(get_diagonal)));
  check(PetscObjectComposeFunction(reinterpret_cast<PetscObject>(matrix.get()), "MatConvert_shell_seqdense_C",
                                   convert_to_dense));
  check(MatSetOption(matrix.get(), MAT_SYMMETRIC, PETSC_TRUE));
  VecHandle b;
  VecHandle x;
  check(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, n, right.data(), b.out()));
  std::vector<double> solution(right.size());
  check(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, n, solution.data(), x.out()));
  if (type == "shell") {
    solve(PETSC_COMM_SELF, matrix.get(), direct ? KSPPREONLY : KSPCG, direct ? cholesky_name : PCNONE, nullptr, b.get(),
          x.get(), shell, options, iterations);
    return solution;
  }
  MatHandle dense;
  const PetscErrorCode code = MatConvert(matrix.get(), MATSEQDENSE, MAT_INITIAL_MATRIX, dense.out());
  if (shell.failure != nullptr) std::rethrow_exception(shell.failure);
  check(code);
  check(MatSetOption(dense.get(), MAT_SPD, PETSC_TRUE));
  solve(PETSC_COMM_SELF, dense.get(), KSPPREONLY, PCCHOLESKY, nullptr, b.get(), x.get(), shell, options, iterations);
  return solution;
}

}  // namespace koushi
