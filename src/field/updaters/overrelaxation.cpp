#include <fmt/format.h>

#include "koushi/field/updater.hpp"

namespace koushi {

namespace {

struct OverrelaxationOptions {
  int repetitions = 1;
};

class OverrelaxationUpdater final : public Updater {
 public:
  OverrelaxationUpdater(const Grid& grid, Overrelaxation& theory)
      : theory_(theory), colouring_(grid, theory.interactions()) {}
  double update(std::uint64_t) override {
    theory_.overrelax(colouring_);
    return 1;
  }
  std::string description() const override { return fmt::format("overrelaxation, {} colours", colouring_.n_colours()); }

 private:
  Overrelaxation& theory_;
  Colouring colouring_;
};

}  // namespace

UpdaterKinds::OneKind overrelaxation_kind() {
  static const Keys<OverrelaxationOptions> keys = Keys<OverrelaxationOptions>().integer(
      "repetitions", &OverrelaxationOptions::repetitions, {1, 1000}, "in one sweep");
  return {"overrelaxation",
          "reflections of spins about the sum of their neighbours, of links about their staples: S stays", keys.list(),
          [](const DeckSection& section) {
            return FieldUpdate{.repetitions = keys.read(section).repetitions,
                               .changes_action = false,
                               .suits = has<Overrelaxation>,
                               .make = [section](FieldTheory& theory) -> std::unique_ptr<Updater> {
                                 return std::make_unique<OverrelaxationUpdater>(
                                     theory.grid(), needed<Overrelaxation>(section, theory));
                               }};
          }};
}

}  // namespace koushi
