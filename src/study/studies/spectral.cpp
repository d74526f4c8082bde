#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <optional>

#include "koushi/base/error.hpp"
#include "koushi/base/memory.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/keys.hpp"
#include "koushi/manybody/factor_kinds.hpp"
#include "koushi/manybody/hamiltonian.hpp"
#include "koushi/manybody/sector_operator.hpp"
#include "koushi/solver/eigensolver.hpp"
#include "koushi/solver/lanczos.hpp"
#include "koushi/study/model.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

enum class Quantity { automatic, spin, density };

struct SpectralOptions {
  Quantity quantity = Quantity::automatic;
  std::optional<std::vector<std::vector<double>>> momenta;
  double highest = 6;
  int points = 600;
  double broadening = 0.05;
  int steps = 200;
  double tolerance = 1e-10;

  static const Keys<SpectralOptions>& keys() {
    static const auto all =
        Keys<SpectralOptions>()
            .choice("quantity", &SpectralOptions::quantity,
                    {{"automatic", Quantity::automatic}, {"spin", Quantity::spin}, {"density", Quantity::density}},
                    "A_q is 1 / sqrt(N) sum_j e^(i q r_j) S^z_j, or the same of the number of particles; automatic: of "
                    "the spin where the states have one")
            .rows("momenta", &SpectralOptions::momenta,
                  "the momenta q, each in units of the reciprocal vectors of the supercell; if not given, all of the "
                  "torus")
            .example("[[0, 0], [1, 1]]")
            .real("frequency.highest", &SpectralOptions::highest, {1e-6, 1e6}, "the last frequency, in J (hbar = 1)")
            .integer("frequency.points", &SpectralOptions::points, {2, 100000},
                     "how many frequencies from 0 on, at equal distances")
            .real("broadening", &SpectralOptions::broadening, {1e-9, 1e6},
                  "half the width at half height of the Lorentzian that a pole becomes, in J")
            .integer(
                "steps", &SpectralOptions::steps, {2, 5000},
                "Lanczos steps: that many poles per momentum, of which those at the edges of the spectrum converge "
                "first")
            .real("tolerance", &SpectralOptions::tolerance, {1e-13, 1e-3},
                  "of |H psi - E psi| of the ground state, in units of the root mean square of the levels");
    return all;
  }
};

/// Dynamical structure factors of the ground state,
///
///   S(q, omega) = sum_n |<n|A_q|0>|^2 delta(omega - (E_n - E_0)),   A_q = N^(-1/2) sum_j e^(i q r_j) a_j,
///
/// by a continued fraction: Lanczos steps from A_q |0> in the sector of the momentum to which A_q leads. The ground state
/// is searched in all irreducible representations of the space group.
///
/// Source  E. R. Gagliano, C. A. Balseiro, Phys. Rev. Lett. 59, 2999 (1987)
class SpectralStudy {
 public:
  SpectralStudy(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        options_(SpectralOptions::keys().read(DeckSection(deck, "study"))),
        run_(comm, deck, options),
        lattice_(make_lattice(deck)),
        h_(make_hamiltonian(deck, lattice_)) {
    if (deck.has("hamiltonian.marshall") && deck.boolean("hamiltonian.marshall"))
      deck.refuse("hamiltonian.marshall", "momenta are those of states that are not rotated", "false");
    if (!lattice_.has_geometry())
      deck.refuse("lattice.kind", "sites without positions have no momenta", "a lattice with a geometry");
    try {
      PackedSpace packed(h_.space());
    } catch (const UsageError& error) {
      deck.refuse("study.kind", error.what(), "fewer sites");
    }
    find_weights();
    find_momenta();
    find_sectors();
  }

  int run() {
    const StudyRun::Begin begin = run_.begin([this](const ResultReader& reader) { read(reader); });
    if (begin == StudyRun::Begin::done) return 0;
    const std::int64_t total = n_sectors();
    Progress progress(comm_.is_root(), done_, total, "sector");
    run_.start();
    const auto write_all = [this](ResultWriter& writer) { write(writer); };
    std::unique_ptr<SectorBasis> basis;  // of the ground state
    while (done_ < total) {
      const auto k = static_cast<std::size_t>(done_);
      if (k < grounds_.size()) {
        search(grounds_[k], k);
      } else {
        if (!basis) basis = find_ground_state(progress);
        add_momentum(*basis, k - grounds_.size());
      }
      ++done_;
      progress.step(done_, std::isfinite(energy_) ? fmt::format("E_0 {:.10g}", energy_) : "no state");
      if (run_.checkpoint_if_due(false, write_all))
        return run_.stopped(progress, fmt::format("sector {} of {}", done_, total));
    }
    return run_.finish(write_all, [this] { return table(); });
  }

  RunEstimate describe(int ranks) const {
    RunEstimate estimate;
    const double states = sector_dimension(h_.space());
    const double rows = states / static_cast<double>(targets_.front().translations.size());
    estimate.text = fmt::format(
        "states       {:.10g}, {}\nmomenta      {}, sectors of about {:.4g} states\nmemory       about {} per rank "
        "without the elements of H\n",
        states, h_.space().description(), momenta_.size(), rows,
        format_bytes(rows * (10.0 + 8.0 * 6 / std::max(1, ranks)) + 16.0 * rows));
    for (const std::string& remark : lattice_.remarks()) estimate.text += "note         " + remark + "\n";
    if (const std::string fault = run_.fault_of_output(); !fault.empty())
      estimate.text += "note         " + fault + "\n";
    return estimate;
  }

 private:
  struct Momentum {
    std::vector<int> numbers;
    Eigen::VectorXd q;
    double weight = 0;  ///< <0|A_q^dagger A_q|0>, the static structure factor
    KrylovPoles poles;  ///< energies above E_0; weights that add up to `weight`
  };

  /// What a place counts for in a_j, times what it holds.
  void find_weights() {
    std::vector<double> spin(static_cast<std::size_t>(h_.space().n_flavours()), 0.0);
    std::vector<double> density = spin;
    for (const Charge& charge : h_.space().charges()) {
      const bool magnetization = charge.name == "magnetization";
      const double factor = magnetization || charge.name == "up" ? 0.5 : charge.name == "down" ? -0.5 : 0;
      for (std::size_t f = 0; f < spin.size(); ++f) {
        spin[f] += factor * charge.weight[f];
        density[f] += (magnetization ? 0 : 1) * charge.weight[f];
      }
    }
    const auto none = [](const std::vector<double>& weight) {
      return std::all_of(weight.begin(), weight.end(), [](double w) { return w == 0; });
    };
    if (options_.quantity == Quantity::automatic) options_.quantity = none(spin) ? Quantity::density : Quantity::spin;
    const bool of_spin = options_.quantity == Quantity::spin;
    weight_ = of_spin ? spin : density;
    if (none(weight_))
      deck_.refuse("study.quantity", of_spin ? "these states have no spin" : "these states have no particles",
                   of_spin ? "\"density\"" : "\"spin\"");
  }

  void find_momenta() {
    const std::vector<Boundary>& boundary = lattice_.boundary();
    if (!options_.momenta) {
      const std::vector<std::vector<int>> numbers = lattice_.momentum_numbers();
      for (const std::vector<int>& n : numbers) {
        const bool periodic = [&] {
          for (std::size_t d = 0; d < n.size(); ++d) {
            if (n[d] != 0 && boundary[d] == Boundary::open) return false;
          }
          return true;
        }();
        if (periodic) momenta_.push_back({n, lattice_.momentum(n)});
      }
      return;
    }
    for (const std::vector<double>& row : *options_.momenta) {
      std::vector<int> n;
      for (const double x : row) {
        if (x != std::round(x) || std::abs(x) > 1e6)
          deck_.refuse("study.momenta", fmt::format("{:g} is no integer", x), "integers");
        n.push_back(static_cast<int>(x));
      }
      if (n.size() != boundary.size())
        deck_.refuse("study.momenta", fmt::format("{} numbers for {} directions", n.size(), boundary.size()),
                     "one number per direction");
      for (std::size_t d = 0; d < n.size(); ++d) {
        if (n[d] != 0 && boundary[d] == Boundary::open)
          deck_.refuse("study.momenta", fmt::format("direction {} is open", d), "0 there");
      }
      momenta_.push_back({n, lattice_.momentum(n)});
    }
    if (momenta_.empty()) deck_.refuse("study.momenta", "there is none", "at least one momentum");
  }

  void find_sectors() {
    const bool inversion = is_inversion_symmetric(h_);
    for (const SymmetrySector& sites :
         symmetry_sectors(lattice_, symmetry_elements(SiteSymmetry::space_group, lattice_, h_))) {
      for (const int parity : inversion ? std::vector<int>{1, -1} : std::vector<int>{0})
        grounds_.push_back({sites, parity});
    }
    targets_ = symmetry_sectors(lattice_, symmetry_elements(SiteSymmetry::translations, lattice_, h_));
  }

  /// Those of the search and those of the momenta.
  std::int64_t n_sectors() const { return static_cast<std::int64_t>(grounds_.size() + momenta_.size()); }

  double memory() const { return 0.8 * physical_memory() / comm_.size(); }

  std::vector<Eigenstate> lowest(const SectorBasis& basis) {
    run_.phases().lap("basis", static_cast<double>(basis.size()), "states");
    if (basis.size() == 0) return {};
    const SectorOperator matrix(comm_, h_, basis, SectorOperator::Storage::automatic, memory());
    run_.phases().lap("matrix", static_cast<double>(matrix.stored_elements()), "elements");
    EigensolverOptions options;
    options.tolerance = options_.tolerance;
    options.searches_again = false;
    options.petsc_options = run_.options().petsc_options;
    std::vector<Eigenstate> states = lowest_eigenstates(comm_, matrix, options);
    run_.phases().lap("ground state", static_cast<double>(states.size()), "levels");
    return states;
  }

  /// Takes the lowest level of a sector where it lies below the others.
  void search(const SectorSymmetry& symmetry, std::size_t number) {
    const SectorBasis basis(comm_, h_.space(), symmetry);
    std::vector<Eigenstate> states = lowest(basis);
    if (states.empty()) return;
    Eigenstate& state = states.front();
    const double scale = 1e-8 * (1 + std::abs(state.value));
    if (std::isfinite(energy_) && state.value > energy_ + scale) return;
    degenerate_ = (std::isfinite(energy_) && state.value > energy_ - scale) || symmetry.sites.degeneracy > 1;
    if (std::isfinite(energy_) && state.value > energy_ - scale) return;
    energy_ = state.value;
    residual_ = state.residual;
    ground_ = static_cast<std::int64_t>(number);
    kept_ = std::move(state);
  }

  std::unique_ptr<SectorBasis> find_ground_state(Progress& progress) {
    if (ground_ < 0) throw NumericalError("no sector has any state");
    auto basis = std::make_unique<SectorBasis>(comm_, h_.space(), grounds_[static_cast<std::size_t>(ground_)]);
    if (!kept_) kept_ = lowest(*basis).front();  // of a run that goes on
    ground_vector_ = comm_.all_gather(kept_->vector);
    if (degenerate_) {
      run_.warn(progress, "degenerate",
                "the ground state is degenerate: the spectra are those of one of its states, which need not have the "
                "symmetry of H");
    }
    return basis;
  }

  /// <r|0>, r the smallest words of orbits of the target.
  std::vector<std::complex<double>> amplitudes(const SectorBasis& ground, const SectorBasis& target,
                                               RowRange rows) const {
    const bool is_complex = !h_.is_real() || !ground.is_real();
    std::vector<std::complex<double>> all;
    for (std::int64_t first = rows.first; first < rows.first + rows.count; first += SectorBasis::lanes) {
      const std::int64_t count = std::min<std::int64_t>(SectorBasis::lanes, rows.first + rows.count - first);
      std::array<std::uint64_t, SectorBasis::lanes> words{};
      for (std::size_t k = 0; k < words.size(); ++k)
        words[k] = target.word(std::min(first + static_cast<std::int64_t>(k), rows.first + rows.count - 1));
      std::array<SectorBasis::Found, SectorBasis::lanes> found{};
      ground.find(words, found);
      for (std::int64_t k = 0; k < count; ++k) {
        const SectorBasis::Found& one = found[static_cast<std::size_t>(k)];
        std::complex<double> psi = 0;
        if (one.index >= 0) {
          const auto index = static_cast<std::size_t>(one.index);
          psi = is_complex ? std::complex<double>(ground_vector_[2 * index], ground_vector_[2 * index + 1])
                           : ground_vector_[index];
          psi *= one.phase * ground.root(one.index) / std::sqrt(static_cast<double>(ground.order()));
        }
        all.push_back(psi);
      }
    }
    return all;
  }

  /// The sector of translations of the momentum that A_q leads to: T psi = e^(-i (K + q) t) psi.
  const SymmetrySector& target(const SymmetrySector& ground, const Eigen::VectorXd& q) const {
    for (const SymmetrySector& one : targets_) {
      bool same = true;
      for (std::size_t t = 0; t < one.translations.size() && same; ++t) {
        const auto at = std::find(ground.translations.begin(), ground.translations.end(), one.translations[t]);
        if (at == ground.translations.end()) throw InternalError("two groups of translations of one H");
        const auto k = static_cast<std::size_t>(at - ground.translations.begin());
        const double phase = -q.dot(lattice_.position(one.translations[t][0]) - lattice_.position(0));
        const std::complex<double> expected = ground.translation_characters[k] * std::polar(1.0, phase);
        same = std::abs(one.translation_characters[t] - expected) < 1e-9;
      }
      if (same) return one;
    }
    throw InternalError("no sector has the momentum of A_q |0>");
  }

  /// <r~|A_q|0> = |orbit| <r~|r> a_q(r) <r|0>, since all states of an orbit give the same.
  void add_momentum(const SectorBasis& ground, std::size_t number) {
    Momentum& momentum = momenta_[number];
    const SectorBasis basis(comm_, h_.space(), {target(ground.symmetry().sites, momentum.q), 0});
    run_.phases().lap("basis", static_cast<double>(basis.size()), "states");
    momentum.poles = {};
    momentum.weight = 0;
    // A sum over all sites of what is conserved: the ground state itself, or nothing.
    const bool conserved = momentum.q.norm() < 1e-12 && conserves_total();
    if (basis.size() == 0 || conserved) return;
    const SectorOperator matrix(comm_, h_, basis, SectorOperator::Storage::automatic, memory());
    run_.phases().lap("matrix", static_cast<double>(matrix.stored_elements()), "elements");
    const RowRange rows = matrix.rows();
    const std::vector<std::complex<double>> psi = amplitudes(ground, basis, rows);
    const auto n_sites = static_cast<std::size_t>(lattice_.n_sites());
    std::vector<std::complex<double>> phase(n_sites);
    for (std::size_t j = 0; j < n_sites; ++j) {
      const double angle = momentum.q.dot(lattice_.position(static_cast<int>(j)) - lattice_.position(0));
      phase[j] = std::polar(1 / std::sqrt(static_cast<double>(n_sites)), angle);
    }
    const Space& space = h_.space();
    std::vector<std::int8_t> local(static_cast<std::size_t>(space.n_places()));
    std::vector<double> real;
    std::vector<double> imaginary;
    const auto order = static_cast<double>(basis.order());
    for (std::int64_t r = 0; r < rows.count; ++r) {
      basis.packed().unpack(basis.word(rows.first + r), local.data());
      std::complex<double> a = 0;
      for (int p = 0; p < space.n_places(); ++p)
        a += weight_[static_cast<std::size_t>(space.flavour_of(p))] * local[static_cast<std::size_t>(p)] *
             phase[static_cast<std::size_t>(space.site_of(p))];
      const double root = basis.root(rows.first + r);
      const std::complex<double> c = std::sqrt(order) / root * a * psi[static_cast<std::size_t>(r)];
      real.push_back(c.real());
      (matrix.is_complex() ? real : imaginary).push_back(c.imag());
    }
    run_.phases().lap("A_q |0>", static_cast<double>(rows.count), "states");
    // Real and imaginary parts of a vector do not mix where H is real.
    add_part(matrix, std::move(real), momentum);
    if (!matrix.is_complex()) add_part(matrix, std::move(imaginary), momentum);
  }

  void add_part(const SectorOperator& matrix, std::vector<double> start, Momentum& momentum) {
    double norm = 0;
    for (const double x : start) norm += x * x;
    double all = 0;
    for (const double part : comm_.all_gather(std::vector<double>{norm})) all += part;
    if (all < 1e-20) return;
    const KrylovPoles found = krylov_poles(comm_, matrix, std::move(start), options_.steps);
    run_.phases().lap("Lanczos steps", static_cast<double>(found.energy.size()), "products");
    momentum.weight += all;
    for (std::size_t j = 0; j < found.energy.size(); ++j) {
      momentum.poles.energy.push_back(found.energy[j] - energy_);
      momentum.poles.weight.push_back(all * found.weight[j]);
    }
  }

  bool conserves_total() const {
    for (const Charge& charge : h_.space().charges()) {
      if (!charge.value) return false;
    }
    return !h_.space().charges().empty();
  }

  std::string name_of(const Momentum& momentum) const {
    std::string name = "spectrum";
    for (const int n : momentum.numbers) name += fmt::format("_{}", n);
    return name;
  }

  void write(ResultWriter& writer) const {
    writer.write("summary/n_sites", std::vector<std::int64_t>{lattice_.n_sites()});
    writer.write("summary/steps", std::vector<std::int64_t>{done_});
    writer.write("state/spectral/done", std::vector<std::int64_t>{done_, ground_, degenerate_ ? 1 : 0});
    writer.write("state/spectral/ground", std::vector<double>{energy_, residual_});
    std::vector<double> energies;
    std::vector<double> weights;
    std::vector<std::int64_t> first{0};
    std::vector<std::int64_t> numbers;
    for (const Momentum& momentum : momenta_) {
      energies.insert(energies.end(), momentum.poles.energy.begin(), momentum.poles.energy.end());
      weights.insert(weights.end(), momentum.poles.weight.begin(), momentum.poles.weight.end());
      first.push_back(static_cast<std::int64_t>(energies.size()));
      numbers.insert(numbers.end(), momentum.numbers.begin(), momentum.numbers.end());
    }
    write_reals(writer, "poles/energy", energies, "J", "E_n - E_0 of the poles, momentum after momentum");
    write_reals(writer, "poles/weight", weights, "", "|<n|A_q|0>|^2 of the poles");
    writer.write("poles/first", first);
    writer.write("poles/momentum", numbers);
    if (done_ < n_sectors()) return;
    writer.write("summary/table", table());
    StoredObservable energy{"energy", energy_, residual_};
    energy.help = "lowest eigenvalue of H in the sector";
    energy.error_help = "|H psi - E psi|; the error of the energy is about its square over the gap";
    energy.tau_help = "1/2: nothing is sampled";
    energy.unit = "J";
    write_observable(writer, "", energy);
    StoredCurve all{
        "structure_factor", {}, {}, {}, "q", "<0|A_q^dagger A_q|0>, the sum over all frequencies", "", "", "$S(q)$"};
    all.error_help = "0: nothing is sampled";
    for (std::size_t k = 0; k < momenta_.size(); ++k) {
      const Momentum& momentum = momenta_[k];
      all.x.push_back(static_cast<double>(k));
      all.value.push_back(momentum.weight);
      all.error.push_back(0);
      StoredCurve curve{name_of(momentum), {}, {}, {}, "omega", {}, {}, "1/J", "$S(q, \\omega)$"};
      curve.help = fmt::format("S(q, omega) at q = ({}), broadened", fmt::join(momentum.numbers, ", "));
      curve.error_help = "0: nothing is sampled";
      for (int w = 0; w < options_.points; ++w) {
        const double omega = options_.highest * w / (options_.points - 1);
        double sum = 0;
        for (std::size_t j = 0; j < momentum.poles.energy.size(); ++j) {
          const double distance = (omega - momentum.poles.energy[j]) / options_.broadening;
          sum += momentum.poles.weight[j] / (std::numbers::pi * options_.broadening * (1 + distance * distance));
        }
        curve.x.push_back(omega);
        curve.value.push_back(sum);
        curve.error.push_back(0);
      }
      write_curve(writer, "curves", curve);
    }
    write_curve(writer, "curves", all);
  }

  void read(const ResultReader& reader) {
    const std::vector<std::int64_t> done = reader.read_integers("state/spectral/done");
    done_ = done.at(0);
    ground_ = done.at(1);
    degenerate_ = done.at(2) != 0;
    const std::vector<double> ground = reader.read_reals("state/spectral/ground");
    energy_ = ground.at(0);
    residual_ = ground.at(1);
    const std::vector<std::int64_t> first = reader.read_integers("poles/first");
    const std::vector<double> energies = reader.read_reals("poles/energy");
    const std::vector<double> weights = reader.read_reals("poles/weight");
    for (std::size_t k = 0; k < momenta_.size(); ++k) {
      momenta_[k].weight = 0;
      for (auto j = static_cast<std::size_t>(first.at(k)); j < static_cast<std::size_t>(first.at(k + 1)); ++j) {
        momenta_[k].poles.energy.push_back(energies.at(j));
        momenta_[k].poles.weight.push_back(weights.at(j));
        momenta_[k].weight += weights.at(j);
      }
    }
    if (comm_.is_root()) print_out(fmt::format("resumed {} at sector {}\n", run_.file(), done_));
  }

  std::string table() const {
    std::string text =
        fmt::format("{:.10g} states ({})\nE_0 {:.12g} J, E_0/N {:.10f} J, residual {:.1e}\n{:>12}{:>18}{:>18}{:>18}\n",
                    sector_dimension(h_.space()), h_.space().description(), energy_, energy_ / lattice_.n_sites(),
                    residual_, "momentum", "S(q)", "lowest pole (J)", "its weight");
    for (const Momentum& momentum : momenta_) {
      std::size_t lowest = 0;  // of those that the sum notices
      bool any = false;
      for (std::size_t j = 0; j < momentum.poles.energy.size(); ++j) {
        if (momentum.poles.weight[j] < 1e-8 * momentum.weight) continue;
        if (!any || momentum.poles.energy[j] < momentum.poles.energy[lowest]) lowest = j;
        any = true;
      }
      text += fmt::format("{:>12}{:>18.10g}", fmt::format("{}", fmt::join(momentum.numbers, ",")), momentum.weight);
      text += any ? fmt::format("{:>18.10g}{:>18.10g}\n", momentum.poles.energy[lowest], momentum.poles.weight[lowest])
                  : fmt::format("{:>18}{:>18}\n", "-", "-");
    }
    return text + run_.warning_lines();
  }

  const Communicator& comm_;
  const Deck& deck_;
  SpectralOptions options_;
  StudyRun run_;
  Lattice lattice_;
  Operator h_;
  std::vector<double> weight_;  ///< [flavour]
  std::vector<Momentum> momenta_;
  std::vector<SectorSymmetry> grounds_;  ///< where the ground state is searched
  std::vector<SymmetrySector> targets_;  ///< of translations alone
  std::int64_t done_ = 0;
  std::int64_t ground_ = -1;  ///< the sector of the lowest level so far
  bool degenerate_ = false;
  double energy_ = std::numeric_limits<double>::quiet_NaN();
  double residual_ = std::numeric_limits<double>::quiet_NaN();
  std::optional<Eigenstate> kept_;     ///< the lowest state so far
  std::vector<double> ground_vector_;  ///< all of it, on every rank
};

}  // namespace

StudyKind spectral_kind() {
  return {.name = "spectral",
          .help = "dynamical structure factors S(q, omega) of the ground state by continued fractions",
          .keys = SpectralOptions::keys().list(),
          .run = [](const Communicator& comm, const Deck& deck,
                    const RunOptions& options) { return SpectralStudy(comm, deck, options).run(); },
          .describe = [](const Communicator& comm, const Deck& deck,
                         int ranks) { return SpectralStudy(comm, deck, {}).describe(ranks); },
          .subject = StudyKind::Subject::levels};
}

}  // namespace koushi
