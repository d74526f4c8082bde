// Hopfield's memory against enumeration and the mean field of one pattern; what it recalls; the same chains however
// ranks share its replicas.
#include <catch2/catch_test_macros.hpp>

#include "field_sampling.hpp"
#include "koushi/base/error.hpp"
#include "koushi/field/hopfield_theory.hpp"
#include "updates_of.hpp"

using namespace koushi;

namespace {

Grid line(const Communicator& comm, int n, std::int64_t replicas) {
  return {comm, {{n}, {Boundary::periodic}, {1}, 1, replicas}};
}

std::map<std::string, Estimate> sample(const Grid& grid, const HopfieldOptions& options, int n, int hits = 1) {
  const auto theory = make_hopfield_theory(grid, options);
  const Colouring colouring(grid, as<LocalUpdates>(*theory).interactions());
  return sample_field(*theory, n,
                      [&](std::uint64_t t) { as<LocalUpdates>(*theory).metropolis(colouring, 7, t, hits, 0); });
}

}  // namespace

TEST_CASE("small memories have the moments of their enumeration", "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  const int n = 10;
  const double beta = 1.3;
  const auto patterns = random_patterns(3, 4, n);
  double z = 0;
  double energy = 0;
  double energy2 = 0;
  double largest = 0;
  double noise = 0;
  for (unsigned state = 0; state < (1U << n); ++state) {
    const auto s = [&](std::size_t i) { return (state >> i & 1U) != 0 ? 1 : -1; };
    double h = 0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        for (const auto& xi : patterns) h -= i == j ? 0 : 0.5 / n * xi[i] * xi[j] * s(i) * s(j);
      }
    }
    double most = 0;
    double rest = 0;
    for (std::size_t mu = 0; mu < patterns.size(); ++mu) {
      double m = 0;
      for (std::size_t i = 0; i < n; ++i) m += patterns[mu][i] * s(i);
      most = std::max(most, std::abs(m) / n);
      if (mu > 0) rest += m * m / n / 3;
    }
    const double weight = std::exp(-beta * h);
    z += weight;
    energy += weight * h / n;
    energy2 += weight * h * h / n / n;
    largest += weight * most;
    noise += weight * rest;
  }
  energy /= z;
  for (const bool from_pattern : {true, false}) {
    for (const int hits : {1, 2}) {
      auto result =
          sample(line(self, n, 32), {.beta = beta, .patterns = patterns, .from_pattern = from_pattern}, 3000, hits);
      compare_estimate(result["energy_per_site"], energy, 0.02);
      compare_estimate(result["specific_heat"], beta * beta * n * (energy2 / z - energy * energy), 0.05);
      compare_estimate(result["overlap_max"], largest / z, 0.02);
      compare_estimate(result["overlap_noise"], noise / z, 0.05);
    }
  }
}

TEST_CASE("one pattern is the mean-field magnet", "[field][exact][statistical]") {
  // sum over M of binomial(N, (N + M) / 2) e^{beta M^2 / 2N}; for large N m = tanh(beta m)
  const Communicator self = Communicator::self();
  const int n = 300;
  for (const double beta : {0.7, 1.5}) {
    double z = 0;
    double overlap = 0;
    double energy = 0;
    for (int up = 0; up <= n; ++up) {
      const double m = 2.0 * up - n;
      const double weight = std::exp(std::lgamma(n + 1.0) - std::lgamma(up + 1.0) - std::lgamma(n - up + 1.0) +
                                     beta * m * m / (2.0 * n) - n);
      z += weight;
      overlap += weight * std::abs(m) / n;
      energy -= weight * (m * m - n) / (2.0 * n) / n;
    }
    auto result = sample(line(self, n, 16), {.beta = beta, .patterns = random_patterns(5, 1, n)}, 2000);
    compare_estimate(result["overlap_max"], overlap / z, 0.02);
    compare_estimate(result["energy_per_site"], energy / z, 0.05);
    if (beta < 1) continue;
    double m = 1;
    for (int k = 0; k < 200; ++k) m = std::tanh(beta * m);
    CHECK(std::abs(overlap / z - m) < 0.01);
    CHECK(std::abs(result["overlap_1"].value - m) < 0.01);  // never leaves the pattern it starts from
  }
}

TEST_CASE("few patterns are recalled from noise, too many are forgotten", "[field][statistical]") {
  // The limit is alpha = P / N = 0.138 at T = 0 (D. J. Amit, H. Gutfreund, H. Sompolinsky, Phys. Rev. Lett. 55, 1530
  // (1985)).
  const Communicator self = Communicator::self();
  const Grid grid = line(self, 400, 4);
  auto few = sample(grid, {.beta = 10, .patterns = random_patterns(1, 20, 400), .noise = 0.2}, 200);
  auto many = sample(grid, {.beta = 10, .patterns = random_patterns(1, 120, 400), .noise = 0}, 1000);
  CHECK(few["overlap_1"].value > 0.97);
  CHECK(few["overlap_noise"].value < 3);
  CHECK(many["overlap_1"].value < 0.6);
}

TEST_CASE("overlap and noise of a recalled pattern are those of the mean-field theory of many",
          "[field][statistical]") {
  // m = <tanh beta (m + sqrt(alpha r) z)>, q = <tanh^2>, r = q / (1 - beta (1 - q))^2, z normal: Amit, Gutfreund,
  // Sompolinsky 1987, for large N and the mean over patterns, so the error is the scatter over sets of patterns.
  const Communicator self = Communicator::self();
  const double beta = 4;
  const double alpha = 0.05;
  double m = 1;
  double q = 1;
  double r = 1;
  for (int k = 0; k < 200; ++k) {
    double next_m = 0;
    double next_q = 0;
    constexpr double h = 0.02;
    for (int i = -400; i <= 400; ++i) {
      const double t = std::tanh(beta * (m + std::sqrt(alpha * r) * i * h));
      const double weight = std::exp(-0.5 * i * h * i * h) * h / std::sqrt(2 * M_PI);
      next_m += weight * t;
      next_q += weight * t * t;
    }
    m = next_m;
    q = next_q;
    r = q / std::pow(1 - beta * (1 - q), 2);
  }
  const int sets = 16;
  for (const auto& [name, theory] :
       {std::pair{std::string("overlap_1"), m}, std::pair{std::string("overlap_noise"), r}}) {
    double mean = 0;
    double square = 0;
    for (std::uint64_t seed = 1; seed <= sets; ++seed) {
      const double x =
          sample(line(self, 1000, 2), {.beta = beta, .patterns = random_patterns(seed, 50, 1000)}, 100)[name].value;
      mean += x / sets;
      square += x * x / sets;
    }
    const double error = std::sqrt((square - mean * mean) / (sets - 1));
    INFO(name << " " << mean << " +- " << error << ", theory " << theory);
    CHECK(std::abs(mean - theory) < 5 * error);
    CHECK(error < (name == "overlap_1" ? 0.001 : 0.1));
  }
}

TEST_CASE("ranks share the replicas of a memory and change nothing", "[field][mpi]") {
  const Communicator world = Communicator::world();
  const Communicator self = Communicator::self();
  const HopfieldOptions options{.beta = 1.5, .patterns = random_patterns(2, 5, 40), .noise = 0.1};
  const Grid alone = line(self, 40, 5);
  const Grid shared = line(world, 40, 5);
  const auto whole = make_hopfield_theory(alone, options);
  const auto part = make_hopfield_theory(shared, options);
  for (FieldTheory* theory : {whole.get(), part.get()}) {
    const Colouring colouring(theory->grid(), as<LocalUpdates>(*theory).interactions());
    theory->start(4, 0);
    for (std::uint64_t t = 0; t < 20; ++t) as<LocalUpdates>(*theory).metropolis(colouring, 4, t, 1, 0);
  }
  CHECK(configuration_of(*part) == cut_brick(configuration_of(*whole), shared.box(1)));
  // What is read back goes on as what was written.
  MemoryArchive archive;
  part->write(archive, "field");
  const auto before = part->measure();
  part->start(9, 0);
  part->read(archive, "field");
  CHECK(part->measure() == before);
}

TEST_CASE("memories that cannot be are refused", "[field]") {
  const Communicator self = Communicator::self();
  const Grid plane(self, {{4, 4}, {Boundary::periodic, Boundary::periodic}, {1, 1}, 1, 1});
  CHECK_THROWS_AS(make_hopfield_theory(plane, {.patterns = random_patterns(1, 2, 16)}), UsageError);
  CHECK_THROWS_AS(make_hopfield_theory(line(self, 16, 1), {}), UsageError);
  CHECK_THROWS_AS(make_hopfield_theory(line(self, 16, 1), {.patterns = random_patterns(1, 2, 15)}), UsageError);
}

TEST_CASE("a cold memory has no spin against its field", "[field]") {
  const Communicator self = Communicator::self();
  // e^{-dS} of such a spin is infinite; one pattern from noise of a fifth
  const auto theory = make_hopfield_theory(
      line(self, 100, 4), {.beta = 1000, .patterns = random_patterns(5, 1, 100), .from_pattern = true, .noise = 0.2});
  const Colouring colouring(theory->grid(), as<LocalUpdates>(*theory).interactions());
  theory->start(3, 0);
  as<LocalUpdates>(*theory).metropolis(colouring, 7, 0, 1, 0);
  CHECK(theory->measure().at("overlap_max") == std::vector<double>(4, 1.0));
}
