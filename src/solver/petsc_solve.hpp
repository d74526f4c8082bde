#pragma once

#include <string>
#include <vector>

#include "koushi/solver/stochastic_reconfiguration.hpp"
#include "sr_systems.hpp"

namespace koushi {

/// Puts options into PETSc's database, once in a process: those of the solver, with the prefix -sr_, and -log_view.
/// From then on only the root of `comm` prints what PETSc says of replicated objects.
/// Errors  UsageError where PETSc cannot read them or they are others
void take_petsc_options(const Communicator& comm, const std::string& text);

/// The solution of a system by a KSP with the prefix sr_.
///
/// direct: PREONLY and the PC koushi-cholesky, else CG without one; options of PETSc change it.
/// -sr_mat_type   shell      the system as it is: products, tiles, diagonal (default)
///                dense      its entries on every rank, and LAPACK's Cholesky factorisation
///                scalapack  its entries and its vectors spread over the run's ranks, and ScaLAPACK's factorisation
/// Collective  yes; with the first two PETSc's objects are replicated
/// Errors      UsageError, NumericalError, LibraryError
std::vector<double> petsc_solve(const SrSystem& system, bool direct, const std::vector<double>& right,
                                const SrOptions& options, int& iterations);

}  // namespace koushi
