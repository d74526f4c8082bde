#include "koushi/solver/stochastic_reconfiguration.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "centred_rows.hpp"
#include "koushi/base/error.hpp"
#include "petsc_options.hpp"
#include "petsc_solve.hpp"
#include "sr_systems.hpp"

namespace koushi {

namespace {

using Complex = std::complex<double>;

double norm(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

/// sqrt of |y|^2 over the samples of all ranks.
double length(const CentredRows& rows, std::vector<Complex> y) {
  for (Complex& value : y) value = std::norm(value);
  return std::sqrt(rows.sum(y).real());
}

}  // namespace

class StochasticReconfiguration::Rows : public CentredRows {
  using CentredRows::CentredRows;
};

SrRoute automatic_route(std::int64_t columns, std::int64_t equations, bool one_shift) {
  constexpr std::int64_t most = 16384;  // 2 GB of a complex matrix, over all ranks
  if (!one_shift) return columns > most ? SrRoute::matrix_free : SrRoute::dense;
  if (std::min(columns, equations) > most) return SrRoute::matrix_free;
  return columns <= equations ? SrRoute::dense : SrRoute::sample_space;
}

StochasticReconfiguration::StochasticReconfiguration(const Communicator& comm, const DistributedRows& rows,
                                                     const ConstHostReals& weights, SrOptions options)
    : rows_(std::make_unique<Rows>(comm, rows, std::vector<double>(weights.data(), weights.data() + weights.size()))),
      options_(std::move(options)) {}

StochasticReconfiguration::~StochasticReconfiguration() = default;

/// (Obar^dagger Obar + lambda)^-1 F, F = Obar^dagger residual. In the space of the samples it is
/// Obar^dagger (Obar Obar^dagger + lambda)^-1 residual.
std::vector<double> StochasticReconfiguration::solution(const std::vector<Complex>& residual,
                                                        const std::vector<double>& force) {
  if (report_.route == SrRoute::sample_space) {
    const SampleSystem system(*rows_, report_.shift);
    return rows_->multiply_adjoint(
        system.local(petsc_solve(system, true, system.gather(residual), options_, report_.iterations)));
  }
  const ParameterSystem system(*rows_, shifts_);
  return petsc_solve(system, report_.route == SrRoute::dense, force, options_, report_.iterations);
}

std::vector<double> StochasticReconfiguration::solve(const ConstHostComplexes& residuals, Complex phase) {
  const DistributedRows& rows = rows_->rows();
  const std::vector<double>& weights = rows_->weights();
  std::vector<Complex> weighted;
  for (std::size_t s = 0; s < residuals.size(); ++s) weighted.push_back(weights[s] * residuals(s));
  const Complex mean = rows_->sum(weighted);
  if (!std::isfinite(mean.real()) || !std::isfinite(mean.imag())) {
    throw NumericalError(
        "stochastic reconfiguration: local energies are not finite; remedy: a smaller step or a larger shift");
  }
  std::vector<Complex> residual;
  for (std::size_t s = 0; s < residuals.size(); ++s) residual.push_back(std::sqrt(weights[s]) * (residuals(s) - mean));
  if (phase != 1.0) {
    for (Complex& value : residual) value *= phase;
  }
  std::vector<double> kept;  // mu delta'; empty: there is none
  if (options_.momentum != 0) {
    for (const double x : options_.previous) kept.push_back(options_.momentum * x);
  }
  if (!kept.empty()) {
    const std::vector<Complex> predicted = rows_->multiply(kept);
    for (std::size_t s = 0; s < residual.size(); ++s) residual[s] -= predicted[s];
  }
  const std::vector<double> force = rows_->multiply_adjoint(residual);

  take_petsc_options(rows_->comm(), options_.petsc_options, "sr_", true);
  const std::int64_t n_samples = rows.rows().total;
  report_ = {};
  report_.trace = rows_->trace();
  report_.equations = (rows.real_valued() ? 1 : 2) * n_samples;
  report_.shift =
      options_.shift_absolute + options_.shift_relative * report_.trace / static_cast<double>(rows.columns());
  report_.route = options_.route == SrRoute::automatic
                      ? automatic_route(rows.columns(), rows.holomorphic() ? n_samples : report_.equations,
                                        options_.shift_diagonal == 0)
                      : options_.route;
  const auto columns = static_cast<std::size_t>(rows.columns());
  shifts_.assign(columns, report_.shift);
  if (options_.shift_diagonal > 0) {
    const std::size_t planes = rows.holomorphic() ? 2 : 1;
    const std::vector<double> diagonal = ParameterSystem(*rows_, std::vector<double>(columns)).diagonal();
    for (std::size_t k = 0; k < columns; ++k) shifts_[k] += options_.shift_diagonal * diagonal[planes * k];
  }
  std::vector<double> delta = norm(force) == 0 ? std::vector<double>(force.size(), 0.0) : solution(residual, force);
  if (!std::isfinite(norm(delta))) {
    throw NumericalError("stochastic reconfiguration: the step is not finite; remedy: a larger shift");
  }
  std::vector<Complex> product = rows_->multiply(delta);
  std::vector<double> difference = rows_->multiply_adjoint(product);
  const std::size_t planes = rows.holomorphic() ? 2 : 1;
  for (std::size_t p = 0; p < force.size(); ++p) difference[p] += shifts_[p / planes] * delta[p] - force[p];
  if (!kept.empty()) {
    for (std::size_t p = 0; p < delta.size(); ++p) delta[p] += kept[p];
    product = rows_->multiply(delta);
  }
  report_.distance = length(*rows_, std::move(product));  // delta^T S delta = |Obar delta|^2
  report_.residual = norm(force) > 0 ? norm(difference) / norm(force) : 0;
  return delta;
}

double StochasticReconfiguration::distance(const std::vector<double>& delta) const {
  return length(*rows_, rows_->multiply(delta));
}

std::vector<double> solve_stochastic_reconfiguration(const Communicator& comm, const DistributedRows& rows,
                                                     const std::vector<double>& weights,
                                                     const std::vector<Complex>& energies, const SrOptions& options,
                                                     SrReport& report) {
  StochasticReconfiguration sr(comm, rows, ConstHostReals(weights.data(), weights.size()), options);
  std::vector<double> delta = sr.solve(ConstHostComplexes(energies.data(), energies.size()));
  report = sr.report();
  return delta;
}

}  // namespace koushi
