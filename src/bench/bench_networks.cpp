#include "bench_step.hpp"
#include "koushi/lattice/lattice.hpp"

namespace koushi {

namespace {

/// J = 1 with Marshall's rotation, magnetisation 0.
Operator heisenberg(const Lattice& lattice) {
  Operator h(Space::spins(lattice.n_sites(), 1));
  for (const Bond& b : lattice.bonds()) {
    h.add_pair(b.i, b.j, 0.25);
    h.add_move(Move::transfer(b.i, b.j, 2), -0.5);
  }
  h.fix("magnetization", 0);
  return h;
}

/// 1008 samples a sweep apart, of a network whose amplitudes are evaluated for every move that acts. columns: numbers per
/// sample that the Gram matrix is a product of; 0: the parameters.
void add_network_step(const Communicator& world, const std::string& name, const Lattice& lattice, const Operator& h,
                      const std::string& factor, double columns, BenchRows& rows) {
  if (!rows.want({name})) return;
  const auto psi = wavefunction_of(factor, lattice, h);
  MoveTable table(h.move_list());
  table.propose(1.0, h.move_list());
  table.finish();
  constexpr double samples = 1008;
  const double forward = psi->factors()[0].flops;
  const double numbers = columns > 0 ? columns : static_cast<double>(psi->n_parameters());
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
                  return (proposals + ratios) * forward + equations * 3 * forward + equations * equations * numbers +
                         equations * equations * equations / 3;
                }},
           rows);
}

}  // namespace

void network_step_rows(const Communicator& world, BenchRows& rows) {
  const Lattice spins = square(10);
  const auto add = [&](const std::string& name, const std::string& factor) {
    add_network_step(world, name, spins, heisenberg(spins), factor, 0, rows);
  };
  add("resnet step 10x10", "kind = \"resnet\"\nchannels = 8\nblocks = 4\n");
  add("vit step 10x10",
      "kind = \"vit\"\npatch = [2, 2]\nchannels = 24\nheads = 4\nlayers = 2\nexpansion = 4\noutput = "
      "\"complex\"\n");
  add("gcnn step 10x10", "kind = \"gcnn\"\nchannels = [4, 4, 4, 4]\n");
  // 5.0e5 parameters: 118 units, 4096 orbital numbers that see them, 129 x 118 weights of the network.
  const Lattice sites = square(8);
  add_network_step(world, "backflow step 8x8", sites, electrons(sites, 32, false),
                   "kind = \"backflow\"\nchannels = [118]\n", 118 + 4096 + 129 * 118, rows);
}

}  // namespace koushi
