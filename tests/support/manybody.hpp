#pragma once

#include <Eigen/Dense>
#include <cmath>
#include <complex>
#include <memory>
#include <utility>
#include <vector>

#include "koushi/manybody/product.hpp"
#include "koushi/manybody/rbm.hpp"
#include "koushi/manybody/sampler.hpp"

namespace koushi {

/// psi of one RBM.
inline std::unique_ptr<Wavefunction> rbm_state(const Space& space, const RbmOptions& options) {
  std::vector<NamedFactor> factors;
  factors.push_back({"rbm", make_rbm(space, options)});
  return make_product(space, std::move(factors));
}

/// sum J S_i.S_j around a ring of spins 1/2; `sign` of the S^xy part.
inline Operator ring(int n, double J = 1, double anisotropy = 1, double sign = 1) {
  Operator h(Space::spins(n));
  for (int i = 0; i < n; ++i) {
    h.add_pair(i, (i + 1) % n, 0.25 * J * anisotropy);
    h.add_move(Move::transfer(i, (i + 1) % n, 2), 0.5 * J * sign);
  }
  return h;
}

/// sum J sigma^z sigma^z + field sum sigma^x around a ring.
inline Operator ising_ring(int n, double J, double field) {
  Operator h(Space::spins(n));
  for (int i = 0; i < n; ++i) h.add_pair(i, (i + 1) % n, J);
  for (int i = 0; i < n; ++i) h.add_move(Move::step(i, -2), field);
  return h;
}

/// All states of a space, as lists.
inline std::vector<std::vector<std::int8_t>> states_of(const Space& space) {
  const Basis basis(space);
  std::vector<std::vector<std::int8_t>> states;
  for (std::int64_t k = 0; k < basis.size(); ++k) states.push_back(basis.state(k));
  return states;
}
inline std::vector<std::vector<std::int8_t>> spin_states(int n, bool fixed = false, int magnetization = 0) {
  Space space = Space::spins(n);
  if (fixed) space.fix("magnetization", magnetization);
  return states_of(space);
}

/// A batch of these states, fermions in the order of their places, with their tables.
inline Batch batch_of(const Wavefunction& psi, const std::vector<std::vector<std::int8_t>>& states) {
  Batch batch = psi.make_batch(static_cast<std::int64_t>(states.size()));
  const auto local = Kokkos::create_mirror_view(batch.states.local);
  const auto particle = Kokkos::create_mirror_view(batch.states.particle);
  const auto occupant = Kokkos::create_mirror_view(batch.states.occupant);
  for (std::size_t w = 0; w < states.size(); ++w) {
    for (std::size_t p = 0; p < states[w].size(); ++p) local(w, p) = states[w][p];
    psi.space().number_particles({local.data() + w * local.extent(1), particle.data() + w * particle.extent(1),
                                  occupant.data() + w * occupant.extent(1)});
  }
  Kokkos::deep_copy(batch.states.local, local);
  Kokkos::deep_copy(batch.states.particle, particle);
  Kokkos::deep_copy(batch.states.occupant, occupant);
  psi.refresh(batch);
  return batch;
}

/// A list of moves that are all proposed with the same probability.
inline MoveTable proposed(const std::vector<Move>& moves) {
  MoveTable table(moves);
  table.propose(1.0, moves);
  table.finish();
  return table;
}

/// psi on the states of a basis, scaled to a largest modulus of 1.
inline Eigen::VectorXcd amplitudes(const Wavefunction& psi, const Basis& basis) {
  const auto logs = psi.log_amplitudes(basis.states(0, basis.size()));
  double largest = -1e300;
  for (const auto& log : logs) largest = std::max(largest, log.real());
  Eigen::VectorXcd vector(basis.size());
  for (Eigen::Index k = 0; k < vector.size(); ++k) vector(k) = std::exp(logs[static_cast<std::size_t>(k)] - largest);
  return vector;
}

/// Parameters that are large enough to be seen.
inline void spread(Wavefunction& psi, double size) {
  std::vector<double> parameters = psi.parameters();
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    parameters[p] += size * std::sin(1.0 + 2.3 * static_cast<double>(p));
  }
  psi.set_parameters(parameters);
}

}  // namespace koushi
