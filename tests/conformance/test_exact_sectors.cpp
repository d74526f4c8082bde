// The sectors of irreducible representations of everything that the catalogue offers under [hamiltonian], on every
// lattice: their levels are those of the whole matrix, each as often as the representation has states.
#include <Eigen/Eigenvalues>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>
#include <numeric>

#include "koushi/lattice/symmetry_sectors.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/sector_operator.hpp"
#include "koushi/manybody/spin_products.hpp"
#include "koushi/manybody/tabulated_state.hpp"
#include "koushi/solver/eigensolver.hpp"
#include "registered.hpp"

using namespace koushi;

namespace {

const std::string rbm = "kind = \"rbm\"\n";

Eigen::MatrixXcd matrix_of(const Communicator& comm, const Operator& op, const SectorBasis& basis,
                           SectorOperator::Storage storage = SectorOperator::Storage::stored) {
  const SectorOperator in_sector(comm, op, basis, storage, 1e9);
  const auto n = static_cast<Eigen::Index>(basis.size());
  const std::size_t numbers = in_sector.is_complex() ? 2 : 1;
  Eigen::MatrixXcd matrix(n, n);
  for (Eigen::Index k = 0; k < n; ++k) {
    std::vector<double> unit(numbers * static_cast<std::size_t>(n));
    std::vector<double> column(unit.size());
    unit[numbers * static_cast<std::size_t>(k)] = 1;
    in_sector.apply(unit, column);
    for (Eigen::Index r = 0; r < n; ++r) {
      const std::size_t at = numbers * static_cast<std::size_t>(r);
      matrix(r, k) = {column[at], numbers == 2 ? column[at + 1] : 0.0};
    }
  }
  return matrix;
}

std::vector<double> levels_of(const Eigen::MatrixXcd& matrix) {
  if (matrix.size() == 0) return {};
  const Eigen::VectorXd values =
      Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd>(matrix, Eigen::EigenvaluesOnly).eigenvalues();
  return {values.data(), values.data() + values.size()};
}

/// Lattice and Hamiltonian of a deck of these lines, in the sector of the last ones.
std::pair<Lattice, Operator> model_of(const std::string& cluster, const std::string& hamiltonian,
                                      const std::string& sector) {
  const std::string text = "title = \"t\"\n[study]\nkind = \"exact\"\n[lattice]\n" + cluster + "[hamiltonian]\n" +
                           hamiltonian + "[sector]\n" + sector + "[output]\nfile = \"none.h5\"\n";
  const Deck deck = Deck::parse(text, "conformance.toml", {}, catalogue());
  Lattice lattice = make_lattice(deck);
  Operator h = make_hamiltonian(DeckSection(deck, "hamiltonian"), lattice);
  fix_sector(DeckSection(deck, "sector"), h);
  return {std::move(lattice), std::move(h)};
}

void compare_spectra(const Operator& h, const Lattice& lattice) {
  const Communicator comm = Communicator::self();
  const Basis whole(h.space());
  if (whole.size() > 700) return;
  const std::vector<double> expected = levels_of(h.matrix(whole));
  const std::vector<SymmetrySector> sectors = symmetry_sectors(lattice, lattice.space_group_elements(SymmetryTest(h)));
  const std::vector<int> inversions = is_inversion_symmetric(h) ? std::vector<int>{1, -1} : std::vector<int>{0};
  std::vector<double> found;
  for (const SymmetrySector& sector : sectors) {
    for (const int inversion : inversions) {
      const SectorBasis basis(comm, h.space(), {sector, inversion});
      const Eigen::MatrixXcd matrix = matrix_of(comm, h, basis);
      CHECK((matrix - matrix.adjoint()).norm() < 1e-10 * (1 + matrix.norm()));
      for (const double e : levels_of(matrix))
        found.insert(found.end(), static_cast<std::size_t>(sector.degeneracy), e);
    }
  }
  std::sort(found.begin(), found.end());
  REQUIRE(found.size() == expected.size());
  double worst = 0;
  for (std::size_t k = 0; k < found.size(); ++k) worst = std::max(worst, std::abs(found[k] - expected[k]));
  CHECK(worst < 1e-9 * (1 + std::abs(expected.front()) + std::abs(expected.back())));
}

}  // namespace

TEST_CASE("sectors of every Hamiltonian on every lattice and boundary hold all of its levels", "[conformance]") {
  const std::string variant = GENERATE(from_range(offers("hamiltonian")));
  const std::string cluster = GENERATE(from_range(small_lattices()));
  const std::string boundary = GENERATE("periodic", "antiperiodic", "open");
  INFO(variant << cluster << boundary);
  if (variant.find("marshall = true") != std::string::npos) return;
  const Deck deck = deck_of(cluster + "boundary = [\"" + boundary + "\"]\n",
                            variant + (variant.find("\"xxz\"") != std::string::npos ? "anisotropy = 1.3\n"
                                       : variant.find("ising") != std::string::npos ? "field = 0.7\n"
                                                                                    : ""),
                            rbm);
  const Lattice lattice = make_lattice(deck);
  compare_spectra(make_hamiltonian(deck, lattice), lattice);
}

TEST_CASE("sectors hold all levels where spins or particles have several values, fields, twists and fixed numbers",
          "[conformance]") {
  const auto [cluster, hamiltonian, sampler] = GENERATE(table<std::string, std::string, std::string>(
      {{"kind = \"chain\"\nextents = [6]\n", "kind = \"heisenberg\"\nspin = 1.0\n", "magnetization = 0\n"},
       {"kind = \"square\"\nextents = [2, 2]\n", "kind = \"heisenberg\"\nspin = 1.5\nfield = 0.3\n",
        "magnetization = 0\n"},
       {"kind = \"square\"\nsupercell = [[2, 1], [-1, 2]]\n", "kind = \"heisenberg\"\nspin = 1.0\n",
        "magnetization = 0\n"},
       {"kind = \"square\"\nsupercell = [[3, 1], [-1, 3]]\n", "kind = \"heisenberg\"\nJ = [1.0, 0.4]\n",
        "magnetization = 0\n"},
       {"kind = \"triangular\"\nsupercell = [[3, 0], [0, 3]]\n", "kind = \"heisenberg\"\n", "magnetization = 1\n"},
       {"kind = \"honeycomb\"\nextents = [2, 2]\n", "kind = \"heisenberg\"\nstaggered_field = 0.4\n",
        "magnetization = 0\n"},
       {"kind = \"chain\"\nextents = [4]\n", "kind = \"bose-hubbard\"\nU = 3.0\nn_max = 3\n", "particles = 4\n"},
       {"kind = \"chain\"\nextents = [5]\n", "kind = \"hubbard\"\nU = 4.0\n", "electrons = [3, 2]\n"},
       {"kind = \"chain\"\nextents = [4]\n", "kind = \"hubbard\"\nU = 4.0\nt = [1.0, 0.3]\n", "electrons = [2, 2]\n"},
       {"kind = \"chain\"\nextents = [5]\ntwist = [0.2]\n", "kind = \"hubbard\"\nU = 4.0\n", "electrons = [2, 2]\n"},
       {"kind = \"triangular\"\nextents = [2, 3]\n", "kind = \"hubbard\"\nU = 4.0\n", "electrons = [2, 2]\n"},
       {"kind = \"cubic\"\nextents = [2, 2, 2]\n", "kind = \"t-v\"\nV = [1.3]\n", "particles = 3\n"},
       {"kind = \"kagome\"\nextents = [2, 1]\n", "kind = \"t-j\"\nJ = [0.4]\n", "electrons = [2, 2]\n"},
       {"kind = \"chain\"\nextents = [4]\n", "kind = \"kondo\"\nJ = 0.7\n", "particles = 2\nmagnetization = 0\n"}}));
  INFO(cluster << hamiltonian << sampler);
  const auto [lattice, h] = model_of(cluster, hamiltonian, sampler);
  compare_spectra(h, lattice);
}

TEST_CASE("characters of point groups are those of the tables", "[conformance]") {
  // The little group at K = 0 of lattices with all symmetries of the infinite one.
  const auto names_at_zero = [](const std::string& cluster) {
    const Deck deck = deck_of(cluster, "kind = \"heisenberg\"\n", rbm);
    const Lattice lattice = make_lattice(deck);
    const Operator h = make_hamiltonian(deck, lattice);
    std::map<std::string, int> names;
    for (const SymmetrySector& s : symmetry_sectors(lattice, lattice.space_group_elements(SymmetryTest(h)))) {
      if (std::all_of(s.momentum.begin(), s.momentum.end(), [](int n) { return n == 0; }))
        names[s.representation] = s.degeneracy;
    }
    return names;
  };
  using Names = std::map<std::string, int>;
  CHECK(names_at_zero("kind = \"chain\"\nextents = [6]\n") == Names{{"A1", 1}, {"A2", 1}});
  CHECK(names_at_zero("kind = \"square\"\nextents = [4, 4]\n") ==
        Names{{"A1", 1}, {"A2", 1}, {"B1", 1}, {"B2", 1}, {"E", 2}});
  CHECK(names_at_zero("kind = \"square\"\nextents = [4, 3]\n") == Names{{"A1", 1}, {"A2", 1}, {"B1", 1}, {"B2", 1}});
  CHECK(names_at_zero("kind = \"square\"\nsupercell = [[3, 1], [-1, 3]]\n") ==
        Names{{"A", 1}, {"B", 1}, {"E+", 1}, {"E-", 1}});
  for (const std::string kind : {"triangular", "honeycomb", "kagome"}) {
    INFO(kind);
    CHECK(names_at_zero("kind = \"" + kind + "\"\nextents = [3, 3]\n") ==
          Names{{"A1", 1}, {"A2", 1}, {"B1", 1}, {"B2", 1}, {"E1", 2}, {"E2", 2}});
  }
  CHECK(names_at_zero("kind = \"cubic\"\nextents = [3, 3, 3]\n") == Names{{"A1g", 1},
                                                                          {"A2g", 1},
                                                                          {"Eg", 2},
                                                                          {"T1g", 3},
                                                                          {"T2g", 3},
                                                                          {"A1u", 1},
                                                                          {"A2u", 1},
                                                                          {"Eu", 2},
                                                                          {"T1u", 3},
                                                                          {"T2u", 3}});
}

TEST_CASE("the lowest states of a sector come with all their partners, from stored rows and from rows made again",
          "[conformance]") {
  const Communicator comm = Communicator::self();
  const auto [cluster, hamiltonian, sampler] = GENERATE(table<std::string, std::string, std::string>(
      {{"kind = \"chain\"\nextents = [9]\n", "kind = \"heisenberg\"\n", "magnetization = 1\n"},
       {"kind = \"square\"\nextents = [3, 3]\n", "kind = \"heisenberg\"\n", "magnetization = 1\n"},
       {"kind = \"chain\"\nextents = [5]\ntwist = [0.2]\n", "kind = \"hubbard\"\nU = 4.0\n", "electrons = [2, 2]\n"}}));
  INFO(cluster << hamiltonian);
  const auto [lattice, h] = model_of(cluster, hamiltonian, sampler);
  SymmetrySector none;
  none.translations = {lattice.translations()[0]};
  none.translation_characters = {1.0};
  none.points = none.translations;
  none.point_characters = {1.0};
  const SectorBasis basis(comm, h.space(), {none, 0});
  const std::vector<double> expected = levels_of(matrix_of(comm, h, basis));
  for (const auto storage : {SectorOperator::Storage::stored, SectorOperator::Storage::none}) {
    const SectorOperator op(comm, h, basis, storage, 1e9);
    EigensolverOptions options;
    options.levels = 7;
    options.dense_up_to = 0;
    const std::vector<Eigenstate> states = lowest_eigenstates(comm, op, options);
    REQUIRE(states.size() == 7);
    for (std::size_t k = 0; k < states.size(); ++k) {
      CHECK(std::abs(states[k].value - expected[k]) < 1e-9);
      CHECK(states[k].residual < 1e-7);
    }
  }
}

TEST_CASE("a tabulated state has the energy and the total spin of its level", "[conformance]") {
  const Communicator comm = Communicator::self();
  const auto [cluster, hamiltonian, sampler] = GENERATE(table<std::string, std::string, std::string>(
      {{"kind = \"chain\"\nextents = [8]\n", "kind = \"heisenberg\"\n", "magnetization = 0\n"},
       {"kind = \"chain\"\nextents = [6]\n", "kind = \"hubbard\"\nU = 4.0\n", "electrons = [3, 3]\n"},
       {"kind = \"square\"\nsupercell = [[2, 1], [-1, 2]]\n", "kind = \"t-j\"\nJ = [0.4]\n", "electrons = [2, 1]\n"}}));
  INFO(cluster << hamiltonian);
  const auto [lattice, h] = model_of(cluster, hamiltonian, sampler);
  const Operator square = total_spin_squared(h.space());
  const Basis whole(h.space());
  const auto n = static_cast<std::size_t>(whole.size());
  for (const SymmetrySector& sector : symmetry_sectors(lattice, lattice.space_group_elements(SymmetryTest(h)))) {
    const int inversion = !is_inversion_symmetric(h) ? 0 : sector.representation == "A1" ? 1 : -1;
    const SectorBasis basis(comm, h.space(), {sector, inversion});
    if (basis.size() == 0) continue;
    INFO(sector.representation << " of momentum " << sector.momentum[0]);
    const SectorOperator op(comm, h, basis, SectorOperator::Storage::stored, 1e9);
    const Eigenstate state = lowest_eigenstates(comm, op, {}).front();
    const auto psi = make_tabulated_state(basis, state.vector, op.is_complex());
    const std::vector<std::complex<double>> logs = psi->log_amplitudes(whole.states(0, whole.size()));
    std::vector<std::complex<double>> x;
    for (const auto& log : logs) x.push_back(std::exp(log));
    std::vector<std::complex<double>> y(n);
    h.apply(whole, x, y);
    double norm = 0;
    double rest = 0;
    for (std::size_t k = 0; k < n; ++k) {
      norm += std::norm(x[k]);
      rest += std::norm(y[k] - state.value * x[k]);
    }
    CHECK(std::abs(norm - 1) < 1e-10);
    CHECK(std::sqrt(rest) < 1e-7);
    if (!h.space().is_fermionic()) {  // (T_t psi)(t x) = psi(x), so psi(t x) = chi(t)* psi(x)
      double worst = 0;
      for (std::int64_t k = 0; k < whole.size(); ++k) {
        const std::vector<std::int8_t> from = whole.state(k);
        std::vector<std::int8_t> moved(from.size());
        for (std::size_t i = 0; i < from.size(); ++i)
          moved[static_cast<std::size_t>(sector.translations[1][i])] = from[i];
        const std::complex<double> expected =
            std::conj(sector.translation_characters[1]) * x[static_cast<std::size_t>(k)];
        worst = std::max(worst, std::abs(x[static_cast<std::size_t>(whole.index(moved.data()))] - expected));
      }
      CHECK(worst < 1e-9);
    }
    square.apply(whole, x, y);
    std::complex<double> spin = 0;
    for (std::size_t k = 0; k < n; ++k) spin += std::conj(x[k]) * y[k];
    const double s = 0.5 * (std::sqrt(1 + 4 * std::max(0.0, spin.real())) - 1);
    CHECK(std::abs(2 * s - std::round(2 * s)) < 1e-6);
    if (inversion != 0) CHECK(std::lround(s) % 2 == (inversion > 0 ? 0 : 1));  // e^(i pi S^y) = (-1)^S where S^z = 0
  }
}
