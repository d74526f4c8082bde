#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "hdf5.hpp"
#include "koushi/store/result_file.hpp"

namespace koushi {

namespace {

std::string system_error(const std::string& what, const std::string& file) {
  return fmt::format("{}: {} ({})", file, what, std::strerror(errno));
}

/// Writes all bytes and flushes them to the device; returns the fault or "".
std::string write_whole(const std::string& file, const std::string& bytes) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return system_error("cannot be created", file);
  std::size_t done = 0;
  std::string fault;
  while (done < bytes.size() && fault.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (n >= 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      fault = system_error("cannot be written", file);
    }
  }
  if (fault.empty() && fsync(descriptor) != 0) fault = system_error("cannot be flushed", file);
  if (close(descriptor) != 0 && fault.empty()) fault = system_error("cannot be closed", file);
  if (!fault.empty()) unlink(file.c_str());
  return fault;
}

/// HDF5 writes to memory here: what it cannot write does not fit.
void written(herr_t status, const std::string& path) {
  if (status >= 0) return;
  throw LibraryError(fmt::format(
      "out of memory: the result file is put together in memory, where dataset {} does not fit\n  expected: more "
      "memory, fewer or rarer measurements; `koushi check DECK --ranks N` says how large the file will be",
      path));
}

/// FILE.part -> FILE, FILE -> FILE.previous, so that at every moment one of them is whole.
std::string replace(const std::string& file, const std::string& bytes) {
  const std::string part = file + ".part";
  if (std::string fault = write_whole(part, bytes); !fault.empty()) return fault;
  if (access(file.c_str(), F_OK) == 0) {
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

}  // namespace

struct ResultWriter::Image {
  H5File file;

  Image() {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const H5List access(h5check(H5Pcreate(H5P_FILE_ACCESS), "create a property list"));
    h5check(H5Pset_fapl_core(access.get(), 1U << 20U, 0), "use the core driver");
    file =
        H5File(h5check(H5Fcreate("koushi-image", H5F_ACC_TRUNC, H5P_DEFAULT, access.get()), "create a file in memory"));
  }

  H5List intermediate_groups() const {
    H5List links(h5check(H5Pcreate(H5P_LINK_CREATE), "create a property list"));
    h5check(H5Pset_create_intermediate_group(links.get(), 1), "set a property");
    return links;
  }

  /// An empty array of doubles, to be filled by write_brick.
  void create(const std::string& path, const std::vector<hsize_t>& shape) const {
    const H5List links = intermediate_groups();
    const H5Space space(
        h5check(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), "create a shape"));
    H5Data(h5check(
        H5Dcreate2(file.get(), path.c_str(), H5T_IEEE_F64LE, space.get(), links.get(), H5P_DEFAULT, H5P_DEFAULT),
        "create dataset " + path));
  }

  void write_brick(const std::string& path, const std::vector<hsize_t>& first, const std::vector<hsize_t>& count,
                   const std::vector<double>& data) const {
    const H5Data dataset(h5check(H5Dopen2(file.get(), path.c_str(), H5P_DEFAULT), "open dataset " + path));
    const H5Space space(h5check(H5Dget_space(dataset.get()), "read a shape"));
    h5check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr),
            "choose a brick");
    const H5Space memory(
        h5check(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), "create a shape"));
    written(H5Dwrite(dataset.get(), H5T_NATIVE_DOUBLE, memory.get(), space.get(), H5P_DEFAULT, data.data()), path);
  }

  void write(const std::string& path, hid_t file_type, hid_t memory_type, const std::vector<hsize_t>& shape,
             const void* data) const {
    const H5List links = intermediate_groups();
    const H5Space space(h5check(
        shape.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
        "create a shape"));
    const H5Data dataset(
        h5check(H5Dcreate2(file.get(), path.c_str(), file_type, space.get(), links.get(), H5P_DEFAULT, H5P_DEFAULT),
                "create dataset " + path));
    if (shape.empty() || shape[0] > 0)
      written(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), path);
  }

  void write_text_attribute(const std::string& path, const char* name, const std::string& text) const {
    const H5Data dataset(h5check(H5Dopen2(file.get(), path.c_str(), H5P_DEFAULT), "open dataset " + path));
    const H5Type type(h5check(H5Tcopy(H5T_C_S1), "copy a type"));
    h5check(H5Tset_size(type.get(), text.size() + 1), "set a size");
    h5check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "set a character set");
    const H5Space space(h5check(H5Screate(H5S_SCALAR), "create a shape"));
    const H5Attribute attribute(h5check(
        H5Acreate2(dataset.get(), name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), "create an attribute"));
    h5check(H5Awrite(attribute.get(), type.get(), text.c_str()), "write an attribute");
  }

  std::string bytes() const {
    h5check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "flush");
    const ssize_t size = h5check(H5Fget_file_image(file.get(), nullptr, 0), "measure the file");
    std::string data(static_cast<std::size_t>(size), '\0');
    h5check(H5Fget_file_image(file.get(), data.data(), data.size()), "copy the file");
    return data;
  }
};

ResultWriter::ResultWriter(const Communicator& comm) : comm_(comm) {
  if (comm.is_root()) image_ = std::make_unique<Image>();
}
ResultWriter::~ResultWriter() = default;

void ResultWriter::write(const std::string& path, const std::vector<double>& values) {
  if (image_) image_->write(path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {values.size()}, values.data());
}

void ResultWriter::write(const std::string& path, const std::vector<std::int64_t>& values) {
  if (image_) image_->write(path, H5T_STD_I64LE, H5T_NATIVE_INT64, {values.size()}, values.data());
}

void ResultWriter::write(const std::string& path, const std::string& text) {
  if (!image_) return;
  const H5Type type(h5check(H5Tcopy(H5T_C_S1), "copy a type"));
  h5check(H5Tset_size(type.get(), text.size() + 1), "set a size");
  h5check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "set a character set");
  image_->write(path, type.get(), type.get(), {}, text.c_str());
}

void ResultWriter::write_rows(const std::string& path, RowRange rows, std::int64_t columns,
                              const std::vector<std::int8_t>& local) {
  const std::string all =
      comm_.all_gather_bytes(std::string(reinterpret_cast<const char*>(local.data()), local.size()));
  if (image_) {
    image_->write(path, H5T_STD_I8LE, H5T_NATIVE_INT8,
                  {static_cast<hsize_t>(rows.total), static_cast<hsize_t>(columns)}, all.data());
  }
}

void ResultWriter::write_box(const std::string& path, const ArrayBox& box, const std::vector<double>& local) {
  std::vector<std::int64_t> mine(box.first);
  mine.insert(mine.end(), box.count.begin(), box.count.end());
  const std::vector<std::int64_t> all = comm_.all_gather(mine);
  if (!image_) {
    comm_.send_to_root(local);
    return;
  }
  const std::vector<hsize_t> shape(box.shape.begin(), box.shape.end());
  image_->create(path, shape);
  for (int r = 0; r < comm_.size(); ++r) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(r) * 2 * shape.size());
    const auto middle = begin + static_cast<std::ptrdiff_t>(shape.size());
    const std::vector<hsize_t> first(begin, middle);
    const std::vector<hsize_t> count(middle, middle + static_cast<std::ptrdiff_t>(shape.size()));
    image_->write_brick(path, first, count, r == 0 ? local : comm_.receive_at_root(r));
  }
}

void ResultWriter::write_array(const std::string& path, const std::vector<std::int64_t>& shape,
                               const std::vector<double>& values) {
  if (image_) image_->write(path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {shape.begin(), shape.end()}, values.data());
}

void ResultWriter::describe(const std::string& path, const std::string& unit, const std::string& help) {
  if (!image_) return;
  image_->write_text_attribute(path, "unit", unit);
  image_->write_text_attribute(path, "help", help);
}

void ResultWriter::commit(const std::string& file) {
  std::string fault;
  if (image_) {
    const std::string data = image_->bytes();
    fault = replace(file, userblock_of(data) + data);
  }
  comm_.broadcast(fault);
  if (!fault.empty())
    throw StoreError(
        fault +
        "\n  an earlier checkpoint, if there is one, is untouched; mend this (space, permissions), then use --resume");
}

bool ResultWriter::contains(const std::string&) const { throw InternalError("ResultWriter cannot read"); }
std::vector<double> ResultWriter::read_reals(const std::string&) const {
  throw InternalError("ResultWriter cannot read");
}
std::vector<std::int64_t> ResultWriter::read_integers(const std::string&) const {
  throw InternalError("ResultWriter cannot read");
}
std::string ResultWriter::read_text(const std::string&) const { throw InternalError("ResultWriter cannot read"); }
std::vector<double> ResultWriter::read_box(const std::string&, const ArrayBox&) const {
  throw InternalError("ResultWriter cannot read");
}
std::vector<std::int8_t> ResultWriter::read_rows(const std::string&, RowRange, std::int64_t) const {
  throw InternalError("ResultWriter cannot read");
}

}  // namespace koushi
