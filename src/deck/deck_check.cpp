#include "deck_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "key_values.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "reference.hpp"

namespace koushi {

namespace {

bool begins_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::count(names.begin(), names.end(), name) > 0;
}

std::vector<std::string> kind_names(const Section& section) {
  std::vector<std::string> names;
  for (const auto& kind : section.kinds) names.push_back(kind.name);
  return names;
}

/// The choice that a misspelt word, or the first one of a list, may have meant.
std::string near_choice(const Key& key, const toml::node& node) {
  const auto of = [&key](const toml::node& word) {
    const auto text = word.value<std::string>();
    return word.is_string() && !contains(key.choices, *text) ? hint(*text, key.choices) : "";
  };
  std::string found = of(node);
  if (const toml::array* words = node.as_array()) {
    for (const toml::node& word : *words) {
      if (found.empty()) found = of(word);
    }
  }
  return found;
}

/// NAME.h5 of a deck folder/NAME.toml.
std::string name_of_deck(const std::string& file, const std::string& suffix) {
  const std::filesystem::path path(file);
  return (path.extension() == ".toml" ? path.stem() : path.filename()).string() + suffix;
}

/// "layer" where `name` is the key of a section in a list, "layer.0.size"; else nothing.
std::string list_of_sections(const std::string& name) {
  for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    const std::size_t end = name.find_first_not_of("0123456789", dot + 1);
    if (end != std::string::npos && end > dot + 1 && name[end] == '.') return name.substr(0, dot);
  }
  return "";
}

}  // namespace

DeckCheck::DeckCheck(FlatDeck& flat, const std::vector<Section>& sections, std::set<std::string> scanned,
                     const FileReader& read, Problems& problems)
    : flat_(flat), sections_(sections), scanned_(std::move(scanned)), read_(read), problems_(problems) {}

Deck DeckCheck::deck(const std::string& source, std::vector<std::string> changes) {
  deck_.source_ = source;
  deck_.file_ = flat_.file();
  deck_.changes_ = std::move(changes);
  choose_sections();
  for (const Section* section : used_) check(*section, "", "");
  for (const char* key : {"scan.zip", "scan.seeds", "scan.continue"}) deck_.entries_.erase(key);
  for (const auto& [path, header] : flat_.headers) deck_.headers_[path] = header.place;
  refuse_leftovers();
  problems_.report();
  return std::move(deck_);
}

/// The sections that this kind of study has. If it is unknown and no other is near, the others are not looked at.
void DeckCheck::choose_sections() {
  const auto kind = flat_.leaves.find("study.kind");
  if (kind != flat_.leaves.end()) study_ = kind->second.node->value<std::string>().value_or("");
  bool known = false;
  for (const Section& section : sections_) {
    if (section.name != "study") continue;
    const std::vector<std::string> names = kind_names(section);
    if (!contains(names, study_)) study_ = nearest_name(study_, names);
    known = !study_.empty();
  }
  for (const Section& section : sections_) {
    if (section.studies.empty() || contains(section.studies, study_)) used_.push_back(&section);
    if (!known && !section.studies.empty()) flat_.mark_all(section.name);
  }
}

bool DeckCheck::is_section(const std::string& name) const {
  return std::any_of(used_.begin(), used_.end(), [&](const Section* s) { return s->name == name; });
}

void DeckCheck::check(const Section& section, const std::string& parent, const std::string& parent_label) {
  const std::string name = parent + section.name;
  const std::string whole_name = parent_label.empty() ? section.name : parent_label + "." + section.name;
  const std::string label = section.name.empty() ? "deck" : "[" + whole_name + "]";
  if (!section.is_array) {
    check_one(section, section.name.empty() ? "" : name + ".", label);
    return;
  }
  const int count = flat_.count(name);
  if (count < section.min_count || count > section.max_count) {
    const std::string expected = section.max_count > section.min_count
                                     ? fmt::format("{} to {}", section.min_count, section.max_count)
                                 : section.max_count == 1 ? std::string("exactly one")
                                                          : fmt::format("exactly {}", section.max_count);
    problems_.add(flat_.missing(fmt::format("{}.{}.", name, section.max_count)),
                  fmt::format("there are {} of [{}]", count, label), expected);
  }
  deck_.counts_[name] = count;
  for (int k = 0; k < count; ++k) check_one(section, fmt::format("{}.{}.", name, k), label);
}

const Section::Kind* DeckCheck::kind_of(const Section& section, const std::string& prefix, const std::string& label) {
  if (section.kinds.front().name.empty()) return section.kinds.data();
  const std::vector<std::string> names = kind_names(section);
  const auto leaf = flat_.leaves.find(prefix + "kind");
  if (leaf == flat_.leaves.end()) {
    problems_.add(flat_.missing(prefix), label + " kind is missing", "one of " + join(names));
    return nullptr;
  }
  leaf->second.used = true;
  const toml::node& node = *leaf->second.node;
  const std::string given = node.value<std::string>().value_or(as_toml(node));
  std::string meant = given;
  if (!contains(names, given)) {
    problems_.add(leaf->second, fmt::format("{} kind = \"{}\" is unknown", label, given),
                  "one of " + join(names) + hint(given, names));
    meant = nearest_name(given, names);
    if (meant.empty()) return nullptr;
  }
  store(prefix + "kind", meant, leaf->second.place);
  return &section.kinds[static_cast<std::size_t>(std::find(names.begin(), names.end(), meant) - names.begin())];
}

void DeckCheck::check_one(const Section& section, const std::string& prefix, const std::string& label) {
  const Section::Kind* kind = kind_of(section, prefix, label);
  if (kind == nullptr) {
    flat_.mark_all(prefix);
    return;
  }
  for (const Key& key : kind->keys) check_key(key, prefix, label);
  for (const Section& inner : kind->sections) check(inner, prefix, label.substr(1, label.size() - 2));
  refuse_unknown(*kind, prefix, label);
}

void DeckCheck::refuse_unknown(const Section::Kind& kind, const std::string& prefix, const std::string& label) {
  std::vector<std::string> names;
  for (const Key& key : kind.keys) names.push_back(key.path);
  for (const Section& inner : kind.sections) names.push_back(inner.name);
  std::vector<std::string> apart;  // sections that this one's name is the beginning of, which are checked on their own
  for (const Section* other : used_) {
    if (prefix.empty() || !begins_with(other->name, prefix)) continue;
    apart.push_back(other->name);
    names.push_back(other->name.substr(prefix.size()));
  }
  std::set<std::string> lists;  // unknown ones, reported once
  for (auto& [path, leaf] : flat_.leaves) {
    const bool top_level = prefix.empty() && path.find('.') == std::string::npos;
    if (leaf.used || !(top_level || (!prefix.empty() && begins_with(path, prefix)))) continue;
    const auto belongs = [&path = path](const std::string& other) { return begins_with(path + ".", other + "."); };
    if (std::any_of(apart.begin(), apart.end(), belongs)) continue;
    const std::string name = path.substr(prefix.size());
    if (top_level && (is_section(name) || leaf.node->is_table())) continue;
    leaf.used = true;
    const auto inner = std::find_if(kind.sections.begin(), kind.sections.end(),
                                    [&name](const Section& s) { return begins_with(name + ".", s.name + "."); });
    const std::string list = list_of_sections(name);
    if (inner != kind.sections.end() && inner->is_array) {
      problems_.add(leaf, fmt::format("{} {} does not fit into a list of sections", label, name),
                    fmt::format("[[{}.{}]] sections, or --set {}{}.0.key=value for the first, without gaps",
                                label.substr(1, label.size() - 2), inner->name, prefix, inner->name));
    } else if (list.empty()) {
      problems_.add(leaf, fmt::format("{} {} is not a key of this section", label, name),
                    "one of " + join(names) + hint(name, names));
    } else if (lists.insert(list).second) {
      const auto header = flat_.headers.find(fmt::format("{}{}.0", prefix, list));
      problems_.add(header != flat_.headers.end() ? header->second : leaf,
                    fmt::format("{} has no list of sections {}", label, list),
                    kind.name.empty()
                        ? "one of " + join(names) + hint(list, names)
                        : fmt::format("of kind = \"{}\" one of {}{}", kind.name, join(names), hint(list, names)));
    }
  }
}

void DeckCheck::refuse_leftovers() {
  std::vector<std::string> names;
  for (const Section* section : used_) {
    if (!section->name.empty()) names.push_back(section->name);
  }
  for (const auto& [path, leaf] : flat_.leaves) {
    const bool empty_section = leaf.node->is_table() && is_section(path);
    if (leaf.used || empty_section) continue;
    const std::string top = path.substr(0, path.find('.'));
    const auto list = std::find_if(used_.begin(), used_.end(), [&path = path](const Section* s) {
      return s->is_array && begins_with(path + ".", s->name + ".");
    });
    const bool elsewhere = std::any_of(sections_.begin(), sections_.end(),
                                       [&top](const Section& s) { return begins_with(s.name + ".", top + "."); });
    if (list != used_.end()) {
      problems_.add(
          leaf, fmt::format("{} does not fit into a list of sections", path),
          fmt::format("[[{0}]] sections, or --set {0}.0.key=value for the first, without gaps", (*list)->name));
    } else if (contains(names, path)) {
      problems_.add(leaf, fmt::format("{0} is a section, not a value", path),
                    fmt::format("{0} = {{ key = value, ... }}, or a key of it, as {0}.KEY", path));
    } else {
      problems_.add(leaf,
                    fmt::format("[{}] is not a section of a deck{}", top,
                                elsewhere ? fmt::format(" with study.kind = \"{}\"", study_) : ""),
                    "one of " + join(names) + hint(top, names));
    }
  }
}

void DeckCheck::check_key(const Key& key, const std::string& prefix, const std::string& label) {
  const std::string path = prefix + key.path;
  const auto found = flat_.leaves.find(path);
  if (!key.default_value.empty()) deck_.defaults_[path] = value_text(default_of(key, path));
  if (found == flat_.leaves.end()) {
    if (key.optional || scanned_.count(path) > 0) return;  // a list that was refused
    if (!key.deck_suffix.empty()) {
      store(path, name_of_deck(flat_.file(), key.deck_suffix), "default of " + path);
    } else if (key.default_value.empty()) {
      problems_.add(flat_.missing(prefix), fmt::format("{} {} is missing", label, key.path), type_text(key));
    } else {
      store(path, default_of(key, path), "default of " + path);
    }
    return;
  }
  Leaf& leaf = found->second;
  leaf.used = true;
  if (key.from_file && leaf.node->is_string()) {
    read_list(key, prefix, label, leaf);
  } else if (auto value = value_of(key, *leaf.node)) {
    store(path, std::move(*value), leaf.place);
    if (const toml::array* rows = leaf.node->as_array(); rows != nullptr && key.from_file) {
      const bool in_deck = !begins_with(leaf.place, "--set ") && !begins_with(leaf.place, "default of ");
      for (const toml::node& row : *rows) {
        deck_.entries_[path].row_places.push_back(in_deck ? flat_.leaf_at(row.source().begin, "", &row).place
                                                          : leaf.place);
      }
    }
  } else {
    problems_.add(leaf, fmt::format("{} {} = {} is not accepted", label, key.path, as_toml(*leaf.node)),
                  type_text(key) + near_choice(key, *leaf.node));
  }
}

void DeckCheck::read_list(const Key& key, const std::string& prefix, const std::string& label, const Leaf& leaf) {
  const std::string name = *leaf.node->value<std::string>();
  const std::string file = (std::filesystem::path(flat_.file()).parent_path() / name).string();
  const auto content = name.empty() ? std::nullopt : read_(file);
  if (!content) {
    problems_.add(leaf, fmt::format("{} {} = \"{}\": {} cannot be read", label, key.path, name, file), type_text(key));
    return;
  }
  toml::array list;
  std::vector<std::string> places;
  bool good = true;
  std::size_t line = 1;
  for (std::size_t at = 0; at < content->size(); ++line) {
    const std::size_t end = std::min(content->find('\n', at), content->size());
    const std::string text = content->substr(at, end - at);
    at = end + 1;
    const toml::array row = row_of_line(key, text);
    if (row.empty()) continue;
    toml::array alone;  // a list of this line
    if (!entry_per_line(key.type)) {
      alone = row;
    } else if (key.type == KeyType::complexes && row.size() == 1) {
      alone.push_back(row[0]);
    } else {
      alone.push_back(row);
    }
    const std::string place = fmt::format("{}:{}:1", file, line);
    if (!value_of(key, alone)) {
      problems_.add(leaf, fmt::format("{} {}: {} is not accepted", label, key.path, as_toml(row)),
                    line_text(key) + near_choice(key, alone), place);
      good = false;
      continue;
    }
    for (toml::node& entry : alone) {
      list.push_back(entry);
      places.push_back(place);
    }
  }
  if (!good) return;
  if (auto value = list.empty() ? std::nullopt : value_of(key, list)) {
    deck_.entries_[prefix + key.path] = {std::move(*value), leaf.place, std::move(places)};
  } else {
    problems_.add(leaf, fmt::format("{} {} = \"{}\": there is nothing in {}", label, key.path, name, file),
                  line_text(key));
  }
}

}  // namespace koushi
