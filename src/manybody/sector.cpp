#include <fmt/format.h>

#include <cstdlib>

#include "koushi/base/error.hpp"
#include "koushi/manybody/sampler_kinds.hpp"

namespace koushi {

namespace {

struct SectorOptions {
  int magnetization = 0;
  std::optional<std::vector<int>> electrons;
  std::optional<int> particles;

  static const Keys<SectorOptions>& keys() {
    static const auto all =
        Keys<SectorOptions>()
            .integer("magnetization", &SectorOptions::magnetization, {},
                     "sum of 2 S^z, of sigma^z for spins 1/2, where H and the moves conserve it")
            .integers("electrons", &SectorOptions::electrons, {0, 32767},
                      "numbers of electrons, [up, down]; half filling if not given")
            .integer("particles", &SectorOptions::particles, {0, 32767},
                     "number of bosons or of fermions without conserved spin; one per site, or per two sites for "
                     "spinless fermions, if not given");
    return all;
  }
};

}  // namespace

std::vector<Key> sector_keys() { return SectorOptions::keys().list(); }

void fix_sector(const DeckSection& section, Operator& h) {
  const SectorOptions options = SectorOptions::keys().read(section);
  const Space space = h.space();
  const int n = space.n_sites();
  const bool spins_alone = space.n_flavours() == 1 && space.local(0).kind == LocalSpace::Kind::spin;
  const bool flips = section.has("moves.flip") && section.real("moves.flip") > 0;  // of chains
  const auto charge = [&](const std::string& name) -> const Charge* {
    for (const Charge& c : space.charges()) {
      if (c.name == name) return &c;
    }
    return nullptr;
  };
  const auto refuse_unknown = [&](const std::string& key, const std::string& name) {
    if (section.given(key) && charge(name) == nullptr)
      section.refuse(key, "the states of this Hamiltonian have no such number", "no " + key);
  };
  refuse_unknown("magnetization", "magnetization");
  refuse_unknown("electrons", "up");
  refuse_unknown("particles", "particles");
  const auto fix = [&](const std::string& key, const std::string& name, int value) {
    try {
      h.fix(name, value);
    } catch (const UsageError& error) {
      section.refuse(key, error.what(), "a number that some state has");
    }
  };
  if (charge("up") != nullptr) {
    const std::vector<int> electrons = options.electrons.value_or(std::vector<int>{(n + 1) / 2, n / 2});
    if (electrons.size() != 2)
      section.refuse("electrons", fmt::format("{} numbers were given", electrons.size()), "two, [up, down]");
    fix("electrons", "up", electrons[0]);
    fix("electrons", "down", electrons[1]);
  }
  if (charge("particles") != nullptr) {
    const bool half = space.n_flavours() == 1 && space.local(0).kind == LocalSpace::Kind::fermion;
    fix("particles", "particles", options.particles.value_or(half ? n / 2 : n));
  }
  if (const Charge* magnetization = charge("magnetization"); magnetization != nullptr) {
    if (flips || !h.conserves(*magnetization)) {
      if (section.given("magnetization")) {
        section.refuse("magnetization", flips ? "flips do not keep it" : "this Hamiltonian does not conserve it",
                       flips ? "no magnetization, or exchanges alone" : "no magnetization");
      }
      return;
    }
    int m = options.magnetization;
    if (spins_alone) {
      const int twice = space.local(0).max;
      if (std::abs(m) > n * twice || (n * twice + m) % 2 != 0) {
        section.refuse("magnetization",
                       fmt::format("{} cannot be the sum of {} spins {}", m, n,
                                   twice == 1 ? "+-1" : fmt::format("2 S^z = -{0} ... {0}", twice)),
                       twice == 1 ? "an integer of the parity of the number of sites"
                                  : fmt::format("an integer of the parity of {}, at most {}", n * twice, n * twice));
      }
    } else if (!section.given("magnetization")) {
      const auto fermions = static_cast<int>(h.space().n_particles());
      m = (fermions + n * space.flavours().back().max) % 2;
    }
    fix("magnetization", "magnetization", m);
  }
}

}  // namespace koushi
