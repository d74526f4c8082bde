#include "koushi/study/study.hpp"

#include <algorithm>

#include "koushi/base/error.hpp"

namespace koushi {

namespace {

const StudyKind* find(const std::vector<StudyKind>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const StudyKind& kind) { return kind.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

void StudyKinds::add(const StudyKind& kind) {
  if (read_) throw InternalError("the study \"" + kind.name + "\" must be registered before the first deck is parsed");
  if (kind.name.empty() || !kind.run || !kind.describe)
    throw InternalError("the study \"" + kind.name + "\" needs a name, run and describe");
  if (find(all_, kind.name) != nullptr) throw InternalError("there is a study \"" + kind.name + "\" already");
  all_.push_back(kind);
}

std::vector<Section::Kind> StudyKinds::declared() {
  read_ = true;
  std::vector<Section::Kind> list;
  for (const StudyKind& kind : all_) list.push_back({kind.name, kind.help, kind.keys});
  return list;
}

const StudyKind& StudyKinds::of(const Deck& deck) const {
  const StudyKind* kind = find(all_, deck.text("study.kind"));
  if (kind == nullptr) throw InternalError("no study \"" + deck.text("study.kind") + "\" is registered");
  return *kind;
}

}  // namespace koushi
