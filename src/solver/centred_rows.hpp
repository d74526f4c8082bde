#pragma once

#include <complex>
#include <vector>

#include "koushi/parallel/communicator.hpp"
#include "koushi/parallel/distributed_rows.hpp"

namespace koushi {

/// Obar as an operator in the real representation: centred and weighted rows, Obar_s = sqrt(w_s) (O_s - sum w O), on
/// two calls of DistributedRows.
class CentredRows {
 public:
  using Complex = std::complex<double>;
  /// weights: [rows().count], their sum over all ranks is 1. Collective.
  CentredRows(const Communicator& comm, const DistributedRows& rows, std::vector<double> weights);

  /// sum over the samples of all ranks, in blocks. Collective.
  Complex sum(const std::vector<Complex>& terms) const;
  /// Obar v of the local rows. Not collective.
  std::vector<Complex> multiply(const std::vector<double>& v) const;
  /// Obar^dagger r, replicated; its real part where O is not holomorphic. Collective.
  std::vector<double> multiply_adjoint(std::vector<Complex> r) const;
  /// tr S = sum of |Obar_s|^2. Collective.
  double trace() const;

  const Communicator& comm() const { return comm_; }
  const DistributedRows& rows() const { return rows_; }
  const std::vector<double>& weights() const { return weights_; }
  Complex mean_of_column(std::int64_t k) const;
  /// Holomorphic: conj(sum w O), interleaved; otherwise Re(sum w O).
  const std::vector<double>& mean() const { return mean_; }
  /// sum w Im O; zeros where O is real, empty where it is holomorphic.
  const std::vector<double>& mean_imaginary() const { return mean_imaginary_; }

 private:
  const Communicator& comm_;
  const DistributedRows& rows_;
  std::vector<double> weights_;
  std::vector<double> mean_;
  std::vector<double> mean_imaginary_;
};

}  // namespace koushi
