#include <fmt/format.h>

#include <set>

#include "../quadratic_factor.hpp"
#include "koushi/base/error.hpp"
#include "koushi/manybody/factor_kinds.hpp"

namespace koushi {

namespace {

enum class JastrowOf { automatic, density, spin };

struct JastrowOptions {
  JastrowOf of = JastrowOf::automatic;
  int shells = 0;
  SiteSymmetry symmetry = SiteSymmetry::space_group;
  double width = 0;

  static const Keys<JastrowOptions>& keys() {
    static const auto all =
        Keys<JastrowOptions>()
            .choice("of", &JastrowOptions::of,
                    {{"automatic", JastrowOf::automatic}, {"density", JastrowOf::density}, {"spin", JastrowOf::spin}},
                    "q = n, the number of particles of a site, or q = 2 S^z; automatic: spin where there are spins "
                    "alone, else density")
            .integer("shells", &JastrowOptions::shells, {0, 3},
                     "pairs of sites up to this distance shell; 0: all pairs")
            .choice("symmetry", &JastrowOptions::symmetry, symmetry_words,
                    "v is the same for pairs that these symmetries of H join")
            .real("width", &JastrowOptions::width, {0}, "standard deviation of initial parameters")
            .initial();
    return all;
  }
};

/// log psi(x) = sum_(i<j) v_ij q_i q_j, q = n_up + n_down or n (density), n_up - n_down + 2 S^z (spin).
/// Source      R. Jastrow, Phys. Rev. 98, 1479 (1955)
std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const JastrowOptions options = JastrowOptions::keys().read(section);
  const Space& space = context.hamiltonian.space();
  std::vector<double> weight;  // of the flavours in q
  bool particles = false;
  bool spins = false;
  for (int f = 0; f < space.n_flavours(); ++f) {
    const bool is_spin = space.flavours()[static_cast<std::size_t>(f)].kind == LocalSpace::Kind::spin;
    spins = spins || is_spin || space.n_flavours() > 1;
    particles = particles || !is_spin;
  }
  const bool of_spin = options.of == JastrowOf::spin || (options.of == JastrowOf::automatic && !particles);
  if (of_spin ? !spins : !particles) {
    section.refuse("of", of_spin ? "these particles have no spin" : "these spins have no density",
                   of_spin ? "density" : "spin");
  }
  for (int f = 0; f < space.n_flavours(); ++f) {
    const bool is_spin = space.flavours()[static_cast<std::size_t>(f)].kind == LocalSpace::Kind::spin;
    weight.push_back(of_spin ? (f == 1 ? -1.0 : 1.0) : is_spin ? 0.0 : 1.0);
  }
  std::set<std::pair<int, int>> joined;
  if (options.shells > 0 && !context.lattice.has_geometry())
    section.refuse("shells", "these sites have no neighbours", "0, all pairs of sites");
  for (int shell = 1; shell <= options.shells; ++shell) {
    for (const Bond& bond : context.lattice.bonds(shell)) joined.insert(std::minmax(bond.i, bond.j));
  }
  const int n = space.n_sites();
  int n_classes = 0;
  const std::vector<int> classes = pair_classes(
      n, symmetry_group(options.symmetry, context.lattice, context.hamiltonian),
      [&](int i, int j) { return i != j && (options.shells == 0 || joined.count(std::minmax(i, j)) > 0); }, n_classes);
  if (n_classes == 0) section.refuse("shells", "no pair of sites is left", "a lattice with bonds");
  std::vector<QuadraticEntry> entries;
  for (int i = 0; i < n; ++i) {
    for (int j = i + 1; j < n; ++j) {
      const int c = classes[static_cast<std::size_t>(i) * static_cast<std::size_t>(n) + static_cast<std::size_t>(j)];
      for (int f = 0; f < space.n_flavours() && c >= 0; ++f) {
        for (int g = 0; g < space.n_flavours(); ++g) {
          const double w = weight[static_cast<std::size_t>(f)] * weight[static_cast<std::size_t>(g)];
          if (w != 0) entries.push_back({c, space.place(f, i), space.place(g, j), w});
        }
      }
    }
  }
  std::vector<double> parameters;
  for (int c = 0; c < n_classes; ++c)
    parameters.push_back(options.width * initial_normal(context.seed, context.stream, static_cast<std::uint64_t>(c)));
  return make_quadratic_factor(space, std::move(entries), std::move(parameters),
                               fmt::format("{} {} Jastrow parameters", n_classes, of_spin ? "spin" : "density"),
                               weight);
}

}  // namespace

FactorKind jastrow_kind() {
  return {"jastrow",
          "log psi = sum_(i<j) v_ij q_i q_j, q the density or the spin of a site",
          JastrowOptions::keys().list(),
          make,
          {},
          {"fermions", "bosons"}};
}

}  // namespace koushi
