#include "koushi/study/model.hpp"

#include <fmt/format.h>

#include <Eigen/LU>
#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/base/memory.hpp"
#include "koushi/base/text.hpp"

namespace koushi {

namespace {

/// Says no before an allocation does.
void refuse_beyond_memory(const Deck& deck, const std::string& key, const std::string& what, double bytes) {
  if (fits_into_memory(bytes)) return;
  deck.refuse(key, fmt::format("{} would take {} on this rank", what, format_bytes(bytes)),
              fmt::format("less than 80 % of the {} of this machine, or more ranks", format_bytes(physical_memory())));
}

Eigen::MatrixXd columns(const Deck& deck, const std::string& key, std::size_t dimension) {
  const auto rows = deck.rows(key);
  Eigen::MatrixXd matrix(static_cast<Eigen::Index>(dimension), static_cast<Eigen::Index>(rows.size()));
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (rows[k].size() != dimension) {
      deck.refuse(key, fmt::format("a row of {} numbers was given", rows[k].size()),
                  fmt::format("rows of {} numbers", dimension));
    }
    for (std::size_t l = 0; l < dimension; ++l)
      matrix(static_cast<Eigen::Index>(l), static_cast<Eigen::Index>(k)) = rows[k][l];
  }
  return matrix;
}

Eigen::MatrixXi integer_columns(const Deck& deck, const std::string& key, std::size_t dimension) {
  const Eigen::MatrixXd matrix = columns(deck, key, dimension);
  for (const double x : matrix.reshaped()) {
    if (x != std::round(x) || std::abs(x) > 1e6)
      deck.refuse(key, fmt::format("{} is not a small integer", x), "integers");
  }
  return matrix.cast<int>();
}

/// A lattice written out: rows of `vectors` and `offsets` (Cartesian), rows of `bonds`: from, to, cell displacement,
/// shell.
UnitCell custom_cell(const Deck& deck) {
  const std::size_t d = deck.rows("lattice.vectors").size();
  UnitCell cell{columns(deck, "lattice.vectors", d), {}};
  if (std::abs(cell.vectors.determinant()) < 1e-12)
    deck.refuse("lattice.vectors", "the basis vectors are linearly dependent", "independent vectors");
  const Eigen::MatrixXd offsets = columns(deck, "lattice.offsets", d);
  for (const auto& offset : offsets.colwise()) cell.offsets.emplace_back(offset);
  return cell;
}

std::vector<BondClass> custom_bonds(const Deck& deck, const UnitCell& cell) {
  const int d = cell.dimension();
  const Eigen::MatrixXi rows = integer_columns(deck, "lattice.bonds", static_cast<std::size_t>(d + 3));
  std::vector<BondClass> bonds;
  std::vector<int> directions(4, 0);
  for (const auto& row : rows.colwise()) {
    const int sites = static_cast<int>(cell.offsets.size());
    const int shell = row(d + 2);
    if (std::min(row(0), row(1)) < 0 || std::max(row(0), row(1)) >= sites) {
      deck.refuse("lattice.bonds", fmt::format("a bond joins sites {} and {} of the cell", row(0), row(1)),
                  fmt::format("sites 0 to {}", sites - 1));
    }
    if (shell < 1 || shell > 3)
      deck.refuse("lattice.bonds", fmt::format("shell {}", shell), "a shell from 1 to 3, the last number of a bond");
    bonds.push_back({row(0), row(1), row.segment(2, d), shell, directions[static_cast<std::size_t>(shell)]++});
  }
  return bonds;
}

}  // namespace

Lattice make_lattice(const Deck& deck) {
  const bool custom = deck.text("lattice.kind") == "custom";
  const UnitCell cell = custom ? custom_cell(deck) : unit_cell(deck.text("lattice.kind"));
  const int d = cell.dimension();
  const bool tilted = deck.has("lattice.supercell");
  if (tilted == deck.has("lattice.extents"))
    deck.refuse("lattice.kind",
                tilted ? "both extents and supercell are given" : "neither extents nor supercell is given",
                "one of extents and supercell");
  const std::string shape_key = tilted ? "lattice.supercell" : "lattice.extents";
  Eigen::MatrixXi supercell = Eigen::MatrixXi::Zero(d, d);
  if (tilted) {
    supercell = integer_columns(deck, shape_key, static_cast<std::size_t>(d));
    if (supercell.cols() != d)
      deck.refuse(shape_key, fmt::format("{} vectors were given", supercell.cols()),
                  fmt::format("{} vectors for this lattice", d));
  } else {
    const std::vector<int> extents = deck.integers(shape_key);
    if (static_cast<int>(extents.size()) != d) {
      deck.refuse(shape_key, fmt::format("{} numbers were given", extents.size()),
                  fmt::format("{} numbers for this lattice", d));
    }
    for (int k = 0; k < d; ++k) supercell(k, k) = extents[static_cast<std::size_t>(k)];
  }
  constexpr double most_sites = 4096;  // the search for translations takes time of order n_sites^2
  const double n_sites = std::abs(supercell.cast<double>().determinant()) * static_cast<double>(cell.offsets.size());
  if (n_sites > most_sites)
    deck.refuse(shape_key, fmt::format("{:.0f} sites", n_sites), fmt::format("at most {:.0f} sites", most_sites));
  std::vector<Boundary> boundary(static_cast<std::size_t>(d), Boundary::periodic);
  const std::vector<std::string> names = deck.texts("lattice.boundary");
  if (names.size() > 1 && names.size() != boundary.size()) {
    deck.refuse("lattice.boundary", fmt::format("{} boundaries were given", names.size()),
                d == 1 ? std::string("1") : fmt::format("1 or {}", d));
  }
  for (std::size_t k = 0; k < boundary.size() && !names.empty(); ++k) {
    const std::string& name = names[names.size() == 1 ? 0 : k];
    boundary[k] = name == "open"           ? Boundary::open
                  : name == "antiperiodic" ? Boundary::antiperiodic
                                           : Boundary::periodic;
  }
  std::vector<double> twist;
  if (deck.has("lattice.twist")) {
    twist = deck.reals("lattice.twist");
    if (twist.size() != boundary.size()) {
      deck.refuse("lattice.twist", fmt::format("{} phases were given", twist.size()),
                  fmt::format("{}, one per direction", d));
    }
  }
  try {
    if (custom) return {cell, supercell, boundary, custom_bonds(deck, cell), twist};
    return Lattice::with_shells(cell, supercell, boundary, twist);
  } catch (const UsageError& error) {
    deck.refuse(shape_key, error.what(), "cells with a volume, on which every bond joins two sites");
  }
}

namespace {

double weight_of(const Deck& deck, const std::string& move) {
  const std::string key = "sampler.moves." + move;
  return deck.has(key) ? deck.real(key) : 0.0;
}

bool is_enumerated(const Deck& deck) { return deck.text("sampler.kind") == "enumeration"; }

/// Fixes the charges that H and the proposed moves conserve at the values of [sampler], or at their defaults.
void fix_sector(const Deck& deck, Operator& h) {
  const Space space = h.space();
  const int n = space.n_sites();
  const bool spins_alone = space.n_flavours() == 1 && space.local(0).kind == LocalSpace::Kind::spin;
  const bool flips = !is_enumerated(deck) && weight_of(deck, "flip") > 0;
  const auto charge = [&](const std::string& name) -> const Charge* {
    for (const Charge& c : space.charges()) {
      if (c.name == name) return &c;
    }
    return nullptr;
  };
  const auto refuse_unknown = [&](const std::string& key, const std::string& name) {
    if (deck.given("sampler." + key) && charge(name) == nullptr)
      deck.refuse("sampler." + key, "the states of this Hamiltonian have no such number", "no " + key);
  };
  refuse_unknown("magnetization", "magnetization");
  refuse_unknown("electrons", "up");
  refuse_unknown("particles", "particles");
  const auto fix = [&](const std::string& key, const std::string& name, int value) {
    try {
      h.fix(name, value);
    } catch (const UsageError& error) {
      deck.refuse("sampler." + key, error.what(), "a number that some state has");
    }
  };
  if (charge("up") != nullptr) {
    std::vector<int> electrons{(n + 1) / 2, n / 2};
    if (deck.has("sampler.electrons")) electrons = deck.integers("sampler.electrons");
    if (electrons.size() != 2)
      deck.refuse("sampler.electrons", fmt::format("{} numbers were given", electrons.size()), "two, [up, down]");
    fix("electrons", "up", electrons[0]);
    fix("electrons", "down", electrons[1]);
  }
  if (charge("particles") != nullptr) {
    const bool half = space.n_flavours() == 1 && space.local(0).kind == LocalSpace::Kind::fermion;
    fix("particles", "particles",
        deck.has("sampler.particles") ? static_cast<int>(deck.integer("sampler.particles"))
        : half                        ? n / 2
                                      : n);
  }
  if (const Charge* magnetization = charge("magnetization"); magnetization != nullptr) {
    if (flips || !h.conserves(*magnetization)) {
      if (deck.given("sampler.magnetization")) {
        deck.refuse("sampler.magnetization", flips ? "flips do not keep it" : "this Hamiltonian does not conserve it",
                    flips ? "no magnetization, or exchanges alone" : "no magnetization");
      }
      return;
    }
    int m = static_cast<int>(deck.integer("sampler.magnetization"));
    if (spins_alone) {
      const int twice = space.local(0).max;
      if (std::abs(m) > n * twice || (n * twice + m) % 2 != 0) {
        deck.refuse("sampler.magnetization",
                    fmt::format("{} cannot be the sum of {} spins {}", m, n,
                                twice == 1 ? "+-1" : fmt::format("2 S^z = -{0} ... {0}", twice)),
                    twice == 1 ? "an integer of the parity of the number of sites"
                               : fmt::format("an integer of the parity of {}, at most {}", n * twice, n * twice));
      }
    } else if (!deck.given("sampler.magnetization")) {
      const auto fermions = static_cast<int>(h.space().n_particles());
      m = (fermions + n * space.flavours().back().max) % 2;
    }
    fix("magnetization", "magnetization", m);
  }
}

}  // namespace

Operator make_hamiltonian(const Deck& deck, const Lattice& lattice) {
  Operator h = make_hamiltonian(DeckSection(deck, "hamiltonian"), lattice);
  fix_sector(deck, h);
  return h;
}

std::vector<Permutation> symmetry_group(const DeckSection& factor, const Lattice& lattice, const Operator& hamiltonian,
                                        const std::string& key) {
  if (!factor.has(key)) return {};
  const std::string name = factor.text(key);
  for (const auto& [word, symmetry] : symmetry_words) {
    if (word == name) return symmetry_group(symmetry, lattice, hamiltonian);
  }
  return {};
}

std::unique_ptr<Wavefunction> make_wavefunction(const Deck& deck, const Lattice& lattice, const Operator& hamiltonian) {
  return make_wavefunction(DeckSection(deck, "").sections("wavefunction.factor"), lattice, hamiltonian,
                           static_cast<std::uint64_t>(deck.integer("seed")));
}

namespace {

/// The moves that a deck proposes, by kinds.
MoveTable proposals(const Deck& deck, const Lattice& lattice, const Operator& h) {
  const Space& space = h.space();
  const int n = lattice.n_sites();
  const std::vector<std::string> kinds{"exchange", "flip", "hop", "hamiltonian"};
  const bool given = std::any_of(kinds.begin(), kinds.end(),
                                 [&](const std::string& kind) { return deck.has("sampler.moves." + kind); });
  double total = 0;
  for (const std::string& kind : kinds) total += weight_of(deck, kind);
  if (given && total <= 0)
    deck.refuse("sampler.moves", "no move has a positive weight", "moves = { exchange = 1.0 } or { flip = 1.0 }");
  if (weight_of(deck, "exchange") == 0 && weight_of(deck, "hop") == 0 && deck.given("sampler.range"))
    deck.refuse("sampler.range", "it is that of exchanges and hops, and none are made",
                "no range, or moves.exchange > 0");
  MoveTable table(h.move_list());
  std::vector<Bond> bonds;
  const auto range = static_cast<int>(deck.integer("sampler.range"));
  for (int shell = 1; shell <= range && (weight_of(deck, "exchange") > 0 || weight_of(deck, "hop") > 0); ++shell) {
    try {
      const std::vector<Bond> here = lattice.bonds(shell);
      bonds.insert(bonds.end(), here.begin(), here.end());
    } catch (const UsageError& error) {
      deck.refuse("sampler.range", error.what(), "a smaller range, or a larger lattice");
    }
  }
  const bool electrons = space.n_flavours() > 1;
  const auto add = [&](const std::string& kind, const std::vector<Move>& moves, const std::string& without,
                       const std::string& expected) {
    const double weight = weight_of(deck, kind);
    if (weight <= 0) return;
    if (moves.empty()) deck.refuse("sampler.moves." + kind, without, expected);
    table.propose(weight, moves);
  };
  std::vector<Move> exchanges;
  std::vector<Move> hops;
  std::vector<Move> flips;
  for (const Bond& bond : bonds) {
    for (int f = 0; f < space.n_flavours(); ++f) {
      const int i = space.place(f, bond.i);
      const int j = space.place(f, bond.j);
      if (space.local(i).kind == LocalSpace::Kind::spin) exchanges.push_back(Move::transfer(i, j, 2));
      if (space.local(i).kind == LocalSpace::Kind::fermion) hops.push_back(Move::hop(i, j));
      if (space.local(i).kind == LocalSpace::Kind::boson) hops.push_back(Move::transfer(i, j, 1));
    }
    if (electrons)
      exchanges.push_back(Move::two_hops(space.place(0, bond.i), space.place(0, bond.j), space.place(1, bond.j),
                                         space.place(1, bond.i)));
  }
  for (int i = 0; i < n; ++i) {
    if (!electrons && space.local(i).kind == LocalSpace::Kind::spin) flips.push_back(Move::step(i, -2));
  }
  add("exchange", exchanges,
      bonds.empty() ? "the lattice has no bond to exchange over" : "there are no spins to exchange",
      bonds.empty() ? "a lattice with bonds" : "hop");
  add("hop", hops, bonds.empty() ? "the lattice has no bond to hop over" : "there are no particles that hop",
      bonds.empty() ? "a lattice with bonds" : "exchange or flip");
  add("flip", flips, "there are no spins to flip", "hop");
  if (!given || weight_of(deck, "hamiltonian") > 0) {
    const std::vector<Move> moves = h.move_list();
    if (moves.empty())
      deck.refuse("sampler.moves", "this Hamiltonian has no off-diagonal terms to propose",
                  "moves = { exchange = 1.0 } or { flip = 1.0 }");
    table.propose(given ? weight_of(deck, "hamiltonian") : 1.0, moves);
  }
  table.finish();
  std::vector<Move> proposed;
  const auto index = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, table.kinds.index);
  for (std::size_t k = 0; k < index.extent(0); ++k)
    proposed.push_back(table.list.moves[static_cast<std::size_t>(index(k))]);
  if (const std::string missed = missed_by_proposals(space, proposed, h.move_list()); !missed.empty()) {
    const bool flips_in_h = !electrons && std::any_of(h.moves().begin(), h.moves().end(),
                                                      [](const MoveTerm& term) { return term.move.n == 1; });
    if (flips_in_h && weight_of(deck, "flip") == 0) {
      deck.refuse("sampler.moves", "exchanges alone keep the magnetisation, which this Hamiltonian does not",
                  "flip > 0");
    }
    deck.refuse("sampler.moves", missed, "a larger range, more kinds of moves, or moves = { hamiltonian = 1.0 }");
  }
  return table;
}

}  // namespace

std::unique_ptr<Sampler> make_sampler(const Communicator& comm, const Deck& deck, const Lattice& lattice,
                                      const Operator& hamiltonian, const Wavefunction& psi) {
  if (is_enumerated(deck)) {
    const double states = sector_dimension(psi.space());
    const int n = lattice.n_sites();
    const bool spins = psi.space().n_places() == n && psi.space().local(0).states() == 2;
    if (spins && n > 24)
      deck.refuse("sampler.kind", fmt::format("{} sites are too many to enumerate", n),
                  "at most 24 sites, or kind = \"metropolis\"");
    if (states > FullEnumeration::most_states)
      deck.refuse("sampler.kind", fmt::format("{:.4g} states are too many to enumerate", states),
                  fmt::format("at most {:.0f} states, or kind = \"metropolis\"", double{FullEnumeration::most_states}));
    const double row = 8.0 * static_cast<double>(psi.make_batch(1).table.extent(1));
    refuse_beyond_memory(deck, "sampler.kind", "the states with their tables",
                         states / comm.size() * (row + psi.space().n_places() + psi.bytes_per_row()));
    return std::make_unique<FullEnumeration>(comm, psi, MoveTable(hamiltonian.move_list()));
  }
  const std::int64_t chains = deck.integer("sampler.chains");
  const std::int64_t samples = deck.integer("sampler.samples");
  if (samples % chains != 0)
    deck.refuse("sampler.samples", fmt::format("{} is not a multiple of {} chains", samples, chains),
                "a multiple of chains");
  const MoveTable table = proposals(deck, lattice, hamiltonian);
  const double row = 8.0 * static_cast<double>(psi.make_batch(1).table.extent(1));
  const double shared = static_cast<double>(samples) / comm.size();
  refuse_beyond_memory(deck, "sampler.samples", "the samples with their tables",
                       shared * (row + lattice.n_sites() + psi.bytes_per_row()) +
                           static_cast<double>(table.list.moves.size()) * row * 2);
  try {
    return std::make_unique<MarkovChains>(
        comm, psi, table,
        ChainOptions{chains, samples, deck.real("sampler.sweeps"), static_cast<std::uint64_t>(deck.integer("seed"))});
  } catch (const UsageError& error) {
    deck.refuse("sampler.chains", error.what(), "more chains or fewer ranks");
  }
}

SrSchedule sr_schedule(const Deck& deck, std::int64_t step, std::int64_t n_steps) {
  const auto value = [&](const std::string& key) {
    const double start = deck.real(key);
    if (!deck.has(key + "_end") || n_steps < 2) return start;
    const double end = deck.real(key + "_end");
    if (start <= 0) deck.refuse(key + "_end", "a geometric schedule cannot start at 0", "no end, or a positive start");
    return start * std::pow(end / start, static_cast<double>(step) / static_cast<double>(n_steps - 1));
  };
  const std::string route = deck.text("solver.route");
  return {.step = value("solver.step"),
          .options = {.route = route == "dense"          ? SrRoute::dense
                               : route == "sample-space" ? SrRoute::sample_space
                               : route == "matrix-free"  ? SrRoute::matrix_free
                                                         : SrRoute::automatic,
                      .shift_absolute = value("solver.shift.absolute"),
                      .shift_relative = value("solver.shift.relative"),
                      .momentum = deck.real("solver.momentum"),
                      .tolerance = deck.real("solver.tolerance"),
                      .petsc_options = deck.text("solver.petsc_options")}};
}

}  // namespace koushi
