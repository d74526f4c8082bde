#include <algorithm>
#include <set>

#include "../cluster_correlation.hpp"
#include "../rotated_spins.hpp"
#include "koushi/manybody/spin_products.hpp"

namespace koushi {

namespace {

/// D_b = S_i.S_j of the bonds b of nearest neighbours; two bonds between the same sites are one D.
/// Cost        about four ratios of amplitudes of four spins for every pair of bonds of a set
std::unique_ptr<Estimator> make(const DeckSection& section, const Lattice& lattice, const Operator& hamiltonian) {
  const Space& space = hamiltonian.space();
  const auto refuse = [&](const std::string& reason) {
    section.deck().refuse("study.measure.observables", "dimer-correlation: " + reason, "other observables");
  };
  if (!lattice.has_geometry()) refuse("these sites have no neighbours");
  if (!has_spins(space) || space.n_flavours() != 1) refuse("it is built for spins alone");
  const std::vector<std::int8_t> rotated = rotated_spins(section, "dimer-correlation", lattice, hamiltonian);
  ClusterQuantity dimers{"dimer", "D", "D = S_i.S_j on bonds", true, {}, {}, {}};
  std::set<std::pair<int, int>> known;
  for (const Bond& bond : lattice.bonds()) {
    const std::pair<int, int> ends = std::minmax(bond.i, bond.j);
    if (bond.shell != 1 || bond.i == bond.j || !known.insert(ends).second) continue;
    dimers.clusters.push_back({ends.first, ends.second});
    dimers.centres.emplace_back(lattice.position(ends.first) + 0.5 * lattice.displacement(ends.first, ends.second));
  }
  dimers.words = [rotated](const std::vector<int>& bond) {
    const auto sign = [&](int i) { return rotated.empty() ? 1 : rotated[static_cast<std::size_t>(i)]; };
    const double flip = 0.5 * sign(bond[0]) * sign(bond[1]);
    return std::vector<ClusterQuantity::Word>{{1, {{"Sz", bond[0]}, {"Sz", bond[1]}}},
                                              {flip, {{"S+", bond[0]}, {"S-", bond[1]}}},
                                              {flip, {{"S-", bond[0]}, {"S+", bond[1]}}}};
  };
  return std::make_unique<ClusterCorrelation>(lattice, space, dimers);
}

}  // namespace

EstimatorKinds::OneKind dimer_correlation_kind() {
  return {"dimer-correlation",
          "correlations of S_i.S_j on bonds of nearest neighbours less their mean squared, for every set of bonds that "
          "translations join, against the distance, and their structure factors at all momenta",
          {},
          make};
}

}  // namespace koushi
