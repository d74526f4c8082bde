#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/parallel/communicator.hpp"

namespace koushi {

/// Which arrays are too large to pass through the root's memory, in bytes. What is large depends on the arrays alone,
/// not on the ranks.
struct ArrayLimits {
  std::int64_t large = std::int64_t{16} << 20U;     ///< of one array
  std::int64_t together = std::int64_t{64} << 20U;  ///< of all that are not large; what comes beyond is large as well,
  std::int64_t small = std::int64_t{64} << 10U;     ///< but for arrays below this
  std::int64_t piece = std::int64_t{32} << 20U;     ///< that a rank writes in one collective call; at most 1 GiB
};

/// Writes one HDF5 result file, beside the one of that name, and renames it into place.
///
/// Small data are put together in the root's memory; a file of nothing else is written at once. A large array goes to
/// FILE.part when it is written here, by all ranks together, so that no rank needs more memory than its own part; the
/// small data follow with commit(). Checksums: docs/file_format.md. A writer that ends without commit() leaves FILE as
/// it was and no FILE.part.
/// Collective  all members
/// Errors      StoreError, of all ranks, if the disk is full or a file cannot be made
class ResultWriter final : public Archive {
 public:
  /// `source` is a whole result file from which copy() takes arrays: FILE or FILE.previous.
  ResultWriter(const Communicator& comm, const std::string& file, const std::string& source = "",
               const ArrayLimits& limits = {});
  ~ResultWriter() override;
  void write(const std::string& path, const std::vector<double>& values) override;
  void write(const std::string& path, const std::vector<std::int64_t>& values) override;
  void write(const std::string& path, const std::string& text) override;
  void write_rows(const std::string& path, RowRange rows, std::int64_t columns,
                  const std::vector<std::int8_t>& local) override;
  void write_box(const std::string& path, const ArrayBox& box, const std::vector<double>& local) override;
  /// A replicated array of several dimensions, last index fastest.
  void write_array(const std::string& path, const std::vector<std::int64_t>& shape, const std::vector<double>& values);
  /// A large array of the source, byte by byte with its checksum, a share by every rank: it need not be in memory.
  void copy(const std::string& path);
  /// Attributes `unit` and `help` of a dataset already written.
  void describe(const std::string& path, const std::string& unit, const std::string& help);
  /// Whether an array already written went to the file at once.
  bool is_large(const std::string& path) const;
  /// Completes FILE.part, keeps the present FILE as FILE.previous (unless the source is FILE.previous, since FILE was
  /// damaged then), renames. On failure FILE is as it was.
  void commit();

  bool contains(const std::string&) const override;
  std::vector<double> read_reals(const std::string&) const override;
  std::vector<std::int64_t> read_integers(const std::string&) const override;
  std::string read_text(const std::string&) const override;
  std::vector<std::int8_t> read_rows(const std::string&, RowRange, std::int64_t) const override;
  std::vector<double> read_box(const std::string&, const ArrayBox&) const override;

 private:
  struct Image;
  struct Part;
  /// Whether an array of so many bytes that is written now is large.
  bool is_large(std::int64_t bytes);
  void begin_part();
  template <typename T>
  void write_directly(const std::string& path, const ArrayBox& box, const T* local);
  void fail(const std::string& fault) const;

  const Communicator& comm_;
  std::string file_;
  std::string source_;
  ArrayLimits limits_;
  std::int64_t small_bytes_ = 0;  ///< of arrays that are not large
  std::unique_ptr<Image> image_;  ///< small data, on the root only
  std::unique_ptr<Part> part_;    ///< FILE.part with its large arrays; null before the first
};

/// Reads a result file that passed its checksum. Every rank holds a file without large arrays in memory; any other it
/// keeps open and reads from it what is asked for. The checksum of a large array is verified when it is first read.
/// Collective  all members but list, contains, unit, help and is_large
class ResultReader final : public Archive {
 public:
  /// `in_memory`: the bytes up to which a file without large arrays is held in memory.
  /// Errors  StoreError if the file is missing, truncated, corrupted or no koushi file
  ResultReader(const Communicator& comm, const std::string& file, std::int64_t in_memory = std::int64_t{256} << 20U);
  ~ResultReader() override;
  ResultReader(ResultReader&&) noexcept;
  /// The file that is read.
  const std::string& file() const { return file_; }
  bool contains(const std::string& path) const override;
  std::vector<double> read_reals(const std::string& path) const override;
  std::vector<std::int64_t> read_integers(const std::string& path) const override;
  std::string read_text(const std::string& path) const override;
  std::vector<std::int8_t> read_rows(const std::string& path, RowRange rows, std::int64_t columns) const override;
  std::vector<double> read_box(const std::string& path, const ArrayBox& box) const override;
  /// Whether an array has a checksum of its own.
  bool is_large(const std::string& path) const;
  /// Verifies all large arrays, of which every rank reads a share. Errors: DamagedFile.
  void verify() const;
  /// Attributes of a dataset; empty if it has none.
  std::string unit(const std::string& path) const;
  std::string help(const std::string& path) const;
  /// Names in a group, sorted; empty if there is no such group.
  std::vector<std::string> list(const std::string& group) const;

  void write(const std::string&, const std::vector<double>&) override;
  void write(const std::string&, const std::vector<std::int64_t>&) override;
  void write(const std::string&, const std::string&) override;
  void write_rows(const std::string&, RowRange, std::int64_t, const std::vector<std::int8_t>&) override;
  void write_box(const std::string&, const ArrayBox&, const std::vector<double>&) override;

 private:
  struct Image;
  const Communicator& comm_;
  std::string file_;
  std::unique_ptr<Image> image_;
};

/// Whether this rank's file system has a file of this name that is not empty and no result, whole or damaged.
bool holds_something_else(const std::string& file);
/// Whether a run has left FILE or FILE.previous on this rank's file system.
bool result_exists(const std::string& file);

/// FILE if it is sound in every array, else FILE.previous with `message` saying what was wrong with the first. Errors:
/// StoreError if neither is.
ResultReader open_result_or_previous(const Communicator& comm, const std::string& file, std::string& message);

}  // namespace koushi
