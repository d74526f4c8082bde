#include <fmt/format.h>

#include <map>
#include <optional>

#include "../shared_linear.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct PatchesOptions {
  int channels = 8;
  std::optional<std::vector<int>> extents;

  static const Keys<PatchesOptions>& keys() {
    static const auto all = Keys<PatchesOptions>()
                                .integer("channels", &PatchesOptions::channels, {1, 4096}, "of the output")
                                .integers("extents", &PatchesOptions::extents, {1, 1000},
                                          "unit cells of a patch, one number per direction; without it 1 in each")
                                .example("[2, 2]");
    return all;
  }
};

std::unique_ptr<Layer> make(const DeckSection& section, const LayerContext& context) {
  const PatchesOptions options = PatchesOptions::keys().read(section);
  try {
    return make_patches(context, options.channels, options.extents.value_or(std::vector<int>()));
  } catch (const UsageError& error) {
    section.refuse(options.extents ? "extents" : "kind", error.what(),
                   options.extents ? "divisors of the extents of the lattice"
                                   : "the first layer, on a lattice with periodic directions");
  }
}

}  // namespace

NetworkPatches NetworkPatches::of(const NetworkGeometry& geometry, const std::vector<int>& given) {
  if (!geometry.cell_beyond) throw UsageError("these sites have no geometry that patches could be cut from");
  const auto dimension = static_cast<std::size_t>(geometry.dimension);
  const std::vector<int> extents = given.empty() ? std::vector<int>(dimension, 1) : given;
  if (extents.size() != dimension)
    throw UsageError(fmt::format("{} numbers for {} directions", extents.size(), dimension));
  int cells = 1;
  for (const int n : extents) cells *= n;
  // What cell 0 becomes by steps of whole patches.
  std::vector<std::vector<int>> steps{std::vector<int>(dimension, 0)};
  std::map<int, int> number{{0, 0}};
  for (std::size_t next = 0; next < steps.size(); ++next) {
    for (std::size_t k = 0; k < dimension; ++k) {
      std::vector<int> step = steps[next];
      step[k] += extents[k];
      const int cell = geometry.cell_beyond(0, step);
      if (cell < 0) throw UsageError("patches need periodic directions");
      if (number.try_emplace(cell, static_cast<int>(steps.size())).second) steps.push_back(step);
    }
  }
  if (static_cast<int>(steps.size()) * cells != geometry.n_cells())
    throw UsageError(fmt::format("the lattice is not made of patches of {} cells", cells));
  NetworkPatches patches;
  for (const auto& origin : steps) {
    patches.cells.emplace_back();
    for (int x = 0; x < cells; ++x) {
      std::vector<int> step = origin;
      for (std::size_t k = dimension, rest = static_cast<std::size_t>(x); k-- > 0;) {
        step[k] += static_cast<int>(rest % static_cast<std::size_t>(extents[k]));
        rest /= static_cast<std::size_t>(extents[k]);
      }
      patches.cells.back().push_back(geometry.cell_beyond(0, step));
    }
    patches.translation.emplace_back();
    for (const auto& other : steps) {
      std::vector<int> sum = origin;
      for (std::size_t k = 0; k < dimension; ++k) sum[k] += other[k];
      patches.translation.back().push_back(number.at(geometry.cell_beyond(0, sum)));
    }
  }
  return patches;
}

std::vector<std::vector<int>> NetworkPatches::translations_of_cells() const {
  std::vector<std::vector<int>> all;
  for (const std::vector<int>& t : translation) {
    all.emplace_back(cells.size() * cells.front().size());
    for (std::size_t p = 0; p < t.size(); ++p) {
      for (std::size_t x = 0; x < cells[p].size(); ++x)
        all.back()[static_cast<std::size_t>(cells[p][x])] = cells[static_cast<std::size_t>(t[p])][x];
    }
  }
  return all;
}

std::unique_ptr<Layer> make_patches(const LayerContext& context, int channels, const std::vector<int>& extents) {
  if (context.input.domain != NetworkDomain::sites) throw UsageError("patches are made of the sites of the lattice");
  const NetworkPatches patches = NetworkPatches::of(context.geometry, extents);
  const int basis = context.geometry.sites_per_cell;
  Stencil stencil;
  stencil.slots = static_cast<int>(patches.cells.front().size()) * basis;
  for (const auto& cells : patches.cells) {
    stencil.inputs.emplace_back();
    for (std::size_t x = 0; x < cells.size(); ++x) {
      for (int a = 0; a < basis; ++a)
        stencil.inputs.back().push_back({cells[x] * basis + a, static_cast<int>(x) * basis + a});
    }
  }
  return std::make_unique<SharedLinear>(
      context.input, channels, NetworkDomain::patches, std::move(stencil), true,
      extents.empty() ? std::vector<int>(static_cast<std::size_t>(context.geometry.dimension), 1) : extents);
}

LayerKind patches_kind() {
  return {"patches", "out[o][patch] = b[o] + sum_(i, x) W[o][i][x] in[i][site x of the patch]",
          PatchesOptions::keys().list(), make};
}

}  // namespace koushi
