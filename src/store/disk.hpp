#pragma once

#include <cstdint>
#include <string>

namespace koushi {

/// Plain calls of the operating system on files. Those that return a text return what was wrong, or "".

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int id) : id_(id) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return id_; }
  bool valid() const { return id_ >= 0; }
  int release();  ///< to be closed by the caller

 private:
  int id_ = -1;
};

/// `what` of a file with the reason that errno holds.
std::string system_error(const std::string& what, const std::string& file);

Descriptor open_to_read(const std::string& file);
/// Waits some seconds for a file that another rank has just made: file systems of many machines show it late.
Descriptor open_of_other_rank(const std::string& file, bool writes);
/// Bytes of an open file.
std::int64_t size_of(const Descriptor& file);

std::string read_at(const Descriptor& file, const std::string& name, std::int64_t offset, char* data,
                    std::int64_t size);
std::string write_at(const Descriptor& file, const std::string& name, std::int64_t offset, const char* data,
                     std::int64_t size);
/// Writes all bytes and flushes them to the device; no file is left where that fails.
std::string write_whole(const std::string& name, const std::string& bytes);
/// Takes the space of [offset, offset + bytes), so that writing there meets no full disk. A file system that cannot
/// take space before it is written is asked whether it has as much.
std::string reserve(const Descriptor& file, const std::string& name, std::int64_t offset, std::int64_t bytes);
/// Copies bytes from file to file: within the file system where it can (which may share the blocks), else by reading
/// and writing.
std::string copy_bytes(const Descriptor& from, const std::string& from_name, std::int64_t from_offset,
                       const Descriptor& to, const std::string& to_name, std::int64_t to_offset, std::int64_t bytes);
/// Flushes to the device what this machine has written.
std::string flush(const Descriptor& file, const std::string& name);
/// FILE.part -> FILE, and FILE -> FILE.previous where `keeps`, so that at every moment one of them is whole.
std::string replace(const std::string& file, bool keeps);

}  // namespace koushi
