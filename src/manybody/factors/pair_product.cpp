#include <fmt/format.h>

#include <Eigen/LU>
#include <numeric>
#include <optional>
#include <utility>

#include "../log_determinant.hpp"
#include "../mean_field.hpp"
#include "../pfaffian_factor.hpp"
#include "../summed_rows.hpp"
#include "koushi/base/error.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/pair_product_kernel.hpp"

namespace koushi {

namespace {

/// psi(x) = det f(i_a, j_b) of n electrons up at i_a and n down at j_b (pair_product_kernel.hpp): the singlet pairs
/// (sum_ij f_ij c^dagger_i,up c^dagger_j,down)^n |0> with the signs of numbered particles.
/// Parameters  f of each class of ordered pairs of sites (i, j) that the group joins, complex ones interleaved
/// Cost        rows and amplitudes: a factorisation of n^3 / 3 flops per state; rows: n^2 look-ups
template <bool is_complex>
class PairProduct final : public Factor {
 public:
  using Scalar = std::conditional_t<is_complex, std::complex<double>, double>;
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  /// classes: [i n_sites + j], numbers from 0 without gaps
  PairProduct(int n_sites, int n, std::vector<int> classes, std::vector<double> parameters, std::string description)
      : n_sites_(n_sites),
        n_(n),
        classes_(std::move(classes)),
        description_(std::move(description)),
        parameters_(std::move(parameters)) {
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
  bool holomorphic() const override { return is_complex; }
  bool is_antisymmetric() const override { return true; }
  bool is_invariant(const std::vector<int>& g) const override {
    for (int i = 0; i < n_sites_; ++i) {
      if (g[static_cast<std::size_t>(n_sites_ + i)] != n_sites_ + g[static_cast<std::size_t>(i)]) return false;
      for (int j = 0; j < n_sites_; ++j) {
        if (class_of(i, j) != class_of(g[static_cast<std::size_t>(i)], g[static_cast<std::size_t>(j)])) return false;
      }
    }
    return true;
  }
  int columns() const override { return PairProductMoves<is_complex>::columns(n_); }

  void refresh(const HostState& state, double* table) const override {
    std::fill_n(table, columns(), 0.0);
    const Matrix inverse = occupied(state).inverse();
    const TableMatrix<is_complex> w = of_table(table);
    for (int b = 0; b < n_; ++b) {
      for (int a = 0; a < n_; ++a) w.row(b).set(a, inverse(b, a));
    }
  }
  std::complex<double> log_amplitude(const HostState& state) const override { return log_determinant(occupied(state)); }

  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& /*list*/, const MoveList& on_device,
                                     int first) const override {
    PairProductMoves<is_complex> moves;
    moves.moves = on_device;
    moves.first = first;
    moves.n_sites = n_sites_;
    moves.n = n_;
    for (int part = 0; part < width; ++part) {
      for (int spin = 0; spin < 2; ++spin) {
        RealRows& to = moves.pairing[part][spin];
        to = RealRows("koushi::manybody::pairing", static_cast<std::size_t>(n_sites_),
                      static_cast<std::size_t>(n_sites_));
        const auto host = Kokkos::create_mirror_view(to);
        for (int i = 0; i < n_sites_; ++i) {
          for (int j = 0; j < n_sites_; ++j) {
            const Scalar value = spin == 0 ? pairing_(i, j) : pairing_(j, i);
            host(i, j) = part == 0 ? std::real(value) : std::imag(value);
          }
        }
        Kokkos::deep_copy(to, host);
      }
    }
    return std::make_unique<FunctorMoves<PairProductMoves<is_complex>>>(moves);
  }

  /// d log det F / d f_c = sum W_ba over the pairs (a, b) whose sites are of class c.
  bool rows_need_tables() const override { return true; }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const HostStates& states,
                                                   const RealRows::host_mirror_type& table, int first) const override {
    const std::int64_t columns = static_cast<std::int64_t>(parameters_.size()) / width;
    return summed_rows<is_complex>(comm, rows, columns, [&](int s, std::vector<Scalar>& sums) {
      const HostState state = states.at(s);
      const TableMatrix<is_complex> w = of_table(table.data() + static_cast<std::size_t>(s) * table.extent(1) + first);
      for (int b = 0; b < n_; ++b) {
        for (int a = 0; a < n_; ++a) {
          Scalar& sum = sums[static_cast<std::size_t>(class_of(up(state, a), down(state, b)))];
          const Complex derivative = w(b, a);
          if constexpr (is_complex) {
            sum += Scalar(derivative.real(), derivative.imag());
          } else {
            sum += derivative.real();
          }
        }
      }
    });
  }
  double bytes_per_row() const override { return 16.0 * static_cast<double>(parameters_.size()); }
  std::string description() const override { return description_; }

 private:
  static constexpr int width = is_complex ? 2 : 1;

  int class_of(int i, int j) const {
    return classes_[static_cast<std::size_t>(i) * static_cast<std::size_t>(n_sites_) + static_cast<std::size_t>(j)];
  }
  TableMatrix<is_complex> of_table(double* table) const {
    return {table, n_, TableMatrix<is_complex>::whole_vectors(n_)};
  }
  int up(const HostState& state, int a) const { return state.particle[a]; }
  int down(const HostState& state, int b) const { return state.particle[n_ + b] - n_sites_; }
  /// F_ab.
  Matrix occupied(const HostState& state) const {
    Matrix f(n_, n_);
    for (int a = 0; a < n_; ++a) {
      for (int b = 0; b < n_; ++b) f(a, b) = pairing_(up(state, a), down(state, b));
    }
    return f;
  }
  void expand() {
    pairing_.resize(n_sites_, n_sites_);
    for (int i = 0; i < n_sites_; ++i) {
      for (int j = 0; j < n_sites_; ++j) {
        const auto c = static_cast<std::size_t>(class_of(i, j));
        if constexpr (is_complex) {
          pairing_(i, j) = {parameters_[2 * c], parameters_[2 * c + 1]};
        } else {
          pairing_(i, j) = parameters_[c];
        }
      }
    }
  }

  int n_sites_;
  int n_;
  std::vector<int> classes_;
  std::string description_;
  std::vector<double> parameters_;
  Matrix pairing_;
};

enum class Pairing { plane_waves, hartree_fock, bcs, random };
enum class Pairs { antiparallel, all };

struct PairProductOptions {
  Pairing pairing = Pairing::plane_waves;
  PairWave wave = PairWave::s;
  std::optional<double> gap;
  Pairs pairs = Pairs::antiparallel;
  std::optional<int> spin;
  std::optional<int> points;
  Numbers weights = Numbers::automatic;
  SiteSymmetry symmetry = SiteSymmetry::none;
  std::optional<std::vector<int>> sublattice;
  double width = 0.001;
  int starts = 8;

  int n_points() const { return points.value_or(8); }

  static const Keys<PairProductOptions>& keys() {
    static const auto all =
        Keys<PairProductOptions>()
            .choice("pairing", &PairProductOptions::pairing,
                    {{"plane-waves", Pairing::plane_waves},
                     {"hartree-fock", Pairing::hartree_fock},
                     {"bcs", Pairing::bcs},
                     {"random", Pairing::random}},
                    "initial f(i, j): sum over the occupied orbitals up and down of the hopping, or of unrestricted "
                    "Hartree-Fock, which makes it their determinant; that of the BCS state of the hopping with the gap "
                    "that is given; or normal numbers")
            .initial()
            .choice(
                "gap.wave", &PairProductOptions::wave,
                {{"s", PairWave::s}, {"extended-s", PairWave::extended_s}, {"d", PairWave::d}},
                "gap of pairing = \"bcs\": on sites; on bonds of the first shell; on those bonds times the cosine of "
                "twice their angle to the first axis")
            .initial()
            .real("gap.amplitude", &PairProductOptions::gap, {positive_number},
                  "the gap of pairing = \"bcs\" on a site or bond, in the units of t; without it 1")
            .example("1.0")
            .initial()
            .choice(
                "pairs", &PairProductOptions::pairs, {{"antiparallel", Pairs::antiparallel}, {"all", Pairs::all}},
                "which electrons are paired: those of opposite spin, or all with all, whose amplitude is a Pfaffian")
            .integer("spin", &PairProductOptions::spin, {0, 100},
                     "total spin S that the state is projected on; without it none. The amplitude is then a sum of "
                     "Pfaffians")
            .example("0")
            .grows()
            .integer("points", &PairProductOptions::points, {1, 256},
                     "points of the integral over angles of the projection on `spin`, which is exact where 2 points > "
                     "pairs + S; without it 8")
            .example("8")
            .grows()
            .choice("weights", &PairProductOptions::weights, words_of_numbers,
                    "numbers f(i, j); automatic: real where H is")
            .choice("symmetry", &PairProductOptions::symmetry, symmetry_words,
                    "f is the same for pairs of sites (i, j) that these symmetries of H join")
            .integers("sublattice", &PairProductOptions::sublattice, {1, 1000000},
                      "of the translations of `symmetry`, those by multiples of these numbers of cells alone: [2, 2] "
                      "leaves f free within cells of two by two")
            .example("[2, 2]")
            .real("width", &PairProductOptions::width, {0},
                  "standard deviation of normal numbers that are added to the initial f, in units of its largest value")
            .initial()
            .integer("starts", &PairProductOptions::starts, {1, 1000},
                     "starts of Hartree-Fock, of which the lowest energy is taken")
            .initial();
    return all;
  }
};

/// The number of each ordered pair of sites (i, j) under a group.
std::vector<int> ordered_pair_classes(int n_sites, const std::vector<Permutation>& group, int& n_classes) {
  const auto n = static_cast<std::size_t>(n_sites);
  std::vector<int> number(n * n, -1);
  n_classes = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (number[i * n + j] >= 0) continue;
      number[i * n + j] = n_classes;
      for (const Permutation& g : group)
        number[static_cast<std::size_t>(g[i]) * n + static_cast<std::size_t>(g[j])] = n_classes;
      ++n_classes;
    }
  }
  return number;
}

/// The pairings of opposite spins, and where asked for those of equal ones: f of up and up, then of down and down. One of
/// equal spins whose two places a symmetry exchanges would be its own negative, and is 0.
PairingClasses classes_of_places(int n_sites, const std::vector<int>& opposite, int n_opposite, bool equal_spins,
                                 const std::vector<Permutation>& group) {
  PairingClasses classes;
  classes.n_places = 2 * n_sites;
  classes.number.assign(static_cast<std::size_t>(classes.n_places) * static_cast<std::size_t>(classes.n_places), -1);
  classes.sign.assign(classes.number.size(), 0);
  const auto set = [&](int p, int q, int number) {
    classes.number[classes.at(p, q)] = classes.number[classes.at(q, p)] = number;
    classes.sign[classes.at(p, q)] = number < 0 ? 0 : 1;
    classes.sign[classes.at(q, p)] = number < 0 ? 0 : -1;
  };
  for (int i = 0; i < n_sites; ++i) {
    for (int j = 0; j < n_sites; ++j) set(i, n_sites + j, opposite[static_cast<std::size_t>(i * n_sites + j)]);
  }
  classes.count = n_opposite;
  const std::vector<Permutation> identity{[&] {
    Permutation same(static_cast<std::size_t>(n_sites));
    std::iota(same.begin(), same.end(), 0);
    return same;
  }()};
  const std::vector<Permutation>& all = group.empty() ? identity : group;
  for (int first = 0; first < 2 * n_sites && equal_spins; first += n_sites) {
    for (int i = 0; i < n_sites; ++i) {
      for (int j = i + 1; j < n_sites; ++j) {
        if (classes.number[classes.at(first + i, first + j)] != -1) continue;
        bool own_negative = false;
        for (const Permutation& g : all)
          own_negative = own_negative || (g[static_cast<std::size_t>(i)] == j && g[static_cast<std::size_t>(j)] == i);
        // -2 marks pairs that are 0, so that they are not met again.
        for (const Permutation& g : all)
          set(first + g[static_cast<std::size_t>(i)], first + g[static_cast<std::size_t>(j)],
              own_negative ? -2 : classes.count);
        classes.count += own_negative ? 0 : 1;
      }
    }
  }
  return classes;
}

/// Refuses what these options cannot give for `up` and `down` electrons.
void check(const DeckSection& section, const PairProductOptions& options, int up, int down) {
  if (options.gap && options.pairing != Pairing::bcs)
    section.refuse("gap.amplitude", "only pairing = \"bcs\" has a gap", "pairing = \"bcs\"");
  if (options.points && !options.spin)
    section.refuse("points", "there is no integral over angles without a projection on a spin", "spin = 0");
  if (up + down == 0)
    section.refuse("kind", "there are no electrons to be paired", "another factor, or another sector");
  const bool equal_spins = options.pairs == Pairs::all;
  if (equal_spins ? (up + down) % 2 != 0 : up != down) {
    section.refuse("kind", fmt::format("{} electrons up and {} down cannot all be paired", up, down),
                   up != down && (up + down) % 2 == 0 && !options.spin
                       ? "pairs = \"all\", a sector with as many up as down, or a Slater determinant"
                       : "a sector with as many up as down, or a Slater determinant");
  }
  if (options.pairing == Pairing::bcs && up != down)
    section.refuse("pairing", "a BCS state has as many electrons up as down", "hartree-fock, plane-waves or random");
  if (!options.spin) return;
  const int spin = *options.spin;
  if (equal_spins)
    section.refuse("spin",
                   "pairs of equal spins mix S^z, which the integral over one angle does not project on a total spin",
                   "pairs = \"antiparallel\", or no spin");
  if (2 * spin > up + down)
    section.refuse("spin", fmt::format("{} electrons have no total spin of {}", up + down, spin),
                   fmt::format("at most {}", (up + down) / 2));
  if (options.n_points() <= spin)
    section.refuse("points", fmt::format("{} points see nothing of a total spin of {}", options.n_points(), spin),
                   fmt::format("more than {}; {} are exact", spin, (up + spin) / 2 + 1));
}

/// 1 and a little of a random matrix that is the same for all pairs of sites that the group joins.
Eigen::MatrixXcd nearly_one(const PairingClasses& classes, const FactorContext& context) {
  const int n = classes.n_places / 2;
  Eigen::MatrixXcd x = Eigen::MatrixXcd::Identity(n, n);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      const auto c = static_cast<std::uint64_t>(classes.number[classes.at(i, n + j)]);
      x(i, j) += 1e-3 * initial_normal(context.seed, context.stream, (1ULL << 40U) + c);
    }
  }
  return x;
}

/// K(p, p') of all places before the noise, and where it comes from. Orbitals in excess of those of the other spin are
/// paired with each other.
Eigen::MatrixXcd initial_pairings(const DeckSection& section, const PairProductOptions& options,
                                  const FactorContext& context, const PairingClasses& classes,
                                  const MeanField& mean_field, std::string& from) {
  const int n = context.hamiltonian.space().n_sites();
  Eigen::MatrixXcd k = Eigen::MatrixXcd::Zero(2 * n, 2 * n);
  if (options.pairing == Pairing::random) return k;
  if (options.pairing == Pairing::bcs) {
    const double gap = options.gap.value_or(1.0);
    k.topRightCorner(n, n) = bcs_pairings(context.hamiltonian, context.lattice, options.wave, gap, section);
    from = fmt::format(", from a BCS state of the hopping, gap {:g}", gap);
  } else {
    const Eigen::MatrixXcd& up = mean_field.blocks[0].orbitals;
    const Eigen::MatrixXcd& down = mean_field.blocks[1].orbitals;
    const Eigen::Index pairs = std::min(up.cols(), down.cols());
    k.topRightCorner(n, n) = paired_orbitals(up.leftCols(pairs), down.leftCols(pairs), nearly_one(classes, context));
    const auto pair_excess = [&](const Eigen::MatrixXcd& orbitals, int first) {
      for (Eigen::Index a = pairs; a + 1 < orbitals.cols(); a += 2)
        k.block(first, first, n, n) +=
            orbitals.col(a) * orbitals.col(a + 1).transpose() - orbitals.col(a + 1) * orbitals.col(a).transpose();
    };
    pair_excess(up, 0);
    pair_excess(down, n);
    from = ", from " + mean_field.description;
  }
  k.bottomLeftCorner(n, n) = -k.topRightCorner(n, n).transpose();
  return k;
}

/// The means of the classes, and normal numbers of the width that is asked for.
std::vector<double> initial_parameters(const DeckSection& section, const PairProductOptions& options,
                                       const FactorContext& context, const PairingClasses& classes,
                                       const Eigen::MatrixXcd& k, bool is_complex, std::string& from) {
  std::vector<std::complex<double>> mean(static_cast<std::size_t>(classes.count));
  std::vector<double> members(mean.size());
  for (int p = 0; p < classes.n_places; ++p) {
    for (int q = 0; q < classes.n_places; ++q) {
      const int number = classes.number[classes.at(p, q)];
      if (number < 0) continue;
      mean[static_cast<std::size_t>(number)] += static_cast<double>(classes.sign[classes.at(p, q)]) * k(p, q);
      members[static_cast<std::size_t>(number)] += 1;
    }
  }
  double kept = 0;
  double largest = 0;
  for (std::size_t c = 0; c < mean.size(); ++c) {
    mean[c] /= members[c];
    kept += members[c] * std::norm(mean[c]);
    largest = std::max(largest, std::abs(mean[c]));
  }
  const bool random = options.pairing == Pairing::random;
  if (!random && kept < 0.1 * k.squaredNorm()) {
    section.refuse("symmetry",
                   "the initial pairings differ among the pairs of sites that these symmetries join, so that little is "
                   "left of their mean",
                   "\"translations\", \"none\", or another pairing");
  }
  if (!random && kept < 0.99 * k.squaredNorm())
    from += fmt::format(", of whose pairings the symmetry leaves {:.0f} %", 100 * std::sqrt(kept / k.squaredNorm()));
  const double width = random ? 1.0 : options.width * largest;
  std::vector<double> parameters;
  for (std::size_t c = 0; c < mean.size(); ++c) {
    parameters.push_back(mean[c].real() + width * initial_normal(context.seed, context.stream, 2 * c));
    if (is_complex)
      parameters.push_back(mean[c].imag() + width * initial_normal(context.seed, context.stream, 2 * c + 1));
  }
  return parameters;
}

/// A symmetric f pairs electrons to singlets, of which nothing is left by a projection on another total spin than 0.
void refuse_singlets(const DeckSection& section, const PairingClasses& classes, const std::vector<double>& parameters,
                     bool is_complex, double width) {
  const int n = classes.n_places / 2;
  double all = 0;
  double antisymmetric = 0;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      const auto number = [&](int p, int q) -> std::complex<double> {
        const auto c = static_cast<std::size_t>(classes.number[classes.at(p, n + q)]);
        if (is_complex) return {parameters[2 * c], parameters[2 * c + 1]};
        return parameters[c];
      };
      all += std::norm(number(i, j));
      antisymmetric += std::norm(number(i, j) - number(j, i));
    }
  }
  if (antisymmetric > (100 * width * width + 1e-12) * all) return;
  section.refuse("spin", "the initial pairings are singlets, and have no part of a total spin other than 0",
                 "pairing = \"random\", or \"hartree-fock\" where it has a spin density");
}

std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const PairProductOptions options = PairProductOptions::keys().read(section);
  const Operator& h = context.hamiltonian;
  const Space& space = h.space();
  if (space.n_flavours() != 2 || !space.is_fermionic(0) || !space.is_fermionic(space.place(1, 0)))
    section.refuse("kind", "the states are not those of electrons up and down", "another factor");
  const bool is_complex = are_complex(options.weights, h, section, "pairings");
  const MeanField mean_field = options.pairing == Pairing::hartree_fock
                                   ? hartree_fock(h, context.lattice, context.seed, options.starts)
                                   : free_orbitals(h);
  if (mean_field.blocks.size() != 2)
    section.refuse("kind", "H does not keep electrons up and down apart", "a Slater determinant");
  const auto up = static_cast<int>(mean_field.blocks[0].orbitals.cols());
  const auto down = static_cast<int>(mean_field.blocks[1].orbitals.cols());
  check(section, options, up, down);
  const int n_sites = space.n_sites();
  const std::vector<Permutation> group =
      sublattice_group(section, options.symmetry, options.sublattice, context.lattice, h);
  int n_opposite = 0;
  std::vector<int> opposite = ordered_pair_classes(n_sites, group, n_opposite);
  PairingClasses classes = classes_of_places(n_sites, opposite, n_opposite, options.pairs == Pairs::all, group);
  std::string from;
  const Eigen::MatrixXcd k = initial_pairings(section, options, context, classes, mean_field, from);
  std::vector<double> parameters = initial_parameters(section, options, context, classes, k, is_complex, from);
  if (options.spin && *options.spin > 0 && options.pairing != Pairing::random)
    refuse_singlets(section, classes, parameters, is_complex, options.width);
  std::string description = fmt::format("{} pairings of {} pairs", classes.count, (up + down) / 2);
  if (options.spin) {
    const int exact = (up + *options.spin) / 2 + 1;
    description += fmt::format(", projected on total spin {} by {} points ({})", *options.spin, options.n_points(),
                               options.n_points() >= exact ? "exact" : fmt::format("{} are exact", exact));
  }
  description += from;
  if (options.spin || options.pairs == Pairs::all) {
    std::vector<SpinRotation> terms{SpinRotation{}};
    if (options.spin) terms = spin_projection(*options.spin, options.n_points());
    return make_pfaffian(std::move(classes), std::move(parameters), is_complex, up + down, std::move(terms),
                         options.spin, std::move(description));
  }
  if (is_complex)
    return std::make_unique<PairProduct<true>>(n_sites, up, std::move(opposite), std::move(parameters), description);
  return std::make_unique<PairProduct<false>>(n_sites, up, std::move(opposite), std::move(parameters), description);
}

}  // namespace

FactorKind pair_product_kind() {
  return {
      "pair-product",
      "determinant of pairings f(i, j) of electrons up at i and down at j, or a Pfaffian of those of all electrons; "
      "projected on a total spin where asked for",
      PairProductOptions::keys().list(), make};
}

}  // namespace koushi
