#include <algorithm>

#include "koushi/manybody/estimator.hpp"

namespace koushi {

namespace {

struct RealParts {
  Kokkos::View<Complex**, Kokkos::LayoutRight> values;
  StateNumbers numbers;
  KOKKOS_FUNCTION void operator()(int s) const {
    for (std::size_t k = 0; k < values.extent(1); ++k) numbers(s, k) = values(s, k).real();
  }
};

/// The local value sum_x' (H_k)_xx' psi(x') / psi(x) of every part H_k of H, as the hopping of one shell, the repulsion
/// or the field: its mean is <H_k>, and these add up to the energy.
///
/// Series      energy_parts: Re of the local values, in the order of Operator::parts()
/// Cost        as the energy, once more: a ratio of amplitudes per off-diagonal element
class EnergyParts final : public Estimator {
 public:
  explicit EnergyParts(const Operator& hamiltonian) {
    std::vector<const Operator*> operators;
    for (const auto& [name, part] : hamiltonian.parts()) {
      names_.push_back(name);
      operators.push_back(&part);
    }
    UniqueMoves list;
    for (const Move& move : hamiltonian.move_list()) list.number(move);
    terms_ = make_terms(operators, list);
  }

  std::vector<SeriesInfo> series() const override {
    return {{"energy_parts", static_cast<std::int64_t>(names_.size()), "J", "$E_{k,\\mathrm{loc}}$"}};
  }

  void measure(const Kokkos::DefaultExecutionSpace& space, const Wavefunction& /*psi*/, const MoveSet& moves,
               const Batch& states, const StateNumbers& numbers) const override {
    const Kokkos::View<Complex**, Kokkos::LayoutRight> values("koushi::manybody::energy_parts", numbers.extent(0),
                                                              names_.size());
    moves.local_values(space, terms_, states, values);
    Kokkos::parallel_for(
        "koushi::manybody::split_energy_parts",
        Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(numbers.extent(0))),
        RealParts{values, numbers});
  }

  std::vector<Observable> observables() const override {
    std::vector<Observable> all;
    for (std::size_t k = 0; k < names_.size(); ++k) {
      std::string words = names_[k];
      std::replace(words.begin(), words.end(), '_', ',');
      all.push_back({.name = "energy_" + names_[k],
                     .help = "part of the energy, of the terms of hamiltonian." + names_[k],
                     .series = {{"energy_parts", k}},
                     .unit = "J",
                     .symbol = "$E_{\\mathrm{" + words + "}}$"});
    }
    return all;
  }

 private:
  std::vector<std::string> names_;
  Terms terms_;
};

}  // namespace

EstimatorKinds::OneKind energy_parts_kind() {
  return {"energy-parts",
          "the energy by parts of the Hamiltonian: each shell of hopping or exchange, repulsion, fields",
          {},
          [](const DeckSection& section, const Lattice& /*lattice*/, const Operator& hamiltonian) {
            if (hamiltonian.parts().empty())
              section.deck().refuse("study.measure.observables", "energy-parts: this Hamiltonian has no parts",
                                    "other observables");
            return std::make_unique<EnergyParts>(hamiltonian);
          }};
}

}  // namespace koushi
