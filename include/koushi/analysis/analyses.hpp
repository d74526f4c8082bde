#pragma once

#include "koushi/study/study.hpp"

namespace koushi {

/// The studies of finished runs. A program adds them to studies() before the first deck is parsed.
StudyKinds& analyses();

/// Adds them.
inline void add_analyses() {
  for (const StudyKind& kind : analyses().all()) studies().add(kind);
}

}  // namespace koushi
