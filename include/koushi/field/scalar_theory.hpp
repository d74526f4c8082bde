#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "koushi/field/action_on_arrays.hpp"
#include "koushi/field/real_field.hpp"

namespace koushi {

/// A scalar field on sites: what every theory of one can do. scalar_field.hpp makes theories of potentials and bonds.
class ScalarTheory : public RealDynamics,
                     public LocalUpdates,
                     public ForceGradient,
                     public SliceCorrelators,
                     public ForceOnArrays {
 public:
  using RealDynamics::RealDynamics;
};

/// S = sum_x { stiffness sum_mu |phi(x + mu) - phi(x)|^2 + quadratic |phi|^2 + quartic |phi|^4 }, phi with 1 to 4 real
/// components.
///
/// Series      action, phi2, phi4, virial (sum phi dS/dphi), magnetization ..., correlator: see observables()
/// Source      I. Montvay, G. Muenster, Quantum Fields on a Lattice (1994), sec. 2.1
struct QuarticOptions {
  int components = 1;
  double stiffness = 1;
  double quadratic = 0;
  double quartic = 0;
  std::optional<double> mass{};  ///< in the spectrum, where it is known
};
std::unique_ptr<ScalarTheory> make_quartic_theory(const Grid& grid, const QuarticOptions& options);

/// S = sum_x { 1/2 sum_mu (phi(x + mu) - phi(x))^2 + mass_squared / beta^2 (1 - cos beta phi) }
/// Source      S. Coleman, Phys. Rev. D 11, 2088 (1975)
std::unique_ptr<ScalarTheory> make_sine_gordon_theory(const Grid& grid, double mass_squared, double beta);

/// Where the potential of a path is taken: at the points; at the middle of two; half at each end of a step (the same as
/// the first on a ring).
enum class PathRule { end_point, mid_point, symmetrised };

/// A quantum-mechanical path of mass 1 in d = 1: S = sum_i { (x_{i+1} - x_i)^2 / (2 a) + a V(x) }, V = sum_k
/// potential[k] x^k, k = 1 ... 8.
/// Source      M. Creutz, B. Freedman, Ann. Phys. 132, 427 (1981)
struct PathOptions {
  double spacing = 1;             ///< a
  std::vector<double> potential;  ///< [k]; potential[0] is not used
  PathRule rule = PathRule::end_point;
  double ends[2] = {0, 0};  ///< x before the first and behind the last point, where the boundary is fixed
  double gap_time = 0;      ///< t of the gaps, see PathLevels; 0: from V
};
std::unique_ptr<ScalarTheory> make_path_theory(const Grid& grid, const PathOptions& options);

}  // namespace koushi
