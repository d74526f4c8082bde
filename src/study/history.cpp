#include "koushi/study/history.hpp"

#include <algorithm>

#include "koushi/base/error.hpp"

namespace koushi {

void History::add(const std::string& name, const std::string& unit, const std::string& help, double value) {
  auto found = std::find_if(series_.begin(), series_.end(), [&](const Series& s) { return s.name == name; });
  if (found == series_.end()) found = series_.insert(series_.end(), {name, unit, help, {}});
  found->values.push_back(value);
}

const std::vector<double>& History::values(const std::string& name) const {
  const auto found = std::find_if(series_.begin(), series_.end(), [&](const Series& s) { return s.name == name; });
  if (found == series_.end()) throw InternalError("the history has no series " + name);
  return found->values;
}

void History::write(ResultWriter& writer, const std::string& prefix) const {
  for (const Series& series : series_) {
    const std::string path = prefix + "history/" + series.name;
    writer.write(path, series.values);
    writer.describe(path, series.unit, series.help);
  }
}

void History::read(const ResultReader& reader, const std::string& prefix) {
  series_.clear();
  for (const std::string& name : reader.list(prefix + "history")) {
    const std::string path = prefix + "history/" + name;
    series_.push_back({name, reader.unit(path), reader.help(path), reader.read_reals(path)});
  }
}

}  // namespace koushi
