#include "diagonal_correlation.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <utility>

#include "koushi/manybody/factor.hpp"
#include "koushi/manybody/factor_kinds.hpp"

namespace koushi {

namespace {

class DiagonalCorrelation final : public Estimator {
 public:
  DiagonalCorrelation(const Lattice& lattice, const Space& space, std::vector<double> weights,
                      DiagonalCorrelationNames names)
      : n_(space.n_sites()), weights_(std::move(weights)), names_(std::move(names)) {
    int n_classes = 0;
    classes_ = pair_classes(
        n_, lattice.translations(), [](int, int) { return true; }, n_classes);
    std::vector<double> distance(static_cast<std::size_t>(n_classes));
    std::vector<int> first(static_cast<std::size_t>(n_classes), -1);
    for (int i = 0; i < n_; ++i) {
      for (int j = i; j < n_; ++j) {
        const auto c = static_cast<std::size_t>(class_of(i, j));
        if (first[c] < 0) distance[c] = lattice.distance(i, j);
        first[c] = 1;
      }
    }
    std::vector<int> order(distance.size());
    for (std::size_t c = 0; c < order.size(); ++c) order[c] = static_cast<int>(c);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
      return distance[static_cast<std::size_t>(a)] < distance[static_cast<std::size_t>(b)] - 1e-9;
    });
    std::vector<int> place(order.size());
    for (std::size_t c = 0; c < order.size(); ++c) place[static_cast<std::size_t>(order[c])] = static_cast<int>(c);
    for (int& c : classes_) c = place[static_cast<std::size_t>(c)];
    count_.assign(order.size(), 0.0);
    for (int i = 0; i < n_; ++i) {
      for (int j = i; j < n_; ++j) count_[static_cast<std::size_t>(class_of(i, j))] += 1;
    }
    for (const int c : order) distance_.push_back(distance[static_cast<std::size_t>(c)]);
    momenta_ = lattice.momenta();
    for (const Eigen::VectorXd& k : momenta_) {
      for (int i = 0; i < n_; ++i) phases_.push_back(std::polar(1.0, k.dot(lattice.position(i))));
    }
  }

  std::vector<SeriesInfo> series() const override {
    return {{names_.correlation, static_cast<std::int64_t>(distance_.size() + momenta_.size()), "", names_.symbol}};
  }

  void measure(const Kokkos::DefaultExecutionSpace& /*space*/, const Wavefunction& /*psi*/, const MoveSet& /*moves*/,
               const Batch& batch, const StateNumbers& numbers) const override {
    const HostStates states(batch.states);
    const auto host = Kokkos::create_mirror_view(numbers);
    Kokkos::parallel_for("koushi::manybody::pair_correlation",
                         Kokkos::RangePolicy<Kokkos::DefaultHostExecutionSpace>(0, states.count()), [&](int s) {
                           const HostState state = states.at(s);
                           std::vector<double> q(static_cast<std::size_t>(n_));
                           for (std::size_t f = 0; f < weights_.size(); ++f) {
                             for (int i = 0; i < n_; ++i) {
                               q[static_cast<std::size_t>(i)] +=
                                   weights_[f] *
                                   state.local[f * static_cast<std::size_t>(n_) + static_cast<std::size_t>(i)];
                             }
                           }
                           double* to = &host(s, 0);
                           std::fill_n(to, distance_.size(), 0.0);
                           for (int i = 0; i < n_; ++i) {
                             for (int j = i; j < n_; ++j)
                               to[class_of(i, j)] += q[static_cast<std::size_t>(i)] * q[static_cast<std::size_t>(j)];
                           }
                           for (std::size_t c = 0; c < distance_.size(); ++c) to[c] /= count_[c];
                           for (std::size_t k = 0; k < momenta_.size(); ++k) {
                             std::complex<double> sum = 0;
                             for (int i = 0; i < n_; ++i)
                               sum += q[static_cast<std::size_t>(i)] *
                                      phases_[k * static_cast<std::size_t>(n_) + static_cast<std::size_t>(i)];
                             to[distance_.size() + k] = std::norm(sum) / n_;
                           }
                         });
    Kokkos::deep_copy(numbers, host);
  }

  std::vector<Observable> observables() const override { return {}; }

  std::vector<Curve> curves() const override {
    Curve correlation{.name = names_.correlation,
                      .help = names_.help + ", averaged over pairs that translations join",
                      .axis = "distance",
                      .x = distance_,
                      .points = {},
                      .unit = "",
                      .symbol = names_.symbol};
    for (std::size_t c = 0; c < distance_.size(); ++c) correlation.points.push_back(point(c, correlation));
    Curve factor{.name = names_.structure_factor,
                 .help = "1/N sum_ij e^{i k (r_i - r_j)} of it, at the momenta of the torus",
                 .axis = momenta_.front().size() == 1 ? "momentum" : "number of the momentum",
                 .x = {},
                 .points = {},
                 .unit = "",
                 .symbol = "$S(k)$"};
    for (std::size_t k = 0; k < momenta_.size(); ++k) {
      factor.x.push_back(momenta_[k].size() == 1 ? momenta_[k](0) : static_cast<double>(k));
      factor.points.push_back(point(distance_.size() + k, factor));
    }
    return {correlation, factor};
  }

 private:
  int class_of(int i, int j) const {
    return classes_[static_cast<std::size_t>(i) * static_cast<std::size_t>(n_) + static_cast<std::size_t>(j)];
  }
  Observable point(std::size_t column, const Curve& curve) const {
    Observable observable;
    observable.help = curve.help;
    observable.series = {{names_.correlation, column}};
    observable.unit = curve.unit;
    return observable;
  }

  int n_;
  std::vector<double> weights_;
  DiagonalCorrelationNames names_;
  std::vector<int> classes_;
  std::vector<double> count_;
  std::vector<double> distance_;
  std::vector<Eigen::VectorXd> momenta_;
  std::vector<std::complex<double>> phases_;  ///< [momentum][site]
};

}  // namespace

std::unique_ptr<Estimator> make_diagonal_correlation(const DeckSection& section, const Lattice& lattice,
                                                     const Space& space, const std::vector<double>& weights,
                                                     const DiagonalCorrelationNames& names) {
  if (!lattice.has_geometry()) {
    section.deck().refuse("study.measure.observables", names.correlation + ": these sites have no distances",
                          "a lattice with a geometry");
  }
  return std::make_unique<DiagonalCorrelation>(lattice, space, weights, names);
}

}  // namespace koushi
