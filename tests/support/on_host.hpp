#pragma once

#include <Kokkos_Core.hpp>

namespace koushi {

/// What a view holds, where a test can read it: the view itself, unless its memory is a device's.
template <typename View>
auto on_host(const View& view) {
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, view);
}

}  // namespace koushi
