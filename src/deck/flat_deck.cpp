#include "flat_deck.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <tuple>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "take_scan.hpp"

namespace koushi {

namespace {

bool begins_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

bool is_list_of_tables(const toml::node& node) {
  const auto* array = node.as_array();
  return array != nullptr && !array->empty() && array->is_homogeneous<toml::table>();
}

}  // namespace

std::string as_toml(const toml::node& node) {
  std::ostringstream stream;
  node.visit([&](const auto& n) {
    if constexpr (std::is_same_v<std::decay_t<decltype(n)>, toml::table>) {
      stream << "a table";
    } else {
      stream << n;
    }
  });
  // Long arrays, and with some compilers those with nan, are printed on indented lines.
  std::string text;
  bool indented = false;
  for (const char c : stream.str()) {
    if (indented && c == ' ') continue;
    indented = c == '\n';
    text += indented ? ' ' : c;
  }
  return text;
}

std::string problem_text(const std::string& place, const std::string& what, const std::string& expected) {
  const std::string problem = problem_and_expected(what).first;
  return without_controls(place + ": error: " + problem) + "\n  expected: " + without_controls(expected);
}

void Problems::add(const Leaf& leaf, const std::string& what, const std::string& expected, const std::string& place) {
  all_.push_back({leaf.line, leaf.column, problem_text(place.empty() ? leaf.place : place, what, expected)});
}

void Problems::report() {
  if (all_.empty()) return;
  std::stable_sort(all_.begin(), all_.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  std::string all;
  std::string last;
  for (const Problem& problem : all_) {
    if (problem.text != last) all += (all.empty() ? "" : "\n") + problem.text;
    last = problem.text;
  }
  throw DeckError(all);
}

void FlatDeck::read(const std::string& text) { flatten(parse_toml(text, file_), "", ""); }

const toml::table& FlatDeck::parse_toml(const std::string& text, const std::string& name) {
  try {
    tables_.push_back(std::make_unique<toml::table>(toml::parse(text)));
    return *tables_.back();
  } catch (const toml::parse_error& error) {
    const auto where = error.source().begin;
    std::string description(error.description());  // it may quote a line break
    std::replace(description.begin(), description.end(), '\n', ' ');
    throw DeckError(
        problem_text(fmt::format("{}:{}:{}", name, static_cast<long>(where.line), static_cast<long>(where.column)),
                     description, "TOML, key = value lines in [sections]"));
  }
}

Leaf FlatDeck::leaf_at(const toml::source_position& where, const std::string& place, const toml::node* node) const {
  const auto line = static_cast<long>(where.line);
  const auto column = static_cast<long>(where.column);
  return {place.empty() ? fmt::format("{}:{}:{}", file_, line, column) : place, line, column, node, false};
}

void FlatDeck::flatten(const toml::table& table, const std::string& prefix, const std::string& place) {
  for (const auto& [name, node] : table) {
    const std::string path = prefix + std::string(name.str());
    if (node.is_table()) headers.emplace(path, leaf_at(name.source().begin, place, &node));
    const bool scan = begins_with(path, "scan.");
    if (const auto* inner = node.as_table(); inner != nullptr && !inner->empty() && !(scan && is_scan_range(node))) {
      flatten(*inner, path + ".", place);
    } else if (!scan && is_list_of_tables(node)) {
      flatten_list(*node.as_array(), path, place);
    } else {
      leaves[path] = leaf_at(name.source().begin, place, &node);
    }
  }
}

void FlatDeck::flatten_list(const toml::array& array, const std::string& path, const std::string& place) {
  for (std::size_t k = 0; k < array.size(); ++k) {
    const std::string element = fmt::format("{}.{}", path, k);
    headers.emplace(element, leaf_at(array[k].source().begin, place, &array));
    flatten(*array[k].as_table(), element + ".", place);
  }
}

Leaf FlatDeck::missing(std::string prefix) const {
  while (!prefix.empty()) {
    prefix.resize(prefix.size() - 1);  // its dot
    if (const auto header = headers.find(prefix); header != headers.end()) return header->second;
    prefix.resize(prefix.rfind('.') == std::string::npos ? 0 : prefix.rfind('.') + 1);
  }
  return {file_ + ":1:1", 1, 1};
}

std::string FlatDeck::apply(const std::string& override_text) {
  const std::string place = "--set " + override_text;
  const std::size_t equals = override_text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError(place + ": error: no value\n  expected: --set section.key=value");
  if (override_text.find('\n') != std::string::npos)
    throw UsageError(fmt::format("--set {}...: error: more than one line\n  expected: one --set per key",
                                 override_text.substr(0, override_text.find('\n'))));
  const std::string key = override_text.substr(0, equals);
  const std::string value = override_text.substr(equals + 1);
  const toml::table* table = nullptr;
  try {
    table = &parse_toml("value = " + value, place);
  } catch (const DeckError&) {  // a bare word
    table = &parse_toml("value = '" + value + "'", place);
  }
  put(key, {place, 0, 0, table->get("value"), false});
  return key + " = " + value;
}

void FlatDeck::put(const std::string& key, const Leaf& leaf) {
  const bool scan = begins_with(key, "scan.");
  const bool list = !scan && is_list_of_tables(*leaf.node);
  const auto below = [&key](const auto& other) { return begins_with(other.first, key + "."); };
  if (leaf.node->is_table() || list) std::erase_if(leaves, below);
  if (list) {
    std::erase_if(headers, below);
    flatten_list(*leaf.node->as_array(), key, leaf.place);
  } else if (leaf.node->is_table() && !leaf.node->as_table()->empty() && !(scan && is_scan_range(*leaf.node))) {
    flatten(*leaf.node->as_table(), key + ".", leaf.place);
  } else {
    leaves[key] = leaf;
  }
}

bool FlatDeck::any_below(const std::string& prefix) const {
  const auto at = leaves.lower_bound(prefix);
  return at != leaves.end() && begins_with(at->first, prefix);
}

void FlatDeck::mark_all(const std::string& prefix) {
  for (auto& [path, leaf] : leaves) leaf.used = leaf.used || begins_with(path, prefix);
}

int FlatDeck::count(const std::string& list) const {
  int count = 0;
  while (any_below(fmt::format("{}.{}.", list, count))) ++count;
  return count;
}

}  // namespace koushi
