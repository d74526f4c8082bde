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
Operator mixed(int n) {
  Operator h(Space::spins(n));
  for (int i = 0; i < n; ++i) {
    h.add_pair(i, (i + 1) % n, 0.25);
    h.add_move(Move::transfer(i, (i + 1) % n, 2), -0.5);
  }
  for (int i = 0; i < n; ++i) h.add_move(Move::step(i, -2), -0.3);
  return h;
}

Operator wrong(const DeckSection& section, const Lattice& lattice) {
  const std::string how = section.text("how");
  if (how == "throws") throw std::runtime_error("no coffee");
  if (how == "type") section.real("how");
  const int n = lattice.n_sites();
  Operator h = how == "sites" ? mixed(n / 2) : mixed(n);
  if (how == "move") h.add_move(Move::transfer(1, n, 2), 1.0);
  if (how == "negative") h.add_move(Move::step(-1, -2), 1.0);
  if (how == "twice") h.add_move(Move::transfer(3, 3, 2), 1.0);
  if (how == "change") h.add_move(Move::step(0, 1), 1.0);
  if (how == "hop") h.add_move(Move::hop(0, 1), 1.0);
  if (how == "pair") h.add_pair(3, 100000, 1.0);
  if (how == "field") h.add_linear(n, 1.0);
  if (how == "infinite") h.add_move(Move::step(0, -2), std::numeric_limits<double>::infinity());
  if (how == "function") h.add_product(1.0, {{0, {1.0, 2.0, 3.0}}});
  return h;
}

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "exact") {
    const Operator h = mixed(8);
    const Eigen::MatrixXcd matrix = h.matrix(Basis(h.space()));
    std::printf("%.12f\n", Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd>(matrix).eigenvalues()(0));
    return 0;
  }
  Key how;
  how.path = "how";
  how.type = KeyType::text;
  how.default_value = argc == 3 && std::string(argv[2]) == "preset" ? "right" : "\"right\"";
  how.help = "the mistake";
  return run_program(
      argc, argv,
      {.hamiltonians = {{"mixed",
                         "S_i.S_j and sigma^x",
                         {},
                         [](const DeckSection&, const Lattice& lattice) { return mixed(lattice.n_sites()); }},
                        {"wrong", "mistakes", {how}, wrong}}});
}
