// A factor of wavefunctions of one's own: psi(x) = prod_(i<j, both up) d_ij^alpha with the chord d_ij = sin(pi (j - i) / n)
// of a ring of n spins. At alpha = 2 it is the ground state of the Haldane-Shastry ring.
#include <cmath>
#include <koushi/manybody/factor_kinds.hpp>
#include <koushi/manybody/make_stored_rows.hpp>
#include <numbers>

using namespace koushi;

namespace {

int up(int twice_sz) { return (1 + twice_sz) / 2; }

/// With F_i = sum_j n_j ln d_ij in the table, ln psi = alpha / 2 sum_i n_i F_i; a move changes it by alpha (sum_p c_p F_p +
/// 1/2 sum_pq c_p c_q ln d_pq), c the change of n.
struct ChordMoves {
  static constexpr int group = 4;    // walkers that go in step
  static constexpr int at_once = 1;  // ratios that are best taken together

  MoveList moves;
  RealRows log_chord;
  double alpha = 0;
  int first = 0;

  KOKKOS_FUNCTION const MoveSites& at(int k) const { return moves(k); }

  template <bool one_move, int n>
  KOKKOS_FUNCTION void ratios(const LaneTeam& /*team*/, const Walkers& walkers, const int* w, const int* k,
                              const int* sigma, Complex* result) const {
    for (int m = 0; m < n; ++m) {
      const MoveSites& sites = moves(k[m]);
      const double* f = walkers.table_of(w[m]) + first;
      double change = 0;
      for (int p = 0; p < sites.n; ++p) {
        const double c = sigma[m] * sites.change[p] / 2.0;
        change += c * f[sites.place[p]];
        for (int q = 0; q < p; ++q)
          change += c * sigma[m] * sites.change[q] / 2.0 * log_chord(sites.place[p], sites.place[q]);
      }
      result[m] = Kokkos::exp(alpha * change);
    }
  }
  KOKKOS_FUNCTION void accept(const LaneTeam& team, const Walkers& walkers, int w, int k, int sigma) const {
    const MoveSites& sites = moves(k);
    double* f = walkers.table_of(w) + first;
    team.each([&](int lane) {
      for (int i = lane; i < walkers.places; i += LaneTeam::size) {
        for (int p = 0; p < sites.n; ++p) f[i] += sigma * sites.change[p] / 2.0 * log_chord(i, sites.place[p]);
      }
    });
  }
};

class Chord final : public Factor {
 public:
  Chord(int n, double alpha)
      : n_(n), alpha_{alpha}, log_chord_("log_chord", static_cast<std::size_t>(n), static_cast<std::size_t>(n)) {
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j)
        if (i != j)
          log_chord_(static_cast<std::size_t>(i), static_cast<std::size_t>(j)) =
              std::log(std::abs(std::sin(std::numbers::pi * (i - j) / n)));
    }
  }
  const std::vector<double>& parameters() const override { return alpha_; }
  void set_parameters(const std::vector<double>& parameters) override { alpha_ = parameters; }
  bool embed(const std::vector<double>& parameters) override {
    if (parameters.size() != 1) return false;
    alpha_ = parameters;
    return true;
  }
  bool holomorphic() const override { return false; }
  bool is_positive() const override { return true; }
  int columns() const override { return n_; }
  void refresh(const HostState& state, double* table) const override {
    for (int i = 0; i < n_; ++i) {
      table[i] = 0;
      for (int j = 0; j < n_; ++j)
        table[i] += up(state.local[j]) * log_chord_(static_cast<std::size_t>(i), static_cast<std::size_t>(j));
    }
  }
  std::complex<double> log_amplitude(const HostState& state) const override { return alpha_[0] * derivative(state); }
  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& /*list*/, const MoveList& on_device,
                                     int first) const override {
    ChordMoves moves;
    moves.moves = on_device;
    moves.log_chord = RealRows("log_chord", log_chord_.extent(0), log_chord_.extent(1));
    Kokkos::deep_copy(moves.log_chord, log_chord_);
    moves.alpha = alpha_[0];
    moves.first = first;
    return std::make_unique<FunctorMoves<ChordMoves>>(moves);
  }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const HostStates& states,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    const Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> o("rows", static_cast<std::size_t>(rows.count),
                                                                           1);
    for (int s = 0; s < states.count(); ++s) o(static_cast<std::size_t>(s), 0) = derivative(states.at(s));
    return make_stored_rows(comm, rows, RealEntries(o));
  }
  double bytes_per_row() const override { return 8; }
  std::string description() const override { return "a power of the chords"; }

 private:
  double derivative(const HostState& state) const {
    double sum = 0;
    for (int i = 0; i < n_; ++i) {
      for (int j = 0; j < i; ++j)
        sum += up(state.local[i]) * up(state.local[j]) *
               log_chord_(static_cast<std::size_t>(i), static_cast<std::size_t>(j));
    }
    return sum;
  }

  int n_;
  std::vector<double> alpha_;
  Kokkos::View<double**, Kokkos::LayoutRight, Kokkos::HostSpace> log_chord_;
};

struct ChordOptions {
  double exponent = 1;
  static const Keys<ChordOptions>& keys() {
    static const auto all =
        Keys<ChordOptions>().real("exponent", &ChordOptions::exponent, {}, "alpha to begin with").initial();
    return all;
  }
};

}  // namespace

FactorKind chord_kind() {
  return {"chord", "prod_(i<j, both up) sin(pi (j - i) / n)^alpha on a ring", ChordOptions::keys().list(),
          [](const DeckSection& section, const FactorContext& context) -> std::unique_ptr<Factor> {
            if (context.hamiltonian.space().local(0) != LocalSpace::spin(1))
              section.refuse("kind", "the states are not those of spins 1/2", "another factor");
            return std::make_unique<Chord>(context.lattice.n_sites(), ChordOptions::keys().read(section).exponent);
          }};
}
