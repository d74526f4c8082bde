#include "koushi/study/study.hpp"

#include <algorithm>

#include "koushi/base/error.hpp"

namespace koushi {

const StudyKind* StudyKinds::find(const std::string& name) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const StudyKind& kind) { return kind.name == name; });
  return found == all_.end() ? nullptr : &*found;
}

void StudyKinds::add(const StudyKind& kind) {
  if (read_) throw InternalError("the study \"" + kind.name + "\" must be registered before the first deck is parsed");
  if (kind.name.empty() || !kind.run || !kind.describe)
    throw InternalError("the study \"" + kind.name + "\" needs a name, run and describe");
  if (find(kind.name) != nullptr) throw InternalError("there is a study \"" + kind.name + "\" already");
  all_.push_back(kind);
}

std::vector<Section::Kind> StudyKinds::declared() {
  read_ = true;
  std::vector<Section::Kind> list;
  for (const StudyKind& kind : all_) list.push_back({kind.name, kind.help, kind.keys});
  return list;
}

const StudyKind& StudyKinds::of(const Deck& deck) const {
  const StudyKind* kind = find(deck.text("study.kind"));
  if (kind == nullptr) throw InternalError("no study \"" + deck.text("study.kind") + "\" is registered");
  return *kind;
}

std::vector<std::string> StudyKinds::names(const std::function<bool(const StudyKind&)>& holds) const {
  std::vector<std::string> list;
  for (const StudyKind& kind : all_) {
    if (holds(kind)) list.push_back(kind.name);
  }
  return list;
}

}  // namespace koushi
