#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "../stored_rows.hpp"
#include "koushi/base/error.hpp"
#include "koushi/manybody/classical_kernel.hpp"
#include "koushi/manybody/factor_kinds.hpp"

namespace koushi {

namespace {

struct DoublonHolonOptions {
  int shell = 1;

  static const Keys<DoublonHolonOptions>& keys() {
    static const auto all = Keys<DoublonHolonOptions>().integer("shell", &DoublonHolonOptions::shell, {1, 3},
                                                                "distance shell of the partners of a site");
    return all;
  }
};

/// log psi(x) = sum over doubly occupied sites i of d(m_i) + sum over empty sites of h(m_i), m_i: how many of the
/// partners of i are empty, or doubly occupied.
/// Parameters  [m][d, h], m = 0 ... partners of a site
/// Source      H. Yokoyama, H. Shiba, J. Phys. Soc. Jpn. 59, 3669 (1990)
class DoublonHolon final : public Factor {
 public:
  DoublonHolon(const Space& space, std::vector<std::vector<int>> partners)
      : n_(space.n_sites()), partners_(std::move(partners)) {
    for (const auto& list : partners_) most_ = std::max(most_, list.size());
    parameters_.assign(2 * (most_ + 1), 0.0);
  }
  const std::vector<double>& parameters() const override { return parameters_; }
  void set_parameters(const std::vector<double>& parameters) override { parameters_ = parameters; }
  bool embed(const std::vector<double>& parameters) override {
    if (parameters.size() != parameters_.size()) return false;
    parameters_ = parameters;
    return true;
  }
  bool holomorphic() const override { return false; }
  bool is_positive() const override { return true; }
  bool keeps_total_spin() const override { return true; }
  int columns() const override { return 0; }
  void refresh(const HostState& /*state*/, double* /*table*/) const override {}
  std::complex<double> log_amplitude(const HostState& state) const override {
    double sum = 0;
    for_sites(state, [&](std::size_t parameter) { sum += parameters_[parameter]; });
    return sum;
  }
  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& list, const MoveList& on_device,
                                     int /*first*/) const override {
    ClassicalMoves moves;
    moves.moves = on_device;
    moves.n_sites = n_;
    moves.partners = rows("koushi::manybody::partners", partners_);
    std::vector<std::vector<int>> affected;
    for (const Move& move : list) {
      std::set<int> sites;
      for (std::size_t k = 0; k < static_cast<std::size_t>(move.n); ++k) {
        if (move.place[k] >= 2 * n_) continue;  // a spin beside the electrons
        const int site = move.place[k] % n_;
        sites.insert(site);
        for (int j = 0; j < n_; ++j) {
          const auto& theirs = partners_[static_cast<std::size_t>(j)];
          if (std::count(theirs.begin(), theirs.end(), site) > 0) sites.insert(j);
        }
      }
      affected.emplace_back(sites.begin(), sites.end());
    }
    moves.affected = rows("koushi::manybody::affected", affected);
    moves.weights = Kokkos::View<double* [2]>("koushi::manybody::doublon_holon", most_ + 1);
    const auto weights = Kokkos::create_mirror_view(moves.weights);
    for (std::size_t m = 0; m <= most_; ++m) {
      weights(m, 0) = parameters_[2 * m];
      weights(m, 1) = parameters_[2 * m + 1];
    }
    Kokkos::deep_copy(moves.weights, weights);
    return std::make_unique<FunctorMoves<ClassicalMoves>>(moves);
  }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange range, const HostStates& states,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    const auto columns = static_cast<std::int64_t>(parameters_.size());
    SlabMatrix<false> o(columns, range.count);
    Kokkos::parallel_for(
        "koushi::manybody::doublon_holon_rows",
        Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(range.count)), [&](int s) {
          for_sites(states.at(s),
                    [&](std::size_t parameter) { o.re(o.at(static_cast<std::int64_t>(parameter), s)) += 1; });
        });
    return std::make_unique<StoredRows<false>>(comm, range, columns, std::move(o));
  }
  double bytes_per_row() const override { return 8.0 * static_cast<double>(parameters_.size()); }
  std::string description() const override { return fmt::format("{} doublon-holon parameters", parameters_.size()); }

 private:
  static Kokkos::View<int**, Kokkos::LayoutRight> rows(const std::string& label,
                                                       const std::vector<std::vector<int>>& lists) {
    std::size_t longest = 0;
    for (const auto& list : lists) longest = std::max(longest, list.size());
    Kokkos::View<int**, Kokkos::LayoutRight> view(label, lists.size(), longest);
    const auto host = Kokkos::create_mirror_view(view);
    for (std::size_t r = 0; r < lists.size(); ++r) {
      for (std::size_t k = 0; k < longest; ++k) host(r, k) = k < lists[r].size() ? lists[r][k] : -1;
    }
    Kokkos::deep_copy(view, host);
    return view;
  }
  /// body(parameter) for every doubly occupied or empty site.
  template <typename Body>
  void for_sites(const HostState& state, const Body& body) const {
    const auto occupation = [&](int i) { return state.local[i] + state.local[n_ + i]; };
    for (int i = 0; i < n_; ++i) {
      const int here = occupation(i);
      if (here == 1) continue;
      std::size_t others = 0;
      for (const int j : partners_[static_cast<std::size_t>(i)]) others += occupation(j) == 2 - here ? 1 : 0;
      body(2 * others + (here == 2 ? 0 : 1));
    }
  }

  int n_;
  std::vector<std::vector<int>> partners_;
  std::size_t most_ = 0;
  std::vector<double> parameters_;
};

std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const DoublonHolonOptions options = DoublonHolonOptions::keys().read(section);
  const Space& space = context.hamiltonian.space();
  if (space.n_flavours() < 2 || space.exclusive())
    section.refuse("kind", "no site can be doubly occupied here", "electrons with two flavours per site");
  std::vector<std::vector<int>> partners(static_cast<std::size_t>(space.n_sites()));
  for (const Bond& bond : context.lattice.bonds(options.shell)) {
    partners[static_cast<std::size_t>(bond.i)].push_back(bond.j);
    partners[static_cast<std::size_t>(bond.j)].push_back(bond.i);
  }
  if (std::all_of(partners.begin(), partners.end(), [](const auto& list) { return list.empty(); }))
    section.refuse("shell", "no site has a partner", "a shell with bonds");
  return std::make_unique<DoublonHolon>(space, std::move(partners));
}

}  // namespace

FactorKind doublon_holon_kind() {
  return {"doublon-holon",
          "log psi = sum over doubly occupied and empty sites of a parameter for how many of their partners are empty, "
          "or doubly occupied",
          DoublonHolonOptions::keys().list(), make};
}

}  // namespace koushi
