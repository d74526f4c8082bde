#include "quadratic_factor.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "koushi/manybody/classical_kernel.hpp"
#include "stored_rows.hpp"

namespace koushi {

namespace {

class QuadraticFactor final : public Factor {
 public:
  QuadraticFactor(const Space& space, std::vector<QuadraticEntry> entries, std::vector<double> parameters,
                  std::string description, const std::vector<double>& of_flavour)
      : n_(space.n_places()),
        of_electrons_(space.n_flavours() == 2 && space.is_fermionic(0) && space.is_fermionic(space.n_places() - 1)),
        entries_(std::move(entries)),
        parameters_(std::move(parameters)),
        description_(std::move(description)) {
    std::sort(entries_.begin(), entries_.end(), [](const QuadraticEntry& a, const QuadraticEntry& b) {
      return std::tie(a.parameter, a.p, a.weight, a.q) < std::tie(b.parameter, b.p, b.weight, b.q);
    });
    // Rows see places with weights, or sites with the sums of their flavours.
    const int n_sites = space.n_sites();
    for (const double w : of_flavour) of_flavour_.push_back(static_cast<int>(w));
    const auto first = static_cast<std::size_t>(
        std::find_if(of_flavour.begin(), of_flavour.end(), [](double w) { return w != 0; }) - of_flavour.begin());
    for (QuadraticEntry e : entries_) {
      if (!of_flavour.empty()) {
        // One entry stands for those of all flavours.
        if (space.flavour_of(e.p) != static_cast<int>(first) || space.flavour_of(e.q) != static_cast<int>(first))
          continue;
        e = {e.parameter, e.p % n_sites, e.q % n_sites, e.weight / (of_flavour[first] * of_flavour[first])};
      }
      const bool goes_on = !groups_.empty() && groups_.back().parameter == e.parameter && groups_.back().p == e.p &&
                           groups_.back().weight == e.weight;
      if (!goes_on) groups_.push_back({e.parameter, e.p, e.weight, partners_.size(), partners_.size()});
      partners_.push_back(e.q);
      groups_.back().end = partners_.size();
    }
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
  /// Whether V is the same for all four pairs of places of two sites, and joins those of one site at most with each other.
  bool keeps_total_spin() const override {
    if (!of_electrons_) return false;
    const int n_sites = n_ / 2;
    std::map<std::pair<int, int>, std::set<std::pair<int, double>>> of_sites;
    std::map<std::pair<int, int>, int> count;
    for (const QuadraticEntry& e : entries_) {
      const int i = e.p % n_sites;
      const int j = e.q % n_sites;
      const std::pair<int, int> sites(std::min(i, j), std::max(i, j));
      if (sites.first == sites.second && e.p == e.q) return false;
      of_sites[sites].insert({e.parameter, e.weight});
      ++count[sites];
    }
    return std::all_of(count.begin(), count.end(), [&](const auto& entry) {
      const auto& [sites, number] = entry;
      return of_sites.at(sites).size() == 1 && number == (sites.first == sites.second ? 1 : 4);
    });
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
                           std::vector<int> q(state.local, state.local + n_);
                           const std::size_t n_sites = of_flavour_.empty() ? 0 : q.size() / of_flavour_.size();
                           for (std::size_t i = 0; i < n_sites; ++i) {
                             q[i] *= of_flavour_[0];
                             for (std::size_t f = 1; f < of_flavour_.size(); ++f)
                               q[i] += of_flavour_[f] * q[f * n_sites + i];
                           }
                           for (const Group& group : groups_) {
                             const int x = q[static_cast<std::size_t>(group.p)];
                             if (x == 0) continue;
                             int sum = 0;
                             for (std::size_t k = group.first; k < group.end; ++k)
                               sum += q[static_cast<std::size_t>(partners_[k])];
                             o.re(o.at(group.parameter, s)) += group.weight * (x * sum);
                           }
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
  /// Entries of one parameter, place and weight: their other places are partners [first, end).
  struct Group {
    int parameter;
    int p;
    double weight;
    std::size_t first;
    std::size_t end;
  };
  int n_;
  bool of_electrons_;
  std::vector<QuadraticEntry> entries_;  ///< in the order of their groups
  std::vector<int> of_flavour_;          ///< weights of flavours in what groups see; empty: places
  std::vector<Group> groups_;
  std::vector<int> partners_;
  std::vector<double> parameters_;
  std::string description_;
  HostMatrix potential_;
};

}  // namespace

std::unique_ptr<Factor> make_quadratic_factor(const Space& space, std::vector<QuadraticEntry> entries,
                                              std::vector<double> parameters, const std::string& description,
                                              const std::vector<double>& of_flavour) {
  return std::make_unique<QuadraticFactor>(space, std::move(entries), std::move(parameters), description, of_flavour);
}

}  // namespace koushi
