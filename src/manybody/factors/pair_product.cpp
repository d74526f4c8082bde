#include <fmt/format.h>

#include <Eigen/Dense>
#include <utility>

#include "../log_determinant.hpp"
#include "../mean_field.hpp"
#include "../stored_rows.hpp"
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

  /// classes: [i n_sites + j], numbers from 0 without gaps; initial: f(i, j)
  PairProduct(int n_sites, int n, std::vector<int> classes, const Eigen::MatrixXcd& initial, std::string description)
      : n_sites_(n_sites), n_(n), classes_(std::move(classes)), description_(std::move(description)) {
    std::vector<std::complex<double>> sum;
    std::vector<double> members;
    for (int i = 0; i < n_sites; ++i) {
      for (int j = 0; j < n_sites; ++j) {
        const auto c = static_cast<std::size_t>(class_of(i, j));
        if (c >= sum.size()) {
          sum.resize(c + 1);
          members.resize(c + 1);
        }
        sum[c] += initial(i, j);
        members[c] += 1;
      }
    }
    for (std::size_t c = 0; c < sum.size(); ++c) {
      parameters_.push_back(sum[c].real() / members[c]);
      if (is_complex) parameters_.push_back(sum[c].imag() / members[c]);
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
  int columns() const override { return width * (n_ * n_ + n_); }

  void refresh(const HostState& state, double* table) const override {
    const Matrix inverse = occupied(state).inverse();
    for (Eigen::Index k = 0; k < inverse.size(); ++k) {
      table[k] = std::real(inverse.data()[k]);
      if constexpr (is_complex) table[inverse.size() + k] = std::imag(inverse.data()[k]);
    }
    std::fill_n(table + width * inverse.size(), width * n_, 0.0);
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
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const HostStates& states,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    const std::int64_t columns = static_cast<std::int64_t>(parameters_.size()) / width;
    SlabMatrix<is_complex> o(columns, rows.count);
    Kokkos::parallel_for("koushi::manybody::pair_product_rows",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(rows.count)),
                         [&](int s) {
                           const HostState state = states.at(s);
                           const Matrix inverse = occupied(state).inverse();
                           for (int a = 0; a < n_; ++a) {
                             for (int b = 0; b < n_; ++b) {
                               const std::int64_t at = o.at(class_of(up(state, a), down(state, b)), s);
                               o.re(at) += std::real(inverse(b, a));
                               if constexpr (is_complex) o.im(at) += std::imag(inverse(b, a));
                             }
                           }
                         });
    return std::make_unique<StoredRows<is_complex>>(comm, rows, columns, std::move(o));
  }
  double bytes_per_row() const override { return 16.0 * static_cast<double>(parameters_.size()); }
  std::string description() const override { return description_; }

 private:
  static constexpr int width = is_complex ? 2 : 1;

  int class_of(int i, int j) const {
    return classes_[static_cast<std::size_t>(i) * static_cast<std::size_t>(n_sites_) + static_cast<std::size_t>(j)];
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

enum class Pairing { plane_waves, hartree_fock, random };

struct PairProductOptions {
  Pairing pairing = Pairing::plane_waves;
  Numbers weights = Numbers::automatic;
  SiteSymmetry symmetry = SiteSymmetry::none;
  double width = 0.01;
  int starts = 8;

  static const Keys<PairProductOptions>& keys() {
    static const auto all =
        Keys<PairProductOptions>()
            .choice("pairing", &PairProductOptions::pairing,
                    {{"plane-waves", Pairing::plane_waves},
                     {"hartree-fock", Pairing::hartree_fock},
                     {"random", Pairing::random}},
                    "initial f(i, j): sum over the occupied orbitals up and down of the hopping, or of unrestricted "
                    "Hartree-Fock, which makes it their determinant; or normal numbers")
            .initial()
            .choice("weights", &PairProductOptions::weights, words_of_numbers,
                    "numbers f(i, j); automatic: real where H is")
            .choice("symmetry", &PairProductOptions::symmetry, symmetry_words,
                    "f is the same for pairs of sites (i, j) that these symmetries of H join")
            .real("width", &PairProductOptions::width, {0},
                  "standard deviation of normal numbers that are added to the initial f, in units of its largest value")
            .initial()
            .integer("starts", &PairProductOptions::starts, {1, 1000},
                     "random starts of Hartree-Fock, of which the lowest energy is taken")
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

std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const PairProductOptions options = PairProductOptions::keys().read(section);
  const Operator& h = context.hamiltonian;
  const Space& space = h.space();
  if (space.n_flavours() != 2 || !space.is_fermionic(0) || !space.is_fermionic(space.place(1, 0)))
    section.refuse("kind", "the states are not those of electrons up and down", "another factor");
  const bool is_complex = are_complex(options.weights, h, section, "pairings");
  const MeanField mean_field =
      options.pairing == Pairing::hartree_fock ? hartree_fock(h, context.seed, options.starts) : free_orbitals(h);
  const bool apart = mean_field.blocks.size() == 2;
  const Eigen::Index up = apart ? mean_field.blocks[0].orbitals.cols() : 0;
  if (apart && up == 0 && mean_field.blocks[1].orbitals.cols() == 0)
    section.refuse("kind", "there are no electrons to be paired", "another factor, or another sector");
  if (!apart || up != mean_field.blocks[1].orbitals.cols() || up == 0) {
    section.refuse("kind",
                   apart ? fmt::format("{} electrons up and {} down cannot all be paired", up,
                                       mean_field.blocks[1].orbitals.cols())
                         : "H does not keep electrons up and down apart",
                   "a sector with as many up as down, or a Slater determinant");
  }
  const int n_sites = space.n_sites();
  const std::vector<Permutation> group = symmetry_group(options.symmetry, context.lattice, h);
  int n_classes = 0;
  std::vector<int> classes = ordered_pair_classes(n_sites, group, n_classes);
  Eigen::MatrixXcd f = mean_field.blocks[0].orbitals * mean_field.blocks[1].orbitals.transpose();
  if (options.pairing == Pairing::random) f.setZero();
  const double scale = options.pairing == Pairing::random ? 1.0 : options.width * f.cwiseAbs().maxCoeff();
  // One number per class, so that the mean over a class does not make it small.
  for (int i = 0; i < n_sites; ++i) {
    for (int j = 0; j < n_sites; ++j) {
      const auto c = static_cast<std::uint64_t>(classes[static_cast<std::size_t>(i * n_sites + j)]);
      f(i, j) +=
          scale * std::complex<double>(initial_normal(context.seed, context.stream, 2 * c),
                                       is_complex ? initial_normal(context.seed, context.stream, 2 * c + 1) : 0.0);
    }
  }
  const std::string description =
      fmt::format("{} pairings of {} pairs{}", n_classes, up,
                  options.pairing == Pairing::random ? "" : ", from " + mean_field.description);
  const auto n = static_cast<int>(up);
  if (is_complex) return std::make_unique<PairProduct<true>>(n_sites, n, std::move(classes), f, description);
  return std::make_unique<PairProduct<false>>(n_sites, n, std::move(classes), f, description);
}

}  // namespace

FactorKind pair_product_kind() {
  return {"pair-product", "determinant of pairings f(i, j) of electrons up at i and down at j: as many up as down",
          PairProductOptions::keys().list(), make};
}

}  // namespace koushi
