#include <algorithm>
#include <cmath>
#include <utility>

#include "../operator_means.hpp"
#include "../rotated_spins.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/spin_products.hpp"

namespace koushi {

namespace {

/// S_i.S_j averaged over all pairs of sites that translations of the lattice join, which is no number of a state but a
/// local value sum_x' <x|S_i.S_j|x'> psi(x') / psi(x) (of spins without S_i^2 = S (S + 1)); their sums S(k) = 1/N sum_ij e^{i k (r_i - r_j)} S_i.S_j, the
/// total spin S^2 = sum_ij S_i.S_j and, of two sublattices, m_s^2 = 1/N^2 sum_ij (signs) S_i.S_j.
///
/// Series      vector_spin_correlation: the averages in the order of their distances
/// Cost        a ratio of amplitudes of two electrons, or of two spins, for every pair of sites
class VectorSpinCorrelation final : public OperatorMeans {
 public:
  VectorSpinCorrelation(const Lattice& lattice, const Space& space, const std::vector<std::int8_t>& rotated)
      : OperatorMeans("vector_spin_correlation"), n_(space.n_sites()), momenta_(lattice.momenta()) {
    const std::vector<std::int8_t> sublattice = lattice.sublattice_sign();
    is_bipartite_ = !sublattice.empty();
    int n_classes = 0;
    const std::vector<int> classes = pair_classes(
        n_, lattice.translations(), [](int, int) { return true; }, n_classes);
    std::vector<Pairs> found(static_cast<std::size_t>(n_classes));
    for (int i = 0; i < n_; ++i) {
      for (int j = i; j < n_; ++j)
        found[static_cast<std::size_t>(classes[static_cast<std::size_t>(i * n_ + j)])].sites.emplace_back(i, j);
    }
    for (Pairs& pairs : found) pairs.distance = lattice.distance(pairs.sites.front().first, pairs.sites.front().second);
    std::stable_sort(found.begin(), found.end(),
                     [](const Pairs& a, const Pairs& b) { return a.distance < b.distance - 1e-9; });
    std::vector<Operator> operators;
    for (const Pairs& pairs : found) {
      Operator mean(space);
      for (const auto& [i, j] : pairs.sites) {
        const bool turned =
            !rotated.empty() && rotated[static_cast<std::size_t>(i)] != rotated[static_cast<std::size_t>(j)];
        add_spin_product(mean, i, j, 1.0 / static_cast<double>(pairs.sites.size()), turned);
      }
      const bool of_one_site = pairs.sites.front().first == pairs.sites.front().second;
      if (of_one_site) mean.add_constant(square_of_spin(space));
      operators.push_back(std::move(mean));
      distance_.push_back(pairs.distance);
      // Of ordered pairs: those of two sites stand for both orders.
      const double orders = of_one_site ? 1.0 : 2.0;
      total_.push_back(orders * static_cast<double>(pairs.sites.size()));
      double signs = 0;
      for (const auto& [i, j] : pairs.sites) {
        if (!sublattice.empty())
          signs += sublattice[static_cast<std::size_t>(i)] * sublattice[static_cast<std::size_t>(j)];
      }
      staggered_.push_back(orders * signs / (static_cast<double>(n_) * n_));
      for (const Eigen::VectorXd& k : momenta_) {
        double sum = 0;
        for (const auto& [i, j] : pairs.sites)
          sum += orders * std::cos(k.dot(lattice.position(i) - lattice.position(j)));
        phases_.push_back(sum / n_);
      }
    }
    set_operators(operators);
  }

  std::vector<Observable> observables() const override {
    Observable total = sum_of(total_);
    total.name = "total_spin_squared";
    total.help = "<S^2> = S (S + 1) of the whole system, sum over all pairs of sites of S_i.S_j";
    total.symbol = "$\\langle S^2\\rangle$";
    if (!is_bipartite_) return {total};
    Observable staggered = sum_of(staggered_);
    staggered.name = "staggered_magnetization2";
    staggered.help = "1/N^2 sum_ij (sublattice signs) <S_i.S_j>, of the sublattices of nearest neighbours";
    staggered.symbol = "$m_s^2$";
    return {total, staggered};
  }

  std::vector<Curve> curves() const override {
    Curve correlation{.name = name(),
                      .help = "<S_i.S_j>, averaged over pairs that translations join",
                      .axis = "distance",
                      .x = distance_,
                      .points = {},
                      .unit = "",
                      .symbol = "$\\langle S_i \\cdot S_j\\rangle$"};
    for (std::size_t c = 0; c < distance_.size(); ++c) {
      std::vector<double> weights(distance_.size());
      weights[c] = 1;
      correlation.points.push_back(sum_of(weights));
      correlation.points.back().help = correlation.help;
    }
    Curve factor{.name = "vector_structure_factor",
                 .help = "1/N sum_ij e^{i k (r_i - r_j)} <S_i.S_j>, at the momenta of the torus",
                 .axis = momenta_.front().size() == 1 ? "momentum" : "number of the momentum",
                 .x = {},
                 .points = {},
                 .unit = "",
                 .symbol = "$\\langle S_k \\cdot S_{-k}\\rangle$"};
    for (std::size_t k = 0; k < momenta_.size(); ++k) {
      factor.x.push_back(momenta_[k].size() == 1 ? momenta_[k](0) : static_cast<double>(k));
      std::vector<double> weights;
      for (std::size_t c = 0; c < distance_.size(); ++c) weights.push_back(phases_[c * momenta_.size() + k]);
      factor.points.push_back(sum_of(weights));
      factor.points.back().help = factor.help;
    }
    return {correlation, factor};
  }

 private:
  struct Pairs {
    double distance = 0;
    std::vector<std::pair<int, int>> sites;
  };

  int n_;
  std::vector<Eigen::VectorXd> momenta_;
  std::vector<double> distance_;
  std::vector<double> constant_;   ///< what the local values of a class leave out
  std::vector<double> total_;      ///< ordered pairs of a class
  std::vector<double> staggered_;  ///< sums of products of sublattice signs over ordered pairs of a class, over N^2
  bool is_bipartite_ = false;
  std::vector<double> phases_;  ///< [class][momentum], sum of phases over its ordered pairs, divided by N
};

std::unique_ptr<Estimator> make(const DeckSection& section, const Lattice& lattice, const Operator& hamiltonian) {
  const Space& space = hamiltonian.space();
  const Deck& deck = section.deck();
  const auto refuse = [&](const std::string& reason) {
    deck.refuse("study.measure.observables", "vector-spin-correlation: " + reason, "spin-correlation, or others");
  };
  if (!lattice.has_geometry()) refuse("these sites have no distances");
  if (!has_spins(space)) refuse("it is built for spins alone and for electrons alone");
  return std::make_unique<VectorSpinCorrelation>(
      lattice, space, rotated_spins(section, "vector-spin-correlation", lattice, hamiltonian));
}

}  // namespace

EstimatorKinds::OneKind vector_spin_correlation_kind() {
  return {
      "vector-spin-correlation",
      "S_i.S_j, all three components, against the distance, its structure factor at all momenta, and the total spin "
      "<S^2>, and the staggered magnetisation squared of two sublattices",
      {},
      make};
}

}  // namespace koushi
