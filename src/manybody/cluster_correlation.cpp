#include "cluster_correlation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "koushi/manybody/factor_kinds.hpp"

namespace koushi {

namespace {

std::vector<int> sorted(std::vector<int> sites) {
  std::sort(sites.begin(), sites.end());
  return sites;
}

}  // namespace

ClusterCorrelation::ClusterCorrelation(const Lattice& lattice, const Space& space, const ClusterQuantity& quantity)
    : OperatorMeans(quantity.name + "_correlation"),
      name_(quantity.name),
      letter_(quantity.letter),
      help_(quantity.help),
      is_connected_(quantity.is_connected),
      momenta_(lattice.momenta()) {
  const std::vector<std::vector<int>>& clusters = quantity.clusters;
  const auto at = [&](int cluster) -> const std::vector<int>& { return clusters[static_cast<std::size_t>(cluster)]; };
  std::map<std::vector<int>, int> number;
  for (const std::vector<int>& sites : clusters) number.emplace(sorted(sites), static_cast<int>(number.size()));
  const std::vector<Permutation>& translations = lattice.translations();
  std::vector<Permutation> moved;  // of the clusters, by every translation
  for (const Permutation& t : translations) {
    Permutation of_clusters;
    for (const std::vector<int>& sites : clusters) {
      std::vector<int> image;
      for (const int i : sites) image.push_back(t[static_cast<std::size_t>(i)]);
      of_clusters.push_back(number.at(sorted(image)));
    }
    moved.push_back(std::move(of_clusters));
  }
  std::vector<int> set_of(clusters.size(), -1);
  std::vector<std::vector<int>> sets;
  for (std::size_t c = 0; c < clusters.size(); ++c) {
    if (set_of[c] >= 0) continue;
    std::set<int> images;
    for (const Permutation& t : moved) images.insert(t[c]);
    for (const int image : images) set_of[static_cast<std::size_t>(image)] = static_cast<int>(sets.size());
    sets.emplace_back(images.begin(), images.end());
  }
  int n_classes = 0;
  const auto n = static_cast<int>(clusters.size());
  const std::vector<int> classes = pair_classes(
      n, moved,
      [&](int a, int b) { return set_of[static_cast<std::size_t>(a)] == set_of[static_cast<std::size_t>(b)]; },
      n_classes);
  const OperatorAlphabet alphabet(space);
  std::vector<std::vector<ClusterQuantity::Word>> words;
  for (const std::vector<int>& sites : clusters) words.push_back(quantity.words(sites));
  std::vector<Operator> operators;
  for (const std::vector<int>& set : sets) {
    const double n_of_set = static_cast<double>(set.size());
    Set one{operators.size(), at(set.front()), {}, {}};
    ProductSum mean(space);
    for (const int a : set) {
      for (const auto& [factor, product] : words[static_cast<std::size_t>(a)])
        add_hermitian_part(mean, alphabet, factor / n_of_set, product);
    }
    operators.push_back(operator_of(space, mean));
    std::map<int, std::vector<std::pair<int, int>>> found;
    for (const int a : set) {
      for (const int b : set) {
        if (a <= b) found[classes[static_cast<std::size_t>(a * n + b)]].emplace_back(a, b);
      }
    }
    const auto distance_of = [&](const std::pair<int, int>& pair) {  // what a translation moves a to b by
      for (std::size_t t = 0; t < moved.size(); ++t) {
        if (moved[t][static_cast<std::size_t>(pair.first)] != pair.second) continue;
        const int site = at(pair.first).front();
        return lattice.distance(site, translations[t][static_cast<std::size_t>(site)]);
      }
      return 0.0;
    };
    std::vector<std::pair<double, std::vector<std::pair<int, int>>>> by_distance;
    for (auto& [c, pairs] : found) {
      const double distance = distance_of(pairs.front());
      by_distance.emplace_back(distance, std::move(pairs));
    }
    std::stable_sort(by_distance.begin(), by_distance.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first - 1e-9; });
    for (const auto& [distance, pairs] : by_distance) {
      ProductSum sum(space);
      std::vector<double> phases(momenta_.size());
      for (const auto& [a, b] : pairs) {
        for (const auto& [left, one_product] : words[static_cast<std::size_t>(a)]) {
          for (const auto& [right, other] : words[static_cast<std::size_t>(b)]) {
            auto product = one_product;
            product.insert(product.end(), other.begin(), other.end());
            add_hermitian_part(sum, alphabet, left * right / static_cast<double>(pairs.size()), product);
          }
        }
        const Eigen::VectorXd apart =
            quantity.centres[static_cast<std::size_t>(a)] - quantity.centres[static_cast<std::size_t>(b)];
        for (std::size_t k = 0; k < momenta_.size(); ++k)
          phases[k] += (a == b ? 1.0 : 2.0) * std::cos(momenta_[k].dot(apart)) / n_of_set;
      }
      operators.push_back(operator_of(space, sum));
      one.distance.push_back(distance);
      one.phases.push_back(std::move(phases));
    }
    sets_.push_back(std::move(one));
  }
  set_operators(operators);
}

std::string ClusterCorrelation::sites_of(std::size_t set) const {
  const std::vector<int>& sites = sets_[set].cluster;
  std::string text;
  for (std::size_t k = 0; k < sites.size(); ++k)
    text += fmt::format("{}{}", k == 0 ? "" : k + 1 == sites.size() ? " and " : ", ", sites[k]);
  return text;
}

Observable ClusterCorrelation::mean(std::size_t set) const {
  std::vector<double> weights(count());
  weights[sets_[set].first] = 1;
  return sum_of(weights);
}

std::vector<Curve> ClusterCorrelation::curves() const {
  std::vector<Curve> all;
  const std::string minus = is_connected_ ? fmt::format(" - <{}>^2", letter_) : "";
  const std::string symbol = (letter_.size() > 1 ? "\\" : "") + letter_;
  for (std::size_t s = 0; s < sets_.size(); ++s) {
    const Set& set = sets_[s];
    const std::string of_set = sets_.size() > 1 ? fmt::format(", set {}", s) : "";
    const std::string of =
        fmt::format(", {}, of those that translations join with that of sites {}", help_, sites_of(s));
    Curve correlation{.name = fmt::format("{}_correlation_{}", name_, s),
                      .help = fmt::format("<{0} {0}'>{1}", letter_, minus) + of,
                      .axis = "distance",
                      .x = set.distance,
                      .points = {},
                      .unit = "",
                      .symbol = fmt::format("$\\langle {0} {0}' \\rangle{1}${2}", symbol,
                                            is_connected_ ? " - \\langle " + symbol + " \\rangle^2" : "", of_set)};
    for (std::size_t c = 0; c < set.distance.size(); ++c) {
      std::vector<double> weights(set.distance.size());
      weights[c] = 1;
      correlation.points.push_back(combined(set, weights));
      correlation.points.back().help = correlation.help;
    }
    all.push_back(std::move(correlation));
    Curve factor{.name = fmt::format("{}_structure_factor_{}", name_, s),
                 .help = fmt::format("1/N sum e^{{i q (r - r')}} (<{0} {0}'>{1})", letter_, minus) + of,
                 .axis = momenta_.front().size() == 1 ? "momentum" : "number of the momentum",
                 .x = {},
                 .points = {},
                 .unit = "",
                 .symbol = fmt::format("$\\langle {0}_q {0}_{{-q}} \\rangle${1}", symbol, of_set)};
    for (std::size_t k = 0; k < momenta_.size(); ++k) {
      factor.x.push_back(momenta_[k].size() == 1 ? momenta_[k](0) : static_cast<double>(k));
      std::vector<double> weights;
      for (const std::vector<double>& phases : set.phases) weights.push_back(phases[k]);
      factor.points.push_back(combined(set, weights));
      factor.points.back().help = factor.help;
    }
    all.push_back(std::move(factor));
  }
  return all;
}

Observable ClusterCorrelation::combined(const Set& set, const std::vector<double>& weights) const {
  std::vector<double> of_products(count());
  double total = 0;
  for (std::size_t c = 0; c < weights.size(); ++c) {
    of_products[set.first + 1 + c] = weights[c];
    total += weights[c];
  }
  const Observable products = sum_of(of_products);
  if (!is_connected_) return products;
  std::vector<double> of_mean(count());
  of_mean[set.first] = 1;
  const Observable mean = sum_of(of_mean);
  Observable all = products;
  all.series.insert(all.series.end(), mean.series.begin(), mean.series.end());
  all.value = [products, mean, total](const std::vector<double>& x) {
    const auto end = x.begin() + static_cast<std::ptrdiff_t>(products.series.size());
    const double q = mean.value({end, x.end()});
    return products.value({x.begin(), end}) - total * q * q;
  };
  return all;
}

}  // namespace koushi
