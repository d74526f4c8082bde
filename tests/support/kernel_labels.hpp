#pragma once

#include <Kokkos_Core.hpp>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

namespace koushi {

/// Listens to Kokkos while it lives, and holds the labels of all kernels and allocations.
class LabelListener {
 public:
  LabelListener() {
    labels().clear();
    set(see_kernel, see_allocation);
  }
  ~LabelListener() { set(nullptr, nullptr); }
  LabelListener(const LabelListener&) = delete;
  LabelListener& operator=(const LabelListener&) = delete;

  static std::vector<std::string>& labels() {
    static std::vector<std::string> seen;
    return seen;
  }
  /// Every label is koushi::<room>::<what>; Kokkos labels its own copies and fills.
  static void check_labels(std::size_t at_least) {
    CHECK(labels().size() > at_least);
    for (const std::string& label : labels()) {
      INFO(label);
      CHECK((label.rfind("koushi::", 0) == 0 || label.rfind("Kokkos::", 0) == 0));
    }
  }

 private:
  static void see_kernel(const char* name, const std::uint32_t, std::uint64_t*) { labels().emplace_back(name); }
  static void see_allocation(const Kokkos::Tools::SpaceHandle, const char* name, const void*, std::uint64_t) { labels().emplace_back(name); }
  template <typename Kernel, typename Allocation>
  static void set(Kernel kernel, Allocation allocation) {
    namespace tools = Kokkos::Tools::Experimental;
    tools::set_begin_parallel_for_callback(kernel);
    tools::set_begin_parallel_reduce_callback(kernel);
    tools::set_begin_parallel_scan_callback(kernel);
    tools::set_allocate_data_callback(allocation);
  }
};

}  // namespace koushi
