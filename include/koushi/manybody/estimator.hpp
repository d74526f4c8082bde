#pragma once

#include <Kokkos_Core.hpp>
#include <memory>
#include <vector>

#include "koushi/deck/kind.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/wavefunction.hpp"
#include "koushi/statistics/observable.hpp"

namespace koushi {

/// Numbers of basis states, [state][number].
using StateNumbers = Kokkos::View<double**, Kokkos::LayoutRight>;

/// What is measured of a wavefunction at fixed parameters: series of numbers per basis state of |psi|^2, and the
/// observables and curves that are estimated from their means.
class Estimator {
 public:
  virtual ~Estimator() = default;
  virtual std::vector<SeriesInfo> series() const = 0;
  /// The numbers of every state, those of all series() side by side.
  ///
  /// Shapes      numbers: [states][sum of the widths of series()]
  /// moves       all moves of the run at the parameters of psi, those of the Hamiltonian first
  virtual void measure(const Kokkos::DefaultExecutionSpace& space, const Wavefunction& psi, const MoveSet& moves,
                       const Batch& states, const StateNumbers& numbers) const = 0;
  virtual std::vector<Observable> observables() const = 0;
  virtual std::vector<Curve> curves() const { return {}; }
};

/// The names that study.measure.observables can have; keys of a kind stand below study.measure.NAME. The section that
/// an estimator is made from is that one.
using EstimatorKinds = Kinds<std::unique_ptr<Estimator>, const Lattice&, const Operator&>;
EstimatorKinds& estimators();

}  // namespace koushi
