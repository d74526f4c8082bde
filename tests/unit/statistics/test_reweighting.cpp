// Independent configurations of the 4 x 4 Ising model, drawn from its exact distribution, against its exact means.
#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <map>
#include <random>

#include "koushi/statistics/jackknife.hpp"
#include "koushi/statistics/reweighting.hpp"

using namespace koushi;

namespace {

/// Number of states per energy of the torus, by enumeration.
const std::map<int, double>& density() {
  static const std::map<int, double> states = [] {
    std::map<int, double> count;
    for (unsigned s = 0; s < 65536; ++s) {
      int energy = 0;
      for (unsigned site = 0; site < 16; ++site) {
        const unsigned right = (site & 12U) | ((site + 1) & 3U);
        const unsigned below = (site + 4) & 15U;
        for (const unsigned other : {right, below}) energy += ((s >> site) & 1U) == ((s >> other) & 1U) ? -1 : 1;
      }
      ++count[energy];
    }
    return count;
  }();
  return states;
}

struct Exact {
  double log_z = 0;
  double energy = 0;
  double square = 0;
};

Exact exact(double beta) {
  double z = 0;
  Exact e;
  for (const auto& [energy, count] : density()) {
    const double w = count * std::exp(-beta * (energy + 32));
    z += w;
    e.energy += w * energy;
    e.square += w * energy * energy;
  }
  e.energy /= z;
  e.square /= z;
  e.log_z = std::log(z) + 32 * beta;
  return e;
}

/// Energies and their squares in two chains. With `repeat` every configuration comes so many times: tau_int = repeat /
/// 2.
ReweightingRun sample(double beta, std::size_t length, unsigned seed, std::size_t repeat = 1) {
  std::vector<double> energies;
  std::vector<double> weights;
  for (const auto& [energy, count] : density()) {
    energies.push_back(energy);
    weights.push_back(count * std::exp(-beta * (energy + 32)));
  }
  std::mt19937_64 engine(seed);
  std::discrete_distribution<std::size_t> draw(weights.begin(), weights.end());
  ReweightingRun run{beta, 0.5 * static_cast<double>(repeat), {{}, {}}};
  for (auto& chain : run.chains) {
    for (std::size_t t = 0; t < length; ++t) {
      const double e = energies[draw(engine)];
      for (std::size_t k = 0; k < repeat; ++k) chain.insert(chain.end(), {e, e * e});
    }
  }
  return run;
}

/// Energy and variance of a target with their jackknife errors.
JackknifeEstimate energy_and_variance(const Reweighted& result, std::size_t target) {
  const auto f = [](const std::vector<double>& m) { return std::vector<double>{m[0], m[1] - m[0] * m[0]}; };
  std::vector<std::vector<double>> samples;
  for (const auto& m : result.means_without[target]) samples.push_back(f(m));
  return jackknife_of_samples(f(result.means[target]), samples);
}

}  // namespace

TEST_CASE("reweighted means of the 4 x 4 Ising model are the exact ones", "[statistics][statistical]") {
  const std::vector<double> targets{0.25, 0.3, 0.35, 0.4, 0.45, 0.5};
  const std::vector<std::vector<ReweightingRun>> sets{
      {sample(0.4, 20000, 1)},
      {sample(0.3, 20000, 2), sample(0.45, 20000, 3)},
      {sample(0.25, 10000, 4), sample(0.35, 4000, 5, 5), sample(0.5, 10000, 6)}};
  for (const auto& runs : sets) {
    const Reweighted result = reweight(runs, 2, targets);
    REQUIRE(result.converged);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const Exact e = exact(targets[i]);
      const JackknifeEstimate estimate = energy_and_variance(result, i);
      INFO(runs.size() << " runs, beta " << targets[i] << ", " << result.effective_samples[i] << " effective samples");
      REQUIRE(result.effective_samples[i] > 1000);
      CHECK(std::abs(estimate.value[0] - e.energy) < 4.5 * estimate.error[0]);
      CHECK(std::abs(estimate.value[1] - (e.square - e.energy * e.energy)) < 4.5 * estimate.error[1]);
      CHECK(estimate.error[0] < 0.25);  // and the errors say something: the standard deviation of one energy is about 7
    }
    for (std::size_t k = 1; k < runs.size(); ++k) {
      CHECK(std::abs(result.free_energy[k] - (exact(runs[0].parameter).log_z - exact(runs[k].parameter).log_z)) <
            4.5 * result.free_energy_error[k]);
      CHECK(result.free_energy_error[k] < 0.1);
    }
  }
}

TEST_CASE("errors of reweighted means are their spread", "[statistics][statistical]") {
  double square = 0;
  double error = 0;
  const int repeats = 100;
  for (int r = 0; r < repeats; ++r) {
    const auto seed = static_cast<unsigned>(100 + 2 * r);
    const Reweighted result = reweight({sample(0.35, 200, seed, 4), sample(0.45, 500, seed + 1)}, 2, {0.4});
    const JackknifeEstimate estimate = energy_and_variance(result, 0);
    square += std::pow(estimate.value[0] - exact(0.4).energy, 2) / repeats;
    error += estimate.error[0] * estimate.error[0] / repeats;
  }
  // errors without the repetitions would be half as large
  CHECK(std::abs(square / error - 1) < 4.5 * std::sqrt(2.0 / repeats));
}

TEST_CASE("a run at its own parameter is averaged as it is", "[statistics]") {
  const auto run = sample(0.4, 100, 7);
  const Reweighted result = reweight({run}, 2, {0.4});
  CHECK(std::abs(result.means[0][0] - JackknifeBins(run.chains, 2, 1).means()[0]) < 1e-12);
  CHECK(std::abs(result.effective_samples[0] - 200) < 1e-9);
  CHECK(result.free_energy[0] == 0);
}

TEST_CASE("runs without overlap are told", "[statistics]") {
  ReweightingRun cold{0.4, 0.5, {{}}};
  ReweightingRun hot{0.0, 0.5, {{}}};
  for (int t = 0; t < 50; ++t) {
    cold.chains[0].push_back(-20000 + t % 7);
    hot.chains[0].push_back(t % 11);
  }
  CHECK(!reweight({cold, hot}, 1, {0.2}).converged);
}
