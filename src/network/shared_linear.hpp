#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "koushi/network/layer.hpp"

namespace koushi {

/// Where the inputs of an output position are: an entry per input position, with the number of its weight. What is not
/// listed is 0.
struct Stencil {
  struct Entry {
    int position;  ///< of the input
    int slot;      ///< of the weights
  };
  int slots = 0;
  std::vector<std::vector<Entry>> inputs;  ///< [output position]
};

/// out[o][p] = b[o] + sum over (q, d) in stencil[p], i of W[o][i][d] in[i][q]: convolutions, dense layers, group
/// convolutions and patches are this sum with their stencils.
///
/// Parameters  W [o][i][d], then b [o]
/// Cost        2 C_out C_in (entries of the stencil) flops forward, as much for d_in, as much for d_W. Eight outputs of
///             two vectors of samples are kept in registers: ten loads for sixteen fused operations
class SharedLinear : public Layer {
 public:
  SharedLinear(TensorShape input, int channels, NetworkDomain domain, Stencil stencil, bool bias,
               std::vector<int> patch = {});

  std::unique_ptr<Layer> clone() const override { return std::make_unique<SharedLinear>(*this); }
  TensorShape output() const override { return output_; }
  std::int64_t n_parameters() const override;
  void initialise(double gain, const std::function<double()>& normal, double* parameters) const override;
  void set_parameters(const double* parameters) override;
  bool is_linear() const override { return true; }
  bool is_of_any_extent() const override { return any_extent_; }
  /// Says that the weights mean the same on a lattice of other extents.
  std::unique_ptr<SharedLinear> of_any_extent() const {
    auto same = std::make_unique<SharedLinear>(*this);
    same->any_extent_ = true;
    return same;
  }
  std::vector<int> patch() const override { return patch_; }
  void forward(const double* in, double* out) const override;
  void backward(const double* in, const double* out, const double* d_out, double* d_in,
                double* d_parameters) const override;
  void tangent(const double* in, const double* out, const double* change_in, const double* change_parameters,
               double* change_out) const override;
  double flops() const override;

 protected:
  const TensorShape& input() const { return input_; }
  int slots() const { return slots_; }
  /// The inputs of an output position.
  std::vector<Stencil::Entry> inputs_of(int position) const;
  double bias_of(int channel) const { return biases_[static_cast<std::size_t>(channel)]; }

 private:
  /// Entries of every output position behind each other.
  struct Gather {
    std::vector<int> first;  ///< [position + 1]
    std::vector<Stencil::Entry> entries;
    int channels_in, positions_in, channels_out, slots;
  };
  /// What does not depend on the parameters.
  struct Tables {
    Gather forward;
    Gather adjoint;
    std::vector<std::vector<std::pair<int, int>>> of_slot;  ///< [slot] (output position, input position)
  };
  /// The weights as packed_rows (lane_products.hpp), [block of outputs][slot][input][output of the block].
  std::vector<double> pack(const double* weights, bool transposed) const;
  static void gather(const Gather& g, const double* packed, const double* bias, const double* in, double* out,
                     bool add);

  TensorShape input_;
  TensorShape output_;
  int slots_;
  bool bias_;
  bool any_extent_ = false;
  std::vector<int> patch_;
  std::shared_ptr<const Tables> tables_;
  std::vector<double> weights_;
  std::vector<double> transposed_;
  std::vector<double> biases_;
};

}  // namespace koushi
