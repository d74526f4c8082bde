#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "hdf5.hpp"
#include "koushi/store/damaged_file.hpp"
#include "koushi/store/result_file.hpp"

namespace koushi {

namespace {

std::uint64_t fnv1a(const char* data, std::size_t size) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (std::size_t k = 0; k < size; ++k) hash = (hash ^ static_cast<unsigned char>(data[k])) * 0x100000001b3ULL;
  return hash;
}

const std::string signature = "koushi result file 1\n";
const std::string first_words = signature.substr(0, signature.find(" 1"));  // those of a damaged header, too

std::string header(std::size_t size, std::uint64_t hash) {
  std::string text = fmt::format("{}size = {}\nchecksum = {:016x}\n", signature, size, hash);
  text.resize(userblock_size, '\0');
  return text;
}

}  // namespace

std::string userblock_of(const std::string& data) { return header(data.size(), fnv1a(data.data(), data.size())); }

std::string fault_of(const std::string& bytes) {
  if (bytes.rfind(first_words, 0) != 0) return "is not a koushi result file";
  if (bytes.size() < userblock_size) return "is truncated (not even its header is whole)";
  const std::size_t size = bytes.size() - userblock_size;
  if (bytes.compare(0, userblock_size, header(size, fnv1a(bytes.data() + userblock_size, size))) != 0) {
    return "is truncated or corrupted (its checksum is wrong)";
  }
  return "";
}

struct ResultReader::Image {
  std::string data;
  H5File file;

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
};

ResultReader::ResultReader(const Communicator& comm, const std::string& file)
    : file_(file), image_(std::make_unique<Image>()) {
  std::string fault;
  std::string bytes;
  if (comm.is_root()) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) {
      fault = "cannot be opened";
    } else if (std::filesystem::is_directory(file)) {
      fault = "is a folder";
    } else {
      bytes.assign(std::istreambuf_iterator<char>(stream), {});
      fault = fault_of(bytes);
    }
    if (!fault.empty()) {
      std::ifstream previous(file + ".previous", std::ios::binary);
      if (fault_of({std::istreambuf_iterator<char>(previous), {}}).empty()) {
        fault +=
            fmt::format("; {}.previous is the checkpoint before, from which `koushi run DECK --resume` goes on", file);
      } else if (bytes.rfind(first_words, 0) == 0) {
        fault += "; `koushi run DECK --overwrite` makes it anew";
      }
    }
  }
  comm.broadcast(fault);
  if (fault.rfind("is truncated", 0) == 0) throw DamagedFile(fmt::format("{}: {}", file, fault));
  if (!fault.empty()) throw StoreError(fmt::format("{}: {}", file, fault));
  comm.broadcast(bytes);
  image_->data = bytes.substr(userblock_size);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const H5List access(h5check(H5Pcreate(H5P_FILE_ACCESS), "create a property list"));
  h5check(H5Pset_fapl_core(access.get(), 1U << 20U, 0), "use the core driver");
  h5check(H5Pset_file_image(access.get(), image_->data.data(), image_->data.size()), "take a file from memory");
  static std::atomic<int> images{0};  // two open images of one name are the same file to HDF5
  image_->file = H5File(H5Fopen(fmt::format("koushi-image-{}", images++).c_str(), H5F_ACC_RDONLY, access.get()));
  if (!image_->file.valid()) throw StoreError(fmt::format("{}: HDF5 cannot read it", file));
}
ResultReader::~ResultReader() = default;
ResultReader::ResultReader(ResultReader&&) noexcept = default;

bool ResultReader::contains(const std::string& path) const {
  for (std::size_t at = path.find('/');; at = path.find('/', at + 1)) {
    if (H5Lexists(image_->file.get(), path.substr(0, at).c_str(), H5P_DEFAULT) <= 0) return false;
    if (at == std::string::npos) return true;
  }
}

std::vector<double> ResultReader::read_reals(const std::string& path) const {
  return image_->read<double>(file_, path, H5T_FLOAT, H5T_NATIVE_DOUBLE);
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
  const auto all = image_->read<std::int8_t>(file_, path, H5T_INTEGER, H5T_NATIVE_INT8);
  if (static_cast<std::int64_t>(all.size()) != rows.total * columns) {
    throw StoreError(
        fmt::format("{}: dataset {} has {} entries, expected {} x {}", file_, path, all.size(), rows.total, columns));
  }
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(rows.first * columns);
  return {begin, begin + static_cast<std::ptrdiff_t>(rows.count * columns)};
}

std::vector<double> ResultReader::read_box(const std::string& path, const ArrayBox& box) const {
  const H5Data dataset = image_->open(file_, path);
  const H5Type type(h5check(H5Dget_type(dataset.get()), "read a type"));
  const H5Space space(h5check(H5Dget_space(dataset.get()), "read a shape"));
  std::vector<hsize_t> shape(static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space.get()))));
  if (!shape.empty()) h5check(H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr), "read a shape");
  if (H5Tget_class(type.get()) != H5T_FLOAT || shape != std::vector<hsize_t>(box.shape.begin(), box.shape.end())) {
    throw StoreError(fmt::format("{}: dataset {} has another shape, [{}], expected [{}]", file_, path,
                                 fmt::join(shape, ", "), fmt::join(box.shape, ", ")));
  }
  const std::vector<hsize_t> first(box.first.begin(), box.first.end());
  const std::vector<hsize_t> count(box.count.begin(), box.count.end());
  std::size_t size = 1;
  for (const hsize_t n : count) size *= n;
  h5check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr),
          "choose a brick");
  const H5Space memory(
      h5check(H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr), "create a shape"));
  std::vector<double> values(size);
  if (size > 0)
    h5check(H5Dread(dataset.get(), H5T_NATIVE_DOUBLE, memory.get(), space.get(), H5P_DEFAULT, values.data()),
            "read dataset " + path);
  return values;
}

std::string ResultReader::attribute(const std::string& path, const char* name) const {
  const H5Data dataset = image_->open(file_, path);
  if (H5Aexists(dataset.get(), name) <= 0) return "";
  const H5Attribute attribute(h5check(H5Aopen(dataset.get(), name, H5P_DEFAULT), "open an attribute"));
  const H5Type type(h5check(H5Aget_type(attribute.get()), "read a type"));
  std::string text(H5Tget_size(type.get()), '\0');
  h5check(H5Aread(attribute.get(), type.get(), text.data()), "read an attribute");
  return text.c_str();
}

std::string ResultReader::unit(const std::string& path) const { return attribute(path, "unit"); }
std::string ResultReader::help(const std::string& path) const { return attribute(path, "help"); }

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
  std::string start(first_words.size(), '\0');
  stream.read(start.data(), static_cast<std::streamsize>(start.size()));
  return stream.gcount() > 0 && start != first_words;
}

bool result_exists(const std::string& file) {
  return access(file.c_str(), F_OK) == 0 || access((file + ".previous").c_str(), F_OK) == 0;
}

ResultReader open_result_or_previous(const Communicator& comm, const std::string& file, std::string& message) {
  try {
    return {comm, file};
  } catch (const StoreError& error) {
    const int there = comm.broadcast(comm.is_root() && std::ifstream(file + ".previous").good() ? 1 : 0);
    if (there == 0) throw;
    ResultReader previous(comm, file + ".previous");
    const std::string fault = error.what();
    message = fmt::format("{}; the checkpoint before, {}.previous, is used", fault.substr(0, fault.find("; ")), file);
    return previous;
  }
}

}  // namespace koushi
