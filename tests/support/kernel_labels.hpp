#pragma once

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

namespace koushi {

/// Labels of all kernels and allocations of body(); Kokkos labels its own copies and fills.
template <typename Body>
std::vector<std::string> labels_of(const Body& body) {
  namespace tools = Kokkos::Tools::Experimental;
  static std::vector<std::string> labels;
  labels.clear();
  const auto see_kernel = [](const char* name, std::uint32_t, std::uint64_t*) { labels.emplace_back(name); };
  tools::set_begin_parallel_for_callback(see_kernel);
  tools::set_begin_parallel_reduce_callback(see_kernel);
  tools::set_begin_parallel_scan_callback(see_kernel);
  tools::set_allocate_data_callback(
      [](Kokkos::Tools::SpaceHandle, const char* name, const void*, std::uint64_t) { labels.emplace_back(name); });
  body();
  tools::set_begin_parallel_for_callback(nullptr);
  tools::set_begin_parallel_reduce_callback(nullptr);
  tools::set_begin_parallel_scan_callback(nullptr);
  tools::set_allocate_data_callback(nullptr);
  return labels;
}

/// Every label is koushi::<room>::<what>.
inline void check_labels(const std::vector<std::string>& labels, std::size_t at_least) {
  CHECK(labels.size() > at_least);
  for (const std::string& label : labels) {
    INFO(label);
    CHECK((label.rfind("koushi::", 0) == 0 || label.rfind("Kokkos::", 0) == 0));
  }
}

}  // namespace koushi
