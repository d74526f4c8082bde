// An observable of ground states of one's own: the staggered magnetisation squared, (sum_i (-1)^i S^z_i)^2 / n.
#include <koushi/manybody/estimator.hpp>

using namespace koushi;

namespace {

struct Staggered {
  LocalRows local;
  StateNumbers numbers;
  int n;
  KOKKOS_FUNCTION void operator()(int s) const {
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += (i % 2 == 0 ? 0.5 : -0.5) * local(s, i);
    numbers(s, 0) = sum * sum / n;
  }
};

class StaggeredSquared final : public Estimator {
 public:
  explicit StaggeredSquared(int n) : n_(n) {}
  std::vector<SeriesInfo> series() const override { return {{"staggered_squared", 1, "", "$m_s^2$"}}; }
  void measure(const Kokkos::DefaultExecutionSpace& space, const Wavefunction& /*psi*/, const MoveSet& /*moves*/,
               const Batch& batch, const StateNumbers& numbers) const override {
    Kokkos::parallel_for(
        "staggered_squared",
        Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(numbers.extent(0))),
        Staggered{batch.states.local, numbers, n_});
  }
  std::vector<Observable> observables() const override {
    Observable mean;
    mean.name = "staggered_squared";
    mean.help = "<(sum_i (-1)^i S^z_i)^2> / n";
    mean.series = {{"staggered_squared", 0}};
    mean.symbol = "$m_s^2$";
    return {mean};
  }

 private:
  int n_;
};

}  // namespace

EstimatorKinds::OneKind staggered_kind() {
  return {"staggered",
          "the staggered magnetisation squared of a ring",
          {},
          [](const DeckSection& /*section*/, const Lattice& lattice, const Operator& /*hamiltonian*/) {
            return std::make_unique<StaggeredSquared>(lattice.n_sites());
          }};
}
