#pragma once

#include <string>

#include "koushi/field/updater.hpp"

namespace koushi {

struct ClusterOptions {
  int repetitions = 1;
  static Keys<ClusterOptions> keys() {
    return Keys<ClusterOptions>().integer("repetitions", &ClusterOptions::repetitions, {1, 1000}, "in one sweep");
  }
};

/// Flips clusters of a theory that has them: one of every replica, or all. description: of the updater.
FieldUpdate cluster_update(const DeckSection& section, const ClusterOptions& options, bool single,
                           const std::string& description);

}  // namespace koushi
