#include "koushi/solver/stochastic_reconfiguration.hpp"

#include <fmt/format.h>
#include <petscksp.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <source_location>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/base/tile_product.hpp"
#include "koushi/parallel/tree_sum.hpp"
#include "tiled_cholesky.hpp"

namespace koushi {

namespace {

using Complex = std::complex<double>;

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
    if (rows.real_valued()) {
      mean_imaginary_.assign(mean_.size(), 0.0);
    } else if (!rows.holomorphic()) {
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
  Complex mean_of_column(std::int64_t k) const {
    const auto q = static_cast<std::size_t>(k);
    return rows_.holomorphic() ? Complex(mean_[2 * q], -mean_[2 * q + 1]) : Complex(mean_[q], mean_imaginary_[q]);
  }
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
    const bool number =
        at + 1 < text.size() && (std::isdigit(static_cast<unsigned char>(text[at + 1])) != 0 || text[at + 1] == '.');
    if (starts && !number && text.compare(at, 4, "-sr_") != 0) {
      throw UsageError(fmt::format(
          "PETSc option {} is not one of the solver\n  expected: options of KSP and PC with the prefix -sr_",
          text.substr(at, text.find(' ', at) - at)));
    }
  }
  check(PetscPushErrorHandler(PetscReturnErrorHandler, nullptr));
  const PetscErrorCode code = PetscOptionsInsertString(nullptr, text.c_str());
  check(PetscPopErrorHandler());
  if (code != 0)
    throw UsageError(fmt::format("PETSc cannot read the options \"{}\"\n  expected: as \"-sr_ksp_type minres\"", text));
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
std::vector<double> petsc_solve(Mat matrix, const std::vector<double>& right, const SrOptions& options,
                                int& iterations) {
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
  check(KSPSetType(ksp.get(), KSPCG));
  check(PCSetType(pc, PCNONE));
  check(KSPSetTolerances(ksp.get(), options.tolerance, PETSC_DEFAULT, PETSC_DEFAULT, options.max_iterations));
  check(PetscPushErrorHandler(PetscReturnErrorHandler, nullptr));
  const PetscErrorCode refused = KSPSetFromOptions(ksp.get());
  check(PetscPopErrorHandler());
  if (refused != 0)
    throw UsageError(fmt::format("PETSc refuses the options \"{}\"\n  expected: types and values that this PETSc knows",
                                 options.petsc_options));
  refuse_unused_options(false);
  check(PetscPushErrorHandler(PetscReturnErrorHandler, nullptr));
  const PetscErrorCode code = KSPSolve(ksp.get(), b.get(), x.get());
  check(PetscPopErrorHandler());
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
  return solution;
}

/// Obar of the local rows as slabs of 8 columns, re and (where not real) im.
struct CentredSlabs {
  using Values = Kokkos::View<double*, Kokkos::HostSpace>;
  std::int64_t stride;
  Values re;
  Values im;

  explicit CentredSlabs(const CentredRows& centred) : stride(centred.rows().rows().count * slab_rows) {
    const DistributedRows& rows = centred.rows();
    const std::int64_t columns = rows.columns();
    const std::int64_t slabs = (columns + tile_extent - 1) / tile_extent * (tile_extent / slab_rows);
    const auto make = [&] {
      return Values(Kokkos::view_alloc(Kokkos::WithoutInitializing, "koushi::solver::centred_rows"),
                    static_cast<std::size_t>(slabs * stride));
    };
    re = make();
    if (!rows.real_valued()) im = make();
    const RowRange blocks = blocks_of(rows.rows(), rows.block_rows());
    Kokkos::parallel_for("koushi::solver::centred_rows",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(blocks.count)),
                         [&](int block) {
                           const std::int64_t first = block * rows.block_rows();
                           const std::int64_t count = std::min(rows.block_rows(), rows.rows().count - first);
                           rows.entries(first, count, re.data() + first * slab_rows,
                                        rows.real_valued() ? nullptr : im.data() + first * slab_rows, stride);
                           for (std::int64_t slab = 0; slab < slabs; ++slab) {
                             double mean_re[slab_rows] = {};
                             double mean_im[slab_rows] = {};
                             for (std::int64_t l = 0; l < slab_rows && slab * slab_rows + l < columns; ++l) {
                               mean_re[l] = centred.mean_of_column(slab * slab_rows + l).real();
                               mean_im[l] = centred.mean_of_column(slab * slab_rows + l).imag();
                             }
                             const bool beyond = slab * slab_rows >= columns;
                             for (std::int64_t s = first; s < first + count; ++s) {
                               const double root = std::sqrt(centred.weights()[static_cast<std::size_t>(s)]);
                               double* at = re.data() + slab * stride + s * slab_rows;
                               for (int l = 0; l < slab_rows; ++l) at[l] = beyond ? 0 : root * (at[l] - mean_re[l]);
                               if (rows.real_valued()) continue;
                               double* at_im = im.data() + slab * stride + s * slab_rows;
                               for (int l = 0; l < slab_rows; ++l)
                                 at_im[l] = beyond ? 0 : root * (at_im[l] - mean_im[l]);
                             }
                           }
                         });
  }
};

/// S = Obar^dagger Obar (its real part where not holomorphic): the tiles of the lower half behind each other, column by
/// column, re then im, on every rank.
std::vector<double> overlap_tiles(const CentredRows& centred) {
  const DistributedRows& rows = centred.rows();
  const CentredSlabs o(centred);
  const int planes = rows.holomorphic() ? 2 : 1;
  const std::int64_t n_tiles = (rows.columns() + tile_extent - 1) / tile_extent;
  std::vector<std::pair<std::int64_t, std::int64_t>> tiles;
  std::vector<std::int64_t> offsets{0};
  for (std::int64_t column = 0; column < n_tiles; ++column) {
    for (std::int64_t row = column; row < n_tiles; ++row) {
      tiles.emplace_back(row, column);
      offsets.push_back(offsets.back() + planes * tile_size);
    }
  }
  TreeSum sum(blocks_of(rows.rows(), rows.block_rows()), offsets.back());
  sum.add_parts(offsets, [&](std::int64_t block, std::int64_t part, double* values) {
    const std::int64_t first = block * rows.block_rows();
    const int depth = static_cast<int>(std::min(rows.block_rows(), rows.rows().count - first));
    const auto [row, column] = tiles[static_cast<std::size_t>(part)];
    const auto add = [&]<int sign>(std::integral_constant<int, sign>, double* to, const CentredSlabs::Values& a,
                                   const CentredSlabs::Values& b) {
      constexpr std::int64_t slabs = tile_extent / slab_rows;
      add_tile_product<sign>(to, a.data() + row * slabs * o.stride + first * slab_rows, o.stride,
                             b.data() + column * slabs * o.stride + first * slab_rows, o.stride, depth);
    };
    constexpr std::integral_constant<int, 1> plus;
    constexpr std::integral_constant<int, -1> minus;
    std::fill_n(values, planes * tile_size, 0.0);
    add(plus, values, o.re, o.re);
    if (rows.real_valued()) return;
    add(plus, values, o.im, o.im);
    if (planes == 1) return;
    add(plus, values + tile_size, o.re, o.im);
    add(minus, values + tile_size, o.im, o.re);
  });
  return sum.finish(centred.comm());
}

std::vector<double> solve_dense(const CentredRows& centred, const std::vector<double>& force, double shift,
                                const SrOptions&, int& iterations) {
  refuse_unused_options(true);
  const std::int64_t n = centred.rows().columns();
  const std::int64_t n_tiles = (n + tile_extent - 1) / tile_extent;
  const bool is_complex = centred.rows().holomorphic();
  TiledCholesky cholesky(centred.comm(), n, is_complex);
  {
    const std::vector<double> tiles = overlap_tiles(centred);
    cholesky.fill([&](std::int64_t row, std::int64_t column, double* re, double* im) {
      const std::int64_t before = column * n_tiles - column * (column - 1) / 2;  // tiles of the columns to the left
      const double* from = tiles.data() + (before + row - column) * (is_complex ? 2 : 1) * tile_size;
      std::copy_n(from, tile_size, re);
      if (is_complex) std::copy_n(from + tile_size, tile_size, im);
      for (int i = 0; row == column && i < tile_extent; ++i) re[tile_at(i, i)] += shift;
    });
  }
  iterations = 1;
  return cholesky.solve(force);
}

/// Centred and weighted entries of the Gram matrix Obar Obar^dagger + lambda: with A_a = Re O, Im O (a = 0, 1) and m_b
/// = sum w A_b,
///   c_ab(i, j) = sqrt(w_i w_j) (A_a A_b^T - A_a m_b - m_a A_b^T + m_a m_b);   holomorphic: one complex quadrant, with
///   daggers
class CentredGram {
 public:
  CentredGram(const CentredRows& centred, double shift)
      : tiles_(centred.rows().gram_tiles()),
        holomorphic_(centred.rows().holomorphic()),
        n_(centred.rows().rows().total),
        shift_(shift) {
    const DistributedRows& rows = centred.rows();
    const Communicator& comm = centred.comm();
    for (const double w : comm.all_gather(centred.weights())) root_.push_back(std::sqrt(w));
    for (int b = 0; b < (holomorphic_ || rows.real_valued() ? 1 : 2); ++b) {
      const std::vector<double>& mean = b == 0 ? centred.mean() : centred.mean_imaginary();
      std::vector<double> packed;
      for (const Complex& product : rows.multiply(mean)) packed.insert(packed.end(), {product.real(), product.imag()});
      products_[b] = comm.all_gather(packed);
      for (int a = 0; a < 2; ++a) {
        const std::vector<double>& other = a == 0 ? centred.mean() : centred.mean_imaginary();
        for (std::size_t k = 0; k < other.size(); ++k) means_[a][b] += other[k] * mean[k];
      }
    }
  }

  void tile(std::int64_t row, std::int64_t column, double* re, double* im) const {
    tiles_->tile(row, column, re, im);
    for (int j = 0; j < tile_extent; ++j) {
      const std::int64_t q = column * tile_extent + j;
      for (int i = 0; i < tile_extent; ++i) {
        const std::int64_t p = row * tile_extent + i;
        if (p >= equations() || q >= equations()) continue;
        const int a = p < n_ ? 0 : 1;
        const int b = q < n_ ? 0 : 1;
        const std::int64_t s = p % n_;
        const std::int64_t u = q % n_;
        const double weight = root_[static_cast<std::size_t>(s)] * root_[static_cast<std::size_t>(u)];
        const int at = tile_at(i, j);
        re[at] = weight * (re[at] - product(b, s, a) - product(a, u, b) + means_[a][b]) + (p == q ? shift_ : 0.0);
        if (holomorphic_) im[at] = weight * (im[at] - product(0, s, 1) + product(0, u, 1));
      }
    }
  }

  std::int64_t equations() const { return products_[1].empty() ? n_ : 2 * n_; }

 private:
  /// A_part m_b of sample s; holomorphic: re and im of O m^dagger.
  double product(int b, std::int64_t s, int part) const { return products_[b][static_cast<std::size_t>(2 * s + part)]; }

  std::unique_ptr<GramTiles> tiles_;
  bool holomorphic_;
  std::int64_t n_;
  double shift_;
  std::vector<double> root_;         ///< sqrt(w), of all ranks
  std::vector<double> products_[2];  ///< of all ranks
  double means_[2][2] = {};
};

/// (Obar^dagger Obar + lambda)^-1 Obar^dagger e = Obar^dagger (Obar Obar^dagger + lambda)^-1 e
std::vector<double> solve_sample_space(const CentredRows& centred, const std::vector<Complex>& local_residual,
                                       double shift, const SrOptions&, int& iterations) {
  refuse_unused_options(true);
  const bool holomorphic = centred.rows().holomorphic();
  const RowRange range = centred.rows().rows();
  const auto n = static_cast<std::size_t>(range.total);
  std::vector<double> packed;
  for (const Complex& e : local_residual) packed.insert(packed.end(), {e.real(), e.imag()});
  std::vector<double> right = centred.comm().all_gather(packed);
  std::unique_ptr<CentredGram> gram = std::make_unique<CentredGram>(centred, shift);
  const auto equations = static_cast<std::size_t>(gram->equations());
  if (!holomorphic) {  // [Re; Im], without the latter where O is real: it meets zero rows
    std::vector<double> stacked(equations);
    for (std::size_t s = 0; s < equations; ++s) stacked[s] = right[2 * (s % n) + s / n];
    right = std::move(stacked);
  }
  TiledCholesky cholesky(centred.comm(), static_cast<std::int64_t>(equations), holomorphic);
  cholesky.fill(
      [&](std::int64_t row, std::int64_t column, double* re, double* im) { gram->tile(row, column, re, im); });
  gram.reset();
  const std::vector<double> y = cholesky.solve(right);
  iterations = 1;
  std::vector<Complex> local;
  for (auto s = static_cast<std::size_t>(range.first); s < static_cast<std::size_t>(range.first + range.count); ++s) {
    local.push_back(holomorphic ? Complex(y[2 * s], y[2 * s + 1]) : Complex(y[s], equations > n ? y[s + n] : 0.0));
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
  return petsc_solve(shell.get(), force, options, iterations);
}

double norm(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

}  // namespace

SrRoute automatic_route(std::int64_t columns, std::int64_t equations) {
  constexpr std::int64_t most = 16384;  // 2 GB of a complex matrix, over all ranks
  if (std::min(columns, equations) > most) return SrRoute::matrix_free;
  return columns <= equations ? SrRoute::dense : SrRoute::sample_space;
}

std::vector<double> solve_stochastic_reconfiguration(const Communicator& comm, const DistributedRows& rows,
                                                     const std::vector<double>& weights,
                                                     const std::vector<Complex>& energies, const SrOptions& options,
                                                     SrReport& report) {
  const CentredRows centred(comm, rows, weights);
  std::vector<Complex> weighted;
  for (std::size_t s = 0; s < energies.size(); ++s) weighted.push_back(weights[s] * energies[s]);
  const Complex mean = centred.sum(weighted);
  if (!std::isfinite(mean.real()) || !std::isfinite(mean.imag())) {
    throw NumericalError(
        "stochastic reconfiguration: local energies are not finite; remedy: a smaller step or a larger shift");
  }
  std::vector<Complex> residual;
  for (std::size_t s = 0; s < energies.size(); ++s) residual.push_back(std::sqrt(weights[s]) * (energies[s] - mean));
  std::vector<double> kept;  // mu delta'; empty: there is none
  if (options.momentum != 0) {
    for (const double x : options.previous) kept.push_back(options.momentum * x);
  }
  if (!kept.empty()) {
    const std::vector<Complex> foreseen = centred.multiply(kept);
    for (std::size_t s = 0; s < residual.size(); ++s) residual[s] -= foreseen[s];
  }
  const std::vector<double> force = centred.multiply_adjoint(residual);

  take_options(options.petsc_options);
  const std::int64_t n_parameters = rows.parameters();
  const std::int64_t n_samples = rows.rows().total;
  report.trace = centred.trace();
  report.equations = (rows.real_valued() ? 1 : 2) * rows.rows().total;
  report.shift = options.shift_absolute + options.shift_relative * report.trace /
                                              static_cast<double>(rows.holomorphic() ? n_parameters / 2 : n_parameters);
  report.route = options.route == SrRoute::automatic
                     ? automatic_route(rows.columns(), rows.holomorphic() ? n_samples : report.equations)
                     : options.route;
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
  std::vector<Complex> product = centred.multiply(delta);
  std::vector<double> difference = centred.multiply_adjoint(product);
  for (std::size_t p = 0; p < force.size(); ++p) difference[p] += report.shift * delta[p] - force[p];
  if (!kept.empty()) {
    for (std::size_t p = 0; p < delta.size(); ++p) delta[p] += kept[p];
    product = centred.multiply(delta);
  }
  // delta^T S delta = |Obar delta|^2
  std::vector<Complex>& squares = product;
  for (Complex& y : squares) y = std::norm(y);
  report.distance = std::sqrt(centred.sum(squares).real());
  report.residual = norm(force) > 0 ? norm(difference) / norm(force) : 0;
  return delta;
}

}  // namespace koushi
