#include <fmt/format.h>

#include "../network_factor.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct ResnetOptions : NetworkOptions {
  int channels = 8;
  int blocks = 2;
  std::optional<std::vector<int>> kernel;
  Activation activation = Activation::gelu;

  static const Keys<ResnetOptions>& keys() {
    static const auto all = with_common(
        Keys<ResnetOptions>()
            .integer("channels", &ResnetOptions::channels, {1, 4096}, "of every convolution")
            .integer("blocks", &ResnetOptions::blocks, {1, 64}, "of two convolutions each, around which a skip leads")
            .integers("kernel", &ResnetOptions::kernel, {1, 1000},
                      "unit cells that a filter sees, one number per direction; without it 3 in each, or "
                      "the extent where that is less")
            .example("[3, 3]")
            .choice("activation", &ResnetOptions::activation, activation_words,
                    "function in front of every convolution of a block"));
    return all;
  }
};

/// x_0 = conv(sites), x_(b+1) = x_b + conv f conv f x_b, log psi from a convolution of f(x_B) of one cell and log cosh:
/// pre-activated blocks (K. He et al., ECCV 2016, p. 630). As states: M. Chen, A. Heyl, Nat. Phys. 20, 1476 (2024).
std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const ResnetOptions options = ResnetOptions::keys().read(section);
  const std::vector<int> kernel = options.kernel.value_or(std::vector<int>());
  NetworkBuilder builder(context);
  try {
    builder.add(make_convolution(builder.next(), options.channels, kernel));
    for (int b = 0; b < options.blocks; ++b) {
      for (int k = 0; k < 2; ++k) {
        builder.add(make_activation(builder.next(), options.activation));
        builder.add(make_convolution(builder.next(), options.channels, kernel));
      }
      builder.add(make_residual(builder.next(), 4));
    }
  } catch (const UsageError& error) {
    section.refuse(options.kernel ? "kernel" : "kind", error.what(),
                   options.kernel ? "a kernel that fits into the lattice" : "kind = \"feed-forward\"");
  }
  const int heads = options.channels + (options.output == NetworkOutput::positive ? 0 : options.channels);
  builder.add(make_linear(builder.next(), heads));
  if (options.output == NetworkOutput::positive) builder.add(make_activation(builder.next(), Activation::log_cosh));
  return builder.factor(section, options);
}

}  // namespace

FactorKind resnet_kind() {
  return {"resnet",
          "blocks of two convolutions with skips around them, over the translations of the lattice; a linear map of "
          "every cell's channels gives what log psi is summed from, behind log cosh where psi > 0",
          ResnetOptions::keys().list(), make};
}

}  // namespace koushi
