#pragma once

#include <hdf5.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "koushi/base/error.hpp"

namespace koushi {

/// Owns one HDF5 identifier; `close` is its H5?close.
template <herr_t (*close)(hid_t)>
class H5Handle {
 public:
  H5Handle() = default;
  explicit H5Handle(hid_t id) : id_(id) {}
  H5Handle(H5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  H5Handle& operator=(H5Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~H5Handle() {
    if (id_ >= 0) close(id_);
  }
  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }
  /// Closes now; negative if HDF5 could not, as where a file cannot be written.
  herr_t shut() {
    const hid_t id = std::exchange(id_, -1);
    return id >= 0 ? close(id) : 0;
  }

 private:
  hid_t id_ = -1;
};

using H5File = H5Handle<H5Fclose>;
using H5Space = H5Handle<H5Sclose>;
using H5Data = H5Handle<H5Dclose>;
using H5Type = H5Handle<H5Tclose>;
using H5List = H5Handle<H5Pclose>;
using H5Attribute = H5Handle<H5Aclose>;
using H5Group = H5Handle<H5Gclose>;

/// Passes on what an HDF5 call returned; StoreError if that is negative, of this rank alone.
template <typename T>
T h5check(T status, const std::string& what) {
  if (status < 0) throw StoreError("HDF5 cannot " + what, ErrorScope::local);
  return status;
}

/// Whether every part of a path is there; HDF5 asks for one link at a time.
bool h5_contains(hid_t file, const std::string& path);
/// The extents of a dataset.
std::vector<hsize_t> h5_shape(hid_t dataset);
/// Groups on the way to a new dataset are made with it.
H5List h5_links_with_groups();
void h5_write_text_attribute(hid_t dataset, const char* name, const std::string& text);
/// "" if there is none.
std::string h5_read_text_attribute(hid_t dataset, const char* name);
void h5_write_checksum(hid_t dataset, std::uint64_t checksum);
/// The checksum of a large array, or nothing: of a small one.
std::optional<std::uint64_t> h5_read_checksum(hid_t dataset);

}  // namespace koushi
