#include "autoregressive_factor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "evaluated_factor.hpp"
#include "koushi/base/error.hpp"
#include "koushi/random/philox.hpp"

namespace koushi {

namespace {

constexpr int block = samples_at_once;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The states of a site that leave the charges of the sector within reach, when the sites in front of it are given. What
/// is still to come of the charges has a number among all that as many sites can have.
class Reach {
 public:
  explicit Reach(const Space& space) {
    const std::vector<std::vector<int>>& states = space.site_states();
    n_states_ = static_cast<int>(states.size());
    std::vector<std::vector<int>> charges_of;
    std::vector<int> target;
    for (const std::vector<int>& state : states) {
      charges_of.emplace_back();
      for (const Charge& charge : space.charges()) {
        if (!charge.value) continue;
        charges_of.back().push_back(std::inner_product(state.begin(), state.end(), charge.weight.begin(), 0));
      }
    }
    for (const Charge& charge : space.charges()) {
      if (charge.value) target.push_back(*charge.value);
    }
    std::map<std::vector<int>, int> fewer{{std::vector<int>(target.size(), 0), 0}};  // of no site
    for (int sites = 1; sites <= space.n_sites(); ++sites) {
      std::map<std::vector<int>, int> sums;
      for (const auto& [sum, number] : fewer) {
        for (const std::vector<int>& charges : charges_of) sums.try_emplace(added(sum, charges, 1), 0);
      }
      int next = 0;
      behind_.emplace_back();
      for (auto& [sum, number] : sums) {
        number = next++;
        for (const std::vector<int>& charges : charges_of) {
          const auto rest = fewer.find(added(sum, charges, -1));
          behind_.back().push_back(rest == fewer.end() ? -1 : rest->second);
        }
      }
      fewer = std::move(sums);
    }
    const auto all = fewer.find(target);
    if (all == fewer.end()) throw UsageError("there is no state in this sector");
    all_ = all->second;
  }
  int n_states() const { return n_states_; }
  /// The number of what all sites have.
  int all() const { return all_; }
  /// The number of what the sites behind one in this state have, where it and they have number `left`; -1: they cannot.
  int behind(int sites_behind, int left, int state) const {
    return behind_[at(sites_behind)][at(left) * at(n_states_) + at(state)];
  }

 private:
  static std::vector<int> added(std::vector<int> a, const std::vector<int>& b, int sign) {
    for (std::size_t c = 0; c < a.size(); ++c) a[c] += sign * b[c];
    return a;
  }

  int n_states_ = 0;
  int all_ = 0;
  std::vector<std::vector<int>> behind_;  ///< [sites behind][left][state]
};

class ConditionalAmplitudes final : public Amplitudes {
 public:
  ConditionalAmplitudes(const Space& space, DeepNetwork the_network, bool has_phases)
      : Amplitudes(space), network(std::move(the_network)), reach_(space), has_phases_(has_phases) {
    int stride = 1;
    for (const LocalSpace& local : space.flavours()) {
      strides_.push_back(stride);
      stride *= local.states();
    }
    state_of_code_.assign(at(stride), 0);
    int number = 0;
    for (const std::vector<int>& state : space.site_states()) {
      int code = 0;
      for (std::size_t f = 0; f < state.size(); ++f) code += strides_[f] * space.flavours()[f].index(state[f]);
      state_of_code_[at(code)] = number++;
    }
  }

  DeepNetwork network;

  bool has_phases() const { return has_phases_; }
  int n_states() const { return reach_.n_states(); }
  int at_once() const override { return block; }
  void log_psi(const HostState* states, int count, std::complex<double>* to) const override {
    const double* last = last_tensor(states, count);
    for (int s = 0; s < count; ++s) {
      double modulus = 0;
      double product = 1;
      double phases = 0;
      walk(states[s], last, s, [&](const Conditional& of) {
        product *= of.probability[at(of.state)];
        if (product < 1e-200) {
          modulus += std::log(product);
          product = 1;
        }
        phases += phase(last, of.site, of.state, s);
      });
      to[s] = {0.5 * (modulus + std::log(product)), phases};
    }
  }
  /// From the last tensor, the derivatives of log psi by it, real and imaginary parts.
  void seeds(const HostState* states, int count, const double* last, const std::vector<double*>& d_last) const {
    const std::size_t numbers = at(network.last().units()) * block;
    for (double* d : d_last) std::fill_n(d, numbers, 0.0);
    for (int s = 0; s < count; ++s) {
      walk(states[s], last, s, [&](const Conditional& of) {
        for (int y = 0; y < n_states(); ++y)
          d_last[0][place(of.site, y, s)] = (y == of.state ? 1.0 : 0.0) - of.probability[at(y)];
        if (has_phases_) d_last[1][place(of.site, n_states() + of.state, s)] = 1.0;
      });
    }
  }
  /// Draws the states one site after the other: sites behind hold the first state meanwhile, which nothing sees.
  void draw(const DirectRandom& random, std::int64_t first, const StateView* states, int count) const {
    std::vector<HostState> seen;
    std::vector<int> left(at(count), reach_.all());
    for (int s = 0; s < count; ++s) {
      for (int i = 0; i < space().n_sites(); ++i) set(states[s], i, 0);
      seen.push_back({states[s].local, states[s].particle, states[s].occupant});
    }
    std::vector<double> probability;
    for (int i = 0; i < space().n_sites(); ++i) {
      const double* last = last_tensor(seen.data(), count);
      for (int s = 0; s < count; ++s) {
        conditional(last, i, s, left[at(s)], probability);
        const RandomBlock words =
            philox(random.seed, RandomPurpose::direct_samples, random.step, static_cast<std::uint64_t>(first + s),
                   static_cast<std::uint32_t>(random.attempt * space().n_sites() + i));
        double threshold = uniform(words.word[0], words.word[1]);
        int state = -1;
        for (int y = 0; y < n_states(); ++y) {
          if (!(probability[at(y)] > 0)) continue;
          state = y;
          threshold -= probability[at(y)];
          if (threshold < 0) break;
        }
        // Where parameters are no numbers, the first state that is allowed.
        for (int y = 0; state < 0; ++y) state = reach_.behind(space().n_sites() - 1 - i, left[at(s)], y) < 0 ? -1 : y;
        set(states[s], i, state);
        left[at(s)] = reach_.behind(space().n_sites() - 1 - i, left[at(s)], state);
      }
    }
  }

 private:
  /// What site i of a state has: its state, and the probabilities of all states of the site.
  struct Conditional {
    int site;
    int state;
    const std::vector<double>& probability;
  };
  std::size_t place(int site, int channel, int sample) const {
    return (at(channel) * at(network.last().positions) + at(site)) * block + at(sample);
  }
  double phase(const double* last, int site, int state, int sample) const {
    return has_phases_ ? last[place(site, n_states() + state, sample)] : 0.0;
  }
  /// In memory of this thread.
  const double* last_tensor(const HostState* states, int count) const {
    thread_local std::vector<double> last;
    last.resize(at(network.last().units()) * block);
    network.last_tensor(network_input(space(), states, count), last.data());
    return last.data();
  }
  int state_of(const HostState& x, int site) const {
    int code = 0;
    for (int f = 0; f < space().n_flavours(); ++f)
      code += strides_[at(f)] * space().flavours()[at(f)].index(x.local[space().place(f, site)]);
    return state_of_code_[at(code)];
  }
  void set(const StateView& x, int site, int state) const {
    for (int f = 0; f < space().n_flavours(); ++f)
      x.local[space().place(f, site)] = static_cast<std::int8_t>(space().site_states()[at(state)][at(f)]);
  }
  /// p(y) = e^(2 l(y)) / sum over the allowed y.
  void conditional(const double* last, int site, int sample, int left, std::vector<double>& probability) const {
    const int behind = space().n_sites() - 1 - site;
    probability.assign(at(n_states()), 0.0);
    double largest = -1e300;
    for (int y = 0; y < n_states(); ++y) {
      if (reach_.behind(behind, left, y) < 0) continue;
      probability[at(y)] = 1;
      largest = std::max(largest, last[place(site, y, sample)]);
    }
    double sum = 0;
    for (int y = 0; y < n_states(); ++y) {
      if (probability[at(y)] > 0) probability[at(y)] = std::exp(2 * (last[place(site, y, sample)] - largest));
      sum += probability[at(y)];
    }
    for (double& p : probability) p /= sum;
  }
  template <typename Body>
  void walk(const HostState& x, const double* last, int sample, const Body& body) const {
    int left = reach_.all();
    thread_local std::vector<double> probability;
    for (int i = 0; i < space().n_sites() && left >= 0; ++i) {  // behind a state of probability 0 nothing is left
      conditional(last, i, sample, left, probability);
      const int state = state_of(x, i);
      body(Conditional{i, state, probability});
      left = reach_.behind(space().n_sites() - 1 - i, left, state);
    }
  }

  Reach reach_;
  bool has_phases_;
  std::vector<int> strides_;        ///< [flavour], of the code of what a site holds
  std::vector<int> state_of_code_;  ///< [code], a number in site_states()
};

class AutoregressiveFactor final : public EvaluatedFactor {
 public:
  AutoregressiveFactor(std::shared_ptr<ConditionalAmplitudes> of, std::vector<double> parameters)
      : of_(std::move(of)), parameters_(std::move(parameters)) {
    of_->network.set_parameters(parameters_);
  }
  const std::vector<double>& parameters() const override { return parameters_; }
  void set_parameters(const std::vector<double>& parameters) override {
    // Moves that were asked for before keep the parameters that they had.
    if (of_.use_count() > 1) of_ = std::make_shared<ConditionalAmplitudes>(*of_);
    parameters_ = parameters;
    of_->network.set_parameters(parameters_);
  }
  bool embed(const std::vector<double>& parameters) override {
    if (parameters.size() != parameters_.size()) return false;
    set_parameters(parameters);
    return true;
  }
  bool holomorphic() const override { return false; }
  bool is_positive() const override { return !of_->has_phases(); }
  bool is_real() const override { return !of_->has_phases(); }
  bool can_draw() const override { return true; }
  void draw(const DirectRandom& random, const HostStates& states) const override {
    for_blocks_of_states("koushi::manybody::direct_samples", states.count(), block, [&](int first, int count) {
      std::vector<StateView> views;
      for (int s = 0; s < count; ++s) views.push_back(states.writable(first + s));
      of_->draw(random, random.first + first, views.data(), count);
    });
  }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const HostStates& states,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    return rows_of_network(
        comm, rows, states, of_->network.n_parameters(), !is_real(),
        [&](const HostState* of, int count, double* d_re, double* d_im) {
          std::vector<double*> d_parameters{d_re};
          if (d_im != nullptr) d_parameters.push_back(d_im);
          of_->network.pull_back(
              network_input(of_->space(), of, count),
              [&](const double* last, const std::vector<double*>& d_last) { of_->seeds(of, count, last, d_last); },
              d_parameters);
        });
  }
  double bytes_per_row() const override { return (is_real() ? 16.0 : 48.0) * static_cast<double>(parameters_.size()); }
  bool is_of_any_extent() const override { return of_->network.is_of_any_extent(); }
  double flops() const override { return of_->network.flops(); }
  std::string description() const override {
    return fmt::format("an autoregressive network of {} layers", of_->network.n_layers());
  }

 protected:
  std::shared_ptr<const Amplitudes> amplitudes() const override { return of_; }

 private:
  std::shared_ptr<ConditionalAmplitudes> of_;
  std::vector<double> parameters_;
};

}  // namespace

std::unique_ptr<Factor> make_autoregressive(const FactorContext& context, NetworkBuilder& builder,
                                            const std::function<std::unique_ptr<Layer>(int channels)>& last,
                                            const AutoregressiveOptions& options) {
  const Space& space = context.hamiltonian.space();
  const bool has_phases = options.output != NetworkOutput::positive;
  builder.add(last(static_cast<int>(space.site_states().size()) * (has_phases ? 2 : 1)));
  auto of = std::make_shared<ConditionalAmplitudes>(space, builder.network(NetworkOutput::positive), has_phases);
  std::uint64_t index = 0;
  std::vector<double> parameters = of->network.initial_parameters(
      options.width, [&] { return initial_normal(context.seed, context.stream, index++); });
  return std::make_unique<AutoregressiveFactor>(std::move(of), std::move(parameters));
}

}  // namespace koushi
