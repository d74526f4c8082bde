#include <fmt/format.h>

#include "bench_step.hpp"
#include "koushi/lattice/lattice.hpp"

namespace koushi {

Lattice square(int length) {
  const UnitCell cell{Eigen::Matrix2d::Identity(), {Eigen::Vector2d::Zero()}};
  return {cell, length * Eigen::Matrix2i::Identity(), {Boundary::periodic, Boundary::periodic}, shell_bonds(cell, 1)};
}

Operator electrons(const Lattice& lattice, int pairs, bool exchange) {
  Operator h(Space::electrons(lattice.n_sites(), exchange));
  const Space& space = h.space();
  for (const Bond& b : lattice.bonds()) {
    if (exchange) {
      for (const int f : {0, 1}) {
        for (const int g : {0, 1}) h.add_pair(space.place(f, b.i), space.place(g, b.j), f == g ? 0.25 : -0.25);
      }
      h.add_move(Move::two_hops(space.place(0, b.i), space.place(0, b.j), space.place(1, b.j), space.place(1, b.i)),
                 -0.5);
    } else {
      for (const int f : {0, 1}) h.add_move(Move::hop(space.place(f, b.i), space.place(f, b.j)), -1.0);
    }
  }
  for (int i = 0; i < lattice.n_sites() && !exchange; ++i) h.add_pair(space.place(0, i), space.place(1, i), 8.0);
  h.fix("up", pairs);
  h.fix("down", pairs);
  return h;
}

namespace {

/// 2000 samples a sweep apart, from random pairings tied by cells of 2 x 2, beside Gutzwiller and Jastrow factors where
/// sites can hold two electrons.
void add_pair_step(const Communicator& world, const std::string& name, int length, bool exchange, int points,
                   BenchRows& rows) {
  if (!rows.want({name})) return;
  const Lattice lattice = square(length);
  const int pairs = length * length / 2;
  const Operator h = electrons(lattice, pairs, exchange);
  std::string text =
      "kind = \"pair-product\"\npairing = \"random\"\n"
      "symmetry = \"translations\"\nsublattice = [2, 2]\n";
  if (points > 0) text += fmt::format("spin = 0\npoints = {}\n", points);
  if (!exchange)
    text += "[[wavefunction.factor]]\nkind = \"gutzwiller\"\n[[wavefunction.factor]]\nkind = \"jastrow\"\n";
  const auto psi = wavefunction_of(text, lattice, h);
  MoveTable table(h.move_list());
  table.propose(1.0, h.move_list());
  table.finish();
  constexpr double samples = 2048;
  const auto parameters = static_cast<double>(psi->n_parameters());
  const double n = points > 0 ? 2.0 * pairs : pairs;  // rows of the matrix
  const double hops = exchange ? 2 : 1;
  const double depth = points > 0 ? (points + 7) / 8 * 8 : 1;
  // Headers of the kernels; a ratio of an exchange is a product of the inverse with a vector.
  const double ratio = depth * (exchange ? 2 * n * n : points > 0 ? 3 * n : 2 * n);
  const double accept = depth * hops * 4 * n * n;
  add_step(world,
           {.name = name,
            .psi = *psi,
            .h = h,
            .table = table,
            .chains = {.chains = 32, .samples = static_cast<std::int64_t>(samples), .seed = 1},
            .solver = {.shift_absolute = 1e-4, .shift_relative = 0, .shift_diagonal = 0.02},
            .repetitions = 6,
            .flops =
                [=](double proposals, double accepted, double ratios) {
                  return (proposals + ratios) * ratio + accepted * accept + samples * depth * n * n +
                         samples * parameters * parameters + parameters * parameters * parameters / 3;
                }},
           rows);
}

}  // namespace

void pair_step_rows(const Communicator& world, BenchRows& rows) {
  add_pair_step(world, "hubbard step 8x8", 8, false, 0, rows);
  add_pair_step(world, "hubbard step 8x8 spin projection", 8, false, 8, rows);
  add_pair_step(world, "hubbard step 4x4 spin projection", 4, false, 8, rows);
  add_pair_step(world, "heisenberg pair-product step 10x10", 10, true, 0, rows);
}

}  // namespace koushi
