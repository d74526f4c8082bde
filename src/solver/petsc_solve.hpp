#pragma once

#include <string>
#include <vector>

#include "koushi/solver/stochastic_reconfiguration.hpp"
#include "sr_systems.hpp"

namespace koushi {

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
