#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <optional>

#include "koushi/base/error.hpp"
#include "koushi/base/memory.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/keys.hpp"
#include "koushi/manybody/factor.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/hamiltonian.hpp"
#include "koushi/manybody/sampler_kinds.hpp"
#include "koushi/manybody/sector_operator.hpp"
#include "koushi/random/philox.hpp"
#include "koushi/solver/eigensolver.hpp"
#include "koushi/solver/lanczos.hpp"
#include "koushi/study/model.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

enum class Ensemble { canonical, grand_canonical, sector };

struct ThermalOptions {
  Ensemble ensemble = Ensemble::canonical;
  double chemical_potential = 0;
  double lowest = 0.05;
  double highest = 10;
  int points = 60;
  int vectors = 20;
  int steps = 100;
  int complete = 500;
  SiteSymmetry group = SiteSymmetry::space_group;

  static const Keys<ThermalOptions>& keys() {
    static const auto all =
        Keys<ThermalOptions>()
            .choice("ensemble", &ThermalOptions::ensemble,
                    {{"canonical", Ensemble::canonical},
                     {"grand-canonical", Ensemble::grand_canonical},
                     {"sector", Ensemble::sector}},
                    "which states there are: canonical: those of the numbers of particles of [sector], with every "
                    "magnetization that H conserves; grand-canonical: all, weighted by e^(mu N / T); sector: those of "
                    "[sector] alone")
            .real("chemical_potential", &ThermalOptions::chemical_potential, {-1e6, 1e6},
                  "mu of the grand-canonical ensemble, in J; U/2 is half filling of electrons that hop between two "
                  "sublattices")
            .real("temperature.lowest", &ThermalOptions::lowest, {1e-6, 1e6}, "the first temperature, in J (k_B = 1)")
            .real("temperature.highest", &ThermalOptions::highest, {1e-6, 1e6}, "the last temperature, in J")
            .integer("temperature.points", &ThermalOptions::points, {1, 10000},
                     "how many temperatures, the ratio of neighbours always the same")
            .integer("vectors", &ThermalOptions::vectors, {1, 10000},
                     "random vectors that stand for the states of a sector that is not diagonalised; errors fall as "
                     "one over the root of their number and of that of the states")
            .integer("steps", &ThermalOptions::steps, {2, 2000}, "Lanczos steps from each of them")
            .integer("complete", &ThermalOptions::complete, {1, 5000},
                     "sectors of at most so many states are diagonalised completely, without an error; the time goes "
                     "by the cube")
            .choice("symmetry.group", &ThermalOptions::group, symmetry_words,
                    "the symmetries of H by which states are sorted: every irreducible representation is a sector of "
                    "its own");
    return all;
  }
};

/// What a sum over states is made of.
struct Sums {
  double z = 0;   ///< sum w e^(-(E - E_0) / T)
  double e = 0;   ///< with E - E_0
  double e2 = 0;  ///< with its square
  double n = 0;
  double n2 = 0;
  double m = 0;  ///< with S^z
  double m2 = 0;

  Sums& add(const Sums& other, double factor) {
    z += factor * other.z;
    e += factor * other.e;
    e2 += factor * other.e2;
    n += factor * other.n;
    n2 += factor * other.n2;
    m += factor * other.m;
    m2 += factor * other.m2;
    return *this;
  }
};

/// Thermal averages of H and of the charges, k_B = 1, over sectors of charges and of irreducible representations: all
/// levels of those that are small, and in the others
///
///   Tr f(H) = dim / R sum_r sum_j |<r|j>|^2 f(E_j)
///
/// over R random vectors r and the poles E_j of their Krylov spaces. Errors by the jackknife over the numbers r, the
/// same in all sectors.
///
/// Source  J. Jaklic, P. Prelovsek, Phys. Rev. B 49, 5065 (1994)
class ThermalStudy {
 public:
  ThermalStudy(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        options_(ThermalOptions::keys().read(DeckSection(deck, "study"))),
        run_(comm, deck, options),
        lattice_(make_lattice(deck)) {
    if (options_.highest < options_.lowest)
      deck.refuse("study.temperature.highest", "it is below study.temperature.lowest", "a larger number");
    if (deck.has("hamiltonian.marshall") && deck.boolean("hamiltonian.marshall"))
      deck.refuse("hamiltonian.marshall", "rotated states have other momenta and no spin inversion", "false");
    find_charges();
    if (options_.ensemble != Ensemble::grand_canonical && deck.given("study.chemical_potential"))
      deck.refuse("study.chemical_potential", "the numbers of particles are fixed", "ensemble = \"grand-canonical\"");
    try {
      PackedSpace packed(blocks_.front().h.space());
    } catch (const UsageError& error) {
      deck.refuse("study.kind", error.what(), "fewer sites");
    }
    find_sectors();
  }

  int run() {
    const StudyRun::Begin begin = run_.begin([this](const ResultReader& reader) { read(reader); });
    if (begin == StudyRun::Begin::done) return 0;
    const auto total = static_cast<std::int64_t>(sectors_.size());
    Progress progress(comm_.is_root(), done_, total, "sector");
    run_.start();
    const auto write_all = [this](ResultWriter& writer) { write(writer); };
    while (done_ < total) {
      add_sector(static_cast<std::size_t>(done_));
      ++done_;
      progress.step(done_, fmt::format("{:.6g} states", states_));
      if (run_.checkpoint_if_due(false, write_all))
        return run_.stopped(progress, fmt::format("sector {} of {}", done_, total));
    }
    evaluate();
    warn(progress);
    return run_.finish(write_all, [this] { return table(); });
  }

  RunEstimate describe(int ranks) const {
    RunEstimate estimate;
    double states = 0;
    double largest = 0;
    double products = 0;
    for (const Sector& sector : sectors_) {
      const double rows = size_of(sector);
      largest = std::max(largest, rows);
      if (rows > options_.complete) products += options_.vectors * std::min<double>(options_.steps, rows) * rows;
    }
    for (const Block& block : blocks_) states += block.weight * sector_dimension(block.h.space());
    estimate.text = fmt::format(
        "states       {:.10g}, {}\nsectors      {} of {} charges, the largest of about {:.4g} states\nproducts     "
        "{:.3g} rows of H\nmemory       about {} per rank without the elements of H\n",
        states, ensemble_text(), sectors_.size(), blocks_.size(), largest, products,
        format_bytes(largest * (10.0 + 8.0 * 6 / std::max(1, ranks))));
    for (const std::string& remark : lattice_.remarks()) estimate.text += "note         " + remark + "\n";
    if (const std::string fault = run_.fault_of_output(); !fault.empty())
      estimate.text += "note         " + fault + "\n";
    return estimate;
  }

 private:
  /// H with one set of values of its charges.
  struct Block {
    Operator h;
    int particles = 0;
    int magnetization = 0;  ///< 2 S^z
    int weight = 1;         ///< 2: that of -magnetization has the same levels
  };
  struct Sector {
    std::size_t block = 0;
    SectorSymmetry symmetry;
  };
  /// Some states: the index of their block, and the random vector that they come from, -1: all of them are exact.
  struct Pole {
    double energy = 0;
    double weight = 0;
    std::int64_t block = 0;
    std::int64_t vector = -1;
  };

  void find_charges() {
    if (options_.ensemble == Ensemble::sector) {
      add_block(make_hamiltonian(deck_, lattice_));
      return;
    }
    const Operator h = make_hamiltonian(DeckSection(deck_, "hamiltonian"), lattice_);
    std::vector<Charge> charges;
    bool has_particles = false;
    for (const Charge& charge : h.space().charges()) {
      if (charge.name != "magnetization") has_particles = true;
      if (charge.name != "magnetization" || h.conserves(charge)) charges.push_back(charge);
    }
    if (deck_.given("sector.magnetization"))
      deck_.refuse("sector.magnetization", "the ensemble has states of every magnetization",
                   "study.ensemble = \"sector\", or no magnetization");
    std::optional<int> particles;
    if (options_.ensemble == Ensemble::canonical && has_particles) {
      Operator in_sector = h;
      fix_sector(DeckSection(deck_, "sector"), in_sector);
      particles = particles_of(in_sector.space());
    }
    if (options_.ensemble == Ensemble::grand_canonical) {
      if (!has_particles) deck_.refuse("study.ensemble", "spins have no number of particles", "\"canonical\"");
      for (const char* key : {"sector.particles", "sector.electrons"}) {
        if (deck_.given(key)) deck_.refuse(key, "the ensemble has states of every number", "no number");
      }
    }
    fix_from(h, charges, 0, particles);
    merge_mirrored();
  }

  static int particles_of(const Space& space) {
    int sum = 0;
    for (const Charge& charge : space.charges()) {
      if (charge.name != "magnetization") sum += charge.value.value_or(0);
    }
    return sum;
  }

  void add_block(Operator h) {
    Block block{std::move(h)};
    block.particles = particles_of(block.h.space());
    for (const Charge& charge : block.h.space().charges()) {
      if (charge.name == "magnetization") block.magnetization += charge.value.value_or(0);
      if (charge.name == "up") block.magnetization += charge.value.value_or(0);
      if (charge.name == "down") block.magnetization -= charge.value.value_or(0);
    }
    blocks_.push_back(std::move(block));
  }

  /// All values of charges[k ...] that some state has.
  void fix_from(const Operator& h, const std::vector<Charge>& charges, std::size_t k, std::optional<int> particles) {
    if (k == charges.size()) {
      if (!particles || particles_of(h.space()) == *particles) add_block(h);
      return;
    }
    const Space& space = h.space();
    int low = 0;
    int high = 0;
    for (std::size_t f = 0; f < charges[k].weight.size(); ++f) {
      const int w = charges[k].weight[f];
      low += space.n_sites() * std::min(w * space.flavours()[f].min, w * space.flavours()[f].max);
      high += space.n_sites() * std::max(w * space.flavours()[f].min, w * space.flavours()[f].max);
    }
    for (int value = low; value <= high; ++value) {
      Operator fixed = h;
      try {
        fixed.fix(charges[k].name, value);
      } catch (const UsageError&) {
        continue;
      }
      fix_from(fixed, charges, k + 1, particles);
    }
  }

  /// Where H is the same with all spins turned, the states of -2 S^z have the levels of those of 2 S^z.
  void merge_mirrored() {
    const Block* widest = nullptr;
    for (const Block& block : blocks_) {
      if (block.magnetization != 0) continue;
      if (widest == nullptr || sector_dimension(block.h.space()) > sector_dimension(widest->h.space())) widest = &block;
    }
    if (widest == nullptr || !spin_inversion(widest->h.space()) || !is_inversion_symmetric(widest->h)) return;
    const std::vector<int> place = spin_inversion(widest->h.space())->place;
    // A field along z is nothing where as many spins are up as down: rows of the others are looked at, too.
    for (const Block& block : blocks_) {
      if (block.magnetization > 0 && !has_mirrored_rows(block.h, place)) return;
    }
    std::erase_if(blocks_, [](const Block& block) { return block.magnetization < 0; });
    for (Block& block : blocks_) block.weight = block.magnetization > 0 ? 2 : 1;
  }

  /// Whether rows of H have the moduli of the rows with all spins turned, of 256 random states.
  static bool has_mirrored_rows(const Operator& h, const std::vector<int>& place) {
    const Space& space = h.space();
    const HostStates states(space.make_states(1));
    const StateView x = states.writable(0);
    std::vector<std::int8_t> turned(place.size());
    const auto row = [&](const std::int8_t* local) {
      std::vector<double> moduli;
      h.for_connected(local, [&](std::size_t, int, const std::complex<double>& e) { moduli.push_back(std::abs(e)); });
      std::sort(moduli.begin(), moduli.end());
      moduli.push_back(h.diagonal(local));
      return moduli;
    };
    for (std::uint64_t stream = 0; stream < 256; ++stream) {
      space.randomize(x, 1, stream);
      for (std::size_t p = 0; p < place.size(); ++p) {
        const bool spin = space.local(static_cast<int>(p)).kind == LocalSpace::Kind::spin;
        turned[static_cast<std::size_t>(place[p])] = static_cast<std::int8_t>(spin ? -x.local[p] : x.local[p]);
      }
      const std::vector<double> one = row(x.local);
      const std::vector<double> other = row(turned.data());
      if (one.size() != other.size()) return false;
      for (std::size_t k = 0; k < one.size(); ++k) {
        if (std::abs(one[k] - other[k]) > 1e-10 * (1 + std::abs(one[k]))) return false;
      }
    }
    return true;
  }

  void find_sectors() {
    const std::vector<SpaceGroupElement> elements = symmetry_elements(options_.group, lattice_, blocks_.front().h);
    const std::vector<SymmetrySector> of_sites = symmetry_sectors(lattice_, elements);
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const bool inversion = is_inversion_symmetric(blocks_[b].h);
      for (const SymmetrySector& sites : of_sites) {
        if (!inversion) {
          sectors_.push_back({b, {sites, 0}});
          continue;
        }
        sectors_.push_back({b, {sites, 1}});
        sectors_.push_back({b, {sites, -1}});
      }
    }
  }

  /// The states of a sector, about.
  double size_of(const Sector& sector) const {
    const SymmetrySector& sites = sector.symmetry.sites;
    const auto order = static_cast<double>(sites.translations.size() * sites.points.size());
    return sector_dimension(blocks_[sector.block].h.space()) / (order * (sector.symmetry.inversion == 0 ? 1 : 2));
  }

  void add_sector(std::size_t number) {
    const Sector& sector = sectors_[number];
    const Block& block = blocks_[sector.block];
    const SectorBasis basis(comm_, block.h.space(), sector.symmetry);
    run_.phases().lap("basis", static_cast<double>(basis.size()), "states");
    largest_ = std::max(largest_, basis.size());
    if (basis.size() == 0) return;
    const double degeneracy = static_cast<double>(sector.symmetry.sites.degeneracy) * block.weight;
    const auto dimension = static_cast<double>(basis.size());
    states_ += degeneracy * dimension;
    const SectorOperator matrix(comm_, block.h, basis, SectorOperator::Storage::automatic,
                                0.8 * physical_memory() / comm_.size());
    run_.phases().lap("matrix", static_cast<double>(matrix.stored_elements()), "elements");
    const auto at = static_cast<std::int64_t>(sector.block);
    if (basis.size() <= options_.complete) {
      EigensolverOptions all;
      all.levels = static_cast<int>(basis.size());
      all.dense_up_to = basis.size();
      for (const Eigenstate& state : lowest_eigenstates(comm_, matrix, all))
        poles_.push_back({state.value, degeneracy, at, -1});
      run_.phases().lap("all levels", dimension, "levels");
      return;
    }
    drawn_ += degeneracy * dimension;
    for (int r = 0; r < options_.vectors; ++r) {
      const KrylovPoles found = krylov_poles(comm_, matrix, random_vector(matrix, number, r), options_.steps);
      for (std::size_t j = 0; j < found.energy.size(); ++j)
        poles_.push_back({found.energy[j], degeneracy * dimension * found.weight[j], at, r});
      run_.phases().lap("Lanczos steps", static_cast<double>(found.energy.size()), "products");
    }
  }

  /// Independent normal numbers, real and imaginary where states are complex: a function of seed, sector, vector and row.
  std::vector<double> random_vector(const SectorOperator& matrix, std::size_t sector, int vector) const {
    const RowRange rows = matrix.rows();
    const auto step = static_cast<std::uint64_t>(sector) << 20U | static_cast<std::uint64_t>(vector);
    std::vector<double> numbers;
    for (std::int64_t row = rows.first; row < rows.first + rows.count; ++row) {
      const RandomBlock block = philox(static_cast<std::uint64_t>(deck_.integer("seed")),
                                       RandomPurpose::thermal_vectors, step, static_cast<std::uint64_t>(row), 0);
      const double radius = std::sqrt(-2 * std::log1p(-uniform(block.word[0], block.word[1])));
      const double angle = 2 * std::numbers::pi * uniform(block.word[2], block.word[3]);
      numbers.push_back(radius * std::cos(angle));
      if (matrix.is_complex()) numbers.push_back(radius * std::sin(angle));
    }
    return numbers;
  }

  double temperature(int k) const {
    const double step = options_.points > 1 ? static_cast<double>(k) / (options_.points - 1) : 0;
    return options_.lowest * std::pow(options_.highest / options_.lowest, step);
  }

  /// What is made of sums: values per site in the order of `names`.
  std::vector<double> values(const Sums& sums, double lowest, double temperature) const {
    const double n_sites = lattice_.n_sites();
    const double e = sums.e / sums.z;
    const double n = sums.n / sums.z;
    const double m = sums.m / sums.z;
    const double log_z = std::log(sums.z) - lowest / temperature;
    const double mu = options_.ensemble == Ensemble::grand_canonical ? options_.chemical_potential : 0;
    return {(e + lowest + mu * n) / n_sites,
            (sums.e2 / sums.z - e * e) / (temperature * temperature * n_sites),
            (log_z + (e + lowest) / temperature) / n_sites,
            -temperature * log_z / n_sites,
            (sums.m2 / sums.z - m * m) / (temperature * n_sites),
            n / n_sites,
            (sums.n2 / sums.z - n * n) / (temperature * n_sites)};
  }

  void evaluate() {
    curves_.clear();
    const bool grand = options_.ensemble == Ensemble::grand_canonical;
    const std::string potential = grand ? "grand potential" : "free energy";
    std::vector<StoredCurve> all{
        {"energy_per_site", {}, {}, {}, "T", "<H> per site", "", "J", "$E / N$"},
        {"specific_heat",
         {},
         {},
         {},
         "T",
         grand ? "T dS/dT at fixed mu per site, (<(H - mu N)^2> - <H - mu N>^2) / T^2"
               : "dE/dT per site, (<H^2> - <H>^2) / T^2",
         "",
         "",
         "$C / N$"},
        {"entropy", {}, {}, {}, "T", "entropy per site, log of a number of states", "", "", "$S / N$"},
        {"free_energy",
         {},
         {},
         {},
         "T",
         potential + " per site, - T log Z",
         "",
         "J",
         grand ? "$\\Omega / N$" : "$F / N$"},
        {"susceptibility",
         {},
         {},
         {},
         "T",
         "uniform susceptibility per site, (<(S^z)^2> - <S^z>^2) / T",
         "",
         "1/J",
         "$\\chi / N$"},
        {"filling", {}, {}, {}, "T", "particles per site", "", "", "$n$"},
        {"compressibility", {}, {}, {}, "T", "dn/dmu per site, (<N^2> - <N>^2) / T", "", "1/J", "$dn/d\\mu$"}};
    double lowest = std::numeric_limits<double>::infinity();
    const auto shifted = [&](const Pole& pole) {
      const double mu = grand ? options_.chemical_potential : 0;
      return pole.energy - mu * blocks_[static_cast<std::size_t>(pole.block)].particles;
    };
    for (const Pole& pole : poles_) lowest = std::min(lowest, shifted(pole));
    const auto r = static_cast<std::size_t>(options_.vectors);
    for (int k = 0; k < options_.points; ++k) {
      const double t = temperature(k);
      Sums exact;
      std::vector<Sums> drawn(r);
      for (const Pole& pole : poles_) {
        const Block& block = blocks_[static_cast<std::size_t>(pole.block)];
        const double e = shifted(pole) - lowest;
        const double w = pole.weight * std::exp(-e / t);
        const double m = block.weight == 2 ? 0 : 0.5 * block.magnetization;  // the mirrored states cancel
        const double m2 = 0.25 * block.magnetization * block.magnetization;
        const double n = block.particles;
        (pole.vector < 0 ? exact : drawn[static_cast<std::size_t>(pole.vector)]).add({1, e, e * e, n, n * n, m, m2}, w);
      }
      const auto without = [&](std::size_t left) {  // r: none is left out
        Sums sums = exact;
        for (std::size_t v = 0; v < r; ++v) {
          if (v != left) sums.add(drawn[v], 1.0 / static_cast<double>(left < r ? r - 1 : r));
        }
        return values(sums, lowest, t);
      };
      const std::vector<double> best = without(r);
      std::vector<double> squares(best.size(), 0.0);
      if (drawn_ > 0 && r > 1) {
        std::vector<std::vector<double>> parts;
        for (std::size_t v = 0; v < r; ++v) parts.push_back(without(v));
        for (std::size_t c = 0; c < best.size(); ++c) {
          double mean = 0;
          for (const auto& part : parts) mean += part[c] / static_cast<double>(r);
          for (const auto& part : parts)
            squares[c] += std::pow(part[c] - mean, 2) * static_cast<double>(r - 1) / static_cast<double>(r);
        }
      }
      for (std::size_t c = 0; c < best.size(); ++c) {
        all[c].x.push_back(t);
        all[c].value.push_back(best[c]);
        all[c].error.push_back(drawn_ > 0 && r == 1 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(squares[c]));
      }
    }
    const bool has_magnetizations = std::any_of(blocks_.begin(), blocks_.end(), [&](const Block& block) {
      return block.magnetization != blocks_.front().magnetization || block.weight == 2;
    });
    for (StoredCurve& curve : all) {
      if (!grand && (curve.name == "filling" || curve.name == "compressibility")) continue;
      if (!has_magnetizations && curve.name == "susceptibility") continue;
      curve.error_help = "one standard deviation over the random vectors; 0 where all levels are known";
      curves_.push_back(curve);
    }
    lowest_ = lowest;
    run_.phases().lap("averages");
  }

  void warn(Progress& progress) {
    double expected = 0;
    for (const Block& block : blocks_) expected += block.weight * sector_dimension(block.h.space());
    if (std::abs(states_ - expected) > 1e-9 * expected)
      throw InternalError(fmt::format("the sectors have {} states of {}", states_, expected));
    if (drawn_ > 0 && options_.vectors == 1)
      run_.warn(progress, "one vector", "one random vector gives no error; remedy: more study.vectors");
    // Krylov spaces know the lowest levels to rounding and the middle of the spectrum by its moments.
    if (drawn_ > 0 && options_.steps < 30) {
      run_.warn(progress, "few steps",
                fmt::format("{} Lanczos steps may not reach the lowest levels, which low temperatures need; remedy: "
                            "study.steps of 50 or more",
                            options_.steps));
    }
  }

  void write(ResultWriter& writer) const {
    writer.write("summary/n_sites", std::vector<std::int64_t>{lattice_.n_sites()});
    writer.write("summary/steps", std::vector<std::int64_t>{done_});
    std::vector<double> energies;
    std::vector<double> weights;
    std::vector<std::int64_t> blocks;
    std::vector<std::int64_t> vectors;
    for (const Pole& pole : poles_) {
      energies.push_back(pole.energy);
      weights.push_back(pole.weight);
      blocks.push_back(pole.block);
      vectors.push_back(pole.vector);
    }
    writer.write("state/thermal/energy", energies);
    writer.write("state/thermal/weight", weights);
    writer.write("state/thermal/block", blocks);
    writer.write("state/thermal/vector", vectors);
    writer.write("state/thermal/states", std::vector<double>{states_, drawn_});
    writer.write("state/thermal/done", std::vector<std::int64_t>{done_, largest_});
    if (curves_.empty()) return;
    writer.write("summary/table", table());
    for (const StoredCurve& curve : curves_) write_curve(writer, "curves", curve);
    StoredObservable states{"states", states_, 0};
    states.help = "number of states of the ensemble";
    states.error_help = "0: they are counted";
    states.tau_help = "1/2: nothing is sampled";
    write_observable(writer, "", states);
  }

  void read(const ResultReader& reader) {
    const std::vector<std::int64_t> done = reader.read_integers("state/thermal/done");
    done_ = done.at(0);
    largest_ = done.at(1);
    const std::vector<double> states = reader.read_reals("state/thermal/states");
    states_ = states.at(0);
    drawn_ = states.at(1);
    const std::vector<double> energies = reader.read_reals("state/thermal/energy");
    const std::vector<double> weights = reader.read_reals("state/thermal/weight");
    const std::vector<std::int64_t> blocks = reader.read_integers("state/thermal/block");
    const std::vector<std::int64_t> vectors = reader.read_integers("state/thermal/vector");
    for (std::size_t k = 0; k < energies.size(); ++k)
      poles_.push_back({energies[k], weights.at(k), blocks.at(k), vectors.at(k)});
    if (comm_.is_root()) print_out(fmt::format("resumed {} at sector {} of {}\n", run_.file(), done_, sectors_.size()));
  }

  std::string ensemble_text() const {
    if (options_.ensemble == Ensemble::sector) return blocks_.front().h.space().description();
    std::string text = fmt::format("{} sites", lattice_.n_sites());
    if (options_.ensemble == Ensemble::grand_canonical) {
      text += fmt::format(", any number of particles at mu = {:g}", options_.chemical_potential);
    } else if (blocks_.front().particles > 0) {
      text += fmt::format(", {} particles", blocks_.front().particles);
    }
    const auto [low, high] = std::minmax_element(blocks_.begin(), blocks_.end(), [](const Block& a, const Block& b) {
      return a.magnetization < b.magnetization;
    });
    if (low->magnetization != high->magnetization || high->weight == 2) text += ", every magnetization";
    return text;
  }

  std::string table() const {
    std::string text = fmt::format(
        "{:.10g} states ({}), {} sectors of at most {} states, {:.3g} % of them by {} random "
        "vectors of {} Lanczos steps\nlowest level {}{:.12g} J\n{:>12}",
        states_, ensemble_text(), sectors_.size(), largest_, 100 * drawn_ / states_, options_.vectors, options_.steps,
        options_.ensemble == Ensemble::grand_canonical ? "of H - mu N " : "", lowest_, "T (J)");
    for (const StoredCurve& curve : curves_) text += fmt::format("{:>22}", curve.name);
    text += "\n";
    const int every = std::max(1, options_.points / 12);
    for (int k = 0; k < options_.points; k += every) {
      text += fmt::format("{:>12.6g}", temperature(k));
      for (const StoredCurve& curve : curves_) {
        const auto at = static_cast<std::size_t>(k);
        text += fmt::format("{:>22}", curve.error[at] == 0 ? fmt::format("{:.8g}", curve.value[at])
                                                           : with_error(curve.value[at], curve.error[at]));
      }
      text += "\n";
    }
    if (every > 1) text += fmt::format("(every {}th of {} temperatures)\n", every, options_.points);
    return text + run_.warning_lines();
  }

  const Communicator& comm_;
  const Deck& deck_;
  ThermalOptions options_;
  StudyRun run_;
  Lattice lattice_;
  std::vector<Block> blocks_;
  std::vector<Sector> sectors_;
  std::int64_t done_ = 0;
  std::int64_t largest_ = 0;
  double states_ = 0;  ///< in the sectors that are done
  double drawn_ = 0;   ///< those of them that random vectors stand for
  double lowest_ = 0;
  std::vector<Pole> poles_;
  std::vector<StoredCurve> curves_;
};

}  // namespace

StudyKind thermal_kind() {
  return {.name = "thermal",
          .help =
              "energy, specific heat, entropy and susceptibility against the temperature, from all levels and, in "
              "large sectors, from random vectors",
          .keys = ThermalOptions::keys().list(),
          .run = [](const Communicator& comm, const Deck& deck,
                    const RunOptions& options) { return ThermalStudy(comm, deck, options).run(); },
          .describe = [](const Communicator& comm, const Deck& deck,
                         int ranks) { return ThermalStudy(comm, deck, {}).describe(ranks); },
          .subject = StudyKind::Subject::levels};
}

}  // namespace koushi
