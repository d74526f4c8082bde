#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "../fourier_linear.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct GroupConvolutionOptions {
  int channels = 4;
  std::optional<double> reach;
  bool bias = true;

  static const Keys<GroupConvolutionOptions>& keys() {
    static const auto all =
        Keys<GroupConvolutionOptions>()
            .integer("channels", &GroupConvolutionOptions::channels, {1, 4096}, "of the output")
            .real("reach", &GroupConvolutionOptions::reach, {0},
                  "distance, in units of the nearest neighbours' one, beyond which weights are 0: of a site from the "
                  "first site, of a symmetry by where it takes that site; without it none is")
            .boolean("bias", &GroupConvolutionOptions::bias, "whether a number is added to every channel");
    return all;
  }
};

std::unique_ptr<Layer> make(const DeckSection& section, const LayerContext& context) {
  const GroupConvolutionOptions options = GroupConvolutionOptions::keys().read(section);
  try {
    return make_group_convolution(context, options.channels, options.reach.value_or(1e300), options.bias);
  } catch (const UsageError& error) {
    section.refuse("kind", error.what(), "another layer, or a group-convolution in front of it");
  }
}

/// The same layer by momenta of the translations in the group; null where these are no product of cyclic groups.
std::unique_ptr<FourierLinear> by_momenta(const SharedLinear& direct, const LayerContext& context,
                                          const std::vector<std::vector<int>>& group) {
  const NetworkGeometry& geometry = context.geometry;
  std::vector<std::vector<int>> translations;
  std::vector<std::vector<int>> of_cells;
  try {
    of_cells = NetworkPatches::of(geometry, {}).translations_of_cells();
  } catch (const UsageError&) {  // open ends
    return nullptr;
  }
  for (const std::vector<int>& t : of_cells) {
    std::vector<int> sites;
    for (int i = 0; i < geometry.n_sites; ++i)
      sites.push_back(t[static_cast<std::size_t>(i / geometry.sites_per_cell)] * geometry.sites_per_cell +
                      i % geometry.sites_per_cell);
    if (std::find(group.begin(), group.end(), sites) != group.end()) translations.push_back(std::move(sites));
  }
  const CyclicProduct product = CyclicProduct::of(translations);
  if (product.first < 2) return nullptr;
  std::map<std::vector<int>, int> number;
  for (std::size_t g = 0; g < group.size(); ++g) number[group[g]] = static_cast<int>(g);
  const TranslatedPositions of_group = product.orbits(static_cast<int>(group.size()), [&](int t, int g) {
    std::vector<int> moved;
    for (const int site : group[static_cast<std::size_t>(g)])
      moved.push_back(product.elements[static_cast<std::size_t>(t)][static_cast<std::size_t>(site)]);
    return number.at(moved);
  });
  const TranslatedPositions of_input =
      context.input.domain == NetworkDomain::group ? of_group : product.orbits(geometry.n_sites, [&](int t, int site) {
        return product.elements[static_cast<std::size_t>(t)][static_cast<std::size_t>(site)];
      });
  if (of_group.place.empty() || of_input.place.empty()) return nullptr;
  return std::make_unique<FourierLinear>(direct, product, of_input, of_group);
}

}  // namespace

std::unique_ptr<Layer> make_group_convolution(const LayerContext& context, int channels, double reach, bool bias) {
  const NetworkGeometry& geometry = context.geometry;
  if (!geometry.group) throw UsageError("these sites have no geometry, and so no symmetries");
  const std::vector<std::vector<int>> group = geometry.group();
  if (group.size() < 2)
    throw UsageError("this Hamiltonian on this lattice has none of the symmetries of the space group but the identity");
  const auto near = [&](int site) { return site == 0 || geometry.distance(0, site) <= reach + 1e-9; };
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  Stencil stencil;
  stencil.inputs.resize(group.size());
  if (context.input.domain == NetworkDomain::sites) {
    for (int y = 0; y < geometry.n_sites; ++y) {
      if (!near(y)) continue;
      for (std::size_t g = 0; g < group.size(); ++g) stencil.inputs[g].push_back({group[g][at(y)], stencil.slots});
      ++stencil.slots;
    }
  } else if (context.input.domain == NetworkDomain::group) {
    std::map<std::vector<int>, int> number;
    for (std::size_t g = 0; g < group.size(); ++g) number[group[g]] = static_cast<int>(g);
    for (const std::vector<int>& k : group) {
      if (!near(k[0])) continue;
      for (std::size_t g = 0; g < group.size(); ++g) {
        std::vector<int> product;
        for (const int site : k) product.push_back(group[g][at(site)]);
        stencil.inputs[g].push_back({number.at(product), stencil.slots});
      }
      ++stencil.slots;
    }
  } else {
    throw UsageError("a group convolution needs a tensor on the sites of the lattice or on its symmetry group");
  }
  auto direct = std::make_unique<SharedLinear>(context.input, channels, NetworkDomain::group, std::move(stencil), bias);
  if (auto fourier = by_momenta(*direct, context, group); fourier && fourier->flops() < direct->flops()) return fourier;
  return direct;
}

LayerKind group_convolution_kind() {
  return {"group-convolution",
          "out[o][g] = b[o] + sum_(i, k) W[o][i][k] in[i][g k] over the symmetries g, k of H, or, from sites, sum_(i, "
          "y) W[o][i][y] in[i][g y] (T. Cohen, M. Welling, ICML 2016)",
          GroupConvolutionOptions::keys().list(), make};
}

}  // namespace koushi
