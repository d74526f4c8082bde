#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench_rows.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/rbm.hpp"
#include "koushi/manybody/sampler.hpp"

namespace koushi {

/// The 10 x 10 Heisenberg model with 4 hidden units per site.
struct RbmCase {
  bool is_complex;
  bool symmetrised;
  Operator h;
  MoveTable table;
  std::unique_ptr<Wavefunction> rbm;

  RbmCase(bool with_complex, bool with_symmetry) : is_complex(with_complex), symmetrised(with_symmetry) {
    const UnitCell cell = unit_cell("square");
    const Lattice lattice(cell, 10 * Eigen::Matrix2i::Identity(), {Boundary::periodic, Boundary::periodic},
                          shell_bonds(cell, 1));
    std::vector<LabelledBond> bonds;
    for (const Bond& b : lattice.bonds()) bonds.push_back({b.i, b.j});
    h = make_xxz(100, bonds, {.J = {1.0}, .sublattice_sign = lattice.sublattice_sign(), .marshall = true});
    RbmOptions options{.n_sites = 100,
                       .complex_weights = is_complex,
                       .density = 4,
                       .visible_bias = !symmetrised,
                       .width = 0.05,
                       .seed = 1};
    if (symmetrised) options.symmetry = lattice.translations();
    rbm = make_rbm(options);
    table.moves = h.moves;
    table.kinds.n_kinds = 1;
    table.kinds.count[0] = static_cast<int>(h.moves.size());
    table.kinds.cumulative[0] = 1;
  }
  std::string name(const std::string& kernel) const {
    return kernel + (is_complex ? " complex" : " real") + (symmetrised ? "" : " dense");
  }
  // Operations that fill the place of an FMA, two flops each: per hidden unit 2 (real) or 8 (complex) for a ratio, 4 or
  // 15 for an accepted move, with a division as one.
  double flops_per_ratio() const { return 400 * (is_complex ? 16.0 : 4.0); }
  double flops_per_acceptance() const { return 400 * (is_complex ? 30.0 : 8.0); }
};

/// Moves of all states that change something.
inline double active_moves(const Operator& h, const SpinRows& states) {
  const auto spins = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states);
  double count = 0;
  for (std::size_t s = 0; s < spins.extent(0); ++s) {
    for (const SpinMove& m : h.moves)
      count += spins(s, static_cast<std::size_t>(m.i)) != spins(s, static_cast<std::size_t>(m.j)) ? 1 : 0;
  }
  return count;
}

/// A whole step of 4096 samples with a sweep between samples, as the study makes it, on all ranks together.
void rbm_step_rows(const Communicator& world, const RbmCase& model, BenchRows& rows);

}  // namespace koushi
