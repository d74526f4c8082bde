#include "network_factor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/manybody/image.hpp"
#include "stored_rows.hpp"

namespace koushi {

namespace {

constexpr int block = samples_at_once;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The network as factors and their moves share it, with the input that it wants of a state.
struct NetworkOfStates {
  NetworkOfStates(const Space& the_space, DeepNetwork the_network)
      : space(the_space), network(std::move(the_network)) {}

  Space space;
  DeepNetwork network;

  /// Number [unit][sample] of one state: what place (flavour f, site i) holds, from -1 to 1.
  void write_input(const std::int8_t* local, double* input, int sample) const {
    for (int p = 0; p < space.n_places(); ++p)
      input[static_cast<std::ptrdiff_t>(space.flavour_of(p) * space.n_sites() + space.site_of(p)) * block + sample] =
          space.local(p).centred(local[p]);
  }
  /// log psi of up to `block` inputs.
  void log_psi(const double* input, int count, std::complex<double>* to) const {
    double re[block];
    double im[block] = {};
    network.forward(input, re, im);
    for (int s = 0; s < count; ++s) to[s] = {re[s], im[s]};
  }
  std::size_t input_size() const { return at(network.input().units()) * block; }
};

/// body(first, count) for blocks of states, shared by the threads of the host.
template <typename Body>
void for_blocks(const char* label, int count, const Body& body) {
  Kokkos::parallel_for(label,
                       Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>(
                           0, (count + block - 1) / block)
                           .set_chunk_size(1),
                       [&](int b) { body(b * block, std::min(block, count - b * block)); });
}

/// Columns of a walker's table: log psi(x), and log psi(x') of the move that was asked for last, whose number is
/// 2 k (sigma = 1) or 2 k + 1; -1: none.
enum Column { log_re, log_im, next_re, next_im, next_move, n_columns };

void set_row(std::complex<double> log_psi, double* row) {
  row[log_re] = log_psi.real();
  row[log_im] = log_psi.imag();
  row[next_re] = row[next_im] = 0;
  row[next_move] = -1;
}

/// Ratios by evaluating the network at x', many walkers at once, on the host.
class NetworkMoves final : public FactorMoves {
 public:
  NetworkMoves(std::shared_ptr<const NetworkOfStates> network, std::vector<Move> list, int first)
      : network_(std::move(network)), list_(std::move(list)), first_(first) {}

  void multiply_ratios(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed,
                       const Kokkos::View<Complex*>& ratio) const override {
    const auto host_ratio = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, ratio);
    const auto table = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.table);
    evaluate(space, batch, proposed, table);
    const auto sigma = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, proposed.sigma);
    for (std::size_t w = 0; w < sigma.extent(0); ++w) {
      if (sigma(w) == 0) continue;
      const double* row = &table(w, at(batch.column + first_));
      const std::complex<double> quotient =
          std::exp(std::complex<double>(row[next_re], row[next_im]) - std::complex<double>(row[log_re], row[log_im]));
      host_ratio(w) *= Complex(quotient.real(), quotient.imag());
    }
    Kokkos::deep_copy(ratio, host_ratio);
    Kokkos::deep_copy(batch.table, table);
  }
  void accept(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed) const override {
    const auto table = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.table);
    evaluate(space, batch, proposed, table);
    const auto sigma = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, proposed.sigma);
    for (std::size_t w = 0; w < sigma.extent(0); ++w) {
      double* row = &table(w, at(batch.column + first_));
      set_row(sigma(w) == 0 ? std::complex<double>(row[log_re], row[log_im])
                            : std::complex<double>(row[next_re], row[next_im]),
              row);
    }
    Kokkos::deep_copy(batch.table, table);
  }

 private:
  /// log psi(x') of every walker with a proposed move, into its table, where it is not there yet.
  void evaluate(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed,
                const RealRows::host_mirror_type& table) const {
    space.fence("koushi::manybody::network_moves");
    const auto local = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.states.local);
    const auto move = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, proposed.move);
    const auto sigma = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, proposed.sigma);
    std::vector<int> wanted;
    for (std::size_t w = 0; w < sigma.extent(0); ++w) {
      if (sigma(w) == 0) continue;
      double& known = table(w, at(batch.column + first_ + next_move));
      const double number = 2.0 * move(w) + (sigma(w) > 0 ? 0 : 1);
      if (known == number) continue;
      known = number;
      wanted.push_back(static_cast<int>(w));
    }
    const auto places = at(batch.states.places());
    for_blocks("koushi::manybody::network_moves", static_cast<int>(wanted.size()), [&](int first, int count) {
      thread_local std::vector<double> input;
      thread_local std::vector<std::int8_t> x;
      input.resize(network_->input_size());
      x.resize(places);
      for (int s = 0; s < count; ++s) {
        const auto w = at(wanted[at(first + s)]);
        std::copy_n(&local(w, at(batch.copy) * places), places, x.begin());
        const Move& m = list_[at(move(w))];
        for (std::size_t k = 0; k < at(m.n); ++k)
          x[at(m.place[k])] = static_cast<std::int8_t>(x[at(m.place[k])] + sigma(w) * m.change[k]);
        network_->write_input(x.data(), input.data(), s);
      }
      std::complex<double> log_psi[block];
      network_->log_psi(input.data(), count, log_psi);
      for (int s = 0; s < count; ++s) {
        double* row = &table(at(wanted[at(first + s)]), at(batch.column + first_));
        row[next_re] = log_psi[s].real();
        row[next_im] = log_psi[s].imag();
      }
    });
    Kokkos::fence("koushi::manybody::network_moves");
  }

  std::shared_ptr<const NetworkOfStates> network_;
  std::vector<Move> list_;
  int first_;
};

class NetworkFactor final : public Factor {
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
  int columns() const override { return n_columns; }
  void refresh(const HostState& state, double* table) const override { set_row(log_amplitude(state), table); }
  std::complex<double> log_amplitude(const HostState& state) const override {
    std::vector<double> input(network_->input_size());
    network_->write_input(state.local, input.data(), 0);
    std::complex<double> result;
    network_->log_psi(input.data(), 1, &result);
    return result;
  }
  void refresh_all(const HostStates& states, const RealRows::host_mirror_type& table, int first) const override {
    std::vector<std::complex<double>> logs(at(states.count()));
    add_log_amplitudes(states, logs.data());
    for (std::size_t n = 0; n < logs.size(); ++n) set_row(logs[n], table.data() + n * table.extent(1) + at(first));
  }
  void add_log_amplitudes(const HostStates& states, std::complex<double>* sums) const override {
    for_blocks("koushi::manybody::network_amplitudes", states.count(), [&](int first, int count) {
      thread_local std::vector<double> input;
      write_inputs(states, first, count, input);
      std::complex<double> logs[block];
      network_->log_psi(input.data(), count, logs);
      for (int s = 0; s < count; ++s) sums[first + s] += logs[s];
    });
  }
  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& list, const MoveList& /*on_device*/,
                                     int first) const override {
    return std::make_unique<NetworkMoves>(network_, list, first);
  }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const HostStates& states,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    if (is_real()) return rows_of<false>(comm, rows, states);
    return rows_of<true>(comm, rows, states);
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

 private:
  void write_inputs(const HostStates& states, int first, int count, std::vector<double>& input) const {
    input.resize(network_->input_size());
    for (int s = 0; s < count; ++s) network_->write_input(states.at(first + s).local, input.data(), s);
  }
  template <bool is_complex>
  std::unique_ptr<DistributedRows> rows_of(const Communicator& comm, RowRange rows, const HostStates& states) const {
    const auto columns = static_cast<std::int64_t>(parameters_.size());
    SlabMatrix<is_complex> slabs(columns, rows.count);
    for_blocks("koushi::manybody::network_rows", states.count(), [&](int first, int count) {
      thread_local std::vector<double> input;
      thread_local std::vector<double> d_re;
      thread_local std::vector<double> d_im;
      write_inputs(states, first, count, input);
      d_re.resize(at(columns) * block);
      if (is_complex) d_im.resize(d_re.size());
      double re[block];
      double im[block];
      network_->network.derivatives(input.data(), re, im, d_re.data(), is_complex ? d_im.data() : nullptr);
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

  std::shared_ptr<NetworkOfStates> network_;
  std::vector<double> parameters_;
  std::vector<std::vector<int>> symmetry_;  ///< permutations of places
};

}  // namespace

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
  auto network =
      std::make_shared<NetworkOfStates>(space, DeepNetwork(shapes_.front(), std::move(layers_), options.output));
  std::uint64_t index = 0;
  std::vector<double> parameters = network->network.initial_parameters(
      options.width, [&] { return initial_normal(context_.seed, context_.stream, index++); });
  return std::make_unique<NetworkFactor>(std::move(network), std::move(parameters), std::move(symmetry));
}

}  // namespace koushi
