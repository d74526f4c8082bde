#include <fmt/format.h>

#include "koushi/field/updater.hpp"

namespace koushi {

namespace {

struct HeatbathOptions {
  int repetitions = 1;
};

class HeatbathUpdater final : public Updater {
 public:
  HeatbathUpdater(const Grid& grid, Heatbath& theory, std::uint64_t seed)
      : grid_(grid), theory_(theory), colouring_(grid, theory.interactions()), seed_(seed) {}
  double update(std::uint64_t step) override {
    return fraction_of_sites(grid_, theory_.heatbath(colouring_, seed_, step), theory_.draws_per_site());
  }
  std::string description() const override { return fmt::format("heatbath, {} colours", colouring_.n_colours()); }

 private:
  const Grid& grid_;
  Heatbath& theory_;
  Colouring colouring_;
  std::uint64_t seed_;
};

}  // namespace

UpdaterKinds::OneKind heatbath_kind() {
  static const Keys<HeatbathOptions> keys =
      Keys<HeatbathOptions>().integer("repetitions", &HeatbathOptions::repetitions, {1, 1000}, "in one sweep");
  return {"heatbath", "links drawn anew from their conditional weight", keys.list(), [](const DeckSection& section) {
            return FieldUpdate{.repetitions = keys.read(section).repetitions,
                               .suits = has<Heatbath>,
                               .make = [section](FieldTheory& theory) -> std::unique_ptr<Updater> {
                                 return std::make_unique<HeatbathUpdater>(
                                     theory.grid(), needed<Heatbath>(section, theory),
                                     static_cast<std::uint64_t>(section.deck().integer("seed")));
                               }};
          }};
}

}  // namespace koushi
