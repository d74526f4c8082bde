#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/parallel/communicator.hpp"

namespace koushi {

/// FNV-1a of bytes in their order, going on from `hash`.
std::uint64_t fnv1a(const char* data, std::size_t size, std::uint64_t hash = 0xcbf29ce484222325ULL);

/// What element i of a large array adds to its checksum: a mixture of its number and its little-endian bytes w as an
/// unsigned integer, of which every bit changes about half of all bits. One changed element always changes the sum.
/// Source  the finaliser of splitmix64: Steele, Lea and Flood, OOPSLA 2014, with the constants of Stafford's Mix13
inline std::uint64_t mixed(std::uint64_t i, std::uint64_t w) {
  std::uint64_t z = w ^ ((i + 1) * 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31U);
}

inline std::uint64_t word_of(double value) {
  std::uint64_t word = 0;
  std::memcpy(&word, &value, sizeof word);
  return word;
}
inline std::uint64_t word_of(std::int8_t value) { return static_cast<std::uint8_t>(value); }

/// Sum of mixed(i, w_i) mod 2^64 over `count` elements of which the first has number `first` in its array.
template <typename T>
std::uint64_t sum_of_elements(const T* values, std::int64_t count, std::int64_t first) {
  std::uint64_t sum = 0;
  for (std::int64_t k = 0; k < count; ++k) sum += mixed(static_cast<std::uint64_t>(first + k), word_of(values[k]));
  return sum;
}

/// The same over a brick, which holds its elements in their order.
template <typename T>
std::uint64_t sum_of_brick(const ArrayBox& box, const T* values) {
  const std::size_t last = box.shape.size() - 1;
  std::int64_t rows = 1;
  for (std::size_t d = 0; d < last; ++d) rows *= box.count[d];
  std::uint64_t sum = 0;
  std::vector<std::int64_t> at(last, 0);
  for (std::int64_t row = 0; row < rows; ++row) {
    std::int64_t number = 0;
    for (std::size_t d = 0; d < last; ++d) number = number * box.shape[d] + box.first[d] + at[d];
    sum += sum_of_elements(values + row * box.count[last], box.count[last], number * box.shape[last] + box.first[last]);
    for (std::size_t d = last; d-- > 0 && ++at[d] == box.count[d];) at[d] = 0;
  }
  return sum;
}

/// Sum of all ranks' numbers mod 2^64. Collective.
std::uint64_t sum_over_ranks(const Communicator& comm, std::uint64_t mine);

}  // namespace koushi
