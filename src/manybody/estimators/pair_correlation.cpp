#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "../mean_field.hpp"
#include "../operator_means.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/keys.hpp"
#include "koushi/manybody/operator_products.hpp"

namespace koushi {

namespace {

const std::vector<std::pair<std::string, PairWave>> waves{
    {"s", PairWave::s}, {"extended-s", PairWave::extended_s}, {"d", PairWave::d}};

struct PairingOptions {
  std::vector<std::string> wave{"s"};

  static const Keys<PairingOptions>& keys() {
    static const auto all = Keys<PairingOptions>().texts(
        "waves", &PairingOptions::wave, {"s", "extended-s", "d"},
        "forms of the pairs: on a site, on nearest neighbours, on these with the sign and size "
        "of cos 2 phi of the bond");
    return all;
  }
};

/// Correlations of pairs of electrons at all distances from site 0,
///
///   Delta_i = 1/sqrt(2) sum_j f(i, j) (c_i,up c_j,down - c_i,down c_j,up),   P(i) = Re <Delta^dagger_i Delta_0>,
///
/// f of pair_form; the vertex part P - P_W, where P_W puts G_up G_down for the mean of four operators,
/// G_s(i, j) = <c^dagger_i,s c_j,s> averaged over translations; and the mean of both over the farther half of all distances.
/// Series      pair_correlation: P(i) of every wave and site, then Re and Im of G of both spins, class by class of pairs
/// Cost        4 z^2 N ratios of two hops for every wave, z the neighbours in f, and 4 N^2 of one hop
/// Source      S. R. White et al., Phys. Rev. B 39, 839 (1989); the normalisation is that of mVMC
class PairCorrelation final : public OperatorMeans {
 public:
  PairCorrelation(const Lattice& lattice, const Space& space, const std::vector<std::string>& names)
      : OperatorMeans("pair_correlation"), names_(names), n_(space.n_sites()) {
    find_classes(lattice);
    std::vector<Operator> operators;
    const OperatorAlphabet alphabet(space);
    for (const std::string& name : names) {
      const auto wave =
          std::find_if(waves.begin(), waves.end(), [&](const auto& w) { return w.first == name; })->second;
      forms_.push_back(pair_form(lattice, wave));
      for (int i = 0; i < n_; ++i) {
        ProductSum sum(space);
        for (const auto& [weight, four] : products(forms_.back(), i)) {
          add_hermitian_part(sum, alphabet, weight,
                             {{"cdag_up", four[0]}, {"cdag_down", four[1]}, {"c_down", four[2]}, {"c_up", four[3]}});
        }
        operators.push_back(operator_of(space, sum));
      }
    }
    first_green_ = operators.size();
    for (const std::string spin : {"_up", "_down"}) {
      for (const auto& pairs : classes_) {
        for (const bool imaginary : {false, true}) {
          ProductSum sum(space);
          const std::complex<double> weight =
              (imaginary ? std::complex<double>(0, -1) : 1.0) / static_cast<double>(pairs.size());
          for (const auto& [i, j] : pairs)
            add_hermitian_part(sum, alphabet, weight, {{"cdag" + spin, i}, {"c" + spin, j}});
          operators.push_back(operator_of(space, sum));
        }
      }
    }
    set_operators(operators);
    for (int i = 0; i < n_; ++i) {
      distance_.push_back(lattice.distance(0, i));
      order_.push_back(i);
    }
    std::stable_sort(order_.begin(), order_.end(), [this](int a, int b) { return at(a) < at(b) - 1e-9; });
  }

  std::vector<Observable> observables() const override {
    std::vector<Observable> all;
    const double farthest = *std::max_element(distance_.begin(), distance_.end());
    for (std::size_t w = 0; w < names_.size(); ++w) {
      std::vector<int> far;
      for (int i = 0; i < n_; ++i) {
        if (at(i) > 0.5 * farthest + 1e-9) far.push_back(i);
      }
      for (const bool vertex : {false, true}) {
        Observable order = mean_of(w, far, vertex);
        order.name = fmt::format("{}_pair_order{}", prefix(w), vertex ? "_vertex" : "");
        order.help = fmt::format("mean of the {}correlation of {} pairs over distances above {:.4g}",
                                 vertex ? "vertex part of the " : "", names_[w], 0.5 * farthest);
        all.push_back(std::move(order));
      }
    }
    return all;
  }

  std::vector<Curve> curves() const override {
    std::vector<Curve> all;
    for (std::size_t w = 0; w < names_.size(); ++w) {
      for (const bool vertex : {false, true}) {
        Curve curve{.name = fmt::format("{}_pair_correlation{}", prefix(w), vertex ? "_vertex" : ""),
                    .help = fmt::format("Re <Delta^dagger_i Delta_0> of {} pairs{}", names_[w],
                                        vertex ? ", without the products of one-body Green functions" : ""),
                    .axis = "distance",
                    .x = {},
                    .points = {},
                    .unit = "",
                    .symbol = vertex ? "$P(r) - P_W(r)$" : "$P(r)$"};
        for (const int i : order_) {
          curve.x.push_back(at(i));
          curve.points.push_back(mean_of(w, {i}, vertex));
          curve.points.back().help = curve.help;
        }
        all.push_back(std::move(curve));
      }
    }
    return all;
  }

 private:
  /// weight c^dagger_a,up c^dagger_b,down c_c,down c_d,up
  using Product = std::pair<double, std::array<int, 4>>;

  double at(int i) const { return distance_[static_cast<std::size_t>(i)]; }
  std::string prefix(std::size_t w) const { return names_[w] == "extended-s" ? "extended_s" : names_[w]; }

  /// Ordered pairs of sites by the translations that join them.
  void find_classes(const Lattice& lattice) {
    class_of_.assign(static_cast<std::size_t>(n_ * n_), -1);
    for (int i = 0; i < n_; ++i) {
      for (int j = 0; j < n_; ++j) {
        if (class_of_[static_cast<std::size_t>(i * n_ + j)] >= 0) continue;
        classes_.emplace_back();
        for (const Permutation& t : lattice.translations()) {
          const int a = t[static_cast<std::size_t>(i)];
          const int b = t[static_cast<std::size_t>(j)];
          int& known = class_of_[static_cast<std::size_t>(a * n_ + b)];
          if (known >= 0) continue;
          known = static_cast<int>(classes_.size()) - 1;
          classes_.back().emplace_back(a, b);
        }
      }
    }
  }

  /// Delta^dagger_i Delta_0 multiplied out.
  std::vector<Product> products(const Eigen::MatrixXd& form, int i) const {
    std::map<std::array<int, 4>, double> sum;
    for (int a = 0; a < n_; ++a) {
      for (int b = 0; b < n_; ++b) {
        const double weight = 0.5 * form(i, a) * form(0, b);
        if (weight == 0) continue;
        for (const auto& [up, down] : {std::pair{i, a}, std::pair{a, i}}) {
          sum[{up, down, b, 0}] += weight;
          sum[{up, down, 0, b}] += weight;
        }
      }
    }
    std::vector<Product> all;
    for (const auto& [four, weight] : sum) all.emplace_back(weight, four);
    return all;
  }

  /// The mean over sites of P of wave w, or of its vertex part.
  Observable mean_of(std::size_t w, const std::vector<int>& sites, bool vertex) const {
    const double share = 1.0 / static_cast<double>(sites.size());
    std::vector<double> weights(count());
    for (const int i : sites) weights[w * static_cast<std::size_t>(n_) + static_cast<std::size_t>(i)] = share;
    Observable mean = sum_of(weights);
    if (!vertex) return mean;
    // weight G_up(a, d) G_down(b, c), G of a class the columns 2 class and 2 class + 1 behind first_green_
    std::map<std::pair<std::size_t, std::size_t>, double> pairs;
    const std::size_t spin = classes_.size();
    for (const int i : sites) {
      for (const auto& [weight, four] : products(forms_[w], i)) {
        const auto up = static_cast<std::size_t>(class_of_[static_cast<std::size_t>(four[0] * n_ + four[3])]);
        const auto down = static_cast<std::size_t>(class_of_[static_cast<std::size_t>(four[1] * n_ + four[2])]);
        pairs[{up, spin + down}] += share * weight;
      }
    }
    struct Wick {
      double weight;
      std::size_t up;
      std::size_t down;
    };
    std::map<std::size_t, std::size_t> column;  // of the real part, among those of the observable
    const std::size_t linear = mean.series.size();
    const auto column_of = [&](std::size_t green) {
      const auto [found, is_new] = column.try_emplace(green, mean.series.size());
      if (is_new) {
        mean.series.push_back({name(), first_green_ + 2 * green});
        mean.series.push_back({name(), first_green_ + 2 * green + 1});
      }
      return found->second;
    };
    std::vector<Wick> products_of_means;
    for (const auto& [greens, weight] : pairs)
      products_of_means.push_back({weight, column_of(greens.first), column_of(greens.second)});
    mean.value = [of_pairs = mean.value, linear, products_of_means](const std::vector<double>& x) {
      double sum = of_pairs({x.begin(), x.begin() + static_cast<std::ptrdiff_t>(linear)});
      for (const Wick& p : products_of_means) sum -= p.weight * (x[p.up] * x[p.down] - x[p.up + 1] * x[p.down + 1]);
      return sum;
    };
    return mean;
  }

  std::vector<std::string> names_;
  int n_;
  std::vector<Eigen::MatrixXd> forms_;
  std::vector<std::vector<std::pair<int, int>>> classes_;  ///< ordered pairs that translations join
  std::vector<int> class_of_;
  std::vector<double> distance_;  ///< of every site from site 0
  std::vector<int> order_;        ///< sites by their distance
  std::size_t first_green_ = 0;
};

std::unique_ptr<Estimator> make(const DeckSection& section, const Lattice& lattice, const Operator& hamiltonian) {
  const Space& space = hamiltonian.space();
  const auto refuse = [&](const std::string& reason) {
    section.deck().refuse("study.measure.observables", "pair-correlation: " + reason, "spin-correlation, or others");
  };
  if (space.n_flavours() != 2 || !space.is_fermionic(0)) refuse("these states have no pairs of electrons");
  if (!lattice.has_geometry()) refuse("these sites have no distances");
  if (lattice.turns_what_goes_around()) refuse("the ends turn what goes around, so that translations are none of psi");
  const PairingOptions options = PairingOptions::keys().read(section);
  if (options.wave.empty()) section.refuse("waves", "no wave is named", "[\"s\"], or others");
  try {
    return std::make_unique<PairCorrelation>(lattice, space, options.wave);
  } catch (const UsageError& error) {
    section.refuse("waves", error.what(), "[\"s\"] or [\"extended-s\"]");
  }
}

}  // namespace

EstimatorKinds::OneKind pair_correlation_kind() {
  return {
      "pair-correlation",
      "correlations of pairs of electrons at all distances, with and without their one-body part, and their mean at "
      "long distances",
      PairingOptions::keys().list(), make};
}

}  // namespace koushi
