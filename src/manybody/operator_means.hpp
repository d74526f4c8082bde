#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "koushi/manybody/estimator.hpp"

namespace koushi {

/// Local values sum_x' <x|O|x'> psi(x') / psi(x) of hermitian operators, which need not be made of the moves of H: the
/// numbers of one series, of which estimators make their observables and curves.
/// Cost  a ratio of amplitudes for every move of the operators
class OperatorMeans : public Estimator {
 public:
  explicit OperatorMeans(std::string series) : series_(std::move(series)) {}
  std::vector<SeriesInfo> series() const override;
  void measure(const Kokkos::DefaultExecutionSpace& space, const Wavefunction& psi, const MoveSet& moves,
               const Batch& states, const StateNumbers& numbers) const override;

 protected:
  void set_operators(const std::vector<Operator>& operators);
  std::size_t count() const { return constants_.size(); }
  const std::string& name() const { return series_; }
  /// sum_k weights_k <O_k> + constant; operators without a weight are left out.
  Observable sum_of(const std::vector<double>& weights, double constant = 0) const;

 private:
  std::string series_;
  std::vector<double> constants_;  ///< of the operators, which their local values leave out
  UniqueMoves list_;
  Terms terms_;
  mutable std::unique_ptr<MoveSet> moves_;  ///< at these parameters
  mutable std::vector<double> parameters_;
};

}  // namespace koushi
