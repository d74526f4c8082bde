// Groups, molecular dynamics and local updates of gauge links, against the exact results of two dimensions; the same
// chain on any ranks.
#include <Eigen/Dense>
#include <catch2/catch_template_test_macros.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <complex>
#include <unsupported/Eigen/MatrixFunctions>

#include "field_sampling.hpp"
#include "koushi/field/gauge_group.hpp"
#include "koushi/field/gauge_theory.hpp"
#include "koushi/field/hmc.hpp"
#include "koushi/statistics/estimate.hpp"
#include "updates_of.hpp"

using namespace koushi;
using Complex = std::complex<double>;

namespace {

/// The N x N matrix that the numbers of a group stand for.
Eigen::MatrixXcd dense(const GroupU1<>::Matrix& m) { return Eigen::MatrixXcd::Constant(1, 1, Complex(m.v[0], m.v[1])); }
Eigen::MatrixXcd dense(const GroupSU2<>::Matrix& m) {
  Eigen::MatrixXcd d(2, 2);
  d << Complex(m.v[0], m.v[3]), Complex(m.v[2], m.v[1]), Complex(-m.v[2], m.v[1]), Complex(m.v[0], -m.v[3]);
  return d;
}
Eigen::MatrixXcd dense(const GroupSU3<>::Matrix& m) {
  Eigen::MatrixXcd d(3, 3);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) d(i, j) = Complex(m.re(i, j), m.im(i, j));
  }
  return d;
}

/// T_a, written out: tr T_a T_b = 1/2.
template <typename Group>
Eigen::MatrixXcd generator(int a) {
  const Complex i(0, 1);
  const int n = static_cast<int>(Group::order);
  Eigen::MatrixXcd t = Eigen::MatrixXcd::Zero(n, n);
  if (n == 1) {
    t(0, 0) = 1;
  } else if (n == 2) {
    if (a == 0) t << 0, 1, 1, 0;
    if (a == 1) t << 0, -i, i, 0;
    if (a == 2) t << 1, 0, 0, -1;
    t /= 2;
  } else {
    const int rows[8] = {0, 0, 0, 0, 0, 1, 1, 0};
    const int columns[8] = {1, 1, 0, 2, 2, 2, 2, 0};
    if (a == 2) {
      t(0, 0) = 1;
      t(1, 1) = -1;
    } else if (a == 7) {
      t(0, 0) = t(1, 1) = 1 / std::sqrt(3.0);
      t(2, 2) = -2 / std::sqrt(3.0);
    } else {
      const bool imaginary = a == 1 || a == 4 || a == 6;
      t(rows[a], columns[a]) = imaginary ? -i : Complex(1);
      t(columns[a], rows[a]) = imaginary ? i : Complex(1);
    }
    t /= 2;
  }
  return t;
}

template <typename Group>
void momenta(double (&p)[Group::generators], double scale) {
  for (int a = 0; a < Group::generators; ++a) p[a] = scale * std::sin(1.3 + 2.1 * a);
}

}  // namespace

TEMPLATE_TEST_CASE("group elements multiply, exponentiate and differentiate as their matrices do", "[field]", GroupU1<>,
                   GroupSU2<>, GroupSU3<>) {
  const auto n = static_cast<Eigen::Index>(TestType::order);
  double p[TestType::generators];
  for (const double scale : {0.0, 0.3, 1.0, 7.0}) {
    momenta<TestType>(p, scale);
    Eigen::MatrixXcd q = Eigen::MatrixXcd::Zero(n, n);
    for (int a = 0; a < TestType::generators; ++a) q += p[a] * generator<TestType>(a);
    const auto u = TestType::exponential(p, 0.8);
    const Eigen::MatrixXcd exact = (Complex(0, 0.8) * q).exp();
    CHECK((dense(u) - exact).norm() < 1e-13);
    momenta<TestType>(p, 0.7);
    const auto w = TestType::product(TestType::adjoint(TestType::exponential(p, 1.1)), u);
    CHECK((dense(w) - dense(TestType::exponential(p, 1.1)).adjoint() * dense(u)).norm() < 1e-13);
    CHECK(std::abs(TestType::re_trace(w) - dense(w).trace().real()) < 1e-13);
    CHECK(std::abs(TestType::im_trace(w) - dense(w).trace().imag()) < 1e-13);
    double slope[TestType::generators];
    TestType::slope(w, slope);
    for (int a = 0; a < TestType::generators; ++a)
      CHECK(std::abs(slope[a] - (generator<TestType>(a) * dense(w)).trace().imag()) < 1e-13);
    auto off = w;
    for (double& v : off.v) v *= 1 + 1e-3;
    // nearest: turns with gauge transformations, and stays where it is
    Eigen::MatrixXcd sum = dense(w) + 0.7 * dense(u);
    auto part = w;
    for (int c = 0; c < TestType::reals; ++c) part.v[c] += 0.7 * u.v[c];
    const Eigen::MatrixXcd near = dense(TestType::nearest(part));
    CHECK((near * near.adjoint() - Eigen::MatrixXcd::Identity(n, n)).norm() < 1e-12);
    CHECK((n == 1 || std::abs(near.determinant() - Complex(1)) < 1e-12));
    // the positive factor near^dagger A is hermitian up to the phase that the determinant lost
    const Eigen::MatrixXcd positive = near.adjoint() * sum;
    const Complex phase =
        std::pow(positive.determinant() / std::abs(positive.determinant()), 1.0 / static_cast<double>(n));
    CHECK((positive / phase - (positive / phase).adjoint()).norm() < 1e-11);
    CHECK((dense(TestType::nearest(w)) - dense(w)).norm() < 1e-12);
    const Eigen::MatrixXcd back = dense(TestType::to_group(off));
    CHECK((back * back.adjoint() - Eigen::MatrixXcd::Identity(n, n)).norm() < 1e-13);
    CHECK((n == 1 || std::abs(back.determinant() - Complex(1)) < 1e-13));
    // refresh: the square of what is wrong remains
    auto near_group = w;
    for (int c = 0; c < TestType::reals; ++c) near_group.v[c] += 1e-6 * (u.v[c] - 0.3);
    const auto before = near_group;
    TestType::refresh(near_group);
    const Eigen::MatrixXcd fresh = dense(near_group);
    CHECK((dense(before) * dense(before).adjoint() - Eigen::MatrixXcd::Identity(n, n)).norm() > 1e-7);
    CHECK((fresh * fresh.adjoint() - Eigen::MatrixXcd::Identity(n, n)).norm() < 1e-10);
    CHECK((n == 1 || std::abs(fresh.determinant() - Complex(1)) < 1e-10));
    CHECK((fresh - dense(TestType::to_group(before))).norm() < 1e-10);
  }
  for (int a = 0; a < TestType::generators; ++a) {
    for (int b = 0; b < TestType::generators; ++b)
      CHECK(std::abs((generator<TestType>(a) * generator<TestType>(b)).trace() -
                     (a == b ? (n == 1 ? 1.0 : 0.5) : 0.0)) < 1e-14);
  }
}

namespace {

const std::vector<GaugeGroup> groups{GaugeGroup::u1, GaugeGroup::su2, GaugeGroup::su3};

Grid make_grid(const Communicator& comm, const std::vector<int>& extents, Boundary boundary, std::int64_t replicas,
               int range = 2, std::vector<int> ranks = {}) {
  if (ranks.empty()) ranks.assign(extents.size(), 1);
  std::vector<Boundary> all(extents.size(), Boundary::periodic);
  all[0] = boundary;
  return {comm, {extents, all, ranks, range, replicas, true}};
}

double sum(const std::vector<double>& x) {
  double total = 0;
  for (const double v : x) total += v;
  return total;
}

void update(FieldTheory& theory, const Colouring& colouring, const std::string& how, std::uint64_t t) {
  if (how == "hmc") {
    hmc_trajectory(dynamic_cast<MolecularDynamics&>(theory), {.length = 1.0, .jitter = 0.2, .steps = 8, .seed = 3}, t);
  } else if (how == "metropolis") {
    as<LocalUpdates>(theory).metropolis(colouring, 3, t, 3, 0.8);
  } else {
    as<Heatbath>(theory).heatbath(colouring, 3, t);
    if (how == "overrelaxation") as<Overrelaxation>(theory).overrelax(colouring);
  }
}

}  // namespace

TEST_CASE(
    "gauge kicks are the derivative of the action, overrelaxation leaves it alone, trajectories are reversible and of "
    "their order",
    "[field]") {
  const Communicator self = Communicator::self();
  struct Case {
    std::vector<int> extents;
    double rectangle;
  };
  for (const GaugeGroup group : groups) {
    for (const auto& [extents, rectangle] :
         {Case{{4, 6}, 0}, Case{{3, 4, 5}, 0}, Case{{2, 3, 4, 2}, 0}, Case{{6, 8}, -0.331}, Case{{3, 4, 6}, -1.0 / 12},
          Case{{3, 3, 4, 8}, -0.331}}) {
      for (const Boundary boundary : {Boundary::periodic, Boundary::open}) {
        INFO("group " << static_cast<int>(group) << ", directions " << extents.size() << ", boundary "
                      << static_cast<int>(boundary) << ", rectangles " << rectangle);
        const Grid grid = make_grid(self, extents, boundary, 2);
        const auto theory = make_gauge_theory(grid, {.group = group, .beta = 2.3, .rectangle = rectangle, .loops = 4});
        auto& dynamics = dynamic_cast<MolecularDynamics&>(*theory);
        theory->start(7, 0.4);
        dynamics.draw_momenta(7, 0);
        const auto kinetic = [&] { return sum(dynamics.hamiltonian()) - sum(theory->action()); };
        const double e = 1e-4;
        dynamics.drift(e);
        const double above = sum(theory->action());
        dynamics.drift(-2 * e);
        const double slope = (above - sum(theory->action())) / (2 * e);
        dynamics.drift(e);
        dynamics.kick(0.5);
        const double forward = kinetic();
        dynamics.kick(-1.0);
        CHECK(std::abs(kinetic() - forward - slope) < 1e-5 * (1 + std::abs(slope)));
        const double before = sum(theory->action());
        const Colouring colouring(grid, as<LocalUpdates>(*theory).interactions());
        as<Overrelaxation>(*theory).overrelax(colouring);
        CHECK(std::abs(sum(theory->action()) - before) < 1e-9);
      }
    }
    const Grid grid = make_grid(self, {4, 4}, Boundary::periodic, 1);
    const auto theory = make_gauge_theory(grid, {.group = group, .beta = 2.3, .loops = 4});
    auto& dynamics = dynamic_cast<MolecularDynamics&>(*theory);
    for (const auto& [integrator, order] :
         {std::pair{Integrator::leapfrog, 2}, std::pair{Integrator::omelyan2, 2}, std::pair{Integrator::omelyan4, 4},
          std::pair{Integrator::force_gradient, 4}}) {
      INFO("group " << static_cast<int>(group) << ", integrator " << static_cast<int>(integrator));
      const auto begin = [&] {
        theory->start(3, 0.5);
        dynamics.draw_momenta(3, 1);
      };
      CHECK(std::abs(order_of(dynamics, integrator, 30, begin) - order) < 0.6);
      begin();
      const auto first = configuration_of(*theory);
      integrate(dynamics, integrator, 0.1, 10);
      dynamics.reverse_momenta();
      integrate(dynamics, integrator, 0.1, 10);
      CHECK(largest_difference(first, configuration_of(*theory)) < 1e-10);
    }
  }
}

TEST_CASE("two-dimensional gauge theories have their exact plaquette, area law and topology, by every update",
          "[field][exact][statistical]") {
  // Plaquettes of the infinite volume, I_1/I_0, I_2/I_1 and the SU(3) integral; an 8 x 8 torus differs by less than
  // (plaquette)^64. <Q^2> of U(1) on the 8 x 8 torus at beta = 2: sum over the characters of its partition function.
  const Communicator self = Communicator::self();
  struct Row {
    GaugeGroup group;
    double beta;
    double plaquette;
  };
  for (const Row& row : {Row{GaugeGroup::u1, 1, 0.446389965897}, Row{GaugeGroup::u1, 2, 0.697774657964},
                         Row{GaugeGroup::su2, 0.3, 0.0747203226}, Row{GaugeGroup::su2, 2.2, 0.46447902527},
                         Row{GaugeGroup::su2, 4, 0.658047267359}, Row{GaugeGroup::su3, 3, 0.2030750500},
                         Row{GaugeGroup::su3, 6, 0.4225317397}}) {
    const Grid grid = make_grid(self, {8, 8}, Boundary::periodic, 8);
    const auto theory = make_gauge_theory(grid, {.group = row.group, .beta = row.beta, .loops = 4});
    const Colouring colouring(grid, as<LocalUpdates>(*theory).interactions());
    for (const std::string how : {"hmc", "heatbath", "overrelaxation", "metropolis"}) {
      INFO("group " << static_cast<int>(row.group) << ", beta " << row.beta << ", " << how);
      auto result = sample_field(
          *theory, row.group == GaugeGroup::su3 ? 300 : 1000,
          [&](std::uint64_t t) { update(*theory, colouring, how, t); }, 1.0);
      compare_estimate(result["plaquette"], row.plaquette, 0.02, 0.001);
      compare_estimate(result["wilson_loop_1x2"], std::pow(row.plaquette, 2), 0.04, 0.001);
      compare_estimate(result["wilson_loop_2x2"], std::pow(row.plaquette, 4), 0.1, 0.001);
      // A line of links along a direction of a torus in two dimensions: <|P|^2> of one line is 1/N^2 + O(plaquette^64),
      // lines L apart are independent.
      if (row.group == GaugeGroup::u1) {
        const Estimate& re = result.at("polyakov_loop_re");
        INFO("polyakov_loop_re " << re.value << " +- " << re.error);
        CHECK(std::abs(re.value) < 5 * re.error);
      }
      if (row.group == GaugeGroup::u1 && row.beta == 2)
        compare_estimate(result["topological_charge2"], 1.239298911, 0.1, 0.001);
    }
  }
}

TEST_CASE("local updates and hybrid Monte Carlo agree with rectangles in the action", "[field][statistical]") {
  // Two colours would update links of one rectangle at once: planted, it moved the plaquettes of U(1) and SU(2) by 9
  // and 15 of these errors.
  const Communicator self = Communicator::self();
  for (const GaugeGroup group : groups) {
    const Grid grid = make_grid(self, {6, 8}, Boundary::periodic, 16);
    const auto theory = make_gauge_theory(grid, {.group = group, .beta = 2.0, .rectangle = -0.331, .loops = 4});
    const Colouring colouring(grid, as<LocalUpdates>(*theory).interactions());
    CHECK(colouring.n_colours() > 2);
    std::vector<Estimate> found;
    for (const std::string how : {"hmc", "overrelaxation", "metropolis"}) {
      theory->start(5, 1.0);
      std::vector<std::vector<double>> chains(16);
      for (int t = 0; t < 330; ++t) {
        update(*theory, colouring, how, static_cast<std::uint64_t>(t));
        if (t < 30) continue;
        const std::vector<double> plaquette = theory->measure().at("plaquette");
        for (std::size_t r = 0; r < 16; ++r) chains[r].push_back(plaquette[r]);
      }
      std::vector<double> flat;
      for (const auto& chain : chains) flat.insert(flat.end(), chain.begin(), chain.end());
      found.push_back(gamma_method(flat, 16));
    }
    for (const Estimate& e : found) {
      INFO("group " << static_cast<int>(group) << ": " << e.value << " +- " << e.error << " beside " << found[0].value
                    << " +- " << found[0].error);
      CHECK(std::abs(e.value - found[0].value) <= 4.5 * std::hypot(e.error, found[0].error));
      CHECK(e.error < 0.005);
    }
  }
}

namespace {

using Box = std::vector<double>;

/// Links of one replica as dense matrices [mu][site], lexicographic, and back.
template <typename Group>
std::vector<std::vector<Eigen::MatrixXcd>> dense_links(const Box& box, std::size_t d, std::size_t sites) {
  std::vector<std::vector<Eigen::MatrixXcd>> links(d);
  for (std::size_t mu = 0; mu < d; ++mu) {
    for (std::size_t x = 0; x < sites; ++x) {
      typename Group::Matrix m;
      for (std::size_t c = 0; c < Group::reals; ++c) m.v[c] = box[(mu * Group::reals + c) * sites + x];
      links[mu].push_back(dense(m));
    }
  }
  return links;
}
void put(const Eigen::MatrixXcd& m, Box& box, std::size_t mu, std::size_t sites, std::size_t x) {
  std::vector<double> v;
  if (m.rows() == 1) {
    v = {m(0, 0).real(), m(0, 0).imag()};
  } else if (m.rows() == 2) {
    v = {m(0, 0).real(), m(0, 1).imag(), m(0, 1).real(), m(0, 0).imag()};
  } else {
    for (const bool imaginary : {false, true}) {
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) v.push_back(imaginary ? m(i, j).imag() : m(i, j).real());
      }
    }
  }
  for (std::size_t c = 0; c < v.size(); ++c) box[(mu * v.size() + c) * sites + x] = v[c];
}

/// U_mu(x) <- g(x) U_mu(x) g(x + mu)^dagger, g random.
template <typename Group>
void transform(Box& box, const std::vector<int>& extents) {
  std::size_t sites = 1;
  for (const int n : extents) sites *= static_cast<std::size_t>(n);
  auto links = dense_links<Group>(box, extents.size(), sites);
  std::vector<Eigen::MatrixXcd> g;
  for (std::size_t x = 0; x < sites; ++x) {
    double p[Group::generators];
    for (int a = 0; a < Group::generators; ++a) p[a] = 3 * std::sin(1.0 + 7.1 * a + 2.3 * static_cast<double>(x));
    g.push_back(dense(Group::exponential(p, 1.0)));
  }
  for (std::size_t mu = 0; mu < extents.size(); ++mu) {
    std::size_t stride = 1;
    for (std::size_t nu = mu + 1; nu < extents.size(); ++nu) stride *= static_cast<std::size_t>(extents[nu]);
    const auto n = static_cast<std::size_t>(extents[mu]);
    for (std::size_t x = 0; x < sites; ++x) {
      const std::size_t c = x / stride % n;
      const std::size_t next = x + ((c + 1) % n) * stride - c * stride;
      put(g[x] * links[mu][x] * g[next].adjoint(), box, mu, sites, x);
    }
  }
}

}  // namespace

TEST_CASE("everything measured of links is gauge invariant", "[field]") {
  const Communicator self = Communicator::self();
  for (const GaugeGroup group : groups) {
    for (const Smearing smearing : {Smearing::ape, Smearing::stout}) {
      const std::vector<int> extents{4, 2, 4, 6};
      const Grid grid(self, {extents, std::vector<Boundary>(4, Boundary::periodic), {1, 1, 1, 1}, 3, 1, true});
      const auto theory = make_gauge_theory(grid, {.group = group,
                                                   .beta = 2,
                                                   .rectangle = -0.331,
                                                   .loops = 4,
                                                   .flow_time = 0.2,
                                                   .flow_step = 0.05,
                                                   .static_loops = 3,
                                                   .smearing = smearing,
                                                   .smearing_steps = 3,
                                                   .smearing_weight = smearing == Smearing::ape ? 0.5 : 0.1});
      theory->start(3, 0.6);
      MemoryArchive archive;
      theory->write(archive, "field");
      const Measured before = theory->measure();
      Box& box = archive.boxes["field"];
      MemoryArchive after;
      theory->write(after, "field");
      CHECK((after.boxes["field"] == box));  // measuring leaves the field alone
      if (group == GaugeGroup::u1) transform<GroupU1<>>(box, extents);
      if (group == GaugeGroup::su2) transform<GroupSU2<>>(box, extents);
      if (group == GaugeGroup::su3) transform<GroupSU3<>>(box, extents);
      theory->read(archive, "field");
      for (const auto& [name, values] : theory->measure()) {
        for (std::size_t k = 0; k < values.size(); ++k) {
          INFO("group " << static_cast<int>(group) << ", " << name << " " << k);
          CHECK(std::abs(values[k] - before.at(name)[k]) < 1e-11 * (1 + std::abs(values[k])));
        }
      }
    }
  }
}

TEST_CASE(
    "the gradient flow damps plane waves as it must, is of third order, and the clover counts the charge of constant "
    "fields",
    "[field][exact]") {
  const Communicator self = Communicator::self();
  const double pi = std::acos(-1.0);
  {
    // U(1), theta_1 = a cos(2 pi x_0 / L): Maxwell's equations are linear for small a, dA/dt = - khat^2 A, so E falls
    // as e^{-2 khat^2 t}.
    const int L = 8;
    const Grid grid(self, {{L, L}, {Boundary::periodic, Boundary::periodic}, {1, 1}, 2, 1, true});
    const auto theory =
        make_gauge_theory(grid, {.group = GaugeGroup::u1, .beta = 1, .loops = 4, .flow_time = 1.0, .flow_step = 0.05});
    theory->start(1, 0);
    MemoryArchive archive;
    theory->write(archive, "field");
    for (std::size_t x = 0; x < 64; ++x) {
      const double angle = 1e-5 * std::cos(2 * pi * static_cast<double>(x / 8) / L);
      put(Eigen::MatrixXcd::Constant(1, 1, Complex(std::cos(angle), std::sin(angle))), archive.boxes["field"], 1, 64,
          x);
    }
    theory->read(archive, "field");
    const std::vector<double> e = theory->measure().at("flow_energy");
    const double khat2 = 4 * std::pow(std::sin(pi / L), 2);
    REQUIRE(e.size() == 21);
    CHECK(std::abs(e[20] / e[0] / std::exp(-2 * khat2) - 1) < 2e-6);
  }
  for (const GaugeGroup group : {GaugeGroup::su2, GaugeGroup::su3}) {
    const Grid grid(self, {{4, 4, 4, 4}, std::vector<Boundary>(4, Boundary::periodic), {1, 1, 1, 1}, 2, 1, true});
    const auto energy = [&](double step) {
      const auto theory =
          make_gauge_theory(grid, {.group = group, .beta = 1, .loops = 4, .flow_time = 0.4, .flow_step = step});
      theory->start(4, 0.5);
      return theory->measure().at("flow_energy").back();
    };
    const double exact = energy(0.005);
    INFO("group " << static_cast<int>(group) << ": " << energy(0.1) - exact << ", " << energy(0.05) - exact);
    CHECK(std::abs(std::log2(std::abs((energy(0.1) - exact) / (energy(0.05) - exact))) - 3) < 0.5);
  }
  {
    // Constant abelian field in SU(2): F_01 = 2 pi n / L^2 and F_23 = 2 pi m / L^2 along sigma_3. Its charge is 2 n m;
    // the clover has sin F for F.
    const int L = 4;
    const Grid grid(self, {{L, L, L, L}, std::vector<Boundary>(4, Boundary::periodic), {1, 1, 1, 1}, 2, 1, true});
    const auto theory = make_gauge_theory(
        grid, {.group = GaugeGroup::su2, .beta = 1, .loops = 4, .flow_time = 0.01, .flow_step = 0.01});
    theory->start(1, 0);
    MemoryArchive archive;
    theory->write(archive, "field");
    const double f[2] = {2 * pi / (L * L), 2 * 2 * pi / (L * L)};
    for (std::size_t x = 0; x < 256; ++x) {
      const int c[4] = {static_cast<int>(x / 64), static_cast<int>(x / 16 % 4), static_cast<int>(x / 4 % 4),
                        static_cast<int>(x % 4)};
      for (const int plane : {0, 1}) {
        const int mu = 2 * plane;
        const double along[2] = {c[mu] == L - 1 ? -f[plane] * L * c[mu + 1] : 0.0, f[plane] * c[mu]};
        for (const int k : {0, 1}) {
          Eigen::MatrixXcd u = Eigen::MatrixXcd::Zero(2, 2);
          u(0, 0) = Complex(std::cos(along[k]), std::sin(along[k]));
          u(1, 1) = std::conj(u(0, 0));
          put(u, archive.boxes["field"], static_cast<std::size_t>(mu + k), 256, x);
        }
      }
    }
    theory->read(archive, "field");
    const Measured all = theory->measure();
    // The constant field solves the field equations: the flow leaves it.
    CHECK(std::abs(all.at("topological_charge")[0] - 256 * std::sin(f[0]) * std::sin(f[1]) / (2 * pi * pi)) < 1e-10);
    CHECK(std::abs(all.at("flow_energy")[0] - 2 * (std::pow(std::sin(f[0]), 2) + std::pow(std::sin(f[1]), 2))) < 1e-10);
  }
}

namespace {

/// Mean over the sites of Re tr of loops of r links along mu and t along nu, over N: the product of dense matrices
/// around each.
double dense_loop(const std::vector<std::vector<Eigen::MatrixXcd>>& links, const std::vector<int>& extents,
                  std::size_t mu, std::size_t nu, int r, int t) {
  const std::size_t sites = links[0].size();
  const auto step = [&](std::size_t x, std::size_t direction) {
    std::size_t stride = 1;
    for (std::size_t k = direction + 1; k < extents.size(); ++k) stride *= static_cast<std::size_t>(extents[k]);
    const auto n = static_cast<std::size_t>(extents[direction]);
    const std::size_t c = x / stride % n;
    return x + ((c + 1) % n) * stride - c * stride;
  };
  const auto line = [&](std::size_t& x, std::size_t direction, int length) {
    Eigen::MatrixXcd product = Eigen::MatrixXcd::Identity(links[0][0].rows(), links[0][0].rows());
    for (int k = 0; k < length; ++k) {
      product *= links[direction][x];
      x = step(x, direction);
    }
    return product;
  };
  double sum = 0;
  for (std::size_t x = 0; x < sites; ++x) {
    std::size_t one = x;
    std::size_t other = x;
    const Eigen::MatrixXcd bottom = line(one, mu, r);
    const Eigen::MatrixXcd right = line(one, nu, t);
    const Eigen::MatrixXcd left = line(other, nu, t);
    const Eigen::MatrixXcd top = line(other, mu, r);
    sum += (bottom * right * (left * top).adjoint()).trace().real() / static_cast<double>(links[0][0].rows());
  }
  return sum / static_cast<double>(sites);
}

}  // namespace

TEST_CASE("Wilson loops of every size are products of the links around them", "[field][exact]") {
  // Rows of half a vector and less, of more than one, and rows that are not split; sides as long as the lattice and
  // longer.
  const Communicator self = Communicator::self();
  for (const GaugeGroup group : groups) {
    for (const auto& extents :
         {std::vector<int>{2, 4, 3, 6}, std::vector<int>{3, 20}, std::vector<int>{4, 2, 4}, std::vector<int>{4, 5}}) {
      const std::size_t d = extents.size();
      for (const int largest : {2, 3, 4}) {
        const Grid grid(self,
                        {extents, std::vector<Boundary>(d, Boundary::periodic), std::vector<int>(d, 1), 6, 1, true});
        const auto theory = make_gauge_theory(grid, {.group = group, .beta = 2, .loops = largest, .static_loops = 6});
        theory->start(6, 0.4);
        MemoryArchive archive;
        theory->write(archive, "field");
        const Box& box = archive.boxes["field"];
        const auto sites = static_cast<std::size_t>(grid.n_sites());
        const auto links = group == GaugeGroup::u1    ? dense_links<GroupU1<>>(box, d, sites)
                           : group == GaugeGroup::su2 ? dense_links<GroupSU2<>>(box, d, sites)
                                                      : dense_links<GroupSU3<>>(box, d, sites);
        const Measured all = theory->measure();
        REQUIRE(all.at("wilson_loops").size() == static_cast<std::size_t>(largest * largest));
        for (int r = 1; r <= 6; ++r) {
          for (int t = 1; t <= 6; ++t) {
            INFO("group " << static_cast<int>(group) << ", " << d << " directions, row " << extents.back() << ", up to "
                          << largest << ": " << r << " x " << t);
            double mean = 0;
            double in_time = 0;
            for (std::size_t mu = 0; mu < d; ++mu) {
              for (std::size_t nu = 0; nu < d; ++nu) {
                if (mu == nu || (nu > 0 && std::max(r, t) > largest)) continue;
                const double loop = dense_loop(links, extents, mu, nu, r, t);
                mean += loop / static_cast<double>(d * (d - 1));
                if (nu == 0) in_time += loop / static_cast<double>(d - 1);
              }
            }
            if (std::max(r, t) <= largest)
              CHECK(std::abs(all.at("wilson_loops")[static_cast<std::size_t>((r - 1) * largest + t - 1)] - mean) <
                    1e-13);
            CHECK(std::abs(all.at("static_loops")[static_cast<std::size_t>((r - 1) * 6 + t - 1)] - in_time) < 1e-13);
          }
        }
      }
    }
  }
}

TEST_CASE("vectors of sites in split rows and single sites walk the same chain", "[field]") {
  // Rows shorter and longer than a vector, one that vectors do not fill, an open one, and one with three colours.
  const Communicator self = Communicator::self();
  for (const GaugeGroup group : groups) {
    for (const auto& extents : {std::vector<int>{4, 6}, std::vector<int>{2, 4, 20}, std::vector<int>{3, 4, 16},
                                std::vector<int>{2, 2, 4, 32}}) {
      for (const Boundary boundary : {Boundary::periodic, Boundary::open}) {
        MemoryArchive archives[2];
        std::vector<double> actions[2];
        for (const bool split : {false, true}) {
          std::vector<Boundary> all(extents.size(), Boundary::periodic);
          all.back() = boundary;
          const Grid grid(self, {extents, all, std::vector<int>(extents.size(), 1), 2, 2, split});
          const auto theory = make_gauge_theory(grid, {.group = group, .beta = 2.0, .loops = 4});
          const Colouring colouring(grid, as<LocalUpdates>(*theory).interactions());
          theory->start(2, 0.7);
          std::uint64_t t = 0;
          for (int sweep = 0; sweep < 3; ++sweep) {
            for (const std::string how : {"hmc", "heatbath", "overrelaxation", "metropolis"})
              update(*theory, colouring, how, t++);
          }
          theory->write(archives[split ? 1 : 0], "field");
          actions[split ? 1 : 0] = theory->action();
        }
        INFO("group " << static_cast<int>(group) << ", directions " << extents.size() << ", row " << extents.back()
                      << ", boundary " << static_cast<int>(boundary));
        CHECK((archives[0].boxes["field"] == archives[1].boxes["field"]));
        CHECK(actions[0] == actions[1]);
      }
    }
  }
}

TEST_CASE("gauge links walk the same chain on any number of ranks", "[field][mpi]") {
  const Communicator world = Communicator::world();
  const Communicator self = Communicator::self();
  const std::vector<int> extents{8, 4, 8};
  std::vector<std::vector<int>> divisions{{world.size(), 1, 1}, {1, 1, world.size()}};
  if (world.size() == 4) divisions.push_back({2, 1, 2});
  for (const GaugeGroup group : groups) {
    for (const auto& ranks : divisions) {
      const Boundary boundary = group == GaugeGroup::su2 ? Boundary::open : Boundary::periodic;
      const Grid alone = make_grid(self, extents, boundary, 1);
      const Grid shared = make_grid(world, extents, boundary, 1, 2, ranks);
      GaugeOptions options{.group = group, .beta = 2.0, .loops = 4, .flow_time = 0.1, .flow_step = 0.05};
      if (boundary == Boundary::periodic) {
        options.static_loops = 2;
        options.smearing = group == GaugeGroup::u1 ? Smearing::stout : Smearing::ape;
        options.smearing_steps = 2;
        options.smearing_weight = 0.1;
      }
      if (group == GaugeGroup::su3) options.rectangle = -0.331;
      const auto whole = make_gauge_theory(alone, options);
      const auto part = make_gauge_theory(shared, options);
      const Colouring whole_colours(alone, as<LocalUpdates>(*whole).interactions());
      const Colouring part_colours(shared, as<LocalUpdates>(*part).interactions());
      for (FieldTheory* theory : {whole.get(), part.get()}) {
        theory->start(2, 0.7);
        std::uint64_t t = 0;
        for (int sweep = 0; sweep < 8; ++sweep) {
          for (const std::string how : {"hmc", "heatbath", "overrelaxation", "metropolis"})
            update(*theory, theory == whole.get() ? whole_colours : part_colours, how, t++);
          theory->measure();  // which fills halos, and leaves others behind
        }
      }
      const std::vector<double> all = configuration_of(*whole);
      const auto components = static_cast<std::int64_t>(all.size()) / alone.n_sites();
      INFO("group " << static_cast<int>(group) << ", " << ranks[0] << "x" << ranks[1] << "x" << ranks[2]);
      CHECK(configuration_of(*part) == cut_brick(all, shared.box(components)));
      const auto of_the_whole = whole->measure();
      CHECK(of_the_whole.count("static_loops") == (boundary == Boundary::periodic ? 1 : 0));
      CHECK(of_the_whole == part->measure());
    }
  }
}
