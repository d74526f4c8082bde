#include "koushi/manybody/product.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/manybody/classical_kernel.hpp"
#include "koushi/manybody/concatenated_rows.hpp"

namespace koushi {

HostStates::HostStates(const States& states)
    : local(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states.local)),
      particle(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states.particle)),
      occupant(Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states.occupant)) {}

namespace {

/// The sign of the order of the particles.
class Parity final : public Factor {
 public:
  explicit Parity(const Space& space) : particles_(space.n_particles()) {}
  const std::vector<double>& parameters() const override { return none_; }
  void set_parameters(const std::vector<double>& /*parameters*/) override {}
  bool embed(const std::vector<double>& parameters) override { return parameters.empty(); }
  bool holomorphic() const override { return false; }
  bool is_positive() const override { return true; }
  bool is_antisymmetric() const override { return true; }
  int columns() const override { return 0; }
  void refresh(const HostState& /*state*/, double* /*table*/) const override {}
  std::complex<double> log_amplitude(const HostState& state) const override {
    int inversions = 0;
    for (int a = 0; a < particles_; ++a) {
      for (int b = a + 1; b < particles_; ++b) inversions += state.particle[a] > state.particle[b] ? 1 : 0;
    }
    return {0.0, inversions % 2 == 0 ? 0.0 : std::numbers::pi};
  }
  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& /*list*/, const MoveList& on_device,
                                     int /*first*/) const override {
    ClassicalMoves moves;
    moves.moves = on_device;
    moves.parity = true;
    return std::make_unique<FunctorMoves<ClassicalMoves>>(moves);
  }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& /*comm*/, RowRange /*rows*/,
                                                   const HostStates& /*states*/,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    return nullptr;
  }
  double bytes_per_row() const override { return 0; }
  std::string description() const override { return "the sign of the particles' order"; }

 private:
  int particles_;
  std::vector<double> none_;
};

class Product final : public Wavefunction {
 public:
  Product(const Space& space, std::vector<NamedFactor> factors) : space_(space), factors_(std::move(factors)) {
    constexpr int alignment = 8;  // numbers: a vector of the widest kind
    for (const NamedFactor& f : factors_) {
      first_.push_back(columns_);
      columns_ += (f.factor->columns() + alignment - 1) / alignment * alignment;
    }
    collect_parameters();
  }
  const Space& space() const override { return space_; }
  const std::vector<double>& parameters() const override { return parameters_; }
  void set_parameters(const std::vector<double>& parameters) override {
    auto at = parameters.begin();
    for (const NamedFactor& f : factors_) {
      const auto end = at + static_cast<std::ptrdiff_t>(f.factor->parameters().size());
      f.factor->set_parameters({at, end});
      at = end;
    }
    parameters_ = parameters;
  }
  bool embed(const std::vector<double>& parameters) override {
    // A smaller factor can be taken in where it is the only one with parameters; else all must have their number.
    std::vector<Factor*> with;
    for (const NamedFactor& f : factors_) {
      if (!f.factor->parameters().empty()) with.push_back(f.factor.get());
    }
    if (with.size() == 1) {
      if (!with[0]->embed(parameters)) return false;
      parameters_ = with[0]->parameters();
      return true;
    }
    if (parameters.size() != parameters_.size()) return false;
    set_parameters(parameters);
    return true;
  }
  bool embed(std::size_t factor, const std::vector<double>& parameters) override {
    if (!factors_.at(factor).factor->embed(parameters)) return false;
    collect_parameters();
    return true;
  }
  Batch make_batch(std::int64_t n) const override {
    return {space_.make_states(n),
            RealRows("koushi::manybody::tables", static_cast<std::size_t>(n), static_cast<std::size_t>(columns_))};
  }
  void refresh(const Batch& batch) const override {
    const HostStates states(batch.states);
    const auto table = Kokkos::create_mirror_view(batch.table);
    for_states(states.count(), [&](int w) {
      double* row = table.data() + static_cast<std::size_t>(w) * table.extent(1);
      for (std::size_t f = 0; f < factors_.size(); ++f) factors_[f].factor->refresh(states.at(w), row + first_[f]);
    });
    Kokkos::deep_copy(batch.table, table);
  }
  std::vector<std::complex<double>> log_amplitudes(const States& batch) const override {
    const HostStates states(batch);
    std::vector<std::complex<double>> result(static_cast<std::size_t>(states.count()));
    for_states(states.count(), [&](int w) {
      for (const NamedFactor& f : factors_)
        result[static_cast<std::size_t>(w)] += f.factor->log_amplitude(states.at(w));
    });
    return result;
  }
  std::unique_ptr<MoveSet> moves(const std::vector<Move>& list) const override { return move_set(list, false); }
  std::unique_ptr<MoveSet> general_moves(const std::vector<Move>& list) const override { return move_set(list, true); }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows,
                                                   const Batch& samples) const override {
    const HostStates states(samples.states);
    const auto table = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, samples.table);
    std::vector<std::unique_ptr<DistributedRows>> parts;
    for (std::size_t f = 0; f < factors_.size(); ++f) {
      if (factors_[f].factor->parameters().empty()) continue;
      parts.push_back(factors_[f].factor->log_derivatives(comm, rows, states, table, first_[f]));
    }
    if (parts.size() == 1) return std::move(parts[0]);
    return std::make_unique<ConcatenatedRows>(std::move(parts));
  }
  bool holomorphic() const override {
    return std::all_of(factors_.begin(), factors_.end(),
                       [](const NamedFactor& f) { return f.factor->parameters().empty() || f.factor->holomorphic(); });
  }
  bool is_positive() const override {
    return std::all_of(factors_.begin(), factors_.end(), [](const NamedFactor& f) { return f.factor->is_positive(); });
  }
  double bytes_per_row() const override {
    double sum = 0;
    for (const NamedFactor& f : factors_) sum += f.factor->bytes_per_row();
    return sum;
  }
  std::vector<FactorReport> factors() const override {
    std::vector<FactorReport> reports;
    std::int64_t first = 0;
    for (const NamedFactor& f : factors_) {
      const auto count = static_cast<std::int64_t>(f.factor->parameters().size());
      reports.push_back({f.kind, f.factor->description(), first, count});
      first += count;
    }
    return reports;
  }

 private:
  /// Those of the factors, one after the other.
  void collect_parameters() {
    parameters_.clear();
    for (const NamedFactor& f : factors_) {
      const auto& own = f.factor->parameters();
      parameters_.insert(parameters_.end(), own.begin(), own.end());
    }
  }
  std::unique_ptr<MoveSet> move_set(const std::vector<Move>& list, bool general) const {
    const MoveList on_device = make_move_list(space_, list);
    std::vector<std::unique_ptr<FactorMoves>> parts;
    for (std::size_t f = 0; f < factors_.size(); ++f) {
      parts.push_back(factors_[f].factor->moves(list, on_device, first_[f]));
    }
    return make_move_set(on_device, std::move(parts), general);
  }
  template <typename Body>
  static void for_states(int count, const Body& body) {
    Kokkos::parallel_for("koushi::manybody::for_states",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, count), [&](int w) { body(w); });
  }

  Space space_;
  std::vector<NamedFactor> factors_;
  std::vector<int> first_;  ///< columns of the factors in a walker's table
  int columns_ = 0;
  std::vector<double> parameters_;
};

}  // namespace

std::unique_ptr<Wavefunction> make_product(const Space& space, std::vector<NamedFactor> factors) {
  if (factors.empty()) throw UsageError("a wavefunction has no factor");
  const auto signs =
      std::count_if(factors.begin(), factors.end(), [](const NamedFactor& f) { return f.factor->is_antisymmetric(); });
  if (signs > 1)
    throw UsageError(std::to_string(signs) +
                     " factors change their sign when fermions are exchanged, so that their product may not");
  if (signs == 0 && space.is_fermionic()) factors.push_back({"parity", std::make_unique<Parity>(space)});
  return std::make_unique<Product>(space, std::move(factors));
}

}  // namespace koushi
