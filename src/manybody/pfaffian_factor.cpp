#include "pfaffian_factor.hpp"

#include <Eigen/LU>
#include <utility>

#include "koushi/manybody/pfaffian_kernel.hpp"
#include "koushi/manybody/spin_projection_kernel.hpp"
#include "log_sum.hpp"
#include "pfaffian.hpp"
#include "summed_rows.hpp"

namespace koushi {

namespace {

struct PairingOptions {
  PairingClasses classes;
  std::vector<double> parameters;
  int electrons;
  std::vector<SpinRotation> terms;
  std::optional<int> total_spin;
  std::string description;
};

/// What a Pfaffian and a sum of them have in common: parameters, pairings, and rows that are made from tables.
template <bool is_complex>
class PairingFactor : public Factor {
 public:
  using Scalar = std::conditional_t<is_complex, std::complex<double>, double>;
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  explicit PairingFactor(PairingOptions options)
      : classes_(std::move(options.classes)),
        parameters_(std::move(options.parameters)),
        n_(options.electrons),
        terms_(std::move(options.terms)),
        total_spin_(options.total_spin),
        description_(std::move(options.description)) {
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
  std::optional<int> total_spin() const override { return total_spin_; }
  bool is_invariant(const std::vector<int>& g) const override {
    const int n_sites = classes_.n_places / 2;
    for (int i = 0; i < n_sites; ++i) {
      if (g[static_cast<std::size_t>(n_sites + i)] != n_sites + g[static_cast<std::size_t>(i)]) return false;
    }
    for (int p = 0; p < classes_.n_places; ++p) {
      for (int q = 0; q < p; ++q) {
        const std::size_t here = classes_.at(p, q);
        const std::size_t there = classes_.at(g[static_cast<std::size_t>(p)], g[static_cast<std::size_t>(q)]);
        if (classes_.number[here] != classes_.number[there]) return false;
        if (classes_.number[here] >= 0 && classes_.sign[here] != classes_.sign[there]) return false;
      }
    }
    return true;
  }
  bool rows_need_tables() const override { return true; }
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const HostStates& states,
                                                   const RealRows::host_mirror_type& table, int first) const override {
    const std::int64_t columns = static_cast<std::int64_t>(parameters_.size()) / width;
    return summed_rows<is_complex>(comm, rows, columns, [&](int s, std::vector<Scalar>& sums) {
      add_derivatives(states.at(s), table.data() + static_cast<std::size_t>(s) * table.extent(1) + first, sums);
    });
  }
  double bytes_per_row() const override { return 16.0 * static_cast<double>(parameters_.size()); }
  std::string description() const override { return description_; }

 protected:
  static constexpr int width = is_complex ? 2 : 1;

  /// sums_c += d log psi / d theta_c.
  virtual void add_derivatives(const HostState& state, double* table, std::vector<Scalar>& sums) const = 0;

  int points() const { return static_cast<int>(terms_.size()); }
  static Scalar scalar(const Complex& z) {
    if constexpr (is_complex) {
      return {z.real(), z.imag()};
    } else {
      return z.real();
    }
  }
  /// sums of the parameter that is K(p, r) += value.
  void add_to(std::vector<Scalar>& sums, int p, int r, const Scalar& value) const {
    const std::size_t k = classes_.at(p, r);
    const int c = classes_.number[k];
    if (c >= 0) sums[static_cast<std::size_t>(c)] += static_cast<double>(classes_.sign[k]) * value;
  }
  /// K(p, r) before all spins are turned.
  Scalar pairing_not_turned(int p, int r) const {
    const std::size_t k = classes_.at(p, r);
    if (classes_.number[k] < 0) return 0;
    const auto at = static_cast<std::size_t>(width * classes_.number[k]);
    return static_cast<double>(classes_.sign[k]) * scalar({parameters_[at], is_complex ? parameters_[at + 1] : 0.0});
  }
  /// X_q(x).
  Matrix occupied(const HostState& state, int q) const {
    const Matrix& k = pairing_[static_cast<std::size_t>(q)];
    Matrix x(n_, n_);
    for (int a = 0; a < n_; ++a) {
      for (int b = 0; b < n_; ++b) x(a, b) = k(state.particle[a], state.particle[b]);
    }
    return x;
  }

 private:
  void expand() {
    Matrix k = Matrix::Zero(classes_.n_places, classes_.n_places);
    for (int p = 0; p < classes_.n_places; ++p) {
      for (int r = 0; r < classes_.n_places; ++r) k(p, r) = pairing_not_turned(p, r);
    }
    pairing_.clear();
    const int n_sites = classes_.n_places / 2;
    for (const SpinRotation& term : terms_) {
      if (term.angle == 0) {
        pairing_.push_back(k);
        continue;
      }
      const double c = std::cos(0.5 * term.angle);
      const double s = std::sin(0.5 * term.angle);
      Matrix turned(k.rows(), k.cols());
      turned.topRows(n_sites) = c * k.topRows(n_sites) - s * k.bottomRows(n_sites);
      turned.bottomRows(n_sites) = s * k.topRows(n_sites) + c * k.bottomRows(n_sites);
      Matrix both(k.rows(), k.cols());
      both.leftCols(n_sites) = c * turned.leftCols(n_sites) - s * turned.rightCols(n_sites);
      both.rightCols(n_sites) = s * turned.leftCols(n_sites) + c * turned.rightCols(n_sites);
      pairing_.push_back(std::move(both));
    }
  }

 protected:
  PairingClasses classes_;
  std::vector<double> parameters_;
  int n_;
  std::vector<SpinRotation> terms_;
  std::optional<int> total_spin_;
  std::string description_;
  std::vector<Matrix> pairing_;  ///< R_q K R_q^T
};

/// psi(x) = Pf K(x_a, x_b) (pfaffian_kernel.hpp).
template <bool is_complex>
class Pfaffian final : public PairingFactor<is_complex> {
  using Base = PairingFactor<is_complex>;
  using Base::n_;
  using Base::width;
  using typename Base::Matrix;
  using typename Base::Scalar;
  using Moves = PfaffianMoves<is_complex>;
  using Table = TableMatrix<is_complex>;

 public:
  using Base::Base;
  int columns() const override { return Moves::columns(n_); }
  void refresh(const HostState& state, double* table) const override {
    std::fill_n(table, columns(), 0.0);
    const Matrix v = this->occupied(state, 0).inverse();
    for (int a = 0; a < n_; ++a) {
      for (int b = 0; b < n_; ++b) of_table(table).row(a).set(b, v(a, b));
    }
  }
  std::complex<double> log_amplitude(const HostState& state) const override {
    return log_pfaffian(this->occupied(state, 0));
  }
  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& /*list*/, const MoveList& on_device,
                                     int first) const override {
    Moves moves;
    moves.moves = on_device;
    moves.first = first;
    moves.n = n_;
    const Matrix& k = this->pairing_[0];
    for (int part = 0; part < width; ++part) {
      moves.pairing[part] =
          RealRows("koushi::manybody::pairing", static_cast<std::size_t>(k.rows()), static_cast<std::size_t>(k.cols()));
      const auto host = Kokkos::create_mirror_view(moves.pairing[part]);
      for (Eigen::Index i = 0; i < k.size(); ++i)
        host.data()[i] = part == 0 ? std::real(k.data()[i]) : std::imag(k.data()[i]);
      Kokkos::deep_copy(moves.pairing[part], host);
    }
    return std::make_unique<FunctorMoves<Moves>>(moves);
  }

 private:
  Table of_table(double* table) const { return {table, n_, Table::whole_vectors(n_)}; }
  /// d log Pf X = 1/2 Tr V dX.
  void add_derivatives(const HostState& state, double* table, std::vector<Scalar>& sums) const override {
    const Table v = of_table(table);
    for (int a = 0; a < n_; ++a) {
      for (int b = 0; b < a; ++b) this->add_to(sums, state.particle[a], state.particle[b], Base::scalar(v(b, a)));
    }
  }
};

/// psi(x) = sum_q w_q Pf [R_q K R_q^T](x_a, x_b) of pairs of opposite spins (spin_projection_kernel.hpp).
template <bool is_complex>
class SpinProjection final : public PairingFactor<is_complex> {
  using Base = PairingFactor<is_complex>;
  using Base::n_;
  using Base::points;
  using Base::terms_;
  using Base::width;
  using typename Base::Matrix;
  using typename Base::Scalar;
  using Moves = SpinProjectionMoves<is_complex>;

 public:
  using Base::Base;
  int columns() const override { return Moves::columns(n_, depth()); }
  void refresh(const HostState& state, double* table) const override {
    std::fill_n(table, columns(), 0.0);
    std::vector<std::complex<double>> terms;
    for (int q = 0; q < points(); ++q) {
      const Matrix x = this->occupied(state, q);
      const Matrix v = x.inverse();
      // Beyond the last the last is repeated.
      for (int to = q; to < (q + 1 < points() ? q + 1 : depth()); ++to) {
        for (int a = 0; a < n_; ++a) {
          for (int b = 0; b < a; ++b) {
            const int at = Moves::entry(a, b) * depth() + to;
            table[at] = std::real(v(a, b));
            if constexpr (is_complex) table[Moves::plane(n_, depth()) + at] = std::imag(v(a, b));
          }
        }
      }
      terms.push_back(log_term(q, x));
    }
    const LogSum sum = log_sum(std::move(terms));
    double* shares = table + Moves::column_of_shares(n_, depth());
    for (int q = 0; q < points(); ++q) {
      shares[q] = sum.shares[static_cast<std::size_t>(q)].real();
      shares[depth() + q] = sum.shares[static_cast<std::size_t>(q)].imag();
    }
  }
  std::complex<double> log_amplitude(const HostState& state) const override {
    std::vector<std::complex<double>> terms;
    for (int q = 0; q < points(); ++q) terms.push_back(log_term(q, this->occupied(state, q)));
    return log_sum(std::move(terms)).total;
  }
  std::unique_ptr<FactorMoves> moves(const std::vector<Move>& /*list*/, const MoveList& on_device,
                                     int first) const override {
    Moves moves;
    moves.moves = on_device;
    moves.first = first;
    moves.n = n_;
    moves.d = depth();
    const int n_sites = this->classes_.n_places / 2;
    moves.n_sites = n_sites;
    const auto n = static_cast<std::size_t>(n_sites);
    for (int part = 0; part < width; ++part) {
      const auto number = [&](int i, int j) {
        const Scalar value = this->pairing_not_turned(i, n_sites + j);
        return part == 0 ? std::real(value) : std::imag(value);
      };
      moves.pairing[part] = RealRows("koushi::manybody::pairing", n, 2 * n);
      moves.difference[part] = RealRows("koushi::manybody::difference", n, n);
      const auto pairing = Kokkos::create_mirror_view(moves.pairing[part]);
      const auto difference = Kokkos::create_mirror_view(moves.difference[part]);
      for (int i = 0; i < n_sites; ++i) {
        for (int j = 0; j < n_sites; ++j) {
          pairing(i, 2 * j) = number(i, j);
          pairing(i, 2 * j + 1) = number(j, i);
          difference(i, j) = number(j, i) - number(i, j);
        }
      }
      Kokkos::deep_copy(moves.pairing[part], pairing);
      Kokkos::deep_copy(moves.difference[part], difference);
    }
    moves.turns = RealRows("koushi::manybody::turns", 3, static_cast<std::size_t>(depth()));
    const auto turns = Kokkos::create_mirror_view(moves.turns);
    for (int q = 0; q < depth(); ++q) {
      const double half_angle = 0.5 * terms_[static_cast<std::size_t>(std::min(q, points() - 1))].angle;
      turns(0, q) = std::cos(half_angle) * std::cos(half_angle);
      turns(1, q) = std::sin(half_angle) * std::sin(half_angle);
      turns(2, q) = std::cos(half_angle) * std::sin(half_angle);
    }
    Kokkos::deep_copy(moves.turns, turns);
    return std::make_unique<FunctorMoves<Moves>>(moves);
  }

 private:
  int depth() const { return Moves::depth(points()); }
  /// ln w_q Pf X_q.
  std::complex<double> log_term(int q, const Matrix& x) const {
    return log_pfaffian(x) + std::log(std::complex<double>(terms_[static_cast<std::size_t>(q)].weight));
  }
  /// d log psi = sum_q p_q 1/2 Tr V_q R_q dK R_q^T, which the sums over q of p_q V_q with the
  /// products of cosines and sines of R_q give at once: for K(i up, j down) of a pair of sites
  ///   sum_ab of both spins up        c s V_ab           both down   - c s V_ab
  ///          a up at i, b down at j  - c^2 V_ab         b down at i, a up at j   - s^2 V_ab
  /// Electrons up have the first numbers.
  void add_derivatives(const HostState& state, double* table, std::vector<Scalar>& sums) const override {
    const int n_sites = this->classes_.n_places / 2;
    const int half = n_ / 2;
    const double* shares = table + Moves::column_of_shares(n_, depth());
    // p_q times products of cosine c and sine s of half the angles.
    std::vector<Scalar> mixed(static_cast<std::size_t>(depth()));
    std::vector<Scalar> kept(mixed.size());
    std::vector<Scalar> turned(mixed.size());
    for (int k = 0; k < points(); ++k) {
      const auto q = static_cast<std::size_t>(k);
      const double c = std::cos(0.5 * terms_[q].angle);
      const double s = std::sin(0.5 * terms_[q].angle);
      const Scalar share = Base::scalar({shares[k], shares[depth() + k]});
      mixed[q] = c * s * share;
      kept[q] = c * c * share;
      turned[q] = s * s * share;
    }
    const auto sum = [&](const std::vector<Scalar>& weights, int a, int b) {
      const double* re = table + Moves::entry(a, b) * depth();
      const double* im = re + (is_complex ? Moves::plane(n_, depth()) : 0);
      Scalar total = 0;
      for (std::size_t q = 0; q < weights.size(); ++q) total += weights[q] * Base::scalar({re[q], im[q]});
      return total;
    };
    for (int a = 0; a < n_; ++a) {
      const bool a_is_up = a < half;
      const int i = state.particle[a] - (a_is_up ? 0 : n_sites);
      for (int b = 0; b < a; ++b) {
        const bool b_is_up = b < half;
        const int j = state.particle[b] - (b_is_up ? 0 : n_sites);
        if (a_is_up == b_is_up) {
          const Scalar value = (a_is_up ? 1.0 : -1.0) * sum(mixed, a, b);
          this->add_to(sums, i, n_sites + j, value);
          this->add_to(sums, j, n_sites + i, -value);
        } else {  // b is up: V_ba = -V_ab
          this->add_to(sums, j, n_sites + i, sum(kept, a, b));
          this->add_to(sums, i, n_sites + j, sum(turned, a, b));
        }
      }
    }
  }
};

}  // namespace

std::unique_ptr<Factor> make_pfaffian(PairingClasses classes, std::vector<double> parameters, bool is_complex,
                                      int electrons, std::vector<SpinRotation> terms, std::optional<int> total_spin,
                                      std::string description) {
  const bool is_projected = terms.size() > 1 || terms[0].angle != 0;
  PairingOptions options{std::move(classes), std::move(parameters), electrons, std::move(terms),
                         total_spin,         std::move(description)};
  if (is_projected) {
    if (is_complex) return std::make_unique<SpinProjection<true>>(std::move(options));
    return std::make_unique<SpinProjection<false>>(std::move(options));
  }
  if (is_complex) return std::make_unique<Pfaffian<true>>(std::move(options));
  return std::make_unique<Pfaffian<false>>(std::move(options));
}

}  // namespace koushi
