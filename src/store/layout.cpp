#include "layout.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>

#include "checksum.hpp"

namespace koushi {

static_assert(std::endian::native == std::endian::little, "elements are hashed and copied as they stand in memory");

namespace {

const std::string signature_1 = "koushi result file 1\n";
const std::string signature_2 = "koushi result file 2\n";

const char* const no_result = "is not a koushi result file";
const char* const no_header = "is truncated (not even its header is whole)";
const char* const damaged = "is truncated or corrupted (its checksum is wrong)";

std::string header_1(std::int64_t size, std::uint64_t hash) {
  std::string text = fmt::format("{}size = {}\nchecksum = {:016x}\n", signature_1, size, hash);
  text.resize(userblock_1, '\0');
  return text;
}

struct Table {
  std::int64_t size = 0;  ///< of the file
  std::int64_t arrays = 0;
  std::int64_t offset = 0;
};

std::string header_2(const Table& table, std::uint64_t hash) {
  std::string text = fmt::format("{}size = {}\nchecksum = {:016x}\nlarge_arrays = {} at {}\n", signature_2, table.size,
                                 hash, table.arrays, table.offset);
  text.resize(userblock_2, '\0');
  return text;
}

/// FNV-1a of the bytes from `begin` to the end that lie in no large array.
std::string hash_around(const Descriptor& file, const std::string& name, std::int64_t begin,
                        const std::vector<Extent>& arrays, std::uint64_t& hash) {
  const std::int64_t size = size_of(file);
  hash = fnv1a(nullptr, 0);
  std::vector<char> buffer(1 << 20);
  std::size_t next = 0;
  for (std::int64_t at = begin; at < size;) {
    if (next < arrays.size() && at == arrays[next].offset) {
      at += arrays[next++].bytes;
      continue;
    }
    const std::int64_t end = next < arrays.size() ? arrays[next].offset : size;
    const std::int64_t n = std::min(end - at, static_cast<std::int64_t>(buffer.size()));
    if (std::string fault = read_at(file, name, at, buffer.data(), n); !fault.empty()) return fault;
    hash = fnv1a(buffer.data(), static_cast<std::size_t>(n), hash);
    at += n;
  }
  return "";
}

/// The table that a header names; false if there is none that can be one.
bool read_table(const Descriptor& file, const Table& table, std::vector<Extent>& arrays) {
  constexpr auto bytes_each = static_cast<std::int64_t>(sizeof(Extent));
  if (table.size != size_of(file) || table.arrays < 0 || table.offset < static_cast<std::int64_t>(userblock_2) ||
      table.offset > table.size || table.arrays > (table.size - table.offset) / bytes_each) {
    return false;
  }
  arrays.resize(static_cast<std::size_t>(table.arrays));
  if (!read_at(file, "", table.offset, reinterpret_cast<char*>(arrays.data()), table.arrays * bytes_each).empty())
    return false;
  auto end = static_cast<std::int64_t>(userblock_2);
  for (const Extent& array : arrays) {
    if (array.offset < end || array.bytes < 0 || array.bytes > table.size - array.offset) return false;
    end = array.offset + array.bytes;
  }
  return true;
}

std::string first_bytes(const Descriptor& file, std::size_t most) {
  std::string bytes(std::min(most, static_cast<std::size_t>(size_of(file))), '\0');
  return read_at(file, "", 0, bytes.data(), static_cast<std::int64_t>(bytes.size())).empty() ? bytes : "";
}

std::string fault_of_2(const Descriptor& file) {
  const std::string start = first_bytes(file, userblock_2);
  if (start.size() < userblock_2) return no_header;
  Table table;
  long long size = 0;
  long long arrays = 0;
  long long offset = 0;
  unsigned long long hash = 0;
  if (std::sscanf(start.c_str() + signature_2.size(), "size = %lld\nchecksum = %llx\nlarge_arrays = %lld at %lld\n",
                  &size, &hash, &arrays, &offset) != 4) {
    return damaged;
  }
  table = {size, arrays, offset};
  std::vector<Extent> places;
  std::uint64_t found = 0;
  if (start != header_2(table, hash) || !read_table(file, table, places)) return damaged;
  if (!hash_around(file, "", userblock_2, places, found).empty() || found != hash) return damaged;
  return "";
}

}  // namespace

const std::string& first_words() {
  static const std::string words = signature_1.substr(0, signature_1.find(" 1"));
  return words;
}

bool begins_as_result(const std::string& bytes) { return bytes.rfind(first_words(), 0) == 0; }

std::string userblock_of_1(const std::string& data) {
  return header_1(static_cast<std::int64_t>(data.size()), fnv1a(data.data(), data.size()));
}

std::string userblock_of_2(const Descriptor& file, const std::string& name, const std::vector<Extent>& arrays,
                           std::int64_t table_offset, std::string& fault) {
  std::uint64_t hash = 0;
  fault = hash_around(file, name, userblock_2, arrays, hash);
  return header_2({size_of(file), static_cast<std::int64_t>(arrays.size()), table_offset}, hash);
}

std::string fault_of(const Descriptor& file) {
  const std::string start = first_bytes(file, userblock_1);
  if (!begins_as_result(start)) return no_result;
  if (start.size() < userblock_1) return no_header;
  if (start.rfind(signature_2, 0) == 0) return fault_of_2(file);
  std::uint64_t hash = 0;
  if (!hash_around(file, "", userblock_1, {}, hash).empty()) return damaged;
  return start == header_1(size_of(file) - static_cast<std::int64_t>(userblock_1), hash) ? "" : damaged;
}

std::string fault_of(const std::string& name) {
  struct stat there = {};
  if (stat(name.c_str(), &there) == 0 && S_ISDIR(there.st_mode)) return "is a folder";
  const Descriptor file = open_to_read(name);
  return file.valid() ? fault_of(file) : "cannot be opened";
}

int layout_of(const Descriptor& file) { return first_bytes(file, signature_2.size()) == signature_2 ? 2 : 1; }

}  // namespace koushi
