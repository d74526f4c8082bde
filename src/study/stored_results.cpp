#include "koushi/study/stored_results.hpp"

#include <cmath>

namespace koushi {

namespace {

ArrayBox box_of(const SeriesInfo& info, RowRange chains, std::int64_t n_measurements) {
  return {{n_measurements, chains.total, info.width}, {0, chains.first, 0}, {n_measurements, chains.count, info.width}};
}

}  // namespace

StoredObservable stored(const Observable& observable, const Estimate& estimate, double error) {
  StoredObservable result;
  result.name = observable.name;
  result.value = estimate.value;
  result.error = error;
  result.tau_int = estimate.tau_int;
  result.samples = estimate.samples;
  result.r_hat = estimate.r_hat;
  result.help = observable.help;
  result.unit = observable.unit;
  result.symbol = observable.symbol;
  return result;
}

void write_observable(ResultWriter& writer, const std::string& prefix, const StoredObservable& observable) {
  const std::string path = prefix + "observables/" + observable.name + "/";
  const std::string& unit = observable.unit;
  write_reals(writer, path + "value", {observable.value}, unit, observable.help);
  write_reals(writer, path + "error", {observable.error}, unit, observable.error_help);
  if (observable.naive_error)
    write_reals(writer, path + "naive_error", {*observable.naive_error}, unit,
                "as if all measurements were independent");
  write_reals(writer, path + "tau_int", {observable.tau_int}, observable.counted, observable.tau_help);
  if (observable.r_hat) write_reals(writer, path + "r_hat", {*observable.r_hat}, "", "split R-hat over the chains");
  if (observable.variance)
    write_reals(writer, path + "variance", {*observable.variance}, unit.empty() ? "" : unit + "^2",
                "of one measurement");
  writer.write(path + "samples", std::vector<std::int64_t>{observable.samples});
  if (!observable.symbol.empty()) writer.write(path + "symbol", observable.symbol);
}

std::vector<std::string> observable_names(const ResultReader& reader, const std::string& prefix) {
  return reader.list(prefix + "observables");
}

StoredObservable read_observable(const ResultReader& reader, const std::string& prefix, const std::string& name) {
  const std::string path = prefix + "observables/" + name + "/";
  const auto number = [&](const char* part) { return reader.read_reals(path + part).at(0); };
  const auto number_if_there = [&](const char* part) {
    return reader.contains(path + part) ? std::optional<double>(number(part)) : std::nullopt;
  };
  StoredObservable result;
  result.name = name;
  result.value = number("value");
  result.error = number("error");
  result.tau_int = number("tau_int");
  result.samples = reader.read_integers(path + "samples").at(0);
  result.naive_error = number_if_there("naive_error");
  result.r_hat = number_if_there("r_hat");
  result.variance = number_if_there("variance");
  result.help = reader.help(path + "value");
  result.error_help = reader.help(path + "error");
  result.tau_help = reader.help(path + "tau_int");
  result.unit = reader.unit(path + "value");
  result.counted = reader.unit(path + "tau_int");
  if (reader.contains(path + "symbol")) result.symbol = reader.read_text(path + "symbol");
  return result;
}

std::vector<StoredObservable> read_observables(const ResultReader& reader, const std::string& prefix) {
  std::vector<StoredObservable> all;
  for (const std::string& name : observable_names(reader, prefix)) all.push_back(read_observable(reader, prefix, name));
  return all;
}

void write_curve(ResultWriter& writer, const std::string& group, const StoredCurve& curve) {
  const std::string path = group + "/" + curve.name;
  write_reals(writer, path + "/x", curve.x, "lattice units", curve.axis);
  write_reals(writer, path + "/value", curve.value, curve.unit, curve.help);
  write_reals(writer, path + "/error", curve.error, curve.unit, curve.error_help);
  if (!curve.symbol.empty()) writer.write(path + "/symbol", curve.symbol);
}

StoredCurve read_curve(const ResultReader& reader, const std::string& group, const std::string& name) {
  const std::string path = group + "/" + name;
  StoredCurve curve{name, reader.read_reals(path + "/x"), reader.read_reals(path + "/value"),
                    reader.read_reals(path + "/error")};
  curve.axis = reader.help(path + "/x");
  curve.help = reader.help(path + "/value");
  curve.error_help = reader.help(path + "/error");
  curve.unit = reader.unit(path + "/value");
  if (reader.contains(path + "/symbol")) curve.symbol = reader.read_text(path + "/symbol");
  return curve;
}

std::vector<StoredCurve> read_curves(const ResultReader& reader, const std::string& group) {
  std::vector<StoredCurve> all;
  for (const std::string& name : reader.list(group)) all.push_back(read_curve(reader, group, name));
  return all;
}

void write_reals(ResultWriter& writer, const std::string& path, const std::vector<double>& values,
                 const std::string& unit, const std::string& help) {
  writer.write(path, values);
  writer.describe(path, unit, help);
}

void write_series(ResultWriter& writer, const std::string& prefix, const MeasuredSeries& series,
                  const std::string& unit, const std::string& shape) {
  for (const auto& [name, one] : series.all()) {
    const std::string path = prefix + "series/" + name;
    writer.write_array(path, {series.measured(name), series.n_chains(), one.width}, one.values);
    writer.describe(path, unit, shape);
  }
}

void read_series(const ResultReader& reader, const std::string& prefix, std::int64_t n_measurements,
                 MeasuredSeries& series) {
  for (const std::string& name : reader.list(prefix + "series")) {
    std::vector<double> values = reader.read_reals(prefix + "series/" + name);
    const std::int64_t numbers = n_measurements * series.n_chains();
    const std::int64_t width = numbers > 0 ? static_cast<std::int64_t>(values.size()) / numbers : 1;
    series.set(name, width, std::move(values));
  }
}

void write_series(ResultWriter& writer, const SeriesInfo& info, RowRange chains, const MeasuredSeries& series) {
  const auto found = series.all().find(info.name);
  const std::vector<double> here = found == series.all().end() ? std::vector<double>{} : found->second.values;
  const std::string path = "series/" + info.name;
  writer.write_box(path, box_of(info, chains, series.measured(info.name)), here);
  writer.describe(path, info.unit, "[measurement][chain][entry]");
}

void read_series(const ResultReader& reader, const SeriesInfo& info, RowRange chains, std::int64_t n_measurements,
                 MeasuredSeries& series) {
  series.set(info.name, info.width, reader.read_box("series/" + info.name, box_of(info, chains, n_measurements)));
}

}  // namespace koushi
