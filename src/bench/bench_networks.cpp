#include "bench_step.hpp"
#include "koushi/lattice/lattice.hpp"

namespace koushi {

namespace {

/// 1008 samples a sweep apart, of a network whose amplitudes are evaluated for every move that acts.
void add_network_step(const Communicator& world, const std::string& name, const std::string& factor, BenchRows& rows) {
  if (!rows.want({name})) return;
  const UnitCell cell{Eigen::Matrix2d::Identity(), {Eigen::Vector2d::Zero()}};
  const Lattice lattice(cell, 10 * Eigen::Matrix2i::Identity(), {Boundary::periodic, Boundary::periodic},
                        shell_bonds(cell, 1));
  Operator h(Space::spins(lattice.n_sites(), 1));
  for (const Bond& b : lattice.bonds()) {  // J = 1 with Marshall's rotation
    h.add_pair(b.i, b.j, 0.25);
    h.add_move(Move::transfer(b.i, b.j, 2), -0.5);
  }
  h.fix("magnetization", 0);
  const auto psi = wavefunction_of(factor, lattice, h);
  MoveTable table(h.move_list());
  table.propose(1.0, h.move_list());
  table.finish();
  constexpr double samples = 1008;
  const double forward = psi->factors()[0].flops;
  const auto parameters = static_cast<double>(psi->n_parameters());
  const double equations = psi->is_real() ? samples : 2 * samples;
  add_step(world,
           {.name = name,
            .psi = *psi,
            .h = h,
            .table = table,
            .chains = {.chains = 336, .samples = static_cast<std::int64_t>(samples), .seed = 1},
            .solver = {.shift_absolute = 1e-4, .shift_relative = 0},
            .repetitions = 3,
            .flops =
                [=](double proposals, double /*accepted*/, double ratios) {
                  // Derivatives of one output take two passes more; the Gram matrix and its factor a triangle each.
                  return (proposals + ratios) * forward + equations * 3 * forward + equations * equations * parameters +
                         equations * equations * equations / 3;
                }},
           rows);
}

}  // namespace

void network_step_rows(const Communicator& world, BenchRows& rows) {
  add_network_step(world, "resnet step 10x10", "kind = \"resnet\"\nchannels = 8\nblocks = 4\n", rows);
  add_network_step(world, "vit step 10x10",
                   "kind = \"vit\"\npatch = [2, 2]\nchannels = 24\nheads = 4\nlayers = 2\nexpansion = 4\noutput = "
                   "\"complex\"\n",
                   rows);
  add_network_step(world, "gcnn step 10x10", "kind = \"gcnn\"\nchannels = [4, 4, 4, 4]\n", rows);
}

}  // namespace koushi
