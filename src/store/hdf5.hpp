#pragma once

#include <hdf5.h>

#include <string>
#include <utility>

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

/// Passes on what an HDF5 call returned; StoreError if that is negative, of this rank alone: files are built on the
/// root only.
template <typename T>
T h5check(T status, const std::string& what) {
  if (status < 0) throw StoreError("HDF5 cannot " + what, ErrorScope::local);
  return status;
}

inline constexpr std::size_t userblock_size = 512;

/// The text of the userblock for these bytes of HDF5 data.
std::string userblock_of(const std::string& data);
/// What is wrong with a whole file, or "" if it is sound.
std::string fault_of(const std::string& bytes);

}  // namespace koushi
