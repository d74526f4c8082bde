#include <fmt/format.h>

#include "../network_factor.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct LayeredOptions : NetworkOptions {
  static const Keys<LayeredOptions>& keys() {
    static const auto all = with_common(Keys<LayeredOptions>());
    return all;
  }
};

std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const LayeredOptions options = LayeredOptions::keys().read(section);
  NetworkBuilder builder(context);
  for (const DeckSection& layer : section.sections("layer")) {
    try {
      builder.add(layers().of(layer).make(layer, builder.next()));
    } catch (const UsageError& error) {
      layer.refuse("kind", error.what(), "a layer that takes what the one in front of it gives");
    }
  }
  return builder.factor(section, options);
}

}  // namespace

FactorKind network_kind() {
  return {
      "network",
      "layers behind each other, from the local values of the sites, each from -1 to 1, to log psi",
      LayeredOptions::keys().list(),
      make,
      {{"layer", "A layer of the network, behind those in front of it.", true, layers().declared(), {}, 256, "", 1}}};
}

}  // namespace koushi
