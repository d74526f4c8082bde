#pragma once

#include <complex>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/operator_products.hpp"
#include "operator_means.hpp"

namespace koushi {

/// A quantity Q of small sets of sites, as bonds or triangles, and what its curves are called.
struct ClusterQuantity {
  using Word = std::pair<std::complex<double>, std::vector<std::pair<std::string, int>>>;

  std::string name;    ///< "dimer": of the curves dimer_correlation_0 and dimer_structure_factor_0
  std::string letter;  ///< of Q in formulas; a Greek one by its name
  std::string help;    ///< of Q, as "D = S_i.S_j"
  bool is_connected;   ///< the square of the mean is taken away
  std::vector<std::vector<int>> clusters;
  std::vector<Eigen::VectorXd> centres;  ///< [cluster], in the plane that the cluster's first site lies in
  /// Q = sum of the hermitian parts of these products.
  std::function<std::vector<Word>(const std::vector<int>& cluster)> words;
};

/// Correlations of Q, for each set of clusters that translations join,
///
///   C(t) = <Q_a Q_(a + t)> (- <Q>^2),   S(q) = 1/N_Q sum_{a b} e^{i q (r_a - r_b)} (<Q_a Q_b> (- <Q>^2)),
///
/// averaged over a. A product of Q of two clusters with a common site is the mean of both orders.
///
/// Series      NAME_correlation: of every set <Q> and the means of products in the order of the distances
/// Cost        a ratio of amplitudes for every product of words of every pair of clusters of a set
class ClusterCorrelation : public OperatorMeans {
 public:
  ClusterCorrelation(const Lattice& lattice, const Space& space, const ClusterQuantity& quantity);
  std::vector<Observable> observables() const override { return {}; }
  std::vector<Curve> curves() const override;

 protected:
  std::size_t n_sets() const { return sets_.size(); }
  /// The sites of a cluster of a set, as text.
  std::string sites_of(std::size_t set) const;
  /// <Q> of a set.
  Observable mean(std::size_t set) const;

 private:
  /// Clusters that translations join.
  struct Set {
    std::size_t first;             ///< the operator <Q>, behind it those of products
    std::vector<int> cluster;      ///< one of them
    std::vector<double> distance;  ///< of the clusters of a class of pairs
    /// [class][momentum], summed over ordered pairs, over the number of clusters
    std::vector<std::vector<double>> phases;
  };
  /// sum_c weights_c (<Q Q>_c (- <Q>^2)).
  Observable combined(const Set& set, const std::vector<double>& weights) const;

  std::string name_;
  std::string letter_;
  std::string help_;
  bool is_connected_;
  std::vector<Eigen::VectorXd> momenta_;
  std::vector<Set> sets_;
};

}  // namespace koushi
