#include <fmt/format.h>

#include "../quadratic_factor.hpp"
#include "koushi/manybody/factor_kinds.hpp"

namespace koushi {

namespace {

struct GutzwillerOptions {
  SiteSymmetry symmetry = SiteSymmetry::space_group;
  double width = 0;

  static const Keys<GutzwillerOptions>& keys() {
    static const auto all =
        Keys<GutzwillerOptions>()
            .choice("symmetry", &GutzwillerOptions::symmetry, symmetry_words,
                    "g is the same for sites that these symmetries of H join")
            .real("width", &GutzwillerOptions::width, {0}, "standard deviation of initial parameters")
            .initial();
    return all;
  }
};

/// log psi(x) = sum_i g_i n_i,up n_i,down of electrons, sum_i g_i x_i^2 of bosons and of spins of more than two states.
/// Source      M. C. Gutzwiller, Phys. Rev. Lett. 10, 159 (1963)
std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const GutzwillerOptions options = GutzwillerOptions::keys().read(section);
  const Space& space = context.hamiltonian.space();
  const bool electrons = space.n_flavours() > 1;
  if (electrons ? space.exclusive() : space.local(0).states() == 2) {
    section.refuse("kind", "a Gutzwiller factor is constant here: no site can hold two particles",
                   "jastrow, or a space with more than two states per site");
  }
  const int n = space.n_sites();
  int n_classes = 0;
  const std::vector<int> classes = pair_classes(
      n, symmetry_group(options.symmetry, context.lattice, context.hamiltonian), [](int i, int j) { return i == j; },
      n_classes);
  std::vector<QuadraticEntry> entries;
  for (int i = 0; i < n; ++i) {
    const int c = classes[static_cast<std::size_t>(i) * static_cast<std::size_t>(n) + static_cast<std::size_t>(i)];
    entries.push_back({c, space.place(0, i), space.place(electrons ? 1 : 0, i), 1.0});
  }
  std::vector<double> parameters;
  for (int c = 0; c < n_classes; ++c)
    parameters.push_back(options.width * initial_normal(context.seed, context.stream, static_cast<std::uint64_t>(c)));
  return make_quadratic_factor(space, std::move(entries), std::move(parameters),
                               fmt::format("{} Gutzwiller parameters", n_classes));
}

}  // namespace

FactorKind gutzwiller_kind() {
  return {"gutzwiller",
          "log psi = sum_i g_i n_up n_down (electrons), sum_i g_i x_i^2 (bosons, spins S > 1/2)",
          GutzwillerOptions::keys().list(),
          make,
          {},
          {"electrons", "bosons"}};
}

}  // namespace koushi
