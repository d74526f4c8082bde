#include "disk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

namespace koushi {

Descriptor::Descriptor(Descriptor&& other) noexcept : id_(std::exchange(other.id_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(id_, other.id_);
  return *this;
}

int Descriptor::release() { return std::exchange(id_, -1); }

Descriptor::~Descriptor() {
  if (id_ >= 0) close(id_);
}

std::string system_error(const std::string& what, const std::string& file) {
  return fmt::format("{}: {} ({})", file, what, std::strerror(errno));
}

Descriptor open_to_read(const std::string& file) { return Descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC)); }

Descriptor open_of_other_rank(const std::string& file, bool writes) {
  int id = -1;
  for (int tries = 0; tries < 100; ++tries) {
    id = open(file.c_str(), (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (id >= 0 || (errno != ENOENT && errno != ESTALE)) break;
    usleep(50000);
  }
  return Descriptor(id);
}

std::int64_t size_of(const Descriptor& file) {
  struct stat there = {};
  return fstat(file.get(), &there) == 0 ? static_cast<std::int64_t>(there.st_size) : 0;
}

std::string read_at(const Descriptor& file, const std::string& name, std::int64_t offset, char* data,
                    std::int64_t size) {
  for (std::int64_t done = 0; done < size;) {
    const ssize_t n = pread(file.get(), data + done, static_cast<std::size_t>(size - done), offset + done);
    if (n == 0) return fmt::format("{}: cannot be read (it ends after {} bytes)", name, offset + done);
    if (n < 0 && errno != EINTR) return system_error("cannot be read", name);
    done += std::max<ssize_t>(n, 0);
  }
  return "";
}

std::string write_at(const Descriptor& file, const std::string& name, std::int64_t offset, const char* data,
                     std::int64_t size) {
  for (std::int64_t done = 0; done < size;) {
    const ssize_t n = pwrite(file.get(), data + done, static_cast<std::size_t>(size - done), offset + done);
    if (n < 0 && errno != EINTR) return system_error("cannot be written", name);
    done += std::max<ssize_t>(n, 0);
  }
  return "";
}

std::string write_whole(const std::string& name, const std::string& bytes) {
  Descriptor file(open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) return system_error("cannot be created", name);
  std::string fault = write_at(file, name, 0, bytes.data(), static_cast<std::int64_t>(bytes.size()));
  if (fault.empty()) fault = flush(file, name);
  if (close(file.release()) != 0 && fault.empty()) fault = system_error("cannot be closed", name);
  if (!fault.empty()) unlink(name.c_str());
  return fault;
}

std::string reserve(const Descriptor& file, const std::string& name, std::int64_t offset, std::int64_t bytes) {
  if (bytes == 0) return "";
  int status = -1;
  do {
    status = fallocate(file.get(), 0, offset, bytes);
  } while (status != 0 && errno == EINTR);
  if (status == 0) return "";
  if (errno != EOPNOTSUPP && errno != ENOSYS) return system_error("cannot be written", name);
  struct statvfs there = {};
  if (fstatvfs(file.get(), &there) != 0) return "";
  const double room = static_cast<double>(there.f_bavail) * static_cast<double>(there.f_frsize);
  if (static_cast<double>(bytes) <= room) return "";
  errno = ENOSPC;
  return system_error("cannot be written", name);
}

std::string copy_bytes(const Descriptor& from, const std::string& from_name, std::int64_t from_offset,
                       const Descriptor& to, const std::string& to_name, std::int64_t to_offset, std::int64_t bytes) {
  std::int64_t done = 0;
  while (done < bytes) {
    loff_t source = from_offset + done;
    loff_t target = to_offset + done;
    const ssize_t n =
        copy_file_range(from.get(), &source, to.get(), &target, static_cast<std::size_t>(bytes - done), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;  // not here, or not so: by reading and writing, which says what is wrong
    done += n;
  }
  std::vector<char> buffer(static_cast<std::size_t>(std::min<std::int64_t>(bytes - done, 4 << 20)));
  while (done < bytes) {
    const std::int64_t n = std::min<std::int64_t>(bytes - done, static_cast<std::int64_t>(buffer.size()));
    if (std::string fault = read_at(from, from_name, from_offset + done, buffer.data(), n); !fault.empty())
      return fault;
    if (std::string fault = write_at(to, to_name, to_offset + done, buffer.data(), n); !fault.empty()) return fault;
    done += n;
  }
  return "";
}

std::string flush(const Descriptor& file, const std::string& name) {
  return fsync(file.get()) == 0 ? "" : system_error("cannot be flushed", name);
}

std::string replace(const std::string& file, bool keeps) {
  const std::string part = file + ".part";
  if (keeps && access(file.c_str(), F_OK) == 0) {
    const std::string previous = file + ".previous";
    const std::string link_name = file + ".link";
    unlink(link_name.c_str());
    if (link(file.c_str(), link_name.c_str()) == 0) {  // file systems without hard links go without a second copy
      if (rename(link_name.c_str(), previous.c_str()) != 0) return system_error("cannot be renamed", link_name);
    }
  }
  if (rename(part.c_str(), file.c_str()) != 0) return system_error("cannot be renamed", part);
  return "";
}

}  // namespace koushi
