#include <fmt/format.h>

#include <utility>

#include "../network_determinant.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct BackflowOptions : NetworkDeterminantOptions {
  static const Keys<BackflowOptions>& keys() {
    static const auto all = with_common(Keys<BackflowOptions>());
    return all;
  }
};

/// What place p sees of the last tensor of a network. Where its positions are sites, cells or patches, places at the same
/// place of a cell or patch share their weights.
class Sight {
 public:
  Sight(const NetworkGeometry& geometry, const LayerContext& last, const Space& space) : space_(space) {
    const int basis = geometry.sites_per_cell;
    position_.resize(static_cast<std::size_t>(geometry.n_sites));
    group_.resize(position_.size());
    const auto set = [&](int site, int position, int group) {
      position_[static_cast<std::size_t>(site)] = position;
      group_[static_cast<std::size_t>(site)] = group;
      groups_ = std::max(groups_, group + 1);
    };
    switch (last.input.domain) {
      case NetworkDomain::one:
        for (int i = 0; i < geometry.n_sites; ++i) set(i, 0, i);
        return;
      case NetworkDomain::sites:
        for (int i = 0; i < geometry.n_sites; ++i) set(i, i, i % basis);
        return;
      case NetworkDomain::cells:
        for (int i = 0; i < geometry.n_sites; ++i) set(i, i / basis, i % basis);
        return;
      case NetworkDomain::patches: {
        const NetworkPatches patches = NetworkPatches::of(geometry, last.patch);
        for (std::size_t p = 0; p < patches.cells.size(); ++p) {
          for (std::size_t c = 0; c < patches.cells[p].size(); ++c) {
            for (int a = 0; a < basis; ++a)
              set(patches.cells[p][c] * basis + a, static_cast<int>(p), static_cast<int>(c) * basis + a);
          }
        }
        return;
      }
      case NetworkDomain::group:
        throw InternalError("the elements of a group are at no site");
    }
  }
  RowFeatures operator()(int place, int first_flavour) const {
    const auto site = static_cast<std::size_t>(space_.site_of(place));
    return {(space_.flavour_of(place) - first_flavour) * groups_ + group_[site], position_[site]};
  }

 private:
  const Space& space_;
  std::vector<int> position_;  ///< [site]
  std::vector<int> group_;     ///< [site]
  int groups_ = 0;
};

/// Orbitals that depend on where all particles are, phi_k(r; x) = B[r][k] + sum_c V[r][k][c] h_c(x): the correction of
/// orbitals by backflow, in which a network takes the place of a formula.
/// Source  D. Luo, B. K. Clark, Phys. Rev. Lett. 122, 226401 (2019)
std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const BackflowOptions options = BackflowOptions::keys().read(section);
  const Operator& h = context.hamiltonian;
  const Space& space = h.space();
  if (!space.is_fermionic()) section.refuse("kind", "there are no fermions in this Hamiltonian", "a network");
  const bool is_complex = are_complex(options.weights, h, section, "orbitals");
  NetworkBuilder builder(context);
  options.add_layers(section, builder);
  if (builder.next().input.domain == NetworkDomain::group)
    section.refuse("kind", "the last layer has the elements of a group, which are at no site",
                   "a last layer of kind \"dense\"");
  std::uint64_t index = 0;
  const auto normal = [&] { return initial_normal(context.seed, context.stream, index++); };
  const MeanField mean_field = options.initial(context, is_complex, normal);
  const Sight sight(builder.geometry(), builder.next(), space);
  std::vector<DeterminantBlock> blocks;
  for (const OrbitalBlock& block : mean_field.blocks) {
    blocks.push_back({block.place,
                      static_cast<int>(block.orbitals.rows()),
                      block.particle,
                      static_cast<int>(block.orbitals.cols()),
                      0,
                      block.orbitals,
                      {}});
    for (int r = 0; r < blocks.back().places; ++r)
      blocks.back().features.push_back(sight(block.place + r, space.flavour_of(block.place)));
  }
  const std::size_t layers = builder.n_layers();
  std::string description = fmt::format("{}, which a network of {} layers changes", mean_field.description, layers);
  return make_network_determinant(space, builder.network(NetworkOutput::positive), std::move(blocks), is_complex,
                                  options.width, normal, std::move(description));
}

}  // namespace

FactorKind backflow_kind() {
  return {"backflow",
          "Slater determinant whose orbitals a network changes with the places of all particles (neural backflow): "
          "phi_k(r; x) = B[r][k] + sum_c V[r][k][c] h_c(x), h the last layer",
          BackflowOptions::keys().list(),
          make,
          {list_of_layers(0)}};
}

}  // namespace koushi
