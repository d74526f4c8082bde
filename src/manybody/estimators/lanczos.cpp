#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "koushi/manybody/estimator.hpp"
#include "koushi/manybody/factor.hpp"
#include "koushi/statistics/estimate.hpp"

namespace koushi {

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

/// One Lanczos step or two: the lowest state among psi, H psi, (H^2 psi), from the moments h_n = <psi|H^n|psi>. With
///
///   E_1(x) = E_loc(x),   E_n(x) = sum_y <x|H|y> psi(y) / psi(x) E_{n-1}(y) = (H^n psi)(x) / psi(x),
///
/// the moments are h_{n+m} = < E_n* E_m > over |psi|^2. With K = H - h_1 and mu_n = <K^n> the energies are the
/// eigenvalues of A c = E S c, S_ij = mu_{i+j}, A_ij = mu_{i+j+1}, and the variance of the new state is that of
/// <K^2>_ij = mu_{i+j+2}.
///
/// States y with psi(y) = 0 but (H psi)(y) != 0 are never sampled, so <|E_1|^2> is less than <H^2>, and with different
/// moments treated differently an energy would be no upper bound. Here such y (|psi(y)/psi(x)| < 1e-8) are left out of
/// every sum: all moments are those of P H P, P the projector on the states where psi is not 0, the new state is
/// (1 + a P H P + ...) psi, and its energy is an upper bound. What is left out of <H^2>,
///
///   sum_{y: psi(y) = 0} |(H psi)(y)|^2 = < sum_{y: psi(y) = 0} <x|H|y> (H psi)(y) / psi(x) >,
///
/// is an observable.
///
/// Series      lanczos: Re E_1, then |E_1|^2, Re E_1* E_2, |E_2|^2 and so on, then what is left out
/// Cost        a local energy for each of the N_c states that H joins with a sample; N_c^2 at most for two steps
/// Source      S. Sorella, Phys. Rev. B 64, 024512 (2001)
class Lanczos final : public Estimator {
 public:
  Lanczos(const Lattice& lattice, const Operator& hamiltonian, int steps)
      : n_sites_(lattice.n_sites()),
        steps_(steps),
        infinite_(hamiltonian.infinite_temperature_value()),
        h_(hamiltonian),
        list_(hamiltonian.move_list()),
        terms_(make_terms(hamiltonian)) {
    std::map<Move, int> numbers;
    for (std::size_t m = 0; m < list_.size(); ++m) {
      numbers.emplace(list_[m], static_cast<int>(m));
      sites_.push_back(move_sites(h_.space(), list_[m]));
    }
    for (const MoveTerm& term : h_.moves()) number_.push_back(numbers.at(term.move));
  }

  std::vector<SeriesInfo> series() const override { return {{"lanczos", last_moment() + 1, "", "moments of $H$"}}; }

  void measure(const Kokkos::DefaultExecutionSpace& space, const Wavefunction& psi, const MoveSet& /*moves*/,
               const Batch& states, const StateNumbers& numbers) const override {
    if (moves_ == nullptr || parameters_ != psi.parameters()) {
      moves_ = psi.moves(list_);
      parameters_ = psi.parameters();
    }
    const HostStates samples(states.states);
    const std::size_t places = places_of(psi);
    Locals all;
    for (int s = 0; s < samples.count(); ++s) {
      const std::int8_t* x = samples.at(s).local;
      all.insert(all.end(), x, x + places);
    }
    std::vector<double> left_out;
    const std::vector<Values> values = powers(space, psi, all, steps_ + 1, &left_out);
    const auto host = Kokkos::create_mirror_view(numbers);
    for (std::size_t s = 0; s < values.front().size(); ++s) {
      host(s, 0) = values[0][s].real();
      for (int n = 2; n <= last_moment(); ++n) {
        const Complex& a = values[static_cast<std::size_t>(n / 2 - 1)][s];
        const Complex& b = values[static_cast<std::size_t>((n + 1) / 2 - 1)][s];
        host(s, n - 1) = a.real() * b.real() + a.imag() * b.imag();
      }
      host(s, last_moment()) = left_out[s];
    }
    Kokkos::deep_copy(numbers, host);
  }

  std::vector<Observable> observables() const override {
    const int n = n_sites_;
    const double infinite = infinite_;
    const std::string after = steps_ == 1 ? "after one Lanczos step" : "after two Lanczos steps";
    std::vector<Observable> all;
    all.push_back(observable("lanczos_energy", "energy " + after + ", an upper bound within its error", "J",
                             "$E$ " + after, [](const Central& m) { return lowest(m).energy; }));
    all.push_back(observable("lanczos_energy_per_site", "energy per site " + after, "J", "$E / N$ " + after,
                             [n](const Central& m) { return lowest(m).energy / n; }));
    all.push_back(observable("lanczos_variance", "variance of H " + after, "J^2", "Var $H$ " + after,
                             [](const Central& m) { return lowest(m).variance; }));
    all.push_back(observable("lanczos_v_score", "N Var / (E - E_inf)^2 " + after, "", "V-score " + after,
                             [n, infinite](const Central& m) {
                               const Step step = lowest(m);
                               return v_score(n, step.energy, step.variance, infinite);
                             }));
    all.push_back(observable("lanczos_extrapolated_energy",
                             "where the line through energy against variance, before and " + after +
                                 ", reaches variance 0; no upper bound, with an error of its own from the curvature",
                             "J", "$E$ at variance 0", [](const Central& m) {
                               const Step step = lowest(m);
                               if (m.is_eigenstate()) return m.mean;
                               return (step.energy * m.mu[2] - m.mean * step.variance) / (m.mu[2] - step.variance);
                             }));
    // Of the first column too, which differs from sample to sample where this one is always 0.
    all.push_back({.name = "lanczos_left_out",
                   .help = "sum of |(H psi)(x)|^2 over the states with psi(x) = 0, which <|E_loc|^2> lacks of <H^2>",
                   .series = {{"lanczos", 0}, {"lanczos", static_cast<std::size_t>(last_moment())}},
                   .value = [](const std::vector<double>& x) { return x[1]; },
                   .unit = "J^2",
                   .symbol = "$\\langle H^2 \\rangle$ left out"});
    return all;
  }

 private:
  using Locals = std::vector<std::int8_t>;  ///< [state][place]
  using Values = std::vector<Complex>;      ///< [state]

  struct Step {
    double energy = nan_value;
    double variance = nan_value;
  };

  static constexpr std::size_t most_states = 512;       ///< with tables at one time
  static constexpr std::size_t most_connected = 16384;  ///< that one piece of states leads to, about
  static constexpr double smallest_ratio = 1e-8;

  int last_moment() const { return 2 * (steps_ + 1); }
  static std::size_t places_of(const Wavefunction& psi) { return static_cast<std::size_t>(psi.space().n_places()); }
  /// h_1 and the moments <(H - h_1)^n>, mu[0] = 1, mu[1] = 0.
  struct Central {
    double mean = 0;
    std::vector<double> mu;

    explicit Central(const std::vector<double>& h) : mean(h[0]), mu(h.size() + 1, 0.0) {
      for (std::size_t n = 0; n < mu.size(); ++n) {
        for (std::size_t k = 0; k <= n; ++k)
          mu[n] += binomial(n, k) * (k == 0 ? 1.0 : h[k - 1]) * std::pow(-mean, static_cast<double>(n - k));
      }
      mu[1] = 0;
    }
    bool is_eigenstate() const { return !(mu[2] > 1e-12 * (1 + mean * mean)); }
  };

  static double binomial(std::size_t n, std::size_t k) {
    double result = 1;
    for (std::size_t j = 0; j < k; ++j) result *= static_cast<double>(n - j) / static_cast<double>(j + 1);
    return result;
  }

  /// The lowest state among psi, H psi, ...
  static Step lowest(const Central& m) {
    if (m.is_eigenstate()) return {m.mean, std::max(0.0, m.mu[2])};
    const double scale = std::sqrt(m.mu[2]);
    const auto element = [&](int n) { return m.mu[static_cast<std::size_t>(n)] / std::pow(scale, n); };
    const int size = static_cast<int>(m.mu.size()) / 2;
    Eigen::MatrixXd overlap(size, size);
    Eigen::MatrixXd energy(size, size);
    Eigen::MatrixXd square(size, size);
    for (int i = 0; i < size; ++i) {
      for (int j = 0; j < size; ++j) {
        overlap(i, j) = element(i + j);
        energy(i, j) = element(i + j + 1);
        square(i, j) = element(i + j + 2);
      }
    }
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> metric(overlap);
    if (metric.info() != Eigen::Success || !(metric.eigenvalues()(0) > 1e-10)) return {};
    const Eigen::MatrixXd root = metric.operatorInverseSqrt();
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved(root * energy * root);
    if (solved.info() != Eigen::Success) return {};
    const Eigen::VectorXd c = root * solved.eigenvectors().col(0);
    const double low = solved.eigenvalues()(0);
    return {m.mean + scale * low, scale * scale * (c.dot(square * c) - low * low)};
  }

  /// A function of the moments. Those of one set of samples vary together, so that a step of one of them by its own error
  /// may lead to moments of no state: the gradient is by small steps of the central ones,
  /// d mu_n / d h_k = binomial(n, k) (-h_1)^(n - k), and for k = 1 less n mu_(n-1).
  Observable observable(const std::string& name, const std::string& help, const std::string& unit,
                        const std::string& symbol, std::function<double(const Central&)> value) const {
    Observable result;
    result.name = name;
    result.help = help;
    for (int n = 0; n < last_moment(); ++n) result.series.push_back({"lanczos", static_cast<std::size_t>(n)});
    result.value = [value](const std::vector<double>& h) { return value(Central(h)); };
    result.gradient = [value](const std::vector<double>& h) {
      const Central at(h);
      std::vector<double> gradient(h.size(), 0.0);
      const auto derivative = [&](double step, const auto& move) {
        Central up = at;
        Central down = at;
        move(up, step);
        move(down, -step);
        return (value(up) - value(down)) / (2 * step);
      };
      const double scale = std::sqrt(std::max(at.mu[2], 1e-12 * (1 + at.mean * at.mean)));
      gradient[0] = derivative(1e-4 * scale, [](Central& m, double d) { m.mean += d; });
      for (std::size_t n = 2; n < at.mu.size() && !at.is_eigenstate(); ++n) {
        const double slope =
            derivative(1e-4 * std::pow(scale, static_cast<double>(n)), [n](Central& m, double d) { m.mu[n] += d; });
        for (std::size_t k = 1; k <= n; ++k)
          gradient[k - 1] += slope * binomial(n, k) * std::pow(-at.mean, static_cast<double>(n - k));
        gradient[0] -= slope * static_cast<double>(n) * at.mu[n - 1];
      }
      return gradient;
    };
    result.undefined = "the moments are too noisy; remedy: more study.measure.samples, or one step";
    result.unit = unit;
    result.symbol = symbol;
    return result;
  }

  /// E_1 ... E_order of all states. left_out: what the first sum over neighbours leaves out of <H^2>, if wanted.
  std::vector<Values> powers(const Kokkos::DefaultExecutionSpace& space, const Wavefunction& psi, const Locals& states,
                             int order, std::vector<double>* left_out) const {
    const std::size_t places = places_of(psi);
    const std::size_t n = states.size() / places;
    std::vector<Values> all(static_cast<std::size_t>(order));
    const std::size_t piece =
        order == 1 ? most_states : std::clamp<std::size_t>(most_connected / (list_.size() + 1), 1, most_states);
    for (std::size_t first = 0; first < n; first += piece) {
      const auto begin = states.begin() + static_cast<std::ptrdiff_t>(first * places);
      const auto end = states.begin() + static_cast<std::ptrdiff_t>(std::min(first + piece, n) * places);
      const std::vector<Values> values = powers_of_piece(space, psi, Locals(begin, end), order, left_out);
      for (std::size_t k = 0; k < all.size(); ++k) all[k].insert(all[k].end(), values[k].begin(), values[k].end());
    }
    return all;
  }

  std::vector<Values> powers_of_piece(const Kokkos::DefaultExecutionSpace& space, const Wavefunction& psi,
                                      const Locals& states, int order, std::vector<double>* left_out) const {
    const std::size_t places = places_of(psi);
    const std::size_t n = states.size() / places;
    // Particles are numbered in the order of their places, so that a state gives the same bits wherever it is met.
    const HostStates host(psi.space().make_states(static_cast<std::int64_t>(n)));
    for (std::size_t s = 0; s < n; ++s) {
      const StateView x = host.writable(static_cast<int>(s));
      std::copy_n(states.begin() + static_cast<std::ptrdiff_t>(s * places), places, x.local);
      psi.space().number_particles(x);
    }
    const Batch batch = psi.make_batch(static_cast<std::int64_t>(n));
    assign_states(batch.states, on_device(psi, host));
    psi.refresh(batch);
    const Kokkos::View<Complex*> energies("koushi::manybody::local_energies", n);
    moves_->local_energies(space, terms_, batch, energies);
    std::vector<Values> values(static_cast<std::size_t>(order), Values(n));
    const auto energies_here = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, energies);
    for (std::size_t s = 0; s < n; ++s) values[0][s] = energies_here(s);
    if (order == 1) return values;

    const Kokkos::View<Complex** [2]> ratios("koushi::manybody::ratios", n, list_.size());
    moves_->ratios(space, batch, ratios);
    const auto ratios_here = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, ratios);
    struct Element {
      std::size_t to;
      Complex weight;  ///< <x|H|y> psi(y) / psi(x)
    };
    std::vector<std::vector<Element>> elements(n);
    std::vector<Zero> zeros;
    std::unordered_map<std::string, std::size_t> known;
    Locals connected;
    for (std::size_t s = 0; s < n; ++s) {
      const std::int8_t* x = host.at(static_cast<int>(s)).local;
      h_.for_connected(x, [&](std::size_t k, int sigma, const std::complex<double>& element) {
        const auto m = static_cast<std::size_t>(number_[k]);
        const Complex ratio = ratios_here(s, m, sigma > 0 ? 0 : 1);
        if (!(Kokkos::abs(ratio) >= smallest_ratio)) {
          if (left_out != nullptr) zeros.push_back({static_cast<int>(s), static_cast<int>(m), sigma, element});
          return;
        }
        std::string y(x, x + places);
        const MoveSites& sites = sites_[m];
        for (int p = 0; p < sites.n; ++p) {
          char& at = y[static_cast<std::size_t>(sites.place[p])];
          at = static_cast<char>(at + sigma * sites.change[p]);
        }
        const auto [found, is_new] = known.emplace(std::move(y), known.size());
        if (is_new) connected.insert(connected.end(), found->first.begin(), found->first.end());
        elements[s].push_back({found->second, product(Complex(element.real(), element.imag()), ratio)});
      });
    }
    const std::vector<Values> there = powers(space, psi, connected, order - 1, nullptr);
    for (std::size_t s = 0; s < n; ++s) {
      const double diagonal = h_.diagonal(host.at(static_cast<int>(s)).local);
      for (std::size_t k = 1; k < values.size(); ++k) {
        values[k][s] = diagonal * values[k - 1][s];
        for (const Element& e : elements[s]) values[k][s] += product(e.weight, there[k - 1][e.to]);
      }
    }
    if (left_out != nullptr) {
      const std::vector<double> lost = sum_of_zeros(psi, host, zeros);
      left_out->insert(left_out->end(), lost.begin(), lost.end());
    }
    return values;
  }

  /// A state y = x + sigma c next to sample x where psi is 0, with <x|H|y>.
  struct Zero {
    int sample;
    int move;
    int sigma;
    std::complex<double> element;
  };

  /// Re sum_y <x|H|y> (H psi)(y) / psi(x) over these y, of every sample. Their tables may be singular: amplitudes are
  /// taken from scratch.
  std::vector<double> sum_of_zeros(const Wavefunction& psi, const HostStates& samples,
                                   const std::vector<Zero>& zeros) const {
    std::vector<double> sums(static_cast<std::size_t>(samples.count()), 0.0);
    if (zeros.empty()) return sums;
    const std::size_t n_places = samples.local.extent(1);
    const std::size_t n_particles = samples.particle.extent(1);
    struct Path {
      int sample;
      std::complex<double> element;  ///< <x|H|y> <y|H|z>
    };
    std::vector<Path> paths;
    std::vector<std::int8_t> local;
    std::vector<std::int16_t> particle;
    std::vector<std::int16_t> occupant;
    const auto keep = [&](const StateView& z) {
      for (std::size_t p = 0; p < n_places; ++p) local.push_back(z.local[p]);
      for (std::size_t a = 0; a < n_particles; ++a) particle.push_back(z.particle[a]);
      for (std::size_t p = 0; n_particles > 0 && p < n_places; ++p) occupant.push_back(z.occupant[p]);
    };
    Locals y(n_places);
    std::vector<std::int16_t> particles(n_particles + 1);
    std::vector<std::int16_t> occupants(n_places);
    const StateView at{y.data(), particles.data(), occupants.data()};
    for (const Zero& zero : zeros) {
      const HostState x = samples.at(zero.sample);
      std::copy_n(x.local, n_places, at.local);
      std::copy_n(x.particle, n_particles, at.particle);
      if (n_particles > 0) std::copy_n(x.occupant, n_places, at.occupant);
      sites_[static_cast<std::size_t>(zero.move)].apply(at, zero.sigma);
      h_.for_connected(at.local, [&](std::size_t k, int sigma, const std::complex<double>& element) {
        const MoveSites& sites = sites_[static_cast<std::size_t>(number_[k])];
        sites.apply(at, sigma);
        keep(at);
        sites.apply(at, -sigma);
        paths.push_back({zero.sample, zero.element * element});
      });
    }
    const std::vector<std::complex<double>> log_x = psi.log_amplitudes(on_device(psi, samples));
    const HostStates host(psi.space().make_states(static_cast<std::int64_t>(paths.size())));
    std::copy(local.begin(), local.end(), host.local.data());
    std::copy(particle.begin(), particle.end(), host.particle.data());
    std::copy(occupant.begin(), occupant.end(), host.occupant.data());
    const std::vector<std::complex<double>> log_z = psi.log_amplitudes(on_device(psi, host));
    for (std::size_t k = 0; k < paths.size(); ++k) {
      if (!std::isfinite(log_z[k].real())) continue;  // psi(z) = 0
      const auto s = static_cast<std::size_t>(paths[k].sample);
      sums[s] += (paths[k].element * std::exp(log_z[k] - log_x[s])).real();
    }
    return sums;
  }

  static States on_device(const Wavefunction& psi, const HostStates& host) {
    States states = psi.space().make_states(host.count());
    Kokkos::deep_copy(states.local, host.local);
    Kokkos::deep_copy(states.particle, host.particle);
    Kokkos::deep_copy(states.occupant, host.occupant);
    return states;
  }

  int n_sites_;
  int steps_;
  double infinite_;
  Operator h_;
  std::vector<Move> list_;
  Terms terms_;
  std::vector<MoveSites> sites_;            ///< of the moves of list_
  std::vector<int> number_;                 ///< of a term of H: its move in list_
  mutable std::unique_ptr<MoveSet> moves_;  ///< at these parameters
  mutable std::vector<double> parameters_;
};

struct LanczosOptions {
  int steps = 1;
  static const Keys<LanczosOptions>& keys() {
    static const auto all = Keys<LanczosOptions>().integer(
        "steps", &LanczosOptions::steps, {1, 2},
        "how many Lanczos steps; the second costs as many times more as H joins states with one state");
    return all;
  }
};

}  // namespace

EstimatorKinds::OneKind lanczos_kind() {
  return {"lanczos", "energy, variance and V-score after one or two Lanczos steps on psi, and the energy at variance 0",
          LanczosOptions::keys().list(),
          [](const DeckSection& section, const Lattice& lattice, const Operator& hamiltonian) {
            return std::make_unique<Lanczos>(lattice, hamiltonian, LanczosOptions::keys().read(section).steps);
          }};
}

}  // namespace koushi
