#include "network_factor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "evaluated_factor.hpp"
#include "koushi/base/error.hpp"
#include "koushi/manybody/image.hpp"
#include "stored_rows.hpp"

namespace koushi {

namespace {

constexpr int block = samples_at_once;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The network as factors and their moves share it, with the input that it wants of a state.
class NetworkOfStates final : public Amplitudes {
 public:
  NetworkOfStates(const Space& space, DeepNetwork the_network) : Amplitudes(space), network(std::move(the_network)) {}

  DeepNetwork network;

  int at_once() const override { return block; }
  void log_psi(const HostState* states, int count, std::complex<double>* to) const override {
    double re[block];
    double im[block] = {};
    network.forward(network_input(space(), states, count), re, im);
    for (int s = 0; s < count; ++s) to[s] = {re[s], im[s]};
  }
};

class NetworkFactor final : public EvaluatedFactor {
 public:
  NetworkFactor(std::shared_ptr<NetworkOfStates> network, std::vector<double> parameters,
                std::vector<std::vector<int>> symmetry)
      : network_(std::move(network)), parameters_(std::move(parameters)), symmetry_(std::move(symmetry)) {
    network_->network.set_parameters(parameters_);
  }
  const std::vector<double>& parameters() const override { return parameters_; }
  void set_parameters(const std::vector<double>& parameters) override {
    // Moves that were asked for before keep the parameters that they had.
    if (network_.use_count() > 1) network_ = std::make_shared<NetworkOfStates>(*network_);
    parameters_ = parameters;
    network_->network.set_parameters(parameters_);
  }
  bool embed(const std::vector<double>& parameters) override {
    if (parameters.size() != parameters_.size()) return false;
    set_parameters(parameters);
    return true;
  }
  bool holomorphic() const override { return false; }
  bool is_positive() const override { return network_->network.is_real(); }
  bool is_real() const override { return network_->network.is_real(); }
  bool is_invariant(const std::vector<int>& g) const override {
    return std::find(symmetry_.begin(), symmetry_.end(), g) != symmetry_.end();
  }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const HostStates& states,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    return rows_of_network(comm, rows, states, network_->network.n_parameters(), !is_real(),
                           [&](const HostState* of, int count, double* d_re, double* d_im) {
                             double re[block];
                             double im[block];
                             network_->network.derivatives(network_input(network_->space(), of, count), re, im, d_re,
                                                           d_im);
                           });
  }
  double bytes_per_row() const override {
    // Entries, and once more for the Gram matrix, as [Re O; Im O].
    return (is_real() ? 16.0 : 48.0) * static_cast<double>(parameters_.size());
  }
  bool is_of_any_extent() const override { return network_->network.is_of_any_extent(); }
  double flops() const override { return network_->network.flops(); }
  std::string description() const override {
    const TensorShape& last = network_->network.last();
    return fmt::format("a network of {} layers, the last with {} channel{} at {} position{}",
                       network_->network.n_layers(), last.channels, last.channels == 1 ? "" : "s", last.positions,
                       last.positions == 1 ? "" : "s");
  }

 protected:
  std::shared_ptr<const Amplitudes> amplitudes() const override { return network_; }

 private:
  std::shared_ptr<NetworkOfStates> network_;
  std::vector<double> parameters_;
  std::vector<std::vector<int>> symmetry_;  ///< permutations of places
};

template <bool is_complex>
std::unique_ptr<DistributedRows> rows_of(const Communicator& comm, RowRange rows, const HostStates& states,
                                         std::int64_t columns, const NetworkDerivatives& derivatives) {
  SlabMatrix<is_complex> slabs(columns, rows.count);
  for_blocks_of_states("koushi::manybody::network_rows", states.count(), block, [&](int first, int count) {
    thread_local std::vector<double> d_re;
    thread_local std::vector<double> d_im;
    std::vector<HostState> of;
    for (int s = 0; s < count; ++s) of.push_back(states.at(first + s));
    d_re.resize(at(columns) * block);
    if (is_complex) d_im.resize(d_re.size());
    derivatives(of.data(), count, d_re.data(), is_complex ? d_im.data() : nullptr);
    for (std::int64_t k = 0; k < columns; ++k) {
      for (int s = 0; s < count; ++s) {
        const std::int64_t to = slabs.at(k, first + s);
        slabs.re(to) = d_re[at(k) * block + at(s)];
        if constexpr (is_complex) slabs.im(to) = d_im[at(k) * block + at(s)];
      }
    }
  });
  return std::make_unique<StoredRows<is_complex, false>>(comm, rows, columns, std::move(slabs));
}

}  // namespace

std::unique_ptr<DistributedRows> rows_of_network(const Communicator& comm, RowRange rows, const HostStates& states,
                                                 std::int64_t parameters, bool is_complex,
                                                 const NetworkDerivatives& derivatives) {
  return is_complex ? rows_of<true>(comm, rows, states, parameters, derivatives)
                    : rows_of<false>(comm, rows, states, parameters, derivatives);
}

const double* network_input(const Space& space, const HostState* states, int count) {
  thread_local std::vector<double> input;
  input.resize(at(space.n_places()) * block);
  for (int s = 0; s < count; ++s) {
    for (int p = 0; p < space.n_places(); ++p)
      input[at(space.flavour_of(p) * space.n_sites() + space.site_of(p)) * block + at(s)] =
          space.local(p).centred(states[s].local[p]);
  }
  return input.data();
}

NetworkGeometry geometry_of(const FactorContext& context) {
  NetworkGeometry geometry;
  const Lattice& lattice = context.lattice;
  geometry.n_sites = lattice.n_sites();
  if (!lattice.has_geometry()) return geometry;
  geometry.sites_per_cell = lattice.sites_per_cell();
  geometry.dimension = static_cast<int>(lattice.boundary().size());
  geometry.cell_beyond = [&lattice](int cell, const std::vector<int>& step) { return lattice.cell_beyond(cell, step); };
  geometry.distance = [&lattice](int i, int j) { return lattice.distance(i, j); };
  geometry.group = [&context] {
    return symmetry_group(SiteSymmetry::space_group, context.lattice, context.hamiltonian);
  };
  return geometry;
}

NetworkBuilder::NetworkBuilder(const FactorContext& context)
    : context_(context),
      geometry_(geometry_of(context)),
      shapes_{{context.hamiltonian.space().n_flavours(), geometry_.n_sites, NetworkDomain::sites}} {}

void NetworkBuilder::add(std::unique_ptr<Layer> layer) {
  const TensorShape to = layer->output();
  if (const auto skips = at(layer->skips()); skips > 0) {
    if (skips >= shapes_.size()) throw UsageError(fmt::format("there are no {} layers in front of this one", skips));
    const TensorShape& from = shapes_[shapes_.size() - 1 - skips];
    if (!(from == to))
      throw UsageError(fmt::format("a tensor of {} channels at {} positions cannot be added to one of {} at {}",
                                   from.channels, from.positions, to.channels, to.positions));
  }
  shapes_.push_back(to);
  if (!layer->patch().empty()) patch_ = layer->patch();
  layers_.push_back(std::move(layer));
}

Section list_of_layers(int at_least) {
  return {"layer", "A layer of the network, behind those in front of it.", true, layers().declared(), {}, 256, "",
          at_least};
}

void NetworkBuilder::add_layers(const DeckSection& section) {
  for (const DeckSection& layer : section.sections("layer")) {
    try {
      add(layers().of(layer).make(layer, next()));
    } catch (const UsageError& error) {
      layer.refuse("kind", error.what(), "a layer that takes what the one in front of it gives");
    }
  }
}

std::int64_t NetworkBuilder::n_parameters() const {
  std::int64_t sum = 0;
  for (const auto& layer : layers_) sum += layer->n_parameters();
  return sum;
}

std::unique_ptr<Factor> NetworkBuilder::factor(const DeckSection& section, const NetworkOptions& options) {
  const TensorShape& last = shapes_.back();
  if (options.output != NetworkOutput::positive && last.channels % 2 != 0)
    section.refuse("output",
                   fmt::format("the last layer has {} channels, and this output wants an even number", last.channels),
                   "another number of channels, or output = \"positive\"");
  const Space& space = context_.hamiltonian.space();
  // The sites that psi_f does not tell apart: every layer is the same at all positions of its domain.
  std::vector<std::vector<int>> sites;
  const auto add_translations = [&](const std::vector<std::vector<int>>& of_cells) {
    for (const std::vector<int>& t : of_cells) {
      sites.emplace_back();
      for (const int cell : t) {
        for (int a = 0; a < geometry_.sites_per_cell; ++a) sites.back().push_back(cell * geometry_.sites_per_cell + a);
      }
    }
  };
  const std::vector<Boundary>& boundary = context_.lattice.boundary();
  const bool closed = std::all_of(boundary.begin(), boundary.end(), [](Boundary b) { return b != Boundary::open; });
  if (last.domain == NetworkDomain::group) {
    sites = geometry_.group();
  } else if (last.domain == NetworkDomain::cells && closed) {
    add_translations(NetworkPatches::of(geometry_, {}).translations_of_cells());
  } else if (last.domain == NetworkDomain::patches) {
    add_translations(NetworkPatches::of(geometry_, patch_).translations_of_cells());
  }
  std::vector<std::vector<int>> symmetry;
  for (const std::vector<int>& g : sites) symmetry.push_back(Image::of_sites(space, g).place);
  auto network = std::make_shared<NetworkOfStates>(space, this->network(options.output));
  std::uint64_t index = 0;
  std::vector<double> parameters = network->network.initial_parameters(
      options.width, [&] { return initial_normal(context_.seed, context_.stream, index++); });
  return std::make_unique<NetworkFactor>(std::move(network), std::move(parameters), std::move(symmetry));
}

}  // namespace koushi
