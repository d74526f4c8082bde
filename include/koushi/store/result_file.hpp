#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/parallel/communicator.hpp"

namespace koushi {

/// Writes one HDF5 result file. It is built in the root's memory and committed at once, beside the old one and renamed
/// into place.
///
/// A userblock of 512 bytes before the HDF5 data carries the size and an FNV-1a checksum of everything after it.
/// Collective  all members; distributed rows are gathered to every rank, bricks go to the root one rank after the other
class ResultWriter final : public Archive {
 public:
  explicit ResultWriter(const Communicator& comm);
  ~ResultWriter() override;
  void write(const std::string& path, const std::vector<double>& values) override;
  void write(const std::string& path, const std::vector<std::int64_t>& values) override;
  void write(const std::string& path, const std::string& text) override;
  void write_rows(const std::string& path, RowRange rows, std::int64_t columns,
                  const std::vector<std::int8_t>& local) override;
  void write_box(const std::string& path, const ArrayBox& box, const std::vector<double>& local) override;
  /// A replicated array of several dimensions, last index fastest.
  void write_array(const std::string& path, const std::vector<std::int64_t>& shape, const std::vector<double>& values);
  /// Attributes `unit` and `help` of a dataset already written.
  void describe(const std::string& path, const std::string& unit, const std::string& help);
  /// Writes FILE.part, keeps the present FILE as FILE.previous, renames. On failure FILE is as it was. Errors:
  /// StoreError.
  void commit(const std::string& file);

  bool contains(const std::string&) const override;
  std::vector<double> read_reals(const std::string&) const override;
  std::vector<std::int64_t> read_integers(const std::string&) const override;
  std::string read_text(const std::string&) const override;
  std::vector<std::int8_t> read_rows(const std::string&, RowRange, std::int64_t) const override;
  std::vector<double> read_box(const std::string&, const ArrayBox&) const override;

 private:
  struct Image;
  const Communicator& comm_;
  std::unique_ptr<Image> image_;  ///< on the root only
};

/// Reads a result file that passed its checksum. Collective; every rank holds the file's bytes.
class ResultReader final : public Archive {
 public:
  /// Errors  StoreError if the file is missing, truncated, corrupted or no koushi file
  ResultReader(const Communicator& comm, const std::string& file);
  ~ResultReader() override;
  ResultReader(ResultReader&&) noexcept;
  bool contains(const std::string& path) const override;
  std::vector<double> read_reals(const std::string& path) const override;
  std::vector<std::int64_t> read_integers(const std::string& path) const override;
  std::string read_text(const std::string& path) const override;
  std::vector<std::int8_t> read_rows(const std::string& path, RowRange rows, std::int64_t columns) const override;
  std::vector<double> read_box(const std::string& path, const ArrayBox& box) const override;
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
  std::string attribute(const std::string& path, const char* name) const;
  std::string file_;
  std::unique_ptr<Image> image_;
};

/// Whether there is a file of this name that is not empty and no result, whole or damaged. Of this rank's file system.
bool holds_something_else(const std::string& file);
/// Whether a run has left FILE or FILE.previous. Of this rank's file system.
bool result_exists(const std::string& file);

/// FILE if it is sound, else FILE.previous with `message` saying what was wrong with the first. Errors: StoreError if
/// neither is.
ResultReader open_result_or_previous(const Communicator& comm, const std::string& file, std::string& message);

}  // namespace koushi
