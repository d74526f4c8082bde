#include <fmt/format.h>

#include <algorithm>

#include "koushi/base/error.hpp"
#include "koushi/manybody/sampler_kinds.hpp"

namespace koushi {

namespace {

struct MetropolisOptions {
  std::optional<double> exchange;
  std::optional<double> flip;
  std::optional<double> hop;
  std::optional<double> pair_hop;
  std::optional<double> hamiltonian;
  int range = 1;
  std::int64_t chains = ChainOptions{}.chains;
  std::int64_t samples = ChainOptions{}.samples;
  double sweeps = ChainOptions{}.sweeps;

  bool has_weights() const { return exchange || flip || hop || pair_hop || hamiltonian; }

  static const Keys<MetropolisOptions>& keys() {
    static const auto all =
        Keys<MetropolisOptions>()
            .real("moves.exchange", &MetropolisOptions::exchange, {0},
                  "weight of exchanges of neighbouring spins, also of two electrons")
            .real("moves.flip", &MetropolisOptions::flip, {0}, "weight of single flips; not with a fixed magnetisation")
            .real("moves.hop", &MetropolisOptions::hop, {0}, "weight of hops of particles to neighbouring sites")
            .real("moves.pair_hop", &MetropolisOptions::pair_hop, {0},
                  "weight of hops of the two electrons of a site together")
            .real("moves.hamiltonian", &MetropolisOptions::hamiltonian, {0},
                  "weight of the off-diagonal terms of H as moves; these alone are proposed where no weight is given")
            .integer("range", &MetropolisOptions::range, {1, 3},
                     "distance shell up to which spins are exchanged and particles hop")
            .integer("chains", &MetropolisOptions::chains, {2, 1e8}, "over all ranks")
            .integer("samples", &MetropolisOptions::samples, {2, 1e10},
                     "per step, over all chains; a multiple of chains")
            .real("sweeps", &MetropolisOptions::sweeps, {positive_number, 1e5},
                  "proposals between samples, per site; at least one is made");
    return all;
  }
};

/// Moves over bonds and sites, by what they do.
struct MoveLists {
  std::vector<Move> exchanges;
  std::vector<Move> flips;
  std::vector<Move> hops;
  std::vector<Move> pair_hops;
};

MoveLists moves_over(const Space& space, const std::vector<Bond>& bonds) {
  MoveLists lists;
  const bool alone = space.n_flavours() == 1;
  for (const Bond& bond : bonds) {
    for (int f = 0; f < space.n_flavours(); ++f) {
      const int i = space.place(f, bond.i);
      const int j = space.place(f, bond.j);
      if (space.local(i).kind == LocalSpace::Kind::spin) lists.exchanges.push_back(Move::transfer(i, j, 2));
      if (space.local(i).kind == LocalSpace::Kind::fermion) lists.hops.push_back(Move::hop(i, j));
      if (space.local(i).kind == LocalSpace::Kind::boson) lists.hops.push_back(Move::transfer(i, j, 1));
    }
    if (alone) continue;
    const int up[2] = {space.place(0, bond.i), space.place(0, bond.j)};
    const int down[2] = {space.place(1, bond.i), space.place(1, bond.j)};
    lists.exchanges.push_back(Move::two_hops(up[0], up[1], down[1], down[0]));
    if (!space.exclusive()) lists.pair_hops.push_back(Move::two_hops(up[0], up[1], down[0], down[1]));
  }
  for (int i = 0; i < space.n_sites() && alone; ++i) {
    if (space.local(i).kind == LocalSpace::Kind::spin) lists.flips.push_back(Move::step(i, -2));
  }
  return lists;
}

/// The moves that are proposed, with their weights; those of H where no weight is given.
/// Errors  DeckError where a weight has no moves, or where the moves join fewer states than H
MoveTable proposals(const DeckSection& section, const MetropolisOptions& options, const SamplerContext& context) {
  const Operator& h = context.hamiltonian;
  const Space& space = h.space();
  const double exchange = options.exchange.value_or(0);
  const double flip = options.flip.value_or(0);
  const double hop = options.hop.value_or(0);
  const double pair_hop = options.pair_hop.value_or(0);
  const double hamiltonian = options.has_weights() ? options.hamiltonian.value_or(0) : 1.0;
  if (exchange + flip + hop + pair_hop + hamiltonian <= 0)
    section.refuse("moves", "no move has a positive weight", "moves = { exchange = 1.0 } or { flip = 1.0 }");
  const bool over_bonds = exchange > 0 || hop > 0 || pair_hop > 0;
  if (!over_bonds && section.given("range"))
    section.refuse("range", "it is that of exchanges and hops, and none are made", "no range, or moves.exchange > 0");
  std::vector<Bond> bonds;
  for (int shell = 1; shell <= options.range && over_bonds; ++shell) {
    try {
      const std::vector<Bond> here = context.lattice.bonds(shell);
      bonds.insert(bonds.end(), here.begin(), here.end());
    } catch (const UsageError& error) {
      section.refuse("range", error.what(), "a smaller range, or a larger lattice");
    }
  }
  MoveTable table(h.move_list());
  std::vector<Move> proposed;
  const auto add = [&](const std::string& kind, double weight, const std::vector<Move>& moves,
                       const std::string& without, const std::string& expected) {
    if (weight <= 0) return;
    if (moves.empty()) section.refuse("moves." + kind, without, expected);
    table.propose(weight, moves);
    proposed.insert(proposed.end(), moves.begin(), moves.end());
  };
  const MoveLists lists = moves_over(space, bonds);
  const auto over = [&](const std::string& kind, double weight, const std::vector<Move>& moves, const std::string& verb,
                        const std::string& without, const std::string& expected) {
    add(kind, weight, moves, bonds.empty() ? "the lattice has no bond to " + verb + " over" : without,
        bonds.empty() ? "a lattice with bonds" : expected);
  };
  over("exchange", exchange, lists.exchanges, "exchange", "there are no spins to exchange", "hop");
  over("hop", hop, lists.hops, "hop", "there are no particles that hop", "exchange or flip");
  over("pair_hop", pair_hop, lists.pair_hops, "hop", "no site holds two electrons", "hop or exchange");
  add("flip", flip, lists.flips, "there are no spins to flip", "hop");
  if (hamiltonian > 0) {
    if (h.moves().empty())
      section.refuse("moves", "this Hamiltonian has no off-diagonal terms to propose",
                     "moves = { exchange = 1.0 } or { flip = 1.0 }");
    add("hamiltonian", hamiltonian, h.move_list(), "", "");
  }
  table.finish();
  if (const std::string missed = missed_by_proposals(space, proposed, h.move_list()); !missed.empty()) {
    const bool flips_in_h =
        space.n_flavours() == 1 &&
        std::any_of(h.moves().begin(), h.moves().end(), [](const MoveTerm& term) { return term.move.n == 1; });
    if (flips_in_h && flip == 0)
      section.refuse("moves", "exchanges alone keep the magnetisation, which this Hamiltonian does not", "flip > 0");
    section.refuse("moves", missed, "a larger range, more kinds of moves, or moves = { hamiltonian = 1.0 }");
  }
  return table;
}

std::unique_ptr<Sampler> make(const DeckSection& section, const SamplerContext& context) {
  const MetropolisOptions options = MetropolisOptions::keys().read(section);
  ChainOptions chains{options.chains, options.samples, options.sweeps, context.seed};
  if (chains.samples % chains.chains != 0)
    section.refuse("samples", fmt::format("{} is not a multiple of {} chains", chains.samples, chains.chains),
                   "a multiple of chains");
  const MoveTable table = proposals(section, options, context);
  const Wavefunction& psi = context.psi;
  const bool keep = chains.keep_tables = keeps_tables(section, psi, static_cast<double>(chains.samples));
  const double shared = static_cast<double>(chains.samples) * (bytes_per_sample(psi, keep) + psi.bytes_per_row()) +
                        static_cast<double>(chains.chains) * bytes_per_sample(psi, true);
  const double alone = static_cast<double>(table.list.moves.size()) * psi.bytes_per_move();
  if (is_for_planned_ranks(section, "samples", keep ? "the samples with their tables" : "the samples", context, shared,
                           alone))
    return std::make_unique<PlannedSamples>(psi, chains.samples, chains.chains, MarkovChains::max_ranks(chains), keep);
  try {
    return std::make_unique<MarkovChains>(context.comm, psi, table, chains);
  } catch (const UsageError& error) {
    section.refuse("chains", error.what(), "more chains or fewer ranks");
  }
}

}  // namespace

SamplerKind metropolis_kind() {
  return {.name = "metropolis",
          .help = "moves of one or two spins or particles",
          .keys = with_common_keys(MetropolisOptions::keys().list()),
          .make = make,
          .in_template = true};
}

}  // namespace koushi
