#include "centred_rows.hpp"

#include <cmath>
#include <utility>

#include "koushi/parallel/tree_sum.hpp"

namespace koushi {

using Complex = std::complex<double>;

CentredRows::CentredRows(const Communicator& comm, const DistributedRows& rows, std::vector<double> weights)
    : comm_(comm), rows_(rows), weights_(std::move(weights)) {
  const std::vector<Complex> w(weights_.begin(), weights_.end());
  mean_ = rows.multiply_adjoint(w);
  if (rows.real_valued()) {
    mean_imaginary_.assign(mean_.size(), 0.0);
  } else if (!rows.holomorphic()) {
    std::vector<Complex> iw;
    for (const double weight : weights_) iw.emplace_back(0, weight);
    mean_imaginary_ = rows.multiply_adjoint(iw);  // Re(O^dagger i w) = sum w Im O
  }
}

Complex CentredRows::sum(const std::vector<Complex>& terms) const {
  const std::int64_t size = rows_.block_rows();
  const RowRange blocks = blocks_of(rows_.rows(), size);
  std::vector<double> parts(static_cast<std::size_t>(2 * blocks.count));
  for (std::size_t s = 0; s < terms.size(); ++s) {
    const std::size_t block = s / static_cast<std::size_t>(size);
    parts[2 * block] += terms[s].real();
    parts[2 * block + 1] += terms[s].imag();
  }
  const std::vector<double> total = tree_sum(comm_, blocks, 2, parts);
  return {total[0], total[1]};
}

std::vector<Complex> CentredRows::multiply(const std::vector<double>& v) const {
  std::vector<Complex> y = rows_.multiply(v);
  Complex mean = 0;
  for (std::size_t p = 0; p < v.size(); ++p) {
    if (!rows_.holomorphic()) {
      mean += Complex(mean_[p], mean_imaginary_[p]) * v[p];
    } else if (p % 2 == 0) {
      mean += Complex(mean_[p], -mean_[p + 1]) * Complex(v[p], v[p + 1]);
    }
  }
  for (std::size_t s = 0; s < y.size(); ++s) y[s] = std::sqrt(weights_[s]) * (y[s] - mean);
  return y;
}

std::vector<double> CentredRows::multiply_adjoint(std::vector<Complex> r) const {
  for (std::size_t s = 0; s < r.size(); ++s) r[s] *= std::sqrt(weights_[s]);
  const Complex total = sum(r);
  std::vector<double> x = rows_.multiply_adjoint(r);
  for (std::size_t p = 0; p < x.size(); ++p) {
    if (!rows_.holomorphic()) {
      x[p] -= mean_[p] * total.real() + mean_imaginary_[p] * total.imag();
    } else if (p % 2 == 0) {
      const Complex shift = Complex(mean_[p], mean_[p + 1]) * total;
      x[p] -= shift.real();
      x[p + 1] -= shift.imag();
    }
  }
  return x;
}

double CentredRows::trace() const {
  const std::vector<double> norms = rows_.row_norms();
  std::vector<Complex> terms;
  for (std::size_t s = 0; s < norms.size(); ++s) terms.emplace_back(weights_[s] * norms[s], 0);
  double trace = sum(terms).real();
  for (const double m : mean_) trace -= m * m;
  for (const double m : mean_imaginary_) trace -= m * m;
  return trace;
}

Complex CentredRows::mean_of_column(std::int64_t k) const {
  const auto q = static_cast<std::size_t>(k);
  return rows_.holomorphic() ? Complex(mean_[2 * q], -mean_[2 * q + 1]) : Complex(mean_[q], mean_imaginary_[q]);
}

}  // namespace koushi
