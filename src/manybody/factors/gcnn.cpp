#include <fmt/format.h>

#include "../network_factor.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct GcnnOptions : NetworkOptions {
  std::vector<int> channels{4, 4};
  std::optional<double> reach;
  Activation activation = Activation::log_cosh;

  static const Keys<GcnnOptions>& keys() {
    static const auto all = with_common(
        Keys<GcnnOptions>()
            .integers("channels", &GcnnOptions::channels, {1, 4096}, "of the layers, one number each")
            .real("reach", &GcnnOptions::reach, {0},
                  "distance, in units of the nearest neighbours' one, beyond which weights are 0: of a "
                  "site from the first site, of a symmetry by where it takes that site; without it none is")
            .choice("activation", &GcnnOptions::activation, activation_words, "function behind every convolution"));
    return all;
  }
};

/// Convolutions over the space group of H with a function behind each, so that psi has all its symmetries.
/// Source      C. Roth, A. Szabo, A. H. MacDonald, Phys. Rev. B 108, 054410 (2023)
std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const GcnnOptions options = GcnnOptions::keys().read(section);
  if (options.channels.empty()) section.refuse("channels", "there is no layer", "[4, 4]");
  NetworkBuilder builder(context);
  for (const int channels : options.channels) {
    try {
      builder.add(make_group_convolution(builder.next(), channels, options.reach.value_or(1e300)));
    } catch (const UsageError& error) {
      section.refuse("kind", error.what(), "kind = \"cnn\", \"resnet\" or \"feed-forward\"");
    }
    builder.add(make_activation(builder.next(), options.activation));
  }
  return builder.factor(section, options);
}

}  // namespace

FactorKind gcnn_kind() {
  return {"gcnn", "convolutions over the symmetries of H with a function behind each: psi has all of them",
          GcnnOptions::keys().list(), make};
}

}  // namespace koushi
