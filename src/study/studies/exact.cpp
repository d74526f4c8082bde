#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "koushi/base/memory.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/keys.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/hamiltonian.hpp"
#include "koushi/manybody/sector_operator.hpp"
#include "koushi/manybody/spin_products.hpp"
#include "koushi/manybody/tabulated_state.hpp"
#include "koushi/solver/eigensolver.hpp"
#include "koushi/study/measurement.hpp"
#include "koushi/study/model.hpp"
#include "koushi/study/study.hpp"
#include "koushi/study/variational_results.hpp"

namespace koushi {

namespace {

enum class Inversion { both, even, odd, none };
using Storage = SectorOperator::Storage;

struct ExactOptions {
  int levels = 1;
  SiteSymmetry group = SiteSymmetry::space_group;
  std::optional<std::vector<int>> momentum;
  std::optional<std::string> representation;
  Inversion inversion = Inversion::both;
  double tolerance = 1e-9;
  bool searches_again = true;
  std::optional<bool> total_spin;
  Storage matrix = Storage::automatic;

  static const Keys<ExactOptions>& keys() {
    static const auto all =
        Keys<ExactOptions>()
            .integer("levels", &ExactOptions::levels, {1, 1000},
                     "how many of the lowest levels are given; partners that symmetry makes degenerate count once")
            .choice("symmetry.group", &ExactOptions::group, symmetry_words,
                    "the symmetries of H by which states are sorted: every irreducible representation is a sector of "
                    "its own")
            .integers("symmetry.momentum", &ExactOptions::momentum, {-1000000, 1000000},
                      "the levels of this momentum alone (and of those that rotations join with it), in units of the "
                      "reciprocal vectors of the supercell: K = pi on a ring of 10 sites is [5]")
            .example("[0, 0]")
            .text("symmetry.representation", &ExactOptions::representation,
                  "the levels of this representation of the little group alone, as \"A1\" or \"E\"")
            .choice(
                "symmetry.spin_inversion", &ExactOptions::inversion,
                {{"both", Inversion::both},
                 {"even", Inversion::even},
                 {"odd", Inversion::odd},
                 {"none", Inversion::none}},
                "the eigenvalue of e^(i pi S^y), +1 for even and -1 for odd total spin, where there are as many "
                "spins up as down; of prod sigma^x where no magnetization is conserved; none: states are not sorted "
                "by it")
            .real("tolerance", &ExactOptions::tolerance, {1e-13, 1e-3},
                  "of |H psi - E psi|, in units of the root mean square of the levels; the error of a level is its "
                  "square over the gap")
            .boolean("search_again", &ExactOptions::searches_again,
                     "search every sector once more for levels that the first search missed, as those that are "
                     "degenerate by a symmetry that is not asked for")
            .boolean("total_spin", &ExactOptions::total_spin,
                     "compute the total spin of every level; if not given, where this takes less than some minutes")
            .choice("matrix", &ExactOptions::matrix,
                    {{"automatic", Storage::automatic}, {"stored", Storage::stored}, {"none", Storage::none}},
                    "keep the elements of H, or make them again in every product; automatic: keep them where they fit "
                    "into 60 % of the memory of a machine that all ranks share");
    return all;
  }
};

constexpr const char* residual_help = "|H psi - E psi|; the error of the energy is about its square over the gap";

/// The lowest levels of a Hamiltonian in a sector of charges, exactly: by irreducible representations of its symmetries,
/// one after the other, and the estimators in the lowest state.
class ExactStudy {
 public:
  ExactStudy(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        options_(ExactOptions::keys().read(DeckSection(deck, "study"))),
        run_(comm, deck, options),
        lattice_(make_lattice(deck)),
        h_(make_hamiltonian(deck, lattice_)),
        measures_(deck.given("study.measure.observables")) {
    if (deck.has("hamiltonian.marshall") && deck.boolean("hamiltonian.marshall"))
      deck.refuse("hamiltonian.marshall",
                  "momentum, representation and total spin are those of states that are not rotated", "false");
    try {
      PackedSpace packed(h_.space());
    } catch (const UsageError& error) {
      deck.refuse("study.kind", error.what(), "fewer sites");
    }
    if (measures_ && sector_dimension(h_.space()) > FullEnumeration::max_states) {
      deck.refuse("study.measure.observables",
                  fmt::format("{:.4g} states are too many for anything but the energy", sector_dimension(h_.space())),
                  fmt::format("at most {:.0f} states, or no observables", double{FullEnumeration::max_states}));
    }
    if (measures_) make_estimators(deck, lattice_, h_);  // which refuses what cannot be measured, before the search
    find_sectors();
  }

  int run() {
    const StudyRun::Begin begin = run_.begin([this](const ResultReader& reader) { read(reader); });
    if (begin == StudyRun::Begin::done) return 0;
    Progress progress(comm_.is_root(), done_, static_cast<std::int64_t>(sectors_.size()), "sector");
    run_.start();
    const auto write_all = [this](ResultWriter& writer) { write(writer); };
    while (done_ < static_cast<std::int64_t>(sectors_.size())) {
      search(static_cast<std::size_t>(done_), progress);
      ++done_;
      progress.step(done_, levels_.empty() ? "no state" : fmt::format("lowest E {:.10g}", lowest()[0].energy));
      if (run_.checkpoint_if_due(false, write_all))
        return run_.stopped(progress, fmt::format("sector {} of {}", done_, sectors_.size()));
    }
    if (levels_.empty())
      throw NumericalError(
          "no state has these quantum numbers; remedy: another momentum, representation or spin inversion");
    warn_of_cut_multiplets(progress);
    if (measures_) measure(progress);
    return run_.finish(write_all, [this] { return table(); });
  }

  RunEstimate describe(int ranks) const {
    RunEstimate estimate;
    const double states = sector_dimension(h_.space());
    auto smallest = std::numeric_limits<std::int64_t>::max();  // group of a sector
    for (const SectorSymmetry& s : sectors_) {
      const auto order = static_cast<std::int64_t>(s.sites.translations.size() * s.sites.points.size());
      smallest = std::min(smallest, order * (s.inversion == 0 ? 1 : 2));
    }
    const double rows = states / static_cast<double>(smallest);
    const double elements = 1 + 0.5 * static_cast<double>(h_.moves().size());
    const double bytes = rows * (10.0 + 8.0 * 20) + rows * elements * 12 / std::max(1, ranks);
    estimate.text = fmt::format(
        "states       {:.10g}, {}\nsymmetry     {} translations, {} elements of the little group of the first "
        "momentum{}\n"
        "sectors      {}, the largest of about {:.4g} states\nmemory       about {} per rank with the elements of H, "
        "{} "
        "without\n",
        states, h_.space().description(), sectors_.front().sites.translations.size(),
        sectors_.front().sites.points.size(), sectors_.front().inversion != 0 ? ", spin inversion" : "",
        sectors_.size(), rows, format_bytes(bytes), format_bytes(rows * (10.0 + 8.0 * 20)));
    for (const std::string& remark : lattice_.remarks()) estimate.text += "note         " + remark + "\n";
    if (const std::string fault = run_.fault_of_output(); !fault.empty())
      estimate.text += "note         " + fault + "\n";
    return estimate;
  }

 private:
  struct Level {
    double energy = 0;
    double residual = 0;
    double spin_squared = NAN;
    std::size_t sector = 0;

    /// S of S (S + 1), NaN where it is not known or no total spin.
    double spin() const {
      const double s = 0.5 * (std::sqrt(1 + 4 * std::max(0.0, spin_squared)) - 1);
      const double nearest = std::round(2 * s) / 2;
      return std::abs(nearest * (nearest + 1) - spin_squared) < 1e-5 ? nearest : NAN;
    }
  };

  void find_sectors() {
    const bool geometry = lattice_.has_geometry();
    const std::vector<SpaceGroupElement> elements = symmetry_elements(options_.group, lattice_, h_);
    std::vector<SymmetrySector> all = symmetry_sectors(lattice_, elements);
    if (options_.momentum) choose_momentum(all, geometry, elements);
    if (options_.representation) {
      std::vector<std::string> names;
      for (const SymmetrySector& sector : all) {
        if (std::find(names.begin(), names.end(), sector.representation) == names.end())
          names.push_back(sector.representation);
      }
      if (std::find(names.begin(), names.end(), *options_.representation) == names.end())
        deck_.refuse(
            "study.symmetry.representation",
            fmt::format("\"{}\" is no representation of the little group of these momenta", *options_.representation),
            join(names, " or "));
      std::erase_if(all, [&](const SymmetrySector& s) { return s.representation != *options_.representation; });
    }
    const bool has_inversion = is_inversion_symmetric(h_);
    if (!has_inversion && (options_.inversion == Inversion::even || options_.inversion == Inversion::odd))
      deck_.refuse("study.symmetry.spin_inversion",
                   spin_inversion(h_.space()) ? "this Hamiltonian is not the same with all spins turned"
                                              : "the states of this sector have no spin inversion",
                   "\"both\" or \"none\"");
    for (const SymmetrySector& sector : all) {
      if (!has_inversion || options_.inversion == Inversion::none) {
        sectors_.push_back({sector, 0});
        continue;
      }
      if (options_.inversion != Inversion::odd) sectors_.push_back({sector, 1});
      if (options_.inversion != Inversion::even) sectors_.push_back({sector, -1});
    }
  }

  /// Keeps the sectors of the star of one momentum.
  void choose_momentum(std::vector<SymmetrySector>& all, bool geometry,
                       const std::vector<SpaceGroupElement>& elements) const {
    const std::vector<int>& n = *options_.momentum;
    if (all.front().translations.size() < 2)
      deck_.refuse("study.symmetry.momentum", "without translations there is no momentum",
                   options_.group == SiteSymmetry::none ? "group = \"translations\"" : "no momentum");
    const std::vector<Boundary>& boundary = lattice_.boundary();
    if (!geometry || n.size() != boundary.size())
      deck_.refuse("study.symmetry.momentum", fmt::format("{} numbers for {} directions", n.size(), boundary.size()),
                   geometry ? "one number per direction" : "no momentum: these sites have no positions");
    for (std::size_t k = 0; k < boundary.size(); ++k) {
      if (n[k] != 0 && boundary[k] == Boundary::open)
        deck_.refuse("study.symmetry.momentum", fmt::format("direction {} is open", k), "0 there");
    }
    const auto characters_of = [&](const Eigen::VectorXd& k) {
      std::vector<long> key;
      for (const Permutation& t : all.front().translations) {
        const double phase = -k.dot(lattice_.position(t[0]) - lattice_.position(0));
        key.push_back(std::lround(1e6 * std::cos(phase)));
        key.push_back(std::lround(1e6 * std::sin(phase)));
      }
      return key;
    };
    const Eigen::VectorXd k = lattice_.momentum(n);
    std::set<std::vector<long>> star;
    for (const SpaceGroupElement& g : elements) star.insert(characters_of(g.rotation * k));
    std::erase_if(
        all, [&](const SymmetrySector& s) { return star.count(characters_of(lattice_.momentum(s.momentum))) == 0; });
    if (all.empty()) throw InternalError("a momentum of a lattice has no sector");
  }

  bool has_complex_states(const SectorBasis& basis) const { return !h_.is_real() || !basis.is_real(); }
  double memory() const { return 0.8 * physical_memory() / comm_.size(); }

  /// Adds the levels of one sector.
  void search(std::size_t number, Progress& progress) {
    const SectorBasis basis(comm_, h_.space(), sectors_[number]);
    run_.phases().lap("basis", static_cast<double>(basis.size()), "states");
    largest_ = std::max(largest_, basis.size());
    if (basis.size() == 0) return;
    const std::vector<Eigenstate> states = states_of(basis, options_.levels);
    const std::vector<double> spins = spins_of(basis, states);
    for (std::size_t k = 0; k < states.size(); ++k)
      levels_.push_back({states[k].value, states[k].residual, spins[k], number});
    if (sectors_.size() == 1 && measures_) kept_ = states.front();
    for (const Eigenstate& state : states) {
      if (state.residual > 1e3 * options_.tolerance * (1 + std::abs(state.value)))
        run_.warn(progress, "residual",
                  fmt::format("a level converged to |H psi - E psi| = {:.1e} only; remedy: a smaller study.tolerance",
                              state.residual));
    }
  }

  std::vector<Eigenstate> states_of(const SectorBasis& basis, int levels) {
    const SectorOperator matrix(comm_, h_, basis, options_.matrix, memory());
    run_.phases().lap("matrix", static_cast<double>(matrix.stored_elements()), "elements");
    EigensolverOptions options;
    options.levels = levels;
    options.tolerance = options_.tolerance;
    options.searches_again = options_.searches_again;
    options.petsc_options = run_.options().petsc_options;
    std::vector<Eigenstate> states = lowest_eigenstates(comm_, matrix, options);
    run_.phases().lap("eigenvectors", static_cast<double>(states.size()), "levels");
    return states;
  }

  /// <S^2> of every state; degenerate ones, which the solver has mixed, are those of the eigenvalues of S^2 among them.
  std::vector<double> spins_of(const SectorBasis& basis, const std::vector<Eigenstate>& states) {
    std::vector<double> spins(states.size(), NAN);
    const Space& space = h_.space();
    if (!has_spins(space)) return spins;
    const double n = space.n_sites();
    const double cost = static_cast<double>(basis.size()) * 0.25 * n * n * static_cast<double>(basis.order());
    if (!options_.total_spin.value_or(cost < 1e11 * comm_.size())) return spins;
    const Operator square = total_spin_squared(space);
    const SectorOperator matrix(comm_, square, basis, Storage::automatic, memory());
    const bool is_complex = has_complex_states(basis);
    if (matrix.is_complex() != is_complex) return spins;
    const std::size_t local = states.front().vector.size();
    const std::int64_t numbers = is_complex ? 2 : 1;
    for (std::size_t first = 0; first < states.size();) {
      std::size_t last = first + 1;
      while (last < states.size() &&
             states[last].value - states[last - 1].value < 1e-7 * (1 + std::abs(states[first].value)))
        ++last;
      const auto size = static_cast<Eigen::Index>(last - first);
      Eigen::MatrixXcd among(size, size);
      std::vector<double> image(local);
      for (Eigen::Index a = 0; a < size; ++a) {
        matrix.apply(states[first + static_cast<std::size_t>(a)].vector, image);
        for (Eigen::Index b = 0; b < size; ++b) {
          const std::vector<double>& other = states[first + static_cast<std::size_t>(b)].vector;
          std::complex<double> sum = 0;
          for (std::size_t k = 0; k < local; k += static_cast<std::size_t>(numbers)) {
            if (is_complex) {
              sum += std::conj(std::complex<double>(other[k], other[k + 1])) *
                     std::complex<double>(image[k], image[k + 1]);
            } else {
              sum += other[k] * image[k];
            }
          }
          const std::vector<double> parts = comm_.all_gather(std::vector<double>{sum.real(), sum.imag()});
          among(b, a) = 0;
          for (std::size_t r = 0; r < parts.size(); r += 2) among(b, a) += std::complex<double>(parts[r], parts[r + 1]);
        }
      }
      const Eigen::VectorXd eigenvalues = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd>(among).eigenvalues();
      for (Eigen::Index a = 0; a < size; ++a) spins[first + static_cast<std::size_t>(a)] = eigenvalues(a);
      first = last;
    }
    run_.phases().lap("total spin");
    return spins;
  }

  /// States of several sectors may have one energy, of which only some are given.
  void warn_of_cut_multiplets(Progress& progress) {
    const std::vector<Level> given = lowest();
    const double last = given.back().energy;
    const auto same = [&](const Level& level) { return std::abs(level.energy - last) < 1e-8 * (1 + std::abs(last)); };
    const auto all = std::count_if(levels_.begin(), levels_.end(), same);
    const auto shown = std::count_if(given.begin(), given.end(), same);
    if (all > shown) {
      run_.warn(progress, "cut",
                fmt::format("{} further levels, at least, have the energy of the last one that is given; remedy: more "
                            "study.levels",
                            all - shown));
    }
  }

  /// The levels that are given: the lowest of all sectors.
  std::vector<Level> lowest() const {
    std::vector<Level> all = levels_;
    std::stable_sort(all.begin(), all.end(), [](const Level& a, const Level& b) { return a.energy < b.energy; });
    all.resize(std::min(all.size(), static_cast<std::size_t>(options_.levels)));
    return all;
  }

  /// The estimators in the state of the lowest level.
  void measure(Progress& progress) {
    const Level ground = lowest()[0];
    SectorBasis basis(comm_, h_.space(), sectors_[ground.sector]);
    if (!kept_) kept_ = states_of(basis, 1).front();
    const bool is_complex = has_complex_states(basis);
    const int degeneracy = sectors_[ground.sector].sites.degeneracy;
    const bool another = std::any_of(levels_.begin(), levels_.end(), [&](const Level& level) {
      return level.sector != ground.sector &&
             std::abs(level.energy - ground.energy) < 1e-7 * (1 + std::abs(ground.energy));
    });
    if (degeneracy > 1 || another) {
      run_.warn(
          progress, "degenerate",
          fmt::format("the lowest level is degenerate ({}): observables are those of one of its states, which need "
                      "not have the symmetry of H",
                      another ? "states of several sectors" : fmt::format("{} states", degeneracy)));
    }
    std::unique_ptr<Wavefunction> psi =
        make_tabulated_state(std::move(basis), comm_.all_gather(kept_->vector), is_complex);
    auto sampler = std::make_unique<FullEnumeration>(comm_, *psi, MoveTable(h_.move_list()));
    model_ = std::make_unique<VariationalModel>(comm_, deck_, run_.phases(), lattice_, h_, std::move(psi),
                                                std::move(sampler));
    measurement_ = std::make_unique<Measurement>(run_, *model_, 0);
    measurement_->run([](bool) { return false; });
  }

  void write(ResultWriter& writer) const {
    writer.write("summary/n_sites", std::vector<std::int64_t>{lattice_.n_sites()});
    writer.write("summary/steps", std::vector<std::int64_t>{done_});
    std::vector<double> energies;
    std::vector<double> residuals;
    std::vector<double> spins;
    std::vector<std::int64_t> numbers;
    for (const Level& level : levels_) {
      energies.push_back(level.energy);
      residuals.push_back(level.residual);
      spins.push_back(level.spin_squared);
      numbers.push_back(static_cast<std::int64_t>(level.sector));
    }
    writer.write("state/exact/energy", energies);
    writer.write("state/exact/residual", residuals);
    writer.write("state/exact/spin_squared", spins);
    writer.write("state/exact/sector", numbers);
    writer.write("state/exact/done", std::vector<std::int64_t>{done_, largest_});
    if (levels_.empty()) return;
    writer.write("summary/table", table());
    write_known_energy(writer, deck_);
    write_levels(writer);
    if (measurement_) {
      measurement_->write(writer);
      return;
    }
    const Level ground = lowest()[0];
    StoredObservable energy{"energy", ground.energy, ground.residual};
    energy.help = "lowest eigenvalue of H in the sectors that were searched";
    energy.error_help = residual_help;
    energy.tau_help = "1/2: nothing is sampled";
    energy.unit = std::string("J");
    write_energy(writer, energy, lattice_.n_sites());
  }

  void write_levels(ResultWriter& writer) const {
    std::vector<double> energies;
    std::vector<double> residuals;
    std::vector<double> spins;
    std::vector<std::int64_t> degeneracies;
    std::vector<std::int64_t> momenta;
    std::vector<std::int64_t> inversions;
    std::string representations;
    for (const Level& level : lowest()) {
      const SectorSymmetry& sector = sectors_[level.sector];
      energies.push_back(level.energy);
      residuals.push_back(level.residual);
      spins.push_back(level.spin());
      degeneracies.push_back(sector.sites.degeneracy);
      for (const int n : sector.sites.momentum) momenta.push_back(n);
      inversions.push_back(sector.inversion);
      representations += sector.sites.representation;
      representations += '\n';
    }
    write_reals(writer, "levels/energy", energies, "J", "the lowest levels of H in the sectors that were searched");
    write_reals(writer, "levels/residual", residuals, "J", residual_help);
    write_reals(writer, "levels/spin", spins, "", "total spin S, NaN where it is not known");
    writer.write("levels/degeneracy", degeneracies);
    writer.write("levels/momentum", momenta);
    writer.write("levels/spin_inversion", inversions);
    writer.write("levels/representation", representations);
  }

  void read(const ResultReader& reader) {
    const std::vector<std::int64_t> done = reader.read_integers("state/exact/done");
    done_ = done.at(0);
    largest_ = done.at(1);
    const std::vector<double> energies = reader.read_reals("state/exact/energy");
    const std::vector<double> residuals = reader.read_reals("state/exact/residual");
    const std::vector<double> spins = reader.read_reals("state/exact/spin_squared");
    const std::vector<std::int64_t> numbers = reader.read_integers("state/exact/sector");
    for (std::size_t k = 0; k < energies.size(); ++k)
      levels_.push_back({energies[k], residuals.at(k), spins.at(k), static_cast<std::size_t>(numbers.at(k))});
    if (comm_.is_root()) print_out(fmt::format("resumed {} at sector {} of {}\n", run_.file(), done_, sectors_.size()));
  }

  std::string table() const {
    std::string text = fmt::format(
        "{:.10g} states ({}), {} sectors of at most {} states\n{:>5}{:>20}{:>18}{:>6}{:>12}{:>8}{:>11}{:>6}{:>11}\n",
        sector_dimension(h_.space()), h_.space().description(), sectors_.size(), largest_, "level", "E (J)", "E/N (J)",
        "deg.", "momentum", "repr.", "inversion", "S", "residual");
    if (done_ < static_cast<std::int64_t>(sectors_.size()))
      text = fmt::format("warning: {} of {} sectors have been searched: lower levels may be in the others\n", done_,
                         sectors_.size()) +
             text;
    int number = 0;
    for (const Level& level : lowest()) {
      const SectorSymmetry& sector = sectors_[level.sector];
      std::vector<std::string> momentum;
      for (const int n : sector.sites.momentum) momentum.push_back(std::to_string(n));
      const char* inversion = sector.inversion == 0 ? "-" : sector.inversion > 0 ? "even" : "odd";
      const double spin = level.spin();
      text += fmt::format("{:>5}{:>20.12g}{:>18.10f}{:>6}{:>12}{:>8}{:>11}{:>6}{:>11.1e}\n", number++, level.energy,
                          level.energy / lattice_.n_sites(), sector.sites.degeneracy,
                          momentum.empty() ? std::string("-") : join(momentum, ","), sector.sites.representation,
                          inversion, std::isfinite(spin) ? fmt::format("{}", spin) : std::string("-"), level.residual);
    }
    if (has_reference(deck_, "energy_per_site")) {
      const double known = deck_.real("study.reference.energy_per_site");
      const double found = lowest()[0].energy / lattice_.n_sites();
      text += fmt::format(
          "known {} J per site, deviation {:.1e}{}\n", known, found - known,
          deck_.has("study.reference.source") ? fmt::format(" ({})", deck_.text("study.reference.source")) : "");
    } else if (deck_.has("study.reference.energy_per_site")) {
      text += outdated_reference_line(deck_);
    }
    if (measurement_) {
      for (const StoredObservable& o : measurement_->observables())
        text += fmt::format("{:<28}{:>22.12g} {}\n", o.name, o.value, o.unit);
    }
    return text + run_.warning_lines();
  }

  const Communicator& comm_;
  const Deck& deck_;
  ExactOptions options_;
  StudyRun run_;
  Lattice lattice_;
  Operator h_;
  bool measures_;  ///< more than the energy
  std::vector<SectorSymmetry> sectors_;
  std::int64_t done_ = 0;
  std::int64_t largest_ = 0;
  std::vector<Level> levels_;
  std::optional<Eigenstate> kept_;  ///< the lowest state of the only sector
  std::unique_ptr<VariationalModel> model_;
  std::unique_ptr<Measurement> measurement_;
};

std::vector<Key> keys() {
  std::vector<Key> all = ExactOptions::keys().list();
  for (const Key& one : observable_keys()) all.push_back(one);
  for (const Key& one : known_energy_keys()) all.push_back(one);
  return all;
}

}  // namespace

StudyKind exact_kind() {
  return {.name = "exact",
          .help = "the lowest levels of H in a sector, with their quantum numbers, by exact diagonalisation",
          .keys = keys(),
          .run = [](const Communicator& comm, const Deck& deck,
                    const RunOptions& options) { return ExactStudy(comm, deck, options).run(); },
          .describe = [](const Communicator& comm, const Deck& deck,
                         int ranks) { return ExactStudy(comm, deck, {}).describe(ranks); },
          .value_keys = {"study.symmetry.momentum", "study.symmetry.representation", "study.symmetry.spin_inversion"},
          .subject = StudyKind::Subject::levels};
}

}  // namespace koushi
