#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>
#include <vector>

namespace koushi {

class Communicator;

/// A sum of doubles kept as an integer multiple of 2^-68: no order of the summands, no thread and no rank moves a bit
/// of it.
///
/// Every summand is cut into three integers of units 2^-8, 2^-38, 2^-68 and rounded to the last, so a sum of n numbers
/// is exact to n 2^-69.
/// Range       |x| < 2^42 each, fewer than 2^34 of them, |sum| < 2^54; a summand that is larger or not finite makes the
///             sum NaN
/// Cost        about 12 operations per summand, no branch that depends on its value
struct ExactSum {
  std::int64_t limb[3] = {0, 0, 0};
  std::int64_t refused = 0;  ///< summands out of range

  KOKKOS_INLINE_FUNCTION void add(double x) {
    if (!(Kokkos::fabs(x) < 0x1.0p42)) {
      ++refused;
      return;
    }
    // Adding 1.5 * 2^52 rounds to an integer; the remainders are exact.
    constexpr double magic = 0x1.8p52;
    const double high = (x * 0x1.0p8 + magic) - magic;
    double rest = x - high * 0x1.0p-8;
    const double middle = (rest * 0x1.0p38 + magic) - magic;
    rest -= middle * 0x1.0p-38;
    const double low = (rest * 0x1.0p68 + magic) - magic;
    limb[0] += static_cast<std::int64_t>(high);
    limb[1] += static_cast<std::int64_t>(middle);
    limb[2] += static_cast<std::int64_t>(low);
  }
  KOKKOS_INLINE_FUNCTION ExactSum& operator+=(const ExactSum& other) {
    for (int k = 0; k < 3; ++k) limb[k] += other.limb[k];
    refused += other.refused;
    return *this;
  }
  /// The nearest double; NaN if a summand was refused. Host only.
  double value() const;
};

/// The sums of all ranks, on every rank. Collective.
std::vector<double> exact_totals(const Communicator& comm, const std::vector<ExactSum>& local);

}  // namespace koushi

template <>
struct Kokkos::reduction_identity<koushi::ExactSum> {
  KOKKOS_FORCEINLINE_FUNCTION static koushi::ExactSum sum() { return {}; }
};
