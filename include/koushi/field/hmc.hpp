#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "koushi/field/capabilities.hpp"

namespace koushi {

/// Symmetric splittings of one step of length e, K a kick and D a drift, and their error of H:
///
///   leapfrog        K(1/2) D(1) K(1/2)                                                     e^2
///   omelyan2        K(l) D(1/2) K(1 - 2 l) D(1/2) K(l), l = 0.1931833275037836             e^2, a tenth of leapfrog's
///   omelyan4        eleven stages with five forces (4MN5FV)                                e^4
///   force-gradient  K(1/6) D(1/2) K'(2/3) D(1/2) K(1/6), K' at phi - e^2/24 dS/dphi        e^4
///
/// Source  I. P. Omelyan, I. M. Mryglod, R. Folk, Comput. Phys. Commun. 151, 272 (2003), eqs. (31), (63); T. Takaishi,
///         P. de Forcrand, Phys. Rev. E 73, 036706 (2006); S. A. Chin, Phys. Lett. A 226, 344 (1997); H. Yin,
///         R. D. Mawhinney, PoS(LATTICE 2011)051
enum class Integrator { leapfrog, omelyan2, omelyan4, force_gradient };

/// Whether an integrator wants the capability ForceGradient.
bool needs_force_gradient(Integrator integrator);

/// Integrates `steps` steps of length `step`. Errors  InternalError: a theory without the force gradient that the
/// integrator needs
void integrate(MolecularDynamics& theory, Integrator integrator, double step, int steps);

struct HmcOptions {
  Integrator integrator = Integrator::omelyan2;
  double length = 1;    ///< of a trajectory
  double jitter = 0.1;  ///< lengths are drawn from length (1 +- jitter), one for all replicas
  int steps = 10;       ///< of molecular dynamics in a trajectory of the full length
  std::uint64_t seed = 1;
  bool tune = true;          ///< the step, during the warm-up of an updater
  double acceptance = 0.85;  ///< to be reached by tuning
  int repetitions = 1;       ///< per sweep of an updater
};

struct HmcReport {
  std::vector<double> probability;    ///< min(1, e^{-dH}) of every replica here; 0 where H is not finite
  std::vector<double> energy_change;  ///< dH
};

/// One hybrid Monte Carlo trajectory of every replica: momenta, molecular dynamics, accept or go back. Takes length,
/// jitter, steps and seed of the options.
/// Source  S. Duane, A. D. Kennedy, B. J. Pendleton, D. Roweth, Phys. Lett. B 195, 216 (1987); masses of Fourier modes:
///         G. G. Batrouni et al., Phys. Rev. D 32, 2736 (1985)
HmcReport hmc_trajectory(MolecularDynamics& theory, const HmcOptions& options, std::uint64_t step);

}  // namespace koushi
