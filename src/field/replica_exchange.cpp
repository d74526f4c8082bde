#include "koushi/field/replica_exchange.hpp"

#include <cmath>
#include <numeric>
#include <utility>

#include "koushi/random/philox.hpp"

namespace koushi {

namespace {

/// S of both theories, replica by replica.
std::vector<double> total_action(FieldTheory& a, FieldTheory& b) {
  std::vector<double> sum = a.action();
  const std::vector<double> other = b.action();
  for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += other[r];
  return sum;
}

}  // namespace

ReplicaExchange::ReplicaExchange(std::size_t rungs, std::int64_t replicas, std::uint64_t seed)
    : rungs_(rungs),
      replicas_(static_cast<std::size_t>(replicas)),
      seed_(seed),
      tried_(rungs - 1),
      accepted_(rungs - 1),
      copy_(replicas_ * rungs),
      end_(replicas_ * rungs),
      traversals_(replicas_ * rungs) {
  for (std::size_t k = 0; k < copy_.size(); ++k) copy_[k] = static_cast<std::int64_t>(k % rungs);
}

double ReplicaExchange::update(const std::vector<FieldTheory*>& rungs, std::uint64_t step, bool counted) {
  const Grid& grid = rungs[0]->grid();
  const auto here = static_cast<std::size_t>(grid.view().n_replicas);
  const auto first_here = static_cast<std::size_t>(grid.view().first_replica);
  std::int64_t tried = 0;
  std::int64_t accepted = 0;
  for (std::size_t pair = rungs_ > 2 ? static_cast<std::size_t>(calls_[0] % 2) : 0; pair + 1 < rungs_; pair += 2) {
    FieldTheory& a = *rungs[pair];
    FieldTheory& b = *rungs[pair + 1];
    const std::vector<double> before = total_action(a, b);
    a.exchange(b, std::vector<bool>(here, true));
    std::vector<double> change = total_action(a, b);
    for (std::size_t r = 0; r < here; ++r) change[r] -= before[r];
    // in the order of the replicas
    change = grid.world().all_gather(grid.group().is_root() ? change : std::vector<double>{});
    std::vector<bool> back(here);
    for (std::size_t r = 0; r < replicas_; ++r) {
      const RandomBlock word = philox(seed_, RandomPurpose::exchange, step, r, static_cast<std::uint32_t>(pair));
      const bool stays = !(uniform(word.word[0], word.word[1]) < std::exp(-change[r]));  // also where S is not finite
      if (r >= first_here && r < first_here + here) back[r - first_here] = stays;
      ++tried;
      tried_[pair] += counted ? 1 : 0;
      if (stays) continue;
      ++accepted;
      accepted_[pair] += counted ? 1 : 0;
      std::swap(copy_[r * rungs_ + pair], copy_[r * rungs_ + pair + 1]);
    }
    a.exchange(b, back);
  }
  ++calls_[0];
  if (counted) note_ends();
  return tried == 0 ? 0 : static_cast<double>(accepted) / static_cast<double>(tried);
}

void ReplicaExchange::note_ends() {
  for (std::size_t r = 0; r < replicas_; ++r) {
    for (const int end : {-1, 1}) {
      const auto copy = r * rungs_ + static_cast<std::size_t>(copy_[r * rungs_ + (end < 0 ? 0 : rungs_ - 1)]);
      traversals_[copy] += end_[copy] == -end ? 1 : 0;
      end_[copy] = end;
    }
  }
}

std::vector<double> ReplicaExchange::acceptance() const {
  std::vector<double> all;
  for (std::size_t k = 0; k < tried_.size(); ++k)
    all.push_back(tried_[k] == 0 ? std::nan("") : static_cast<double>(accepted_[k]) / static_cast<double>(tried_[k]));
  return all;
}

double ReplicaExchange::round_trips() const {
  return 0.5 * static_cast<double>(std::accumulate(traversals_.begin(), traversals_.end(), std::int64_t{0}));
}

void ReplicaExchange::write(Archive& archive, const std::string& path) const {
  archive.write(path + "/calls", calls_);
  archive.write(path + "/tried", tried_);
  archive.write(path + "/accepted", accepted_);
  archive.write(path + "/copy", copy_);
  archive.write(path + "/end", end_);
  archive.write(path + "/journeys", traversals_);
}

void ReplicaExchange::read(const Archive& archive, const std::string& path) {
  calls_ = archive.read_integers(path + "/calls");
  tried_ = archive.read_integers(path + "/tried");
  accepted_ = archive.read_integers(path + "/accepted");
  copy_ = archive.read_integers(path + "/copy");
  end_ = archive.read_integers(path + "/end");
  traversals_ = archive.read_integers(path + "/journeys");
}

}  // namespace koushi
