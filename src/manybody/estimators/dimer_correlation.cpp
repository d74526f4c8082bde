#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "../operator_means.hpp"
#include "../rotated_spins.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/operator_products.hpp"
#include "koushi/manybody/spin_products.hpp"

namespace koushi {

namespace {

/// Correlations of D_b = S_i.S_j on the bonds b of nearest neighbours, for each set of bonds that translations join,
///
///   C(t) = <D_b D_(b + t)> - <D>^2,   S(q) = 1/N_b sum_{b b'} e^{i q (r_b - r_b')} (<D_b D_b'> - <D>^2),
///
/// averaged over b. A product of D of two bonds with a common site is the mean of both orders.
///
/// Series      dimer_correlation: of every set <D> and the means of products in the order of the distances
/// Cost        about four ratios of amplitudes of four spins for every pair of bonds of a set
class DimerCorrelation final : public OperatorMeans {
 public:
  DimerCorrelation(const Lattice& lattice, const Space& space, const std::vector<std::int8_t>& rotated)
      : OperatorMeans("dimer_correlation"), momenta_(lattice.momenta()) {
    std::vector<std::pair<int, int>> bonds;
    std::map<std::pair<int, int>, int> number;
    for (const Bond& bond : lattice.bonds()) {
      if (bond.shell != 1 || bond.i == bond.j) continue;
      const std::pair<int, int> ends = std::minmax(bond.i, bond.j);  // two bonds of a direction of two sites are one D
      if (number.emplace(ends, static_cast<int>(bonds.size())).second) bonds.push_back(ends);
    }
    std::vector<Permutation> moved;
    for (const Permutation& t : lattice.translations()) {
      Permutation of_bonds;
      for (const auto& [i, j] : bonds)
        of_bonds.push_back(number.at(std::minmax(t[static_cast<std::size_t>(i)], t[static_cast<std::size_t>(j)])));
      moved.push_back(std::move(of_bonds));
    }
    std::vector<int> set_of(bonds.size(), -1);
    std::vector<std::vector<int>> sets;
    for (std::size_t b = 0; b < bonds.size(); ++b) {
      if (set_of[b] >= 0) continue;
      std::set<int> images;
      for (const Permutation& t : moved) images.insert(t[b]);
      for (const int image : images) set_of[static_cast<std::size_t>(image)] = static_cast<int>(sets.size());
      sets.emplace_back(images.begin(), images.end());
    }
    int n_classes = 0;
    const auto n = static_cast<int>(bonds.size());
    const std::vector<int> classes = pair_classes(
        n, moved,
        [&](int a, int b) { return set_of[static_cast<std::size_t>(a)] == set_of[static_cast<std::size_t>(b)]; },
        n_classes);
    const auto sign = [&](const std::pair<int, int>& bond) {
      return !rotated.empty() &&
                     rotated[static_cast<std::size_t>(bond.first)] != rotated[static_cast<std::size_t>(bond.second)]
                 ? -1.0
                 : 1.0;
    };
    const auto center = [&](const std::pair<int, int>& bond) -> Eigen::VectorXd {
      return lattice.position(bond.first) + 0.5 * lattice.displacement(bond.first, bond.second);
    };
    const OperatorAlphabet alphabet(space);
    std::vector<Operator> operators;
    for (const std::vector<int>& set : sets) {
      const double n_bonds = static_cast<double>(set.size());
      Set one{operators.size(), bonds[static_cast<std::size_t>(set.front())], {}, {}};
      Operator mean(space);
      for (const int b : set) {
        const auto& bond = bonds[static_cast<std::size_t>(b)];
        add_spin_product(mean, bond.first, bond.second, 1 / n_bonds, sign(bond) < 0);
      }
      operators.push_back(std::move(mean));
      std::map<int, std::vector<std::pair<int, int>>> found;
      for (const int a : set) {
        for (const int b : set) {
          if (a <= b) found[classes[static_cast<std::size_t>(a * n + b)]].emplace_back(a, b);
        }
      }
      std::vector<std::pair<double, std::vector<std::pair<int, int>>>> sorted;
      for (auto& [c, pairs] : found) {
        const auto& a = bonds[static_cast<std::size_t>(pairs.front().first)];
        const auto& b = bonds[static_cast<std::size_t>(pairs.front().second)];
        // Ends are in the order of their numbers, not of the bond.
        const bool in_order = is_image(lattice, a.first, b.first);
        sorted.emplace_back(lattice.distance(a.first, in_order ? b.first : b.second), std::move(pairs));
      }
      std::stable_sort(sorted.begin(), sorted.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first - 1e-9; });
      for (const auto& [distance, pairs] : sorted) {
        ProductSum sum(space);
        std::vector<double> phases(momenta_.size());
        for (const auto& [a, b] : pairs) {
          const auto& one_bond = bonds[static_cast<std::size_t>(a)];
          const auto& other = bonds[static_cast<std::size_t>(b)];
          add_product(sum, alphabet, one_bond, sign(one_bond), other, sign(other),
                      1 / static_cast<double>(pairs.size()));
          const Eigen::VectorXd apart = center(one_bond) - center(other);
          for (std::size_t k = 0; k < momenta_.size(); ++k)
            phases[k] += (a == b ? 1.0 : 2.0) * std::cos(momenta_[k].dot(apart)) / n_bonds;
        }
        operators.push_back(operator_of(space, sum));
        one.distance.push_back(distance);
        one.phases.push_back(std::move(phases));
      }
      sets_.push_back(std::move(one));
    }
    set_operators(operators);
  }

  std::vector<Observable> observables() const override { return {}; }

  std::vector<Curve> curves() const override {
    std::vector<Curve> all;
    for (std::size_t s = 0; s < sets_.size(); ++s) {
      const Set& set = sets_[s];
      const std::string of = fmt::format("of the bonds that translations join with that of sites {} and {}",
                                         set.bond.first, set.bond.second);
      Curve correlation{.name = fmt::format("dimer_correlation_{}", s),
                        .help = "<D_b D_b'> - <D>^2, D = S_i.S_j, " + of,
                        .axis = "distance",
                        .x = set.distance,
                        .points = {},
                        .unit = "",
                        .symbol = "$\\langle D D' \\rangle - \\langle D \\rangle^2$"};
      for (std::size_t c = 0; c < set.distance.size(); ++c) {
        std::vector<double> weights(set.distance.size());
        weights[c] = 1;
        correlation.points.push_back(connected(set, weights));
        correlation.points.back().help = correlation.help;
      }
      all.push_back(std::move(correlation));
      Curve factor{.name = fmt::format("dimer_structure_factor_{}", s),
                   .help = "1/N_b sum_bb' e^{i q (r_b - r_b')} (<D_b D_b'> - <D>^2), " + of,
                   .axis = momenta_.front().size() == 1 ? "momentum" : "number of the momentum",
                   .x = {},
                   .points = {},
                   .unit = "",
                   .symbol = "$\\langle D_q D_{-q} \\rangle$"};
      for (std::size_t k = 0; k < momenta_.size(); ++k) {
        factor.x.push_back(momenta_[k].size() == 1 ? momenta_[k](0) : static_cast<double>(k));
        std::vector<double> weights;
        for (const std::vector<double>& phases : set.phases) weights.push_back(phases[k]);
        factor.points.push_back(connected(set, weights));
        factor.points.back().help = factor.help;
      }
      all.push_back(std::move(factor));
    }
    return all;
  }

 private:
  /// Bonds that translations join.
  struct Set {
    std::size_t first;             ///< the operator <D>, behind it those of products
    std::pair<int, int> bond;      ///< one of them
    std::vector<double> distance;  ///< of the bonds of a class of pairs
    std::vector<std::vector<double>>
        phases;  ///< [class][momentum], summed over ordered pairs, over the number of bonds
  };

  static bool is_image(const Lattice& lattice, int i, int j) {
    const std::vector<Permutation> translations = lattice.translations();
    return std::any_of(translations.begin(), translations.end(),
                       [&](const Permutation& t) { return t[static_cast<std::size_t>(i)] == j; });
  }

  /// Adds weight D_a D_b, of both orders half.
  static void add_product(ProductSum& sum, const OperatorAlphabet& alphabet, const std::pair<int, int>& a,
                          double sign_a, const std::pair<int, int>& b, double sign_b, double weight) {
    const std::vector<std::pair<std::string, std::string>> words{{"Sz", "Sz"}, {"S+", "S-"}, {"S-", "S+"}};
    for (std::size_t p = 0; p < words.size(); ++p) {
      for (std::size_t q = 0; q < words.size(); ++q) {
        const double factor = (p == 0 ? 1 : 0.5 * sign_a) * (q == 0 ? 1 : 0.5 * sign_b);
        add_hermitian_part(sum, alphabet, weight * factor,
                           {{words[p].first, a.first},
                            {words[p].second, a.second},
                            {words[q].first, b.first},
                            {words[q].second, b.second}});
      }
    }
  }

  /// sum_c weights_c (<D D>_c - <D>^2).
  Observable connected(const Set& set, const std::vector<double>& weights) const {
    std::vector<double> of_products(count());
    double total = 0;
    for (std::size_t c = 0; c < weights.size(); ++c) {
      of_products[set.first + 1 + c] = weights[c];
      total += weights[c];
    }
    std::vector<double> of_mean(count());
    of_mean[set.first] = 1;
    const Observable products = sum_of(of_products);
    const Observable mean = sum_of(of_mean);
    Observable all = products;
    all.series.insert(all.series.end(), mean.series.begin(), mean.series.end());
    all.value = [products, mean, total](const std::vector<double>& x) {
      const auto end = x.begin() + static_cast<std::ptrdiff_t>(products.series.size());
      const double d = mean.value({end, x.end()});
      return products.value({x.begin(), end}) - total * d * d;
    };
    return all;
  }

  std::vector<Eigen::VectorXd> momenta_;
  std::vector<Set> sets_;
};

std::unique_ptr<Estimator> make(const DeckSection& section, const Lattice& lattice, const Operator& hamiltonian) {
  const Space& space = hamiltonian.space();
  const auto refuse = [&](const std::string& reason) {
    section.deck().refuse("study.measure.observables", "dimer-correlation: " + reason, "other observables");
  };
  if (!lattice.has_geometry()) refuse("these sites have no neighbours");
  if (!has_spins(space) || space.n_flavours() != 1) refuse("it is built for spins alone");
  return std::make_unique<DimerCorrelation>(lattice, space,
                                            rotated_spins(section, "dimer-correlation", lattice, hamiltonian));
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
