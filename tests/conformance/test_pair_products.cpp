// Quantum numbers and starts of pair products, as decks ask for them.
#include <Eigen/Dense>
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>
#include <numbers>

#include "koushi/base/error.hpp"
#include "manybody.hpp"
#include "registered.hpp"

using namespace koushi;

namespace {

/// S^2 = sum_i 3/4 (n_i - 2 n_i,up n_i,down) + 2 sum_(i<j) S_i.S_j in a space of electrons.
Operator total_spin(const Space& space) {
  Operator spin(space);
  const int n = space.n_sites();
  for (int i = 0; i < n; ++i) {
    spin.add_linear(space.place(0, i), 0.75);
    spin.add_linear(space.place(1, i), 0.75);
    spin.add_pair(space.place(0, i), space.place(1, i), -1.5);
    for (int j = i + 1; j < n; ++j) {
      for (const int f : {0, 1}) {
        for (const int g : {0, 1}) spin.add_pair(space.place(f, i), space.place(g, j), f == g ? 0.5 : -0.5);
      }
      spin.add_move(Move::two_hops(space.place(0, i), space.place(0, j), space.place(1, j), space.place(1, i)), -1.0);
    }
  }
  return spin;
}

struct State {
  Lattice lattice;
  Operator h;
  std::unique_ptr<Wavefunction> psi;
  explicit State(const std::string& cluster, const std::string& factors, const std::string& wavefunction = "",
                 const std::string& hamiltonian = "kind = \"hubbard\"\nU = 8.0\n",
                 const std::string& electrons = "2, 2")
      : State(Deck::parse("title = \"pairs\"\nseed = 5\n[study]\nkind = \"ground-state\"\nsteps = 1\n[lattice]\n" +
                              cluster + "[hamiltonian]\n" + hamiltonian + "[wavefunction]\n" + wavefunction +
                              "[[wavefunction.factor]]\nkind = \"pair-product\"\n" + factors +
                              "[sampler]\nkind = \"metropolis\"\nelectrons = [" + electrons +
                              "]\n[solver]\nkind = \"stochastic-reconfiguration\"\n[output]\nfile = \"none.h5\"\n",
                          "pairs.toml", {}, catalogue())) {}
  explicit State(const Deck& deck)
      : lattice(make_lattice(deck)), h(make_hamiltonian(deck, lattice)), psi(make_wavefunction(deck, lattice, h)) {}
};

const std::string ring_of_6 = "kind = \"chain\"\nextents = [6]\n";
const std::string rectangle = "kind = \"square\"\nextents = [2, 3]\nboundary = [\"open\", \"periodic\"]\n";

}  // namespace

TEST_CASE("a projected pair product has the total spin that is asked for", "[conformance][exact]") {
  const std::string weights = GENERATE("real", "complex");
  const std::string cluster = GENERATE(ring_of_6, rectangle, "kind = \"triangular\"\nextents = [2, 3]\n");
  const std::string pairs = "pairing = \"random\"\nweights = \"" + weights + "\"\n";
  for (const std::string electrons : {"2, 2", "3, 3"}) {
    const int half = electrons == "2, 2" ? 2 : 3;
    for (int spin = 0; spin <= half; ++spin) {
      INFO(cluster << pairs << electrons << " S = " << spin);
      const auto deviation = [&](int points) {
        const State state(cluster,
                          pairs + "spin = " + std::to_string(spin) + "\npoints = " + std::to_string(points) + "\n", "",
                          "kind = \"hubbard\"\n", electrons);
        const Basis basis(state.h.space());
        const Eigen::VectorXcd v = amplitudes(*state.psi, basis);
        const Eigen::VectorXcd s_v = total_spin(state.h.space()).matrix(basis) * v;
        return (s_v - spin * (spin + 1.0) * v).norm() / v.norm();
      };
      // 2 points > pairs + S
      const int enough = (half + spin) / 2 + 1;
      CHECK(deviation(enough) < 1e-9);
      CHECK(deviation(8) < 1e-9);
      if (enough - 1 > spin) CHECK(deviation(enough - 1) > 1e-3);
    }
  }
}

TEST_CASE("spin and momentum together", "[conformance][exact]") {
  for (const int momentum : {0, 1, 3}) {
    for (const int spin : {0, 1}) {
      const State state(ring_of_6, "pairing = \"random\"\npoints = 4\nspin = " + std::to_string(spin) + "\n",
                        "symmetry = { group = \"translations\", momentum = [" + std::to_string(momentum) + "] }\n",
                        "kind = \"hubbard\"\n", "3, 3");
      const Basis basis(state.h.space());
      const Eigen::VectorXcd v = amplitudes(*state.psi, basis);
      const Eigen::VectorXcd s_v = total_spin(state.h.space()).matrix(basis) * v;
      INFO("K = " << momentum << ", S = " << spin);
      CHECK((s_v - spin * (spin + 1.0) * v).norm() / v.norm() < 1e-9);
      // T |x>: every electron one site on.
      double worst = 0;
      for (std::int64_t k = 0; k < basis.size(); ++k) {
        const std::vector<std::int8_t> x = basis.state(k);
        std::vector<std::int8_t> moved(x.size());
        // The electron that goes around the end passes two others, which makes no sign.
        for (int f = 0; f < 2; ++f) {
          for (int i = 0; i < 6; ++i)
            moved[static_cast<std::size_t>(6 * f + (i + 1) % 6)] = x[static_cast<std::size_t>(6 * f + i)];
        }
        const std::complex<double> phase = std::polar(1.0, 2 * std::numbers::pi * momentum / 6);
        worst = std::max(worst, std::abs(v(basis.index(moved.data())) - phase * v(k)));
      }
      CHECK(worst < 1e-9);
    }
  }
}

TEST_CASE("Hartree-Fock finds the antiferromagnet of the gap equation", "[conformance][exact]") {
  // 1 = U / (2 N) sum_k 1 / E_k, E_k = sqrt(epsilon_k^2 + (U m)^2); E / N = U / 4 + U m^2 - 1 / N sum_k E_k.
  const int length = 6;
  const double u = 8;
  const auto sums = [&](double m) {
    double inverse = 0;
    double energies = 0;
    for (int x = 0; x < length; ++x) {
      for (int y = 0; y < length; ++y) {
        const double epsilon =
            -2 * (std::cos(2 * std::numbers::pi * x / length) + std::cos(2 * std::numbers::pi * y / length));
        const double e = std::sqrt(epsilon * epsilon + u * u * m * m);
        inverse += 0.5 * u / (length * length) / e;
        energies += e / (length * length);
      }
    }
    return std::pair(inverse, energies);
  };
  double low = 0.01;
  double high = 0.5;
  for (int step = 0; step < 60; ++step) (sums(0.5 * (low + high)).first > 1 ? low : high) = 0.5 * (low + high);
  const double energy = length * length * (u / 4 + u * low * low - sums(low).second);
  const State state("kind = \"square\"\nextents = [6, 6]\n", "pairing = \"hartree-fock\"\nstarts = 1\n", "",
                    "kind = \"hubbard\"\nU = 8.0\n", "18, 18");
  const std::string words = state.psi->factors()[0].description;
  const std::size_t at = words.find("E = ");
  REQUIRE(at != std::string::npos);
  CHECK(std::abs(std::stod(words.substr(at + 4)) - energy) < 1e-4 * std::abs(energy));
}

TEST_CASE("pairings of a BCS state are those of its formula", "[conformance][exact]") {
  // f(r) = 1 / N sum_k cos(k r) Delta_k / (xi_k + E_k), up to a sign of all, with mu from the density.
  const int length = 6;
  const double amplitude = 0.7;
  for (const std::string wave : {"s", "extended-s", "d"}) {
    const State state("kind = \"square\"\nextents = [6, 6]\n",
                      "pairing = \"bcs\"\ngap = { wave = \"" + wave +
                          "\", amplitude = 0.7 }\nsymmetry = \"translations\"\nwidth = 0.0\n",
                      "", "kind = \"hubbard\"\n", "13, 13");
    const auto gap = [&](double kx, double ky) {
      if (wave == "s") return amplitude;
      const double bonds = wave == "d" ? std::cos(kx) - std::cos(ky) : std::cos(kx) + std::cos(ky);
      return 2 * amplitude * bonds + 0.01 * amplitude;
    };
    const auto for_momenta = [&](const auto& body) {
      for (int x = 0; x < length; ++x) {
        for (int y = 0; y < length; ++y) {
          const double kx = 2 * std::numbers::pi * x / length;
          const double ky = 2 * std::numbers::pi * y / length;
          body(kx, ky, -2 * (std::cos(kx) + std::cos(ky)), gap(kx, ky));
        }
      }
    };
    double low = -10;
    double high = 10;
    for (int step = 0; step < 100; ++step) {
      const double mu = 0.5 * (low + high);
      double number = 0;
      for_momenta([&](double, double, double epsilon, double delta) {
        number += 1 - (epsilon - mu) / std::hypot(epsilon - mu, delta);
      });
      (number < 26 ? low : high) = mu;
    }
    std::vector<double> expected(length * length);
    for_momenta([&](double kx, double ky, double epsilon, double delta) {
      for (int x = 0; x < length; ++x) {
        for (int y = 0; y < length; ++y) {
          expected[static_cast<std::size_t>(x * length + y)] += std::cos(kx * x + ky * y) * delta /
                                                                (epsilon - low + std::hypot(epsilon - low, delta)) /
                                                                (length * length);
        }
      }
    });
    const std::vector<double>& found = state.psi->parameters();  // of pairs (0, j), in the order of j
    REQUIRE(found.size() == expected.size());
    const double sign = found[0] * expected[0] < 0 ? -1 : 1;
    double worst = 0;
    double scale = 0;
    for (std::size_t k = 0; k < found.size(); ++k) {
      worst = std::max(worst, std::abs(found[k] - sign * expected[k]));
      scale = std::max(scale, std::abs(expected[k]));
    }
    INFO(wave);
    CHECK(worst < 1e-8 * scale);
  }
}

TEST_CASE("cells of a sublattice tie what they should", "[conformance]") {
  const std::string square = "kind = \"square\"\nextents = [6, 4]\n";
  const auto count = [&](const std::string& cluster, const std::string& symmetry) {
    return State(cluster, symmetry, "", "kind = \"hubbard\"\n", "4, 4").psi->parameters().size();
  };
  CHECK(count(square, "symmetry = \"none\"\n") == 24 * 24);
  CHECK(count(square, "symmetry = \"translations\"\n") == 24);
  CHECK(count(square, "symmetry = \"translations\"\nsublattice = [2, 2]\n") == 4 * 24);
  CHECK(count(square, "symmetry = \"translations\"\nsublattice = [3, 1]\n") == 3 * 24);
  CHECK(count(square, "symmetry = \"translations\"\nsublattice = [6, 4]\n") == 24 * 24);
  CHECK(count("kind = \"honeycomb\"\nextents = [2, 3]\n", "symmetry = \"translations\"\nsublattice = [2, 1]\n") ==
        4 * 12);
  CHECK_THROWS_AS(count(square, "symmetry = \"translations\"\nsublattice = [4, 1]\n"), DeckError);
  CHECK_THROWS_AS(count(square, "symmetry = \"translations\"\nsublattice = [2]\n"), DeckError);
  const std::string tilted = "kind = \"square\"\nsupercell = [[3, 1], [-1, 3]]\n";
  CHECK(count(tilted, "symmetry = \"translations\"\n") == 10);
  CHECK_THROWS_AS(count(tilted, "symmetry = \"translations\"\nsublattice = [2, 2]\n"), DeckError);
  CHECK_THROWS_AS(count(square, "spin = 2\npoints = 2\n"), DeckError);
  CHECK_THROWS_AS(count(square, "sublattice = [2, 2]\n"), DeckError);
}

TEST_CASE("ratios and tables of more electrons than kernels take at once", "[conformance]") {
  const std::string form = GENERATE("", "spin = 0\npoints = 6\n", "spin = 1\npoints = 9\n", "pairs = \"all\"\n");
  const std::string weights = GENERATE("real", "complex");
  const std::string electrons = form.find("all") == std::string::npos ? GENERATE("7, 7", "9, 9") : "9, 7";
  INFO(form << weights << " " << electrons);
  const State state("kind = \"square\"\nextents = [4, 4]\n",
                    form + "pairing = \"random\"\nweights = \"" + weights + "\"\n", "", "kind = \"hubbard\"\n",
                    electrons);
  const Space& space = state.h.space();
  UniqueMoves list;
  for (const Move& move : state.h.move_list()) list.number(move);
  for (const Bond& bond : state.lattice.bonds()) {
    list.number(
        Move::two_hops(space.place(0, bond.i), space.place(0, bond.j), space.place(1, bond.j), space.place(1, bond.i)));
    list.number(
        Move::two_hops(space.place(0, bond.i), space.place(0, bond.j), space.place(1, bond.i), space.place(1, bond.j)));
  }
  MoveTable table(list.moves);
  table.propose(1.0, list.moves);
  table.finish();
  const int count = 12;
  const Communicator self = Communicator::self();
  MarkovChains chains(self, *state.psi, table, {.chains = count, .samples = count, .seed = 3});
  chains.start(*state.psi);
  chains.draw(*state.psi, 0, 0);
  // Tables that followed some hundred moves, and those made of the states.
  const Batch& tracked = chains.samples();
  const Batch fresh = state.psi->make_batch(count);
  assign_states(fresh.states, tracked.states);
  state.psi->refresh(fresh);
  double drift = 0;
  double scale = 1;
  for (std::size_t k = 0; k < fresh.table.size(); ++k) {
    drift = std::max(drift, std::abs(fresh.table.data()[k] - tracked.table.data()[k]));
    scale = std::max(scale, std::abs(fresh.table.data()[k]));
  }
  CHECK(drift < 1e-8 * scale);
  const auto moves = state.psi->moves(list.moves);
  const Kokkos::View<Complex** [2]> ratios("koushi::test::ratios", count, list.moves.size());
  moves->ratios(Kokkos::DefaultExecutionSpace{}, fresh, ratios);
  const auto before = state.psi->log_amplitudes(fresh.states);
  double worst = 0;
  int seen[3] = {};
  for (int w = 0; w < count; ++w) {
    for (std::size_t k = 0; k < list.moves.size(); ++k) {
      for (const int sigma : {1, -1}) {
        const States one = space.make_states(1);
        const auto row = Kokkos::make_pair(w, w + 1);
        Kokkos::deep_copy(one.local, Kokkos::subview(fresh.states.local, row, Kokkos::ALL));
        Kokkos::deep_copy(one.particle, Kokkos::subview(fresh.states.particle, row, Kokkos::ALL));
        Kokkos::deep_copy(one.occupant, Kokkos::subview(fresh.states.occupant, row, Kokkos::ALL));
        const MoveSites sites = move_sites(space, list.moves[k]);
        if (!sites.acts(one.local.data(), sigma)) continue;
        sites.apply({one.local.data(), one.particle.data(), one.occupant.data()}, sigma);
        const auto expected = std::exp(state.psi->log_amplitudes(one)[0] - before[static_cast<std::size_t>(w)]);
        const Complex found = ratios(static_cast<std::size_t>(w), k, sigma > 0 ? 0 : 1);
        worst = std::max(worst, std::abs(std::complex<double>(found.real(), found.imag()) - expected) /
                                    std::max(1.0, std::abs(expected)));
        ++seen[list.moves[k].hops];
      }
    }
  }
  CHECK(worst < 1e-8);
  CHECK(seen[1] > 100);
  CHECK(seen[2] > 50);
}
