#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>

#include "checksum.hpp"
#include "collective_write.hpp"
#include "disk.hpp"
#include "hdf5.hpp"
#include "koushi/parallel/tree_sum.hpp"
#include "koushi/store/result_file.hpp"
#include "layout.hpp"

namespace koushi {

namespace {

/// HDF5 writes to memory here: what it cannot write does not fit.
void written(herr_t status, const std::string& path) {
  if (status >= 0) return;
  throw LibraryError(fmt::format(
      "out of memory: the small data of a result file are put together in memory, where dataset {} does not fit\n  "
      "expected: more memory, fewer or rarer measurements; `koushi check DECK --ranks N` says how large the file will "
      "be",
      path));
}

hid_t file_type(const double*) { return H5T_IEEE_F64LE; }
hid_t file_type(const std::int8_t*) { return H5T_STD_I8LE; }
hid_t memory_type(const double*) { return H5T_NATIVE_DOUBLE; }
hid_t memory_type(const std::int8_t*) { return H5T_NATIVE_INT8; }

/// The root's numbers on all ranks.
std::vector<std::int64_t> of_root(const Communicator& comm, std::vector<std::int64_t> values) {
  if (!comm.is_root()) std::fill(values.begin(), values.end(), 0);
  comm.sum(values);
  return values;
}

H5List access_to_disk() {
  H5List access(h5check(H5Pcreate(H5P_FILE_ACCESS), "create a property list"));
  h5check(H5Pset_alignment(access.get(), hsize_t{64} << 10U, alignment), "align large arrays");
  return access;
}

/// Copies all links of a group that the other group lacks, and goes on in the groups that both have. Negative if HDF5
/// cannot.
herr_t copy_members(hid_t from, hid_t to) {
  struct Names {
    std::vector<std::string> all;
  } names;
  const auto append = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
    static_cast<Names*>(out)->all.emplace_back(name);
    return 0;
  };
  herr_t status = H5Literate(from, H5_INDEX_NAME, H5_ITER_INC, nullptr, append, &names);
  for (const std::string& name : names.all) {
    if (H5Lexists(to, name.c_str(), H5P_DEFAULT) <= 0) {
      status = std::min(status, H5Ocopy(from, name.c_str(), to, name.c_str(), H5P_DEFAULT, H5P_DEFAULT));
    } else {
      const H5Group below(H5Gopen2(from, name.c_str(), H5P_DEFAULT));
      const H5Group there(H5Gopen2(to, name.c_str(), H5P_DEFAULT));
      status = std::min(status, below.valid() && there.valid() ? copy_members(below.get(), there.get()) : -1);
    }
  }
  return status;
}

}  // namespace

struct ResultWriter::Image {
  H5File file;

  Image() {
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    const H5List access(h5check(H5Pcreate(H5P_FILE_ACCESS), "create a property list"));
    h5check(H5Pset_fapl_core(access.get(), 1U << 20U, 0), "use the core driver");
    static std::atomic<int> images{0};  // two open images of one name are the same file to HDF5
    file = H5File(
        h5check(H5Fcreate(fmt::format("koushi-new-{}", images++).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access.get()),
                "create a file in memory"));
  }

  /// An empty array of doubles, to be filled by write_brick.
  void create(const std::string& path, const std::vector<hsize_t>& shape) const {
    const H5List links = h5_links_with_groups();
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
    const H5List links = h5_links_with_groups();
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
    h5_write_text_attribute(dataset.get(), name, text);
  }

  std::string bytes() const {
    h5check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "flush");
    const ssize_t size = h5check(H5Fget_file_image(file.get(), nullptr, 0), "measure the file");
    std::string data(static_cast<std::size_t>(size), '\0');
    h5check(H5Fget_file_image(file.get(), data.data(), data.size()), "copy the file");
    return data;
  }
};

/// FILE.part from its first large array on. What the root does alone are plain calls, which say what is wrong, until
/// the space for what HDF5 shall write is taken: HDF5 meets no full disk.
struct ResultWriter::Part {
  std::string name;
  std::string source;
  std::vector<Extent> arrays;                                            ///< on the root
  std::set<std::string> paths;                                           ///< of the large arrays
  std::map<std::string, std::pair<std::string, std::string>> described;  ///< unit and help of large arrays
  Descriptor descriptor;  ///< of FILE.part, on every rank that has copied
  Descriptor source_descriptor;
  H5File source_file;  ///< on the root
  bool complete = false;

  /// An empty HDF5 file behind an empty userblock. On the root.
  std::string begin() const {
    const std::string empty = Image().bytes();
    return write_whole(name, std::string(userblock_2, '\0') + empty);
  }

  /// Takes space behind the present end, and some for what HDF5 notes of it.
  std::string reserve_behind(std::int64_t bytes) const {
    const Descriptor file(open(name.c_str(), O_RDWR | O_CLOEXEC));
    if (!file.valid()) return system_error("cannot be written", name);
    return reserve(file, name, size_of(file), bytes + (std::int64_t{128} << 10U));
  }

  /// A large array without its elements. On the root.
  std::string create(const std::string& path, hid_t type, const std::vector<std::int64_t>& extents,
                     std::uint64_t checksum, std::int64_t& offset) {
    const auto bytes = elements_of(extents) * static_cast<std::int64_t>(H5Tget_size(type));
    if (std::string fault = reserve_behind(bytes); !fault.empty()) return fault;
    const H5List access = access_to_disk();
    H5File file(H5Fopen(name.c_str(), H5F_ACC_RDWR, access.get()));
    if (!file.valid()) return fmt::format("{}: cannot be written (HDF5 cannot open it)", name);
    const std::vector<hsize_t> shape(extents.begin(), extents.end());
    const H5List links = h5_links_with_groups();
    const H5Space space(
        h5check(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), "create a shape"));
    const H5List layout(h5check(H5Pcreate(H5P_DATASET_CREATE), "create a property list"));
    h5check(H5Pset_alloc_time(layout.get(), H5D_ALLOC_TIME_EARLY), "take space early");
    h5check(H5Pset_fill_time(layout.get(), H5D_FILL_TIME_NEVER), "leave space empty");
    H5Data dataset(
        h5check(H5Dcreate2(file.get(), path.c_str(), type, space.get(), links.get(), layout.get(), H5P_DEFAULT),
                "create dataset " + path));
    h5_write_checksum(dataset.get(), checksum);
    offset = static_cast<std::int64_t>(H5Dget_offset(dataset.get()));
    if (dataset.shut() < 0 || file.shut() < 0) return fmt::format("{}: cannot be written (HDF5 cannot close it)", name);
    arrays.push_back({offset, bytes});
    return "";
  }

  /// Adds the small data and what closes the file. On the root.
  std::string finish(const Image& image) {
    const auto bytes = static_cast<std::int64_t>(image.bytes().size());
    const auto notes = static_cast<std::int64_t>(described.size() * 8192 + arrays.size() * sizeof(Extent));
    if (std::string fault = reserve_behind(bytes + bytes / 8 + notes + (1 << 20)); !fault.empty()) return fault;
    std::sort(arrays.begin(), arrays.end(), [](const Extent& a, const Extent& b) { return a.offset < b.offset; });
    const H5List access = access_to_disk();
    H5File file(H5Fopen(name.c_str(), H5F_ACC_RDWR, access.get()));
    if (!file.valid()) return fmt::format("{}: cannot be written (HDF5 cannot open it)", name);
    bool good = copy_members(image.file.get(), file.get()) >= 0;
    for (const auto& [path, texts] : described) {
      const H5Data dataset(h5check(H5Dopen2(file.get(), path.c_str(), H5P_DEFAULT), "open dataset " + path));
      h5_write_text_attribute(dataset.get(), "unit", texts.first);
      h5_write_text_attribute(dataset.get(), "help", texts.second);
    }
    const std::vector<hsize_t> shape{arrays.size(), 2};
    const H5Space space(h5check(H5Screate_simple(2, shape.data(), nullptr), "create a shape"));
    H5Data table(
        h5check(H5Dcreate2(file.get(), table_path, H5T_STD_I64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                "create dataset large_arrays"));
    h5_write_text_attribute(table.get(), "help", "[array][offset, bytes] of the arrays with checksums of their own");
    good = H5Dwrite(table.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, arrays.data()) >= 0 && good;
    const auto offset = static_cast<std::int64_t>(H5Dget_offset(table.get()));
    good = table.shut() >= 0 && good;
    good = file.shut() >= 0 && good;
    if (!good) return fmt::format("{}: cannot be written (HDF5 cannot add the small data)", name);
    const Descriptor whole(open(name.c_str(), O_RDWR | O_CLOEXEC));
    if (!whole.valid()) return system_error("cannot be written", name);
    std::string fault;
    const std::string header = userblock_of_2(whole, name, arrays, offset, fault);
    if (fault.empty()) fault = write_at(whole, name, 0, header.data(), static_cast<std::int64_t>(header.size()));
    return fault;
  }

  /// A dataset of the source: its handle, or what is wrong. On the root.
  std::string open_in_source(const std::string& path, H5Data& dataset) {
    if (!source_file.valid()) {
      if (std::string fault = fault_of(source); !fault.empty()) return fmt::format("{}: {}", source, fault);
      source_file = H5File(H5Fopen(source.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
    }
    if (source_file.valid() && h5_contains(source_file.get(), path))
      dataset = H5Data(H5Dopen2(source_file.get(), path.c_str(), H5P_DEFAULT));
    return dataset.valid() && h5_read_checksum(dataset.get())
               ? ""
               : fmt::format("{}: there is no large array {}", source, path);
  }
};

ResultWriter::ResultWriter(const Communicator& comm, const std::string& file, const std::string& source,
                           const ArrayLimits& limits)
    : comm_(comm), file_(file), source_(source), limits_(limits) {
  if (comm.is_root()) image_ = std::make_unique<Image>();
}

ResultWriter::~ResultWriter() {
  if (part_ && !part_->complete && comm_.is_root()) unlink(part_->name.c_str());
}

void ResultWriter::fail(const std::string& fault) const {
  if (fault.empty()) return;
  throw StoreError(
      fault +
      "\n  an earlier checkpoint, if there is one, is untouched; mend this (space, permissions), then use --resume");
}

bool ResultWriter::is_large(std::int64_t bytes) {
  if (bytes >= limits_.large || (bytes >= limits_.small && small_bytes_ + bytes > limits_.together)) return true;
  small_bytes_ += bytes;
  return false;
}

bool ResultWriter::is_large(const std::string& path) const { return part_ && part_->paths.count(path) > 0; }

void ResultWriter::begin_part() {
  if (part_) return;
  part_ = std::make_unique<Part>();
  part_->name = file_ + ".part";
  part_->source = source_;
  std::string fault = comm_.is_root() ? part_->begin() : "";
  comm_.broadcast(fault);
  fail(fault);
}

template <typename T>
void ResultWriter::write_directly(const std::string& path, const ArrayBox& box, const T* local) {
  begin_part();
  const std::uint64_t checksum = sum_over_ranks(comm_, sum_of_brick(box, local));
  std::int64_t offset = 0;
  std::string fault = comm_.is_root() ? part_->create(path, file_type(local), box.shape, checksum, offset) : "";
  comm_.broadcast(fault);
  fail(fault);
  const auto most = std::max<std::int64_t>(1, limits_.piece / static_cast<std::int64_t>(sizeof(T)));
  fail(write_bricks(comm_, part_->name, path, memory_type(local), box, local, most));
  part_->paths.insert(path);
}

void ResultWriter::copy(const std::string& path) {
  begin_part();
  std::string fault;
  std::vector<std::int64_t> places(3);  // in the source, in the part, bytes
  if (comm_.is_root()) {
    H5Data dataset;
    fault = part_->open_in_source(path, dataset);
    if (fault.empty()) {
      const std::vector<hsize_t> shape = h5_shape(dataset.get());
      const H5Type type(h5check(H5Dget_type(dataset.get()), "read a type"));
      places[0] = static_cast<std::int64_t>(H5Dget_offset(dataset.get()));
      fault =
          part_->create(path, type.get(), {shape.begin(), shape.end()}, *h5_read_checksum(dataset.get()), places[1]);
      places[2] = part_->arrays.back().bytes;
      part_->described[path] = {h5_read_text_attribute(dataset.get(), "unit"),
                                h5_read_text_attribute(dataset.get(), "help")};
    } else {
      fault +=
          fmt::format("\n  expected: {} as this run has left it, for it alone holds what was saved earlier", source_);
    }
  }
  comm_.broadcast(fault);
  fail(fault);
  places = of_root(comm_, places);
  constexpr std::int64_t block = alignment;  // so that ranks share no block
  const RowRange blocks = share_of((places[2] + block - 1) / block, comm_.rank(), comm_.size());
  const std::int64_t first = blocks.first * block;
  const std::int64_t bytes = std::min(places[2] - first, blocks.count * block);
  if (bytes > 0) {
    if (!part_->descriptor.valid()) part_->descriptor = open_of_other_rank(part_->name, true);
    if (!part_->source_descriptor.valid()) part_->source_descriptor = open_of_other_rank(source_, false);
    if (!part_->descriptor.valid() || !part_->source_descriptor.valid())
      fault = system_error("cannot be opened", part_->descriptor.valid() ? source_ : part_->name);
    if (fault.empty())
      fault = copy_bytes(part_->source_descriptor, source_, places[0] + first, part_->descriptor, part_->name,
                         places[1] + first, bytes);
  }
  fail(first_fault(comm_, fault));
  part_->paths.insert(path);
}

void ResultWriter::write(const std::string& path, const std::vector<double>& values) {
  write_array(path, {static_cast<std::int64_t>(values.size())}, values);
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
  if (is_large(rows.total * columns)) {
    write_directly(path, {{rows.total, columns}, {rows.first, 0}, {rows.count, columns}}, local.data());
    return;
  }
  const std::string all =
      comm_.all_gather_bytes(std::string(reinterpret_cast<const char*>(local.data()), local.size()));
  if (image_) {
    image_->write(path, H5T_STD_I8LE, H5T_NATIVE_INT8,
                  {static_cast<hsize_t>(rows.total), static_cast<hsize_t>(columns)}, all.data());
  }
}

void ResultWriter::write_box(const std::string& path, const ArrayBox& box, const std::vector<double>& local) {
  if (is_large(elements_of(box.shape) * static_cast<std::int64_t>(sizeof(double)))) {
    write_directly(path, box, local.data());
    return;
  }
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
  if (!is_large(elements_of(shape) * static_cast<std::int64_t>(sizeof(double)))) {
    if (image_) image_->write(path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {shape.begin(), shape.end()}, values.data());
    return;
  }
  const RowRange rows = share_of(shape[0], comm_.rank(), comm_.size());
  ArrayBox box{shape, std::vector<std::int64_t>(shape.size(), 0), shape};
  box.first[0] = rows.first;
  box.count[0] = rows.count;
  write_directly(path, box, values.data() + rows.first * (elements_of(shape) / shape[0]));
}

void ResultWriter::describe(const std::string& path, const std::string& unit, const std::string& help) {
  if (!image_) return;
  if (is_large(path)) {
    part_->described[path] = {unit, help};
    return;
  }
  image_->write_text_attribute(path, "unit", unit);
  image_->write_text_attribute(path, "help", help);
}

void ResultWriter::commit() {
  std::string fault;
  if (!part_) {
    if (image_) {
      const std::string data = image_->bytes();
      fault = write_whole(file_ + ".part", userblock_of_1(data) + data);
    }
  } else {
    if (image_) fault = part_->finish(*image_);
    comm_.broadcast(fault);
    fail(fault);
    const Descriptor mine = open_of_other_rank(part_->name, true);  // every machine flushes what it has written
    fault = first_fault(comm_, mine.valid() ? flush(mine, part_->name) : system_error("cannot be opened", part_->name));
    fail(fault);
  }
  if (image_ && fault.empty()) fault = replace(file_, source_ != file_ + ".previous");
  comm_.broadcast(fault);
  fail(fault);
  if (part_) part_->complete = true;
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
