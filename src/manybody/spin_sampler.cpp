#include "koushi/manybody/spin_sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "koushi/base/error.hpp"
#include "koushi/parallel/tree_sum.hpp"

namespace koushi {

namespace {

/// Where on the random numbers' step axis the first thermalisation lies, away from every step.
constexpr std::uint64_t start_step = std::uint64_t{1} << 40U;

RowRange share_of_units(const Communicator& comm, std::int64_t total, std::int64_t unit) {
  const RowRange units = share_of((total + unit - 1) / unit, comm.rank(), comm.size());
  const std::int64_t first = std::min(total, units.first * unit);
  return {total, first, std::min(total, (units.first + units.count) * unit) - first};
}

}  // namespace

MarkovChains::MarkovChains(const Communicator& comm, const SpinWavefunction& psi, MoveTable table, ChainOptions options)
    : comm_(comm),
      table_(std::move(table)),
      options_(options),
      n_sites_(psi.n_sites()),
      per_chain_(options.samples / options.chains),
      proposals_(static_cast<int>(std::min(2.0e9, std::max(1.0, std::round(options.sweeps * n_sites_))))) {
  const std::int64_t unit = rows_per_block / std::gcd(rows_per_block, per_chain_);
  const std::int64_t units = (options_.chains + unit - 1) / unit;
  most_ranks_ = units;
  // A step has 2^32 draws for each of its chains, and may be taken again eight times.
  if (9.0 * static_cast<double>(per_chain_) * proposals_ > 4.2e9 || options.sweeps * n_sites_ > 2.0e9) {
    throw UsageError(
        fmt::format("{} samples of {:.3g} sweeps are too many draws for one chain in one step; give more chains, fewer "
                    "samples or fewer sweeps",
                    per_chain_, options.sweeps));
  }
  if (comm.size() > units) {
    throw UsageError(fmt::format("{} chains of {} samples make {} blocks, too few for {} ranks", options_.chains,
                                 per_chain_, units, comm.size()));
  }
  chains_ = share_of_units(comm, options_.chains, unit);
  rows_ = {options_.samples, chains_.first * per_chain_, chains_.count * per_chain_};
  walkers_ = psi.make_batch(chains_.count);
  samples_ = psi.make_batch(rows_.count);
  weights_.assign(static_cast<std::size_t>(rows_.count), 1.0 / static_cast<double>(options_.samples));
  counts_ = Kokkos::View<std::int64_t* [2]>("koushi::manybody::counts", static_cast<std::size_t>(chains_.count));
}

void MarkovChains::start(const SpinWavefunction& psi) {
  const int up = (n_sites_ + options_.magnetization) / 2;
  const auto spins = Kokkos::create_mirror_view(walkers_.spins);
  for (int w = 0; w < static_cast<int>(chains_.count); ++w) {
    for (int i = 0; i < n_sites_; ++i) spins(w, i) = i < up ? 1 : -1;
    for (int i = n_sites_ - 1; i > 0; --i) {  // Fisher-Yates
      const auto r = philox(options_.seed, RandomPurpose::initial_configurations, 0,
                            static_cast<std::uint64_t>(chains_.first + w), static_cast<std::uint32_t>(i));
      std::swap(spins(w, i), spins(w, uniform_below(r.word[0], i + 1)));
    }
  }
  Kokkos::deep_copy(walkers_.spins, spins);
  warm_up(psi, start_step, 0, 20);
}

void MarkovChains::warm_up(const SpinWavefunction& psi, std::uint64_t step, std::int64_t first_sweep, int sweeps) {
  moves_ = psi.moves(table_.moves);
  psi.refresh(walkers_);
  advance(step, first_sweep * n_sites_, sweeps * n_sites_);
}

void MarkovChains::advance(std::uint64_t step, std::int64_t first_draw, int proposals) {
  moves_->metropolis(Kokkos::DefaultExecutionSpace{}, table_.kinds, walkers_, counts_,
                     {options_.seed, step, chains_.first, static_cast<std::uint32_t>(first_draw)}, proposals);
}

void MarkovChains::draw(const SpinWavefunction& psi, std::uint64_t step, int attempt) {
  moves_ = psi.moves(table_.moves);
  psi.refresh(walkers_);
  Kokkos::deep_copy(counts_, 0);
  const auto walkers = walkers_;
  const auto samples = samples_;
  const int columns = static_cast<int>(walkers.table.extent(1));
  const int sites = n_sites_;
  const int per_chain = static_cast<int>(per_chain_);
  for (int m = 0; m < per_chain; ++m) {
    advance(step, (static_cast<std::int64_t>(attempt) * per_chain + m) * proposals_, proposals_);
    Kokkos::parallel_for(
        "koushi::manybody::keep_samples", Kokkos::RangePolicy<>(0, static_cast<int>(chains_.count)),
        KOKKOS_LAMBDA(int w) {
          for (int i = 0; i < sites; ++i) samples.spins(w * per_chain + m, i) = walkers.spins(w, i);
          for (int j = 0; j < columns; ++j) samples.table(w * per_chain + m, j) = walkers.table(w, j);
        });
  }
}

double MarkovChains::acceptance() const {
  const auto counts = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, counts_);
  std::vector<double> local(2);
  for (std::size_t w = 0; w < counts.extent(0); ++w) {
    local[0] += static_cast<double>(counts(w, 0));
    local[1] += static_cast<double>(counts(w, 1));
  }
  const std::vector<double> totals = comm_.all_gather(local);  // integers: exact in any order
  double accepted = 0;
  double proposed = 0;
  for (std::size_t r = 0; r < totals.size(); r += 2) {
    accepted += totals[r];
    proposed += totals[r + 1];
  }
  return proposed > 0 ? accepted / proposed : 0;
}

void MarkovChains::write(Archive& archive) const {
  const auto spins = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, walkers_.spins);
  archive.write_rows("state/chains", chains_, n_sites_,
                     std::vector<std::int8_t>(spins.data(), spins.data() + spins.size()));
}

void MarkovChains::read(const Archive& archive) {
  const std::vector<std::int8_t> chains = archive.read_rows("state/chains", chains_, n_sites_);
  const auto spins = Kokkos::create_mirror_view(walkers_.spins);
  std::copy(chains.begin(), chains.end(), spins.data());
  Kokkos::deep_copy(walkers_.spins, spins);
}

FullEnumeration::FullEnumeration(const Communicator& comm, const SpinWavefunction& psi, MoveTable table, bool fixed,
                                 int magnetization)
    : comm_(comm), table_(std::move(table)) {
  const auto basis = spin_basis(psi.n_sites(), fixed, magnetization);
  rows_ = share_of_units(comm, static_cast<std::int64_t>(basis.size()), rows_per_block);
  most_ranks_ = (rows_.total + rows_per_block - 1) / rows_per_block;
  samples_ = psi.make_batch(rows_.count);
  const auto spins = Kokkos::create_mirror_view(samples_.spins);
  for (std::int64_t row = 0; row < rows_.count; ++row) {
    const auto& state = basis[static_cast<std::size_t>(rows_.first + row)];
    for (std::size_t i = 0; i < state.size(); ++i) spins(static_cast<std::size_t>(row), i) = state[i];
  }
  Kokkos::deep_copy(samples_.spins, spins);
  weights_.resize(static_cast<std::size_t>(rows_.count));
}

void FullEnumeration::draw(const SpinWavefunction& psi, std::uint64_t, int) {
  moves_ = psi.moves(table_.moves);
  psi.refresh(samples_);
  const auto log_psi = psi.log_amplitudes(samples_.spins);
  std::vector<double>& weights = weights_;
  for (std::size_t s = 0; s < weights.size(); ++s) weights[s] = 2 * log_psi[s].real();
  double largest = -1e300;
  for (const double w : weights) largest = std::max(largest, w);
  largest = comm_.max(largest);
  const RowRange blocks = blocks_of(rows_, rows_per_block);
  std::vector<double> parts(static_cast<std::size_t>(blocks.count));
  for (std::size_t s = 0; s < weights.size(); ++s) {
    weights[s] = std::exp(weights[s] - largest);
    parts[s / static_cast<std::size_t>(rows_per_block)] += weights[s];
  }
  const double sum = tree_sum(comm_, blocks, 1, parts)[0];
  for (double& w : weights) w /= sum;
}

}  // namespace koushi
