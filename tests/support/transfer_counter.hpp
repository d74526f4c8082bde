#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

namespace koushi {

/// Deep copies and fences that Kokkos was asked for.
struct Transfers {
  std::int64_t copies = 0;
  std::int64_t fences = 0;
  bool operator==(const Transfers&) const = default;
};

/// Those of body().
template <typename Body>
Transfers transfers_of(const Body& body) {
  namespace tools = Kokkos::Tools::Experimental;
  static Transfers count;
  count = {};
  tools::set_begin_deep_copy_callback([](Kokkos::Tools::SpaceHandle, const char*, const void*,
                                         Kokkos::Tools::SpaceHandle, const char*, const void*,
                                         std::uint64_t) { ++count.copies; });
  tools::set_begin_fence_callback([](const char*, std::uint32_t, std::uint64_t*) { ++count.fences; });
  body();
  tools::set_begin_deep_copy_callback(nullptr);
  tools::set_begin_fence_callback(nullptr);
  return count;
}

}  // namespace koushi
