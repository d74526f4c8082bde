#include "../diagonal_correlation.hpp"

namespace koushi {

EstimatorKinds::OneKind spin_correlation_kind() {
  return {"spin-correlation",
          "S^z_i S^z_j against the distance, and its structure factor at all momenta; S^z = (n_up - n_down) / 2 of "
          "electrons",
          {},
          [](const DeckSection& section, const Lattice& lattice, const Operator& hamiltonian) {
            const Space& space = hamiltonian.space();
            std::vector<double> weights;
            for (int f = 0; f < space.n_flavours(); ++f) {
              const bool spin = space.flavours()[static_cast<std::size_t>(f)].kind == LocalSpace::Kind::spin;
              weights.push_back(spin || f == 0 ? 0.5 : -0.5);
            }
            if (space.n_flavours() == 1 && space.local(0).kind != LocalSpace::Kind::spin) {
              section.deck().refuse("study.measure.observables", "spin-correlation: these particles have no spin",
                                    "density-correlation");
            }
            return make_diagonal_correlation(
                section, lattice, space, weights,
                {"spin_correlation", "structure_factor", "<S^z_i S^z_j>", "$\\langle S^z_i S^z_j\\rangle$"});
          }};
}

}  // namespace koushi
