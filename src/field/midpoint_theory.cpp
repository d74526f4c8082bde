#include "midpoint_theory.hpp"

#include "koushi/field/midpoint_kernel.hpp"
#include "koushi/field/scalar_field.hpp"

namespace koushi {

namespace {

template <int n>
std::unique_ptr<ScalarTheory> midpoint_quartic(const Grid& grid, const QuarticOptions& options) {
  const QuarticSite site{options.quadratic, options.quartic};
  const MidpointInTime bond{options.stiffness};
  return in_dimension(grid, [&](auto d) {
    return make_accelerated<ScalarField<QuarticSite, MidpointInTime, n, d.value>>(options.stiffness, options.mass, grid,
                                                                                  site, bond);
  });
}

}  // namespace

std::unique_ptr<ScalarTheory> make_midpoint_quartic(const Grid& grid, const QuarticOptions& options) {
  switch (options.components) {
    case 1:
      return midpoint_quartic<1>(grid, options);
    case 2:
      return midpoint_quartic<2>(grid, options);
    case 3:
      return midpoint_quartic<3>(grid, options);
    default:
      return midpoint_quartic<4>(grid, options);
  }
}

}  // namespace koushi
