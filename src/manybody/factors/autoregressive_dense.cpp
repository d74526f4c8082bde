#include "../autoregressive_factor.hpp"

namespace koushi {

namespace {

struct DenseOptions : AutoregressiveOptions {
  std::vector<int> channels{8};
  Activation activation = Activation::gelu;

  static const Keys<DenseOptions>& keys() {
    static const auto all = with_common(
        Keys<DenseOptions>()
            .integers("channels", &DenseOptions::channels, {1, 4096},
                      "of the hidden layers, of which every site sees those of all sites in front of it")
            .choice("activation", &DenseOptions::activation, activation_words, "function behind every hidden layer"));
    return all;
  }
};

/// Layers with a weight for each pair of sites in order: the masked autoencoder. Source: M. Germain et al., Proc. Mach.
/// Learn. Res. 37, 881 (2015)
std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const DenseOptions options = DenseOptions::keys().read(section);
  if (options.channels.empty()) section.refuse("channels", "there is no hidden layer", "[8]");
  NetworkBuilder builder(context);
  bool own = false;  // the first layer alone must not see what it is to predict
  for (const int channels : options.channels) {
    builder.add(make_causal(builder.next(), channels, {}, own));
    builder.add(make_activation(builder.next(), options.activation));
    own = true;
  }
  return make_autoregressive(
      context, builder, [&](int channels) { return make_causal(builder.next(), channels, {}, true); }, options);
}

}  // namespace

FactorKind autoregressive_dense_kind() {
  return {"autoregressive-dense",
          "normalised psi as a product of conditional ones, site after site, of layers in which a site sees all sites "
          "in front of it: can be drawn without chains",
          DenseOptions::keys().list(), make};
}

}  // namespace koushi
