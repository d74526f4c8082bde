#include <fmt/format.h>

#include <algorithm>

#include "../hmc_updater.hpp"

namespace koushi {

namespace {

struct FourierHmcOptions : HmcOptions {
  FourierHmcOptions() { length = 1.5; }  // a quarter of a period, if all modes have the frequency 1
  std::optional<double> acceleration_mass;
};

/// The mass of the modes: as the deck says, that of a spectrum that is known, or 4 over the longest extent.
double acceleration_mass(const DeckSection& section, const FourierHmcOptions& options,
                         const FourierAcceleration& fourier, const Grid& grid) {
  const GridOptions& lattice = grid.options();
  if (std::any_of(lattice.boundary.begin(), lattice.boundary.end(),
                  [](Boundary b) { return b != Boundary::periodic; })) {
    section.refuse("kind", "momenta have Fourier modes on periodic lattices only",
                   "lattice.boundary = [\"periodic\"], or kind = \"hmc\"");
  }
  if (grid.decomposed() && grid.dimension() == 1) {
    section.refuse("kind", "Fourier transforms of one direction that ranks divide",
                   "as many replicas as ranks, or kind = \"hmc\"");
  }
  if (options.acceleration_mass) return *options.acceleration_mass;
  return fourier.mass_of_spectrum().value_or(4.0 / *std::max_element(lattice.extents.begin(), lattice.extents.end()));
}

}  // namespace

UpdaterKinds::OneKind fourier_hmc_kind() {
  static const Keys<FourierHmcOptions> keys = trajectory_keys<FourierHmcOptions>().real(
      "acceleration_mass", &FourierHmcOptions::acceleration_mass, {positive_number},
      "m of the masses 2 stiffness (k_hat^2 + m^2) of Fourier modes, near the mass in the spectrum; if not given: that "
      "of a free field or sine-Gordon, else 4 over the longest extent");
  return {"fourier-hmc",
          "hybrid Monte Carlo whose Fourier modes have masses that make them equally fast: scalar fields and paths, "
          "periodic",
          keys.list(), [](const DeckSection& section) {
            const FourierHmcOptions options = keys.read(section);
            return FieldUpdate{.repetitions = options.repetitions,
                               .arrays = 1,   // velocities
                               .numbers = 1,  // the buffer of the transforms
                               .undivided_line = true,
                               .suits = has<FourierAcceleration>,
                               .make = [section, options](FieldTheory& theory) {
                                 const auto& fourier = needed<FourierAcceleration>(section, theory);
                                 const double mass = acceleration_mass(section, options, fourier, theory.grid());
                                 return make_hmc_updater(section, theory, options, mass,
                                                         fmt::format("fourier-hmc, acceleration mass {:.4g}", mass));
                               }};
          }};
}

}  // namespace koushi
