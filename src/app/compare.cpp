#include "compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "koushi/analysis/finished_runs.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/resolved.hpp"
#include "koushi/store/result_file.hpp"
#include "koushi/study/model_keys.hpp"
#include "koushi/study/stored_results.hpp"

namespace koushi {

namespace {

using Keys = std::map<std::string, std::string>;

/// A file as far as it is compared.
struct Result {
  std::string file;
  std::string title;
  std::string status;
  Keys keys;
  std::vector<std::string> observables;
  std::map<std::string, std::pair<double, double>> numbers;  ///< none in a file of a run that has not measured yet
  double n_sites = 0;
  std::map<std::string, std::string> symbols{};  ///< of observables, on the axis of a plot
};

/// What a file holds: one result, or one per rung of its ladder.
std::vector<Result> read(const std::string& file) {
  const Communicator self = Communicator::self();
  const ResultReader reader(self, file);
  const StoredLadder ladder = read_ladder(reader);
  std::vector<Result> results;
  for (std::size_t rung = 0; rung < std::max<std::size_t>(1, ladder.values.size()); ++rung) {
    const std::string prefix = ladder.prefix(rung);
    Result result{file,
                  reader.read_text("summary/title"),
                  reader.read_text("summary/status"),
                  resolved_keys(reader.read_text("deck/resolved")),
                  observable_names(reader, prefix),
                  {},
                  static_cast<double>(reader.read_integers("summary/n_sites").at(0))};
    if (!ladder.parameter.empty()) result.keys[ladder.parameter] = fmt::format("{}", ladder.values[rung]);
    for (const StoredObservable& o : read_observables(reader, prefix)) {
      result.numbers[o.name] = {o.value, o.error};
      if (!o.symbol.empty()) result.symbols[o.name] = o.symbol;
    }
    results.push_back(std::move(result));
  }
  return results;
}

/// Keys of physics in which the files differ.
std::vector<std::string> differing_keys(const std::vector<Result>& results) {
  std::vector<std::string> differing;
  for (const Result& result : results) {
    for (const auto& [key, text] : result.keys) {
      if (is_bookkeeping(key) || std::count(differing.begin(), differing.end(), key) > 0) continue;
      const std::string& name = key;
      const std::string& value = text;
      if (std::any_of(results.begin(), results.end(),
                      [&](const Result& other) { return value_of(other.keys, name) != value; }))
        differing.push_back(key);
    }
  }
  std::sort(differing.begin(), differing.end());
  return differing;
}

/// "[8, 8]" before "[16, 16]": runs of digits by their value.
bool naturally_less(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      const std::size_t end_a = std::min(a.find_first_not_of("0123456789", i), a.size());
      const std::size_t end_b = std::min(b.find_first_not_of("0123456789", j), b.size());
      if (end_a - i != end_b - j) return end_a - i < end_b - j;
      if (const int order = a.compare(i, end_a - i, b, j, end_b - j); order != 0) return order < 0;
      i = end_a;
      j = end_b;
    } else if (a[i] != b[j]) {
      return a[i] < b[j];
    } else {
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

bool settings_less(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), naturally_less);
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string cell(1, '"');
  for (const char c : text) {
    if (c == '"') cell.push_back('"');
    cell.push_back(c);
  }
  cell.push_back('"');
  return cell;
}

std::string csv_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : ""; }
std::string json_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

}  // namespace

Comparison compare(const CompareOptions& options) {
  std::vector<Result> results;
  for (const std::string& file : options.files) {
    for (Result& result : read(file)) results.push_back(std::move(result));
  }
  Comparison comparison;
  comparison.x = options.x;
  const bool one_title =
      std::all_of(results.begin(), results.end(), [&](const Result& r) { return r.title == results[0].title; });
  comparison.title = one_title ? results[0].title : fmt::format("{} files", options.files.size());
  comparison.settings = differing_keys(results);
  std::vector<std::map<std::string, double>> numbers;
  for (const Result& result : results) {
    numbers.push_back(resolved_numbers(result.keys));
    numbers.back()["n_sites"] = result.n_sites;
  }
  if (comparison.x.empty() && comparison.settings.size() == 1) {
    const std::string& only = comparison.settings[0];
    if (std::all_of(numbers.begin(), numbers.end(), [&](const auto& n) { return n.count(only) > 0; }))
      comparison.x = only;
  }
  for (std::size_t k = 0; k < results.size() && !comparison.x.empty(); ++k) {
    if (numbers[k].count(comparison.x) > 0) continue;
    std::vector<std::string> names;
    for (const auto& [name, value] : numbers[k]) names.push_back(name);
    const auto found = results[k].keys.find(comparison.x);
    const std::string problem =
        found != results[k].keys.end()
            ? fmt::format("--x {0}: {0} = {1} in {2} is no number", comparison.x, found->second, results[k].file)
            : fmt::format("--x {}: {} has no such key in its deck", comparison.x, results[k].file);
    throw UsageError(fmt::format("{}\n  expected: one of {}{}", problem, join(names), hint(comparison.x, names)));
  }
  // What x says need not be said again: neither its key nor the list that it is an entry of, nor the lengths of
  // lattices of different sizes.
  std::erase_if(comparison.settings, [&](const std::string& key) {
    const bool size = comparison.x == "n_sites" && (key == "lattice.extents" || key == "lattice.supercell");
    if (size && std::all_of(results.begin(), results.end(), [&](const Result& a) {
          return std::all_of(results.begin(), results.end(), [&](const Result& b) {
            return a.n_sites != b.n_sites || value_of(a.keys, key) == value_of(b.keys, key);
          });
        })) {
      return true;
    }
    return key == comparison.x || (comparison.x.rfind(key + ".", 0) == 0 &&
                                   comparison.x.find_first_not_of("0123456789", key.size() + 1) == std::string::npos);
  });
  const auto measured =
      std::find_if(results.begin(), results.end(), [](const Result& r) { return !r.observables.empty(); });
  if (measured == results.end())
    throw UsageError(fmt::format("{} holds no observables\n  expected: files of runs that measured", results[0].file));
  if (options.y.empty()) {
    for (const std::string& name : measured->observables) {
      if (std::all_of(results.begin(), results.end(),
                      [&](const Result& r) { return r.observables.empty() || r.numbers.count(name) > 0; }))
        comparison.y.push_back(name);
    }
  } else {
    comparison.y = options.y;
  }
  if (comparison.y.empty())
    throw UsageError(
        "the files have no observable in common\n  expected: files of one kind of run, or --y with names that all "
        "have");
  for (const Result& result : results) {
    for (const std::string& name : comparison.y) {
      if (const auto found = result.symbols.find(name); found != result.symbols.end())
        comparison.symbols[name] = found->second;
    }
  }
  for (std::size_t k = 0; k < results.size(); ++k) {
    Comparison::Row row{
        results[k].file, results[k].status, comparison.x.empty() ? 0 : numbers[k].at(comparison.x), {}, {}};
    for (const std::string& key : comparison.settings) row.settings.push_back(value_of(results[k].keys, key));
    for (const std::string& name : comparison.y) {
      if (results[k].observables.empty()) {
        row.numbers.emplace_back(std::nan(""), std::nan(""));
        continue;
      }
      const auto found = results[k].numbers.find(name);
      if (found == results[k].numbers.end()) {
        throw UsageError(fmt::format("--y {}: {} has no such observable\n  expected: one of {}{}", name,
                                     results[k].file, join(results[k].observables),
                                     hint(name, results[k].observables)));
      }
      row.numbers.push_back(found->second);
    }
    comparison.rows.push_back(std::move(row));
  }
  if (!comparison.x.empty()) {
    std::stable_sort(comparison.rows.begin(), comparison.rows.end(), [](const auto& a, const auto& b) {
      return a.x != b.x ? a.x < b.x : settings_less(a.settings, b.settings);
    });
  }
  return comparison;
}

std::string comparison_table(const Comparison& comparison) {
  std::vector<std::vector<std::string>> lines(1);
  if (!comparison.x.empty()) lines[0].push_back(comparison.x);
  lines[0].insert(lines[0].end(), comparison.settings.begin(), comparison.settings.end());
  lines[0].insert(lines[0].end(), comparison.y.begin(), comparison.y.end());
  lines[0].emplace_back("file");
  std::string notes;
  for (const auto& row : comparison.rows) {
    lines.emplace_back();
    if (!comparison.x.empty()) lines.back().push_back(fmt::format("{:.10g}", row.x));
    lines.back().insert(lines.back().end(), row.settings.begin(), row.settings.end());
    for (const auto& [value, error] : row.numbers) lines.back().push_back(with_error(value, error));
    lines.back().push_back(row.file);
    const bool has_none =
        std::all_of(row.numbers.begin(), row.numbers.end(), [](const auto& n) { return std::isnan(n.first); });
    if (row.status != "done")
      notes += fmt::format("note: {} is {}{}\n", row.file, row.status, has_none ? " and has not measured yet" : "");
  }
  std::vector<std::size_t> widths(lines[0].size());
  for (const auto& line : lines) {
    for (std::size_t k = 0; k < line.size(); ++k) widths[k] = std::max(widths[k], line[k].size());
  }
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t k = 0; k + 1 < line.size(); ++k) text += fmt::format("{:>{}}  ", line[k], widths[k]);
    text += line.back() + "\n";
  }
  return text + notes;
}

std::string comparison_csv(const Comparison& comparison) {
  std::vector<std::string> cells{"file"};
  if (!comparison.x.empty()) cells.push_back(comparison.x);
  cells.insert(cells.end(), comparison.settings.begin(), comparison.settings.end());
  for (const std::string& name : comparison.y) cells.insert(cells.end(), {name, name + "_error"});
  cells.emplace_back("status");
  std::string text = join(cells, ",") + "\n";
  for (const auto& row : comparison.rows) {
    cells = {csv_cell(row.file)};
    if (!comparison.x.empty()) cells.push_back(csv_number(row.x));
    for (const std::string& setting : row.settings) cells.push_back(csv_cell(setting));
    for (const auto& [value, error] : row.numbers) cells.insert(cells.end(), {csv_number(value), csv_number(error)});
    cells.push_back(row.status);
    text += join(cells, ",") + "\n";
  }
  return text;
}

std::string comparison_json(const Comparison& comparison) {
  std::map<std::vector<std::string>, std::vector<const Comparison::Row*>,
           bool (*)(const std::vector<std::string>&, const std::vector<std::string>&)>
      lines(settings_less);
  for (const auto& row : comparison.rows) lines[row.settings].push_back(&row);
  std::vector<std::string> parts;
  for (const auto& [settings, rows] : lines) {
    std::vector<std::string> label;
    for (std::size_t k = 0; k < settings.size(); ++k)
      label.push_back(fmt::format("{} = {}", comparison.settings[k], settings[k]));
    const auto list = [&rows = rows](const auto& number) {
      std::vector<std::string> values;
      for (const Comparison::Row* row : rows) values.push_back(json_number(number(*row)));
      return fmt::format("[{}]", join(values));
    };
    std::string part = fmt::format("{{\"label\": {}, \"x\": {}, \"y\": {{", quoted(join(label)),
                                   list([](const auto& row) { return row.x; }));
    for (std::size_t k = 0; k < comparison.y.size(); ++k) {
      part += fmt::format("{}{}: {{\"value\": {}, \"error\": {}}}", k == 0 ? "" : ", ", quoted(comparison.y[k]),
                          list([k](const auto& row) { return row.numbers[k].first; }),
                          list([k](const auto& row) { return row.numbers[k].second; }));
    }
    parts.push_back(fmt::format("{}}}}}", part));
  }
  std::vector<std::string> names;
  for (const std::string& name : comparison.y) names.push_back(quoted(name));
  std::vector<std::string> over{quoted(comparison.x)};
  for (const std::string& key : comparison.settings) over.push_back(quoted(key));
  std::vector<std::string> symbols;
  for (const auto& [name, symbol] : comparison.symbols)
    symbols.push_back(fmt::format("{}: {}", quoted(name), quoted(symbol)));
  return fmt::format(
      "{{\"title\": {}, \"over\": [{}], \"x\": {}, \"y\": [{}], \"lines\": [{}], \"symbols\": {{{}}}}}\n",
      quoted(comparison.title), join(over), quoted(comparison.x), join(names), join(parts), join(symbols));
}

}  // namespace koushi
