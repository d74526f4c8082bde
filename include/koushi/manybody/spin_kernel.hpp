#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

#include "koushi/base/lane_team.hpp"
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

/// Where the random numbers of chains come from: walker w at proposal p takes those of (seed, step, first_chain + w,
/// first_draw + p).
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

/// The sites of a move: exchange of i and j, which does nothing where they are equal, or flip of i (j < 0).
struct MoveSites {
  int i;
  int j;
  KOKKOS_FUNCTION bool acts(const std::int8_t* s) const { return j < 0 || s[i] != s[j]; }
  KOKKOS_FUNCTION void apply(std::int8_t* s) const {
    s[i] = static_cast<std::int8_t>(-s[i]);
    if (j >= 0) s[j] = static_cast<std::int8_t>(-s[j]);
  }
};

// The kernels below take an ansatz's `Moves`, a device functor on walkers with spins s and table t:
//   MoveSites at(k)                                           move k
//   ratios<one_move, n>(team, k, sigma, t, offset, result)    psi(s') / psi(s) of n walkers with tables t + offset[m],
//   move k[m] and sigma[m] = s_i;
//                                                             one_move: k[m] is the same for all
//   void accept(team, k, sigma, s, t)                         s <- s' and its table
//   team                                                      the threads that go through a walker's table together
//   group, at_once                                            walkers that go in step, and how many ratios of them are
//   best taken together
// Walkers in step share what is read of a move, and give the processor work that does not wait for the outcome of a
// proposal. What a walker gets does not depend on who goes with it.

/// Walkers [first, first + n) of a batch, and those of them whose move does something.
template <typename Moves>
struct WalkerGroup {
  const LaneTeam& team;
  const Moves& moves;
  std::int8_t* spins;
  double* tables;
  int n_sites;
  int columns;
  int count = 0;
  int walker[Moves::group];
  int move[Moves::group];
  int sigma[Moves::group];
  int offset[Moves::group];
  Complex ratio[Moves::group];

  KOKKOS_FUNCTION WalkerGroup(const LaneTeam& the_team, const Moves& the_moves, const SpinRows& s, const RealRows& t,
                              int first)
      : team(the_team),
        moves(the_moves),
        spins(&s(first, 0)),
        tables(&t(first, 0)),
        n_sites(static_cast<int>(s.extent(1))),
        columns(static_cast<int>(t.extent(1))) {}

  KOKKOS_FUNCTION std::int8_t* spins_of(int g) const { return spins + g * n_sites; }
  KOKKOS_FUNCTION void add(int g, int k, const MoveSites& sites) {
    const std::int8_t* s = spins_of(g);
    walker[count] = g;
    move[count] = k;
    sigma[count] = s[sites.i];
    offset[count] = g * columns;
    count += sites.acts(s) ? 1 : 0;
  }
  /// Ratios of all that were added; body(g, ratio, a) for each.
  template <bool one_move, typename Body>
  KOKKOS_FUNCTION void evaluate(const Body& body) {
    int done = 0;
    blocks<one_move, Moves::at_once>(done);
    for (int a = 0; a < count; ++a) body(walker[a], ratio[a], a);
    count = 0;
  }
  KOKKOS_FUNCTION void accept(int a) const {
    moves.accept(team, move[a], sigma[a], spins_of(walker[a]), tables + offset[a]);
  }

 private:
  template <bool one_move, int n>
  KOKKOS_FUNCTION void blocks(int& done) {
    for (; done + n <= count; done += n)
      moves.template ratios<one_move, n>(team, move + done, sigma + done, tables, offset + done, ratio + done);
    if constexpr (n > 1) blocks<one_move, n - 1>(done);
  }
};

/// The next proposals of one chain: a vector of them at once, on a GPU one for each lane.
struct ProposalDraws {
  static constexpr int width = LaneTeam::size * Lanes<SiteVector>::width;
  double threshold[width];  ///< [0, 1), for the acceptance
  int move[width];

  KOKKOS_FUNCTION void fill(const LaneTeam& team, const ChainRandom& random, int walker, int proposal,
                            const ProposalKinds& kinds) {
    using L = Lanes<SiteVector>;
    using Word = typename L::Word;
    team.each([&](int lane) {
      const int first = lane * L::width;
      const auto r =
          philox_lanes<SiteVector>(random.seed, RandomPurpose::markov_chain, random.step,
                                   Word(static_cast<std::uint64_t>(random.first_chain + walker)),
                                   L::words(random.first_draw + static_cast<std::uint32_t>(proposal + first), 1));
      L::store(uniform_lanes<SiteVector>(r.word[1], r.word[2]), threshold + first);
      double bits[L::width];
      double kind[L::width];
      L::store(L::from_bits(r.word[0]), bits);
      if (kinds.n_kinds > 1)
        L::store(uniform_lanes<SiteVector>(r.word[3], L::product(r.word[3], Word(2654435761ULL)) & Word(0xffffffffULL)),
                 kind);
      for (int l = 0; l < L::width; ++l) {
        int m = 0;
        if (kinds.n_kinds > 1) {
          while (m + 1 < kinds.n_kinds && kind[l] >= kinds.cumulative[m]) ++m;
        }
        move[first + l] =
            kinds.first[m] +
            uniform_below(static_cast<std::uint32_t>(Kokkos::bit_cast<std::uint64_t>(bits[l])), kinds.count[m]);
      }
    });
  }
};

/// sum_b zz_b s_i s_j + sum_i z_i s_i of n walkers, whose sums do not wait for each other.
template <typename Moves>
KOKKOS_FUNCTION void diagonal_energies(const SpinTerms& terms, const WalkerGroup<Moves>& walkers, int n,
                                       Complex* energy) {
  LaneSums<double, Moves::group> diagonal;
  walkers.team.combine(diagonal, [&](int lane, LaneSums<double, Moves::group>& part) {
    part = LaneSums<double, Moves::group>::identity();
    for (int b = lane; b < static_cast<int>(terms.zz.extent(0)); b += LaneTeam::size) {
      const int i = terms.pairs(b, 0);
      const int j = terms.pairs(b, 1);
      const double zz = terms.zz(b);
      for (int g = 0; g < n; ++g) part.sum[g] += zz * (walkers.spins_of(g)[i] * walkers.spins_of(g)[j]);
    }
    for (int i = lane; i < static_cast<int>(terms.z.extent(0)); i += LaneTeam::size) {
      const double z = terms.z(i);
      for (int g = 0; g < n; ++g) part.sum[g] += z * walkers.spins_of(g)[i];
    }
  });
  for (int g = 0; g < n; ++g) energy[g] = diagonal.sum[g];
}

/// body(team, first, count): the walkers of each group.
template <typename Moves, int shared = 0, typename Body>
void for_groups(const char* label, const Kokkos::DefaultExecutionSpace& space, int n_walkers, const Body& body) {
  for_items<shared>(
      label, space, (n_walkers + Moves::group - 1) / Moves::group, KOKKOS_LAMBDA(const LaneTeam& team, int g) {
        body(team, g * Moves::group, Kokkos::min(int{Moves::group}, n_walkers - g * Moves::group));
      });
}

/// Metropolis chains, one per walker: n_proposals proposals each, accepted with min(1, |psi(s')/psi(s)|^2).
/// counts      [walker][accepted, proposed], added to; only moves that change something are counted
template <typename Moves>
void metropolis(const Kokkos::DefaultExecutionSpace& space, const Moves& moves, const ProposalKinds& kinds,
                const SpinBatch& walkers, const Kokkos::View<std::int64_t* [2]>& counts, const ChainRandom& random,
                int n_proposals) {
  const SpinRows spins = walkers.spins;
  const RealRows tables = walkers.table;
  for_groups<Moves, Moves::group * sizeof(ProposalDraws)>(
      "koushi::manybody::metropolis", space, static_cast<int>(spins.extent(0)),
      KOKKOS_LAMBDA(const LaneTeam& team, int first, int n) {
        WalkerGroup<Moves> group(team, moves, spins, tables, first);
        using Draws = ProposalDraws[Moves::group];
        LaneTeam::Shared<Draws> shared(team);
        Draws& draws = *shared;
        int accepted[Moves::group] = {};
        int proposed[Moves::group] = {};
        for (int p = 0; p < n_proposals; ++p) {
          const int lane = p % ProposalDraws::width;
          for (int g = 0; g < n; ++g) {
            if (lane == 0) draws[g].fill(team, random, first + g, p, kinds);
            group.add(g, draws[g].move[lane], moves.at(draws[g].move[lane]));
          }
          group.template evaluate<false>([&](int g, const Complex& ratio, int a) {
            ++proposed[g];
            if (draws[g].threshold[lane] < ratio.real() * ratio.real() + ratio.imag() * ratio.imag()) {
              group.accept(a);
              ++accepted[g];
            }
          });
        }
        team.once([&] {
          for (int g = 0; g < n; ++g) {
            counts(first + g, 0) += accepted[g];
            counts(first + g, 1) += proposed[g];
          }
        });
      });
}

/// E_loc(s) = sum_s' <s|H|s'> psi(s') / psi(s) for every walker. Move k of the terms is move k of `moves`.
template <typename Moves>
void local_energies(const Kokkos::DefaultExecutionSpace& space, const Moves& moves, const SpinTerms& terms,
                    const SpinBatch& walkers, const Kokkos::View<Complex*>& energies) {
  const SpinRows spins = walkers.spins;
  const RealRows tables = walkers.table;
  for_groups<Moves>(
      "koushi::manybody::local_energies", space, static_cast<int>(energies.extent(0)),
      KOKKOS_LAMBDA(const LaneTeam& team, int first, int n) {
        WalkerGroup<Moves> group(team, moves, spins, tables, first);
        Complex energy[Moves::group];
        diagonal_energies(terms, group, n, energy);
        for (int k = 0; k < static_cast<int>(terms.element.extent(0)); ++k) {
          const MoveSites sites = moves.at(k);
          const double element = terms.element(k);
          for (int g = 0; g < n; ++g) group.add(g, k, sites);
          group.template evaluate<true>([&](int g, const Complex& ratio, int) { energy[g] += element * ratio; });
        }
        team.once([&] {
          for (int g = 0; g < n; ++g) energies(first + g) = energy[g];
        });
      });
}

/// psi(s') / psi(s) of every move [walker][move]; 0 where a move changes nothing.
template <typename Moves>
void move_ratios(const Kokkos::DefaultExecutionSpace& space, const Moves& moves, const SpinBatch& walkers,
                 const Kokkos::View<Complex**>& ratios) {
  const SpinRows spins = walkers.spins;
  const RealRows tables = walkers.table;
  for_groups<Moves>(
      "koushi::manybody::move_ratios", space, static_cast<int>(spins.extent(0)),
      KOKKOS_LAMBDA(const LaneTeam& team, int first, int n) {
        WalkerGroup<Moves> group(team, moves, spins, tables, first);
        for (int k = 0; k < static_cast<int>(ratios.extent(1)); ++k) {
          Complex values[Moves::group] = {};
          for (int g = 0; g < n; ++g) group.add(g, k, moves.at(k));
          group.template evaluate<true>([&](int g, const Complex& ratio, int) { values[g] = ratio; });
          team.once([&] {
            for (int g = 0; g < n; ++g) ratios(first + g, k) = values[g];
          });
        }
      });
}

}  // namespace koushi
