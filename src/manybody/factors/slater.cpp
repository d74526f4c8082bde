#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <optional>
#include <utility>

#include "../log_determinant.hpp"
#include "../mean_field.hpp"
#include "../stored_rows.hpp"
#include "koushi/base/error.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/slater_kernel.hpp"

namespace koushi {

namespace {

/// A product of Slater determinants (slater_kernel.hpp) whose orbitals are parameters or fixed.
/// Parameters  block by block [place][orbital], complex ones interleaved; none where the orbitals are fixed
/// Cost        rows and amplitudes: a factorisation of N^3 / 3 flops per state and block
template <bool is_complex>
class Slater final : public Factor {
 public:
  using Scalar = std::conditional_t<is_complex, std::complex<double>, double>;
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  Slater(std::vector<OrbitalBlock> blocks, bool optimised, std::string description)
      : blocks_(std::move(blocks)), optimised_(optimised), description_(std::move(description)) {
    for (const OrbitalBlock& block : blocks_) {
      Matrix orbitals(block.orbitals.rows(), block.orbitals.cols());
      for (Eigen::Index k = 0; k < orbitals.size(); ++k) {
        const std::complex<double> value = block.orbitals(k / orbitals.cols(), k % orbitals.cols());
        if constexpr (is_complex) {
          orbitals.data()[k] = value;
        } else {
          orbitals.data()[k] = value.real();
        }
      }
      orbitals_.push_back(std::move(orbitals));
      columns_ += width * block.orbitals.rows() * block.orbitals.cols();
    }
    if (optimised_) write_parameters();
  }

  const std::vector<double>& parameters() const override { return parameters_; }
  void set_parameters(const std::vector<double>& parameters) override {
    parameters_ = parameters;
    const double* from = parameters_.data();
    for (Matrix& orbitals : orbitals_) {
      if (!optimised_) return;
      for (Eigen::Index k = 0; k < orbitals.size(); ++k, from += width) {
        if constexpr (is_complex) {
          orbitals.data()[k] = {from[0], from[1]};
        } else {
          orbitals.data()[k] = *from;
        }
      }
    }
  }
  bool embed(const std::vector<double>& parameters) override {
    if (parameters.size() != parameters_.size()) return false;
    set_parameters(parameters);
    return true;
  }
  bool holomorphic() const override { return is_complex; }
  bool is_antisymmetric() const override { return true; }
  int columns() const override { return static_cast<int>(columns_); }

  void refresh(const HostState& state, double* table) const override {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const Matrix& phi = orbitals_[b];
      const Matrix ratios = phi * occupied(b, state).inverse();  // [place][particle]
      for (Eigen::Index k = 0; k < ratios.size(); ++k) {
        table[k] = std::real(ratios.data()[k]);
        if constexpr (is_complex) table[ratios.size() + k] = std::imag(ratios.data()[k]);
      }
      table += width * ratios.size();
    }
  }

  std::complex<double> log_amplitude(const HostState& state) const override {
    std::complex<double> sum = 0;
    for (std::size_t b = 0; b < blocks_.size(); ++b) sum += log_determinant(occupied(b, state));
    return sum;
  }

  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& /*list*/, const MoveList& on_device,
                                     int first) const override {
    SlaterMoves<is_complex> moves;
    moves.moves = on_device;
    moves.n_blocks = static_cast<int>(blocks_.size());
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const auto places = static_cast<int>(blocks_[b].orbitals.rows());
      const auto particles = static_cast<int>(blocks_[b].orbitals.cols());
      moves.blocks[b] = {first, blocks_[b].place, places, blocks_[b].particle, particles};
      first += width * places * particles;
    }
    return std::make_unique<FunctorMoves<SlaterMoves<is_complex>>>(moves);
  }

  /// d log det / d Phi[p][alpha] = (Phi_R^-1)[alpha][a] where particle a is at p, else 0.
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const HostStates& states,
                                                   const RealRows::host_mirror_type& /*table*/,
                                                   int /*first*/) const override {
    const std::int64_t columns = static_cast<std::int64_t>(parameters_.size()) / width;
    SlabMatrix<is_complex> o(columns, rows.count);
    Kokkos::parallel_for("koushi::manybody::slater_rows",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, static_cast<int>(rows.count)),
                         [&](int s) {
                           std::int64_t column = 0;
                           for (std::size_t b = 0; b < blocks_.size(); ++b) {
                             const HostState state = states.at(s);
                             const Matrix inverse = occupied(b, state).inverse();
                             const Eigen::Index n = inverse.rows();
                             for (Eigen::Index a = 0; a < n; ++a) {
                               const std::int64_t place = state.particle[blocks_[b].particle + a] - blocks_[b].place;
                               for (Eigen::Index alpha = 0; alpha < n; ++alpha) {
                                 const std::int64_t at = o.at(column + place * n + alpha, s);
                                 o.re(at) = std::real(inverse(alpha, a));
                                 if constexpr (is_complex) o.im(at) = std::imag(inverse(alpha, a));
                               }
                             }
                             column += orbitals_[b].size();
                           }
                         });
    return std::make_unique<StoredRows<is_complex>>(comm, rows, columns, std::move(o));
  }
  double bytes_per_row() const override { return 8.0 * static_cast<double>(parameters_.size()); }
  std::string description() const override { return description_; }

 private:
  static constexpr int width = is_complex ? 2 : 1;

  /// Phi_R[a][alpha], the rows of the places of the particles.
  Matrix occupied(std::size_t b, const HostState& state) const {
    const Matrix& phi = orbitals_[b];
    Matrix rows(phi.cols(), phi.cols());
    for (Eigen::Index a = 0; a < phi.cols(); ++a)
      rows.row(a) = phi.row(state.particle[blocks_[b].particle + a] - blocks_[b].place);
    return rows;
  }
  void write_parameters() {
    for (const Matrix& orbitals : orbitals_) {
      for (Eigen::Index k = 0; k < orbitals.size(); ++k) {
        parameters_.push_back(std::real(orbitals.data()[k]));
        if constexpr (is_complex) parameters_.push_back(std::imag(orbitals.data()[k]));
      }
    }
  }

  std::vector<OrbitalBlock> blocks_;
  bool optimised_;
  std::string description_;
  std::vector<Matrix> orbitals_;
  Eigen::Index columns_ = 0;
  std::vector<double> parameters_;
};

struct SlaterOptions {
  Orbitals orbitals = Orbitals::plane_waves;
  Numbers weights = Numbers::automatic;
  bool optimised = true;
  double width = 0;
  int starts = 8;

  static const Keys<SlaterOptions>& keys() {
    static const auto all = Keys<SlaterOptions>()
                                .choice("orbitals", &SlaterOptions::orbitals, words_of_orbitals, help_of_orbitals)
                                .initial()
                                .choice("weights", &SlaterOptions::weights, words_of_numbers,
                                        "numbers of the orbitals; automatic: real where H is")
                                .boolean("optimised", &SlaterOptions::optimised,
                                         "orbitals are parameters of the optimisation; false: they stay as they begin")
                                .real("width", &SlaterOptions::width, {0},
                                      "standard deviation of normal numbers that are added to the initial orbitals")
                                .initial()
                                .integer("starts", &SlaterOptions::starts, {1, 1000}, help_of_starts)
                                .initial();
    return all;
  }
};

std::unique_ptr<Factor> make(const DeckSection& section, const FactorContext& context) {
  const SlaterOptions options = SlaterOptions::keys().read(section);
  const Operator& h = context.hamiltonian;
  if (!h.space().is_fermionic()) section.refuse("kind", "there are no fermions in this Hamiltonian", "another factor");
  const bool is_complex = are_complex(options.weights, h, section, "orbitals");
  std::uint64_t index = 0;
  MeanField mean_field =
      initial_orbitals(options.orbitals, h, context.lattice, context.seed, options.starts, is_complex, options.width,
                       [&] { return initial_normal(context.seed, context.stream, index++); });
  std::string description = mean_field.description;
  if (!options.optimised) description += ", fixed";
  if (is_complex)
    return std::make_unique<Slater<true>>(std::move(mean_field.blocks), options.optimised, std::move(description));
  return std::make_unique<Slater<false>>(std::move(mean_field.blocks), options.optimised, std::move(description));
}

}  // namespace

FactorKind slater_kind() {
  return {"slater",
          "Slater determinant of orbitals, one for up and one for down where both are conserved",
          SlaterOptions::keys().list(),
          make,
          {},
          {"fermions"}};
}

}  // namespace koushi
