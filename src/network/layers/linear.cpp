#include "../shared_linear.hpp"

namespace koushi {

namespace {

struct LinearOptions {
  int channels = 8;
  bool bias = true;

  static const Keys<LinearOptions>& keys() {
    static const auto all = Keys<LinearOptions>()
                                .integer("channels", &LinearOptions::channels, {1, 65536}, "of the output")
                                .boolean("bias", &LinearOptions::bias, "whether a number is added to every channel");
    return all;
  }
};

std::unique_ptr<Layer> make(const DeckSection& section, const LayerContext& context) {
  const LinearOptions options = LinearOptions::keys().read(section);
  return make_linear(context, options.channels, options.bias);
}

}  // namespace

std::unique_ptr<Layer> make_linear(const LayerContext& context, int channels, bool bias) {
  Stencil stencil;
  stencil.slots = 1;
  for (int p = 0; p < context.input.positions; ++p) stencil.inputs.push_back({{p, 0}});
  return SharedLinear(context.input, channels, context.input.domain, std::move(stencil), bias).of_any_extent();
}

LayerKind linear_kind() {
  return {"linear", "out[o][p] = b[o] + sum_i W[o][i] in[i][p]: the channels of every position alone",
          LinearOptions::keys().list(), make};
}

}  // namespace koushi
