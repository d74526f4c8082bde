#pragma once

#include <complex>
#include <memory>
#include <string>
#include <vector>

#include "koushi/network/layer.hpp"

namespace koushi {

/// How the last tensor x[channel][position] becomes a number.
///   positive             sum x, a real number
///   complex              sum over c < C / 2 of log cosh(x_c + i x_(c + C / 2)); C is even
///   modulus_and_phase    sum over c < C / 2 of x_c + i x_(c + C / 2); C is even
enum class NetworkOutput { positive, complex, modulus_and_phase };
extern const std::vector<std::pair<std::string, NetworkOutput>> network_output_words;

/// Layers behind each other, and a head that makes a complex number of the last tensor, with real parameters: those of
/// the layers behind each other.
///
/// Cost        flops() per sample forward, about twice that again for the derivatives by all parameters
/// Memory      tensors of one thread: two, or those that skips need, of samples_at_once samples
class DeepNetwork {
 public:
  static constexpr int block = samples_at_once;

  /// Errors  UsageError where a skip leads to another shape or before the input, or the head wants an even number of
  /// channels
  DeepNetwork(TensorShape input, std::vector<std::unique_ptr<Layer>> layers, NetworkOutput output);

  DeepNetwork(const DeepNetwork& other);
  DeepNetwork(DeepNetwork&&) = default;
  DeepNetwork& operator=(const DeepNetwork&) = delete;
  ~DeepNetwork() = default;

  const TensorShape& input() const { return shapes_.front(); }
  /// The tensor that the head sees.
  const TensorShape& last() const { return shapes_.back(); }
  bool is_real() const { return output_ == NetworkOutput::positive; }
  std::int64_t n_parameters() const { return offsets_.back(); }
  double flops() const;
  /// Whether the parameters mean the same on a lattice of other extents.
  bool is_of_any_extent() const;
  std::size_t n_layers() const { return layers_.size(); }

  /// Parameters from normal numbers: layers keep the width of what goes through them, and the last linear one is scaled
  /// so that the output varies by about `width`.
  std::vector<double> initial_parameters(double width, const std::function<double()>& normal) const;
  /// The same without a head: the last tensor varies as the input does.
  std::vector<double> initial_parameters(const std::function<double()>& normal) const;
  /// parameters: n_parameters()
  void set_parameters(const std::vector<double>& parameters);

  /// input: [unit][block]; re, im: [block]. im is left alone where is_real().
  void forward(const double* input, double* re, double* im) const;
  /// The same, and the derivatives of re and im by the parameters, [parameter][block]. d_im may be null where is_real().
  void derivatives(const double* input, double* re, double* im, double* d_re, double* d_im) const;
  /// The last tensor, [unit][block], without a head.
  void last_tensor(const double* input, double* last) const;
  /// Derivatives of functions of the last tensor: from d_last[k] = d f_k / d last, [unit][block], which `seed` writes,
  /// d_parameters[k] = d f_k / d parameters, [parameter][block].
  using Seed = std::function<void(const double* last, const std::vector<double*>& d_last)>;
  void pull_back(const double* input, const Seed& seed, const std::vector<double*>& d_parameters) const;
  /// The change of re and im, [block], by a change of the parameters.
  void tangent(const double* input, const double* change_parameters, double* re, double* im) const;

 private:
  void head(const double* x, double* re, double* im) const;
  /// d re / d x and d im / d x
  void head_derivatives(const double* x, double* d_re, double* d_im) const;
  void backward(const std::vector<const double*>& tensors, std::vector<double>& d_last, double* d_parameters) const;
  /// All tensors, the input first.
  std::vector<const double*> all_tensors(const double* input, std::vector<double>& memory) const;
  const double* run(const double* input) const;
  std::size_t numbers(std::size_t tensor) const { return static_cast<std::size_t>(shapes_[tensor].units()) * block; }

  std::vector<std::unique_ptr<Layer>> layers_;
  NetworkOutput output_;
  std::vector<TensorShape> shapes_;    ///< [layer + 1]
  std::vector<std::int64_t> offsets_;  ///< [layer + 1]
  std::vector<int> buffer_;            ///< [tensor], of forward(), in which tensors that are done with are overwritten
  std::vector<std::size_t> buffer_size_;
};

}  // namespace koushi
