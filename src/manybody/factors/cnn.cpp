#include <fmt/format.h>

#include "../network_factor.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct CnnOptions : NetworkOptions {
  std::vector<int> channels{4, 4};
  std::optional<std::vector<int>> kernel;
  Activation activation = Activation::log_cosh;

  static const Keys<CnnOptions>& keys() {
    static const auto all = with_common(
        Keys<CnnOptions>()
            .integers("channels", &CnnOptions::channels, {1, 4096}, "of the layers, one number each")
            .integers("kernel", &CnnOptions::kernel, {1, 1000},
                      "unit cells that a filter sees, one number per direction; without it 3 in each, or "
                      "the extent where that is less")
            .example("[3, 3]")
            .choice("activation", &CnnOptions::activation, activation_words, "function behind every convolution"));
    return all;
  }
};

/// Convolutions with a function behind each; the same under all translations of the torus.
std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const CnnOptions options = CnnOptions::keys().read(section);
  if (options.channels.empty()) section.refuse("channels", "there is no layer", "[4, 4]");
  NetworkBuilder builder(context);
  for (const int channels : options.channels) {
    try {
      builder.add(make_convolution(builder.next(), channels, options.kernel.value_or(std::vector<int>())));
    } catch (const UsageError& error) {
      section.refuse(options.kernel ? "kernel" : "kind", error.what(),
                     options.kernel ? "a kernel that fits into the lattice" : "kind = \"feed-forward\"");
    }
    builder.add(make_activation(builder.next(), options.activation));
  }
  return builder.factor(section, options);
}

}  // namespace

FactorKind cnn_kind() {
  return {"cnn", "convolutions over the translations of the lattice with a function behind each",
          CnnOptions::keys().list(), make};
}

}  // namespace koushi
