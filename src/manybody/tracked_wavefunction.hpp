#pragma once

#include <utility>

#include "koushi/manybody/spin_wavefunction.hpp"

namespace koushi {

/// Moves of an ansatz that keeps a table per walker: its device functor in the kernels of spin_kernel.hpp.
template <typename Functor>
class TrackedMoves final : public SpinMoves {
 public:
  explicit TrackedMoves(Functor functor) : functor_(std::move(functor)) {}
  void metropolis(const Kokkos::DefaultExecutionSpace& space, const ProposalKinds& kinds, const SpinBatch& walkers,
                  const Kokkos::View<std::int64_t* [2]>& counts, const ChainRandom& random,
                  int n_proposals) const override {
    koushi::metropolis(space, functor_, kinds, walkers, counts, random, n_proposals);
  }
  void local_energies(const Kokkos::DefaultExecutionSpace& space, const SpinTerms& terms, const SpinBatch& walkers,
                      const Kokkos::View<Complex*>& energies) const override {
    koushi::local_energies(space, functor_, terms, walkers, energies);
  }
  void ratios(const Kokkos::DefaultExecutionSpace& space, const SpinBatch& walkers,
              const Kokkos::View<Complex**>& ratios) const override {
    move_ratios(space, functor_, walkers, ratios);
  }

 private:
  Functor functor_;
};

/// A concrete ansatz (Rbm) as a SpinWavefunction. The ansatz has the calls used here, without virtual ones.
template <typename Ansatz>
class TrackedWavefunction final : public SpinWavefunction {
 public:
  explicit TrackedWavefunction(Ansatz ansatz) : ansatz_(std::move(ansatz)) {}
  int n_sites() const override { return ansatz_.n_sites(); }
  const std::vector<double>& parameters() const override { return ansatz_.parameters(); }
  void set_parameters(const std::vector<double>& parameters) override { ansatz_.set_parameters(parameters); }
  bool embed(const std::vector<double>& parameters) override { return ansatz_.embed(parameters); }
  void refresh(const SpinBatch& batch) const override { ansatz_.refresh(batch); }
  bool holomorphic() const override { return ansatz_.holomorphic(); }
  double bytes_per_row() const override { return ansatz_.bytes_per_row(); }
  std::string description() const override { return ansatz_.description(); }

  SpinBatch make_batch(std::int64_t n) const override {
    const auto rows = static_cast<std::size_t>(n);
    return {SpinRows("koushi::manybody::spins", rows, static_cast<std::size_t>(ansatz_.n_sites())),
            RealRows("koushi::manybody::tables", rows, static_cast<std::size_t>(ansatz_.table_columns()))};
  }
  std::vector<std::complex<double>> log_amplitudes(const SpinRows& spins) const override {
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, spins);
    std::vector<std::complex<double>> result(host.extent(0));
    Kokkos::parallel_for("koushi::manybody::log_amplitudes",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(result.size())),
                         [&](int w) { result[static_cast<std::size_t>(w)] = ansatz_.log_amplitude(&host(w, 0)); });
    return result;
  }
  std::unique_ptr<SpinMoves> moves(const std::vector<SpinMove>& list) const override {
    return std::make_unique<TrackedMoves<decltype(ansatz_.moves(list))>>(ansatz_.moves(list));
  }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows,
                                                   const SpinBatch& samples) const override {
    return ansatz_.log_derivatives(comm, rows, samples);
  }

 private:
  Ansatz ansatz_;
};

}  // namespace koushi
