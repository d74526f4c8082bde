#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "koushi/field/action_on_arrays.hpp"
#include "koushi/field/path_options.hpp"
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
  /// The array of the configuration: another one written to it is what action() and measure() then see.
  const FieldArray& array() const { return field_; }
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
  bool mid_points = false;       ///< all but the time derivative at the middle of steps in time (midpoint_kernel.hpp)
};
std::unique_ptr<ScalarTheory> make_quartic_theory(const Grid& grid, const QuarticOptions& options);

/// S = sum_x { 1/2 sum_mu (phi(x + mu) - phi(x))^2 + mass_squared / beta^2 (1 - cos beta phi) }
/// Source      S. Coleman, Phys. Rev. D 11, 2088 (1975)
std::unique_ptr<ScalarTheory> make_sine_gordon_theory(const Grid& grid, double mass_squared, double beta);

/// A path; one direction. Its ends, where fixed, stand in the halo of its array.
std::unique_ptr<ScalarTheory> make_path_theory(const Grid& grid, const PathOptions& options);

}  // namespace koushi
