#pragma once

#include <cstdint>
#include <vector>

#include "koushi/manybody/operator.hpp"

namespace koushi {

/// Whether every site has a spin: spins alone, electrons up and down, or both.
bool has_spins(const Space& space);

/// + weight S_i.S_j, without the constant S (S + 1) where i = j is a spin alone.
///
///   spins        S_i.S_j = S^z_i S^z_j + 1/2 (S^+_i S^-_j + h.c.), times -1 in the second term where `turned`: a Marshall
///                rotation turns one of them
///   electrons    S^+_j S^-_i = - (c^dagger_j,up c_i,up) (c^dagger_i,down c_j,down), S_i^2 = 3/4 (n_i - 2 n_i,up n_i,down)
void add_spin_product(Operator& to, int i, int j, double weight, bool turned);

/// S (S + 1) of the spin of one site; 0 for electrons.
double square_of_spin(const Space& space);

/// (sum_i S_i)^2 on the states of a sector, for spins alone or electrons alone.
Operator total_spin_squared(const Space& space);

}  // namespace koushi
