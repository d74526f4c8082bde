#include <cmath>
#include <utility>

#include "koushi/manybody/estimator.hpp"
#include "koushi/statistics/estimate.hpp"

namespace koushi {

namespace {

/// Re E_loc, Im E_loc and |E_loc|^2 side by side.
struct SquaredEnergies {
  Kokkos::View<Complex*> energies;
  StateNumbers numbers;
  KOKKOS_FUNCTION void operator()(int s) const {
    const Complex e = energies(s);
    numbers(s, 0) = e.real();
    numbers(s, 1) = e.imag();
    numbers(s, 2) = e.real() * e.real() + e.imag() * e.imag();
  }
};

/// The variance of H in psi, <|E_loc|^2> - |<E_loc>|^2 over |psi|^2, 0 for an eigenstate, and the V-score
/// N Var / (E - E_inf)^2 (D. Wu et al., Science 386, 296 (2024)). The local energies are evaluated once more, since those of
/// the energy are kept without their squares.
///
/// Series      squared_energy: Re E_loc, Im E_loc, |E_loc|^2
/// Cost        a ratio of amplitudes per off-diagonal element
class Variance final : public Estimator {
 public:
  Variance(const Lattice& lattice, const Operator& hamiltonian)
      : n_sites_(lattice.n_sites()),
        infinite_(hamiltonian.infinite_temperature_value()),
        terms_(make_terms(hamiltonian)) {}

  std::vector<SeriesInfo> series() const override { return {{"squared_energy", 3, "J^2", "$|E_\\mathrm{loc}|^2$"}}; }

  void measure(const Kokkos::DefaultExecutionSpace& space, const Wavefunction&, const MoveSet& moves,
               const Batch& states, const StateNumbers& numbers) const override {
    const Kokkos::View<Complex*> energies("koushi::manybody::local_energies", numbers.extent(0));
    moves.local_energies(space, terms_, states, energies);
    Kokkos::parallel_for(
        "koushi::manybody::squared_energies",
        Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(numbers.extent(0))),
        SquaredEnergies{energies, numbers});
  }

  std::vector<Observable> observables() const override {
    const std::vector<SeriesColumn> columns = {{"squared_energy", 0}, {"squared_energy", 1}, {"squared_energy", 2}};
    const auto variance = [](const std::vector<double>& x) { return x[2] - x[0] * x[0] - x[1] * x[1]; };
    const int n = n_sites_;
    const double infinite = infinite_;
    return {{.name = "variance",
             .help = "<H^2> - <H>^2 at fixed parameters",
             .series = columns,
             .value = variance,
             .unit = "J^2",
             .symbol = "Var $H$"},
            {.name = "v_score",
             .help = "N Var / (E - E_inf)^2, E_inf the mean of H over all states of the sector",
             .series = columns,
             .value = [=](const std::vector<double>& x) { return v_score(n, x[0], variance(x), infinite); },
             .undefined = "E is that of the mean over all states",
             .unit = "",
             .symbol = "V-score"}};
  }

 private:
  int n_sites_;
  double infinite_;
  Terms terms_;
};

}  // namespace

EstimatorKinds::OneKind variance_kind() {
  return {"variance",
          "variance of H and V-score with their errors, for extrapolations to variance 0; evaluates the local energies "
          "once more",
          {},
          [](const DeckSection&, const Lattice& lattice, const Operator& hamiltonian) {
            return std::make_unique<Variance>(lattice, hamiltonian);
          }};
}

}  // namespace koushi
