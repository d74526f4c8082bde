#pragma once

namespace koushi {

/// Bytes of memory that this machine has.
double physical_memory();

}  // namespace koushi
