#include "koushi/manybody/sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
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

void Sampler::for_pieces(const Wavefunction& psi, const std::function<void(const Batch&, std::int64_t)>& body,
                         double most_bytes) const {
  const auto total = static_cast<std::int64_t>(samples_.states.local.extent(0));
  if (keeps_tables_) {
    body(samples_, 0);
    return;
  }
  const double bytes = 8.0 * static_cast<double>(psi.make_batch(0).table.extent(1));
  const auto most = static_cast<std::int64_t>(std::clamp(most_bytes / std::max(1.0, bytes), 1.0, 1e9));
  for (std::int64_t first = 0; first < total; first += most) {
    const auto piece = Kokkos::make_pair(first, std::min(total, first + most));
    const auto part = [&](const auto& rows) { return Kokkos::subview(rows, piece, Kokkos::ALL); };
    const Batch batch = psi.make_batch(piece.second - piece.first);
    assign_states(batch.states, {part(samples_.states.local), part(samples_.states.particle),
                                 part(samples_.states.occupant), samples_.states.copies});
    psi.refresh(batch);
    body(batch, first);
  }
}

void MoveTable::propose(double weight, const std::vector<Move>& moves) {
  if (weight <= 0 || moves.empty()) return;
  weights_.push_back(weight);
  numbers_.emplace_back();
  for (const Move& move : moves) numbers_.back().push_back(list.number(move));
}

void MoveTable::finish() {
  if (weights_.empty()) throw UsageError("no move is proposed");
  if (weights_.size() > ProposalKinds::max_kinds)
    throw UsageError(fmt::format("{} kinds of moves are proposed, at most {} can be", weights_.size(),
                                 int{ProposalKinds::max_kinds}));
  const double total = std::accumulate(weights_.begin(), weights_.end(), 0.0);
  std::vector<int> index;
  double sum = 0;
  kinds.n_kinds = static_cast<int>(weights_.size());
  for (std::size_t m = 0; m < weights_.size(); ++m) {
    sum += weights_[m] / total;
    kinds.first[m] = static_cast<int>(index.size());
    kinds.count[m] = static_cast<int>(numbers_[m].size());
    kinds.cumulative[m] = sum;
    index.insert(index.end(), numbers_[m].begin(), numbers_[m].end());
  }
  kinds.index = Kokkos::View<int*>("koushi::manybody::proposals", index.size());
  Kokkos::deep_copy(kinds.index, Kokkos::View<const int*, Kokkos::HostSpace>(index.data(), index.size()));
}

std::string missed_by_proposals(const Space& space, const std::vector<Move>& proposed, const std::vector<Move>& of_h) {
  // Rows of integers are reduced to echelon form; a move of H that is no combination of proposed ones is missed. Rows
  // have few entries, and stay sparse.
  std::map<int, std::map<int, double>> pivots;
  const auto reduced = [&](const Move& move) {
    std::map<int, double> row;
    for (std::size_t k = 0; k < static_cast<std::size_t>(move.n); ++k) row[move.place[k]] += move.change[k];
    for (auto at = row.begin(); at != row.end();) {
      const auto pivot = pivots.find(at->first);
      if (std::abs(at->second) < 1e-9) {
        at = row.erase(at);
      } else if (pivot == pivots.end()) {
        break;
      } else {
        const double factor = at->second / pivot->second.at(at->first);
        const int place = at->first;
        for (const auto& [p, x] : pivot->second) row[p] -= factor * x;
        row.erase(place);
        at = row.begin();
      }
    }
    return row;
  };
  for (const Move& move : proposed) {
    auto row = reduced(move);
    if (!row.empty()) {
      const int place = row.begin()->first;
      pivots[place] = std::move(row);
    }
  }
  for (const Move& move : of_h) {
    if (reduced(move).empty()) continue;
    std::string sites;
    for (std::size_t k = 0; k < static_cast<std::size_t>(move.n); ++k)
      sites += fmt::format("{}{}", k > 0 ? ", " : "", space.site_of(move.place[k]));
    return fmt::format("a term of H changes sites {} together, which no sequence of the proposed moves can do", sites);
  }
  return "";
}

std::int64_t MarkovChains::chains_per_unit(const ChainOptions& options) {
  return rows_per_block / std::gcd(rows_per_block, options.samples / options.chains);
}

std::int64_t MarkovChains::max_ranks(const ChainOptions& options) {
  const std::int64_t unit = chains_per_unit(options);
  return (options.chains + unit - 1) / unit;
}

MarkovChains::MarkovChains(const Communicator& comm, const Wavefunction& psi, MoveTable table, ChainOptions options)
    : comm_(comm),
      table_(std::move(table)),
      options_(options),
      space_(psi.space()),
      per_chain_(options.samples / options.chains),
      proposals_(static_cast<int>(std::min(2.0e9, std::max(1.0, std::round(options.sweeps * space_.n_sites()))))) {
  max_ranks_ = max_ranks(options_);
  // A step has 2^32 draws for each of its chains, and may be taken again eight times.
  if (9.0 * static_cast<double>(per_chain_) * proposals_ > 4.2e9 || options.sweeps * space_.n_sites() > 2.0e9) {
    throw UsageError(
        fmt::format("{} samples of {:.3g} sweeps are too many draws for one chain in one step; give more chains, fewer "
                    "samples or fewer sweeps",
                    per_chain_, options.sweeps));
  }
  if (comm.size() > max_ranks_) {
    throw UsageError(fmt::format("{} chains of {} samples make {} blocks, too few for {} ranks", options_.chains,
                                 per_chain_, max_ranks_, comm.size()));
  }
  chains_ = share_of_units(comm, options_.chains, chains_per_unit(options_));
  rows_ = {options_.samples, chains_.first * per_chain_, chains_.count * per_chain_};
  walkers_ = psi.make_batch(chains_.count);
  keeps_tables_ = options_.keep_tables;
  samples_ = psi.make_batch(rows_.count, keeps_tables_);
  weights_.assign(static_cast<std::size_t>(rows_.count), 1.0 / static_cast<double>(options_.samples));
  counts_ = Kokkos::View<std::int64_t* [2]>("koushi::manybody::counts", static_cast<std::size_t>(chains_.count));
}

void MarkovChains::start(const Wavefunction& psi) {
  constexpr std::uint64_t most_attempts = 200;
  const auto local = Kokkos::create_mirror_view(walkers_.states.local);
  const auto particle = Kokkos::create_mirror_view(walkers_.states.particle);
  const auto occupant = Kokkos::create_mirror_view(walkers_.states.occupant);
  const auto table = Kokkos::create_mirror_view(walkers_.table);
  std::vector<bool> sound(static_cast<std::size_t>(chains_.count), false);
  bool all_sound = false;
  for (std::uint64_t attempt = 0; !all_sound && attempt < most_attempts; ++attempt) {
    for (std::size_t w = 0; w < sound.size(); ++w) {
      if (sound[w]) continue;
      space_.randomize({local.data() + w * local.extent(1), particle.data() + w * particle.extent(1),
                        occupant.data() + w * occupant.extent(1)},
                       options_.seed, static_cast<std::uint64_t>(chains_.first) + w, attempt);
    }
    Kokkos::deep_copy(walkers_.states.local, local);
    Kokkos::deep_copy(walkers_.states.particle, particle);
    Kokkos::deep_copy(walkers_.states.occupant, occupant);
    psi.refresh(walkers_);
    Kokkos::deep_copy(table, walkers_.table);
    // A state at a node of psi has ratios without bound; a chain begins elsewhere.
    all_sound = true;
    for (std::size_t w = 0; w < sound.size(); ++w) {
      const double* row = table.data() + w * table.extent(1);
      sound[w] = std::all_of(row, row + table.extent(1), [](double x) { return std::abs(x) < 1e6; });
      all_sound = all_sound && sound[w];
    }
  }
  if (comm_.max(all_sound ? 0.0 : 1.0) > 0) {
    throw NumericalError(fmt::format(
        "psi is 0, or not a number, in {} random states in a row; remedy: another sector, another momentum of "
        "a sum over images, orbitals with a positive width, or smaller initial parameters",
        most_attempts));
  }
  warm_up(psi, start_step, 0, 20);
}

void MarkovChains::warm_up(const Wavefunction& psi, std::uint64_t step, std::int64_t first_sweep, int sweeps) {
  moves_ = psi.moves(table_.list.moves);
  psi.refresh(walkers_);
  advance(step, first_sweep * space_.n_sites(), sweeps * space_.n_sites());
}

void MarkovChains::advance(std::uint64_t step, std::int64_t first_draw, int proposals) {
  moves_->metropolis(Kokkos::DefaultExecutionSpace{}, table_.kinds, walkers_, counts_,
                     {options_.seed, step, chains_.first, static_cast<std::uint32_t>(first_draw)}, proposals);
}

void MarkovChains::draw(const Wavefunction& psi, std::uint64_t step, int attempt) {
  moves_ = psi.moves(table_.list.moves);
  psi.refresh(walkers_);
  Kokkos::deep_copy(counts_, 0);
  const auto walkers = walkers_;
  const auto samples = samples_;
  const int columns = static_cast<int>(samples.table.extent(1));
  const int places = static_cast<int>(samples.states.local.extent(1));
  const int particles = static_cast<int>(samples.states.particle.extent(1));
  const int occupants = static_cast<int>(samples.states.occupant.extent(1));
  const int per_chain = static_cast<int>(per_chain_);
  for (int m = 0; m < per_chain; ++m) {
    advance(step, (static_cast<std::int64_t>(attempt) * per_chain + m) * proposals_, proposals_);
    Kokkos::parallel_for(
        "koushi::manybody::keep_samples", Kokkos::RangePolicy<>(0, static_cast<int>(chains_.count)),
        KOKKOS_LAMBDA(int w) {
          const int s = w * per_chain + m;
          for (int p = 0; p < places; ++p) samples.states.local(s, p) = walkers.states.local(w, p);
          for (int a = 0; a < particles; ++a) samples.states.particle(s, a) = walkers.states.particle(w, a);
          for (int p = 0; p < occupants; ++p) samples.states.occupant(s, p) = walkers.states.occupant(w, p);
          for (int j = 0; j < columns; ++j) samples.table(s, j) = walkers.table(w, j);
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

void MarkovChains::write(Archive& archive, const std::string& group) const {
  const States states = space_.make_states(chains_.count);
  assign_states(states, walkers_.states);
  const auto local = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states.local);
  archive.write_rows(group + "/chains", chains_, space_.n_places(),
                     std::vector<std::int8_t>(local.data(), local.data() + local.size()));
  if (!space_.is_fermionic()) return;
  // Particles keep their numbers, which a sign of psi depends on: two bytes each, the low one first.
  const auto particle = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states.particle);
  std::vector<std::int8_t> bytes;
  for (std::size_t k = 0; k < particle.size(); ++k) {
    bytes.push_back(static_cast<std::int8_t>(particle.data()[k] & 0xff));
    bytes.push_back(static_cast<std::int8_t>(particle.data()[k] >> 8));
  }
  archive.write_rows(group + "/particles", chains_, 2 * space_.n_particles(), bytes);
}

void MarkovChains::read(const Archive& archive, const std::string& group) {
  const std::vector<std::int8_t> chains = archive.read_rows(group + "/chains", chains_, space_.n_places());
  const States states = space_.make_states(chains_.count);
  const auto local = Kokkos::create_mirror_view(states.local);
  std::copy(chains.begin(), chains.end(), local.data());
  Kokkos::deep_copy(states.local, local);
  if (!space_.is_fermionic()) {
    assign_states(walkers_.states, states);
    return;
  }
  const std::vector<std::int8_t> bytes = archive.read_rows(group + "/particles", chains_, 2 * space_.n_particles());
  const auto particle = Kokkos::create_mirror_view(states.particle);
  const auto occupant = Kokkos::create_mirror_view(states.occupant);
  std::fill_n(occupant.data(), occupant.size(), std::int16_t{-1});
  for (std::size_t w = 0; w < particle.extent(0); ++w) {
    for (std::size_t a = 0; a < particle.extent(1); ++a) {
      const std::size_t at = 2 * (w * particle.extent(1) + a);
      const int place = static_cast<std::uint8_t>(bytes[at]) + 256 * static_cast<std::uint8_t>(bytes[at + 1]);
      if (place >= space_.n_places() || local(w, static_cast<std::size_t>(place)) == 0) {
        throw StoreError(group + "/particles of the file do not fit to " + group + "/chains");
      }
      particle(w, a) = static_cast<std::int16_t>(place);
      occupant(w, static_cast<std::size_t>(place)) = static_cast<std::int16_t>(a);
    }
  }
  Kokkos::deep_copy(states.particle, particle);
  Kokkos::deep_copy(states.occupant, occupant);
  assign_states(walkers_.states, states);
}

FullEnumeration::FullEnumeration(const Communicator& comm, const Wavefunction& psi, MoveTable table, bool keep_tables)
    : comm_(comm), table_(std::move(table)) {
  if (const double states = sector_dimension(psi.space()); states > max_states) {
    throw UsageError(fmt::format("{:.4g} states are too many to enumerate: at most {:.0f}", states, max_states));
  }
  basis_.emplace(psi.space());
  rows_ = share_of_units(comm, basis_->size(), rows_per_block);
  max_ranks_ = max_ranks(rows_.total);
  keeps_tables_ = keep_tables;
  samples_ = psi.make_batch(rows_.count, keeps_tables_);
  assign_states(samples_.states, basis_->states(rows_.first, rows_.count));
  weights_.resize(static_cast<std::size_t>(rows_.count));
}

void FullEnumeration::draw(const Wavefunction& psi, std::uint64_t, int) {
  moves_ = psi.moves(table_.list.moves);
  if (replaced_) assign_states(samples_.states, basis_->states(rows_.first, rows_.count));
  const auto log_psi = psi.log_amplitudes(samples_.states);
  std::vector<double>& weights = weights_;
  for (std::size_t s = 0; s < weights.size(); ++s) weights[s] = 2 * log_psi[s].real();
  double largest = -1e300;
  for (const double w : weights) largest = std::max(largest, w);
  largest = comm_.max(largest);
  if (!(largest > -1e300)) {
    throw NumericalError(
        "psi is 0, or not a number, in every state; remedy: another sector, another momentum of a sum over images, or "
        "orbitals with a positive width");
  }
  replace_zeros(largest);
  if (keeps_tables_) psi.refresh(samples_);
  const RowRange blocks = blocks_of(rows_, rows_per_block);
  std::vector<double> parts(static_cast<std::size_t>(blocks.count));
  for (std::size_t s = 0; s < weights.size(); ++s) {
    weights[s] = std::exp(weights[s] - largest);
    parts[s / static_cast<std::size_t>(rows_per_block)] += weights[s];
  }
  const double sum = tree_sum(comm_, blocks, 1, parts)[0];
  for (double& w : weights) w /= sum;
}

/// States at nodes of psi have weight 0, and neither local values nor log derivatives: the state of the largest weight
/// stands in their rows, still with weight 0.
void FullEnumeration::replace_zeros(double largest) {
  constexpr double nothing = -60;  // of log |psi|^2 beside the largest: rounding leaves 1e-32 of exact zeros
  std::vector<int> zeros;
  double best = -1;  // its number, from the end
  for (std::size_t s = 0; s < weights_.size(); ++s) {
    if (!(weights_[s] - largest > nothing)) {
      zeros.push_back(static_cast<int>(s));
      weights_[s] = -std::numeric_limits<double>::infinity();
    } else if (weights_[s] == largest) {
      best = std::max(best, static_cast<double>(rows_.total - rows_.first - static_cast<std::int64_t>(s)));
    }
  }
  replaced_ = !zeros.empty();
  best = comm_.max(best);
  if (zeros.empty()) return;
  const States state = basis_->states(rows_.total - static_cast<std::int64_t>(best), 1);
  for (const int s : zeros) {
    const auto row = Kokkos::make_pair(s, s + 1);
    const auto part = [&](const auto& rows) { return Kokkos::subview(rows, row, Kokkos::ALL); };
    assign_states({part(samples_.states.local), part(samples_.states.particle), part(samples_.states.occupant),
                   samples_.states.copies},
                  state);
  }
}

void PlannedSamples::fail() { throw InternalError("samples that are only planned cannot be drawn"); }

}  // namespace koushi
