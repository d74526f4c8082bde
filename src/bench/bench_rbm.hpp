#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench_rows.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/product.hpp"
#include "koushi/manybody/rbm.hpp"
#include "koushi/manybody/sampler.hpp"

namespace koushi {

/// The 10 x 10 Heisenberg model with 4 hidden units per site.
struct RbmCase {
  bool is_complex;
  bool symmetrised;
  Operator h{Space::spins(100)};
  MoveTable table;
  std::unique_ptr<Wavefunction> rbm;

  RbmCase(bool with_complex, bool with_symmetry) : is_complex(with_complex), symmetrised(with_symmetry) {
    const UnitCell cell{Eigen::Matrix2d::Identity(), {Eigen::Vector2d::Zero()}};
    const Lattice lattice(cell, 10 * Eigen::Matrix2i::Identity(), {Boundary::periodic, Boundary::periodic},
                          shell_bonds(cell, 1));
    for (const Bond& b : lattice.bonds()) {  // Heisenberg, one sublattice rotated
      h.add_pair(b.i, b.j, 0.25);
      h.add_move(Move::transfer(b.i, b.j, 2), -0.5);
    }
    h.fix("magnetization", 0);
    RbmOptions options{
        .complex_weights = is_complex, .density = 4, .visible_bias = !symmetrised, .width = 0.05, .seed = 1};
    if (symmetrised) options.symmetry = lattice.translations();
    std::vector<NamedFactor> factors;
    factors.push_back({"rbm", make_rbm(h.space(), options)});
    rbm = make_product(h.space(), std::move(factors));
    table = MoveTable(h.move_list());
    table.propose(1.0, h.move_list());
    table.finish();
  }
  std::string name(const std::string& kernel) const {
    return kernel + (is_complex ? " complex" : " real") + (symmetrised ? "" : " dense");
  }
  // Operations that fill the place of an FMA, two flops each: per hidden unit 2 (real) or 8 (complex) for a ratio, 4 or
  // 15 for an accepted move, with a division as one.
  double flops_per_ratio() const { return 400 * (is_complex ? 16.0 : 4.0); }
  double flops_per_acceptance() const { return 400 * (is_complex ? 30.0 : 8.0); }
};

/// Moves of all states that change something, in either direction.
inline double active_moves(const Operator& h, const States& states) {
  const auto local = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, states.local);
  double count = 0;
  for (const Move& move : h.move_list()) {
    const MoveSites sites = move_sites(h.space(), move);
    for (std::size_t s = 0; s < local.extent(0); ++s) {
      for (const int sigma : {1, -1}) count += sites.acts(&local(s, 0), sigma) ? 1 : 0;
    }
  }
  return count;
}

/// A whole step of 4096 samples with a sweep between samples, as the study makes it, on all ranks together.
void rbm_step_rows(const Communicator& world, const RbmCase& model, BenchRows& rows);

}  // namespace koushi
