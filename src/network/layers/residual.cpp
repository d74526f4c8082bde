#include <algorithm>
#include <cstddef>

#include "koushi/network/layer.hpp"

namespace koushi {

namespace {

struct ResidualOptions {
  int over = 2;

  static const Keys<ResidualOptions>& keys() {
    static const auto all = Keys<ResidualOptions>().integer("over", &ResidualOptions::over, {1, 64},
                                                            "layers that the added tensor goes around");
    return all;
  }
};

/// The identity; the network adds the other tensor (Layer::skips).
class Residual final : public Layer {
 public:
  Residual(TensorShape shape, int over) : shape_(shape), over_(over) {}
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Residual>(*this); }
  TensorShape output() const override { return shape_; }
  bool is_of_any_extent() const override { return true; }
  int skips() const override { return over_; }
  void forward(const double* in, double* out) const override { std::copy_n(in, size(), out); }
  void backward(const double* /*in*/, const double* /*out*/, const double* d_out, double* d_in,
                double* /*d_parameters*/) const override {
    if (d_in != nullptr) std::copy_n(d_out, size(), d_in);
  }
  void tangent(const double* /*in*/, const double* /*out*/, const double* change_in,
               const double* /*change_parameters*/, double* change_out) const override {
    if (change_in != nullptr) {
      std::copy_n(change_in, size(), change_out);
    } else {
      std::fill_n(change_out, size(), 0.0);
    }
  }
  double flops() const override { return shape_.units(); }

 private:
  std::size_t size() const { return static_cast<std::size_t>(shape_.units()) * samples_at_once; }

  TensorShape shape_;
  int over_;
};

std::unique_ptr<Layer> make(const DeckSection& section, const LayerContext& context) {
  return make_residual(context, ResidualOptions::keys().read(section).over);
}

}  // namespace

std::unique_ptr<Layer> make_residual(const LayerContext& context, int over) {
  return std::make_unique<Residual>(context.input, over);
}

LayerKind residual_kind() {
  return {"residual", "out = in + the tensor in front of the last `over` layers", ResidualOptions::keys().list(), make};
}

}  // namespace koushi
