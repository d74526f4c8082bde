// Correlators at spatial momenta: sums written out, the free field, transfer matrices of spin strips, symmetries,
// ranks.
#include <Eigen/Core>
#include <complex>

#include "field_sampling.hpp"
#include "koushi/base/error.hpp"
#include "koushi/field/hmc.hpp"
#include "koushi/field/scalar_theory.hpp"
#include "koushi/field/spin_theory.hpp"
#include "updates_of.hpp"

using namespace koushi;

namespace {

constexpr auto per = Boundary::periodic;
constexpr auto anti = Boundary::antiperiodic;

struct Case {
  std::string name;
  int components;
  int states;  ///< of Potts spins
  bool split;
  std::unique_ptr<FieldTheory> (*make)(const Grid&);
};

const std::vector<Case>& cases() {
  using Kind = SpinModel::Kind;
  static const std::vector<Case> all{
      {"phi^4", 1, 0, false,
       [](const Grid& g) -> std::unique_ptr<FieldTheory> {
         return make_quartic_theory(g, {.quadratic = -0.7, .quartic = 0.4});
       }},
      {"O(3) phi^4", 3, 0, false,
       [](const Grid& g) -> std::unique_ptr<FieldTheory> {
         return make_quartic_theory(g, {.components = 3, .quadratic = 0.1, .quartic = 0.3});
       }},
      {"sine-Gordon", 1, 0, false,
       [](const Grid& g) -> std::unique_ptr<FieldTheory> { return make_sine_gordon_theory(g, 0.8, 1.7); }},
      {"Ising", 1, 0, true, [](const Grid& g) { return make_spin_theory(g, {.beta = 0.4}); }},
      {"O(4)", 4, 0, false, [](const Grid& g) { return make_spin_theory(g, {.components = 4, .beta = 0.4}); }},
      {"clock", 2, 0, false,
       [](const Grid& g) { return make_spin_theory(g, {.kind = Kind::clock, .states = 5, .beta = 0.4}); }},
      {"Potts", 1, 3, false,
       [](const Grid& g) { return make_spin_theory(g, {.kind = Kind::potts, .states = 3, .beta = 0.4}); }}};
  return all;
}

Grid grid_of(const Communicator& comm, const std::vector<int>& extents, const std::vector<Boundary>& boundary,
             std::int64_t replicas, std::vector<int> ranks = {}, bool split = false) {
  if (ranks.empty()) ranks.assign(extents.size(), 1);
  return {comm, {extents, boundary, ranks, 1, replicas, split}};
}

double momentum(int n, int length, Boundary boundary) {
  return 2 * M_PI * (n + (boundary == anti ? 0.5 : 0.0)) / length;
}

/// 1/V sum over all pairs of sites at time difference t of cos(p.(x - y)) phi(x).phi(y), with the sign of the boundary
/// in time.
std::vector<double> written_out(const std::vector<double>& field, const std::vector<int>& extents,
                                const std::vector<Boundary>& boundary, int components, int states,
                                const std::vector<int>& n) {
  int space = 1;
  for (std::size_t k = 1; k < extents.size(); ++k) space *= extents[k];
  const int length = extents[0];
  const auto at = [&](int c, int t, int x) {
    if (states == 0) return field[static_cast<std::size_t>((c * length + t) * space + x)];
    return std::sqrt(states / (states - 1.0)) *
           ((field[static_cast<std::size_t>(t * space + x)] == c ? 1.0 : 0.0) - 1.0 / states);
  };
  const auto phase = [&](int x) {
    double sum = 0;
    for (std::size_t k = extents.size() - 1; k > 0; --k) {
      sum += momentum(n[k - 1], extents[k], boundary[k]) * (x % extents[k]);
      x /= extents[k];
    }
    return sum;
  };
  std::vector<double> result;
  for (int t = 0; t <= length / 2; ++t) {
    double sum = 0;
    int pairs = 0;
    for (int t0 = 0; t0 < length; ++t0) {
      const bool across = t0 + t >= length;
      if (across && boundary[0] == Boundary::open) continue;
      ++pairs;
      for (int x = 0; x < space; ++x) {
        for (int y = 0; y < space; ++y) {
          for (int c = 0; c < std::max(components, states); ++c)
            sum += (across && boundary[0] == anti ? -1 : 1) * std::cos(phase(x) - phase(y)) * at(c, t0, x) *
                   at(c, (t0 + t) % length, y);
        }
      }
    }
    result.push_back(sum / (pairs * space));
  }
  return result;
}

///  <C(p, t)> of S = sum stiffness (d phi)^2 + quadratic phi^2: 1 / (2 stiffness) times the inverse of 2 cosh E - 2 cos
///  k, summed over the frequencies of a closed time.
double free_correlator(double stiffness, double quadratic, const std::vector<int>& extents,
                       const std::vector<Boundary>& boundary, const std::vector<int>& n, int t) {
  double cosh_e = 1 + quadratic / stiffness / 2;
  for (std::size_t k = 1; k < extents.size(); ++k) cosh_e += 1 - std::cos(momentum(n[k - 1], extents[k], boundary[k]));
  const double e = std::acosh(cosh_e);
  const double half = extents[0] / 2.0;
  const double shape = boundary[0] == anti ? std::sinh(e * (half - t)) / std::cosh(e * half)
                                           : std::cosh(e * (half - t)) / std::sinh(e * half);
  return shape / (2 * std::sinh(e)) / (2 * stiffness);
}

}  // namespace

TEST_CASE("correlators at momenta are the sums over pairs of sites, in every theory, dimension and boundary",
          "[field]") {
  const Communicator self = Communicator::self();
  struct Row {
    std::vector<int> extents;
    std::vector<Boundary> boundary;
    std::vector<std::vector<int>> n;
  };
  const std::vector<Row> rows{{{5, 8}, {per, per}, {{1}, {3}, {-4}}},
                              {{6, 4}, {anti, anti}, {{0}, {1}, {-1}, {-2}}},
                              {{6, 4}, {Boundary::open, per}, {{1}, {2}}},
                              {{4, 3, 4}, {per, per, anti}, {{1, 0}, {0, 1}, {-1, -2}}},
                              {{4, 3, 4}, {per, Boundary::open, per}, {{0, 1}}},
                              {{4, 2, 3, 4}, {anti, per, anti, per}, {{1, 0, 0}, {0, 1, 1}, {1, -1, 2}}}};
  for (const Case& c : cases()) {
    for (const Row& row : rows) {
      if (c.states > 0 && std::count(row.boundary.begin(), row.boundary.end(), anti) > 0) continue;
      const Grid grid = grid_of(self, row.extents, row.boundary, 2, {}, c.split);
      const auto theory = c.make(grid);
      as<SliceCorrelators>(*theory).correlate_at({row.n});
      theory->start(5, 1.0);
      const Measured measured = theory->measure();
      const std::vector<double> whole = configuration_of(*theory);
      for (std::size_t k = 0; k < row.n.size(); ++k) {
        const std::vector<double>& series = measured.at("correlator_p" + std::to_string(k + 1));
        const std::size_t points = series.size() / 2;
        REQUIRE(points == static_cast<std::size_t>(row.extents[0] / 2 + 1));
        for (std::size_t r = 0; r < 2; ++r) {
          const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(r * whole.size() / 2);
          const std::vector<double> exact = written_out({begin, begin + static_cast<std::ptrdiff_t>(whole.size() / 2)},
                                                        row.extents, row.boundary, c.components, c.states, row.n[k]);
          for (std::size_t t = 0; t < points; ++t) {
            INFO(c.name << " in " << row.extents.size() << " directions, momentum " << k << ", replica " << r << ", t "
                        << t);
            CHECK(std::abs(series[r * points + t] - exact[t]) < 1e-12 * (1 + exact[0]));
          }
        }
      }
    }
  }
}

TEST_CASE("free fields have the exact correlator at every momentum and time", "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  struct Row {
    std::vector<int> extents;
    std::vector<Boundary> boundary;
    std::vector<std::vector<int>> n;
    bool average;
    double stiffness;
  };
  for (const Row& row :
       {Row{{10, 8}, {per, per}, {{1}, {2}, {3}, {4}}, false, 0.5},
        Row{{8, 6}, {per, anti}, {{0}, {1}, {2}, {-1}}, false, 1.0}, Row{{8, 4}, {anti, anti}, {{0}, {1}}, false, 0.5},
        Row{{8, 4, 4}, {per, per, per}, {{1, 0}, {1, 1}, {2, 1}}, true, 0.5},
        Row{{6, 4, 3, 2}, {per, anti, per, per}, {{0, 0, 0}, {1, 1, 1}}, true, 0.5}}) {
    const Grid grid = grid_of(self, row.extents, row.boundary, 16);
    const double quadratic = 0.3 * row.stiffness;
    const auto theory = make_quartic_theory(grid, {.stiffness = row.stiffness, .quadratic = quadratic});
    as<SliceCorrelators>(*theory).correlate_at({row.n, row.average});
    auto found = sample_field(*theory, 1500, [&](std::uint64_t t) {
      hmc_trajectory(*theory, {.length = 1.5, .jitter = 0.3, .steps = 6, .seed = 5}, t);
    });
    for (std::size_t k = 0; k < row.n.size(); ++k) {
      const auto exact = [&](int t) {
        return free_correlator(row.stiffness, quadratic, row.extents, row.boundary, row.n[k], t);
      };
      const std::string p = "_p" + std::to_string(k + 1);
      for (int t = 0; t <= row.extents[0] / 2; ++t) {
        INFO(row.extents.size() << " directions, momentum " << k << ", t " << t);
        compare_estimate(found.at("correlator" + p + "(" + std::to_string(t) + ")"), exact(t), 0, 0.03 * exact(0));
      }
      const double energy = std::acosh((exact(0) + exact(2)) / (2 * exact(1)));
      compare_estimate(found.at("energy" + p), energy, 0.02);
      CHECK(found.at("effective_energy" + p + "(0)").value == found.at("energy" + p).value);
    }
  }
}

TEST_CASE("strips of Ising and Potts spins have the correlators of their transfer matrix",
          "[field][exact][statistical]") {
  const Communicator self = Communicator::self();
  constexpr int length = 6;
  struct Row {
    int q;  ///< 2: Ising
    int width;
    Boundary boundary;
    std::vector<int> n;
  };
  for (const Row& row : {Row{2, 4, per, {1, 2}}, Row{2, 4, anti, {0, 1}}, Row{3, 3, per, {1}}}) {
    const double beta = row.q == 2 ? 0.35 : 0.6;
    const Grid grid = grid_of(self, {length, row.width}, {per, row.boundary}, 16);
    const auto theory =
        make_spin_theory(grid, row.q == 2 ? SpinModel{.beta = beta}
                                          : SpinModel{.kind = SpinModel::Kind::potts, .states = row.q, .beta = beta});
    std::vector<std::vector<int>> n;
    for (const int x : row.n) n.push_back({x});
    as<SliceCorrelators>(*theory).correlate_at({n});
    auto found =
        sample_field(*theory, 1500, [&](std::uint64_t t) { as<ClusterUpdates>(*theory).flip_clusters(false, 3, t); });

    const auto states = static_cast<Eigen::Index>(std::lround(std::pow(row.q, row.width)));
    const auto spin = [&](Eigen::Index s, int x) {
      return static_cast<int>(s / std::lround(std::pow(row.q, x))) % row.q;
    };
    const auto joined = [&](int a, int b) { return row.q == 2 ? (a == b ? 1.0 : -1.0) : (a == b ? 1.0 : 0.0); };
    const auto inside = [&](Eigen::Index s) {
      double sum = 0;
      for (int x = 0; x < row.width; ++x)
        sum += (x + 1 == row.width && row.boundary == anti ? -1 : 1) * joined(spin(s, x), spin(s, (x + 1) % row.width));
      return sum;
    };
    Eigen::MatrixXd transfer(states, states);
    for (Eigen::Index a = 0; a < states; ++a) {
      for (Eigen::Index b = 0; b < states; ++b) {
        double sum = 0.5 * (inside(a) + inside(b));
        for (int x = 0; x < row.width; ++x) sum += joined(spin(a, x), spin(b, x));
        transfer(a, b) = std::exp(beta * sum);
      }
    }
    std::vector<Eigen::MatrixXd> power{Eigen::MatrixXd::Identity(states, states)};
    for (int t = 0; t < length; ++t) power.emplace_back(power.back() * transfer);
    for (std::size_t k = 0; k < row.n.size(); ++k) {
      for (int t = 0; t <= length / 2; ++t) {
        std::complex<double> sum = 0;
        for (int c = 0; c < (row.q == 2 ? 1 : row.q); ++c) {
          Eigen::VectorXcd wave(states);
          for (Eigen::Index s = 0; s < states; ++s) {
            wave(s) = 0;
            for (int x = 0; x < row.width; ++x) {
              const double value =
                  row.q == 2 ? 2.0 * spin(s, x) - 1
                             : std::sqrt(row.q / (row.q - 1.0)) * ((spin(s, x) == c ? 1.0 : 0.0) - 1.0 / row.q);
              wave(s) += std::polar(value, momentum(row.n[k], row.width, row.boundary) * x);
            }
          }
          for (Eigen::Index a = 0; a < states; ++a) {
            for (Eigen::Index b = 0; b < states; ++b)
              sum += power[static_cast<std::size_t>(length - t)](b, a) * wave(a) *
                     power[static_cast<std::size_t>(t)](a, b) * std::conj(wave(b));
          }
        }
        const double exact = sum.real() / (row.width * power.back().trace());
        INFO("q " << row.q << ", momentum " << k << ", t " << t);
        compare_estimate(found.at("correlator_p" + std::to_string(k + 1) + "(" + std::to_string(t) + ")"), exact, 0,
                         0.02);
      }
    }
  }
}

TEST_CASE("averages are over what reflections and exchanges of equal directions make of a momentum", "[field]") {
  const Communicator self = Communicator::self();
  struct Row {
    std::vector<int> extents;
    std::vector<Boundary> boundary;
    std::vector<int> n;
    std::vector<std::vector<int>> members;
  };
  for (const Row& row :
       {Row{{4, 6, 6}, {per, per, per}, {1, 0}, {{1, 0}, {0, 1}}},
        Row{{4, 6, 6}, {per, per, per}, {1, 1}, {{1, 1}, {1, -1}}},
        Row{{4, 6, 6}, {per, per, per}, {2, -1}, {{1, 2}, {1, -2}, {2, 1}, {2, -1}}},
        Row{{4, 6, 6}, {per, per, per}, {3, 3}, {{3, 3}}}, Row{{4, 6, 4}, {per, per, per}, {1, 2}, {{1, 2}}},
        Row{{4, 6, 6}, {per, per, anti}, {1, 0}, {{1, 0}, {1, -1}}},
        Row{{4, 6, 6}, {per, anti, anti}, {0, 1}, {{0, 1}, {0, -2}, {1, 0}, {1, -1}}}}) {
    const Grid grid = grid_of(self, row.extents, row.boundary, 1);
    const auto series = [&](const std::vector<std::vector<int>>& n, bool average) {
      const auto theory = make_quartic_theory(grid, {.quadratic = 0.5});
      as<SliceCorrelators>(*theory).correlate_at({n, average});
      theory->start(3, 1.0);
      return theory->measure();
    };
    const Measured apart = series(row.members, false);
    const std::vector<double> together = series({row.n}, true).at("correlator_p1");
    for (std::size_t t = 0; t < together.size(); ++t) {
      double mean = 0;
      for (std::size_t k = 0; k < row.members.size(); ++k)
        mean += apart.at("correlator_p" + std::to_string(k + 1))[t] / static_cast<double>(row.members.size());
      CHECK(std::abs(together[t] - mean) < 1e-12);
    }
  }
}

TEST_CASE("correlators at momenta are bitwise the same on any ranks", "[field][mpi]") {
  const Communicator self = Communicator::self();
  const Communicator world = Communicator::world();
  for (const Case& c : cases()) {
    for (std::size_t divided = 0; divided < 3; ++divided) {
      INFO(c.name << ", direction " << divided << " divided");
      std::vector<int> ranks(3, 1);
      ranks[divided] = world.size();
      const std::vector<Boundary> boundary{per, c.states > 0 ? per : anti, per};
      const SpatialMomenta momenta{{{1, 0}, {2, -3}}, true};
      const auto measured = [&](const Grid& grid) {
        const auto theory = c.make(grid);
        as<SliceCorrelators>(*theory).correlate_at(momenta);
        theory->start(8, 0.7);
        return theory->measure();
      };
      const Measured whole = measured(grid_of(self, {12, 12, 24}, boundary, 2, {}, c.split));
      const Measured part = measured(grid_of(world, {12, 12, 24}, boundary, 2, ranks, c.split));
      for (const char* name : {"correlator", "correlator_p1", "correlator_p2"}) CHECK(whole.at(name) == part.at(name));
    }
  }
}
