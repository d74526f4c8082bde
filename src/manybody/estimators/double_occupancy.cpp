#include "koushi/manybody/estimator.hpp"

namespace koushi {

namespace {

/// sum_i n_i,up n_i,down / N of every state.
struct CountDoublons {
  LocalRows local;
  StateNumbers numbers;
  int n_sites;
  KOKKOS_FUNCTION void operator()(int s) const {
    int sum = 0;
    for (int i = 0; i < n_sites; ++i) sum += local(s, i) * local(s, n_sites + i);
    numbers(s, 0) = static_cast<double>(sum) / n_sites;
  }
};

class DoubleOccupancy final : public Estimator {
 public:
  explicit DoubleOccupancy(int n_sites) : n_sites_(n_sites) {}
  std::vector<SeriesInfo> series() const override {
    return {{"double_occupancy", 1, "", "$\\langle n_\\uparrow n_\\downarrow\\rangle$"}};
  }
  void measure(const Kokkos::DefaultExecutionSpace& space, const Wavefunction& /*psi*/, const MoveSet& /*moves*/,
               const Batch& batch, const StateNumbers& numbers) const override {
    Kokkos::parallel_for(
        "koushi::manybody::double_occupancy",
        Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(numbers.extent(0))),
        CountDoublons{batch.states.local, numbers, n_sites_});
  }
  std::vector<Observable> observables() const override {
    Observable mean;
    mean.name = "double_occupancy";
    mean.help = "<n_up n_down> of a site";
    mean.series = {{"double_occupancy", 0}};
    mean.unit = "";
    mean.symbol = "$\\langle n_\\uparrow n_\\downarrow\\rangle$";
    return {mean};
  }

 private:
  int n_sites_;
};

}  // namespace

EstimatorKinds::OneKind double_occupancy_kind() {
  return {"double-occupancy",
          "n_up n_down per site",
          {},
          [](const DeckSection& section, const Lattice& lattice, const Operator& hamiltonian) {
            const Space& space = hamiltonian.space();
            if (space.n_flavours() < 2 || space.exclusive())
              section.deck().refuse("study.measure.observables", "double-occupancy: no site can be doubly occupied",
                                    "other observables");
            return std::make_unique<DoubleOccupancy>(lattice.n_sites());
          }};
}

}  // namespace koushi
