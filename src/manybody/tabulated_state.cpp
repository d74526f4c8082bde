#include "koushi/manybody/tabulated_state.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "koushi/manybody/product.hpp"

namespace koushi {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

/// The table of a sector.
class Table {
 public:
  Table(SectorBasis basis, std::vector<double> coefficients, bool is_complex)
      : basis_(std::move(basis)), coefficients_(std::move(coefficients)), complex_(is_complex) {}

  bool is_real() const { return !complex_; }
  const SectorBasis& basis() const { return basis_; }
  /// psi of as many states as one look at the basis takes.
  std::array<std::complex<double>, SectorBasis::lanes> amplitudes(
      const std::array<std::uint64_t, SectorBasis::lanes>& words) const {
    std::array<SectorBasis::Found, SectorBasis::lanes> found{};
    basis_.find(words, found);
    std::array<std::complex<double>, SectorBasis::lanes> psi{};
    for (std::size_t k = 0; k < psi.size(); ++k) {
      if (found[k].index < 0) continue;
      const std::complex<double> c = complex_ ? std::complex<double>(coefficients_[at(2 * found[k].index)],
                                                                     coefficients_[at(2 * found[k].index + 1)])
                                              : coefficients_[at(found[k].index)];
      psi[k] = c * found[k].phase * basis_.root(found[k].index) / std::sqrt(static_cast<double>(basis_.order()));
    }
    return psi;
  }
  std::complex<double> amplitude(const std::int8_t* local) const {
    std::array<std::uint64_t, SectorBasis::lanes> words{};
    words.fill(basis_.packed().pack(local));
    return amplitudes(words)[0];
  }

 private:
  SectorBasis basis_;
  std::vector<double> coefficients_;
  bool complex_;
};

/// Ratios of amplitudes that are looked up on the host, many walkers at once.
class TabulatedMoves final : public FactorMoves {
 public:
  TabulatedMoves(std::shared_ptr<const Table> table, std::vector<Move> list, int first)
      : table_(std::move(table)), list_(std::move(list)), first_(first) {}

  void multiply_ratios(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed,
                       const Kokkos::View<Complex*>& ratio) const override {
    const auto host_ratio = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, ratio);
    const auto tables = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.table);
    for_moved(space, batch, proposed, [&](int w, std::complex<double> psi) {
      const double* row = &tables(w, batch.column + first_);
      const std::complex<double> quotient = psi / std::complex<double>(row[0], row[1]);
      host_ratio(w) *= Complex(quotient.real(), quotient.imag());
    });
    Kokkos::deep_copy(ratio, host_ratio);
  }
  void accept(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed) const override {
    const auto tables = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.table);
    for_moved(space, batch, proposed, [&](int w, std::complex<double> psi) {
      double* row = &tables(w, batch.column + first_);
      row[0] = psi.real();
      row[1] = psi.imag();
    });
    Kokkos::deep_copy(batch.table, tables);
  }

 private:
  /// Calls body(w, psi(x')) for every walker with a proposed move.
  template <typename Body>
  void for_moved(const Kokkos::DefaultExecutionSpace& space, const Batch& batch, const Proposed& proposed,
                 const Body& body) const {
    space.fence("koushi::manybody::tabulated_moves");
    const auto local = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, batch.states.local);
    const auto move = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, proposed.move);
    const auto sigma = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, proposed.sigma);
    constexpr int lanes = SectorBasis::lanes;
    const int count = static_cast<int>(sigma.extent(0));
    const int places = batch.states.places();
    Kokkos::parallel_for("koushi::manybody::tabulated_moves",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, (count + lanes - 1) / lanes),
                         [&](int group) {
                           std::array<std::uint64_t, lanes> words{};
                           std::vector<std::int8_t> x(at(places));
                           const int last = std::min(count, (group + 1) * lanes);
                           for (int w = group * lanes; w < last; ++w) {
                             if (sigma(w) == 0) continue;
                             std::copy_n(&local(w, batch.copy * places), places, x.begin());
                             const Move& m = list_[at(move(w))];
                             for (std::size_t k = 0; k < at(m.n); ++k)
                               x[at(m.place[k])] = static_cast<std::int8_t>(x[at(m.place[k])] + sigma(w) * m.change[k]);
                             words[at(w - group * lanes)] = table_->basis().packed().pack(x.data());
                           }
                           const auto psi = table_->amplitudes(words);
                           for (int w = group * lanes; w < last; ++w) {
                             if (sigma(w) != 0) body(w, psi[at(w - group * lanes)]);
                           }
                         });
    Kokkos::fence("koushi::manybody::tabulated_moves");
  }

  std::shared_ptr<const Table> table_;
  std::vector<Move> list_;
  int first_;
};

class TabulatedState final : public Factor {
 public:
  explicit TabulatedState(std::shared_ptr<const Table> table) : table_(std::move(table)) {}
  const std::vector<double>& parameters() const override { return none_; }
  void set_parameters(const std::vector<double>& /*parameters*/) override {}
  bool embed(const std::vector<double>& parameters) override { return parameters.empty(); }
  bool holomorphic() const override { return false; }
  bool is_real() const override { return table_->is_real(); }
  int columns() const override { return 2; }  // psi of the walker
  void refresh(const HostState& state, double* table) const override {
    const std::complex<double> psi = table_->amplitude(state.local);
    table[0] = psi.real();
    table[1] = psi.imag();
  }
  std::complex<double> log_amplitude(const HostState& state) const override {
    const std::complex<double> psi = table_->amplitude(state.local);
    if (psi == 0.0) return {-std::numeric_limits<double>::infinity(), 0.0};
    return std::log(psi);
  }
  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& list, const MoveList& /*on_device*/,
                                     int first) const override {
    return std::make_unique<TabulatedMoves>(table_, list, first);
  }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& /*comm*/, RowRange /*rows*/,
                                                   const HostStates& /*states*/,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    return nullptr;
  }
  double bytes_per_row() const override { return 0; }
  std::string description() const override { return std::to_string(table_->basis().size()) + " coefficients"; }

 private:
  std::shared_ptr<const Table> table_;
  std::vector<double> none_;
};

}  // namespace

std::unique_ptr<Wavefunction> make_tabulated_state(SectorBasis basis, std::vector<double> coefficients,
                                                   bool is_complex) {
  const Space space = basis.packed().space();
  std::vector<NamedFactor> factors;
  factors.push_back({"tabulated-state", std::make_unique<TabulatedState>(std::make_shared<const Table>(
                                            std::move(basis), std::move(coefficients), is_complex))});
  return make_product(space, std::move(factors));
}

}  // namespace koushi
