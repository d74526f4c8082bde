// Every action of continuous fields by each of its updates, as decks name them: the Schwinger-Dyson identity < |grad
// S|^2 > = < Laplacian of S >, or that of a scalar field's own, and < e^{-dH} > = 1. Discrete spins are compared with
// their enumeration elsewhere (unit/field).
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <set>

#include "field_decks.hpp"
#include "koushi/field/catalogue.hpp"
#include "koushi/statistics/estimate.hpp"
#include "updates_of.hpp"

using namespace koushi;

namespace {

constexpr int replicas = 16;

/// Numbers per replica whose means over a chain, the first by the second, give 1.
struct Identity {
  std::vector<double> left;
  std::vector<double> right;
};

Identity scalar_identity(FieldTheory& theory, const Deck&) {
  const Measured m = theory.measure();
  const auto slope = m.find("virial_slope");
  return {m.at("virial"), slope == m.end() ? std::vector<double>(replicas, 1.0) : slope->second};
}

/// |grad S|^2 from kinetic energies: K(p + g) + K(p - g) - 2 K(p) = |g|^2.
std::vector<double> squared_force(FieldTheory& theory) {
  auto& dynamics = dynamic_cast<MolecularDynamics&>(theory);
  if (auto* const fourier = dynamic_cast<FourierAcceleration*>(&theory)) fourier->accelerate(0);
  dynamics.draw_momenta(1, 1);
  std::vector<double> g2 = dynamics.hamiltonian();
  for (double& x : g2) x *= -2;
  for (const double time : {1.0, -2.0}) {
    dynamics.kick(time);
    const std::vector<double> h = dynamics.hamiltonian();
    for (std::size_t r = 0; r < g2.size(); ++r) g2[r] += h[r];
  }
  return g2;
}

/// On a sphere the Laplacian of s.a is - (n - 1) s.a; every bond has two spins, the field one.
Identity spin_identity(FieldTheory& theory, const Deck& deck) {
  const int n = deck.text("action.kind") == "xy" ? 2 : static_cast<int>(deck.integer("action.components"));
  Identity id{squared_force(theory), {}};
  const std::vector<double> s = theory.action();
  const std::vector<double> mean = theory.measure().at("field_mean");
  for (std::size_t r = 0; r < s.size(); ++r) {
    const double source =
        -deck.real("action.beta") * deck.real("action.field") * mean[r] * static_cast<double>(theory.grid().n_sites());
    id.right.push_back(-(n - 1) * (2 * s[r] - source));
  }
  return id;
}

/// sum_a T_a T_a = C_F: the Laplacian along one link of Re tr U_P is - C_F of it; a plaquette has four links, a
/// rectangle six.
Identity link_identity(FieldTheory& theory, const Deck& deck) {
  const std::string group = deck.text("action.group");
  const double casimir = group == "u1" ? 1 : group == "su2" ? 3.0 / 4 : 4.0 / 3;
  const double c1 = deck.text("action.rectangles") == "iwasaki" ? -0.331 : 0;
  const double beta = deck.real("action.beta");
  const auto d = static_cast<double>(theory.grid().dimension());
  const double planes = static_cast<double>(theory.grid().n_sites()) * d * (d - 1) / 2;
  Identity id{squared_force(theory), {}};
  const std::vector<double> s = theory.action();
  const std::vector<double> plaquette = theory.measure().at("plaquette");
  for (std::size_t r = 0; r < s.size(); ++r) {
    // c_0 sum over plaquettes + c_1 sum over rectangles, of Re tr / N
    const double both = ((1 - 8 * c1) + 2 * c1) * planes - s[r] / beta;
    const double plaquettes = (1 - 8 * c1) * planes * plaquette[r];
    id.right.push_back(casimir * beta * (4 * plaquettes + 6 * (both - plaquettes)));
  }
  return id;
}

struct Case {
  std::string kind;
  Identity (*identity)(FieldTheory&, const Deck&);
  std::vector<std::string> decks;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"phi4",
       scalar_identity,
       {"mass_squared=-0.7|lambda=0.4", "mass_squared=0.5|lambda=4.0|components=2|normalization=\"textbook\"",
        "kappa=0.2|lambda=0.5|components=3|normalization=\"hopping\"",
        "mass_squared=0.4|lambda=0.2|components=4|lattice.boundary=[\"antiperiodic\", \"open\"]",
        "mass_squared=-0.3|lambda=0.4|rule=\"mid-point\"",
        "mass_squared=0.4|lambda=0.2|components=2|rule=\"mid-point\"|lattice.boundary=[\"antiperiodic\", \"open\"]"}},
      {"free-field",
       scalar_identity,
       {"mass_squared=0.8|lattice.extents=[2, 3, 2, 2]", "mass_squared=0.6|components=2"}},
      {"sine-gordon", scalar_identity, {"mass_squared=1.3|beta=1.7"}},
      {"path",
       scalar_identity,
       {"spacing=0.5|potential=[0.1, 0.5, 0.2, 0.5]|lattice.extents=[9]",
        "spacing=0.5|potential=[0.1, 0.5, 0.2, 0.5]|rule=\"mid-point\"|lattice.extents=[9]",
        "spacing=0.5|potential=[0.1, 0.5]|bumps=[[1.5, 0.2, 0.4], [-0.5, -0.6, 0.3]]|lattice.extents=[9]"}},
      {"wilson",
       link_identity,
       {"group=\"u1\"|beta=1.2", "group=\"su2\"|beta=2.2", "group=\"su3\"|beta=5.0",
        "group=\"u1\"|beta=1.0|rectangles=\"iwasaki\"", "group=\"su2\"|beta=1.5|rectangles=\"iwasaki\"",
        "group=\"su2\"|beta=2.2|lattice.extents=[2, 2, 2, 2]", "group=\"su3\"|beta=5.0|lattice.extents=[2, 3, 2]"}},
      {"xy", spin_identity, {"beta=0.8|J=[1.0, 0.3]", "beta=0.8|field=0.4", "beta=0.5|lattice.extents=[2, 3, 3, 2]"}},
      {"sigma-model",
       spin_identity,
       {"beta=1.1|lattice.boundary=[\"antiperiodic\", \"periodic\"]", "beta=1.2|field=0.3|components=4",
        "beta=0.8|components=4|J=[1.0, -0.3]"}}};
  return all;
}

void check_update(const Case& action, const std::string& keys, const std::string& update) {
  const bool hmc = update == "hmc" || update == "fourier-hmc";
  const bool alone = hmc || update == "metropolis" || update == "heatbath";
  const std::string more = hmc                      ? ", length=1.0, steps=6, jitter=0.2"
                           : update == "metropolis" ? ", width=0.8, hits=2"
                                                    : "";
  const std::string updater = fmt::format("{{kind=\"{}\"{}}}", update, more);
  const Deck deck =
      field_deck(action.kind, keys, replicas, updater + (alone ? "" : ", {kind=\"metropolis\", width=0.8}"));
  const Communicator self = Communicator::self();
  const Grid grid = make_grid(self, deck);
  const auto theory = make_field_theory(deck, grid);
  const auto updaters = make_updaters(deck, *theory);
  theory->start(4, 0.5);
  const int n = 250;
  std::vector<std::vector<double>> series(2, std::vector<double>(static_cast<std::size_t>(replicas) * n));
  std::vector<double> weights;
  for (int t = -40; t < n; ++t) {
    for (std::size_t k = 0; k < updaters.size(); ++k)
      updaters[k]->update(static_cast<std::uint64_t>(t + 40) * updaters.size() + k);
    if (t < 0) continue;
    if (hmc) weights.push_back(updaters[0]->mean_weight());
    const Identity id = action.identity(*theory, deck);
    for (std::size_t r = 0; r < replicas; ++r) {
      series[0][r * n + static_cast<std::size_t>(t)] = id.left[r];
      series[1][r * n + static_cast<std::size_t>(t)] = id.right[r];
    }
  }
  const Estimate ratio =
      derived_gamma_method(series, replicas, [](const std::vector<double>& x) { return x[0] / x[1]; });
  INFO("identity " << ratio.value << " +- " << ratio.error << ", tau_int " << ratio.tau_int);
  CHECK(std::abs(ratio.value - 1) < 5 * ratio.error);  // z = 5 of some 120 comparisons: a family-wise error of 1e-4
  CHECK(ratio.error < 0.04);
  if (!hmc) return;
  const Estimate weight = gamma_method(weights, 1);  // M. Creutz, Phys. Rev. D 38, 1228 (1988)
  INFO("<e^-dH> " << weight.value << " +- " << weight.error);
  CHECK(std::abs(weight.value - 1) < 5 * weight.error);
  CHECK(weight.error < 0.01);
}

}  // namespace

TEST_CASE("every update of every action fulfils identities of its weight", "[conformance][statistical]") {
  std::set<std::string> discrete{"ising", "clock", "potts", "hopfield"};
  for (const Section& section : catalogue()) {
    if (section.name != "action") continue;
    for (const Section::Kind& kind : section.kinds) {
      INFO(kind.name);
      if (discrete.count(kind.name) > 0) continue;
      const auto found =
          std::find_if(cases().begin(), cases().end(), [&](const Case& c) { return c.kind == kind.name; });
      REQUIRE(found != cases().end());
      for (const std::string& keys : found->decks) {
        const Communicator self = Communicator::self();
        const Deck deck = field_deck(kind.name, keys, 1, "{kind=\"metropolis\"}");
        const Grid grid = make_grid(self, deck);
        std::vector<std::string> updates = updates_of(*make_field_theory(deck, grid));
        updates.emplace_back("metropolis");
        const bool at_points = keys.find("mid-point") == std::string::npos;  // else there are no clusters
        if (kind.name == "phi4" || kind.name == "free-field") CHECK(updates.size() == (at_points ? 5 : 3));
        if (kind.name == "wilson") CHECK(updates.size() == 4);
        for (const std::string& update : updates) {
          // which wants periodic ones
          if (update == "fourier-hmc" && keys.find("boundary") != std::string::npos) continue;
          INFO(keys << ", " << update);
          check_update(*found, keys, update);
        }
      }
    }
  }
}
