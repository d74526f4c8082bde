#include "koushi/study/spin_model.hpp"

#include <fmt/format.h>

#include <Eigen/LU>
#include <algorithm>
#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/base/memory.hpp"
#include "koushi/base/text.hpp"
#include "koushi/manybody/rbm.hpp"
#include "koushi/study/hamiltonians.hpp"

namespace koushi {

namespace {

const std::string factor = "wavefunction.factor.0.";

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
  const int range = deck.text("sampler.kind") == "metropolis" ? static_cast<int>(deck.integer("sampler.range")) : 1;
  const int shells = std::max(hamiltonian_kind(deck).shells(deck), range);
  try {
    return {cell, supercell, boundary, custom ? custom_bonds(deck, cell) : shell_bonds(cell, shells)};
  } catch (const UsageError& error) {
    deck.refuse(shape_key, error.what(), "cells with a volume, on which every bond joins two sites");
  }
}

namespace {

/// Kernels look at the terms of H without another thought, so what is wrong with them is said here.
void check_terms(const Deck& deck, const SpinHamiltonian& h, int n_sites) {
  const auto refuse = [&](const std::string& fault, const std::string& expected) {
    deck.refuse("hamiltonian.kind", fmt::format("the terms of \"{}\": {}", deck.text("hamiltonian.kind"), fault),
                expected);
  };
  if (h.n_sites != n_sites)
    refuse(fmt::format("they are of {} sites", h.n_sites), fmt::format("n_sites = {}, as the lattice has", n_sites));
  const auto count = [&](const char* name, std::size_t size, std::size_t wanted, const char* each) {
    if (size != wanted)
      refuse(fmt::format("{} has {} numbers for {} {}", name, size, wanted, each),
             fmt::format("as many {} as {}", name, each));
  };
  count("zz", h.zz.size(), h.pairs.size(), "pairs");
  count("z", h.z.size(), static_cast<std::size_t>(n_sites), "sites");
  count("elements", h.elements.size(), h.moves.size(), "moves");
  const auto outside = [&](int site) { return site < 0 || site >= n_sites; };
  const auto sites = [&](const char* name, const std::vector<SpinMove>& list, bool of_one) {
    for (std::size_t k = 0; k < list.size(); ++k) {
      const auto& [i, j] = list[k];
      if (of_one && j < 0 && !outside(i)) continue;
      if (outside(i) || outside(j) || i == j)
        refuse(fmt::format("{}[{}] is of sites {} and {}", name, k, i, j),
               fmt::format("two sites of 0 ... {}{}", n_sites - 1, of_one ? ", or one and j = -1" : ""));
    }
  };
  sites("pairs", h.pairs, false);
  sites("moves", h.moves, true);
  const auto finite = [&](const char* name, const std::vector<double>& values) {
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (!std::isfinite(values[k])) refuse(fmt::format("{}[{}] is {}", name, k, values[k]), "finite numbers");
    }
  };
  finite("zz", h.zz);
  finite("z", h.z);
  finite("elements", h.elements);
}

}  // namespace

SpinHamiltonian make_hamiltonian(const Deck& deck, const Lattice& lattice) {
  const HamiltonianKind& kind = hamiltonian_kind(deck);
  SpinHamiltonian hamiltonian;
  try {
    hamiltonian = kind.make(deck, lattice);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    deck.refuse("hamiltonian.kind", fmt::format("\"{}\" could not be made: {}", kind.name, error.what()),
                "a lattice and parameters that it is made for");
  }
  check_terms(deck, hamiltonian, lattice.n_sites());
  return hamiltonian;
}

std::vector<Permutation> symmetry_group(const Deck& deck, const Lattice& lattice, const SpinHamiltonian& hamiltonian,
                                        const std::string& key) {
  const std::string name = deck.text(factor + key);
  if (name == "none") return {};
  const SymmetryTest is_symmetry(hamiltonian);
  return name == "translations" ? lattice.translations(is_symmetry) : lattice.space_group(is_symmetry);
}

std::unique_ptr<SpinWavefunction> make_wavefunction(const Deck& deck, const Lattice& lattice,
                                                    const SpinHamiltonian& hamiltonian) {
  RbmOptions options{.n_sites = lattice.n_sites(),
                     .complex_weights = deck.text(factor + "weights") == "complex",
                     .density = static_cast<int>(deck.integer(factor + "density")),
                     .visible_bias = deck.boolean(factor + "visible_bias"),
                     .symmetry = symmetry_group(deck, lattice, hamiltonian, "symmetry"),
                     .projection = symmetry_group(deck, lattice, hamiltonian, "projection"),
                     .width = deck.real(factor + "width"),
                     .seed = static_cast<std::uint64_t>(deck.integer("seed"))};
  const double group = static_cast<double>(std::max<std::size_t>(1, options.symmetry.size()));
  const double images = std::max(1.0, static_cast<double>(options.projection.size()) / group);
  const double sites = lattice.n_sites();
  const double hidden = std::ceil(options.density * sites / group) * group * (options.complex_weights ? 2 : 1);
  const double moves = 2.0 * static_cast<double>(hamiltonian.moves.size());
  refuse_beyond_memory(deck, factor + "density", "the weights, the table of moves and a few vectors of the solver",
                       hidden * 8 * (images * (sites + moves) + 6 * sites / group));
  return make_rbm(options);
}

std::unique_ptr<SpinSampler> make_sampler(const Communicator& comm, const Deck& deck, const Lattice& lattice,
                                          const SpinHamiltonian& hamiltonian, const SpinWavefunction& psi) {
  const int n = lattice.n_sites();
  MoveTable table{hamiltonian.moves, {}};
  const bool flips_in_h =
      std::any_of(hamiltonian.moves.begin(), hamiltonian.moves.end(), [](const SpinMove& move) { return move.j < 0; });
  const auto check_magnetization = [&] {
    const std::int64_t m = deck.integer("sampler.magnetization");
    if (std::abs(m) > n || (n + m) % 2 != 0) {
      deck.refuse("sampler.magnetization", fmt::format("{} cannot be the sum of {} spins +-1", m, n),
                  "an integer of the parity of the number of sites");
    }
    return static_cast<int>(m);
  };
  if (deck.text("sampler.kind") == "enumeration") {
    if (flips_in_h && deck.given("sampler.magnetization")) {
      deck.refuse("sampler.magnetization", "this Hamiltonian does not conserve it", "no magnetization");
    }
    if (n > 24)
      deck.refuse("sampler.kind", fmt::format("{} sites are too many to enumerate", n),
                  "at most 24 sites, or kind = \"metropolis\"");
    return std::make_unique<FullEnumeration>(comm, psi, table, !flips_in_h, flips_in_h ? 0 : check_magnetization());
  }
  const std::int64_t chains = deck.integer("sampler.chains");
  const std::int64_t samples = deck.integer("sampler.samples");
  if (samples % chains != 0)
    deck.refuse("sampler.samples", fmt::format("{} is not a multiple of {} chains", samples, chains),
                "a multiple of chains");
  const double exchange = deck.has("sampler.moves.exchange") ? deck.real("sampler.moves.exchange") : 0.0;
  const double flip = deck.has("sampler.moves.flip") ? deck.real("sampler.moves.flip") : 0.0;
  if (exchange + flip <= 0)
    deck.refuse("sampler.moves", "no move has a positive weight", "moves = { exchange = 1.0 } or { flip = 1.0 }");
  if (flip == 0 && flips_in_h)
    deck.refuse("sampler.moves", "exchanges alone keep the magnetisation, which this Hamiltonian does not", "flip > 0");
  if (flip > 0 && deck.given("sampler.magnetization"))
    deck.refuse("sampler.magnetization", "flips do not keep it", "no magnetization, or exchanges alone");
  if (exchange == 0 && deck.given("sampler.range"))
    deck.refuse("sampler.range", "it is that of exchanges, and none are made", "no range, or moves.exchange > 0");
  std::vector<SpinMove> pairs;
  for (const Bond& b : lattice.bonds()) {
    if (b.shell <= deck.integer("sampler.range")) pairs.push_back({b.i, b.j});
  }
  std::vector<SpinMove> sites;
  for (int i = 0; i < n; ++i) sites.push_back({i, -1});
  double sum = 0;
  const auto add = [&](double weight, const std::vector<SpinMove>& list) {
    if (weight <= 0) return;
    if (list.empty())
      deck.refuse("sampler.moves.exchange", "the lattice has no bond to exchange over", "a lattice with bonds");
    sum += weight / (exchange + flip);
    table.kinds.first[table.kinds.n_kinds] = static_cast<int>(table.moves.size());
    table.kinds.count[table.kinds.n_kinds] = static_cast<int>(list.size());
    table.kinds.cumulative[table.kinds.n_kinds++] = sum;
    table.moves.insert(table.moves.end(), list.begin(), list.end());
  };
  add(exchange, pairs);
  add(flip, sites);
  const double row = 8.0 * static_cast<double>(psi.make_batch(1).table.extent(1));
  const double shared = static_cast<double>(samples) / comm.size();
  refuse_beyond_memory(deck, "sampler.samples", "the samples with their tables",
                       shared * (row + n + psi.bytes_per_row()) + static_cast<double>(table.moves.size()) * row * 2);
  const int magnetization = flip == 0 ? check_magnetization() : n % 2;  // where flips are made it does not last
  try {
    return std::make_unique<MarkovChains>(comm, psi, table,
                                          ChainOptions{chains, samples, deck.real("sampler.sweeps"), magnetization,
                                                       static_cast<std::uint64_t>(deck.integer("seed"))});
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
