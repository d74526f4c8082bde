#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "koushi/manybody/factor.hpp"

namespace koushi {

/// What the visible units are: what every place holds, from -1 to 1; of electrons also n_up + n_down - 1 of every site, or
/// n_up - n_down.
enum class RbmInputs { places, charges, spins };

struct RbmOptions {
  bool complex_weights = false;
  int density = 1;                           ///< hidden units per site
  bool visible_bias = false;                 ///< a_i; with a symmetry, one per orbit of sites
  std::vector<std::vector<int>> symmetry;    ///< permutations of the sites, identity first; empty: none
  std::vector<std::vector<int>> projection;  ///< a group over whose elements psi is summed; empty: none
  RbmInputs inputs = RbmInputs::places;
  double width = 0.01;  ///< standard deviation of initial parameters (each of re, im)
  std::uint64_t seed = 1;
  std::uint64_t stream = 0;  ///< of the random numbers of the initial parameters: another for every factor
};

/// Restricted Boltzmann machine.
///
///   log psi(s) = sum_i a_i s_i + sum_j ln cosh theta_j,   theta_j = b_j + sum_i s_i W_ij
///
/// s_i is what place i holds, or (s_up + s_down) / 2 of site i, or (s_up - s_down) / 2 (`inputs`).
/// With a symmetry group G, hidden unit (f, g) has b = b_f and W_{g(k), (f,g)} = w_fk: `density` * n_sites / |G|
/// filters (at least one, rounded up), so log psi(g s) = log psi(s). With a projection group P, psi(s) = sum_c psi_0(c
/// s), psi_0 as above and c of P, one of each coset c G: psi is invariant under P. The bias a is then one per orbit of
/// P and G, so that it is a factor of the sum.
/// Parameters  [a][b][w: filter slow, site fast], complex ones interleaved (re, im); a smaller density's can be
///             embedded
/// Source      G. Carleo, M. Troyer, Science 355, 602 (2017), eqs. (2) and (S10); projection: Y. Nomura, J. Phys.:
///             Condens. Matter 33, 174003 (2021); charges and spins: Y. Nomura, A. S. Darmawan, Y. Yamaji, M. Imada,
///             Phys. Rev. B 96, 205152 (2017)
std::unique_ptr<Factor> make_rbm(const Space& space, const RbmOptions& options);

}  // namespace koushi
