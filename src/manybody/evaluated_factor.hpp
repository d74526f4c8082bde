#pragma once

#include <complex>
#include <memory>
#include <vector>

#include "koushi/manybody/factor.hpp"

namespace koushi {

/// log psi_f of states, from scratch. Calls come from many threads at once.
class Amplitudes {
 public:
  explicit Amplitudes(Space space) : space_(std::move(space)) {}
  virtual ~Amplitudes() = default;
  const Space& space() const { return space_; }
  /// States that are evaluated together. No number of a state depends on the others.
  virtual int at_once() const = 0;
  /// log psi_f of up to at_once() states.
  virtual void log_psi(const HostState* states, int count, std::complex<double>* to) const = 0;

 private:
  Space space_;
};

/// body(first, count) for blocks of `at_once` of these many states, shared by the threads of the host.
template <typename Body>
void for_blocks_of_states(const char* label, int states, int at_once, const Body& body) {
  Kokkos::parallel_for(label,
                       Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>(
                           0, (states + at_once - 1) / at_once)
                           .set_chunk_size(1),
                       [&](int b) { body(b * at_once, std::min(at_once, states - b * at_once)); });
}

/// A factor whose amplitudes are evaluated from scratch for every move, many walkers at once, on the host: its tables
/// hold log psi_f(x) alone.
class EvaluatedFactor : public Factor {
 public:
  int columns() const override;
  void refresh(const HostState& state, double* table) const override;
  std::complex<double> log_amplitude(const HostState& state) const override;
  void refresh_all(const HostStates& states, const RealRows::host_mirror_type& table, int first) const override;
  void add_log_amplitudes(const HostStates& states, std::complex<double>* sums) const override;
  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& list, const MoveList& on_device,
                                     int first) const override;

 protected:
  /// With the present parameters, which it keeps.
  virtual std::shared_ptr<const Amplitudes> amplitudes() const = 0;
};

}  // namespace koushi
