#pragma once

#include <Kokkos_SIMD.hpp>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace koushi {

/// Vector of doubles of this processor: 8 lanes with AVX-512, 4 with AVX2, 2 with NEON, 1 on a GPU.
using Simd = Kokkos::Experimental::simd<double>;

KOKKOS_INLINE_FUNCTION constexpr int simd_width() { return static_cast<int>(Simd::size()); }

/// From and to memory of any alignment.
KOKKOS_INLINE_FUNCTION Simd load(const double* p) {
  return Kokkos::Experimental::simd_unchecked_load<Simd>(p, Kokkos::Experimental::simd_flag_default);
}
KOKKOS_INLINE_FUNCTION void store(const Simd& v, double* p) {
  Kokkos::Experimental::simd_unchecked_store(v, p, Kokkos::Experimental::simd_flag_default);
}

/// body(0), ..., body(n - 1) with compile-time numbers: arrays of vectors that are indexed by these stay in registers,
/// while g++ 12 leaves part of them in memory where a loop is unrolled later.
template <int n, typename Body>
KOKKOS_FORCEINLINE_FUNCTION constexpr void unrolled(const Body& body) {
  [&]<int... i>(std::integer_sequence<int, i...>) { (body(std::integral_constant<int, i>{}), ...); }
  (std::make_integer_sequence<int, n>{});
}

/// Lanes<T>: what a kernel that is written once for a number (T = double, as on a GPU) and for a vector of numbers (T =
/// Simd) needs of its values. Lane by lane, both do the same operations with the same rounding, so that a number does
/// not depend on how its neighbours were grouped; products and sums are fused where the kernel says fma(), and nowhere
/// else. Compare with < and == only: the > and >= of Kokkos 5.0.2's AVX-512 vectors have their sides exchanged; and
/// negate by 0 - x, which is what unary minus of a vector does to a zero.
template <typename T>
struct Lanes;

template <>
struct Lanes<double> {
  static constexpr int width = 1;
  using Mask = bool;
  using Word = std::uint64_t;
  KOKKOS_INLINE_FUNCTION static double load(const double* p) { return *p; }
  KOKKOS_INLINE_FUNCTION static void store(double v, double* p, int /*count*/ = width) { *p = v; }
  KOKKOS_INLINE_FUNCTION static double fma(double a, double b, double c) { return Kokkos::fma(a, b, c); }
  /// c - a b
  KOKKOS_INLINE_FUNCTION static double fnma(double a, double b, double c) { return Kokkos::fma(-a, b, c); }
  KOKKOS_INLINE_FUNCTION static double select(bool mask, double yes, double no) { return mask ? yes : no; }
  KOKKOS_INLINE_FUNCTION static bool any(bool mask) { return mask; }
  KOKKOS_INLINE_FUNCTION static bool first(int count) { return count > 0; }  ///< lanes 0 ... count - 1
  KOKKOS_INLINE_FUNCTION static bool only(int lane) { return lane == 0; }
  KOKKOS_INLINE_FUNCTION static double index() { return 0; }  ///< 0, 1, 2, ...
  KOKKOS_INLINE_FUNCTION static double get(double v, int /*lane*/) { return v; }
  KOKKOS_INLINE_FUNCTION static int count(bool mask) { return mask ? 1 : 0; }
  /// first + lane stride
  KOKKOS_INLINE_FUNCTION static std::uint64_t words(std::uint64_t first, std::uint64_t /*stride*/) { return first; }
  KOKKOS_INLINE_FUNCTION static double from_bits(std::uint64_t w) { return Kokkos::bit_cast<double>(w); }
  KOKKOS_INLINE_FUNCTION static std::uint64_t to_bits(double v) { return Kokkos::bit_cast<std::uint64_t>(v); }
  KOKKOS_INLINE_FUNCTION static std::uint64_t exclusive_or(std::uint64_t a, std::uint64_t b) { return a ^ b; }
  /// of the low halves
  KOKKOS_INLINE_FUNCTION static std::uint64_t product(std::uint64_t a, std::uint64_t b) {
    return (a & 0xffffffffU) * (b & 0xffffffffU);
  }
  /// table[m] for x = 2 m, m modulo 8.
  KOKKOS_INLINE_FUNCTION static double lookup(const double (&table)[8], double x) {
    return table[static_cast<int>(x) / 2 & 7];
  }
};

#if !defined(KOKKOS_ENABLE_CUDA) && !defined(KOKKOS_ENABLE_HIP) && !defined(KOKKOS_ENABLE_SYCL)
template <>
struct Lanes<Simd> {
  static constexpr int width = static_cast<int>(Simd::size());
  using Mask = typename Simd::mask_type;
  using Word = Kokkos::Experimental::basic_simd<std::uint64_t, typename Simd::abi_type>;
  static Simd load(const double* p) { return koushi::load(p); }
  static void store(const Simd& v, double* p) { koushi::store(v, p); }
  /// The first `count` lanes. (Kokkos 5.0 has a masked store, but for aligned addresses only.)
  static void store(const Simd& v, double* p, int count) {
    if (count >= width) {
      koushi::store(v, p);
      return;
    }
    double all[width];
    koushi::store(v, all);
    for (int l = 0; l < count; ++l) p[l] = all[l];
  }
  static Simd fma(const Simd& a, const Simd& b, const Simd& c) { return Kokkos::fma(a, b, c); }
#ifdef __AVX512F__
  static Simd fnma(const Simd& a, const Simd& b, const Simd& c) {
    return Simd(_mm512_fnmadd_pd(static_cast<__m512d>(a), static_cast<__m512d>(b), static_cast<__m512d>(c)));
  }
#else
  static Simd fnma(const Simd& a, const Simd& b, const Simd& c) { return Kokkos::fma(Simd(0.0) - a, b, c); }
#endif
  static Simd select(const Mask& mask, const Simd& yes, const Simd& no) {
    return Kokkos::Experimental::condition(mask, yes, no);
  }
#ifdef __AVX512F__  // Kokkos 5.0 goes through the lanes
  static bool any(const Mask& mask) { return static_cast<__mmask8>(mask) != 0; }
  static int count(const Mask& mask) { return __builtin_popcount(static_cast<__mmask8>(mask)); }
#else
  static bool any(const Mask& mask) { return Kokkos::Experimental::any_of(mask); }
  static int count(const Mask& mask) {
    int n = 0;
    for (int l = 0; l < width; ++l) n += mask[static_cast<std::size_t>(l)] ? 1 : 0;
    return n;
  }
#endif
  static Mask first(int count) { return index() < Simd(static_cast<double>(count)); }
  static Mask only(int lane) { return index() == Simd(static_cast<double>(lane)); }
  static Simd index() {
    static constexpr double numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return koushi::load(numbers);
  }
  static double get(const Simd& v, int lane) { return v[static_cast<std::size_t>(lane)]; }
  static Word words(std::uint64_t first, std::uint64_t stride) {
    return Word([=](std::size_t lane) { return first + lane * stride; });
  }
  static Simd from_bits(const Word& w) { return Kokkos::bit_cast<Simd>(w); }
  static Word to_bits(const Simd& v) { return Kokkos::bit_cast<Word>(v); }
  // Kokkos 5.0 has no exclusive or of vectors, and a product of 64 bits costs three instructions of AVX-512.
#ifdef __AVX512F__
  static Word exclusive_or(const Word& a, const Word& b) {
    return Word(_mm512_xor_si512(static_cast<__m512i>(a), static_cast<__m512i>(b)));
  }
  static Word product(const Word& a, const Word& b) {
    return Word(_mm512_mul_epu32(static_cast<__m512i>(a), static_cast<__m512i>(b)));
  }
  static Simd lookup(const double (&table)[8], const Simd& x) {
    const Word index = to_bits(x + Simd(1.5 * 9007199254740992.0));  // 2^53: its last digit stands for 2
    return Simd(_mm512_permutexvar_pd(static_cast<__m512i>(index), _mm512_loadu_pd(table)));
  }
#else
  static Word exclusive_or(const Word& a, const Word& b) { return (a | b) - (a & b); }
  static Word product(const Word& a, const Word& b) { return (a & Word(0xffffffffULL)) * (b & Word(0xffffffffULL)); }
  static Simd lookup(const double (&table)[8], const Simd& x) {
    return Simd([&](std::size_t lane) { return Lanes<double>::lookup(table, x[lane]); });
  }
#endif
};
/// The type whose lanes are sites in kernels on rows of sites.
using SiteVector = Simd;
#else
using SiteVector = double;
#endif

}  // namespace koushi
