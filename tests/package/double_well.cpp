// koushi with one more action, S = sum_x { stiffness sum_mu (phi(x + mu) - phi(x))^2 + height (phi^2 - 1)^2 }, and one
// more updater, which changes the sign of a whole replica. The numbers of a ring follow from its transfer matrix.
#include <koushi/app/program.hpp>
#include <koushi/field/scalar_field.hpp>
#include <koushi/random/philox.hpp>

using namespace koushi;

/// V = height (phi^2 - 1)^2.
struct DoubleWellSite {
  double height = 1;
  KOKKOS_INLINE_FUNCTION double energy(const double (&phi)[1]) const {
    const double s = phi[0] * phi[0] - 1;
    return height * s * s;
  }
  KOKKOS_INLINE_FUNCTION void slope(const double (&phi)[1], double (&out)[1]) const {
    out[0] = 4 * height * phi[0] * (phi[0] * phi[0] - 1);
  }
};

struct DoubleWellOptions {
  double stiffness = 0.5;
  double height = 1;
  static const Keys<DoubleWellOptions>& keys() {
    static const Keys<DoubleWellOptions> all =
        Keys<DoubleWellOptions>()
            .real("stiffness", &DoubleWellOptions::stiffness, {0}, "of (d phi)^2")
            .real("height", &DoubleWellOptions::height, {positive_number}, "of the barrier between the wells")
            .required();
    return all;
  }
};

ActionKinds::OneKind double_well_kind() {
  return {"double-well", "sum stiffness (d phi)^2 + height (phi^2 - 1)^2", DoubleWellOptions::keys().list(),
          [](const DeckSection& section, const GridOptions&) {
            const DoubleWellOptions options = DoubleWellOptions::keys().read(section);
            FieldAction action;
            action.numbers_per_site = 4;
            action.couplings = {{.key = "height"}, {.key = "stiffness"}};
            action.correlator = SliceCorrelator{};
            action.configuration = "scalar field";
            action.make = [options](const Grid& grid) {
              return make_scalar_theory<1>(grid, DoubleWellSite{options.height}, QuadraticBond{options.stiffness});
            };
            return action;
          }};
}

/// phi -> - phi of each replica with probability 1/2, which S does not see.
class SignUpdater final : public Updater {
 public:
  SignUpdater(FieldTheory& theory, std::uint64_t seed) : theory_(theory), seed_(seed) {}
  double update(std::uint64_t step) override {
    Configuration now = theory_.configuration();
    const auto here = static_cast<std::size_t>(now.box.count[0]);
    for (std::size_t k = 0; k < now.local.size(); ++k) {
      const std::size_t replica = static_cast<std::size_t>(now.box.first[0]) + k / (now.local.size() / here);
      if ((philox(seed_, RandomPurpose::acceptance, step, replica, 0).word[0] & 1U) != 0) now.local[k] = -now.local[k];
    }
    theory_.set_configuration(now.local);
    return 1;
  }
  std::string description() const override { return "signs of whole replicas"; }

 private:
  FieldTheory& theory_;
  std::uint64_t seed_;
};

UpdaterKinds::OneKind sign_kind() {
  struct Options {
    int repetitions = 1;
  };
  static const Keys<Options> keys =
      Keys<Options>().integer("repetitions", &Options::repetitions, {1, 10}, "in a sweep");
  return {"sign", "phi -> - phi of whole replicas", keys.list(), [](const DeckSection& section) {
            return FieldUpdate{.repetitions = keys.read(section).repetitions,
                               .changes_action = false,
                               .suits = [](const FieldTheory&) { return true; },
                               .make = [section](FieldTheory& theory) -> std::unique_ptr<Updater> {
                                 return std::make_unique<SignUpdater>(
                                     theory, static_cast<std::uint64_t>(section.deck().integer("seed")));
                               }};
          }};
}

int main(int argc, char** argv) {
  return run_program(argc, argv, {.actions = {double_well_kind()}, .updaters = {sign_kind()}});
}
