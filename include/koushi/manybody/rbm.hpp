#pragma once

#include <Eigen/Core>
#include <complex>
#include <cstdint>
#include <memory>
#include <vector>

#include "koushi/base/archive.hpp"
#include "koushi/manybody/rbm_kernel.hpp"
#include "koushi/manybody/spin_hamiltonian.hpp"
#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// Rows are summed over fixed blocks of this many samples; rank boundaries lie on block boundaries.
inline constexpr std::int64_t rows_per_block = 64;

/// Basis states with the RBM's tables t_j = tanh theta_j: what chains hold and what samples are.
struct SpinBatch {
  SpinRows spins;  ///< [n][n_sites]
  RealRows t;      ///< [n][padded] or [n][re: padded, im: padded]
};

/// The Hamiltonian in device arrays. Its moves are moves 0 ... n - 1 of the move table it is used with.
SpinTerms make_terms(const SpinHamiltonian& hamiltonian);

struct RbmOptions {
  int n_sites = 0;
  int density = 1;                                  ///< hidden units per site
  bool visible_bias = false;                        ///< a_i; with a symmetry, one per orbit of sites
  std::vector<std::vector<int>> symmetry;           ///< permutations of the sites, identity first; empty: none
  double width = 0.01;                              ///< standard deviation of initial parameters (each of re, im)
  std::uint64_t seed = 1;
};

/// Restricted Boltzmann machine.
///
///   log psi(s) = sum_i a_i s_i + sum_j ln cosh theta_j,   theta_j = b_j + sum_i s_i W_ij
///
/// With a symmetry group G, hidden unit (f, g) has b = b_f and W_{g(k), (f,g)} = w_fk: `density` * n_sites / |G| filters (at least
/// one, rounded up), so log psi(g s) = log psi(s).
/// Parameters  [a][b][w: filter slow, site fast], complex ones interleaved (re, im)
/// Source      G. Carleo, M. Troyer, Science 355, 602 (2017), eqs. (2) and (S10)
template <bool is_complex>
class Rbm {
 public:
  using Scalar = std::conditional_t<is_complex, std::complex<double>, double>;
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

  explicit Rbm(RbmOptions options);

  std::int64_t n_parameters() const { return static_cast<std::int64_t>(parameters_.size()); }  ///< real numbers
  int n_sites() const { return options_.n_sites; }
  int n_hidden() const { return static_cast<int>(weights_.cols()); }
  int n_filters() const { return n_filters_; }
  int padded() const { return padded_; }
  int table_columns() const { return (is_complex ? 2 : 1) * padded_; }
  const std::vector<double>& parameters() const { return parameters_; }
  void set_parameters(const std::vector<double>& parameters);
  /// Takes the parameters of an RBM with at most as many filters; what it lacks keeps its present (random) values.
  /// False, and nothing changed, if they cannot be those of such an RBM.
  bool embed(const std::vector<double>& parameters);
  /// parameters += factor * delta
  void apply(double factor, const std::vector<double>& delta);

  /// Tables of the given moves for the present parameters.
  RbmTables<is_complex> tables(const std::vector<SpinMove>& moves) const;
  /// t = tanh theta from scratch, for every row of the batch.
  void refresh(SpinBatch& batch) const;
  SpinBatch make_batch(std::int64_t n) const;
  std::complex<double> log_amplitude(const std::int8_t* spins) const;
  /// d log psi / d theta at the samples, rows.count of them here. Keeps a reference to nothing.
  std::unique_ptr<DistributedRows> log_derivatives(const Communicator& comm, RowRange rows, const SpinBatch& samples) const;

 private:
  void expand();

  RbmOptions options_;
  int n_filters_ = 0;
  int n_visible_ = 0;
  int padded_ = 0;
  std::vector<int> orbit_;  ///< [n_sites] -> visible bias
  std::vector<double> parameters_;
  Vector visible_;  ///< [n_sites]
  Vector hidden_;   ///< [n_hidden]
  Matrix weights_;  ///< [n_sites][n_hidden]
};

extern template class Rbm<false>;
extern template class Rbm<true>;

}  // namespace koushi
