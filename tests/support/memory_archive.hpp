#pragma once

#include <map>
#include <string>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

/// An Archive in memory that holds the bricks of one rank.
class MemoryArchive final : public Archive {
 public:
  std::map<std::string, std::vector<double>> boxes;

  void write_box(const std::string& path, const ArrayBox&, const std::vector<double>& local) override {
    boxes[path] = local;
  }
  std::vector<double> read_box(const std::string& path, const ArrayBox&) const override { return boxes.at(path); }
  bool contains(const std::string& path) const override { return boxes.count(path) > 0; }

  void write(const std::string&, const std::vector<double>&) override { refuse(); }
  void write(const std::string&, const std::vector<std::int64_t>&) override { refuse(); }
  void write(const std::string&, const std::string&) override { refuse(); }
  void write_rows(const std::string&, RowRange, std::int64_t, const std::vector<std::int8_t>&) override { refuse(); }
  std::vector<double> read_reals(const std::string&) const override { refuse(); }
  std::vector<std::int64_t> read_integers(const std::string&) const override { refuse(); }
  std::string read_text(const std::string&) const override { refuse(); }
  std::vector<std::int8_t> read_rows(const std::string&, RowRange, std::int64_t) const override { refuse(); }

 private:
  [[noreturn]] static void refuse() { throw InternalError("MemoryArchive holds bricks only"); }
};

}  // namespace koushi
