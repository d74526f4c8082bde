#pragma once

#include <memory>
#include <vector>

#include "koushi/field/field_theory.hpp"

namespace koushi {

/// Classical spins with S = beta H, H = - sum_b J_b f(s, s') - h sum g(s), J per distance shell of the hypercubic
/// lattice.
///   vector  unit vectors of n = 1 (Ising), 2 (XY), 3 or 4 components: f = s.s', g = s_1
///   clock   n = 2, angles 2 pi k / states
///   potts   k = 0 ... states - 1: f = [s = s'], g = [s = 0]
/// Source  clusters: U. Wolff, Phys. Rev. Lett. 62, 361 (1989); R. H. Swendsen, J.-S. Wang, Phys. Rev. Lett. 58, 86
///         (1987)
struct SpinModel {
  enum class Kind { vector, clock, potts };
  Kind kind = Kind::vector;
  int components = 1;
  int states = 2;
  double beta = 1;
  std::vector<double> J{1.0};  ///< per shell, at most 3
  double field = 0;            ///< h
};

/// Longest step in one direction that the shells take.
int spin_range(const SpinModel& model, int dimension);

/// Series and observables: energy_per_site, bond, magnetization, susceptibility ...: see observables().
/// Errors  UsageError: more shells than 3, fewer than 2 states, components other than 1 to 4
std::unique_ptr<FieldTheory> make_spin_theory(const Grid& grid, const SpinModel& model);

}  // namespace koushi
