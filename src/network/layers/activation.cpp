#include <cmath>

#include "koushi/base/lane_functions.hpp"
#include "koushi/network/layer.hpp"

namespace koushi {

const std::vector<std::pair<std::string, Activation>> activation_words{{"log-cosh", Activation::log_cosh},
                                                                       {"tanh", Activation::tanh},
                                                                       {"gelu", Activation::gelu},
                                                                       {"silu", Activation::silu},
                                                                       {"relu", Activation::relu}};

namespace {

constexpr int width = simd_width();

struct ActivationOptions {
  Activation function = Activation::gelu;

  static const Keys<ActivationOptions>& keys() {
    static const auto all = Keys<ActivationOptions>().choice(
        "function", &ActivationOptions::function, activation_words,
        "gelu: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2; silu: x / (1 + e^-x); relu: max(x, 0)");
    return all;
  }
};

// Each has value(x) and derivative(x).
struct LogCosh {
  static Simd value(const Simd& x) { return lane_log_cosh(x); }
  static Simd derivative(const Simd& x) { return lane_tanh(x); }
};
struct Tanh {
  static Simd value(const Simd& x) { return lane_tanh(x); }
  static Simd derivative(const Simd& x) {
    const Simd t = lane_tanh(x);
    return Simd(1.0) - t * t;
  }
};
/// x (1 + tanh u) / 2 = x / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3) (D. Hendrycks, K. Gimpel, arXiv:1606.08415)
struct Gelu {
  static constexpr double a = 2 * 0.79788456080286535588;
  static constexpr double b = 0.044715 * a;
  static Simd share(const Simd& x) { return lane_logistic(x * Kokkos::fma(Simd(b) * x, x, Simd(a))); }
  static Simd value(const Simd& x) { return x * share(x); }
  static Simd derivative(const Simd& x) {
    const Simd s = share(x);
    const Simd slope = Kokkos::fma(Simd(3 * b) * x, x, Simd(a));
    return Kokkos::fma(x * s * (Simd(1.0) - s), slope, s);
  }
};
struct Silu {
  static Simd value(const Simd& x) { return x * lane_logistic(x); }
  static Simd derivative(const Simd& x) {
    const Simd s = lane_logistic(x);
    return s * (Simd(1.0) + x * (Simd(1.0) - s));
  }
};
struct Relu {
  static Simd value(const Simd& x) { return Lanes<Simd>::select(x < Simd(0.0), Simd(0.0), x); }
  static Simd derivative(const Simd& x) { return Lanes<Simd>::select(x < Simd(0.0), Simd(0.0), Simd(1.0)); }
};

/// out = f(in), number by number. Cost: some 25 to 40 operations per number, two for relu.
template <typename Function>
class ActivationLayer final : public Layer {
 public:
  explicit ActivationLayer(TensorShape shape) : shape_(shape) {}
  std::unique_ptr<Layer> clone() const override { return std::make_unique<ActivationLayer>(*this); }
  TensorShape output() const override { return shape_; }
  bool is_of_any_extent() const override { return true; }
  void forward(const double* in, double* out) const override {
    for (std::ptrdiff_t k = 0; k < size(); k += width) store(Function::value(load(in + k)), out + k);
  }
  void backward(const double* in, const double* /*out*/, const double* d_out, double* d_in,
                double* /*d_parameters*/) const override {
    if (d_in == nullptr) return;
    for (std::ptrdiff_t k = 0; k < size(); k += width)
      store(load(d_out + k) * Function::derivative(load(in + k)), d_in + k);
  }
  void tangent(const double* in, const double* /*out*/, const double* change_in, const double* /*change_parameters*/,
               double* change_out) const override {
    for (std::ptrdiff_t k = 0; k < size(); k += width)
      store(change_in == nullptr ? Simd(0.0) : load(change_in + k) * Function::derivative(load(in + k)),
            change_out + k);
  }
  double flops() const override { return (std::is_same_v<Function, Relu> ? 2.0 : 30.0) * shape_.units(); }

 private:
  std::ptrdiff_t size() const { return static_cast<std::ptrdiff_t>(shape_.units()) * samples_at_once; }

  TensorShape shape_;
};

std::unique_ptr<Layer> make(const DeckSection& section, const LayerContext& context) {
  return make_activation(context, ActivationOptions::keys().read(section).function);
}

}  // namespace

std::unique_ptr<Layer> make_activation(const LayerContext& context, Activation function) {
  switch (function) {
    case Activation::log_cosh:
      return std::make_unique<ActivationLayer<LogCosh>>(context.input);
    case Activation::tanh:
      return std::make_unique<ActivationLayer<Tanh>>(context.input);
    case Activation::gelu:
      return std::make_unique<ActivationLayer<Gelu>>(context.input);
    case Activation::silu:
      return std::make_unique<ActivationLayer<Silu>>(context.input);
    case Activation::relu:
      break;
  }
  return std::make_unique<ActivationLayer<Relu>>(context.input);
}

LayerKind activation_kind() {
  return {"activation", "out = f(in), number by number", ActivationOptions::keys().list(), make};
}

}  // namespace koushi
