// Hamiltonians that users get wrong, and one that they get right in an order of its own.
//   edges exact       the lowest eigenvalue of "mixed" on 8 sites
#include <Eigen/Eigenvalues>
#include <cmath>
#include <cstdio>
#include <koushi/app/program.hpp>
#include <limits>
#include <stdexcept>

using namespace koushi;

/// A ring of S_i.S_j, sublattice rotated, in a transverse field: exchanges before flips.
SpinHamiltonian mixed(int n) {
  SpinHamiltonian h{.n_sites = n, .z = std::vector<double>(n, 0.0)};
  for (int i = 0; i < n; ++i) {
    h.pairs.push_back({i, (i + 1) % n});
    h.zz.push_back(0.25);
    h.moves.push_back({i, (i + 1) % n});
    h.elements.push_back(-0.5);
  }
  for (int i = 0; i < n; ++i) {
    h.moves.push_back({i, -1});
    h.elements.push_back(-0.3);
  }
  return h;
}

SpinHamiltonian wrong(const Deck& deck, const Lattice& lattice) {
  const std::string how = deck.text("hamiltonian.how");
  if (how == "throws") throw std::runtime_error("no coffee");
  if (how == "type") deck.real("hamiltonian.how");
  SpinHamiltonian h = mixed(lattice.n_sites());
  if (how == "elements") h.elements.pop_back();
  if (how == "zz") h.zz.pop_back();
  if (how == "z") h.z.clear();
  if (how == "sites") h = mixed(lattice.n_sites() / 2);
  if (how == "move") h.moves[1].j = lattice.n_sites();
  if (how == "negative") h.moves[2].i = -1;
  if (how == "pair") h.pairs[3].j = 100000;
  if (how == "self") h.pairs[0].j = h.pairs[0].i;
  if (how == "infinite") h.elements[4] = std::numeric_limits<double>::infinity();
  if (how == "nothing") return {};
  return h;
}

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "exact") {
    const Eigen::MatrixXd matrix = mixed(8).matrix(spin_basis(8, false, 0));
    std::printf("%.12f\n", Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(matrix).eigenvalues()(0));
    return 0;
  }
  std::vector<Key> how = {declare::key("how", KeyType::text, "\"right\"", "the mistake")};
  if (argc == 3 && std::string(argv[2]) == "preset") how[0].preset = "right";
  return run_program(argc, argv,
                     {.hamiltonians = {{"mixed",
                                        "S_i.S_j and sigma^x",
                                        {},
                                        [](const Deck&, const Lattice& lattice) { return mixed(lattice.n_sites()); }},
                                       {"wrong", "mistakes", how, wrong}}});
}
