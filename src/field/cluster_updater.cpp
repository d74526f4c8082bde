#include "cluster_updater.hpp"

#include <utility>

namespace koushi {

namespace {

class ClusterUpdater final : public Updater {
 public:
  ClusterUpdater(const Grid& grid, ClusterUpdates& theory, bool single, std::uint64_t seed, std::string description)
      : grid_(grid), theory_(theory), single_(single), seed_(seed), description_(std::move(description)) {}
  double update(std::uint64_t step) override {
    return fraction_of_sites(grid_, theory_.flip_clusters(single_, seed_, step), 1);
  }
  std::string description() const override { return description_; }

 private:
  const Grid& grid_;
  ClusterUpdates& theory_;
  bool single_;
  std::uint64_t seed_;
  std::string description_;
};

}  // namespace

FieldUpdate cluster_update(const DeckSection& section, const ClusterOptions& options, bool single,
                           const std::string& description) {
  return {.repetitions = options.repetitions,
          .changes_modulus = false,
          .suits = has<ClusterUpdates>,
          .make = [section, single, description](FieldTheory& theory) -> std::unique_ptr<Updater> {
            return std::make_unique<ClusterUpdater>(theory.grid(), needed<ClusterUpdates>(section, theory), single,
                                                    static_cast<std::uint64_t>(section.deck().integer("seed")),
                                                    description);
          }};
}

}  // namespace koushi
