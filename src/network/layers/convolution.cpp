#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "../shared_linear.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

/// All steps d with -(n_k / 2 - 1) ... n_k / 2 (even n_k) or -(n_k - 1) / 2 ... (n_k - 1) / 2 in direction k.
std::vector<std::vector<int>> window(const std::vector<int>& extents) {
  std::vector<std::vector<int>> all{{}};
  for (const int n : extents) {
    std::vector<std::vector<int>> longer;
    for (const auto& step : all) {
      for (int k = 0; k < n; ++k) {
        longer.push_back(step);
        longer.back().push_back(k - (n - 1) / 2);
      }
    }
    all = std::move(longer);
  }
  return all;
}

struct ConvolutionOptions {
  int channels = 8;
  std::optional<std::vector<int>> kernel;
  bool bias = true;

  static const Keys<ConvolutionOptions>& keys() {
    static const auto all =
        Keys<ConvolutionOptions>()
            .integer("channels", &ConvolutionOptions::channels, {1, 4096}, "of the output")
            .integers("kernel", &ConvolutionOptions::kernel, {1, 1000},
                      "unit cells that a filter sees, one number per direction; without it 3 in each, or the extent "
                      "where that is less")
            .example("[3, 3]")
            .boolean("bias", &ConvolutionOptions::bias, "whether a number is added to every channel");
    return all;
  }
};

std::unique_ptr<Layer> make(const DeckSection& section, const LayerContext& context) {
  const ConvolutionOptions options = ConvolutionOptions::keys().read(section);
  try {
    return make_convolution(context, options.channels, options.kernel.value_or(std::vector<int>()), options.bias);
  } catch (const UsageError& error) {
    section.refuse(options.kernel ? "kernel" : "kind", error.what(),
                   options.kernel ? "a kernel that fits into the lattice" : "a layer in front of it on sites or cells");
  }
}

/// Whether the window leads to one cell by two steps.
bool overlaps(const NetworkGeometry& geometry, const std::vector<int>& extents) {
  std::set<int> seen;
  for (const auto& step : window(extents)) {
    const int cell = geometry.cell_beyond(geometry.n_cells() / 2, step);
    if (cell >= 0 && !seen.insert(cell).second) return true;
  }
  return false;
}

}  // namespace

std::vector<std::vector<int>> convolution_window(const NetworkGeometry& geometry, const std::vector<int>& extents) {
  if (!geometry.cell_beyond) throw UsageError("these sites have no neighbours that a convolution could see");
  if (static_cast<int>(extents.size()) != geometry.dimension)
    throw UsageError(fmt::format("{} numbers for {} directions", extents.size(), geometry.dimension));
  if (overlaps(geometry, extents)) throw UsageError("the kernel is larger than the lattice and sees a cell twice");
  return window(extents);
}

std::unique_ptr<Layer> make_convolution(const LayerContext& context, int channels, const std::vector<int>& given,
                                        bool bias) {
  const NetworkGeometry& geometry = context.geometry;
  if (!geometry.cell_beyond) throw UsageError("these sites have no neighbours that a convolution could see");
  const bool of_sites = context.input.domain == NetworkDomain::sites;
  if (!of_sites && context.input.domain != NetworkDomain::cells)
    throw UsageError("a convolution needs a tensor on the sites or cells of the lattice");
  std::vector<int> extents = given;
  if (extents.empty()) {
    const std::vector<int> ones(static_cast<std::size_t>(geometry.dimension), 1);
    extents = ones;
    for (std::size_t k = 0; k < extents.size(); ++k) {
      std::vector<int> alone = ones;
      for (alone[k] = 3; overlaps(geometry, alone); --alone[k]) {
      }
      extents[k] = alone[k];
    }
    while (overlaps(geometry, extents)) --*std::max_element(extents.begin(), extents.end());  // of a tilted supercell
  }
  const auto steps = convolution_window(geometry, extents);
  const int basis = of_sites ? geometry.sites_per_cell : 1;
  Stencil stencil;
  stencil.slots = static_cast<int>(steps.size()) * basis;
  stencil.inputs.resize(static_cast<std::size_t>(geometry.n_cells()));
  for (int c = 0; c < geometry.n_cells(); ++c) {
    for (std::size_t d = 0; d < steps.size(); ++d) {
      const int cell = geometry.cell_beyond(c, steps[d]);
      for (int a = 0; a < basis && cell >= 0; ++a)
        stencil.inputs[static_cast<std::size_t>(c)].push_back({cell * basis + a, static_cast<int>(d) * basis + a});
    }
  }
  return SharedLinear(context.input, channels, NetworkDomain::cells, std::move(stencil), bias).of_any_extent();
}

LayerKind convolution_kind() {
  return {"convolution", "out[o][p] = b[o] + sum_(i, d) W[o][i][d] in[i][p + d], filters over the translations",
          ConvolutionOptions::keys().list(), make};
}

}  // namespace koushi
