#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// How (S + lambda) delta = F is solved; the three agree to the solver tolerance.
///   dense         P x P matrix, Cholesky: few parameters
///   sample_space  n x n Gram matrix, Cholesky (MinSR): few samples
///   matrix_free   a Krylov method in parameter space: otherwise
///   automatic     automatic_route()
enum class SrRoute { automatic, matrix_free, dense, sample_space };

struct SrOptions {
  SrRoute route = SrRoute::automatic;
  double shift_absolute = 1e-6;
  double shift_relative = 1e-3;
  double shift_diagonal = 0;     ///< not in the sample space
  double momentum = 0;           ///< mu
  std::vector<double> previous;  ///< delta' of the step before; empty: there is none
  double tolerance = 1e-8;
  int max_iterations = 2000;
  std::string petsc_options;  ///< as "-sr_ksp_type minres"; taken once, at the first solve of the process
};

struct SrReport {
  SrRoute route = SrRoute::automatic;
  int iterations = 0;
  double residual =
      0;  ///< |(S + lambda) delta - F - lambda mu delta'| / |F - mu S delta'|, computed afterwards with the operator
  double shift = 0;            ///< lambda, without what shift_diagonal adds
  double trace = 0;            ///< tr S
  std::int64_t equations = 0;  ///< real rows of Obar: n where O is real, else 2 n; S has rank < equations
  double distance = 0;         ///< sqrt(delta^T S delta): how far psi moves for eta = 1, in the Fubini-Study metric
};

/// The direct route with the smaller matrix, which is also the one with fewer flops, p n min(p, n) + min(p, n)^3 / 3
/// with p columns of O and n equations (samples; twice as many where O is complex but not holomorphic); matrix_free
/// where both matrices are too large. A Krylov method would need hundreds of iterations of 2 p n, and these wait for
/// memory. one_shift: lambda is the same for all parameters, without which there is no space of the samples.
SrRoute automatic_route(std::int64_t columns, std::int64_t equations, bool one_shift = true);

/// Stochastic reconfiguration: the step of imaginary- or real-time evolution projected on the variational manifold.
///
///   S = Obar^dagger Obar,  F = phase Obar^dagger ebar   (real parts where O is not holomorphic)
///   Obar_s = sqrt(w_s) (O_s - sum w O),  ebar_s = sqrt(w_s) (E_s - sum w E)
///   (S + lambda) delta = F + lambda mu delta',  lambda = absolute + relative tr S / P + diagonal S_kk of parameter k
///
/// A part of S_kk on the diagonal treats parameters alike whatever they are measured in, which a part of tr S does not.
///
/// Imaginary time, d psi / d tau = -(H - E) psi: phase 1, theta <- theta - eta delta.
/// Real time, d psi / dt = -i (H - E) psi: phase -i, theta <- theta + eta delta. This is McLachlan's principle, the
///   minimum of |sum_k O_k dtheta_k/dt + i (H - E)|: where the parameters are real, F = Re(-i Obar^dagger ebar)
///   = Im(Obar^dagger ebar), and real parameters of a real O move only as far as Im ebar tells them.
///
/// The shift pulls delta towards mu times what it was in the step before, not towards zero: directions that the samples
/// of one step do not show keep what earlier samples said of them. It is solved as delta = mu delta' + x, (S + lambda)
/// x = Obar^dagger (phase ebar - mu Obar delta').
///
/// Shapes      weights, residuals: [rows.count] local, sum of all weights 1; delta: [P] replicated
/// Collective  every call but report(). By default all solves are replicated and all sums in a fixed order: the result
///             is bitwise independent of the ranks
/// PETSc       a KSP with the options prefix "sr_", e.g. -sr_ksp_type minres -sr_ksp_monitor, -sr_mat_type scalapack
/// Errors      NumericalError if the energies or the solution are not finite or S + lambda is singular; UsageError for
///             options that PETSc does not know or use; LibraryError
/// Source      S. Sorella, Phys. Rev. Lett. 80, 4558 (1998); A. Chen, M. Heyl, Nat. Phys. 20, 1476 (2024) (sample
///             space); G. Goldshlager, N. Abrahamsen, L. Lin, J. Comput. Phys. 516, 113351 (2024) (momentum: SPRING);
///             A. McLachlan, Mol. Phys. 8, 39 (1964), X. Yuan et al., Quantum 3, 191 (2019) (real time)
class StochasticReconfiguration {
 public:
  /// `comm` and `rows` must live as long as this.
  StochasticReconfiguration(const Communicator& comm, const DistributedRows& rows, const ConstHostReals& weights,
                            SrOptions options);
  ~StochasticReconfiguration();
  StochasticReconfiguration(const StochasticReconfiguration&) = delete;
  StochasticReconfiguration& operator=(const StochasticReconfiguration&) = delete;

  /// delta for the residuals E_s, local energies or what else psi is to follow; their mean is taken off here.
  std::vector<double> solve(const ConstHostComplexes& residuals, std::complex<double> phase = 1.0);
  /// The distance sqrt(delta^T S delta) of any step.
  double distance(const std::vector<double>& delta) const;
  /// The report of the last solve.
  const SrReport& report() const { return report_; }

 private:
  std::vector<double> solution(const std::vector<std::complex<double>>& residual, const std::vector<double>& force);

  class Rows;
  std::unique_ptr<Rows> rows_;
  SrOptions options_;
  SrReport report_;
  std::vector<double> shifts_;  ///< of the columns
};

/// One solve with phase 1.
std::vector<double> solve_stochastic_reconfiguration(const Communicator& comm, const DistributedRows& rows,
                                                     const std::vector<double>& weights,
                                                     const std::vector<std::complex<double>>& energies,
                                                     const SrOptions& options, SrReport& report);

}  // namespace koushi
