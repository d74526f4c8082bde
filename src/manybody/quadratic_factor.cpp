#include "quadratic_factor.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "koushi/manybody/classical_kernel.hpp"
#include "stored_rows.hpp"

namespace koushi {

namespace {

class QuadraticFactor final : public Factor {
 public:
  QuadraticFactor(const Space& space, std::vector<QuadraticEntry> entries, std::vector<double> parameters,
                  std::string description)
      : n_(space.n_places()),
        entries_(std::move(entries)),
        parameters_(std::move(parameters)),
        description_(std::move(description)) {
    expand();
  }
  const std::vector<double>& parameters() const override { return parameters_; }
  void set_parameters(const std::vector<double>& parameters) override {
    parameters_ = parameters;
    expand();
  }
  bool embed(const std::vector<double>& parameters) override {
    if (parameters.size() != parameters_.size()) return false;
    set_parameters(parameters);
    return true;
  }
  bool holomorphic() const override { return false; }
  bool is_positive() const override { return true; }
  bool is_invariant(const std::vector<int>& g) const override {
    // V as it is with parameters that are all different.
    std::map<std::pair<int, int>, double> moved;
    const auto add = [&](const QuadraticEntry& e, int p, int q, double sign) {
      moved[std::minmax(p, q)] += sign * e.weight * (1.0 + std::sqrt(2.0 + e.parameter));
    };
    for (const QuadraticEntry& e : entries_) {
      add(e, e.p, e.q, 1.0);
      add(e, g[static_cast<std::size_t>(e.p)], g[static_cast<std::size_t>(e.q)], -1.0);
    }
    return std::all_of(moved.begin(), moved.end(), [](const auto& entry) { return std::abs(entry.second) < 1e-9; });
  }
  int columns() const override { return n_; }
  void refresh(const HostState& state, double* table) const override {
    for (int p = 0; p < n_; ++p) {
      const double* row = &potential_(static_cast<std::size_t>(p), 0);
      double sum = 0;
      for (int q = 0; q < n_; ++q) sum += row[q] * state.local[q];
      table[p] = sum;
    }
  }
  std::complex<double> log_amplitude(const HostState& state) const override {
    double sum = 0;
    for (const QuadraticEntry& e : entries_) {
      sum += parameters_[static_cast<std::size_t>(e.parameter)] * e.weight * state.local[e.p] * state.local[e.q];
    }
    return sum;
  }
  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& list, const MoveList& on_device,
                                     int first) const override {
    ClassicalMoves moves;
    moves.moves = on_device;
    moves.n_quadratic = 1;
    moves.first[0] = first;
    moves.potential[0] = RealRows("koushi::manybody::potential", potential_.extent(0), potential_.extent(1));
    Kokkos::deep_copy(moves.potential[0], potential_);
    moves.self[0] = Kokkos::View<double*>("koushi::manybody::self_energy", list.size());
    const auto self = Kokkos::create_mirror_view(moves.self[0]);
    for (std::size_t k = 0; k < list.size(); ++k) {
      double sum = 0;
      for (std::size_t a = 0; a < static_cast<std::size_t>(list[k].n); ++a) {
        for (std::size_t b = 0; b < static_cast<std::size_t>(list[k].n); ++b) {
          sum += 0.5 * list[k].change[a] * list[k].change[b] *
                 potential_(static_cast<std::size_t>(list[k].place[a]), static_cast<std::size_t>(list[k].place[b]));
        }
      }
      self(k) = sum;
    }
    Kokkos::deep_copy(moves.self[0], self);
    return std::make_unique<FunctorMoves<ClassicalMoves>>(moves);
  }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const HostStates& states,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    const auto columns = static_cast<std::int64_t>(parameters_.size());
    SlabMatrix<false> o(columns, rows.count);
    Kokkos::parallel_for("koushi::manybody::quadratic_rows",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(rows.count)),
                         [&](int s) {
                           const HostState state = states.at(s);
                           for (const QuadraticEntry& e : entries_)
                             o.re(o.at(e.parameter, s)) += e.weight * state.local[e.p] * state.local[e.q];
                         });
    return std::make_unique<StoredRows<false>>(comm, rows, columns, std::move(o));
  }
  double bytes_per_row() const override { return 8.0 * static_cast<double>(parameters_.size()); }
  std::string description() const override { return description_; }

 private:
  void expand() {
    if (potential_.extent(0) == 0)
      potential_ =
          HostMatrix("koushi::manybody::host_potential", static_cast<std::size_t>(n_), static_cast<std::size_t>(n_));
    Kokkos::deep_copy(potential_, 0.0);
    for (const QuadraticEntry& e : entries_) {
      const double v = parameters_[static_cast<std::size_t>(e.parameter)] * e.weight;
      potential_(static_cast<std::size_t>(e.p), static_cast<std::size_t>(e.q)) += v;
      potential_(static_cast<std::size_t>(e.q), static_cast<std::size_t>(e.p)) +=
          v;  // twice on the diagonal: x V x / 2
    }
  }

  using HostMatrix = Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace>;
  int n_;
  std::vector<QuadraticEntry> entries_;
  std::vector<double> parameters_;
  std::string description_;
  HostMatrix potential_;
};

}  // namespace

std::unique_ptr<Factor> make_quadratic_factor(const Space& space, std::vector<QuadraticEntry> entries,
                                              std::vector<double> parameters, const std::string& description) {
  return std::make_unique<QuadraticFactor>(space, std::move(entries), std::move(parameters), description);
}

}  // namespace koushi
