#include <fmt/format.h>

#include <array>

#include "../cluster_correlation.hpp"
#include "koushi/base/error.hpp"
#include "koushi/manybody/spin_products.hpp"

namespace koushi {

namespace {

/// The scalar chirality S_i.(S_j x S_k) of the triangles of nearest neighbours, i, j, k counter-clockwise.
///
/// Source      X. G. Wen, F. Wilczek, A. Zee, Phys. Rev. B 39, 11413 (1989)
class Chirality final : public ClusterCorrelation {
 public:
  using ClusterCorrelation::ClusterCorrelation;
  std::vector<Observable> observables() const override {
    std::vector<Observable> all;
    for (std::size_t s = 0; s < n_sets(); ++s) {
      Observable one = mean(s);
      one.name = fmt::format("scalar_chirality_{}", s);
      one.help = "<S_i.(S_j x S_k)> counter-clockwise, of the triangles that translations join with that of sites " +
                 sites_of(s);
      all.push_back(std::move(one));
    }
    return all;
  }
};

std::unique_ptr<Estimator> make(const DeckSection& section, const Lattice& lattice, const Operator& hamiltonian) {
  const Space& space = hamiltonian.space();
  const auto refuse = [&](const std::string& reason) {
    section.deck().refuse("study.measure.observables", "scalar-chirality: " + reason, "other observables");
  };
  if (!lattice.has_geometry() || lattice.first_vector().size() != 2) refuse("these sites do not lie in a plane");
  if (!has_spins(space) || space.n_flavours() != 1) refuse("it is built for spins alone");
  if (lattice.turns_what_goes_around()) refuse("spins that go around an end are turned");
  const DeckSection model(section.deck(), "hamiltonian");
  if (model.has("marshall") && model.boolean("marshall"))
    refuse("with a Marshall rotation it is that of rotated spins");
  ClusterQuantity triangles{"chirality", "chi", "chi = S_i.(S_j x S_k) on triangles", false, {}, {}, {}};
  try {
    for (const Ring& ring : lattice.rings(3)) {
      triangles.clusters.emplace_back(ring.sites.begin(), ring.sites.end());
      triangles.centres.push_back(ring.centre);
    }
  } catch (const UsageError& error) {
    refuse(error.what());
  }
  if (triangles.clusters.empty()) refuse("this lattice has no triangles of nearest neighbours");
  // sum over cyclic (i, j, k) of S^z_i (S^x_j S^y_k - S^y_j S^x_k) = i/2 S^z_i (S^+_j S^-_k - S^-_j S^+_k)
  triangles.words = [](const std::vector<int>& t) {
    std::vector<ClusterQuantity::Word> words;
    for (std::size_t a = 0; a < 3; ++a) {
      const int i = t[a];
      const int j = t[(a + 1) % 3];
      const int k = t[(a + 2) % 3];
      words.push_back({{0, 0.5}, {{"Sz", i}, {"S+", j}, {"S-", k}}});
      words.push_back({{0, -0.5}, {{"Sz", i}, {"S-", j}, {"S+", k}}});
    }
    return words;
  };
  return std::make_unique<Chirality>(lattice, space, triangles);
}

}  // namespace

EstimatorKinds::OneKind scalar_chirality_kind() {
  return {"scalar-chirality",
          "S_i.(S_j x S_k) on triangles of nearest neighbours, its correlations against the distance, for every set of "
          "triangles that translations join, and their structure factors at all momenta",
          {},
          make};
}

}  // namespace koushi
