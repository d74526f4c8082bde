#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

#include "koushi/base/lane_team.hpp"
#include "koushi/manybody/states.hpp"
#include "koushi/random/philox.hpp"

namespace koushi {

/// a b with the fused operations written out, so that it is rounded in one way wherever a compiler puts it: which ratios
/// are taken together depends on the ranks, and must move no bit.
KOKKOS_FORCEINLINE_FUNCTION Complex product(const Complex& a, const Complex& b) {
  return {Kokkos::fma(a.real(), b.real(), -(a.imag() * b.imag())),
          Kokkos::fma(a.real(), b.imag(), a.imag() * b.real())};
}

/// Which moves a chain proposes: kind m with probability cumulative[m] - cumulative[m - 1], then one of its moves
/// index(first[m]), ..., index(first[m] + count[m] - 1) of the run's list. Moves that can act in both directions on one
/// state are proposed in either with probability 1/2.
struct ProposalKinds {
  static constexpr int max_kinds = 8;
  int n_kinds = 0;
  int first[max_kinds] = {};
  int count[max_kinds] = {};
  double cumulative[max_kinds] = {};
  Kokkos::View<int*> index;
};

/// Where the random numbers of chains come from: walker w at proposal p takes those of (seed, step, first_chain + w,
/// first_draw + p).
struct ChainRandom {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::int64_t first_chain = 0;
  std::uint32_t first_draw = 0;
};

/// Operators on the device (operator.hpp), each a group; the kernel of local energies takes the sum of all groups. Move k
/// of them is move(k) of the list of moves that they are used with.
struct Terms {
  int n_groups = 1;
  double constant = 0;
  Kokkos::View<int* [3]> pairs;  ///< p, q, group
  Kokkos::View<double*> pair_weight;
  Kokkos::View<int* [2]> linear;  ///< place, group
  Kokkos::View<double*> linear_weight;
  Kokkos::View<int* [2]> product_first;  ///< of the functions of product k, and its group; one more row with the end
  Kokkos::View<double*> product_weight;
  Kokkos::View<int* [2]> move;  ///< its number in the list, group
  Kokkos::View<Complex*> element;
  bool real_elements = true;
  Kokkos::View<int*> move_first;     ///< of the functions of move k, and the end; extent 0: no move has any
  Kokkos::View<int* [5]> functions;  ///< place, offset of its values, min and step of the place, its change by the move
  Kokkos::View<double*> values;

  /// The product of functions [first, last) of a state; shift = 1: of the state from which the move came here.
  KOKKOS_FUNCTION double product(int first, int last, const std::int8_t* x, int shift) const {
    double result = 1;
    for (int f = first; f < last; ++f) {
      const int y = x[functions(f, 0)] - shift * functions(f, 4);
      result *= values(functions(f, 1) + (y - functions(f, 2)) / functions(f, 3));
    }
    return result;
  }
  /// <x|O|x'> of term k, x' = x + sigma c. T acts on x' where sigma = -1; where sigma = +1 its adjoint does, whose element
  /// is the conjugate of that of T on x.
  KOKKOS_FUNCTION Complex element_at(int k, const std::int8_t* x, int sigma) const {
    Complex value = element(k);
    if (sigma > 0) value = Complex(value.real(), -value.imag());
    if (move_first.extent(0) > 0) value *= product(move_first(k), move_first(k + 1), x, sigma > 0 ? 0 : 1);
    return value;
  }
};

/// Walks of a time under the fixed-node Hamiltonian of a real psi. With h(x') = <x|H|x'> psi(x') / psi(x),
///
///   hops from x to x' at the rate max(0, -h(x')), the weight is multiplied by exp(-E_loc(x) dt) on the way,
///
/// which is e^{-time H_eff} in continuous time, without an error of time steps: the hops with h > 0 are not made, their h
/// stands in the diagonal of H_eff (no node of psi is crossed).
/// Source  H. J. M. van Bemmel et al., Phys. Rev. Lett. 72, 2442 (1994); D. F. B. ten Haaf et al., Phys. Rev. B 51,
///         13039 (1995); S. Sorella, L. Capriotti, Phys. Rev. B 61, 2599 (2000)
struct FixedNodeWalk {
  double time = 0;
  ChainRandom random;                                 ///< its step numbers the walk, its draws count hops
  Kokkos::View<double**, Kokkos::LayoutRight> rates;  ///< [walker][2 move + (0 for +, 1 for -)], overwritten
  Kokkos::View<double*> log_weight;                   ///< [walker], of this walk; -inf where E_loc is no number
  Kokkos::View<double*> energy;                       ///< [walker], E_loc at its end
  Kokkos::View<std::int64_t*> hops;                   ///< [walker]

  /// What walker w does next where its diagonal energy is `diagonal` and its h stand in `rates`: number 2 move +
  /// direction of the hop, -1 where the time is over.
  KOKKOS_FUNCTION int next(int w, double diagonal, std::uint32_t hop, double& left) const {
    double total = 0;
    double sum = diagonal;
    const int n = static_cast<int>(rates.extent(1));
    for (int m = 0; m < n; ++m) {
      const double h = rates(w, m);
      sum += h;
      if (h < 0) total -= h;
    }
    energy(w) = sum;
    const RandomBlock block = philox(random.seed, RandomPurpose::fixed_node, random.step,
                                     static_cast<std::uint64_t>(random.first_chain + w), random.first_draw + hop);
    const double wait = total > 0 ? -Kokkos::log1p(-uniform(block.word[0], block.word[1])) / total : left;
    if (!(wait < left) || !Kokkos::isfinite(sum)) {
      log_weight(w) -= Kokkos::isfinite(sum) ? sum * left : Kokkos::Experimental::infinity<double>::value;
      left = 0;
      return -1;
    }
    log_weight(w) -= sum * wait;
    left -= wait;
    double threshold = uniform(block.word[2], block.word[3]) * total;
    int last = -1;
    for (int m = 0; m < n; ++m) {
      if (!(rates(w, m) < 0)) continue;
      last = m;
      threshold += rates(w, m);
      if (threshold < 0) break;
    }
    hops(w) += 1;
    return last;
  }
};

/// One copy of the states of walkers, from walker `first` on, and what belongs to it of their tables.
struct Walkers {
  std::int8_t* local;
  std::int16_t* particle;
  std::int16_t* occupant;
  double* table;
  int places;     ///< of one copy
  int particles;  ///< of one copy
  int row_of_local;
  int row_of_particles;
  int row_of_occupants;
  int columns;

  KOKKOS_FUNCTION Walkers(const States& s, const RealRows& t, int first)
      : local(s.local.data() + first * s.local.extent(1)),
        particle(s.particle.data() + first * s.particle.extent(1)),
        occupant(s.occupant.data() + first * s.occupant.extent(1)),
        table(t.data() + first * t.extent(1)),
        places(s.places()),
        particles(s.particles()),
        row_of_local(static_cast<int>(s.local.extent(1))),
        row_of_particles(static_cast<int>(s.particle.extent(1))),
        row_of_occupants(static_cast<int>(s.occupant.extent(1))),
        columns(static_cast<int>(t.extent(1))) {}
  KOKKOS_FUNCTION Walkers(const Batch& batch, int first)
      : Walkers(Walkers(batch.states, batch.table, first).seen(batch.copy, batch.column)) {}

  /// Another copy of the same walkers, with its tables from `column` on.
  KOKKOS_FUNCTION Walkers seen(int copy, int column) const {
    Walkers other = *this;
    other.local += copy * places;
    other.particle += copy * particles;
    if (row_of_occupants > 0) other.occupant += copy * places;
    other.table += column;
    return other;
  }
  KOKKOS_FUNCTION std::int8_t* local_of(int w) const { return local + w * row_of_local; }
  KOKKOS_FUNCTION double* table_of(int w) const { return table + w * columns; }
  KOKKOS_FUNCTION StateView state_of(int w) const {
    return {local_of(w), particle + w * row_of_particles, occupant + w * row_of_occupants};
  }
};

// The kernels below take a wavefunction's `Moves`, a device functor on walkers:
//   MoveSites at(k)
//     move k
//   ratios<one_move, n>(team, walkers, w, k, sigma, result)
//     psi(x') / psi(x) of walkers w[0 ... n - 1], each with its move k[m] in direction sigma[m]; one_move: k[m] is the
//     same for all
//   accept(team, walkers, w, k, sigma)
//     the table of walker w after the move, whose state is still the one before
//   group, at_once
//     walkers that go in step, and how many ratios of them are best taken together
// `team` are the threads that go through a walker's table together. Walkers in step share what is read of a move, and
// give the processor work that does not wait for the outcome of a proposal. What a walker gets does not depend on who
// goes with it.

/// Walkers [first, first + n) of a batch, and those of them whose move does something.
template <typename Moves>
struct WalkerGroup {
  const LaneTeam& team;
  const Moves& moves;
  Walkers walkers;
  int count = 0;
  int walker[Moves::group];
  int move[Moves::group];
  int sigma[Moves::group];
  Complex ratio[Moves::group];

  KOKKOS_FUNCTION WalkerGroup(const LaneTeam& the_team, const Moves& the_moves, const States& s, const RealRows& t,
                              int first)
      : team(the_team), moves(the_moves), walkers(s, t, first) {}

  /// Move k in direction `direction`, 0: none, of walker g.
  KOKKOS_FORCEINLINE_FUNCTION void add(int g, int k, int direction) {
    walker[count] = g;
    move[count] = k;
    sigma[count] = direction;
    count += direction != 0 ? 1 : 0;
  }
  /// Ratios of all that were added; body(g, ratio, a) for each.
  template <bool one_move, typename Body>
  KOKKOS_FORCEINLINE_FUNCTION void evaluate(const Body& body) {
    int done = 0;
    blocks<one_move, Moves::at_once>(done);
    for (int a = 0; a < count; ++a) body(walker[a], ratio[a], a);
    count = 0;
  }
  KOKKOS_FUNCTION void accept(int a, const MoveSites& sites) const {
    moves.accept(team, walkers, walker[a], move[a], sigma[a]);
    team.once([&] { sites.apply(walkers.state_of(walker[a]), sigma[a]); });
  }
  /// body(g, sigma, ratio) for every walker and every direction in which move k acts.
  template <typename Body>
  KOKKOS_FORCEINLINE_FUNCTION void directions(int n, int k, const MoveSites& move_k, const Body& body) {
    const MoveSites sites = move_k;  // in registers: what is written below might be its memory
    for (const int direction : {1, -1}) {
      for (int g = 0; g < n; ++g) add(g, k, sites.direction(walkers.local_of(g), direction));
      evaluate<true>([&](int g, const Complex& r, int a) { body(g, sigma[a], r); });
      if (sites.either == 0) return;
    }
  }

 private:
  template <bool one_move, int n>
  KOKKOS_FORCEINLINE_FUNCTION void blocks(int& done) {
    for (; done + n <= count; done += n) {
      moves.template ratios<one_move, n>(team, walkers, walker + done, move + done, sigma + done, ratio + done);
    }
    if constexpr (n > 1) blocks<one_move, n - 1>(done);
  }
};

/// The next proposals of one chain: a vector of them at once, on a GPU one for each lane.
struct ProposalDraws {
  static constexpr int width = LaneTeam::size * Lanes<SiteVector>::width;
  double threshold[width];  ///< [0, 1), for the acceptance
  int move[width];
  double direction[width];  ///< its lowest bit, for moves that can act in both directions

  /// +1 or -1.
  KOKKOS_FUNCTION int sigma(int lane) const {
    return (Kokkos::bit_cast<std::uint64_t>(direction[lane]) & 1U) != 0 ? 1 : -1;
  }
  KOKKOS_FORCEINLINE_FUNCTION void fill(const LaneTeam& team, const ChainRandom& random, int walker, int proposal,
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
      L::store(L::from_bits(r.word[3]), direction + first);
      if (kinds.n_kinds > 1)
        L::store(uniform_lanes<SiteVector>(r.word[3], L::product(r.word[3], Word(2654435761ULL)) & Word(0xffffffffULL)),
                 kind);
      for (int l = 0; l < L::width; ++l) {
        int m = 0;
        if (kinds.n_kinds > 1) {
          while (m + 1 < kinds.n_kinds && kind[l] >= kinds.cumulative[m]) ++m;
        }
        const auto word = static_cast<std::uint32_t>(Kokkos::bit_cast<std::uint64_t>(bits[l]));
        move[first + l] = kinds.index(kinds.first[m] + uniform_below(word, kinds.count[m]));
      }
    });
  }
};

/// The diagonal parts of all groups together, of n walkers, whose sums do not wait for each other.
template <typename Moves>
KOKKOS_FUNCTION void diagonal_energies(const Terms& terms, const WalkerGroup<Moves>& group, int n, Complex* energy) {
  LaneSums<double, Moves::group> diagonal;
  group.team.combine(diagonal, [&](int lane, LaneSums<double, Moves::group>& part) {
    part = LaneSums<double, Moves::group>::identity();
    for (int b = lane; b < static_cast<int>(terms.pair_weight.extent(0)); b += LaneTeam::size) {
      const int i = terms.pairs(b, 0);
      const int j = terms.pairs(b, 1);
      const double weight = terms.pair_weight(b);
      for (int g = 0; g < n; ++g) part.sum[g] += weight * (group.walkers.local_of(g)[i] * group.walkers.local_of(g)[j]);
    }
    for (int i = lane; i < static_cast<int>(terms.linear_weight.extent(0)); i += LaneTeam::size) {
      const double weight = terms.linear_weight(i);
      const int p = terms.linear(i, 0);
      for (int g = 0; g < n; ++g) part.sum[g] += weight * group.walkers.local_of(g)[p];
    }
    for (int k = lane; k < static_cast<int>(terms.product_weight.extent(0)); k += LaneTeam::size) {
      for (int g = 0; g < n; ++g) {
        part.sum[g] += terms.product_weight(k) * terms.product(terms.product_first(k, 0), terms.product_first(k + 1, 0),
                                                               group.walkers.local_of(g), 0);
      }
    }
  });
  for (int g = 0; g < n; ++g) energy[g] = terms.constant + diagonal.sum[g];
}

/// body(team, first, count): the walkers of each group.
template <typename Moves, int shared = 0, typename Body>
void for_groups(const char* label, const Kokkos::DefaultExecutionSpace& space, int n_walkers, const Body& body) {
  for_items<shared>(
      label, space, (n_walkers + Moves::group - 1) / Moves::group, KOKKOS_LAMBDA(const LaneTeam& team, int g) {
        body(team, g * Moves::group, Kokkos::min(int{Moves::group}, n_walkers - g * Moves::group));
      });
}

/// Metropolis chains, one per walker: n_proposals proposals each, accepted with min(1, |psi(x')/psi(x)|^2).
/// counts      [walker][accepted, proposed], added to; only moves that change something are counted
template <typename Moves>
void metropolis(const Kokkos::DefaultExecutionSpace& space, const Moves& moves, const ProposalKinds& kinds,
                const Batch& batch, const Kokkos::View<std::int64_t* [2]>& counts, const ChainRandom& random,
                int n_proposals) {
  const States states = batch.states;
  const RealRows tables = batch.table;
  for_groups<Moves, Moves::group * sizeof(ProposalDraws)>(
      "koushi::manybody::metropolis", space, static_cast<int>(states.local.extent(0)),
      KOKKOS_LAMBDA(const LaneTeam& team, int first, int n) {
        WalkerGroup<Moves> group(team, moves, states, tables, first);
        using Draws = ProposalDraws[Moves::group];
        LaneTeam::Shared<Draws> shared(team);
        Draws& draws = *shared;
        int accepted[Moves::group] = {};
        int proposed[Moves::group] = {};
        for (int p = 0; p < n_proposals; ++p) {
          const int lane = p % ProposalDraws::width;
          for (int g = 0; g < n; ++g) {
            if (lane == 0) draws[g].fill(team, random, first + g, p, kinds);
            const int k = draws[g].move[lane];
            const MoveSites& sites = moves.at(k);
            const std::int8_t* x = group.walkers.local_of(g);
            group.add(g, k, sites.direction(x, draws[g].sigma(lane)));
          }
          group.template evaluate<false>([&](int g, const Complex& ratio, int a) {
            ++proposed[g];
            if (draws[g].threshold[lane] < ratio.real() * ratio.real() + ratio.imag() * ratio.imag()) {
              group.accept(a, moves.at(group.move[a]));
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

/// E_loc(x) = sum_x' <x|H|x'> psi(x') / psi(x) for every walker.
template <typename Moves>
void local_energies(const Kokkos::DefaultExecutionSpace& space, const Moves& moves, const Terms& terms,
                    const Batch& batch, const Kokkos::View<Complex*>& energies) {
  const States states = batch.states;
  const RealRows tables = batch.table;
  for_groups<Moves>(
      "koushi::manybody::local_energies", space, static_cast<int>(energies.extent(0)),
      KOKKOS_LAMBDA(const LaneTeam& team, int first, int n) {
        WalkerGroup<Moves> group(team, moves, states, tables, first);
        // Tables of samples lie in main memory, and kernels of one walker at a time read theirs in no order.
        if constexpr (kernels_on_host && Moves::group == 1) {
          const double* table = group.walkers.table_of(0);
          for (int c = 0; c < group.walkers.columns; c += 8) __builtin_prefetch(table + c, 0, 2);
        }
        Complex energy[Moves::group];
        diagonal_energies(terms, group, n, energy);
        const bool plain = terms.real_elements && terms.move_first.extent(0) == 0;
        for (int k = 0; k < static_cast<int>(terms.element.extent(0)); ++k) {
          const int move = terms.move(k, 0);
          const double element = terms.element(k).real();
          group.directions(n, move, moves.at(move), [&](int g, int sigma, const Complex& ratio) {
            if (plain) {
              energy[g] += element * ratio;
            } else {
              energy[g] += terms.element_at(k, group.walkers.local_of(g), sigma) * ratio;
            }
          });
        }
        team.once([&] {
          for (int g = 0; g < n; ++g) energies(first + g) = energy[g];
        });
      });
}

/// What n walkers of a group do next, which all lanes see.
template <int n>
struct NextHops {
  int number[n];
  double left[n];  ///< of the time
};

/// The walks of all walkers (FixedNodeWalk); terms: of one group, with real elements.
template <typename Moves>
void fixed_node_walk(const Kokkos::DefaultExecutionSpace& space, const Moves& moves, const Terms& terms,
                     const Batch& batch, const FixedNodeWalk& walk) {
  const States states = batch.states;
  const RealRows tables = batch.table;
  using Next = NextHops<Moves::group>;
  for_groups<Moves, sizeof(Next)>(
      "koushi::manybody::fixed_node_walk", space, static_cast<int>(states.local.extent(0)),
      KOKKOS_LAMBDA(const LaneTeam& team, int first, int n) {
        WalkerGroup<Moves> group(team, moves, states, tables, first);
        LaneTeam::Shared<Next> shared(team);
        Next& next = *shared;
        team.once([&] {
          for (int g = 0; g < n; ++g) next.left[g] = walk.time;
        });
        bool walks = true;
        for (std::uint32_t hop = 0; walks; ++hop) {
          Complex diagonal[Moves::group];
          diagonal_energies(terms, group, n, diagonal);
          team.once([&] {
            for (int g = 0; g < n; ++g) {
              for (int m = 0; m < static_cast<int>(walk.rates.extent(1)); ++m) walk.rates(first + g, m) = 0;
            }
          });
          for (int k = 0; k < static_cast<int>(terms.element.extent(0)); ++k) {
            const int move = terms.move(k, 0);
            const MoveSites sites = moves.at(move);
            for (const int direction : {1, -1}) {
              for (int g = 0; g < n; ++g)
                group.add(g, move, next.left[g] > 0 ? sites.direction(group.walkers.local_of(g), direction) : 0);
              group.template evaluate<true>([&](int g, const Complex& ratio, int a) {
                const Complex h = terms.element_at(k, group.walkers.local_of(g), group.sigma[a]) * ratio;
                team.once([&] { walk.rates(first + g, 2 * move + (group.sigma[a] > 0 ? 0 : 1)) += h.real(); });
              });
              if (sites.either == 0) break;
            }
          }
          team.once([&] {
            for (int g = 0; g < n; ++g)
              next.number[g] = next.left[g] > 0 ? walk.next(first + g, diagonal[g].real(), hop, next.left[g]) : -1;
          });
          walks = false;
          for (int g = 0; g < n; ++g) {
            const int m = next.number[g];
            if (m < 0) continue;
            walks = true;
            group.add(g, m / 2, m % 2 == 0 ? 1 : -1);
          }
          group.template evaluate<false>([&](int, const Complex&, int a) { group.accept(a, moves.at(group.move[a])); });
        }
      });
}

/// The diagonal parts of every group of terms, without the constant: values(w, .).
KOKKOS_INLINE_FUNCTION void diagonal_values(const Terms& terms, const std::int8_t* x, int w,
                                            const Kokkos::View<Complex**, Kokkos::LayoutRight>& values) {
  for (int c = 0; c < terms.n_groups; ++c) values(w, c) = 0.0;
  for (int b = 0; b < static_cast<int>(terms.pair_weight.extent(0)); ++b)
    values(w, terms.pairs(b, 2)) += terms.pair_weight(b) * (x[terms.pairs(b, 0)] * x[terms.pairs(b, 1)]);
  for (int i = 0; i < static_cast<int>(terms.linear_weight.extent(0)); ++i)
    values(w, terms.linear(i, 1)) += terms.linear_weight(i) * x[terms.linear(i, 0)];
  for (int k = 0; k < static_cast<int>(terms.product_weight.extent(0)); ++k)
    values(w, terms.product_first(k, 1)) +=
        terms.product_weight(k) * terms.product(terms.product_first(k, 0), terms.product_first(k + 1, 0), x, 0);
}

/// O_loc(x) = sum_x' <x|O|x'> psi(x') / psi(x) of every group of terms, without the constant: values [walker][group].
template <typename Moves>
void local_values(const Kokkos::DefaultExecutionSpace& space, const Moves& moves, const Terms& terms,
                  const Batch& batch, const Kokkos::View<Complex**, Kokkos::LayoutRight>& values) {
  const States states = batch.states;
  const RealRows tables = batch.table;
  for_groups<Moves>(
      "koushi::manybody::local_values", space, static_cast<int>(values.extent(0)),
      KOKKOS_LAMBDA(const LaneTeam& team, int first, int n) {
        WalkerGroup<Moves> group(team, moves, states, tables, first);
        team.once([&] {
          for (int g = 0; g < n; ++g) diagonal_values(terms, group.walkers.local_of(g), first + g, values);
        });
        for (int k = 0; k < static_cast<int>(terms.element.extent(0)); ++k) {
          const int move = terms.move(k, 0);
          const int to = terms.move(k, 1);
          group.directions(n, move, moves.at(move), [&](int g, int sigma, const Complex& ratio) {
            const Complex value = terms.element_at(k, group.walkers.local_of(g), sigma) * ratio;
            team.once([&] { values(first + g, to) += value; });
          });
        }
      });
}

/// psi(x') / psi(x) of every move [walker][move][direction +, -]; 0 where a move does not act.
template <typename Moves>
void move_ratios(const Kokkos::DefaultExecutionSpace& space, const Moves& moves, const Batch& batch,
                 const Kokkos::View<Complex** [2]>& ratios) {
  const States states = batch.states;
  const RealRows tables = batch.table;
  for_groups<Moves>(
      "koushi::manybody::move_ratios", space, static_cast<int>(states.local.extent(0)),
      KOKKOS_LAMBDA(const LaneTeam& team, int first, int n) {
        WalkerGroup<Moves> group(team, moves, states, tables, first);
        for (int k = 0; k < static_cast<int>(ratios.extent(1)); ++k) {
          Complex values[Moves::group][2] = {};
          group.directions(n, k, moves.at(k),
                           [&](int g, int sigma, const Complex& ratio) { values[g][sigma > 0 ? 0 : 1] = ratio; });
          team.once([&] {
            for (int g = 0; g < n; ++g) {
              ratios(first + g, k, 0) = values[g][0];
              ratios(first + g, k, 1) = values[g][1];
            }
          });
        }
      });
}

}  // namespace koushi
