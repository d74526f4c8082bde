#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>

#include "checksum.hpp"
#include "collective_write.hpp"
#include "disk.hpp"
#include "hdf5.hpp"
#include "koushi/parallel/tree_sum.hpp"
#include "koushi/store/damaged_file.hpp"
#include "koushi/store/result_file.hpp"
#include "layout.hpp"

namespace koushi {

namespace {

hid_t memory_type(const double*) { return H5T_NATIVE_DOUBLE; }
hid_t memory_type(const std::int8_t*) { return H5T_NATIVE_INT8; }
H5T_class_t type_class(const double*) { return H5T_FLOAT; }
H5T_class_t type_class(const std::int8_t*) { return H5T_INTEGER; }

/// What can be done about a damaged file, as the root sees it.
std::string remedy_for(const std::string& file, bool was_result) {
  if (fault_of(file + ".previous").empty()) {
    return fmt::format("; {}.previous is the checkpoint before, from which `koushi run DECK --resume` goes on", file);
  }
  return was_result ? "; `koushi run DECK --overwrite` makes it anew" : "";
}

}  // namespace

struct ResultReader::Image {
  std::string data;       ///< the HDF5 data of a file that is held in memory
  Descriptor descriptor;  ///< of one that is not
  H5File file;
  std::set<std::string> verified;  ///< large arrays

  H5Data open(const std::string& name, const std::string& path) const {
    H5Data dataset(H5Lexists(file.get(), path.substr(0, path.find('/')).c_str(), H5P_DEFAULT) > 0
                       ? H5Dopen2(file.get(), path.c_str(), H5P_DEFAULT)
                       : -1);
    if (!dataset.valid()) throw StoreError(fmt::format("{}: there is no dataset {}", name, path));
    return dataset;
  }

  template <typename T>
  std::vector<T> read(const std::string& name, const std::string& path, H5T_class_t expected, hid_t memory_type) const {
    const H5Data dataset = open(name, path);
    const H5Type type(h5check(H5Dget_type(dataset.get()), "read a type"));
    if (H5Tget_class(type.get()) != expected)
      throw StoreError(fmt::format("{}: dataset {} has another type", name, path));
    const H5Space space(h5check(H5Dget_space(dataset.get()), "read a shape"));
    std::vector<T> values(static_cast<std::size_t>(h5check(H5Sget_simple_extent_npoints(space.get()), "read a shape")));
    if (!values.empty())
      h5check(H5Dread(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
              "read dataset " + path);
    return values;
  }

  void open_in_memory() {
    const H5List access(h5check(H5Pcreate(H5P_FILE_ACCESS), "create a property list"));
    h5check(H5Pset_fapl_core(access.get(), 1U << 20U, 0), "use the core driver");
    h5check(H5Pset_file_image(access.get(), data.data(), data.size()), "take a file from memory");
    static std::atomic<int> images{0};  // two open images of one name are the same file to HDF5
    file = H5File(H5Fopen(fmt::format("koushi-image-{}", images++).c_str(), H5F_ACC_RDONLY, access.get()));
  }

  void open_on_disk(const std::string& name) {
    const H5List access(h5check(H5Pcreate(H5P_FILE_ACCESS), "create a property list"));
    h5check(H5Pset_sieve_buf_size(access.get(), std::size_t{1} << 20U), "set a property");  // rows of bricks are short
    file = H5File(H5Fopen(name.c_str(), H5F_ACC_RDONLY, access.get()));
  }

  /// A brick, if the dataset has the type and shape that are expected.
  template <typename T>
  std::vector<T> read_brick(const H5Data& dataset, const std::string& name, const std::string& path,
                            const ArrayBox& box) const {
    const H5Type type(h5check(H5Dget_type(dataset.get()), "read a type"));
    const std::vector<hsize_t> shape = h5_shape(dataset.get());
    std::vector<T> values;
    if (H5Tget_class(type.get()) != type_class(values.data()) ||
        shape != std::vector<hsize_t>(box.shape.begin(), box.shape.end())) {
      throw StoreError(fmt::format("{}: dataset {} has another shape, [{}], expected [{}]", name, path,
                                   fmt::join(shape, ", "), fmt::join(box.shape, ", ")));
    }
    const H5Space space(h5check(H5Dget_space(dataset.get()), "read a shape"));
    const std::vector<hsize_t> first(box.first.begin(), box.first.end());
    const std::vector<hsize_t> count(box.count.begin(), box.count.end());
    h5check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr),
            "choose a brick");
    const H5Space memory(
        h5check(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), "create a shape"));
    values.resize(static_cast<std::size_t>(elements_of(box.count)));
    if (!values.empty())
      h5check(H5Dread(dataset.get(), koushi::memory_type(values.data()), memory.get(), space.get(), H5P_DEFAULT,
                      values.data()),
              "read dataset " + path);
    return values;
  }

  [[noreturn]] static void damaged(const Communicator& comm, const std::string& name, const std::string& path) {
    std::string remedy = comm.is_root() ? remedy_for(name, true) : "";
    comm.broadcast(remedy);
    throw DamagedFile(fmt::format("{}: is corrupted (the checksum of its dataset {} is wrong){}", name, path, remedy));
  }

  /// Verifies a large array by reading a share of it. Collective.
  void verify(const Communicator& comm, const std::string& name, const std::string& path, const H5Data& dataset) {
    const std::uint64_t expected = *h5_read_checksum(dataset.get());
    const H5Type type(h5check(H5Dget_type(dataset.get()), "read a type"));
    const auto bytes_each = static_cast<std::int64_t>(H5Tget_size(type.get()));
    std::int64_t total = 1;
    for (const hsize_t n : h5_shape(dataset.get())) total *= static_cast<std::int64_t>(n);
    const auto offset = static_cast<std::int64_t>(H5Dget_offset(dataset.get()));
    const RowRange mine = share_of(total, comm.rank(), comm.size());
    std::vector<char> buffer(std::size_t{4} << 20U);
    const std::int64_t most = static_cast<std::int64_t>(buffer.size()) / bytes_each;
    std::uint64_t sum = 0;
    std::string fault;
    for (std::int64_t at = 0; at < mine.count && fault.empty(); at += most) {
      const std::int64_t n = std::min(most, mine.count - at);
      const std::int64_t first = mine.first + at;
      fault = read_at(descriptor, name, offset + first * bytes_each, buffer.data(), n * bytes_each);
      sum += bytes_each == 1 ? sum_of_elements(reinterpret_cast<const std::int8_t*>(buffer.data()), n, first)
                             : sum_of_elements(reinterpret_cast<const double*>(buffer.data()), n, first);
    }
    fault = first_fault(comm, fault);
    if (!fault.empty()) throw StoreError(fault);
    if (sum_over_ranks(comm, sum) != expected) damaged(comm, name, path);
    verified.insert(path);
  }

  /// The brick of every rank, and the checksum of the array: from the bricks where together they may be the whole of
  /// it, which reads it once.
  template <typename T>
  std::vector<T> read_verified_brick(const Communicator& comm, const std::string& name, const std::string& path,
                                     const ArrayBox& box) {
    const H5Data dataset = open(name, path);
    std::vector<T> values = read_brick<T>(dataset, name, path, box);
    const std::optional<std::uint64_t> expected = h5_read_checksum(dataset.get());
    if (!expected || verified.count(path) > 0) return values;
    std::vector<std::int64_t> elements{elements_of(box.count)};
    comm.sum(elements);
    const bool whole = elements[0] == elements_of(box.shape);
    if (whole && sum_over_ranks(comm, sum_of_brick(box, values.data())) == *expected) {
      verified.insert(path);
    } else {
      verify(comm, name, path, dataset);
    }
    return values;
  }
};

ResultReader::ResultReader(const Communicator& comm, const std::string& file, std::int64_t in_memory)
    : comm_(comm), file_(file), image_(std::make_unique<Image>()) {
  std::string fault;
  std::string bytes;
  int on_disk = 0;
  if (comm.is_root()) {
    fault = fault_of(file);
    const Descriptor stream = open_to_read(file);
    if (fault.empty()) {
      on_disk = layout_of(stream) == 2 || size_of(stream) > in_memory ? 1 : 0;
      if (on_disk == 0) {
        bytes.resize(static_cast<std::size_t>(size_of(stream)) - userblock_1);
        fault = read_at(stream, file, userblock_1, bytes.data(), static_cast<std::int64_t>(bytes.size()));
      }
    } else {
      std::string start(first_words().size(), '\0');
      fault += remedy_for(file,
                          stream.valid() &&
                              read_at(stream, file, 0, start.data(), static_cast<std::int64_t>(start.size())).empty() &&
                              begins_as_result(start));
    }
  }
  comm.broadcast(fault);
  if (fault.rfind("is truncated", 0) == 0) throw DamagedFile(fmt::format("{}: {}", file, fault));
  if (!fault.empty()) throw StoreError(fmt::format("{}: {}", file, fault));
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  if (comm.broadcast(on_disk) == 0) {
    comm.broadcast(bytes);
    image_->data = std::move(bytes);
    image_->open_in_memory();
  } else {
    image_->descriptor = open_of_other_rank(file, false);
    if (!image_->descriptor.valid()) fault = system_error("cannot be opened", file);
    fault = first_fault(comm, fault);
    if (!fault.empty())
      throw StoreError(fault + "\n  expected: a folder that the machines of all ranks share, for files of this size");
    image_->open_on_disk(file);
  }
  if (!image_->file.valid()) throw StoreError(fmt::format("{}: HDF5 cannot read it", file));
}
ResultReader::~ResultReader() = default;
ResultReader::ResultReader(ResultReader&&) noexcept = default;

bool ResultReader::contains(const std::string& path) const { return h5_contains(image_->file.get(), path); }

std::vector<double> ResultReader::read_reals(const std::string& path) const {
  const H5Data dataset = image_->open(file_, path);
  if (!h5_read_checksum(dataset.get())) return image_->read<double>(file_, path, H5T_FLOAT, H5T_NATIVE_DOUBLE);
  if (image_->verified.count(path) == 0) image_->verify(comm_, file_, path, dataset);
  const H5Type type(h5check(H5Dget_type(dataset.get()), "read a type"));
  if (H5Tget_class(type.get()) != H5T_FLOAT)
    throw StoreError(fmt::format("{}: dataset {} has another type", file_, path));
  std::int64_t total = 1;
  for (const hsize_t n : h5_shape(dataset.get())) total *= static_cast<std::int64_t>(n);
  std::vector<double> values(static_cast<std::size_t>(total));
  const auto offset = static_cast<std::int64_t>(H5Dget_offset(dataset.get()));
  constexpr auto bytes_each = static_cast<std::int64_t>(sizeof(double));
  const RowRange mine = share_of(total, comm_.rank(), comm_.size());
  const std::string fault =
      first_fault(comm_, read_at(image_->descriptor, file_, offset + mine.first * bytes_each,
                                 reinterpret_cast<char*>(values.data() + mine.first), mine.count * bytes_each));
  if (!fault.empty()) throw StoreError(fault);
  for (int rank = 0; rank < comm_.size() && comm_.size() > 1; ++rank) {
    const RowRange share = share_of(total, rank, comm_.size());
    comm_.broadcast(values.data() + share.first, share.count, rank);
  }
  return values;
}

std::vector<std::int64_t> ResultReader::read_integers(const std::string& path) const {
  return image_->read<std::int64_t>(file_, path, H5T_INTEGER, H5T_NATIVE_INT64);
}

std::string ResultReader::read_text(const std::string& path) const {
  const H5Data dataset = image_->open(file_, path);
  const H5Type type(h5check(H5Dget_type(dataset.get()), "read a type"));
  if (H5Tget_class(type.get()) != H5T_STRING) throw StoreError(fmt::format("{}: dataset {} is no text", file_, path));
  std::string text(H5Tget_size(type.get()), '\0');
  h5check(H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()), "read dataset " + path);
  return text.c_str();
}

std::vector<std::int8_t> ResultReader::read_rows(const std::string& path, RowRange rows, std::int64_t columns) const {
  return image_->read_verified_brick<std::int8_t>(comm_, file_, path,
                                                  {{rows.total, columns}, {rows.first, 0}, {rows.count, columns}});
}

std::vector<double> ResultReader::read_box(const std::string& path, const ArrayBox& box) const {
  return image_->read_verified_brick<double>(comm_, file_, path, box);
}

bool ResultReader::is_large(const std::string& path) const {
  return h5_read_checksum(image_->open(file_, path).get()).has_value();
}

void ResultReader::verify() const {
  if (!image_->descriptor.valid()) return;  // in memory, where all is verified
  std::vector<std::string> paths;
  const auto append = [](hid_t file, const char* name, const H5L_info_t*, void* out) -> herr_t {
    const H5Data dataset(H5Dopen2(file, name, H5P_DEFAULT));  // groups are none
    if (dataset.valid() && h5_read_checksum(dataset.get()))
      static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  h5check(H5Lvisit(image_->file.get(), H5_INDEX_NAME, H5_ITER_INC, append, &paths), "list the datasets");
  for (const std::string& path : paths) {
    if (image_->verified.count(path) == 0) image_->verify(comm_, file_, path, image_->open(file_, path));
  }
}

std::string ResultReader::unit(const std::string& path) const {
  return h5_read_text_attribute(image_->open(file_, path).get(), "unit");
}
std::string ResultReader::help(const std::string& path) const {
  return h5_read_text_attribute(image_->open(file_, path).get(), "help");
}

std::vector<std::string> ResultReader::list(const std::string& group) const {
  std::vector<std::string> names;
  if (!contains(group)) return names;
  const H5Group handle(h5check(H5Gopen2(image_->file.get(), group.c_str(), H5P_DEFAULT), "open group " + group));
  const auto append = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  h5check(H5Literate(handle.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, append, &names), "list group " + group);
  return names;
}

void ResultReader::write(const std::string&, const std::vector<double>&) {
  throw InternalError("ResultReader cannot write");
}
void ResultReader::write(const std::string&, const std::vector<std::int64_t>&) {
  throw InternalError("ResultReader cannot write");
}
void ResultReader::write(const std::string&, const std::string&) { throw InternalError("ResultReader cannot write"); }
void ResultReader::write_box(const std::string&, const ArrayBox&, const std::vector<double>&) {
  throw InternalError("ResultReader cannot write");
}
void ResultReader::write_rows(const std::string&, RowRange, std::int64_t, const std::vector<std::int8_t>&) {
  throw InternalError("ResultReader cannot write");
}

bool holds_something_else(const std::string& file) {
  std::error_code fault;
  if (!std::filesystem::is_regular_file(file, fault)) return false;
  std::ifstream stream(file, std::ios::binary);
  std::string start(first_words().size(), '\0');
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  return stream.gcount() > 0 && start != first_words();
}

bool result_exists(const std::string& file) {
  return access(file.c_str(), F_OK) == 0 || access((file + ".previous").c_str(), F_OK) == 0;
}

ResultReader open_result_or_previous(const Communicator& comm, const std::string& file, std::string& message) {
  try {
    ResultReader reader(comm, file);
    reader.verify();
    return reader;
  } catch (const StoreError& error) {
    const int there = comm.broadcast(comm.is_root() && std::ifstream(file + ".previous").good() ? 1 : 0);
    if (there == 0) throw;
    ResultReader previous(comm, file + ".previous");
    previous.verify();
    const std::string fault = error.what();
    message = fmt::format("{}; the checkpoint before, {}.previous, is used", fault.substr(0, fault.find("; ")), file);
    return previous;
  }
}

}  // namespace koushi
