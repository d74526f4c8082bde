#include "operator_means.hpp"

#include <utility>

namespace koushi {

namespace {

struct RealValues {
  Kokkos::View<Complex**, Kokkos::LayoutRight> values;
  StateNumbers numbers;
  KOKKOS_FUNCTION void operator()(int s) const {
    for (std::size_t c = 0; c < values.extent(1); ++c) numbers(s, c) = values(s, c).real();
  }
};

}  // namespace

void OperatorMeans::set_operators(const std::vector<Operator>& operators) {
  std::vector<Operator> without = operators;
  std::vector<const Operator*> pointers;
  for (Operator& one : without) {
    constants_.push_back(one.constant());
    one.add_constant(-one.constant());
    pointers.push_back(&one);
  }
  terms_ = make_terms(pointers, list_);
}

std::vector<SeriesInfo> OperatorMeans::series() const {
  return {{series_, static_cast<std::int64_t>(count()), "", ""}};
}

void OperatorMeans::measure(const Kokkos::DefaultExecutionSpace& space, const Wavefunction& psi,
                            const MoveSet& /*moves*/, const Batch& states, const StateNumbers& numbers) const {
  if (moves_ == nullptr || parameters_ != psi.parameters()) {
    moves_ = psi.moves(list_.moves);
    parameters_ = psi.parameters();
  }
  const Kokkos::View<Complex**, Kokkos::LayoutRight> values("koushi::manybody::operator_values", numbers.extent(0),
                                                            count());
  moves_->local_values(space, terms_, states, values);
  Kokkos::parallel_for(
      "koushi::manybody::split_operator_values",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(numbers.extent(0))),
      RealValues{values, numbers});
}

Observable OperatorMeans::sum_of(const std::vector<double>& weights, double constant) const {
  Observable observable;
  std::vector<double> kept;
  for (std::size_t c = 0; c < count(); ++c) {
    constant += weights[c] * constants_[c];
    if (weights[c] == 0) continue;
    observable.series.push_back({series_, c});
    kept.push_back(weights[c]);
  }
  if (kept.empty()) {  // a number without any noise has a series all the same
    observable.series.push_back({series_, 0});
    kept.push_back(0);
  }
  observable.value = [kept = std::move(kept), constant](const std::vector<double>& x) {
    double sum = constant;
    for (std::size_t c = 0; c < x.size(); ++c) sum += kept[c] * x[c];
    return sum;
  };
  observable.unit = "";
  return observable;
}

}  // namespace koushi
