#include <algorithm>
#include <optional>

#include "../autoregressive_factor.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct ConvOptions : AutoregressiveOptions {
  std::vector<int> channels{8, 8};
  std::optional<std::vector<int>> kernel;
  Activation activation = Activation::gelu;

  static const Keys<ConvOptions>& keys() {
    static const auto all = with_common(
        Keys<ConvOptions>()
            .integers("channels", &ConvOptions::channels, {1, 4096}, "of the hidden convolutions")
            .integers("kernel", &ConvOptions::kernel, {1, 1000},
                      "unit cells that a filter sees, one number per direction, of which it takes the sites "
                      "in front; without it the largest ones up to 5 that fit")
            .example("[3, 3]")
            .choice("activation", &ConvOptions::activation, activation_words, "function behind every convolution"));
    return all;
  }
};

/// The largest window of extents up to 5 that sees no cell twice.
std::vector<int> largest_window(const NetworkGeometry& geometry) {
  const auto fits = [&](const std::vector<int>& kernel) {
    try {
      convolution_window(geometry, kernel);
      return true;
    } catch (const UsageError&) {
      return false;
    }
  };
  const std::vector<int> ones(static_cast<std::size_t>(geometry.dimension), 1);
  if (!geometry.cell_beyond) throw UsageError("these sites have no neighbours that a convolution could see");
  std::vector<int> kernel = ones;
  for (std::size_t k = 0; k < kernel.size(); ++k) {
    std::vector<int> alone = ones;
    for (alone[k] = 5; !fits(alone); --alone[k]) {
    }
    kernel[k] = alone[k];
  }
  while (!fits(kernel)) --*std::max_element(kernel.begin(), kernel.end());  // of a tilted supercell
  return kernel;
}

/// Convolutions that take what lies in front of a site alone. Source: A. van den Oord et al., Proc. Mach. Learn. Res. 48,
/// 1747 (2016)
std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const ConvOptions options = ConvOptions::keys().read(section);
  if (options.channels.empty()) section.refuse("channels", "there is no hidden convolution", "[8, 8]");
  NetworkBuilder builder(context);
  try {
    const std::vector<int> kernel = options.kernel ? *options.kernel : largest_window(builder.geometry());
    bool own = false;  // the first layer alone must not see what it is to predict
    for (const int channels : options.channels) {
      builder.add(make_causal(builder.next(), channels, kernel, own));
      builder.add(make_activation(builder.next(), options.activation));
      own = true;
    }
  } catch (const UsageError& error) {
    section.refuse(options.kernel ? "kernel" : "kind", error.what(),
                   options.kernel ? "a kernel that fits into the lattice" : "kind = \"autoregressive-dense\"");
  }
  return make_autoregressive(
      context, builder, [&](int channels) { return make_linear(builder.next(), channels); }, options);
}

}  // namespace

FactorKind autoregressive_conv_kind() {
  return {"autoregressive-conv",
          "normalised psi as a product of conditional ones, site after site, of convolutions over the sites in front: "
          "can be drawn without chains",
          ConvOptions::keys().list(), make};
}

}  // namespace koushi
