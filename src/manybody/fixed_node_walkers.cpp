#include "koushi/manybody/fixed_node_walkers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

FixedNodeWalkers::FixedNodeWalkers(const Communicator& comm, const Wavefunction& psi, const Operator& hamiltonian,
                                   RowRange rows, std::uint64_t seed)
    : comm_(comm), psi_(psi), rows_(rows), seed_(seed), batch_(psi.make_batch(rows.count)) {
  terms_ = make_terms({&hamiltonian}, list_);
  moves_ = psi.moves(list_.moves);
}

void FixedNodeWalkers::start(const States& states) { assign_states(batch_.states, states); }

FixedNodeWalkers::Interval FixedNodeWalkers::walk(std::uint64_t number, double time) {
  const Kokkos::DefaultExecutionSpace space;
  // Tables from the states alone, so that neither branching nor a new start moves a bit, and no error is carried along.
  psi_.refresh(batch_);
  const auto n = static_cast<std::size_t>(rows_.count);
  FixedNodeWalk walk;
  walk.time = time;
  walk.random = {seed_, number, rows_.first, 0};
  walk.rates = {"koushi::manybody::rates", n, 2 * list_.moves.size()};
  walk.log_weight = Kokkos::View<double*>("koushi::manybody::log_weight", n);
  walk.energy = Kokkos::View<double*>("koushi::manybody::energy", n);
  walk.hops = Kokkos::View<std::int64_t*>("koushi::manybody::hops", n);
  moves_->fixed_node_walk(space, terms_, batch_, walk);
  Kokkos::fence("koushi::manybody::fixed_node_walk");

  const auto log_weight = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, walk.log_weight);
  const auto energy = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, walk.energy);
  const auto hops = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, walk.hops);
  std::vector<double> local;
  for (std::size_t w = 0; w < n; ++w) {
    local.push_back(std::isnan(log_weight(w)) ? -std::numeric_limits<double>::infinity() : log_weight(w));
    local.push_back(energy(w));
    local.push_back(static_cast<double>(hops(w)));
  }
  const std::vector<double> all = comm_.all_gather(local);

  const std::size_t walkers = all.size() / 3;
  double largest = -std::numeric_limits<double>::infinity();
  for (std::size_t w = 0; w < walkers; ++w) largest = std::max(largest, all[3 * w]);
  if (!std::isfinite(largest))
    throw NumericalError(
        "no walker has a finite weight: local energies are no numbers; remedy: parameters of another run, or a shorter "
        "study.interval");
  Interval result;
  std::vector<double> weights;
  double sum = 0;
  double squares = 0;
  for (std::size_t w = 0; w < walkers; ++w) {
    const double weight = std::exp(all[3 * w] - largest);
    weights.push_back(weight);
    sum += weight;
    squares += weight * weight;
    result.hops += all[3 * w + 2];
    if (weight > 0) result.energy += weight * all[3 * w + 1];
    if (!std::isfinite(all[3 * w])) ++result.lost;
  }
  result.energy /= sum;
  result.hops /= static_cast<double>(walkers);
  result.log_weight = largest + std::log(sum / static_cast<double>(walkers));
  result.effective = sum * sum / squares;
  branch(weights, sum, number);
  return result;
}

/// Walkers that stay keep their numbers; those that go take what others have too often, in the order of the numbers.
void FixedNodeWalkers::branch(const std::vector<double>& weights, double sum, std::uint64_t number) {
  const RandomBlock block = philox(seed_, RandomPurpose::branching, number, 0, 0);
  const double offset = uniform(block.word[0], block.word[1]);
  const auto walkers = static_cast<std::int64_t>(weights.size());
  std::vector<std::int64_t> copies(weights.size());
  double before = 0;
  std::int64_t tooth = 0;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    before += weights[w] * static_cast<double>(walkers) / sum;
    for (; tooth < walkers && static_cast<double>(tooth) + offset < before; ++tooth) ++copies[w];
  }
  for (; tooth < walkers; ++tooth) ++copies[at(std::max_element(weights.begin(), weights.end()) - weights.begin())];

  std::vector<std::int64_t> source(weights.size());
  std::size_t giver = 0;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    source[w] = static_cast<std::int64_t>(w);
    if (copies[w] > 0) continue;
    while (copies[giver] < 2) ++giver;
    --copies[giver];
    source[w] = static_cast<std::int64_t>(giver);
  }
  const std::vector<std::int8_t> here = bytes();
  const std::string all = comm_.all_gather_bytes(std::string(here.begin(), here.end()));
  const std::int64_t size = bytes_per_walker();
  std::vector<std::int8_t> chosen;
  for (std::int64_t w = rows_.first; w < rows_.first + rows_.count; ++w) {
    const auto first = all.begin() + source[at(w)] * size;
    chosen.insert(chosen.end(), first, first + size);
  }
  set(chosen);
}

std::int64_t FixedNodeWalkers::bytes_per_walker() const {
  const Space& space = psi_.space();
  return space.n_places() + (space.is_fermionic() ? 2 * space.n_particles() : 0);
}

std::vector<std::int8_t> FixedNodeWalkers::bytes() const {
  const States states = psi_.space().make_states(rows_.count);
  assign_states(states, batch_.states);
  const auto local = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states.local);
  const auto particle = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states.particle);
  std::vector<std::int8_t> all;
  for (std::size_t w = 0; w < at(rows_.count); ++w) {
    for (std::size_t p = 0; p < local.extent(1); ++p) all.push_back(local(w, p));
    for (std::size_t a = 0; a < particle.extent(1); ++a) {  // two bytes each, the low one first
      all.push_back(static_cast<std::int8_t>(particle(w, a) & 0xff));
      all.push_back(static_cast<std::int8_t>(particle(w, a) >> 8));
    }
  }
  return all;
}

void FixedNodeWalkers::set(const std::vector<std::int8_t>& bytes) {
  const States states = psi_.space().make_states(rows_.count);
  const auto local = Kokkos::create_mirror_view(states.local);
  const auto particle = Kokkos::create_mirror_view(states.particle);
  const auto occupant = Kokkos::create_mirror_view(states.occupant);
  auto from = bytes.begin();
  for (std::size_t w = 0; w < at(rows_.count); ++w) {
    for (std::size_t p = 0; p < local.extent(1); ++p) local(w, p) = *from++;
    for (std::size_t p = 0; p < occupant.extent(1); ++p) occupant(w, p) = -1;
    for (std::size_t a = 0; a < particle.extent(1); ++a) {
      const auto low = static_cast<std::uint8_t>(*from++);
      particle(w, a) = static_cast<std::int16_t>(low | (*from++ << 8));
      occupant(w, at(particle(w, a))) = static_cast<std::int16_t>(a);
    }
  }
  Kokkos::deep_copy(states.local, local);
  Kokkos::deep_copy(states.particle, particle);
  Kokkos::deep_copy(states.occupant, occupant);
  assign_states(batch_.states, states);
}

void FixedNodeWalkers::write(Archive& archive) const {
  archive.write_rows("state/walkers", rows_, bytes_per_walker(), bytes());
}

void FixedNodeWalkers::read(const Archive& archive) {
  set(archive.read_rows("state/walkers", rows_, bytes_per_walker()));
}

}  // namespace koushi
