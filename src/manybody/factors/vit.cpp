#include <fmt/format.h>

#include "../network_factor.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct VitOptions : NetworkOptions {
  int channels = 8;
  int heads = 4;
  int layers = 1;
  std::optional<std::vector<int>> patch;
  int expansion = 2;

  static const Keys<VitOptions>& keys() {
    static const auto all =
        with_common(Keys<VitOptions>()
                        .integer("channels", &VitOptions::channels, {2, 4096}, "numbers that stand for a patch")
                        .integer("heads", &VitOptions::heads, {1, 1024}, "that share the channels")
                        .integer("layers", &VitOptions::layers, {1, 64}, "of attention and two linear maps each")
                        .integers("patch", &VitOptions::patch, {1, 1000},
                                  "unit cells of a patch, one number per direction; without it 1 in each")
                        .example("[2, 2]")
                        .integer("expansion", &VitOptions::expansion, {1, 64},
                                 "hidden units of the linear maps, in units of channels"));
    return all;
  }
};

/// Patches, then layers of  x <- x + O attention(V norm(x)),  x <- x + W_2 gelu(W_1 norm(x)), with attention weights by
/// displacement, and log psi from a norm and a linear map of every patch, behind log cosh where psi > 0.
/// Source      L. L. Viteritti, R. Rende, F. Becca, Phys. Rev. Lett. 130, 236401 (2023); R. Rende, L. L. Viteritti,
///             L. Bardone, F. Becca, S. Goldt, Commun. Phys. 7, 260 (2024). There the patches are summed before the
///             last layer; here after it, which keeps log psi extensive at the beginning.
std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const VitOptions options = VitOptions::keys().read(section);
  if (options.channels % options.heads != 0)
    section.refuse("heads", fmt::format("{} channels are not shared by {} heads", options.channels, options.heads),
                   "a divisor of channels");
  NetworkBuilder builder(context);
  const auto add = [&](auto&& make_layer, auto... arguments) { builder.add(make_layer(builder.next(), arguments...)); };
  try {
    builder.add(make_patches(builder.next(), options.channels, options.patch.value_or(std::vector<int>())));
  } catch (const UsageError& error) {
    section.refuse(options.patch ? "patch" : "kind", error.what(),
                   options.patch ? "divisors of the extents of the lattice" : "kind = \"resnet\" or \"feed-forward\"");
  }
  for (int l = 0; l < options.layers; ++l) {
    add(make_norm, true);
    add(make_linear, options.channels, true);
    add(make_attention, options.heads);
    add(make_linear, options.channels, true);
    add(make_residual, 4);
    add(make_norm, true);
    add(make_linear, options.expansion * options.channels, true);
    add(make_activation, Activation::gelu);
    add(make_linear, options.channels, true);
    add(make_residual, 4);
  }
  add(make_norm, true);
  add(make_linear, options.channels * (options.output == NetworkOutput::positive ? 1 : 2), true);
  if (options.output == NetworkOutput::positive) add(make_activation, Activation::log_cosh);
  return builder.factor(section, options);
}

}  // namespace

FactorKind vit_kind() {
  return {"vit", "a vision transformer: patches of cells, attention by displacement, linear maps, skips and norms",
          VitOptions::keys().list(), make};
}

}  // namespace koushi
