#pragma once

#include <complex>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/manybody/spin_hamiltonian.hpp"
#include "koushi/manybody/spin_kernel.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// Rows are summed over fixed blocks of this many samples; rank boundaries lie on block boundaries.
inline constexpr std::int64_t rows_per_block = 64;

/// The Hamiltonian in device arrays. Its moves are moves 0 ... n - 1 of the list of moves it is used with.
SpinTerms make_terms(const SpinHamiltonian& hamiltonian);

/// A list of moves with the parameters that the wavefunction had when it was asked for them. Calls launch one kernel
/// (spin_kernel.hpp).
class SpinMoves {
 public:
  virtual ~SpinMoves() = default;
  virtual void metropolis(const Kokkos::DefaultExecutionSpace& space, const ProposalKinds& kinds,
                          const SpinBatch& walkers, const Kokkos::View<std::int64_t* [2]>& counts,
                          const ChainRandom& random, int n_proposals) const = 0;
  virtual void local_energies(const Kokkos::DefaultExecutionSpace& space, const SpinTerms& terms,
                              const SpinBatch& walkers, const Kokkos::View<Complex*>& energies) const = 0;
  virtual void ratios(const Kokkos::DefaultExecutionSpace& space, const SpinBatch& walkers,
                      const Kokkos::View<Complex**>& ratios) const = 0;
};

/// psi(s) of spins s = +-1 on n_sites sites, with P real parameters; complex ones are interleaved (re, im).
/// Virtual calls happen once per batch. `tests/conformance` holds every registered one to the laws of these calls.
class SpinWavefunction {
 public:
  virtual ~SpinWavefunction() = default;
  virtual int n_sites() const = 0;
  virtual const std::vector<double>& parameters() const = 0;
  virtual void set_parameters(const std::vector<double>& parameters) = 0;
  /// Takes the parameters of a smaller one of its kind; what that lacks keeps its present (random) values.
  /// False, and nothing changed, if they cannot be those of such a one.
  virtual bool embed(const std::vector<double>& parameters) = 0;

  /// n basis states with room for their tables.
  virtual SpinBatch make_batch(std::int64_t n) const = 0;
  /// The tables of all states, from scratch.
  virtual void refresh(const SpinBatch& batch) const = 0;
  /// log psi(s), [n]; its imaginary part up to multiples of 2 pi.
  virtual std::vector<std::complex<double>> log_amplitudes(const SpinRows& spins) const = 0;
  virtual std::unique_ptr<SpinMoves> moves(const std::vector<SpinMove>& list) const = 0;
  /// d log psi / d theta at the samples, rows.count of them here. Keeps a reference to nothing but `comm`.
  virtual std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows,
                                                           const SpinBatch& samples) const = 0;

  /// Of log_derivatives: complex-linear in complex parameters.
  virtual bool holomorphic() const = 0;
  /// Bytes that log_derivatives keeps per sample.
  virtual double bytes_per_row() const = 0;
  /// In a few words, as "400 hidden units".
  virtual std::string description() const = 0;

  std::int64_t n_parameters() const { return static_cast<std::int64_t>(parameters().size()); }
  /// parameters += factor * delta
  void apply(double factor, const std::vector<double>& delta);
};

}  // namespace koushi
