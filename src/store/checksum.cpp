#include "checksum.hpp"

namespace koushi {

std::uint64_t fnv1a(const char* data, std::size_t size, std::uint64_t hash) {
  for (std::size_t k = 0; k < size; ++k) hash = (hash ^ static_cast<unsigned char>(data[k])) * 0x100000001b3ULL;
  return hash;
}

std::uint64_t sum_over_ranks(const Communicator& comm, std::uint64_t mine) {
  constexpr std::uint64_t low = 0xffffffffULL;  // halves, whose sums do not overflow
  std::vector<std::int64_t> halves{static_cast<std::int64_t>(mine & low), static_cast<std::int64_t>(mine >> 32U)};
  comm.sum(halves);
  return static_cast<std::uint64_t>(halves[0]) + (static_cast<std::uint64_t>(halves[1]) << 32U);
}

}  // namespace koushi
