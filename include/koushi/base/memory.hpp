#pragma once

namespace koushi {

/// Bytes of memory that this machine has.
double physical_memory();

/// Whether so many bytes of arrays leave room for the rest: 80 % of it.
bool fits_into_memory(double bytes);

}  // namespace koushi
