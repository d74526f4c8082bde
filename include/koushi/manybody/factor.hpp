#pragma once

#include <complex>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "koushi/manybody/wavefunction.hpp"

namespace koushi {

/// One basis state in the host's memory.
struct HostState {
  const std::int8_t* local;
  const std::int16_t* particle;
  const std::int16_t* occupant;
};

/// States, copied to the host where they lie elsewhere.
struct HostStates {
  LocalRows::host_mirror_type local;
  IndexRows::host_mirror_type particle;
  IndexRows::host_mirror_type occupant;

  int copies = 1;
  int copy = 0;  ///< the one that at() gives

  explicit HostStates(const States& states);
  HostState at(int n) const {
    const StateView state = writable(n);
    return {state.local, state.particle, state.occupant};
  }
  StateView writable(int n) const {
    const auto place = [&](const auto& rows) {
      return rows.data() + static_cast<std::size_t>(n) * rows.extent(1) +
             static_cast<std::size_t>(copy) * (rows.extent(1) / static_cast<std::size_t>(copies));
    };
    return {place(local), place(particle), place(occupant)};
  }
  /// The same states, of which at() gives another copy.
  HostStates seen(int other) const {
    HostStates states = *this;
    states.copy = other;
    return states;
  }
  int count() const { return static_cast<int>(local.extent(0)); }
};

/// Where the random numbers of states that are drawn without chains come from.
struct DirectRandom {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::int64_t first = 0;  ///< number of the first state
  int attempt = 0;
};

/// A proposed move of every walker; direction 0: none.
struct Proposed {
  Kokkos::View<int*> move;
  Kokkos::View<int*> sigma;
};

/// What a factor does in moves, in kernels of its own: products of any factors are made of these (product.hpp).
class FactorMoves {
 public:
  virtual ~FactorMoves() = default;
  /// ratio[w] *= psi_f(x') / psi_f(x) for every walker with a proposed move.
  virtual void multiply_ratios(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed,
                               const Kokkos::View<Complex*>& ratio) const = 0;
  /// Updates the tables to the states after the proposed moves; the states themselves are still those before.
  virtual void accept(const Kokkos::DefaultExecutionSpace& space, const Batch& batch,
                      const Proposed& proposed) const = 0;
};

/// FactorMoves by a device functor (the contract of chain_kernel.hpp).
template <typename Functor>
class FunctorMoves final : public FactorMoves {
 public:
  explicit FunctorMoves(Functor functor) : functor_(std::move(functor)) {}
  const Functor& functor() const { return functor_; }

  void multiply_ratios(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed,
                       const Kokkos::View<Complex*>& ratio) const override {
    const Functor moves = functor_;
    for_items(
        "koushi::manybody::factor_ratios", space, static_cast<int>(ratio.extent(0)),
        KOKKOS_LAMBDA(const LaneTeam& team, int w) {
          if (proposed.sigma(w) == 0) return;
          const Walkers walkers(batch, w);
          const int self = 0;
          const int k = proposed.move(w);
          const int sigma = proposed.sigma(w);
          Complex result;
          moves.template ratios<false, 1>(team, walkers, &self, &k, &sigma, &result);
          team.once([&] { ratio(w) *= result; });
        });
  }
  void accept(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed) const override {
    const Functor moves = functor_;
    for_items(
        "koushi::manybody::factor_accept", space, static_cast<int>(proposed.sigma.extent(0)),
        KOKKOS_LAMBDA(const LaneTeam& team, int w) {
          if (proposed.sigma(w) == 0) return;
          moves.accept(team, Walkers(batch, w), 0, proposed.move(w), proposed.sigma(w));
        });
  }

 private:
  Functor functor_;
};

/// A factor psi_f(x) of a wavefunction psi = prod_f psi_f.
///
/// A factor keeps `columns()` numbers per walker, from column `first` of the walkers' tables on. Calls for one state
/// come from many threads at once.
class Factor {
 public:
  virtual ~Factor() = default;
  virtual const std::vector<double>& parameters() const = 0;
  virtual void set_parameters(const std::vector<double>& parameters) = 0;
  /// As Wavefunction::embed.
  virtual bool embed(const std::vector<double>& parameters) = 0;
  /// Whether the parameters are complex numbers (re, im) in which log psi_f is holomorphic.
  virtual bool holomorphic() const = 0;
  /// Whether psi_f is never negative or complex, whatever its parameters are: it has no signs to learn. The sign of the
  /// particles' order does not count.
  virtual bool is_positive() const { return false; }
  /// Whether psi_f is real for every state, whatever its parameters are.
  virtual bool is_real() const { return !holomorphic(); }
  /// Whether psi_f(g x) = psi_f(x) for all states x, whatever the parameters are; g sends what place p holds to place
  /// g[p].
  virtual bool is_invariant(const std::vector<int>& /*g*/) const { return false; }
  /// Whether psi_f changes its sign when two fermions exchange their numbers.
  virtual bool is_antisymmetric() const { return false; }

  /// The total spin S that psi_f has, where it is projected on one.
  virtual std::optional<int> total_spin() const { return std::nullopt; }
  /// Whether psi_f depends on the numbers of electrons of the sites alone, so that a product with it keeps a total spin.
  virtual bool keeps_total_spin() const { return false; }

  /// Whether sum_x |psi_f(x)|^2 = 1 over the states of the space, and draw() can be called.
  virtual bool can_draw() const { return false; }
  /// Independent states of |psi_f|^2, without numbers of their particles, into `states`; state n takes the random
  /// numbers of (seed, step, first + n, attempt).
  virtual void draw(const DirectRandom& /*random*/, const HostStates& /*states*/) const {}

  virtual int columns() const = 0;
  virtual void refresh(const HostState& state, double* table) const = 0;
  virtual std::complex<double> log_amplitude(const HostState& state) const = 0;
  /// The same for all states, from column `first` of their rows on.
  virtual void refresh_all(const HostStates& states, const RealRows::host_mirror_type& table, int first) const;
  /// sums[n] += log psi_f of state n.
  virtual void add_log_amplitudes(const HostStates& states, std::complex<double>* sums) const;
  virtual std::unique_ptr<FactorMoves> moves(const std::vector<Move>& list, const MoveList& on_device,
                                             int first) const = 0;
  /// Whether log_derivatives reads the tables of states; otherwise they may be left out.
  virtual bool rows_need_tables() const { return false; }
  /// Rows of d log psi_f / d theta, whose number is rows.count.
  virtual std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows,
                                                           const HostStates& states,
                                                           const RealRows::host_mirror_type& table,
                                                           int first) const = 0;
  /// Bytes that log_derivatives keeps per sample.
  virtual double bytes_per_row() const = 0;
  /// FactorReport::any_extent and flops
  virtual bool is_of_any_extent() const { return false; }
  virtual double flops() const { return 0; }
  virtual std::string description() const = 0;
};

}  // namespace koushi
