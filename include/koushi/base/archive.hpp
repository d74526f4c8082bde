#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace koushi {

/// Rows [first, first + count) of an array whose total number of rows is spread over the ranks.
struct RowRange {
  std::int64_t total = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// A brick of an array of several dimensions that is spread over the ranks; the bricks of all ranks cover it once.
struct ArrayBox {
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> count;
};

/// Named arrays in and out, so that no physics room knows the file behind them. Paths are relative, "a/b/c".
///
/// Replicated values are the same on every rank. Distributed arrays hold `rows.count` rows of `columns` entries here.
/// Collective  every call, in the same order on every rank
/// Errors      StoreError if a name is missing, of another type or another shape
class Archive {
 public:
  virtual ~Archive() = default;

  virtual void write(const std::string& path, const std::vector<double>& values) = 0;
  virtual void write(const std::string& path, const std::vector<std::int64_t>& values) = 0;
  virtual void write(const std::string& path, const std::string& text) = 0;
  virtual void write_rows(const std::string& path, RowRange rows, std::int64_t columns,
                          const std::vector<std::int8_t>& local) = 0;

  /// This rank's brick of an array, last index fastest.
  virtual void write_box(const std::string& path, const ArrayBox& box, const std::vector<double>& local) = 0;

  virtual bool contains(const std::string& path) const = 0;
  virtual std::vector<double> read_reals(const std::string& path) const = 0;
  virtual std::vector<std::int64_t> read_integers(const std::string& path) const = 0;
  virtual std::string read_text(const std::string& path) const = 0;
  /// The rows [rows.first, rows.first + rows.count) of what write_rows wrote, on whatever ranks that was.
  virtual std::vector<std::int8_t> read_rows(const std::string& path, RowRange rows, std::int64_t columns) const = 0;
  /// A brick of what write_box wrote, on whatever ranks that was.
  virtual std::vector<double> read_box(const std::string& path, const ArrayBox& box) const = 0;
};

}  // namespace koushi
