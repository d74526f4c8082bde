#include "koushi/solver/stochastic_reconfiguration.hpp"

#include <fmt/format.h>
#include <petscksp.h>

#include <Eigen/Dense>
#include <cctype>
#include <cmath>
#include <source_location>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/parallel/tree_sum.hpp"

namespace koushi {

namespace {

using Complex = std::complex<double>;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void check(PetscErrorCode code, std::source_location at = std::source_location::current()) {
  if (code == 0) return;
  const char* text = nullptr;
  PetscErrorMessage(code, &text, nullptr);
  throw LibraryError(fmt::format("PETSc failed with code {} ({}) at {}:{}", static_cast<int>(code),
                                 text == nullptr ? "no text" : text, at.file_name(), at.line()));
}

/// Owns one PETSc object.
template <typename T, PetscErrorCode (*destroy)(T*)>
class Handle {
 public:
  Handle() = default;
  ~Handle() { destroy(&object_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  T* out() { return &object_; }
  T get() const { return object_; }

 private:
  T object_ = nullptr;
};
using VecHandle = Handle<Vec, VecDestroy>;
using MatHandle = Handle<Mat, MatDestroy>;
using KspHandle = Handle<KSP, KSPDestroy>;

/// Obar as an operator in the real representation: centred and weighted rows on the two calls of DistributedRows.
class CentredRows {
 public:
  CentredRows(const Communicator& comm, const DistributedRows& rows, const std::vector<double>& weights)
      : comm_(comm), rows_(rows), weights_(weights) {
    const std::vector<Complex> w(weights.begin(), weights.end());
    mean_ = rows.multiply_adjoint(w);  // holomorphic: conj(sum w O), interleaved; otherwise: Re(sum w O)
    if (!rows.holomorphic()) {
      std::vector<Complex> iw;
      for (const double weight : weights) iw.emplace_back(0, weight);
      mean_imaginary_ = rows.multiply_adjoint(iw);  // Re(O^dagger i w) = sum w Im O
    }
  }

  /// sum over the samples of all ranks, in blocks.
  Complex sum(const std::vector<Complex>& terms) const {
    const std::int64_t size = rows_.block_rows();
    const RowRange blocks = blocks_of(rows_.rows(), size);
    std::vector<double> parts(static_cast<std::size_t>(2 * blocks.count));
    for (std::size_t s = 0; s < terms.size(); ++s) {
      const std::size_t block = s / static_cast<std::size_t>(size);
      parts[2 * block] += terms[s].real();
      parts[2 * block + 1] += terms[s].imag();
    }
    const std::vector<double> total = tree_sum(comm_, blocks, 2, parts);
    return {total[0], total[1]};
  }

  std::vector<Complex> multiply(const std::vector<double>& v) const {
    std::vector<Complex> y = rows_.multiply(v);
    Complex mean = 0;
    for (std::size_t p = 0; p < v.size(); ++p) {
      if (!rows_.holomorphic()) {
        mean += Complex(mean_[p], mean_imaginary_[p]) * v[p];
      } else if (p % 2 == 0) {
        mean += Complex(mean_[p], -mean_[p + 1]) * Complex(v[p], v[p + 1]);
      }
    }
    for (std::size_t s = 0; s < y.size(); ++s) y[s] = std::sqrt(weights_[s]) * (y[s] - mean);
    return y;
  }

  std::vector<double> multiply_adjoint(std::vector<Complex> r) const {
    for (std::size_t s = 0; s < r.size(); ++s) r[s] *= std::sqrt(weights_[s]);
    const Complex total = sum(r);
    std::vector<double> x = rows_.multiply_adjoint(r);
    for (std::size_t p = 0; p < x.size(); ++p) {
      if (!rows_.holomorphic()) {
        x[p] -= mean_[p] * total.real() + mean_imaginary_[p] * total.imag();
      } else if (p % 2 == 0) {
        const Complex shift = Complex(mean_[p], mean_[p + 1]) * total;
        x[p] -= shift.real();
        x[p + 1] -= shift.imag();
      }
    }
    return x;
  }

  double trace() const {
    const std::vector<double> norms = rows_.row_norms();
    std::vector<Complex> terms;
    for (std::size_t s = 0; s < norms.size(); ++s) terms.emplace_back(weights_[s] * norms[s], 0);
    double trace = sum(terms).real();
    for (const double m : mean_) trace -= m * m;
    for (const double m : mean_imaginary_) trace -= m * m;
    return trace;
  }

  const Communicator& comm() const { return comm_; }
  const DistributedRows& rows() const { return rows_; }
  const std::vector<double>& weights() const { return weights_; }
  const std::vector<double>& mean() const { return mean_; }
  const std::vector<double>& mean_imaginary() const { return mean_imaginary_; }

 private:
  const Communicator& comm_;
  const DistributedRows& rows_;
  const std::vector<double>& weights_;
  std::vector<double> mean_;
  std::vector<double> mean_imaginary_;
};

struct ShiftedOperator {
  const CentredRows& rows;
  double shift;
  std::vector<double> apply(const std::vector<double>& v) const {
    std::vector<double> y = rows.multiply_adjoint(rows.multiply(v));
    for (std::size_t p = 0; p < y.size(); ++p) y[p] += shift * v[p];
    return y;
  }
};

PetscErrorCode apply_shell(Mat mat, Vec x, Vec y) {
  ShiftedOperator* op = nullptr;
  PetscErrorCode code = MatShellGetContext(mat, static_cast<void*>(&op));
  if (code != 0) return code;
  PetscInt n = 0;
  code = VecGetSize(x, &n);
  if (code != 0) return code;
  const PetscScalar* in = nullptr;
  code = VecGetArrayRead(x, &in);
  if (code != 0) return code;
  const std::vector<double> result = op->apply(std::vector<double>(in, in + n));
  code = VecRestoreArrayRead(x, &in);
  if (code != 0) return code;
  PetscScalar* out = nullptr;
  code = VecGetArray(y, &out);
  if (code != 0) return code;
  std::copy(result.begin(), result.end(), out);
  return VecRestoreArray(y, &out);
}

/// Puts options into PETSc's database, once in a process.
void take_options(const std::string& text) {
  static bool taken = false;
  if (taken || text.find('-') == std::string::npos) return;
  taken = true;
  for (std::size_t at = 0; (at = text.find('-', at)) != std::string::npos; ++at) {
    const bool starts = at == 0 || text[at - 1] == ' ';
    const bool number = at + 1 < text.size() && (std::isdigit(static_cast<unsigned char>(text[at + 1])) != 0 || text[at + 1] == '.');
    if (starts && !number && text.compare(at, 4, "-sr_") != 0) {
      throw UsageError(fmt::format("PETSc option {} is not one of the solver\n  expected: options of KSP and PC with the prefix -sr_", text.substr(at, text.find(' ', at) - at)));
    }
  }
  check(PetscPushErrorHandler(PetscReturnErrorHandler, nullptr));
  const PetscErrorCode code = PetscOptionsInsertString(nullptr, text.c_str());
  check(PetscPopErrorHandler());
  if (code != 0) throw UsageError(fmt::format("PETSc cannot read the options \"{}\"\n  expected: as \"-sr_ksp_type minres\"", text));
}

/// A misspelt option must not be ignored.
void refuse_unused_options(bool direct) {
  PetscInt count = 0;
  char** names = nullptr;
  char** values = nullptr;
  check(PetscOptionsLeftGet(nullptr, &count, &names, &values));
  std::string unused;
  for (PetscInt k = 0; k < count; ++k) {
    if (std::string(names[k]).rfind("sr_", 0) == 0) unused += fmt::format(" -{}", names[k]);
  }
  check(PetscOptionsLeftRestore(nullptr, &count, &names, &values));
  if (unused.empty()) return;
  throw UsageError(fmt::format("PETSc does not use the options{}\n  expected: {}", unused,
                               direct ? "none on this direct route; they are for [solver] route = \"matrix-free\""
                                      : "options of KSP and PC with the prefix -sr_"));
}

/// Solves with KSP on this rank alone; every rank does the same.
std::vector<double> petsc_solve(Mat matrix, const std::vector<double>& right, bool direct, const SrOptions& options, int& iterations) {
  const auto n = static_cast<PetscInt>(right.size());
  VecHandle b;
  VecHandle x;
  check(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, n, right.data(), b.out()));
  std::vector<double> solution(right.size());
  check(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, n, solution.data(), x.out()));
  KspHandle ksp;
  check(KSPCreate(PETSC_COMM_SELF, ksp.out()));
  check(KSPSetOperators(ksp.get(), matrix, matrix));
  check(KSPSetOptionsPrefix(ksp.get(), "sr_"));
  PC pc = nullptr;
  check(KSPGetPC(ksp.get(), &pc));
  check(KSPSetType(ksp.get(), direct ? KSPPREONLY : KSPCG));
  check(PCSetType(pc, direct ? PCCHOLESKY : PCNONE));
  check(KSPSetTolerances(ksp.get(), options.tolerance, PETSC_DEFAULT, PETSC_DEFAULT, options.max_iterations));
  if (!direct) {
    check(PetscPushErrorHandler(PetscReturnErrorHandler, nullptr));
    const PetscErrorCode refused = KSPSetFromOptions(ksp.get());
    check(PetscPopErrorHandler());
    if (refused != 0) throw UsageError(fmt::format("PETSc refuses the options \"{}\"\n  expected: types and values that this PETSc knows", options.petsc_options));
  }
  refuse_unused_options(direct);
  check(PetscPushErrorHandler(PetscReturnErrorHandler, nullptr));
  const PetscErrorCode code = KSPSolve(ksp.get(), b.get(), x.get());
  check(PetscPopErrorHandler());
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
  check(KSPGetConvergedReason(ksp.get(), &reason));
  PetscInt count = 0;
  check(KSPGetIterationNumber(ksp.get(), &count));
  iterations = static_cast<int>(count);
  if (code != 0 || (reason < 0 && reason != KSP_DIVERGED_ITS)) {
    throw NumericalError(fmt::format("stochastic reconfiguration: S + lambda could not be solved ({}); remedy: a larger shift",
                                     code != 0 ? "the factorisation met a non-positive pivot" : KSPConvergedReasons[reason]));
  }
  return solution;
}

std::vector<double> solve_matrix(RowMajor& matrix, const std::vector<double>& right, const SrOptions& options, int& iterations) {
  MatHandle mat;
  const auto n = static_cast<PetscInt>(right.size());
  check(MatCreateSeqDense(PETSC_COMM_SELF, n, n, matrix.data(), mat.out()));  // symmetric: the order of storage does not matter
  check(MatSetOption(mat.get(), MAT_SPD, PETSC_TRUE));
  return petsc_solve(mat.get(), right, true, options, iterations);
}

/// sum over the blocks of all ranks of block^dagger block, rows_per_sample rows per sample. Lower triangle only.
template <typename Matrix>
Matrix gram_of_columns(const CentredRows& centred, const Matrix& rows, std::int64_t rows_per_sample) {
  using Scalar = typename Matrix::Scalar;
  constexpr auto width = static_cast<std::int64_t>(sizeof(Scalar) / sizeof(double));
  const RowRange range = centred.rows().rows();
  const std::int64_t size = centred.rows().block_rows();
  const RowRange blocks = blocks_of(range, size);
  const auto p = rows.cols();
  TreeSum sum(blocks, p * p * width);
  for (std::int64_t b = 0; b < blocks.count; ++b) {
    const Matrix block = rows.middleRows(rows_per_sample * b * size, rows_per_sample * std::min(size, range.count - b * size));
    std::vector<double> values(static_cast<std::size_t>(p * p * width));
    Eigen::Map<Matrix> part(reinterpret_cast<Scalar*>(values.data()), p, p);
    part.template selfadjointView<Eigen::Lower>().rankUpdate(block.adjoint());
    sum.add(std::move(values));
  }
  const std::vector<double> total = sum.finish(centred.comm());
  return Eigen::Map<const Matrix>(reinterpret_cast<const Scalar*>(total.data()), p, p);
}

/// S in the real representation from the centred, weighted local rows.
RowMajor overlap_matrix(const CentredRows& centred) {
  using ComplexRows = Eigen::Matrix<Complex, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  ComplexRows rows = centred.rows().entries();
  const bool holomorphic = centred.rows().holomorphic();
  for (Eigen::Index k = 0; k < rows.cols(); ++k) {
    const auto q = static_cast<std::size_t>(k);
    const Complex mean = holomorphic ? Complex(centred.mean()[2 * q], -centred.mean()[2 * q + 1]) : Complex(centred.mean()[q], centred.mean_imaginary()[q]);
    for (Eigen::Index s = 0; s < rows.rows(); ++s) rows(s, k) = std::sqrt(centred.weights()[static_cast<std::size_t>(s)]) * (rows(s, k) - mean);
  }
  RowMajor matrix(centred.rows().parameters(), centred.rows().parameters());
  if (holomorphic) {  // theta_k = x_k + i y_k: S = [A -B; B A] with A + i B = Obar^dagger Obar
    const ComplexRows s = gram_of_columns(centred, rows, 1);
    for (Eigen::Index i = 0; i < s.rows(); ++i) {
      for (Eigen::Index j = 0; j <= i; ++j) {
        matrix(2 * i, 2 * j) = matrix(2 * i + 1, 2 * j + 1) = s(i, j).real();
        matrix(2 * i + 1, 2 * j) = s(i, j).imag();
        if (j < i) matrix(2 * i, 2 * j + 1) = -s(i, j).imag();
      }
    }
  } else if (centred.rows().real_valued()) {
    matrix = gram_of_columns(centred, RowMajor(rows.real()), 1);
  } else {
    RowMajor both(2 * rows.rows(), rows.cols());
    for (Eigen::Index s = 0; s < rows.rows(); ++s) {
      both.row(2 * s) = rows.row(s).real();
      both.row(2 * s + 1) = rows.row(s).imag();
    }
    matrix = gram_of_columns(centred, both, 2);
  }
  matrix.triangularView<Eigen::StrictlyUpper>() = matrix.transpose();
  return matrix;
}

std::vector<double> solve_dense(const CentredRows& centred, const std::vector<double>& force, double shift,
                                const SrOptions& options, int& iterations) {
  RowMajor matrix = overlap_matrix(centred);
  matrix.diagonal().array() += shift;
  return solve_matrix(matrix, force, options, iterations);
}

/// (Obar^dagger Obar + lambda)^-1 Obar^dagger e = Obar^dagger (Obar Obar^dagger + lambda)^-1 e
std::vector<double> solve_sample_space(const CentredRows& centred, const std::vector<Complex>& local_residual, double shift,
                                       const SrOptions& options, int& iterations) {
  const bool holomorphic = centred.rows().holomorphic();
  const RowRange range = centred.rows().rows();
  const auto n = static_cast<Eigen::Index>(range.total);
  const std::vector<double> weights = centred.comm().all_gather(centred.weights());
  const Eigen::Map<const Eigen::VectorXd> w(weights.data(), n);
  const Eigen::VectorXd root = w.cwiseSqrt();
  const Eigen::MatrixXcd gram = centred.rows().gram();
  // Centre rows and columns of one n x n quadrant, then weight them.
  const auto centred_quadrant = [&](const Eigen::MatrixXcd& k) {
    const Eigen::VectorXcd row_mean = k * w;
    const Eigen::RowVectorXcd column_mean = w.transpose() * k;
    const Complex mean = column_mean * w;
    Eigen::MatrixXcd c = k;
    c.colwise() -= row_mean;
    c.rowwise() -= column_mean;
    c.array() += mean;
    return Eigen::MatrixXcd(root.asDiagonal() * c * root.asDiagonal());
  };
  const bool real_valued = centred.rows().real_valued();  // Im of the residual then meets zero rows
  const Eigen::Index size = real_valued ? n : 2 * n;
  RowMajor matrix(size, size);
  if (real_valued) {
    matrix = centred_quadrant(gram.topLeftCorner(n, n)).real();
  } else if (holomorphic) {
    const Eigen::MatrixXcd c = centred_quadrant(gram);
    matrix << c.real(), -c.imag(), c.imag(), c.real();
  } else {
    for (int a = 0; a < 2; ++a) {
      for (int b = 0; b < 2; ++b) matrix.block(a * n, b * n, n, n) = centred_quadrant(gram.block(a * n, b * n, n, n)).real();
    }
  }
  matrix.diagonal().array() += shift;
  std::vector<double> packed;
  for (const Complex& e : local_residual) {
    packed.push_back(e.real());
    packed.push_back(e.imag());
  }
  const std::vector<double> all = centred.comm().all_gather(packed);
  std::vector<double> right(static_cast<std::size_t>(size));
  for (std::size_t s = 0; s < static_cast<std::size_t>(n); ++s) {
    right[s] = all[2 * s];
    if (!real_valued) right[s + static_cast<std::size_t>(n)] = all[2 * s + 1];
  }
  const std::vector<double> y = solve_matrix(matrix, right, options, iterations);
  std::vector<Complex> local;
  for (std::int64_t s = range.first; s < range.first + range.count; ++s) {
    local.emplace_back(y[static_cast<std::size_t>(s)], real_valued ? 0.0 : y[static_cast<std::size_t>(s + n)]);
  }
  return centred.multiply_adjoint(local);
}

std::vector<double> solve_matrix_free(const CentredRows& centred, const std::vector<double>& force, double shift,
                                      const SrOptions& options, int& iterations) {
  ShiftedOperator op{centred, shift};
  const auto n = static_cast<PetscInt>(force.size());
  MatHandle shell;
  check(MatCreateShell(PETSC_COMM_SELF, n, n, n, n, &op, shell.out()));
  check(MatShellSetOperation(shell.get(), MATOP_MULT, reinterpret_cast<void (*)()>(apply_shell)));
  check(MatSetOption(shell.get(), MAT_SYMMETRIC, PETSC_TRUE));
  return petsc_solve(shell.get(), force, false, options, iterations);
}

double norm(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

}  // namespace

std::vector<double> solve_stochastic_reconfiguration(const Communicator& comm, const DistributedRows& rows,
                                                     const std::vector<double>& weights, const std::vector<Complex>& energies,
                                                     const SrOptions& options, SrReport& report) {
  const CentredRows centred(comm, rows, weights);
  std::vector<Complex> weighted;
  for (std::size_t s = 0; s < energies.size(); ++s) weighted.push_back(weights[s] * energies[s]);
  const Complex mean = centred.sum(weighted);
  if (!std::isfinite(mean.real()) || !std::isfinite(mean.imag())) {
    throw NumericalError("stochastic reconfiguration: local energies are not finite; remedy: a smaller step or a larger shift");
  }
  std::vector<Complex> residual;
  for (std::size_t s = 0; s < energies.size(); ++s) residual.push_back(std::sqrt(weights[s]) * (energies[s] - mean));
  const std::vector<double> force = centred.multiply_adjoint(residual);

  take_options(options.petsc_options);
  const std::int64_t n_parameters = rows.parameters();
  const std::int64_t n_samples = rows.rows().total;
  report.trace = centred.trace();
  report.equations = (rows.real_valued() ? 1 : 2) * rows.rows().total;
  report.shift = options.shift_absolute +
                 options.shift_relative * report.trace / static_cast<double>(rows.holomorphic() ? n_parameters / 2 : n_parameters);
  report.route = options.route;
  if (report.route == SrRoute::automatic) {
    if (n_parameters <= 1000) {
      report.route = SrRoute::dense;
    } else {
      report.route = 2 * n_samples <= 4096 && 2 * n_samples < n_parameters ? SrRoute::sample_space : SrRoute::matrix_free;
    }
  }
  std::vector<double> delta;
  if (norm(force) == 0) {
    delta.assign(force.size(), 0.0);
  } else if (report.route == SrRoute::dense) {
    delta = solve_dense(centred, force, report.shift, options, report.iterations);
  } else if (report.route == SrRoute::sample_space) {
    delta = solve_sample_space(centred, residual, report.shift, options, report.iterations);
  } else {
    delta = solve_matrix_free(centred, force, report.shift, options, report.iterations);
  }
  if (!std::isfinite(norm(delta))) {
    throw NumericalError("stochastic reconfiguration: the step is not finite; remedy: a larger shift");
  }
  std::vector<double> difference = ShiftedOperator{centred, report.shift}.apply(delta);
  for (std::size_t p = 0; p < force.size(); ++p) difference[p] -= force[p];
  // delta^T S delta = |Obar delta|^2
  std::vector<Complex> squares = centred.multiply(delta);
  for (Complex& y : squares) y = std::norm(y);
  report.distance = std::sqrt(centred.sum(squares).real());
  report.residual = norm(force) > 0 ? norm(difference) / norm(force) : 0;
  return delta;
}

}  // namespace koushi
