#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/network/deep_network.hpp"

namespace koushi {

/// What layers ask about the lattice of a run; its group are the symmetries of H.
NetworkGeometry geometry_of(const FactorContext& context);

/// The input of a network, [unit][sample], of up to samples_at_once states: what place (flavour f, site i) holds, from -1
/// to 1, is unit f n_sites + i. It lies in memory of this thread until the next call.
const double* network_input(const Space& space, const HostState* states, int count);

/// Derivatives of log psi of up to samples_at_once states by real parameters, [parameter][sample]; d_im is null where psi
/// is real.
using NetworkDerivatives = std::function<void(const HostState* states, int count, double* d_re, double* d_im)>;
/// Rows of these, which are kept. Calls of `derivatives` come from many threads.
std::unique_ptr<DistributedRows> rows_of_network(const Communicator& comm, RowRange rows, const HostStates& states,
                                                 std::int64_t parameters, bool is_complex,
                                                 const NetworkDerivatives& derivatives);

/// Keys that all networks share.
struct NetworkOptions {
  NetworkOutput output = NetworkOutput::positive;
  double width = 1;

  /// Their keys behind those of a network of its own, whose options begin with these.
  template <typename Options>
  static Keys<Options> with_common(Keys<Options> own) {
    return std::move(own)
        .choice("output", static_cast<NetworkOutput Options::*>(&Options::output), network_output_words,
                "log psi from the last layer x[c][p]. positive: sum x, so psi > 0; complex: sum over c < C / 2 of log "
                "cosh(x_c + i x_(c + C / 2)); modulus-and-phase: sum over c < C / 2 of x_c + i x_(c + C / 2)")
        .real("width", static_cast<double Options::*>(&Options::width), {0, 1e3},
              "scale of log psi at the beginning, whose standard deviation over random states is this or some tenths "
              "of it")
        .initial();
  }
};

/// The list `layer` of a section, of at least so many.
Section list_of_layers(int at_least);

/// Makes a list of layers, each on what is in front of it.
class NetworkBuilder {
 public:
  explicit NetworkBuilder(const FactorContext& context);
  LayerContext next() const { return {geometry_, shapes_.back(), patch_}; }
  /// Errors: UsageError where a skip leads to another shape or before the input
  void add(std::unique_ptr<Layer> layer);

  const NetworkGeometry& geometry() const { return geometry_; }
  std::size_t n_layers() const { return layers_.size(); }
  std::int64_t n_parameters() const;
  /// What is between the input and the last tensor; the builder is empty then.
  DeepNetwork network(NetworkOutput output) { return DeepNetwork(shapes_.front(), std::move(layers_), output); }
  /// The layers of the list `layer` of a section. Errors: DeckError where they do not fit together
  void add_layers(const DeckSection& section);

  /// log psi_f(x) = the output of the layers, whose input are the local values of the sites, from -1 to 1, a channel per
  /// flavour. Errors: DeckError at `output` where it wants an even number of channels
  std::unique_ptr<Factor> factor(const DeckSection& section, const NetworkOptions& options);

 private:
  const FactorContext& context_;
  NetworkGeometry geometry_;
  std::vector<TensorShape> shapes_;  ///< the input, and behind it what each layer gives
  std::vector<int> patch_;
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace koushi
