#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/field/updater.hpp"

namespace koushi {

namespace {

struct MetropolisOptions {
  double width = 1;
  int hits = 1;
  bool tune = true;
  double acceptance = 0.5;
  int repetitions = 1;
};

class MetropolisUpdater final : public Updater {
 public:
  MetropolisUpdater(const Grid& grid, LocalUpdates& theory, std::uint64_t seed, const MetropolisOptions& options)
      : grid_(grid),
        theory_(theory),
        colouring_(grid, theory.interactions()),
        seed_(seed),
        hits_(options.hits),
        largest_width_(theory.largest_width()),
        site_by_site_(theory.interactions().empty()),
        tuned_(options.tune && largest_width_ > 0),
        target_(options.acceptance),
        width_(options.width) {}

  double update(std::uint64_t step) override {
    return fraction_of_sites(grid_, theory_.metropolis(colouring_, seed_, step, hits_, width_),
                             theory_.proposals_per_site() * hits_);
  }
  void tune(double acceptance) override {
    if (!tuned_) return;
    ++calls_;
    width_ = std::min(width_ * std::exp((acceptance - target_) / std::sqrt(calls_)), largest_width_);
  }
  std::vector<double> state() const override { return {width_, calls_}; }
  void set_state(const std::vector<double>& state) override {
    width_ = state.at(0);
    calls_ = state.at(1);
  }
  std::string remedy(bool low) const override {
    if (largest_width_ == 0 || (!low && width_ >= largest_width_)) return "";
    const std::string width = low ? "a smaller width" : "a larger width";
    return tuned_ ? "a longer warm_up, in which the width is tuned, or " + width + " to begin with"
                  : "tune = true, or " + width;
  }
  std::string description() const override {
    const std::string order = site_by_site_ ? "site by site" : fmt::format("{} colours", colouring_.n_colours());
    return fmt::format("metropolis, {}, {} hits{}", order, hits_,
                       largest_width_ > 0 ? fmt::format(" of width {:.4g}", width_) : "");
  }

 private:
  const Grid& grid_;
  LocalUpdates& theory_;
  Colouring colouring_;
  std::uint64_t seed_;
  int hits_;
  double largest_width_;
  bool site_by_site_;  ///< all sites interact
  bool tuned_;
  double target_;
  double width_;
  double calls_ = 0;
};

std::unique_ptr<Updater> make_metropolis(const DeckSection& section, FieldTheory& theory,
                                         const MetropolisOptions& options) {
  auto& local = needed<LocalUpdates>(section, theory);
  const Grid& grid = theory.grid();
  if (5.0 * options.hits * static_cast<double>(grid.n_replicas()) > 4.2e9) {  // the counter of random numbers
    section.refuse("hits",
                   fmt::format("{} hits for {} replicas are too many in one update", options.hits, grid.n_replicas()),
                   "fewer hits and more repetitions");
  }
  if (const double largest = local.largest_width(); largest > 0 && options.width > largest) {
    section.refuse("width", fmt::format("proposals of width {}", options.width),
                   fmt::format("at most {}, where they are flat", largest));
  }
  return std::make_unique<MetropolisUpdater>(grid, local, static_cast<std::uint64_t>(section.deck().integer("seed")),
                                             options);
}

}  // namespace

UpdaterKinds::OneKind metropolis_sweep_kind() {
  static const Keys<MetropolisOptions> keys =
      Keys<MetropolisOptions>()
          .real("width", &MetropolisOptions::width, {positive_number}, "proposals lie within +- width, to begin with")
          .integer("hits", &MetropolisOptions::hits, {1, 1000}, "proposals per site")
          .boolean("tune", &MetropolisOptions::tune, "adapt to the acceptance during the warm-up")
          .real("acceptance", &MetropolisOptions::acceptance, {0.05, 0.99}, "to be reached by tuning")
          .integer("repetitions", &MetropolisOptions::repetitions, {1, 1000}, "in one sweep");
  return {"metropolis", "local updates, colour by colour", keys.list(), [](const DeckSection& section) {
            const MetropolisOptions options = keys.read(section);
            return FieldUpdate{
                .repetitions = options.repetitions,
                .suits = has<LocalUpdates>,
                .make = [section, options](FieldTheory& theory) { return make_metropolis(section, theory, options); }};
          }};
}

}  // namespace koushi
