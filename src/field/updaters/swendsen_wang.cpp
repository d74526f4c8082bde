#include "../cluster_updater.hpp"

namespace koushi {

UpdaterKinds::OneKind swendsen_wang_kind() {
  static const Keys<ClusterOptions> keys = ClusterOptions::keys();
  return {"swendsen-wang", "all clusters of spins, or of signs of a scalar field", keys.list(),
          [](const DeckSection& section) {
            return cluster_update(section, keys.read(section), false, "swendsen-wang, all clusters");
          }};
}

}  // namespace koushi
