#include "../cluster_updater.hpp"

namespace koushi {

UpdaterKinds::OneKind wolff_kind() {
  static const Keys<ClusterOptions> keys = ClusterOptions::keys();
  return {"wolff", "one cluster of spins, or of signs of a scalar field, from a random site", keys.list(),
          [](const DeckSection& section) {
            return cluster_update(section, keys.read(section), true, "wolff, one cluster");
          }};
}

}  // namespace koushi
