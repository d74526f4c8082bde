#pragma once

#include <string>

#include "koushi/study/study.hpp"

namespace koushi {

/// A kind of study that samples a lattice field theory by the updaters of its deck and measures it: sweep, measure,
/// record, checkpoint. `koushi check` says of it: sites, replicas and how ranks share them, memory per rank, and
/// (ranks > 0) the time per sweep and of the whole run, for which it makes one.
StudyKind field_study_kind(const std::string& name, const std::string& help);

}  // namespace koushi
