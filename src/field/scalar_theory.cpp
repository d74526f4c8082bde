#include "koushi/field/scalar_theory.hpp"

#include <fmt/format.h>

#include "koushi/base/error.hpp"
#include "koushi/field/scalar_field.hpp"
#include "midpoint_theory.hpp"

namespace koushi {

namespace {

template <int n>
std::unique_ptr<ScalarTheory> quartic(const Grid& grid, const QuarticOptions& options) {
  const QuarticSite site{options.quadratic, options.quartic};
  const QuadraticBond bond{options.stiffness};
  if (options.mid_points) return make_midpoint_quartic(grid, options);
  return in_dimension(grid, [&](auto d) {
    using Theory = SignClusters<ScalarField<QuarticSite, QuadraticBond, n, d.value>>;
    return make_accelerated<Theory>(options.stiffness, options.mass, grid, site, bond);
  });
}

}  // namespace

std::unique_ptr<ScalarTheory> make_quartic_theory(const Grid& grid, const QuarticOptions& options) {
  switch (options.components) {
    case 1:
      return quartic<1>(grid, options);
    case 2:
      return quartic<2>(grid, options);
    case 3:
      return quartic<3>(grid, options);
    case 4:
      return quartic<4>(grid, options);
    default:
      throw UsageError(fmt::format("a field of {} components\n  expected: 1 to 4", options.components));
  }
}

}  // namespace koushi
