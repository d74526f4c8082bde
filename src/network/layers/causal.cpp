#include <fmt/format.h>

#include <map>
#include <optional>

#include "../shared_linear.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct CausalOptions {
  int channels = 8;
  std::optional<std::vector<int>> kernel;
  bool own = true;
  bool bias = true;

  static const Keys<CausalOptions>& keys() {
    static const auto all =
        Keys<CausalOptions>()
            .integer("channels", &CausalOptions::channels, {1, 4096}, "of the output")
            .integers("kernel", &CausalOptions::kernel, {1, 1000},
                      "unit cells that a filter sees, one number per direction; without it every site has weights of "
                      "its own for all sites in front of it")
            .example("[3, 3]")
            .boolean("own", &CausalOptions::own, "whether a site sees its own input, beside those in front of it")
            .boolean("bias", &CausalOptions::bias, "whether a number is added to every channel");
    return all;
  }
};

std::unique_ptr<Layer> make(const DeckSection& section, const LayerContext& context) {
  const CausalOptions options = CausalOptions::keys().read(section);
  try {
    return make_causal(context, options.channels, options.kernel, options.own, options.bias);
  } catch (const UsageError& error) {
    section.refuse(options.kernel ? "kernel" : "kind", error.what(),
                   options.kernel ? "a kernel that fits into the lattice" : "a layer in front of it on sites");
  }
}

}  // namespace

std::unique_ptr<Layer> make_causal(const LayerContext& context, int channels,
                                   const std::optional<std::vector<int>>& kernel, bool own, bool bias) {
  if (context.input.domain != NetworkDomain::sites) throw UsageError("a causal layer needs a tensor on the sites");
  const int sites = context.input.positions;
  const auto in_front = [&](int q, int p) { return q < p || (own && q == p); };
  Stencil stencil;
  stencil.inputs.resize(static_cast<std::size_t>(sites));
  if (!kernel) {
    for (int p = 0; p < sites; ++p) {
      for (int q = 0; q < sites; ++q) {
        if (in_front(q, p)) stencil.inputs[static_cast<std::size_t>(p)].push_back({q, stencil.slots++});
      }
    }
    if (stencil.slots == 0) throw UsageError("no site has another one in front of it");
    return std::make_unique<SharedLinear>(context.input, channels, NetworkDomain::sites, std::move(stencil), bias);
  }
  // A weight for each step of the window and each pair of sites of the cells that it joins.
  const int basis = context.geometry.sites_per_cell;
  const std::vector<std::vector<int>> steps = convolution_window(context.geometry, *kernel);
  std::map<std::vector<int>, int> slots;
  for (int p = 0; p < sites; ++p) {
    for (std::size_t d = 0; d < steps.size(); ++d) {
      const int cell = context.geometry.cell_beyond(p / basis, steps[d]);
      for (int a = 0; a < basis && cell >= 0; ++a) {
        const int q = cell * basis + a;
        if (!in_front(q, p)) continue;
        const auto slot = slots.try_emplace({static_cast<int>(d), p % basis, a}, static_cast<int>(slots.size()));
        stencil.inputs[static_cast<std::size_t>(p)].push_back({q, slot.first->second});
      }
    }
  }
  stencil.slots = static_cast<int>(slots.size());
  if (stencil.slots == 0) throw UsageError("no site of the kernel lies in front of another one");
  return std::make_unique<SharedLinear>(context.input, channels, NetworkDomain::sites, std::move(stencil), bias);
}

LayerKind causal_kind() {
  return {"causal",
          "out[o][p] = b[o] + sum_(i, q) W[o][i][p, q] in[i][q] over the sites q in front of p: the layers of "
          "autoregressive networks",
          CausalOptions::keys().list(), make};
}

}  // namespace koushi
