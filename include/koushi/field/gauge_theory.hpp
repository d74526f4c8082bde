#pragma once

#include <memory>

#include "koushi/field/field_theory.hpp"

namespace koushi {

enum class GaugeGroup { u1, su2, su3 };
enum class Smearing { none, ape, stout };

struct GaugeOptions {
  GaugeGroup group = GaugeGroup::su3;
  double beta = 1;
  /// c_1, weight of the rectangles: -1/12 (Luescher-Weisz, tree level), -0.331 (Iwasaki); c_0 = 1 - 8 c_1.
  double rectangle = 0;
  int loops = 2;         ///< links on a side of the Wilson loops in all planes, at most 4 and the grid's range
  double flow_time = 0;  ///< to which the gradient flow is followed at every measurement; 0: not at all
  double flow_step = 0.02;
  int static_loops = 0;                ///< links on a side of loops for the static potential; 0: none
  Smearing smearing = Smearing::none;  ///< of the spatial links of those loops
  int smearing_steps = 10;
  double smearing_weight = 0.5;
};

/// S = beta [ c_0 sum_P (1 - Re tr U_P / N) + c_1 sum_R (1 - Re tr U_R / N) ] of links in 2 to 4 directions, P
/// plaquettes and R rectangles of 1 x 2 links, c_0 + 8 c_1 = 1; loops across an open end are left out.
///
/// Series   action_density, plaquette, wilson_loops [R][T] up to 4 x 4 and the grid's range; in two directions of U(1)
///          topological_charge; flow_energy [t] (clover) and, in four directions of SU(N), topological_charge of the
///          clover at the end of the flow; static_loops [R][T]
/// Can      molecular dynamics (momenta p_a of T_a with tr T_a T_b = 1/2), heatbath, overrelaxation and local updates
///          by directions and colours
/// Flow     dV/dt = - 2 T_a Im tr(T_a V A) i V with the staples A of plaquettes, by the third-order Runge-Kutta scheme
///          of Luescher
/// Errors   UsageError: one direction, an antiperiodic boundary, a range of the grid that is shorter than the loops
/// Source   K. G. Wilson, Phys. Rev. D 10, 2445 (1974); M. Luescher, JHEP 08 (2010) 071
std::unique_ptr<FieldTheory> make_gauge_theory(const Grid& grid, const GaugeOptions& options);

}  // namespace koushi
