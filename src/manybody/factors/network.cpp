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
  builder.add_layers(section);
  return builder.factor(section, options);
}

}  // namespace

FactorKind network_kind() {
  return {"network",
          "layers behind each other, from the local values of the sites, each from -1 to 1, to log psi",
          LayeredOptions::keys().list(),
          make,
          {list_of_layers(1)}};
}

}  // namespace koushi
