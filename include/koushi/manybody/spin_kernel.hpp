#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

#include "koushi/random/philox.hpp"

namespace koushi {

using RealRows = Kokkos::View<double**, Kokkos::LayoutRight>;
using SpinRows = Kokkos::View<std::int8_t**, Kokkos::LayoutRight>;
using Complex = Kokkos::complex<double>;

/// Basis states, and for each of them the table that makes moves cheap: what chains hold and what samples are.
struct SpinBatch {
  SpinRows spins;  ///< [n][n_sites], +-1
  RealRows table;  ///< [n][columns], its meaning is the ansatz's
};

/// Which moves a chain proposes: kind m with probability weight, then one of its moves [first, first + count).
struct ProposalKinds {
  static constexpr int max_kinds = 4;
  int n_kinds = 0;
  int first[max_kinds] = {};
  int count[max_kinds] = {};
  double cumulative[max_kinds] = {};
};

/// Where the random numbers of chains come from: walker w at proposal p takes those of (seed, step, first_chain + w, first_draw + p).
struct ChainRandom {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::int64_t first_chain = 0;
  std::uint32_t first_draw = 0;
};

/// The Hamiltonian on the device: sum_b zz_b s_i s_j + sum_i z_i s_i + sum_k element_k (move k where it acts).
struct SpinTerms {
  Kokkos::View<int* [2]> pairs;
  Kokkos::View<double*> zz;
  Kokkos::View<double*> z;  ///< one per site
  Kokkos::View<double*> element;
};

// The kernels below take an ansatz's `Moves`, a device functor on one walker with spins s and table t:
//   int sign(k, s)               what move k does to s, handed on to the others; 0: nothing
//   Complex ratio(k, sign, t)    psi(s') / psi(s)
//   void accept(k, sign, s, t)   s <- s' and its table

/// Metropolis chains, one per walker: n_proposals proposals each, accepted with min(1, |psi(s')/psi(s)|^2).
/// counts      [walker][accepted, proposed], added to; only moves that change something are counted
template <typename Moves>
void metropolis(const Kokkos::DefaultExecutionSpace& space, const Moves& moves, const ProposalKinds& kinds, const SpinBatch& walkers,
                const Kokkos::View<std::int64_t* [2]>& counts, const ChainRandom& random, int n_proposals) {
  const SpinRows spins = walkers.spins;
  const RealRows tables = walkers.table;
  Kokkos::parallel_for(
      "koushi::manybody::metropolis",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(spins.extent(0))),
      KOKKOS_LAMBDA(int w) {
        std::int8_t* s = &spins(w, 0);
        double* t = &tables(w, 0);
        for (int p = 0; p < n_proposals; ++p) {
          const RandomBlock r = philox(random.seed, RandomPurpose::markov_chain, random.step, static_cast<std::uint64_t>(random.first_chain + w),
                                       random.first_draw + static_cast<std::uint32_t>(p));
          int kind = 0;
          if (kinds.n_kinds > 1) {
            const double u = uniform(r.word[3], r.word[3] * 2654435761U);
            while (kind + 1 < kinds.n_kinds && u >= kinds.cumulative[kind]) ++kind;
          }
          const int k = kinds.first[kind] + uniform_below(r.word[0], kinds.count[kind]);
          const int sign = moves.sign(k, s);
          if (sign == 0) continue;
          const Complex ratio = moves.ratio(k, sign, t);
          ++counts(w, 1);
          if (uniform(r.word[1], r.word[2]) < ratio.real() * ratio.real() + ratio.imag() * ratio.imag()) {
            moves.accept(k, sign, s, t);
            ++counts(w, 0);
          }
        }
      });
}

/// E_loc(s) = sum_s' <s|H|s'> psi(s') / psi(s) for every walker. Move k of the terms is move k of `moves`.
template <typename Moves>
void local_energies(const Kokkos::DefaultExecutionSpace& space, const Moves& moves, const SpinTerms& terms, const SpinBatch& walkers,
                    const Kokkos::View<Complex*>& energies) {
  const SpinRows spins = walkers.spins;
  const RealRows tables = walkers.table;
  Kokkos::parallel_for(
      "koushi::manybody::local_energies",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(energies.extent(0))),
      KOKKOS_LAMBDA(int w) {
        const std::int8_t* s = &spins(w, 0);
        double diagonal = 0;
        for (int b = 0; b < static_cast<int>(terms.zz.extent(0)); ++b) {
          diagonal += terms.zz(b) * s[terms.pairs(b, 0)] * s[terms.pairs(b, 1)];
        }
        for (int i = 0; i < static_cast<int>(terms.z.extent(0)); ++i) diagonal += terms.z(i) * s[i];
        Complex energy(diagonal, 0.0);
        for (int k = 0; k < static_cast<int>(terms.element.extent(0)); ++k) {
          const int sign = moves.sign(k, s);
          if (sign != 0) energy += terms.element(k) * moves.ratio(k, sign, &tables(w, 0));
        }
        energies(w) = energy;
      });
}

/// psi(s') / psi(s) of every move [walker][move]; 0 where a move changes nothing.
template <typename Moves>
void move_ratios(const Kokkos::DefaultExecutionSpace& space, const Moves& moves, const SpinBatch& walkers, const Kokkos::View<Complex**>& ratios) {
  const SpinRows spins = walkers.spins;
  const RealRows tables = walkers.table;
  const int n_moves = static_cast<int>(ratios.extent(1));
  Kokkos::parallel_for(
      "koushi::manybody::move_ratios",
      Kokkos::RangePolicy<Kokkos::DefaultExecutionSpace>(space, 0, static_cast<int>(ratios.extent(0))),
      KOKKOS_LAMBDA(int w) {
        for (int k = 0; k < n_moves; ++k) {
          const int sign = moves.sign(k, &spins(w, 0));
          ratios(w, k) = sign == 0 ? Complex(0.0) : moves.ratio(k, sign, &tables(w, 0));
        }
      });
}

}  // namespace koushi
