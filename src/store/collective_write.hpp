#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hdf5.hpp"
#include "koushi/base/archive.hpp"
#include "koushi/parallel/communicator.hpp"

namespace koushi {

/// A part of a brick, of which the elements stand behind each other from number `at` on.
struct Piece {
  std::vector<hsize_t> first;
  std::vector<hsize_t> count;
  std::int64_t at = 0;
};

std::int64_t elements_of(const std::vector<std::int64_t>& count);
/// A brick in pieces of at most so many elements, in their order; none where the brick is empty.
std::vector<Piece> pieces_of(const ArrayBox& box, std::int64_t most);

/// The fault of the first rank that has one, or "". Collective.
std::string first_fault(const Communicator& comm, const std::string& fault);

/// Writes the bricks of all ranks into a dataset of a file that is there, whose space is taken and which nobody has
/// open: together through MPI-IO, at most so many elements of a rank at once, or one rank after the other where HDF5
/// was built without it. Returns what was wrong, the same on all ranks.
/// Collective  yes
std::string write_bricks(const Communicator& comm, const std::string& file, const std::string& path, hid_t memory_type,
                         const ArrayBox& box, const void* local, std::int64_t most);

}  // namespace koushi
