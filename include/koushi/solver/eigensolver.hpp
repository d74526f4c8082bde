#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/hermitian_operator.hpp"

namespace koushi {

struct EigensolverOptions {
  int levels = 1;
  double tolerance = 1e-9;         ///< of |H v - E v|, in units of |H|
  std::int64_t dense_up_to = 400;  ///< rows; above, Krylov vectors
  bool searches_again = true;      ///< for levels that the first search missed, as those of degenerate states
  int max_iterations = 10000;      ///< restarts
  std::string petsc_options{};     ///< of SLEPc, as "-exact_eps_monitor"
};

struct Eigenstate {
  double value = 0;
  double residual = 0;         ///< |H v - E v|
  std::vector<double> vector;  ///< the rows of this rank, interleaved (re, im) where H is complex; of norm 1
};

/// The lowest eigenvalues of a hermitian operator with their vectors, ascending, each as often as it is degenerate.
///
/// Small operators are diagonalised densely. Others go to the Krylov-Schur method of SLEPc, to whose EPS options with
/// the prefix `exact_` go. A Krylov space of one vector holds one state of each level, so the search is repeated in the
/// space orthogonal to what was found until it finds nothing below the last level. Complex operators are searched in
/// the real form, where v and i v are two vectors: both are taken out of later searches.
/// Collective  yes
/// Errors      NumericalError where it does not converge; LibraryError
std::vector<Eigenstate> lowest_eigenstates(const Communicator& comm, const HermitianOperator& op,
                                           const EigensolverOptions& options);

}  // namespace koushi
