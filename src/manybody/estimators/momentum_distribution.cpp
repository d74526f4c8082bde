#include <algorithm>
#include <cmath>
#include <utility>

#include "../operator_means.hpp"
#include "koushi/manybody/operator_products.hpp"

namespace koushi {

namespace {

/// G(d) = <c^dagger_(r + d) c_r>, averaged over the translations of the lattice and over spins, and
///
///   n(k) = 1/N sum_ij e^{i k (r_i - r_j)} <c^dagger_i c_j>,   sum_k n(k) = particles of one spin times N / cells,
///
/// at all momenta of the torus; of bosons with b. Both hermitian parts of c^dagger_i c_j are measured, since G(d) has an
/// imaginary part where psi has a momentum.
/// Series      momentum_distribution: for every class of pairs of sites the mean of the real and of the imaginary part
/// Cost        a ratio of amplitudes for every pair of sites and spin, twice
class MomentumDistribution final : public OperatorMeans {
 public:
  MomentumDistribution(const Lattice& lattice, const Space& space)
      : OperatorMeans("momentum_distribution"), momenta_(lattice.momenta()) {
    const int n = space.n_sites();
    struct Pairs {
      double distance = 0;
      std::vector<std::pair<int, int>> sites{};  ///< ordered pairs (i, j) that translations join
    };
    std::vector<Pairs> found;
    std::vector<int> known(static_cast<std::size_t>(n * n), -1);
    const auto at = [n](int i, int j) { return static_cast<std::size_t>(i * n + j); };
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        // G(-d) = G(d)*: one of the two is measured
        if (known[at(i, j)] >= 0 || known[at(j, i)] >= 0) continue;
        Pairs pairs{lattice.distance(i, j)};
        for (const Permutation& t : lattice.translations()) {
          const int a = t[static_cast<std::size_t>(i)];
          const int b = t[static_cast<std::size_t>(j)];
          if (known[at(a, b)] >= 0) continue;
          known[at(a, b)] = static_cast<int>(found.size());
          pairs.sites.emplace_back(a, b);
        }
        found.push_back(std::move(pairs));
      }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Pairs& a, const Pairs& b) { return a.distance < b.distance - 1e-9; });
    const bool bosons = space.local(0).kind == LocalSpace::Kind::boson;
    std::vector<std::pair<std::string, std::string>> words{{"cdag", "c"}};
    if (bosons) words = {{"bdag", "b"}};
    if (space.n_flavours() > 1) words = {{"cdag_up", "c_up"}, {"cdag_down", "c_down"}};
    std::vector<Operator> operators;
    std::vector<std::vector<double>> of_momentum(momenta_.size());
    const OperatorAlphabet alphabet(space);
    for (const Pairs& pairs : found) {
      const double weight = 1.0 / static_cast<double>(pairs.sites.size() * words.size());
      // Classes that hold (i, j) and (j, i) have all ordered pairs already; of others the reverse is added here.
      const auto [first, second] = pairs.sites.front();
      const bool both = first == second || std::find(pairs.sites.begin(), pairs.sites.end(),
                                                     std::make_pair(second, first)) != pairs.sites.end();
      for (const bool imaginary : {false, true}) {
        ProductSum sum(space);
        for (const auto& [i, j] : pairs.sites) {
          for (const auto& [create, destroy] : words) {
            add_hermitian_part(sum, alphabet, weight * (imaginary ? std::complex<double>(0, -1) : 1.0),
                               {{create, i}, {destroy, j}});
          }
        }
        operators.push_back(operator_of(space, sum));
      }
      distance_.push_back(pairs.distance);
      for (std::size_t k = 0; k < momenta_.size(); ++k) {
        double cosine = 0;
        double sine = 0;
        for (const auto& [i, j] : pairs.sites) {
          const double phase = momenta_[k].dot(lattice.position(i) - lattice.position(j));
          cosine += (both ? 1.0 : 2.0) * std::cos(phase) / n;
          sine += (both ? 1.0 : 2.0) * std::sin(phase) / n;
        }
        of_momentum[k].push_back(cosine);  // Re e^{i phase} (A + i B) = cos A - sin B
        of_momentum[k].push_back(std::abs(sine) < 1e-12 ? 0.0 : -sine);
      }
    }
    phases_ = std::move(of_momentum);
    set_operators(operators);
  }

  std::vector<Observable> observables() const override { return {}; }

  std::vector<Curve> curves() const override {
    Curve distribution{.name = name(),
                       .help =
                           "n(k) = 1/N sum_ij e^{i k (r_i - r_j)} <c^dagger_i c_j>, of one spin, at the momenta of "
                           "the torus",
                       .axis = momenta_.front().size() == 1 ? "momentum" : "number of the momentum",
                       .x = {},
                       .points = {},
                       .unit = "",
                       .symbol = "$n(k)$"};
    for (std::size_t k = 0; k < momenta_.size(); ++k) {
      distribution.x.push_back(momenta_[k].size() == 1 ? momenta_[k](0) : static_cast<double>(k));
      distribution.points.push_back(sum_of(phases_[k]));
      distribution.points.back().help = distribution.help;
    }
    Curve matrix{.name = "one_body_density_matrix",
                 .help = "Re <c^dagger_i c_j>, of one spin, averaged over pairs that translations join",
                 .axis = "distance",
                 .x = distance_,
                 .points = {},
                 .unit = "",
                 .symbol = "$\\mathrm{Re}\\langle c^\\dagger_i c_j\\rangle$"};
    for (std::size_t c = 0; c < distance_.size(); ++c) {
      std::vector<double> weights(count());
      weights[2 * c] = 1;
      matrix.points.push_back(sum_of(weights));
      matrix.points.back().help = matrix.help;
    }
    return {distribution, matrix};
  }

 private:
  std::vector<Eigen::VectorXd> momenta_;
  std::vector<double> distance_;
  std::vector<std::vector<double>> phases_;  ///< [momentum][operator]
};

}  // namespace

EstimatorKinds::OneKind momentum_distribution_kind() {
  return {"momentum-distribution",
          "n(k) and the one-body density matrix <c^dagger_i c_j> of electrons, spinless fermions or bosons",
          {},
          [](const DeckSection& section, const Lattice& lattice, const Operator& hamiltonian) {
            const Space& space = hamiltonian.space();
            const auto refuse = [&](const std::string& reason) {
              section.deck().refuse("study.measure.observables", "momentum-distribution: " + reason,
                                    "spin-correlation, or others");
            };
            if (space.local(0).kind == LocalSpace::Kind::spin) refuse("spins do not move");
            if (!lattice.has_geometry()) refuse("these sites have no momenta");
            if (lattice.turns_what_goes_around())
              refuse("the ends turn what goes around, so that translations are none of psi");
            return std::unique_ptr<Estimator>(std::make_unique<MomentumDistribution>(lattice, space));
          }};
}

}  // namespace koushi
