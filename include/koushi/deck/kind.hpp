#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "koushi/deck/keys.hpp"

namespace koushi {

/// A thing that a deck can name by `kind = "name"`: its keys, and how it is made from its section and what it stands
/// on. Each is defined at the end of the file of the thing itself.
template <typename Product, typename... In>
struct Kind {
  std::string name;
  std::string help;
  std::vector<Key> keys;
  std::function<Product(const DeckSection&, In...)> make;  ///< Errors: DeckError, by DeckSection::refuse
  std::vector<Section> sections{};                         ///< in its section, as [[wavefunction.factor.layer]]
  /// Words that kinds of different sections share where a template shows them together, as "fermions".
  std::vector<std::string> suits{};
  bool in_template = false;  ///< the one that a template shows where nothing is chosen
};

/// The kinds that a section of a deck can name: koushi's own, and what a program of one's own adds before a deck is
/// read.
template <typename Product, typename... In>
class Kinds {
 public:
  using OneKind = Kind<Product, In...>;
  explicit Kinds(std::vector<OneKind> own) : all_(std::move(own)) {}

  /// Errors  InternalError if the name is empty or taken, if there is nothing to make it by, or if decks were checked
  /// already
  void add(const OneKind& kind) {
    if (read_) throw InternalError("\"" + kind.name + "\" must be registered before the first deck is parsed");
    if (kind.name.empty() || !kind.make) throw InternalError("the kind \"" + kind.name + "\" needs a name and a maker");
    if (find(kind.name) != nullptr) throw InternalError("there is a kind \"" + kind.name + "\" already");
    all_.push_back(kind);
  }
  /// The kinds as a deck declares them.
  std::vector<Section::Kind> declared() {
    read_ = true;
    std::vector<Section::Kind> list;
    for (const OneKind& kind : all_)
      list.push_back({kind.name, kind.help, kind.keys, kind.sections, kind.suits, kind.in_template});
    return list;
  }
  const std::vector<OneKind>& all() const { return all_; }
  /// The kind that a section of a checked deck names.
  const OneKind& of(const DeckSection& section) const {
    const OneKind* kind = find(section.kind());
    if (kind == nullptr) throw InternalError("no kind \"" + section.kind() + "\" in [" + section.name() + "]");
    return *kind;
  }
  const OneKind* find(const std::string& name) const {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const OneKind& kind) { return kind.name == name; });
    return found == all_.end() ? nullptr : &*found;
  }

 private:
  std::vector<OneKind> all_;
  bool read_ = false;
};

}  // namespace koushi
