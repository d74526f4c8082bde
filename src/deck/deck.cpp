#include "koushi/deck/deck.hpp"
#include "koushi/deck/resolved.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <sstream>
#include <tuple>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "reference.hpp"
#include "scan_lists.hpp"

namespace koushi {

namespace {

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

/// Whether a text can go to a terminal: no escapes, no end within it.
bool is_printable(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; });
}

}  // namespace

class DeckParser {
 public:
  DeckParser(std::string file, const std::vector<Section>& sections) : file_(std::move(file)), sections_(sections) {}

  ScannedDeck parse(const std::string& text, const std::vector<std::string>& overrides, std::size_t point) {
    ScannedDeck scanned;
    Deck& deck = scanned.deck;
    deck.source_ = text;
    deck.file_ = file_;
    flatten(parse_toml(text, file_), "", "");
    for (const std::string& override_text : overrides) deck.changes_.push_back(apply(override_text));
    const std::vector<std::string> settings = take_scan(point, scanned.points);
    std::erase_if(deck.changes_, [](const std::string& change) { return change.rfind("scan.", 0) == 0; });
    deck.changes_.insert(deck.changes_.end(), settings.begin(), settings.end());
    choose_sections();
    for (const Section* section : used_) check(*section, deck);
    for (const char* key : {"scan.zip", "scan.seeds"}) deck.entries_.erase(key);
    for (const auto& [path, header] : headers_) deck.headers_[path] = header.place;
    for (const auto& [name, leaf] : leaves_) {
      const std::string& path = name;
      const bool empty_section = leaf.node->is_table() && is_section(path);
      if (leaf.used || empty_section) continue;
      const std::string section = path.substr(0, path.find('.'));
      const auto list = std::find_if(used_.begin(), used_.end(), [&](const Section* s) {
        return s->is_array && (path + ".").rfind(s->name + ".", 0) == 0;
      });
      if (list != used_.end()) {
        problem(leaf, fmt::format("{} does not fit into a list of sections", path),
                fmt::format("[[{0}]] sections, or --set {0}.0.key=value for the first, without gaps", (*list)->name));
        continue;
      }
      std::vector<std::string> names;
      for (const Section* s : used_) {
        if (!s->name.empty()) names.push_back(s->name);
      }
      if (std::count(names.begin(), names.end(), path) > 0) {
        problem(leaf, fmt::format("{0} is a section, not a value", path),
                fmt::format("{0} = {{ key = value, ... }}, or a key of it, as {0}.KEY", path));
        continue;
      }
      const bool elsewhere = std::any_of(sections_.begin(), sections_.end(),
                                         [&](const Section& s) { return (s.name + ".").rfind(section + ".", 0) == 0; });
      problem(leaf,
              fmt::format("[{}] is not a section of a deck{}", section,
                          elsewhere ? fmt::format(" with study.kind = \"{}\"", study_) : ""),
              "one of " + join(names) + hint(section, names));
    }
    if (!problems_.empty()) {
      std::stable_sort(problems_.begin(), problems_.end());
      std::string all;
      std::string last;
      for (const Problem& p : problems_) {
        if (p.text != last) all += (all.empty() ? "" : "\n") + p.text;
        last = p.text;
      }
      throw DeckError(all);
    }
    return scanned;
  }

 private:
  struct Leaf {
    std::string place;
    long line = 0;
    long column = 0;
    const toml::node* node = nullptr;
    bool used = false;
  };
  struct Problem {
    long line;
    long column;
    std::string text;
    bool operator<(const Problem& other) const { return std::tie(line, column) < std::tie(other.line, other.column); }
  };

  void problem(const Leaf& leaf, const std::string& what, const std::string& expected) {
    problems_.push_back(
        {leaf.line, leaf.column, fmt::format("{}: error: {}\n  expected: {}", leaf.place, what, expected)});
  }

  const toml::table& parse_toml(const std::string& text, const std::string& name) {
    try {
      tables_.push_back(std::make_unique<toml::table>(toml::parse(text)));
      return *tables_.back();
    } catch (const toml::parse_error& error) {
      const auto where = error.source().begin;
      std::string description(error.description());  // it may quote a line break
      std::replace(description.begin(), description.end(), '\n', ' ');
      throw DeckError(fmt::format("{}:{}:{}: error: {}\n  expected: TOML, key = value lines in [sections]", name,
                                  static_cast<long>(where.line), static_cast<long>(where.column), description));
    }
  }

  /// The place of a name in the deck, or `place` where that is not in the deck.
  Leaf leaf_at(const toml::source_position& where, const std::string& place, const toml::node* node) const {
    const auto line = static_cast<long>(where.line);
    const auto column = static_cast<long>(where.column);
    return {place.empty() ? fmt::format("{}:{}:{}", file_, line, column) : place, line, column, node, false};
  }

  void flatten(const toml::table& table, const std::string& prefix, const std::string& place) {
    for (const auto& [name, node] : table) {
      const std::string path = prefix + std::string(name.str());
      if (node.is_table()) headers_.emplace(path, leaf_at(name.source().begin, place, &node));
      const bool scan = path.rfind("scan.", 0) == 0;
      if (const auto* inner = node.as_table(); inner != nullptr && !inner->empty() && !(scan && is_scan_range(node))) {
        flatten(*inner, path + ".", place);
      } else if (!scan && is_list_of_tables(node)) {
        flatten_list(*node.as_array(), path, place);
      } else {
        leaves_[path] = leaf_at(name.source().begin, place, &node);
      }
    }
  }

  /// Where a key that is not there would have stood: at the header of its section, or at the top.
  Leaf missing(const std::string& prefix) const {
    const auto header = headers_.find(prefix.substr(0, prefix.empty() ? 0 : prefix.size() - 1));
    return header == headers_.end() ? Leaf{file_ + ":1:1", 1, 1} : header->second;
  }

  /// "key = value" of what was set.
  std::string apply(const std::string& text) {
    const std::string place = "--set " + text;
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw UsageError(place + ": error: no value\n  expected: --set section.key=value");
    if (text.find('\n') != std::string::npos)
      throw UsageError(fmt::format("--set {}...: error: more than one line\n  expected: one --set per key",
                                   text.substr(0, text.find('\n'))));
    std::string key = text.substr(0, equals);
    const std::string value = text.substr(equals + 1);
    const toml::table* table = nullptr;
    try {
      table = &parse_toml("value = " + value, place);
    } catch (const DeckError&) {  // a bare word
      table = &parse_toml("value = '" + value + "'", place);
    }
    const toml::node* node = table->get("value");
    put(key, {place, 0, 0, node, false});
    return key + " = " + value;
  }

  static bool is_list_of_tables(const toml::node& node) {
    const auto* array = node.as_array();
    return array != nullptr && !array->empty() && array->is_homogeneous<toml::table>();
  }

  void flatten_list(const toml::array& array, const std::string& path, const std::string& place) {
    for (std::size_t k = 0; k < array.size(); ++k) {
      const std::string element = fmt::format("{}.{}", path, k);
      headers_.emplace(element, leaf_at(array[k].source().begin, place, &array));
      flatten(*array[k].as_table(), element + ".", place);
    }
  }

  /// Gives a key a value; a table takes the place of the whole table, a list of tables that of all sections of the
  /// list.
  void put(const std::string& key, const Leaf& leaf) {
    const bool scan = key.rfind("scan.", 0) == 0;
    const bool list = !scan && is_list_of_tables(*leaf.node);
    const auto below = [&key](const auto& other) { return other.first.rfind(key + ".", 0) == 0; };
    if (leaf.node->is_table() || list) std::erase_if(leaves_, below);
    if (list) {
      std::erase_if(headers_, below);
      flatten_list(*leaf.node->as_array(), key, leaf.place);
    } else if (leaf.node->is_table() && !leaf.node->as_table()->empty() && !(scan && is_scan_range(*leaf.node))) {
      flatten(*leaf.node->as_table(), key + ".", leaf.place);
    } else {
      leaves_[key] = leaf;
    }
  }

  /// The lists of [scan] in alphabetical order, so that --set moves no point; they are taken out of the deck.
  std::vector<ScanList> scan_lists() {
    std::vector<ScanList> lists;
    for (auto& [path, leaf] : leaves_) {
      if (path.rfind("scan.", 0) != 0 || path == "scan.zip" || path == "scan.seeds") continue;
      leaf.used = true;
      const std::string key = path.substr(5);
      scanned_.insert(key);
      const toml::array* values = leaf.node->as_array();
      if (const auto* range = leaf.node->as_table()) {
        const std::string list = scan_range(*range);
        if (!list.empty()) values = parse_toml("values = " + list, leaf.place).get("values")->as_array();
      }
      if (key == "scan" || key.rfind("scan.", 0) == 0) {
        problem(leaf, fmt::format("[scan] {} is not accepted: it is no key of a run", key),
                "keys of the other sections");
      } else if (key[0] >= '0' && key[0] <= '9') {
        problem(leaf, "[[scan]] is one section and no list of them",
                "[scan] once, with zip = true or all combinations of its lists");
      } else if (key == "output" || key == "output.file") {
        problem(
            leaf,
            fmt::format(
                "[scan] {} is not accepted: every point has a file of its own, named after output.file and its values",
                key),
            "other keys");
      } else if (values == nullptr || values->empty()) {
        problem(leaf, fmt::format("[scan] {} = {} is not accepted", key, as_toml(*leaf.node)),
                fmt::format("list of values of that key, or {{ first = 0.40, last = 0.44, count = 5 }} with an integer "
                            "count from 2 to {}",
                            most_points));
      } else {
        lists.push_back({key, leaf.place, leaf.line, leaf.column, leaf.node->is_table(), values});
      }
    }
    return lists;
  }

  /// Puts the values of one point of [scan] in the place of their keys, and says which; all points if this is the
  /// first.
  std::vector<std::string> take_scan(std::size_t point, std::vector<ScanPoint>& points) {
    const std::vector<ScanList> lists = scan_lists();
    const auto setting = [this](const std::string& key) {
      return leaves_.count(key) == 0 ? nullptr : leaves_.at(key).node;
    };
    const bool together = setting("scan.zip") != nullptr && setting("scan.zip")->value<bool>().value_or(false);
    const auto here = [](const ScanList& list) { return Leaf{list.place, list.line, list.column}; };
    if (lists.empty()) {
      const auto header = headers_.find("scan");
      const bool taken_away = leaves_.count("scan") > 0 && leaves_.at("scan").place.rfind("--set ", 0) == 0;
      if (problems_.empty() && !taken_away && (header != headers_.end() || any_below("scan."))) {
        problem(header != headers_.end() ? header->second : leaves_.lower_bound("scan.")->second, "[scan] has no list",
                "section.key = [value, value, ...]");
      }
      return {};
    }
    for (const ScanList& list : lists) {
      if (together && list.values->size() != lists[0].values->size()) {
        problem(here(list),
                fmt::format("[scan] {} has {} values and {} has {}", list.key, list.values->size(), lists[0].key,
                            lists[0].values->size()),
                "lists of one length with zip = true");
      }
      for (const auto& [path, leaf] : leaves_) {
        if ((path == list.key || path.rfind(list.key + ".", 0) == 0) && leaf.place.rfind("--set ", 0) == 0)
          problem(leaf, list.key + " is given by [scan]", fmt::format("--set 'scan.{}=[...]', or --point", list.key));
      }
    }
    const auto choices = scan_choices(lists, together);
    if (choices.size() > most_points)
      problem(here(lists.back()), "[scan] has too many points", fmt::format("at most {}", most_points));
    if (point >= choices.size()) point = 0;
    const std::string settings = scan_points(lists, {choices[point]})[0].settings;
    if (point == 0) {
      points = scan_points(lists, choices);
      std::set<std::string> seen;
      for (const ScanPoint& one : points) {
        if (!seen.insert(one.settings).second)
          problem(here(lists[0]), fmt::format("[scan] {} is there twice", one.settings), "points that differ");
      }
    }
    bool seeds = setting("scan.seeds") == nullptr || setting("scan.seeds")->value<std::string>().value_or("") != "same";
    for (std::size_t k = 0; k < lists.size(); ++k) {
      const toml::node& value = *lists[k].values->get(choices[point][k]);
      const bool in_deck = !lists[k].computed && lists[k].place.rfind("--set ", 0) != 0;
      put(lists[k].key, in_deck ? leaf_at(value.source().begin, "", &value)
                                : Leaf{lists[k].place, lists[k].line, lists[k].column, &value, false});
      seeds = seeds && lists[k].key != "seed";
    }
    if (const auto seed = leaves_.find("seed"); seeds && seed != leaves_.end() && seed->second.node->is_integer()) {
      const std::int64_t base = seed->second.node->value<std::int64_t>().value_or(0);
      if (base >= 0 && base <= 4294967295LL)
        seed->second.node = parse_toml(fmt::format("value = {}", scan_seed(base, settings)), "").get("value");
    }
    std::vector<std::string> each;
    for (std::size_t k = 0; k < lists.size(); ++k)
      each.push_back(scan_points({lists[k]}, {{choices[point][k]}})[0].settings);
    return each;
  }

  /// The sections that this kind of study has. If its kind is wrong, the others are not looked at.
  void choose_sections() {
    const auto kind = leaves_.find("study.kind");
    if (kind != leaves_.end()) study_ = kind->second.node->value<std::string>().value_or("");
    bool known = false;
    for (const Section& section : sections_) {
      const bool general = section.studies.empty();
      const bool wanted = std::count(section.studies.begin(), section.studies.end(), study_) > 0;
      if (general || wanted) used_.push_back(&section);
      if (section.name == "study")
        known = std::any_of(section.kinds.begin(), section.kinds.end(),
                            [&](const Section::Kind& k) { return k.name == study_; });
    }
    for (const Section& section : sections_) {
      if (!known && !section.studies.empty()) mark_all(section.name);
    }
  }

  bool is_section(const std::string& name) const {
    return std::any_of(used_.begin(), used_.end(), [&](const Section* s) { return s->name == name; });
  }

  void check(const Section& section, Deck& deck) {
    int count = 1;
    if (section.is_array) {
      count = 0;
      while (any_below(fmt::format("{}.{}.", section.name, count))) ++count;
    }
    const std::string label = section.name.empty() ? "deck" : "[" + section.name + "]";
    if (section.is_array && (count < 1 || count > section.most)) {
      problem(missing(fmt::format("{}.{}.", section.name, section.most)),
              fmt::format("there are {} of [{}]", count, label),
              section.most == 1 ? "exactly one" : fmt::format("1 to {}", section.most));
    }
    if (section.is_array) deck.counts_[section.name] = count;
    for (int k = 0; k < count; ++k) {
      const std::string prefix = section.name.empty() ? ""
                                 : section.is_array   ? fmt::format("{}.{}.", section.name, k)
                                                      : section.name + ".";
      const Section::Kind* kind = section.kinds.data();
      if (!kind->name.empty()) {
        std::vector<std::string> names;
        for (const auto& candidate : section.kinds) names.push_back(candidate.name);
        const auto leaf = leaves_.find(prefix + "kind");
        if (leaf == leaves_.end()) {
          problem(missing(prefix), label + " kind is missing", "one of " + join(names));
          mark_all(prefix);
          continue;
        }
        leaf->second.used = true;
        const std::string given = leaf->second.node->value<std::string>().value_or(as_toml(*leaf->second.node));
        const auto found = std::find(names.begin(), names.end(), given);
        if (found == names.end()) {
          problem(leaf->second, fmt::format("{} kind = \"{}\" is unknown", label, given),
                  "one of " + join(names) + hint(given, names));
          mark_all(prefix);
          continue;
        }
        kind = &section.kinds[static_cast<std::size_t>(found - names.begin())];
        deck.entries_[prefix + "kind"] = {Deck::Value(given), leaf->second.place};
      }
      std::vector<std::string> names;
      for (const Key& key : kind->keys) {
        names.push_back(key.path);
        check(key, prefix, label, deck);
      }
      for (auto& [path, leaf] : leaves_) {
        const bool top_level = prefix.empty() && path.find('.') == std::string::npos;
        if (leaf.used || !(top_level || (!prefix.empty() && path.rfind(prefix, 0) == 0))) continue;
        const std::string name = path.substr(prefix.size());
        if (top_level && is_section(name)) continue;
        leaf.used = true;
        problem(leaf, fmt::format("{} {} is not a key of this section", label, name),
                "one of " + join(names) + hint(name, names));
      }
    }
  }

  void check(const Key& key, const std::string& prefix, const std::string& label, Deck& deck) {
    const auto found = leaves_.find(prefix + key.path);
    if (found == leaves_.end()) {
      if (key.optional || scanned_.count(prefix + key.path) > 0) return;  // a list that was refused
      if (key.preset.empty()) {
        problem(missing(prefix), fmt::format("{} {} is missing", label, key.path), type_text(key));
        return;
      }
      deck.entries_[prefix + key.path] = {preset_of(key, prefix), "default of " + prefix + key.path};
      return;
    }
    found->second.used = true;
    if (auto value = convert(key, *found->second.node)) {
      deck.entries_[prefix + key.path] = {std::move(*value), found->second.place};
    } else {
      problem(found->second, fmt::format("{} {} = {} is not accepted", label, key.path, as_toml(*found->second.node)),
              type_text(key) + near_choice(key, *found->second.node));
    }
  }

  /// The choice that a misspelt word, or the first one of a list, may have meant.
  static std::string near_choice(const Key& key, const toml::node& node) {
    const auto of = [&key](const toml::node& word) {
      const auto text = word.value<std::string>();
      return word.is_string() && std::count(key.choices.begin(), key.choices.end(), *text) == 0
                 ? hint(*text, key.choices)
                 : "";
    };
    std::string found = of(node);
    if (const toml::array* words = node.as_array()) {
      for (const toml::node& word : *words) {
        if (found.empty()) found = of(word);
      }
    }
    return found;
  }

  Deck::Value preset_of(const Key& key, const std::string& prefix) {
    const std::string fault =
        fmt::format("the program declares {}{} with the default {}", prefix, key.path, key.preset);
    try {
      if (auto value = convert(key, *parse_toml("value = " + key.preset, "default of " + key.path).get("value")))
        return *value;
    } catch (const DeckError&) {
      throw InternalError(fault + ", which is not TOML; text wants quotes in it");
    }
    throw InternalError(fault + ", which is not " + type_text(key));
  }

  static std::optional<Deck::Value> convert(const Key& key, const toml::node& node) {
    const auto in_bounds = [&](double x) { return std::isfinite(x) && x >= key.min && x <= key.max; };
    const auto number = [&](const toml::node& n, bool integer) -> std::optional<double> {
      const auto* whole = n.as_integer();
      const auto* real = integer ? nullptr : n.as_floating_point();
      if (whole == nullptr && real == nullptr) return std::nullopt;
      const double x = whole != nullptr ? static_cast<double>(whole->get()) : real->get();
      if (in_bounds(x)) return x;
      return std::nullopt;
    };
    switch (key.type) {
      case KeyType::boolean:
        if (node.is_boolean()) return Deck::Value(*node.value<bool>());
        return std::nullopt;
      case KeyType::integer:
        if (number(node, true)) return Deck::Value(node.as_integer()->get());
        return std::nullopt;
      case KeyType::real:
        if (const auto x = number(node, false)) return Deck::Value(*x);
        return std::nullopt;
      case KeyType::text:
        if (node.is_string() && is_printable(*node.value<std::string>()))
          return Deck::Value(*node.value<std::string>());
        return std::nullopt;
      case KeyType::duration:
        if (node.is_string() && parse_duration(*node.value<std::string>()) > 0)
          return Deck::Value(*node.value<std::string>());
        return std::nullopt;
      case KeyType::choice:
        if (node.is_string() && std::count(key.choices.begin(), key.choices.end(), *node.value<std::string>()) > 0) {
          return Deck::Value(*node.value<std::string>());
        }
        return std::nullopt;
      case KeyType::integers:
      case KeyType::reals: {
        std::vector<double> values;
        if (!node.is_array() || node.as_array()->empty()) return std::nullopt;
        for (const toml::node& element : *node.as_array()) {
          const auto x = number(element, key.type == KeyType::integers);
          if (!x) return std::nullopt;
          values.push_back(*x);
        }
        return Deck::Value(values);
      }
      case KeyType::rows: {
        std::vector<std::vector<double>> rows;
        if (!node.is_array() || node.as_array()->empty()) return std::nullopt;
        for (const toml::node& element : *node.as_array()) {
          if (!element.is_array() || element.as_array()->empty()) return std::nullopt;
          rows.emplace_back();
          for (const toml::node& entry : *element.as_array()) {
            const auto x = number(entry, false);
            if (!x) return std::nullopt;
            rows.back().push_back(*x);
          }
        }
        return Deck::Value(rows);
      }
      case KeyType::texts: {
        std::vector<std::string> values;
        if (!node.is_array()) return std::nullopt;
        for (const toml::node& element : *node.as_array()) {
          if (!element.is_string()) return std::nullopt;
          values.push_back(*element.value<std::string>());
          if (!key.choices.empty() && std::count(key.choices.begin(), key.choices.end(), values.back()) == 0)
            return std::nullopt;
        }
        return Deck::Value(values);
      }
    }
    return std::nullopt;
  }

  bool any_below(const std::string& prefix) const {
    const auto at = leaves_.lower_bound(prefix);
    return at != leaves_.end() && at->first.rfind(prefix, 0) == 0;
  }

  void mark_all(const std::string& prefix) {
    for (auto& [path, leaf] : leaves_) leaf.used = leaf.used || path.rfind(prefix, 0) == 0;
  }

  std::string file_;
  const std::vector<Section>& sections_;
  std::vector<std::unique_ptr<toml::table>> tables_;  ///< kept alive for the nodes of leaves_
  std::map<std::string, Leaf> leaves_;
  std::map<std::string, Leaf> headers_;  ///< of tables
  std::vector<Problem> problems_;
  std::set<std::string> scanned_;     ///< keys of [scan]
  std::vector<const Section*> used_;  ///< of sections_, those of this kind of study
  std::string study_;
};

Deck Deck::parse(const std::string& text, const std::string& file, const std::vector<std::string>& overrides,
                 const std::vector<Section>& sections) {
  return parse_scanned(text, file, overrides, sections, 0).deck;
}

ScannedDeck parse_scanned(const std::string& text, const std::string& file, const std::vector<std::string>& overrides,
                          const std::vector<Section>& sections, std::size_t point) {
  return DeckParser(file, sections).parse(text, overrides, point);
}

const Deck::Value& Deck::at(const std::string& path) const {
  const auto found = entries_.find(path);
  if (found == entries_.end()) throw InternalError("the deck has no declared key " + path);
  return found->second.value;
}

bool Deck::given(const std::string& path) const {
  const auto found = entries_.find(path);
  return found != entries_.end() && found->second.place.rfind("default of ", 0) != 0;
}

Deck Deck::with(const std::string& path, double value) const {
  at(path);
  Deck other = *this;
  other.entries_.at(path).value = value;
  return other;
}

std::vector<std::string> Deck::differences(const std::string& other_resolved) const {
  const auto mine = resolved_keys(resolved());
  const auto theirs = resolved_keys(other_resolved);
  std::vector<std::string> differing;
  for (const auto& [path, value] : mine) {
    const auto found = theirs.find(path);
    if (found == theirs.end() || found->second != value) differing.push_back(path);
  }
  for (const auto& [path, value] : theirs) {
    if (mine.count(path) == 0) differing.push_back(path);
  }
  std::sort(differing.begin(), differing.end());
  return differing;
}

double Deck::real(const std::string& path) const { return as<double>(path); }
double Deck::seconds(const std::string& path) const { return parse_duration(text(path)); }

std::vector<int> Deck::integers(const std::string& path) const {
  std::vector<int> values;
  for (const double x : reals(path)) values.push_back(static_cast<int>(x));
  return values;
}

void Deck::refuse(const std::string& path, const std::string& problem, const std::string& expected) const {
  const auto found = entries_.find(path);
  std::string place = found == entries_.end() ? file_ + ":1:1" : found->second.place;
  // not given: where its section is
  for (std::string section = path; found == entries_.end() && section.find('.') != std::string::npos;) {
    section.resize(section.rfind('.'));
    const auto header = headers_.find(section);
    if (header == headers_.end()) continue;
    place = header->second;
    break;
  }
  throw DeckError(fmt::format("{}: error: {}: {}\n  expected: {}", place, path, problem, expected));
}

std::string Deck::resolved() const {
  std::string text;
  for (const auto& [path, entry] : entries_) {
    const std::string value = std::visit(
        [](const auto& v) -> std::string {
          using T = std::decay_t<decltype(v)>;
          if constexpr (std::is_same_v<T, std::string>) {
            return quoted(v);
          } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
            return v.empty() ? "[]" : fmt::format("[\"{}\"]", fmt::join(v, "\", \""));
          } else if constexpr (std::is_same_v<T, std::vector<double>>) {
            return fmt::format("[{}]", fmt::join(v, ", "));
          } else if constexpr (std::is_same_v<T, std::vector<std::vector<double>>>) {
            std::string rows;
            for (const auto& row : v) rows += fmt::format("{}[{}]", rows.empty() ? "" : ", ", fmt::join(row, ", "));
            return "[" + rows + "]";
          } else {
            return fmt::format("{}", v);
          }
        },
        entry.value);
    text += fmt::format("{} = {}\n", path, value);
  }
  return text;
}

}  // namespace koushi
