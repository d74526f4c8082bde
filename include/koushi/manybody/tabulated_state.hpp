#pragma once

#include <memory>
#include <vector>

#include "koushi/manybody/sector_basis.hpp"
#include "koushi/manybody/wavefunction.hpp"

namespace koushi {

/// A state of a sector by its coefficients as a wavefunction without parameters, so that every estimator can measure it:
///
///   psi(x) = sum_r c_r <x|r~>
///
/// coefficients: c_r of all states of the basis, interleaved (re, im) where `is_complex`.
/// Cost    an amplitude: the images of a state under the whole group; the coefficients are kept by every rank
std::unique_ptr<Wavefunction> make_tabulated_state(SectorBasis basis, std::vector<double> coefficients,
                                                   bool is_complex);

}  // namespace koushi
