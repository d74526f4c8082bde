#pragma once

#include <complex>
#include <vector>

#include "koushi/field/contour_action.hpp"

namespace koushi {

/// A number by sums over a grid of x, with its change from a coarser and narrower grid.
struct GridValue {
  std::complex<double> value;
  double change = 0;
};

/// <to| prod e^{-iaH} |from> of the lattice by waves on a ring of x: V by phases at points, e^{-iap^2/2} between the waves
/// of the ring; what leaves is taken out at its rim. For rules that take V at points.
/// Cost        points^2 steps flops, 2048 and 2560 points
/// Errors      UsageError for the mid-point rule
GridValue packet_by_grid(const PathOptions& path, int steps, const WavePacket& from, const WavePacket& to);

/// What a closed path in complex time gives exactly.
struct ThermalGrid {
  GridValue trace;                              ///< Z = Tr prod_k e^{-epsilon_k H}
  std::vector<GridValue> correlator;            ///< <x_k x_0>, k = 0 ... real_steps
  std::vector<std::complex<double>> continuum;  ///< <x(t) x(0)> of H itself at the same times
};

/// The same by matrices between points of a grid; the first `real_steps` of the steps go forward in time.
/// For rules that take V at points, and V that rises on both sides.
/// Cost        (2 real_steps + steps) points^3 flops, 300 and 360 points
/// Errors      UsageError for the mid-point rule
ThermalGrid thermal_by_grid(const PathOptions& path, const std::vector<std::complex<double>>& steps, int real_steps,
                            double beta);

}  // namespace koushi
