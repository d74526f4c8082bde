#pragma once

#include <vector>

#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/hermitian_operator.hpp"

namespace koushi {

/// The spectral weight of a vector, sum_j |<v|j>|^2 delta(E - E_j), by a Krylov space: as many poles as steps, with the
/// first 2 steps moments of H in v exact.
struct KrylovPoles {
  std::vector<double> energy;  ///< ascending
  std::vector<double> weight;  ///< their sum is 1
};

/// Lanczos steps from a vector (which is normalised), fewer where its Krylov space ends. Vectors are not orthogonalised
/// again: poles that come twice share their weight.
///
/// Shapes      start: [op.rows().count], or twice as many where op is complex
/// Cost        a product with H and three passes over vectors per step; three vectors of memory
/// Collective  yes
/// Errors      NumericalError where a product is not finite, or the vector is 0
/// Source      C. Lanczos, J. Res. Natl. Bur. Stand. 45, 255 (1950)
KrylovPoles krylov_poles(const Communicator& comm, const HermitianOperator& op, std::vector<double> start, int steps);

}  // namespace koushi
