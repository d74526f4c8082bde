#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "disk.hpp"

namespace koushi {

/// What stands around the HDF5 data of a result file (docs/file_format.md).
///
/// Layout 1  a userblock of 512 bytes with size and checksum of all bytes after it
/// Layout 2  one of 4096 bytes; large arrays, which have checksums of their own, are left out of this one, and the
///           userblock says where a table of their places is

inline constexpr std::size_t userblock_1 = 512;
inline constexpr std::size_t userblock_2 = 4096;
/// Where large arrays begin, and all that is not small between them: a multiple of the blocks of file systems, so that
/// a copy may share them.
inline constexpr std::int64_t alignment = 4096;
/// The table of places, [array][offset, bytes], in the order of their offsets.
inline constexpr const char* table_path = "large_arrays";

/// Place of a large array, in bytes of the file.
struct Extent {
  std::int64_t offset = 0;
  std::int64_t bytes = 0;
};

/// Whether a file begins like a result, whole or damaged.
bool begins_as_result(const std::string& bytes);
/// What every result begins with.
const std::string& first_words();

std::string userblock_of_1(const std::string& data);
/// The userblock of a file that is otherwise complete; `fault` says why it could not be read.
std::string userblock_of_2(const Descriptor& file, const std::string& name, const std::vector<Extent>& arrays,
                           std::int64_t table_offset, std::string& fault);

/// What is wrong with all but the large arrays of a file, or "" if they are sound. Reads in pieces.
std::string fault_of(const Descriptor& file);
std::string fault_of(const std::string& name);
/// 1 or 2, of a file that is sound.
int layout_of(const Descriptor& file);

}  // namespace koushi
