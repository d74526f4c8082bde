#include "evaluated_factor.hpp"

#include <algorithm>
#include <utility>

namespace koushi {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// Columns of a walker's table: log psi(x), and log psi(x') of the move that was asked for last, whose number is
/// 2 k (sigma = 1) or 2 k + 1; -1: none.
enum Column { log_re, log_im, next_re, next_im, next_move, n_columns };

void set_row(std::complex<double> log_psi, double* row) {
  row[log_re] = log_psi.real();
  row[log_im] = log_psi.imag();
  row[next_re] = row[next_im] = 0;
  row[next_move] = -1;
}

/// Copies of states that moves are applied to.
struct MovedStates {
  std::vector<std::int8_t> local;
  std::vector<std::int16_t> particle;
  std::vector<std::int16_t> occupant;
  std::vector<HostState> states;

  void add(const StateView& from, const States& shape, const MoveSites& move, int sigma) {
    const auto places = at(shape.places());
    const auto particles = at(shape.particles());
    const std::size_t occupants = particles > 0 ? places : 0;
    const std::size_t n = states.size();
    const StateView to{local.data() + n * places, particle.data() + n * particles, occupant.data() + n * occupants};
    std::copy_n(from.local, places, to.local);
    std::copy_n(from.particle, particles, to.particle);
    std::copy_n(from.occupant, occupants, to.occupant);
    move.apply(to, sigma);
    states.push_back({to.local, to.particle, to.occupant});
  }
  void clear(int count, const States& shape) {
    states.clear();
    local.resize(at(count) * at(shape.places()));
    particle.resize(at(count) * at(shape.particles()));
    occupant.resize(local.size());
  }
};

class EvaluatedMoves final : public FactorMoves {
 public:
  EvaluatedMoves(std::shared_ptr<const Amplitudes> amplitudes, const std::vector<Move>& list, int first)
      : amplitudes_(std::move(amplitudes)), first_(first) {
    for (const Move& move : list) moves_.push_back(move_sites(amplitudes_->space(), move));
  }

  void multiply_ratios(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed,
                       const Kokkos::View<Complex*>& ratio) const override {
    const auto host_ratio = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, ratio);
    const auto table = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.table);
    evaluate(space, batch, proposed, table);
    const auto sigma = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, proposed.sigma);
    for (std::size_t w = 0; w < sigma.extent(0); ++w) {
      if (sigma(w) == 0) continue;
      const double* row = &table(w, at(batch.column + first_));
      const std::complex<double> quotient =
          std::exp(std::complex<double>(row[next_re], row[next_im]) - std::complex<double>(row[log_re], row[log_im]));
      host_ratio(w) *= Complex(quotient.real(), quotient.imag());
    }
    Kokkos::deep_copy(ratio, host_ratio);
    Kokkos::deep_copy(batch.table, table);
  }
  void accept(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed) const override {
    const auto table = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.table);
    evaluate(space, batch, proposed, table);
    const auto sigma = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, proposed.sigma);
    for (std::size_t w = 0; w < sigma.extent(0); ++w) {
      double* row = &table(w, at(batch.column + first_));
      set_row(sigma(w) == 0 ? std::complex<double>(row[log_re], row[log_im])
                            : std::complex<double>(row[next_re], row[next_im]),
              row);
    }
    Kokkos::deep_copy(batch.table, table);
  }

 private:
  /// log psi(x') of every walker with a proposed move, into its table, where it is not there yet.
  void evaluate(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed,
                const RealRows::host_mirror_type& table) const {
    space.fence("koushi::manybody::evaluated_moves");
    const HostStates states = HostStates(batch.states).seen(batch.copy);
    const auto move = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, proposed.move);
    const auto sigma = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, proposed.sigma);
    std::vector<int> wanted;
    for (std::size_t w = 0; w < sigma.extent(0); ++w) {
      if (sigma(w) == 0) continue;
      double& known = table(w, at(batch.column + first_ + next_move));
      const double number = 2.0 * move(w) + (sigma(w) > 0 ? 0 : 1);
      if (known == number) continue;
      known = number;
      wanted.push_back(static_cast<int>(w));
    }
    for_blocks_of_states("koushi::manybody::evaluated_moves", static_cast<int>(wanted.size()), amplitudes_->at_once(),
                         [&](int first, int count) {
                           thread_local MovedStates moved;
                           thread_local std::vector<std::complex<double>> log_psi;
                           moved.clear(count, batch.states);
                           log_psi.resize(at(count));
                           for (int s = 0; s < count; ++s) {
                             const int w = wanted[at(first + s)];
                             moved.add(states.writable(w), batch.states, moves_[at(move(at(w)))], sigma(at(w)));
                           }
                           amplitudes_->log_psi(moved.states.data(), count, log_psi.data());
                           for (int s = 0; s < count; ++s) {
                             double* row = &table(at(wanted[at(first + s)]), at(batch.column + first_));
                             row[next_re] = log_psi[at(s)].real();
                             row[next_im] = log_psi[at(s)].imag();
                           }
                         });
    Kokkos::fence("koushi::manybody::evaluated_moves");
  }

  std::shared_ptr<const Amplitudes> amplitudes_;
  std::vector<MoveSites> moves_;
  int first_;
};

}  // namespace

int EvaluatedFactor::columns() const { return n_columns; }

void EvaluatedFactor::refresh(const HostState& state, double* table) const { set_row(log_amplitude(state), table); }

std::complex<double> EvaluatedFactor::log_amplitude(const HostState& state) const {
  std::complex<double> result;
  amplitudes()->log_psi(&state, 1, &result);
  return result;
}

void EvaluatedFactor::refresh_all(const HostStates& states, const RealRows::host_mirror_type& table, int first) const {
  std::vector<std::complex<double>> logs(at(states.count()));
  add_log_amplitudes(states, logs.data());
  for (std::size_t n = 0; n < logs.size(); ++n) set_row(logs[n], table.data() + n * table.extent(1) + at(first));
}

void EvaluatedFactor::add_log_amplitudes(const HostStates& states, std::complex<double>* sums) const {
  const std::shared_ptr<const Amplitudes> of = amplitudes();
  for_blocks_of_states("koushi::manybody::evaluated_amplitudes", states.count(), of->at_once(),
                       [&](int first, int count) {
                         std::vector<HostState> block;
                         for (int s = 0; s < count; ++s) block.push_back(states.at(first + s));
                         std::vector<std::complex<double>> logs(at(count));
                         of->log_psi(block.data(), count, logs.data());
                         for (int s = 0; s < count; ++s) sums[first + s] += logs[at(s)];
                       });
}

std::unique_ptr<FactorMoves> EvaluatedFactor::moves(const std::vector<Move>& list, const MoveList& /*on_device*/,
                                                    int first) const {
  return std::make_unique<EvaluatedMoves>(amplitudes(), list, first);
}

}  // namespace koushi
