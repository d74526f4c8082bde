#pragma once

#include "koushi/field/scalar_theory.hpp"

namespace koushi {

/// The theory of QuarticOptions with mid_points.
std::unique_ptr<ScalarTheory> make_midpoint_quartic(const Grid& grid, const QuarticOptions& options);

}  // namespace koushi
