#pragma once

#include <string>
#include <vector>

#include "koushi/store/result_file.hpp"

namespace koushi {

/// Series of a run, one value per step each, with unit and help: PREFIXhistory in the file.
class History {
 public:
  struct Series {
    std::string name;
    std::string unit;
    std::string help;
    std::vector<double> values;
  };
  void add(const std::string& name, const std::string& unit, const std::string& help, double value);
  const std::vector<Series>& series() const { return series_; }
  const std::vector<double>& values(const std::string& name) const;
  void write(ResultWriter& writer, const std::string& prefix = "") const;
  void read(const ResultReader& reader, const std::string& prefix = "");

 private:
  std::vector<Series> series_;
};

}  // namespace koushi
