#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "koushi/base/simd.hpp"
#include "koushi/deck/kind.hpp"

namespace koushi {

/// Samples that go through a network together; their numbers lie side by side, so that one vector of the processor is
/// one unit of several samples. No number of a sample depends on the others.
inline constexpr int samples_at_once = 2 * simd_width();

/// What the positions of a tensor are.
///   sites    the sites of the lattice
///   cells    its unit cells; on a Bravais lattice these are the sites
///   patches  blocks of unit cells
///   group    the elements of a symmetry group
///   one      there is one position, for all sites together
enum class NetworkDomain { sites, cells, patches, group, one };

/// The shape of a tensor [channel][position][sample].
struct TensorShape {
  int channels = 1;
  int positions = 1;
  NetworkDomain domain = NetworkDomain::one;
  int units() const { return channels * positions; }
  bool operator==(const TensorShape&) const = default;
};

/// What layers ask about the places of their input. Made by who knows the lattice; functions may be empty where there is
/// no geometry.
struct NetworkGeometry {
  int n_sites = 0;
  int sites_per_cell = 1;  ///< sites of cell c are c sites_per_cell and the following
  int dimension = 0;
  /// The cell that lies `step` cells beyond cell c; -1: beyond an open end.
  std::function<int(int cell, const std::vector<int>& step)> cell_beyond;
  /// The distance of two sites, in units of the nearest neighbours' one.
  std::function<double(int, int)> distance;
  /// The permutations of the sites that are symmetries, site i to site g[i]; the identity first.
  std::function<std::vector<std::vector<int>>()> group;

  int n_cells() const { return n_sites / sites_per_cell; }
};

/// Blocks of unit cells: the lattice is made of translations of the first one.
struct NetworkPatches {
  std::vector<std::vector<int>> cells;        ///< [patch][place in the patch]
  std::vector<std::vector<int>> translation;  ///< [t][p]: patch p moved by what takes patch 0 to patch t
  /// The same translations as permutations of the cells.
  std::vector<std::vector<int>> translations_of_cells() const;
  /// The patches of these extents, of one cell each where none are given. Errors: UsageError where the lattice is not made of them, or has open ends
  static NetworkPatches of(const NetworkGeometry& geometry, const std::vector<int>& extents);
};

/// What a layer stands on.
struct LayerContext {
  const NetworkGeometry& geometry;
  TensorShape input;
  std::vector<int> patch;  ///< extents of a patch, once one was made
};

/// One layer of a network: a function of a tensor, with parameters.
///
/// Tensors of samples_at_once samples are [channel][position][sample]; parameters are real. Calls come from many threads
/// at once; none is collective. `tests/unit/network` holds every registered one to: derivatives against finite
/// differences, tangent and adjoint transposes of each other, samples independent of their neighbours.
class Layer {
 public:
  virtual ~Layer() = default;
  /// The same layer with the same parameters.
  virtual std::unique_ptr<Layer> clone() const = 0;
  virtual TensorShape output() const = 0;
  virtual std::int64_t n_parameters() const { return 0; }
  /// Parameters from normal numbers of width 1, so that outputs vary as inputs do, times `gain`.
  virtual void initialise(double /*gain*/, const std::function<double()>& /*normal*/, double* /*parameters*/) const {}
  virtual void set_parameters(const double* /*parameters*/) {}
  /// Layers in front of this one that a skip leads around: the network adds the tensor in front of them to the output.
  /// 0: there is none.
  virtual int skips() const { return 0; }
  /// Whether the layer is a linear map, whose initial weights scale what comes out.
  virtual bool is_linear() const { return false; }
  /// Whether the parameters mean the same on a lattice of other extents.
  virtual bool is_of_any_extent() const { return false; }
  /// Extents of the patches that the output lives on, where this layer makes them.
  virtual std::vector<int> patch() const { return {}; }

  virtual void forward(const double* in, double* out) const = 0;
  /// From d_out, the derivatives of a function of the outputs: d_in by the inputs, and d_parameters, [parameter][sample],
  /// by the parameters. Both are overwritten; d_in may be null.
  virtual void backward(const double* in, const double* out, const double* d_out, double* d_in,
                        double* d_parameters) const = 0;
  /// The change of the outputs by a change of inputs (may be null: none) and of parameters.
  virtual void tangent(const double* in, const double* out, const double* change_in, const double* change_parameters,
                       double* change_out) const = 0;
  /// Floating-point operations of forward() per sample.
  virtual double flops() const = 0;
};

/// Layers by the names of decks, [[wavefunction.factor.layer]] kind = "name". Each is a file in src/network/layers.
using LayerKind = Kind<std::unique_ptr<Layer>, const LayerContext&>;
using LayerKinds = Kinds<std::unique_ptr<Layer>, const LayerContext&>;
LayerKinds& layers();

/// Functions of one number.
enum class Activation { log_cosh, tanh, gelu, silu, relu };
extern const std::vector<std::pair<std::string, Activation>> activation_words;

// The layers that named networks are made of.

/// out[o][p] = b[o] + sum_(i, d) W[o][i][d] in[i][p + d], d in a window of these extents around 0 (of even extents n:
/// -(n/2 - 1) ... n/2). What lies beyond open ends is 0.
std::unique_ptr<Layer> make_convolution(const LayerContext& context, int channels, const std::vector<int>& extents,
                                        bool bias = true);
/// The steps of that window. Errors: UsageError where it does not fit into the lattice
std::vector<std::vector<int>> convolution_window(const NetworkGeometry& geometry, const std::vector<int>& extents);
/// The same over the sites in front of p (and p itself where `own`), in the order of their numbers; without a kernel
/// every pair of sites has a weight.
std::unique_ptr<Layer> make_causal(const LayerContext& context, int channels,
                                   const std::optional<std::vector<int>>& kernel, bool own, bool bias = true);
/// out[o] = b[o] + sum_(i, p) W[o][i][p] in[i][p]
std::unique_ptr<Layer> make_dense(const LayerContext& context, int channels, bool bias = true);
/// out[o][p] = b[o] + sum_i W[o][i] in[i][p]
std::unique_ptr<Layer> make_linear(const LayerContext& context, int channels, bool bias = true);
/// From sites: out[o][g] = b[o] + sum_(i, y) W[o][i][y] in[i][g y]; from the group: sum_(i, k) W[o][i][k] in[i][g k].
/// Weights of sites and elements that lie farther than `reach` from the first site are 0.
std::unique_ptr<Layer> make_group_convolution(const LayerContext& context, int channels, double reach,
                                              bool bias = true);
/// out[o][patch] = b[o] + sum_(i, x) W[o][i][x] in[i][site x of the patch]
std::unique_ptr<Layer> make_patches(const LayerContext& context, int channels, const std::vector<int>& extents);
/// out[c][p] = sum_t (alpha_h[t] softmax_t(-gamma_h d_t)) in[c][p + t], channels shared by `heads` heads.
std::unique_ptr<Layer> make_attention(const LayerContext& context, int heads);
std::unique_ptr<Layer> make_activation(const LayerContext& context, Activation function);
/// Over the channels of a position: (x - mean) / sqrt(var + eps) gain + bias, or x / sqrt(mean x^2 + eps) gain.
std::unique_ptr<Layer> make_norm(const LayerContext& context, bool subtract_mean = true);
/// out = in + the tensor in front of the last `over` layers
std::unique_ptr<Layer> make_residual(const LayerContext& context, int over);

}  // namespace koushi
