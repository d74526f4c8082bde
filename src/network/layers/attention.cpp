#include <fmt/format.h>

#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/network/layer.hpp"

namespace koushi {

namespace {

constexpr int width = simd_width();
constexpr int block = samples_at_once;

struct AttentionOptions {
  int heads = 4;

  static const Keys<AttentionOptions>& keys() {
    static const auto all = Keys<AttentionOptions>().integer(
        "heads", &AttentionOptions::heads, {1, 1024}, "that share the channels; each has attention weights of its own");
    return all;
  }
};

/// out[c][p] = sum_t A_h[t] in[c][p + t], A_h[t] = alpha_h[t] softmax_t(-gamma_h d_t), h the head of channel c and d_t
/// the distance of patch t from the first: attention whose weights depend on displacements alone, with a decay that is
/// learnt. Linear maps of the channels stand in front of it and behind it.
///
/// Parameters  alpha [h][t], then gamma [h]
/// Source      L. L. Viteritti, R. Rende, A. Parola, S. Goldt, F. Becca, Phys. Rev. B 111, 134411 (2025)
class Attention final : public Layer {
 public:
  Attention(TensorShape shape, int heads, const std::vector<std::vector<int>>& translation,
            std::vector<double> distance)
      : shape_(shape), heads_(heads), distance_(std::move(distance)), weights_(at(heads) * distance_.size()) {
    const std::size_t n = distance_.size();
    from_.resize(n * n);
    to_.resize(n * n);
    for (std::size_t t = 0; t < n; ++t) {
      for (std::size_t p = 0; p < n; ++p) {
        const int q = translation[t][p];
        from_[p * n + t] = q;
        to_[at(q) * n + t] = static_cast<int>(p);
      }
    }
  }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Attention>(*this); }
  TensorShape output() const override { return shape_; }
  std::int64_t n_parameters() const override { return heads_ * (n_patches() + 1LL); }
  void initialise(double gain, const std::function<double()>& normal, double* parameters) const override {
    const std::int64_t n = heads_ * static_cast<std::int64_t>(n_patches());
    for (std::int64_t k = 0; k < n; ++k) parameters[k] = gain * (1.0 + 0.3 * normal());
    for (std::int64_t h = 0; h < heads_; ++h) parameters[n + h] = 1.0 + 0.1 * normal();
  }
  void set_parameters(const double* parameters) override {
    parameters_.assign(parameters, parameters + n_parameters());
    softmax_.clear();
    for (int h = 0; h < heads_; ++h) {
      const double gamma = parameters_[at(heads_) * distance_.size() + at(h)];
      double largest = -1e300;
      for (const double d : distance_) largest = std::max(largest, -gamma * d);
      double sum = 0;
      for (const double d : distance_) sum += std::exp(-gamma * d - largest);
      for (const double d : distance_) softmax_.push_back(std::exp(-gamma * d - largest) / sum);
    }
    for (std::size_t k = 0; k < weights_.size(); ++k) weights_[k] = parameters_[k] * softmax_[k];
  }
  void forward(const double* in, double* out) const override { mix(weights_, from_, in, out, false); }
  void backward(const double* in, const double* /*out*/, const double* d_out, double* d_in,
                double* d_parameters) const override {
    if (d_in != nullptr) mix(weights_, to_, d_out, d_in, false);
    const std::size_t n = distance_.size();
    for (int h = 0; h < heads_; ++h) {
      double mean = 0;
      for (std::size_t t = 0; t < n; ++t) mean += softmax_[at(h) * n + t] * distance_[t];
      for (int v = 0; v < block; v += width) {
        Simd of_gamma(0.0);
        for (std::size_t t = 0; t < n; ++t) {
          const std::size_t k = at(h) * n + t;
          Simd sum(0.0);  // the derivative by A_h[t]
          for (int c = first_channel(h); c < first_channel(h + 1); ++c) {
            for (std::size_t p = 0; p < n; ++p)
              sum = Kokkos::fma(load(d_out + place(c, static_cast<int>(p)) + v),
                                load(in + place(c, from_[p * n + t]) + v), sum);
          }
          store(sum * Simd(softmax_[k]), d_parameters + static_cast<std::ptrdiff_t>(k) * block + v);
          of_gamma = Kokkos::fma(sum, Simd(weights_[k] * (mean - distance_[t])), of_gamma);
        }
        store(of_gamma, d_parameters + static_cast<std::ptrdiff_t>(weights_.size() + at(h)) * block + v);
      }
    }
  }
  void tangent(const double* in, const double* /*out*/, const double* change_in, const double* change_parameters,
               double* change_out) const override {
    std::vector<double> change(weights_.size());
    const std::size_t n = distance_.size();
    for (std::size_t h = 0; h < at(heads_); ++h) {
      double mean = 0;
      for (std::size_t t = 0; t < n; ++t) mean += softmax_[h * n + t] * distance_[t];
      for (std::size_t t = 0; t < n; ++t) {
        const std::size_t k = h * n + t;
        change[k] = softmax_[k] * change_parameters[k] +
                    weights_[k] * (mean - distance_[t]) * change_parameters[weights_.size() + h];
      }
    }
    mix(change, from_, in, change_out, false);
    if (change_in != nullptr) mix(weights_, from_, change_in, change_out, true);
  }
  double flops() const override { return 2.0 * shape_.channels * n_patches() * n_patches(); }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  int n_patches() const { return static_cast<int>(distance_.size()); }
  int first_channel(int h) const { return h * (shape_.channels / heads_); }
  std::ptrdiff_t place(int c, int p) const { return (static_cast<std::ptrdiff_t>(c) * shape_.positions + p) * block; }
  /// out[c][p] = sum_t a_h[t] in[c][table[p][t]]
  void mix(const std::vector<double>& a, const std::vector<int>& table, const double* in, double* out, bool add) const {
    const std::size_t n = distance_.size();
    for (int h = 0; h < heads_; ++h) {
      const double* of_head = a.data() + at(h) * n;
      for (int c = first_channel(h); c < first_channel(h + 1); ++c) {
        for (std::size_t p = 0; p < n; ++p) {
          for (int v = 0; v < block; v += width) {
            double* to = out + place(c, static_cast<int>(p)) + v;
            Simd sum = add ? load(to) : Simd(0.0);
            for (std::size_t t = 0; t < n; ++t)
              sum = Kokkos::fma(Simd(of_head[t]), load(in + place(c, table[p * n + t]) + v), sum);
            store(sum, to);
          }
        }
      }
    }
  }

  TensorShape shape_;
  int heads_;
  std::vector<double> distance_;  ///< [t]
  std::vector<int> from_;         ///< [p][t] -> p + t
  std::vector<int> to_;           ///< [q][t] -> q - t
  std::vector<double> parameters_;
  std::vector<double> softmax_;  ///< [h][t]
  std::vector<double> weights_;  ///< [h][t], A
};

std::unique_ptr<Layer> make(const DeckSection& section, const LayerContext& context) {
  const AttentionOptions options = AttentionOptions::keys().read(section);
  try {
    return make_attention(context, options.heads);
  } catch (const UsageError& error) {
    section.refuse("heads", error.what(), "a divisor of the channels, behind a layer of patches");
  }
}

}  // namespace

std::unique_ptr<Layer> make_attention(const LayerContext& context, int heads) {
  if (context.input.domain != NetworkDomain::patches) throw UsageError("attention needs a tensor on patches");
  if (context.input.channels % heads != 0)
    throw UsageError(fmt::format("{} channels are not shared by {} heads", context.input.channels, heads));
  const NetworkPatches patches = NetworkPatches::of(context.geometry, context.patch);
  std::vector<double> distance;
  const int basis = context.geometry.sites_per_cell;
  for (const auto& cells : patches.cells)
    distance.push_back(cells[0] == 0 ? 0.0 : context.geometry.distance(0, cells[0] * basis));
  return std::make_unique<Attention>(context.input, heads, patches.translation, std::move(distance));
}

LayerKind attention_kind() {
  return {
      "attention",
      "out[c][p] = sum_t alpha_h[t] softmax_t(-gamma_h d_t) in[c][p + t] over displacements t of patches, h the head "
      "of channel c",
      AttentionOptions::keys().list(), make};
}

}  // namespace koushi
