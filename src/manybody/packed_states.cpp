#include "koushi/manybody/packed_states.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>

#include "koushi/base/error.hpp"

namespace koushi {

PackedSpace::PackedSpace(const Space& space) : space_(space), shift_(static_cast<std::size_t>(space.n_places())) {
  for (int f = space.n_flavours() - 1; f >= 0; --f) {
    const auto states = static_cast<unsigned>(space.flavours()[static_cast<std::size_t>(f)].states());
    const int width = std::bit_width(states - 1);
    for (int i = 0; i < space.n_sites(); ++i) {
      shift_[static_cast<std::size_t>(space.place(f, i))] = bits_;
      bits_ += width;
    }
  }
  if (bits_ > 63) throw UsageError(fmt::format("a state takes {} bits: at most 63 can be numbered", bits_));
  for (int p = 0; p < space.n_places(); ++p)
    mask_.push_back((std::uint64_t{1} << std::bit_width(static_cast<unsigned>(space.local(p).states() - 1))) - 1);
}

std::uint64_t PackedSpace::pack(const std::int8_t* local) const {
  std::uint64_t word = 0;
  for (int p = 0; p < space_.n_places(); ++p)
    word |= static_cast<std::uint64_t>(space_.local(p).index(local[p])) << shift(p);
  return word;
}

void PackedSpace::unpack(std::uint64_t word, std::int8_t* local) const {
  for (int p = 0; p < space_.n_places(); ++p) {
    const LocalSpace& of_place = space_.local(p);
    local[p] = static_cast<std::int8_t>(of_place.min + of_place.step * static_cast<int>((word >> shift(p)) & mask(p)));
  }
}

PackedMap::PackedMap(const PackedSpace& space, const std::vector<int>& to, bool inverted) {
  std::map<int, std::uint64_t> pieces;
  for (int p = 0; p < static_cast<int>(to.size()); ++p) {
    const int q = to[static_cast<std::size_t>(p)];
    pieces[space.shift(q) - space.shift(p)] |= space.mask(p) << space.shift(p);
    if (!inverted || space.space().local(q).kind != LocalSpace::Kind::spin) continue;
    inverted_ |= space.mask(q) << space.shift(q);
    highest_ |= static_cast<std::uint64_t>(space.space().local(q).states() - 1) << space.shift(q);
  }
  for (const auto& [shift, mask] : pieces) pieces_.push_back({mask, std::max(shift, 0), std::max(-shift, 0)});
}

FlavourWords::FlavourWords(int n, int states, int bits, int total)
    : n_(n), states_(states), bits_(bits), total_(total), ways_(static_cast<std::size_t>(n) + 1) {
  ways_[0].assign(static_cast<std::size_t>(total) + 1, 0);
  ways_[0][0] = 1;
  for (std::size_t k = 1; k < ways_.size(); ++k) {
    for (int sum = 0; sum <= total; ++sum) {
      std::int64_t ways = 0;
      for (int d = 0; d < states && d <= sum; ++d) ways += ways_[k - 1][static_cast<std::size_t>(sum - d)];
      ways_[k].push_back(ways);
    }
  }
}

std::uint64_t FlavourWords::word(std::int64_t number) const {
  std::uint64_t word = 0;
  int left = total_;
  for (int k = n_ - 1; k >= 0; --k) {
    int digit = 0;
    for (;; ++digit) {
      const std::int64_t ways =
          digit > left ? 0 : ways_[static_cast<std::size_t>(k)][static_cast<std::size_t>(left - digit)];
      if (number < ways) break;
      number -= ways;
      if (digit >= states_) throw InternalError("a word beyond the last");
    }
    word |= static_cast<std::uint64_t>(digit) << (k * bits_);
    left -= digit;
  }
  return word;
}

std::uint64_t FlavourWords::next(std::uint64_t word) const {
  if (states_ == 2) {  // Gosper's: the lowest run of ones moves its highest one up, the others down
    const std::uint64_t low = word & (~word + 1);
    const std::uint64_t up = word + low;
    if (low == 0) return word;
    return up | (((word ^ up) >> 2U) / low);
  }
  const std::uint64_t mask = (std::uint64_t{1} << static_cast<unsigned>(bits_)) - 1;
  int below = 0;
  for (int k = 0; k < n_; ++k) {
    const int digit = static_cast<int>((word >> (k * bits_)) & mask);
    if (below == 0 || digit == states_ - 1) {
      below += digit;
      continue;
    }
    std::uint64_t result = (word >> (k * bits_)) + 1;  // one more here, the rest as low as it goes
    result <<= static_cast<unsigned>(k * bits_);
    int left = below - 1;
    for (int j = 0; j < k; ++j) {
      const int lower = std::min(left, states_ - 1);
      result |= static_cast<std::uint64_t>(lower) << (j * bits_);
      left -= lower;
    }
    return result;
  }
  return word;
}

}  // namespace koushi
