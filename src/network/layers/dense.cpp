#include "../shared_linear.hpp"
#include "koushi/base/error.hpp"

namespace koushi {

namespace {

struct DenseOptions {
  int channels = 16;
  bool bias = true;

  static const Keys<DenseOptions>& keys() {
    static const auto all = Keys<DenseOptions>()
                                .integer("channels", &DenseOptions::channels, {1, 65536}, "of the output")
                                .boolean("bias", &DenseOptions::bias, "whether a number is added to every channel");
    return all;
  }
};

std::unique_ptr<Layer> make(const DeckSection& section, const LayerContext& context) {
  const DenseOptions options = DenseOptions::keys().read(section);
  return make_dense(context, options.channels, options.bias);
}

}  // namespace

std::unique_ptr<Layer> make_dense(const LayerContext& context, int channels, bool bias) {
  Stencil stencil;
  stencil.slots = context.input.positions;
  stencil.inputs.resize(1);
  for (int p = 0; p < context.input.positions; ++p) stencil.inputs[0].push_back({p, p});
  return std::make_unique<SharedLinear>(context.input, channels, NetworkDomain::one, std::move(stencil), bias);
}

LayerKind dense_kind() {
  return {"dense", "out[o] = b[o] + sum_(i, p) W[o][i][p] in[i][p]: one position, which sees all",
          DenseOptions::keys().list(), make};
}

}  // namespace koushi
