#pragma once

#include <Random123/philox.h>

#include <Kokkos_Macros.hpp>
#include <cstdint>

namespace koushi {

/// What a random number is used for; part of the key, so that streams of different purposes never meet.
enum class RandomPurpose : std::uint32_t { initial_parameters = 1, initial_configurations = 2, markov_chain = 3, test = 4, momenta = 5, acceptance = 6,
                                          trajectory_length = 7, local_update = 8, cluster_bond = 9, cluster = 10, patterns = 20 };

struct RandomBlock {
  std::uint32_t word[4];
};

/// Four 32-bit random words of Philox4x32-10, keyed by (seed, purpose) and counted by (step, stream, draw). No state:
/// the same arguments give the same words on every rank, thread and device.
/// stream is the global chain or site, below 2^32; seed below 2^32 counts in full, higher bits are folded in.
/// Source      J. K. Salmon et al., SC'11, "Parallel random numbers: as easy as 1, 2, 3"
KOKKOS_INLINE_FUNCTION RandomBlock philox(std::uint64_t seed, RandomPurpose purpose, std::uint64_t step,
                                          std::uint64_t stream, std::uint32_t draw) {
  const philox4x32_ctr_t counter = {{static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32),
                                     static_cast<std::uint32_t>(stream), draw}};
  const philox4x32_key_t key = {{static_cast<std::uint32_t>(seed ^ (seed >> 32)), static_cast<std::uint32_t>(purpose)}};
  const philox4x32_ctr_t words = philox4x32(counter, key);
  return {{words.v[0], words.v[1], words.v[2], words.v[3]}};
}

/// 53 random bits as a real number in [0, 1).
KOKKOS_INLINE_FUNCTION double uniform(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1.0p-53;
}

/// An integer in [0, n), by multiplication (bias below n / 2^32).
KOKKOS_INLINE_FUNCTION int uniform_below(std::uint32_t word, int n) {
  return static_cast<int>((static_cast<std::uint64_t>(word) * static_cast<std::uint64_t>(n)) >> 32);
}

}  // namespace koushi
