#include "koushi/base/memory.hpp"

#include <unistd.h>

namespace koushi {

double physical_memory() {
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

bool fits_into_memory(double bytes) { return bytes <= 0.8 * physical_memory(); }

}  // namespace koushi
