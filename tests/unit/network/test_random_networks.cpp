// Ensembles of random networks: laws of momenta, outputs written out unit by unit, and exact correlation functions.
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <complex>
#include <numbers>

#include "koushi/deck/deck.hpp"
#include "koushi/network/momentum_law.hpp"
#include "koushi/network/random_network.hpp"

using namespace koushi;

namespace {

using std::numbers::pi;

/// Int d^dk/(2 pi)^d e^{-k^2/2L^2} e^{ikx} / (k^2 + m^2) = Int ds e^{-s m^2} (4 pi t)^{-d/2} e^{-x^2/4t}, t = s + 1/2L^2.
double gaussian_propagator(int d, double mass, double lambda, double r) {
  const double begin = 0.5 / (lambda * lambda);
  double sum = 0;
  const int n = 200000;
  const double low = std::log(begin);
  const double high = std::log(60 / (mass * mass));
  for (int k = 0; k <= n; ++k) {  // t = e^y; the integrand begins at t = 1/2L^2 at once
    const double t = std::exp(low + (high - low) * k / n);
    const double weight = k == 0 || k == n ? 0.5 : 1;
    sum += weight * t * std::exp(-(t - begin) * mass * mass - r * r / (4 * t)) * std::pow(4 * pi * t, -0.5 * d);
  }
  return sum * (high - low) / n;
}

NetworkPoints points_of(const std::vector<NetworkPoint>& all) {
  NetworkPoints points("points", all.size(), all[0].size());
  const auto host = Kokkos::create_mirror_view(points);
  for (std::size_t p = 0; p < all.size(); ++p) {
    for (std::size_t mu = 0; mu < all[p].size(); ++mu) host(p, mu) = all[p][mu];
  }
  Kokkos::deep_copy(points, host);
  return points;
}

std::shared_ptr<const RandomNetwork> network_of(const std::string& text) {
  static const std::vector<Section> sections{{"network", "", false, network_kinds().declared()}};
  static std::vector<std::unique_ptr<Deck>> decks;  // sections refer to them
  decks.push_back(std::make_unique<Deck>(Deck::parse("[network]\n" + text, "network.toml", {}, sections)));
  const DeckSection section(*decks.back(), "network");
  return network_kinds().of(section).make(section);
}

std::vector<std::vector<double>> outputs_of(const RandomNetwork& network, int width, std::uint64_t first, int draws,
                                            const std::vector<NetworkPoint>& places) {
  const NetworkOutputs out("outputs", static_cast<std::size_t>(draws), places.size());
  network.outputs(5, width, first, points_of(places), out);
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, out);
  std::vector<std::vector<double>> all(static_cast<std::size_t>(draws), std::vector<double>(places.size()));
  for (std::size_t k = 0; k < all.size(); ++k) {
    for (std::size_t p = 0; p < places.size(); ++p) all[k][p] = host(k, p);
  }
  return all;
}

RandomBlock words_of(std::uint64_t draw, int unit, std::uint32_t block) {
  return philox(5, RandomPurpose::network_parameters, draw, static_cast<std::uint64_t>(unit), block);
}

NetworkPoint point(int d, double scale, double phase) {
  NetworkPoint x;
  for (int mu = 0; mu < d; ++mu) x.push_back(scale * std::sin(1.3 * mu + phase));
  return x;
}

}  // namespace

TEST_CASE("integrals over momenta are those of closed forms, in 1 to 4 dimensions", "[network][exact]") {
  for (int d = 1; d <= 4; ++d) {
    const MomentumLaw law({.dimension = d, .mass = 0.7, .alpha = 0, .cutoff = Cutoff::gaussian, .lambda = 6});
    for (const double r : {0.0, 0.3, 1.0, 2.5}) {
      INFO("d = " << d << ", r = " << r);
      NetworkPoint x(static_cast<std::size_t>(d), 0.0);
      x[0] = r;
      const double exact = gaussian_propagator(d, 0.7, 6, r);
      CHECK(std::abs(law.integral(-1, x) / exact - 1) < 1e-7);
    }
  }
  // d = 1, no cutoff to speak of: e^{-m|x|} / 2m but for what lies beyond Lambda, 1 / (pi Lambda) at x = 0
  const MomentumLaw wide({.dimension = 1, .mass = 1, .alpha = 0, .cutoff = Cutoff::hard, .lambda = 2000});
  CHECK(std::abs(wide.integral(-1, {0.0}) - (0.5 - 1 / (pi * 2000))) < 1e-10);
  CHECK(std::abs(wide.integral(-1, {1.0}) - 0.5 * std::exp(-1.0)) < 1e-6);
  // a ball has its volume
  const MomentumLaw ball({.dimension = 3, .mass = 1, .alpha = -1, .cutoff = Cutoff::hard, .lambda = 3});
  CHECK(std::abs(ball.omega() - 4 * pi / 3 * 27 / std::pow(2 * pi, 3)) < 1e-12);
}

TEST_CASE("moduli are drawn from their distribution", "[network]") {
  for (int d = 1; d <= 4; ++d) {
    for (const double alpha : {-1.0, 0.0, 1.0}) {
      for (const Cutoff cutoff : {Cutoff::hard, Cutoff::gaussian}) {
        INFO("d = " << d << ", alpha = " << alpha << ", cutoff " << static_cast<int>(cutoff));
        const MomentumLaw law({.dimension = d, .mass = 0.5, .alpha = alpha, .cutoff = cutoff, .lambda = 8});
        // uniform numbers in equal steps instead of random ones give the means of the law
        const int n = 400000;
        double sum = 0;
        double last = 0;
        bool rises = true;
        for (int k = 0; k < n; ++k) {
          const double r = law.view().modulus((k + 0.5) / n);
          rises = rises && r >= last;
          last = r;
          sum += 1 / std::sqrt(r * r + 0.25);
        }
        CHECK(rises);
        const NetworkPoint zero(static_cast<std::size_t>(d), 0.0);
        CHECK(std::abs(sum / n / (law.integral(-alpha - 1.5, zero) / law.omega()) - 1) <
              2e-6);  // of the steps: r ~ u^{1/d}
      }
    }
  }
}

TEST_CASE("outputs of cosine networks are their units added up", "[network]") {
  for (int d = 1; d <= 4; ++d) {
    for (const double alpha : {-1.0, 0.0, 0.6}) {
      const auto network = network_of("kind = \"cosine\"\nmass = 0.8\nLambda = 5.0\ndimension = " + std::to_string(d) +
                                      "\nalpha = " + std::to_string(alpha) + "\namplitude = \"normal\"\n");
      const MomentumLaw law({.dimension = d, .mass = 0.8, .alpha = alpha, .cutoff = Cutoff::gaussian, .lambda = 5});
      const int width = 11;  // a full vector of units and a part
      std::vector<NetworkPoint> places;
      for (int p = 0; p < 70; ++p) places.push_back(point(d, 2, 0.3 * p));  // more than are done at once
      const auto all = outputs_of(*network, width, 1000, 3, places);
      for (std::uint64_t draw = 0; draw < 3; ++draw) {
        for (const std::size_t p : {std::size_t{0}, std::size_t{33}, std::size_t{69}}) {
          double sum = 0;
          for (int j = 0; j < width; ++j) {
            const RandomBlock w = words_of(1000 + draw, j, 0);
            const RandomBlock v = words_of(1000 + draw, j, 1);
            const double r = law.view().modulus(uniform(w.word[0], w.word[1]));
            const double first = uniform(v.word[0], v.word[1]);
            const double second = uniform(v.word[2], v.word[3]);
            std::vector<double> k{r};
            if (d == 2) k = {r * std::cos(2 * pi * first), r * std::sin(2 * pi * first)};
            if (d == 3) {
              const double z = 2 * first - 1;
              const double across = std::sqrt(1 - z * z);
              k = {r * across * std::cos(2 * pi * second), r * across * std::sin(2 * pi * second), r * z};
            }
            if (d == 4) {
              const NormalPair one = normal_pair(v);
              const NormalPair two = normal_pair(words_of(1000 + draw, j, 2));
              k = {one.first, one.second, two.first, two.second};
              const double norm = std::sqrt(k[0] * k[0] + k[1] * k[1] + k[2] * k[2] + k[3] * k[3]);
              for (double& c : k) c *= r / norm;
            }
            double phase = 2 * pi * uniform(w.word[2], w.word[3]);
            for (std::size_t mu = 0; mu < k.size(); ++mu) phase += k[mu] * places[p][mu];
            sum += normal_pair(words_of(1000 + draw, j, 3)).first * std::sqrt(2 * law.omega() / width) *
                   std::pow(r * r + 0.64, 0.5 * alpha) * std::cos(phase);
          }
          CHECK(std::abs(all[draw][p] - sum) < 1e-11);
        }
      }
    }
  }
}

TEST_CASE("exact correlations of cosine networks have the values known for them", "[network][exact]") {
  // a ring of 16 sites, m^2 = 0.25: connected four-point function of alpha = 0 at N = 4, x = (0, 1, 7, 9), and excess
  // kurtosis of alpha = -1, 0.0723 at N = 4 and 0.01808 at N = 16; of alpha = 0 it is -3/2N
  const auto zero = network_of("kind = \"cosine\"\nmass = 0.5\nalpha = 0.0\nextents = [16]\n");
  CHECK(std::abs(*zero->connected_four_point(4, {NetworkPoint{0}, {1}, {7}, {9}}) - 0.11609) < 1e-5);
  const auto uniform = network_of("kind = \"cosine\"\nmass = 0.5\nalpha = -1.0\nextents = [16]\n");
  const NetworkPoint x{3};
  const auto kurtosis = [&](const RandomNetwork& network, int width) {
    return *network.connected_four_point(width, {x, x, x, x}) / std::pow(*network.two_point(x, x), 2);
  };
  CHECK(std::abs(kurtosis(*uniform, 4) - 0.0723) < 1e-4);
  CHECK(std::abs(kurtosis(*uniform, 16) - 0.01808) < 1e-5);
  for (int d = 1; d <= 4; ++d) {
    const auto continuum = network_of("kind = \"cosine\"\nalpha = 0.0\nLambda = 4.0\ndimension = " + std::to_string(d));
    const NetworkPoint y(static_cast<std::size_t>(d), 0.4);
    CHECK(std::abs(*continuum->connected_four_point(6, {y, y, y, y}) / std::pow(*continuum->two_point(y, y), 2) +
                   0.25) < 1e-10);
  }
}

TEST_CASE("kernels of layers are the means of products of their activations", "[network][exact]") {
  // <a(u) a(v)> by a grid of 2 x 400 points per direction
  const auto by_grid = [](const std::string& activation, double xx, double xy, double yy) {
    const auto a = [&](double u) {
      return activation == "erf"    ? std::erf(u)
             : activation == "tanh" ? std::tanh(u)
             : activation == "cos"  ? std::cos(u)
                                    : std::max(u, 0.0);
    };
    double sum = 0;
    double weights = 0;
    const int n = 500;
    for (int i = -n; i <= n; ++i) {
      for (int j = -n; j <= n; ++j) {
        const double z = 8.0 * i / n;
        const double w = 8.0 * j / n;
        const double g = std::exp(-0.5 * (z * z + w * w));
        weights += g;
        sum += g * a(std::sqrt(xx) * z) * a(xy / std::sqrt(xx) * z + std::sqrt(yy - xy * xy / xx) * w);
      }
    }
    return sum / weights;
  };
  for (const char* const activation : {"erf", "relu", "tanh", "cos"}) {
    for (const int depth : {1, 2, 5}) {
      const auto network =
          network_of("kind = \"multilayer\"\ndimension = 2\nweight = 1.3\nbias = 0.4\noutput = 1.2\nactivation = \"" +
                     std::string(activation) + "\"\ndepth = " + std::to_string(depth) + "\n");
      const NetworkPoint x{0.5, -0.3};
      const NetworkPoint y{0.2, 0.9};
      const auto product = [](const NetworkPoint& a, const NetworkPoint& b) {
        return 0.16 + 1.69 * (a[0] * b[0] + a[1] * b[1]) / 2;
      };
      double xx = product(x, x);
      double xy = product(x, y);
      double yy = product(y, y);
      for (int layer = 1; layer < depth; ++layer) {
        const double next = 0.16 + 1.69 * by_grid(activation, xx, xx * (1 - 1e-15), xx);
        const double last = 0.16 + 1.69 * by_grid(activation, yy, yy * (1 - 1e-15), yy);
        xy = 0.16 + 1.69 * by_grid(activation, xx, xy, yy);
        xx = next;
        yy = last;
      }
      INFO(activation << ", depth " << depth);
      const double limit = std::string(activation) == "relu" ? 3e-4 : 1e-6;  // the grid does not like its corner
      CHECK(std::abs(*network->two_point(x, y) / (1.44 * by_grid(activation, xx, xy, yy)) - 1) < limit);
    }
  }
}

TEST_CASE("means over draws are the exact correlation functions", "[network][exact][statistical]") {
  // Sees a wrong law of momenta, phases or amplitudes; planted once: directions in three dimensions without the root.
  std::vector<std::pair<std::string, int>> cases;
  for (int d = 1; d <= 4; ++d) {
    for (const char* const alpha : {"-1.0", "0.0", "1.0"}) {
      cases.push_back({"kind = \"cosine\"\nmass = 0.8\nLambda = 3.0\ndimension = " + std::to_string(d) +
                           "\nalpha = " + alpha + (d % 2 == 0 ? "\ncutoff = \"hard\"\n" : "\namplitude = \"normal\"\n"),
                       d});
    }
    cases.push_back({"kind = \"gauss\"\nbias = 0.2\nweight = 0.9\ndimension = " + std::to_string(d), d});
  }
  cases.push_back({"kind = \"cosine\"\nmass = 0.6\nalpha = 1.0\nextents = [6, 4]\n", 2});
  for (const char* const activation : {"erf", "relu", "tanh", "cos"})
    cases.push_back(
        {"kind = \"multilayer\"\nbias = 0.3\ndimension = 3\nactivation = \"" + std::string(activation) + "\"", 3});
  for (const auto& [text, d] : cases) {
    INFO(text);
    const auto network = network_of(text);
    std::vector<NetworkPoint> places{point(d, 0.9, 0.1), point(d, 0.9, 1.5), point(d, 0.6, 2.2), point(d, 0.5, 4.0)};
    if (!network->extents().empty()) places = {{0, 0}, {1, 2}, {5, 3}, {2, 2}};
    const int width = 5;
    const int n = 40000;
    const auto all = outputs_of(*network, width, 0, n, places);
    const auto compare = [&](double exact, const auto& value) {
      double sum = 0;
      double square = 0;
      for (const std::vector<double>& phi : all) {
        const double v = value(phi);
        sum += v;
        square += v * v;
      }
      const double mean = sum / n;
      const double error = std::sqrt((square / n - mean * mean) / n);
      INFO(mean << " +- " << error << ", exact " << exact);
      CHECK(std::abs(mean - exact) < 5 * error);  // 76 comparisons: a family-wise error of 5e-5
    };
    compare(0, [](const std::vector<double>& phi) { return phi[1]; });
    compare(*network->two_point(places[0], places[0]), [](const std::vector<double>& phi) { return phi[0] * phi[0]; });
    compare(*network->two_point(places[0], places[2]), [](const std::vector<double>& phi) { return phi[0] * phi[2]; });
    const auto four = network->connected_four_point(width, {places[0], places[1], places[2], places[3]});
    if (!four) continue;
    const auto two = [&](std::size_t a, std::size_t b) { return *network->two_point(places[a], places[b]); };
    compare(*four + two(0, 1) * two(2, 3) + two(0, 2) * two(1, 3) + two(0, 3) * two(1, 2),
            [](const std::vector<double>& phi) { return phi[0] * phi[1] * phi[2] * phi[3]; });
  }
}
