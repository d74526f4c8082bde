#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// How (S + lambda) delta = F is solved; the three agree to the solver tolerance.
///   dense         P x P matrix, Cholesky: few parameters
///   sample_space  n x n Gram matrix, Cholesky (MinSR): few samples
///   matrix_free   MATSHELL and a Krylov method in parameter space: otherwise
///   automatic     automatic_route()
enum class SrRoute { automatic, matrix_free, dense, sample_space };

struct SrOptions {
  SrRoute route = SrRoute::automatic;
  double shift_absolute = 1e-6;
  double shift_relative = 1e-3;
  double momentum = 0;           ///< mu
  std::vector<double> previous;  ///< delta' of the step before; empty: there is none
  double tolerance = 1e-8;
  int max_iterations = 2000;
  std::string petsc_options;  ///< as "-sr_ksp_type minres"; taken once, at the first solve of the process
};

struct SrReport {
  SrRoute route = SrRoute::automatic;
  int iterations = 0;
  /// |(S + lambda) delta - F - lambda mu delta'| / |F - mu S delta'|, computed afterwards with the operator
  double residual = 0;
  double shift = 0;            ///< lambda
  double trace = 0;            ///< tr S
  std::int64_t equations = 0;  ///< real rows of Obar: n where O is real, else 2 n; S has rank < equations
  double distance = 0;         ///< sqrt(delta^T S delta): how far psi moves for eta = 1, in the Fubini-Study metric
};

/// The direct route with the smaller matrix, which is also the one with fewer flops, p n min(p, n) + min(p, n)^3 / 3
/// with p columns of O and n equations (samples; twice as many where O is complex but not holomorphic); matrix_free
/// where both matrices are too large. A Krylov method would need hundreds of iterations of 2 p n, and these wait for
/// memory.
SrRoute automatic_route(std::int64_t columns, std::int64_t equations);

/// Stochastic reconfiguration: the step of imaginary-time evolution projected on the variational manifold.
///
///   S = Obar^dagger Obar,  F = Obar^dagger ebar   (real parts where O is not holomorphic)
///   Obar_s = sqrt(w_s) (O_s - sum w O),  ebar_s = sqrt(w_s) (E_s - sum w E)
///   (S + lambda) delta = F + lambda mu delta',  lambda = absolute + relative tr S / P;   the caller does theta <-
///   theta - eta delta
///
/// The shift pulls delta towards mu times what it was in the step before, not towards zero: directions that the samples
/// of one step do not show keep what earlier samples said of them. It is solved as delta = mu delta' + x, (S + lambda)
/// x = Obar^dagger (ebar - mu Obar delta').
///
/// Shapes      weights, energies: [rows.count] local, sum of all weights 1; delta: [P] replicated
/// Collective  yes. All solves are replicated, all sums in a fixed order: the result is bitwise independent of the
///             ranks.
/// PETSc       options prefix "sr_", e.g. -sr_ksp_type minres -sr_ksp_monitor
/// Errors      NumericalError if the energies or the solution are not finite or S + lambda is singular; LibraryError
/// Source      S. Sorella, Phys. Rev. Lett. 80, 4558 (1998); A. Chen, M. Heyl, Nat. Phys. 20, 1476 (2024) (sample
///             space);
///         G. Goldshlager, N. Abrahamsen, L. Lin, J. Comput. Phys. 516, 113351 (2024) (momentum: SPRING)
std::vector<double> solve_stochastic_reconfiguration(const Communicator& comm, const DistributedRows& rows,
                                                     const std::vector<double>& weights,
                                                     const std::vector<std::complex<double>>& energies,
                                                     const SrOptions& options, SrReport& report);

}  // namespace koushi
