#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/network/layer.hpp"

namespace koushi {

namespace {

constexpr int width = simd_width();
constexpr int block = samples_at_once;

struct NormOptions {
  bool subtract_mean = true;

  static const Keys<NormOptions>& keys() {
    static const auto all = Keys<NormOptions>().boolean(
        "subtract_mean", &NormOptions::subtract_mean,
        "true: (x - mean) / sqrt(var + 1e-6) gain + bias over the channels of a position (layer norm); false: x / "
        "sqrt(mean x^2 + 1e-6) gain (RMS norm)");
    return all;
  }
};

/// y_c = (x_c - m) / s g_c + b_c, m and s^2 = 1e-6 + variance of the channels of a position; without the mean, m = b = 0.
/// Derivative  with z = (x - m) / s and u = d_out g:  d_in = (u - <u> - z <u z>) / s
/// Source      J. L. Ba, J. R. Kiros, G. E. Hinton, arXiv:1607.06450; B. Zhang, R. Sennrich, arXiv:1910.07467
class Norm final : public Layer {
 public:
  Norm(TensorShape shape, bool subtract_mean) : shape_(shape), mean_(subtract_mean) {}
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Norm>(*this); }
  TensorShape output() const override { return shape_; }
  bool is_of_any_extent() const override { return true; }
  std::int64_t n_parameters() const override { return (mean_ ? 2 : 1) * static_cast<std::int64_t>(shape_.channels); }
  void initialise(double /*gain*/, const std::function<double()>& normal, double* parameters) const override {
    for (std::int64_t k = 0; k < n_parameters(); ++k)
      parameters[k] = (k < shape_.channels ? 1.0 : 0.0) + 0.05 * normal();
  }
  void set_parameters(const double* parameters) override {
    gain_.assign(parameters, parameters + shape_.channels);
    bias_.assign(static_cast<std::size_t>(shape_.channels), 0.0);
    if (mean_) std::copy_n(parameters + shape_.channels, shape_.channels, bias_.begin());
  }
  void forward(const double* in, double* out) const override {
    for_vectors([&](std::ptrdiff_t at) {
      const Moments m = moments(in + at);
      for (int c = 0; c < shape_.channels; ++c)
        store(Kokkos::fma(z(in, at, c, m), Simd(gain_[index(c)]), Simd(bias_[index(c)])), out + at + c * stride());
    });
  }
  void backward(const double* in, const double* /*out*/, const double* d_out, double* d_in,
                double* d_parameters) const override {
    std::fill_n(d_parameters, n_parameters() * block, 0.0);
    for_vectors([&](std::ptrdiff_t at) {
      const Moments m = moments(in + at);
      Simd sum(0.0);
      Simd product(0.0);
      const std::ptrdiff_t sample = at % block;
      for (int c = 0; c < shape_.channels; ++c) {
        const Simd d = load(d_out + at + c * stride());
        const Simd here = z(in, at, c, m);
        const Simd u = d * Simd(gain_[index(c)]);
        sum = sum + u;
        product = Kokkos::fma(u, here, product);
        double* of_gain = d_parameters + static_cast<std::ptrdiff_t>(c) * block + sample;
        store(Kokkos::fma(d, here, load(of_gain)), of_gain);
        if (!mean_) continue;
        double* of_bias = of_gain + static_cast<std::ptrdiff_t>(shape_.channels) * block;
        store(load(of_bias) + d, of_bias);
      }
      if (d_in == nullptr) return;
      for (int c = 0; c < shape_.channels; ++c) {
        const Simd u = load(d_out + at + c * stride()) * Simd(gain_[index(c)]);
        store(projected(u, z(in, at, c, m), sum, product, m), d_in + at + c * stride());
      }
    });
  }
  void tangent(const double* in, const double* /*out*/, const double* change_in, const double* change_parameters,
               double* change_out) const override {
    for_vectors([&](std::ptrdiff_t at) {
      const Moments m = moments(in + at);
      Simd sum(0.0);
      Simd product(0.0);
      for (int c = 0; c < shape_.channels && change_in != nullptr; ++c) {
        const Simd u = load(change_in + at + c * stride());
        sum = sum + u;
        product = Kokkos::fma(u, z(in, at, c, m), product);
      }
      for (int c = 0; c < shape_.channels; ++c) {
        const Simd here = z(in, at, c, m);
        Simd change =
            Kokkos::fma(here, Simd(change_parameters[c]), Simd(mean_ ? change_parameters[shape_.channels + c] : 0.0));
        if (change_in != nullptr) {
          const Simd u = load(change_in + at + c * stride());
          change = Kokkos::fma(projected(u, here, sum, product, m), Simd(gain_[index(c)]), change);
        }
        store(change, change_out + at + c * stride());
      }
    });
  }
  double flops() const override { return 8.0 * shape_.units(); }

 private:
  struct Moments {
    Simd mean;
    Simd inverse;  ///< 1 / s
  };
  static std::size_t index(int c) { return static_cast<std::size_t>(c); }
  std::ptrdiff_t stride() const { return static_cast<std::ptrdiff_t>(shape_.positions) * block; }
  /// body(place of channel 0) for every position and vector of samples.
  template <typename Body>
  void for_vectors(const Body& body) const {
    for (std::ptrdiff_t at = 0; at < stride(); at += width) body(at);
  }
  Moments moments(const double* in) const {
    const Simd share(1.0 / shape_.channels);
    Simd mean(0.0);
    for (int c = 0; c < shape_.channels && mean_; ++c) mean = mean + load(in + c * stride());
    mean = mean * share;
    Simd square(0.0);
    for (int c = 0; c < shape_.channels; ++c) {
      const Simd x = load(in + c * stride()) - mean;
      square = Kokkos::fma(x, x, square);
    }
    return {mean, Simd(1.0) / Kokkos::sqrt(Kokkos::fma(square, share, Simd(1e-6)))};
  }
  Simd z(const double* in, std::ptrdiff_t at, int c, const Moments& m) const {
    return (load(in + at + c * stride()) - m.mean) * m.inverse;
  }
  /// (u - <u> - z <u z>) / s from the sums over channels.
  Simd projected(const Simd& u, const Simd& z, const Simd& sum, const Simd& product, const Moments& m) const {
    const Simd share(1.0 / shape_.channels);
    const Simd rest = mean_ ? u - sum * share : u;
    return (rest - z * (product * share)) * m.inverse;
  }

  TensorShape shape_;
  bool mean_;
  std::vector<double> gain_;
  std::vector<double> bias_;
};

std::unique_ptr<Layer> make(const DeckSection& section, const LayerContext& context) {
  const NormOptions options = NormOptions::keys().read(section);
  try {
    return make_norm(context, options.subtract_mean);
  } catch (const UsageError& error) {
    section.refuse("subtract_mean", error.what(), "false, or more channels");
  }
}

}  // namespace

std::unique_ptr<Layer> make_norm(const LayerContext& context, bool subtract_mean) {
  if (subtract_mean && context.input.channels < 2) throw UsageError("of one channel nothing is left without its mean");
  return std::make_unique<Norm>(context.input, subtract_mean);
}

LayerKind norm_kind() {
  return {"norm", "the channels of a position, divided by their width", NormOptions::keys().list(), make};
}

}  // namespace koushi
