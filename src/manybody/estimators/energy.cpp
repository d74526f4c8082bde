#include "koushi/manybody/estimator.hpp"

#include <functional>
#include <utility>

namespace koushi {

namespace {

/// Real and imaginary parts side by side.
struct SplitEnergies {
  Kokkos::View<Complex*> energies;
  StateNumbers numbers;
  KOKKOS_FUNCTION void operator()(int s) const {
    numbers(s, 0) = energies(s).real();
    numbers(s, 1) = energies(s).imag();
  }
};

/// The local energy E_loc(x) = sum_x' H_xx' psi(x') / psi(x): its mean is E, real, and |E_loc - E|^2 has the variance of
/// H as its mean.
///
/// Series      energy: Re E_loc, Im E_loc
/// Cost        a ratio of amplitudes per off-diagonal element
class Energy final : public Estimator {
 public:
  Energy(const Lattice& lattice, const Operator& hamiltonian)
      : n_sites_(lattice.n_sites()), terms_(make_terms(hamiltonian)) {}

  std::vector<SeriesInfo> series() const override { return {{"energy", 2, "J", "$E_\\mathrm{loc}$"}}; }

  void measure(const Kokkos::DefaultExecutionSpace& space, const Wavefunction&, const MoveSet& moves,
               const Batch& states, const StateNumbers& numbers) const override {
    const Kokkos::View<Complex*> energies("koushi::manybody::local_energies", numbers.extent(0));
    moves.local_energies(space, terms_, states, energies);
    const int n = static_cast<int>(numbers.extent(0));
    Kokkos::parallel_for("koushi::manybody::split_energies",
                         Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, n),
                         SplitEnergies{energies, numbers});
  }

  std::vector<Observable> observables() const override {
    const double n = n_sites_;
    const auto mean = [](const std::string& name, const std::string& symbol,
                         std::function<double(const std::vector<double>&)> value) {
      return Observable{.name = name,
                        .help = "mean at fixed parameters",
                        .series = {{"energy", 0}},
                        .value = std::move(value),
                        .unit = "J",
                        .symbol = symbol,
                        .imaginary = SeriesColumn{"energy", 1}};
    };
    return {mean("energy", "$E$", nullptr),
            mean("energy_per_site", "$E / N$", [n](const std::vector<double>& x) { return x[0] / n; })};
  }

 private:
  int n_sites_;
  Terms terms_;
};

}  // namespace

EstimatorKinds::OneKind energy_kind() {
  return {"energy",
          "energy and energy per site; always measured",
          {},
          [](const DeckSection&, const Lattice& lattice, const Operator& hamiltonian) {
            return std::make_unique<Energy>(lattice, hamiltonian);
          }};
}

}  // namespace koushi
