#pragma once

#include <vector>

#include "koushi/field/field_theory.hpp"

namespace koushi {

/// Appends for one replica what follows from its order parameter M = sum over sites, given as sums over slices [component][t]:
/// magnetization |M|/V and its powers, |M(k)|^2/V at the smallest momentum of the first direction, correlator
/// sum_t M(t).M(t + tau) / V, and the mean of the first component.
void append_order_parameter(const double* slices, int components, int length, double volume, Measured& out);

/// magnetization, susceptibility, susceptibility_connected, binder, correlation_length. Formulas: docs/conventions.md.
std::vector<Observable> order_observables(const Grid& grid);

/// correlator and effective_mass; `spacing` is the time between two slices.
std::vector<Curve> order_curves(const Grid& grid, double spacing);

}  // namespace koushi
