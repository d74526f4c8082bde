#pragma once

#include <memory>

#include "koushi/field/field_theory.hpp"

namespace koushi {

enum class GaugeGroup { u1, su2, su3 };

/// Wilson's action S = beta sum_P (1 - Re tr U_P / N) of links in 2 to 4 directions; plaquettes across an open end are left out.
///
/// Series      action_density, plaquette, wilson_loops [R][T] up to 4 x 4 and the grid's range; in two directions of U(1) topological_charge
/// Updates     hmc (momenta p_a of T_a with tr T_a T_b = 1/2), heatbath, overrelaxation, metropolis, by directions and colours
/// Errors      UsageError: one direction, an antiperiodic boundary
/// Source      K. G. Wilson, Phys. Rev. D 10, 2445 (1974)
std::unique_ptr<FieldTheory> make_gauge_theory(const Grid& grid, GaugeGroup group, double beta);

}  // namespace koushi
