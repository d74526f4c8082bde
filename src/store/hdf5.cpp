#include "hdf5.hpp"

#include <algorithm>

namespace koushi {

namespace {

constexpr const char* checksum_name = "checksum";

}  // namespace

bool h5_contains(hid_t file, const std::string& path) {
  for (std::size_t at = path.find('/');; at = path.find('/', at + 1)) {
    if (H5Lexists(file, path.substr(0, at).c_str(), H5P_DEFAULT) <= 0) return false;
    if (at == std::string::npos) return true;
  }
}

std::vector<hsize_t> h5_shape(hid_t dataset) {
  const H5Space space(h5check(H5Dget_space(dataset), "read a shape"));
  std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  if (!shape.empty()) h5check(H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr), "read a shape");
  return shape;
}

H5List h5_links_with_groups() {
  H5List links(h5check(H5Pcreate(H5P_LINK_CREATE), "create a property list"));
  h5check(H5Pset_create_intermediate_group(links.get(), 1), "set a property");
  return links;
}

void h5_write_text_attribute(hid_t dataset, const char* name, const std::string& text) {
  const H5Type type(h5check(H5Tcopy(H5T_C_S1), "copy a type"));
  h5check(H5Tset_size(type.get(), text.size() + 1), "set a size");
  h5check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "set a character set");
  const H5Space space(h5check(H5Screate(H5S_SCALAR), "create a shape"));
  const H5Attribute attribute(
      h5check(H5Acreate2(dataset, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), "create an attribute"));
  h5check(H5Awrite(attribute.get(), type.get(), text.c_str()), "write an attribute");
}

std::string h5_read_text_attribute(hid_t dataset, const char* name) {
  if (H5Aexists(dataset, name) <= 0) return "";
  const H5Attribute attribute(h5check(H5Aopen(dataset, name, H5P_DEFAULT), "open an attribute"));
  const H5Type type(h5check(H5Aget_type(attribute.get()), "read a type"));
  std::string text(H5Tget_size(type.get()), '\0');
  h5check(H5Aread(attribute.get(), type.get(), text.data()), "read an attribute");
  return text.c_str();
}

void h5_write_checksum(hid_t dataset, std::uint64_t checksum) {
  const H5Space space(h5check(H5Screate(H5S_SCALAR), "create a shape"));
  const H5Attribute attribute(h5check(
      H5Acreate2(dataset, checksum_name, H5T_STD_U64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT), "create an attribute"));
  h5check(H5Awrite(attribute.get(), H5T_NATIVE_UINT64, &checksum), "write an attribute");
}

std::optional<std::uint64_t> h5_read_checksum(hid_t dataset) {
  if (H5Aexists(dataset, checksum_name) <= 0) return {};
  const H5Attribute attribute(h5check(H5Aopen(dataset, checksum_name, H5P_DEFAULT), "open an attribute"));
  std::uint64_t checksum = 0;
  h5check(H5Aread(attribute.get(), H5T_NATIVE_UINT64, &checksum), "read an attribute");
  return checksum;
}

}  // namespace koushi
