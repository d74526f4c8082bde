#include <fmt/format.h>

#include <map>
#include <optional>

#include "../shared_linear.hpp"
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
    section.refuse("kind", error.what(), "convolution");
  }
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
  return std::make_unique<SharedLinear>(context.input, channels, NetworkDomain::group, std::move(stencil), bias);
}

LayerKind group_convolution_kind() {
  return {"group-convolution",
          "out[o][g] = b[o] + sum_(i, k) W[o][i][k] in[i][g k] over the symmetries g, k of H, or, from sites, sum_(i, "
          "y) W[o][i][y] in[i][g y] (T. Cohen, M. Welling, ICML 2016)",
          GroupConvolutionOptions::keys().list(), make};
}

}  // namespace koushi
