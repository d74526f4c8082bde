#include <fmt/format.h>

#include "../network_factor.hpp"

namespace koushi {

namespace {

struct FeedForwardOptions : NetworkOptions {
  std::vector<int> channels{16, 16};
  Activation activation = Activation::log_cosh;

  static const Keys<FeedForwardOptions>& keys() {
    static const auto all = with_common(
        Keys<FeedForwardOptions>()
            .integers("channels", &FeedForwardOptions::channels, {1, 65536},
                      "units of the hidden layers, each of which sees all of the layer in front of it")
            .choice("activation", &FeedForwardOptions::activation, activation_words, "function behind every layer"));
    return all;
  }
};

/// h_l = f(W_l h_(l-1) + b_l), log psi from the last h. Source: H. Saito, J. Phys. Soc. Jpn. 86, 093001 (2017);
/// Z. Cai, J. Liu, Phys. Rev. B 97, 035116 (2018)
std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const FeedForwardOptions options = FeedForwardOptions::keys().read(section);
  if (options.channels.empty()) section.refuse("channels", "there is no hidden layer", "[16, 16]");
  NetworkBuilder builder(context);
  for (const int channels : options.channels) {
    builder.add(make_dense(builder.next(), channels));
    builder.add(make_activation(builder.next(), options.activation));
  }
  return builder.factor(section, options);
}

}  // namespace

FactorKind feed_forward_kind() {
  return {"feed-forward", "h_l = f(W_l h_(l-1) + b_l) from the local values of all sites",
          FeedForwardOptions::keys().list(), make};
}

}  // namespace koushi
