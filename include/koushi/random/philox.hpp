#pragma once

#include <Random123/philox.h>

#include <Kokkos_Macros.hpp>
#include <cstdint>

#include "koushi/base/simd.hpp"

namespace koushi {

/// What a random number is used for; part of the key, so that streams of different purposes never meet.
enum class RandomPurpose : std::uint32_t {
  initial_parameters = 1,
  initial_configurations = 2,
  markov_chain = 3,
  test = 4,
  momenta = 5,
  acceptance = 6,
  trajectory_length = 7,
  local_update = 8,
  cluster_bond = 9,
  cluster = 10,
  exchange = 11,
  patterns = 20,
  network_parameters = 21,
  real_time_paths = 22,
  fixed_node = 23,
  branching = 24,
  direct_samples = 25,
  thermal_vectors = 26,
  contour_draws = 27,
  disorder = 28
};

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

/// The same in every lane, where lane l has its own stream; words in the low halves of 64 bits. `stream` and `draw`
/// below 2^32.
template <typename T>
struct RandomLanes {
  typename Lanes<T>::Word word[4];
};
template <typename T>
KOKKOS_INLINE_FUNCTION RandomLanes<T> philox_lanes(std::uint64_t seed, RandomPurpose purpose, std::uint64_t step,
                                                   const typename Lanes<T>::Word& stream,
                                                   const typename Lanes<T>::Word& draw) {
  using L = Lanes<T>;
  using Word = typename L::Word;
  // Only the low halves count, products read nothing else, and the high ones are cleared at the end.
  const Word low(0xffffffffULL);
  Word x0(step & 0xffffffffULL);
  Word x1(step >> 32);
  Word x2 = stream;
  Word x3 = draw;
  std::uint32_t key0 = static_cast<std::uint32_t>(seed ^ (seed >> 32));
  auto key1 = static_cast<std::uint32_t>(purpose);
  for (int round = 0; round < 10; ++round) {
    const Word p0 = L::product(x0, Word(0xD2511F53ULL));
    const Word p1 = L::product(x2, Word(0xCD9E8D57ULL));
    x0 = L::exclusive_or(L::exclusive_or(p1 >> 32, x1), Word(static_cast<std::uint64_t>(key0)));
    x1 = p1;
    x2 = L::exclusive_or(L::exclusive_or(p0 >> 32, x3), Word(static_cast<std::uint64_t>(key1)));
    x3 = p0;
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return {{x0 & low, x1 & low, x2 & low, x3 & low}};
}

/// As uniform(), lane by lane: an integer below 2^53 put together from two exact ones, times 2^-53.
template <typename T>
KOKKOS_INLINE_FUNCTION T uniform_lanes(const typename Lanes<T>::Word& high, const typename Lanes<T>::Word& low) {
  using L = Lanes<T>;
  using Word = typename L::Word;
  const Word exponent(0x4330000000000000ULL);
  const T upper = L::from_bits(high | exponent) - T(4503599627370496.0);
  const T lower = L::from_bits((low >> 11) | exponent) - T(4503599627370496.0);
  return upper * T(0x1.0p-32) + lower * T(0x1.0p-53);
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
