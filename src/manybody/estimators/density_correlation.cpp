#include "../diagonal_correlation.hpp"

namespace koushi {

EstimatorKinds::OneKind density_correlation_kind() {
  return {"density-correlation",
          "n_i n_j against the distance, and its structure factor at all momenta; nothing is subtracted",
          {},
          [](const DeckSection& section, const Lattice& lattice, const Operator& hamiltonian) {
            const Space& space = hamiltonian.space();
            std::vector<double> weights;
            bool particles = false;
            for (const LocalSpace& flavour : space.flavours()) {
              const bool spin = flavour.kind == LocalSpace::Kind::spin;
              weights.push_back(spin ? 0.0 : 1.0);
              particles = particles || !spin;
            }
            if (!particles)
              section.deck().refuse("study.measure.observables", "density-correlation: these spins have no density",
                                    "spin-correlation");
            return make_diagonal_correlation(
                section, lattice, space, weights,
                {"density_correlation", "density_structure_factor", "<n_i n_j>", "$\\langle n_i n_j\\rangle$"});
          }};
}

}  // namespace koushi
