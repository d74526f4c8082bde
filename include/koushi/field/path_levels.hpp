#pragma once

#include <vector>

#include "koushi/field/field_theory.hpp"

namespace koushi {

/// Appends what the energy levels of a closed path need: its means of x^k, k = 0 ... 3, then for tau = 1, 2 the means
/// of x^k(t) x^l(t + tau), x(t + length) = weight x(t).
void append_path_sums(const double* x, int length, double weight, std::vector<double>& out);

/// gap_1 and gap_2 = E_m - E_0 by C(2) v = e^{-a (E_m - E_0)} C(1) v, C_kl(tau) = <x^k(0) x^l(tau)>, k, l = 0 ... 3.
/// The operator 1 takes up the ground state, so nothing is subtracted; excited states beyond the fourth and the finite
/// length shift the gaps down and up.
/// Series  "path_levels" of append_path_sums
/// Source  M. Luescher, U. Wolff, Nucl. Phys. B 339, 222 (1990)
std::vector<Observable> path_gaps(double spacing);

}  // namespace koushi
