#pragma once

#include <string>
#include <vector>

#include "koushi/field/field_theory.hpp"

namespace koushi {

/// Appends for one replica what follows from its order parameter M = sum over sites, given as sums over slices
/// [component][t]: magnetization |M|/V and its powers, |M(k)|^2/V at the smallest momenta of the first direction but 0,
/// correlator sum_t M(t).M(t + tau) / V, and of the first component the mean and, where the first
/// direction is not periodic, the sums over slices.
void append_order_parameter(const double* slices, int components, const Grid& grid, Measured& out);

/// correlator[tau] += 1/V sum_t a(t) a(t + tau), tau = 0 ... T/2, around the lattice with the sign of its boundary
/// along the first direction; across an open one only pairs within the lattice count, scaled by T / (T - tau) to their
/// mean.
void add_correlation(const double* slice, const Grid& grid, std::vector<double>& correlator);

/// Appends G(t) of a measured series, and arccosh of (G(t - 1) + G(t + 1)) / (2 G(t)) per time. What is subtracted from
/// G(t) is `means` times <phi(0)><phi(t)> of the first component, `means` being the factor from it to all components;
/// 0: nothing. Where the slices differ, each has its own mean, and these are paired as the fields are.
void append_correlator_curves(const Grid& grid, double spacing, const std::string& series, const std::string& energy,
                              const std::string& help, double means, std::vector<Curve>& all);

/// The observables magnetization, susceptibility, susceptibility_connected, binder, and correlation_length where the
/// lattice has the momenta for it. Formulas: docs/conventions.md.
std::vector<Observable> order_observables(const Grid& grid);

/// The curves correlator and effective_mass; `spacing` is the time between two slices, `means` the factor from <phi>^2
/// of the first component to that of all.
std::vector<Curve> order_curves(const Grid& grid, double spacing, double means = 1);

}  // namespace koushi
