#include "reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "flat_deck.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"

namespace koushi {

namespace {

std::string bounds_text(const Key& key) {
  std::string text;
  if (key.min > 0 && key.min < 1e-200) {
    text += " > 0";
  } else if (key.min > -1e299) {
    text += fmt::format(" >= {}", key.min);
  }
  if (key.max < 1e299) text += fmt::format("{} <= {}", text.empty() ? "" : ",", key.max);
  return text;
}

std::string plain_type_text(const Key& key) {
  switch (key.type) {
    case KeyType::boolean:
      return "true or false";
    case KeyType::integer:
      return "integer" + bounds_text(key);
    case KeyType::real:
      return "real number" + bounds_text(key);
    case KeyType::complex:
      return "real number or [re, im]" + bounds_text(key);
    case KeyType::text:
      return "text in quotes";
    case KeyType::choice:
      return "one of " + join(key.choices);
    case KeyType::duration:
      return "duration, as \"5 min\", \"90 s\" or \"01:30:00\"";
    case KeyType::integers:
      return "list of integers" + bounds_text(key);
    case KeyType::reals:
      return "list of real numbers" + bounds_text(key);
    case KeyType::complexes:
      return "list of real numbers or [re, im]" + bounds_text(key);
    case KeyType::rows:
      return "list of lists of numbers, as [[1, 0], [0, 1]]";
    case KeyType::mixed_rows:
      return "list of lists of numbers and texts, as [[\"a\", 1], [\"b\", 0.5]]";
    case KeyType::texts:
      return "list of " + (key.choices.empty() ? std::string("texts") : join(key.choices));
  }
  return "";
}

/// A value for a key that has no default.
std::string example_of(const Key& key) {
  if (!key.example.empty()) return key.example;
  switch (key.type) {
    case KeyType::boolean:
      return "false";
    case KeyType::integer:
      return "100";
    case KeyType::real:
    case KeyType::complex:
      return "1.0";
    case KeyType::duration:
      return "\"5 min\"";
    case KeyType::integers:
      return "[4, 4]";
    case KeyType::reals:
    case KeyType::complexes:
      return "[1.0]";
    case KeyType::rows:
      return "[[1, 0], [0, 1]]";
    case KeyType::mixed_rows:
      return "[[\"a\", 1]]";
    case KeyType::texts:
      return key.path == "files" ? "[\"run.h5\"]" : "[]";
    case KeyType::choice:
      return quoted(key.choices.front());
    case KeyType::text:
      return key.deck_suffix.empty() ? "\"\"" : quoted("run" + key.deck_suffix);
  }
  return "";
}

std::string template_value(const toml::node& node) {
  return node.is_string() ? quoted(*node.value<std::string>()) : as_toml(node);
}

/// How many sections of a list a template shows: one at least, and those that the settings name.
int shown_count(const Section& section, const std::string& name, const FlatDeck& settings) {
  int count = std::max(1, section.min_count);
  for (int k = count; k < section.max_count; ++k) {
    if (settings.any_below(fmt::format("{}.{}.", name, k))) count = k + 1;
  }
  return count;
}

/// The kinds of a list that suit those of the sections before.
std::vector<std::string> suiting_kinds(const Section& section, const std::set<std::string>& words) {
  std::vector<std::string> names;
  for (const auto& kind : section.kinds) {
    if (section.is_array && std::any_of(kind.suits.begin(), kind.suits.end(),
                                        [&](const std::string& word) { return words.count(word) > 0; }))
      names.push_back(kind.name);
  }
  return names;
}

/// The sections of one name that a template shows. words: of the kinds shown so far (Section::Kind::suits)
void write_template(const Section& section, const std::string& parent, const std::string& title,
                    const std::string& study, const FlatDeck& settings, std::set<std::string>& words,
                    std::string& text) {
  const std::string name = parent + section.name;
  const std::vector<std::string> suiting =
      settings.any_below(name + ".") ? std::vector<std::string>{} : suiting_kinds(section, words);
  const int count =
      section.is_array ? std::max(shown_count(section, name, settings), static_cast<int>(suiting.size())) : 1;
  for (int k = 0; k < count; ++k) {
    const std::string prefix = section.is_array       ? fmt::format("{}.{}.", name, k)
                               : section.name.empty() ? ""
                                                      : name + ".";
    const auto given = settings.leaves.find(prefix + "kind");
    std::string wanted;
    if (given != settings.leaves.end()) {
      wanted = given->second.node->value<std::string>().value_or("");
    } else if (section.name == "study") {
      wanted = study;
    } else if (static_cast<std::size_t>(k) < suiting.size()) {
      wanted = suiting[static_cast<std::size_t>(k)];
    }
    const Section::Kind* kind = section.kinds.data();
    for (const auto& candidate : section.kinds) {
      if (wanted.empty() ? candidate.in_template : candidate.name == wanted) kind = &candidate;
    }
    words.insert(kind->suits.begin(), kind->suits.end());
    if (!section.name.empty())
      text += fmt::format("\n{0}{1}{2}\n", section.is_array ? "[[" : "[", title, section.is_array ? "]]" : "]");
    if (!kind->name.empty())
      text += fmt::format("kind = \"{}\"{}\n", kind->name, kind->help.empty() ? "" : "  # " + kind->help);
    for (const Key& key : kind->keys) {
      const auto value = settings.leaves.find(prefix + key.path);
      const bool set = value != settings.leaves.end();
      const bool may_be_left_out = key.optional || !key.default_value.empty() || !key.deck_suffix.empty();
      const std::string shown = set                         ? template_value(*value->second.node)
                                : key.default_value.empty() ? example_of(key)
                                                            : key.default_value;
      text +=
          fmt::format("{}{} = {}  # {}{}\n", may_be_left_out && !set && key.path != section.template_key ? "# " : "",
                      key.path, shown, type_text(key), key.help.empty() ? "" : "; " + key.help);
    }
    for (const Section& inner : kind->sections)
      write_template(inner, prefix, fmt::format("{}.{}", title, inner.name), study, settings, words, text);
  }
}

void collect_kinds(const std::vector<Section>& sections, const std::string& parent, std::vector<NamedKind>& all) {
  for (const Section& section : sections) {
    const std::string name = parent.empty() ? section.name : parent + "." + section.name;
    for (const auto& kind : section.kinds) {
      if (!parent.empty() && std::any_of(all.begin(), all.end(), [&](const NamedKind& known) {
            return known.section == name && known.kind->name == kind.name;
          }))
        continue;  // the same layer in another kind of factor
      all.push_back({name, &kind});
      collect_kinds(kind.sections, name, all);
    }
  }
}

}  // namespace

std::string type_text(const Key& key) {
  return plain_type_text(key) + (key.from_file ? ", or the name of a file beside the deck with a row per line" : "");
}

std::vector<NamedKind> all_kinds(const std::vector<Section>& sections) {
  std::vector<NamedKind> all;
  collect_kinds(sections, "", all);
  return all;
}

std::string describe(const Section::Kind& kind, const std::string& section) {
  std::string text = kind.name.empty() ? fmt::format("[{}]\n", section)
                                       : fmt::format("[{}] kind = \"{}\"  {}\n", section, kind.name, kind.help);
  for (const Key& key : kind.keys) {
    const std::string default_value = key.optional ? "optional"
                                      : !key.deck_suffix.empty()
                                          ? "default the name of the deck with " + key.deck_suffix
                                      : key.default_value.empty() ? "required"
                                                                  : "default " + key.default_value;
    text += fmt::format("  {:<28} {} ({})\n  {:<28}   {}\n", key.path, type_text(key), default_value, "", key.help);
  }
  for (const Section& inner : kind.sections) {
    const std::string name = section + "." + inner.name;
    text += fmt::format("  {}: {}\n", inner.is_array ? "[[" + name + "]]" : "[" + name + "]", inner.help);
    for (const auto& inner_kind : inner.kinds) text += describe(inner_kind, name);
  }
  return text;
}

std::string deck_template(const std::vector<Section>& sections, const std::string& study,
                          const std::vector<std::string>& settings) {
  FlatDeck given("template");
  for (const std::string& setting : settings) given.apply(setting);
  if (const auto kind = given.leaves.find("study.kind");
      kind != given.leaves.end() && kind->second.node->value<std::string>().value_or("") != study)
    throw UsageError(fmt::format("{}: error: the template is one of {}\n  expected: koushi template STUDY",
                                 kind->second.place, study));
  if (const auto scan = given.leaves.lower_bound("scan");
      scan != given.leaves.end() && scan->first.rfind("scan", 0) == 0)
    throw UsageError(
        fmt::format("{}: error: a template has no [scan]\n  expected: keys of the other sections", scan->second.place));
  std::set<std::string> words;
  std::string text = "# Lines behind a # show defaults, and examples of what is optional.\n";
  for (const Section& section : sections) {
    if (section.name == "scan") continue;
    if (!section.studies.empty() && std::count(section.studies.begin(), section.studies.end(), study) == 0) continue;
    write_template(section, "", section.name, study, given, words, text);
  }
  return text;
}

std::string deck_reference(const std::vector<Section>& sections) {
  std::string text = "# Deck reference\n\nGenerated by `koushi describe --reference`.\n";
  for (const Section& section : sections) {
    const std::string title = section.name.empty() ? "top level"
                              : section.is_array   ? "[[" + section.name + "]]"
                                                   : "[" + section.name + "]";
    const std::string where = section.studies.empty() ? "" : " (study " + join(section.studies) + ")";
    text += fmt::format("\n## {}{}\n\n{}\n", title, where, section.help);
    for (const auto& kind : section.kinds) text += "\n```\n" + describe(kind, section.name) + "```\n";
  }
  return text;
}

}  // namespace koushi
