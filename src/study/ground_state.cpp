#include "koushi/study/ground_state.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/lattice/lattice.hpp"
#include "koushi/manybody/rbm.hpp"
#include "koushi/parallel/tree_sum.hpp"
#include "koushi/solver/stochastic_reconfiguration.hpp"
#include "koushi/statistics/estimate.hpp"
#include "koushi/store/result_file.hpp"
#include "koushi/study/phase_table.hpp"
#include "koushi/study/progress.hpp"
#include "koushi/study/stop_request.hpp"

namespace koushi {

namespace {

const std::string factor = "wavefunction.factor.0.";
/// Where on the random numbers' step axis the phases before and after the optimisation lie.
constexpr std::uint64_t warm_up_step = std::uint64_t{1} << 40U;
constexpr std::uint64_t measurement_step = std::uint64_t{1} << 41U;

Lattice make_lattice(const Deck& deck) {
  const UnitCell cell = unit_cell(deck.text("lattice.kind"));
  const int d = cell.dimension();
  const bool tilted = deck.has("lattice.supercell");
  if (tilted == deck.has("lattice.extents")) deck.refuse("lattice.kind", "extents or supercell, not both or none", "one of them");
  const std::string shape_key = tilted ? "lattice.supercell" : "lattice.extents";
  const std::vector<int> numbers = deck.integers(shape_key);
  if (static_cast<int>(numbers.size()) != (tilted ? d * d : d)) {
    deck.refuse(shape_key, fmt::format("{} numbers were given", numbers.size()), fmt::format("{} numbers for this lattice", tilted ? d * d : d));
  }
  Eigen::MatrixXi supercell = Eigen::MatrixXi::Zero(d, d);
  for (int k = 0; k < d; ++k) {
    for (int l = 0; l < d && tilted; ++l) supercell(l, k) = numbers[static_cast<std::size_t>(k * d + l)];
    if (!tilted) supercell(k, k) = numbers[static_cast<std::size_t>(k)];
  }
  std::vector<Boundary> boundary(static_cast<std::size_t>(d), Boundary::periodic);
  const std::vector<std::string> names = deck.texts("lattice.boundary");
  if (names.size() > 1 && names.size() != boundary.size()) {
    deck.refuse("lattice.boundary", fmt::format("{} boundaries were given", names.size()), fmt::format("1 or {}", d));
  }
  for (std::size_t k = 0; k < boundary.size() && !names.empty(); ++k) {
    const std::string& name = names[names.size() == 1 ? 0 : k];
    boundary[k] = name == "open" ? Boundary::open : name == "antiperiodic" ? Boundary::antiperiodic : Boundary::periodic;
  }
  const int shells = std::max(static_cast<int>(deck.reals("hamiltonian.J").size()), static_cast<int>(deck.integer("sampler.range")));
  try {
    return {cell, supercell, boundary, shell_bonds(cell, shells)};
  } catch (const UsageError& error) {
    deck.refuse(shape_key, error.what(), "a lattice on which every bond joins two sites");
  }
}

SpinHamiltonian make_hamiltonian(const Deck& deck, const Lattice& lattice) {
  std::vector<LabelledBond> bonds;
  for (const Bond& b : lattice.bonds()) bonds.push_back({b.i, b.j, b.shell});
  const std::vector<double> J = deck.reals("hamiltonian.J");
  const std::string kind = deck.text("hamiltonian.kind");
  if (kind == "transverse-field-ising") return make_transverse_field_ising(lattice.n_sites(), bonds, J, deck.real("hamiltonian.field"));
  XxzCouplings couplings{.J = J,
                         .anisotropy = kind == "xxz" ? deck.real("hamiltonian.anisotropy") : 1.0,
                         .field = deck.real("hamiltonian.field"),
                         .staggered_field = deck.real("hamiltonian.staggered_field"),
                         .sublattice_sign = lattice.sublattice_sign(),
                         .marshall = deck.boolean("hamiltonian.marshall")};
  try {
    return make_xxz(lattice.n_sites(), bonds, couplings);
  } catch (const UsageError& error) {
    deck.refuse("hamiltonian.marshall", error.what(), "false on this lattice");
  }
}

struct Series {
  std::string name;
  std::string unit;
  std::string help;
  std::vector<double> values;
};

template <bool is_complex>
class GroundState {
 public:
  GroundState(const Communicator& comm, const Deck& deck, const RunOptions& options)
      : comm_(comm),
        deck_(deck),
        options_(options),
        file_(options.output.empty() ? deck.text("output.file") : options.output),
        lattice_(make_lattice(deck)),
        hamiltonian_(make_hamiltonian(deck, lattice_)),
        rbm_(rbm_options()),
        seed_(static_cast<std::uint64_t>(deck.integer("seed"))),
        measure_only_(deck.text("study.kind") == "measure"),
        n_steps_(measure_only_ ? 0 : deck.integer("study.steps")) {
    layout_chains();
    layout_moves();
    terms_ = make_terms(hamiltonian_);
  }

  std::string describe() const {
    const double batch = static_cast<double>(local_samples_ * (rbm_.table_columns() * 8 + lattice_.n_sites()));
    const double table = static_cast<double>(moves_.size()) * rbm_.table_columns() * 8;
    std::string text = fmt::format(
        "lattice      {} sites, {} bonds, {} translations\nparameters   {} real numbers, {} hidden units\nsampler      {} chains x {} samples "
        "per step\nmemory       {} per rank for samples, {} for the table of {} moves\n",
        lattice_.n_sites(), lattice_.bonds().size(), lattice_.translations().size(), rbm_.n_parameters(), rbm_.n_hidden(), chains_.total,
        per_chain_, format_bytes(batch), format_bytes(table), moves_.size());
    for (const std::string& remark : lattice_.remarks()) text += "note         " + remark + "\n";
    return text;
  }

  int run() {
    if (!begin()) return 0;
    Progress progress(comm_.is_root(), step_, n_steps_);
    listen_for_stop_signals();
    const auto started = std::chrono::steady_clock::now();
    auto last_checkpoint = started;
    const auto seconds_since = [](auto then) { return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count(); };
    phases_.start();
    int retries = 0;
    while (step_ < n_steps_) {
      sample(static_cast<std::uint64_t>(step_), rbm_.tables(moves_), retries);
      const std::vector<std::complex<double>> energies = energies_of_samples();
      const Summary now = summarise(energies);
      const double n = lattice_.n_sites();
      if (bad(now) && retries < 8 && !previous_parameters_.empty()) {
        ++retries;
        progress.say(fmt::format("step {}: E/N = {:.6g} after {:.6g}: the last update is halved (retry {})", step_, now.energy / n, previous_energy_ / n, retries));
        std::vector<double> half = rbm_.parameters();
        for (std::size_t p = 0; p < half.size(); ++p) half[p] = 0.5 * (half[p] + previous_parameters_[p]);
        rbm_.set_parameters(half);
        continue;
      }
      if (!std::isfinite(now.energy)) throw NumericalError("the energy is not finite and no smaller step mends it; lower [solver] step or raise shift");
      retries = 0;
      const auto rows = rbm_.log_derivatives(comm_, rows_, samples_);
      phases_.lap("log derivatives");
      SrReport report;
      const std::vector<double> delta = solve_stochastic_reconfiguration(
          comm_, *rows, std::vector<double>(energies.size(), 1.0 / static_cast<double>(rows_.total)), energies, sr_options(), report);
      phases_.lap("solver");
      previous_parameters_ = rbm_.parameters();
      previous_energy_ = now.energy;
      previous_variance_ = now.variance;
      rbm_.apply(-step_size(), delta);
      record(now, report);
      ++step_;
      progress.step(step_, fmt::format("E/N {}  var/N {:.3g}  R-hat {:.3f}  acc {:.2f}", with_error(now.energy / n, now.error / n),
                                       now.variance / n, now.r_hat, now.acceptance));
      const bool stop = stop_is_requested(comm_, options_.time_limit > 0 && seconds_since(started) > options_.time_limit);
      const int due = comm_.broadcast(seconds_since(last_checkpoint) > deck_.seconds("output.checkpoint") ? 1 : 0);
      if (stop || due != 0 || step_ == n_steps_) {
        checkpoint(stop ? "stopped" : "running");
        last_checkpoint = std::chrono::steady_clock::now();
      }
      if (stop) {
        progress.say(fmt::format("stopped on request after step {}; {} is complete, go on with --resume", step_, file_));
        return exit_stopped;
      }
    }
    measure();
    checkpoint("done");
    if (comm_.is_root()) fmt::print("{}\n{}", result_text(), phases_.text());
    return 0;
  }

 private:
  struct Summary {
    double energy = 0;
    double error = 0;
    double variance = 0;
    double r_hat = 1;
    double acceptance = 0;
  };

  RbmOptions rbm_options() const {
    RbmOptions options{.n_sites = lattice_.n_sites(),
                       .density = static_cast<int>(deck_.integer(factor + "density")),
                       .visible_bias = deck_.boolean(factor + "visible_bias"),
                       .width = deck_.real(factor + "width"),
                       .seed = static_cast<std::uint64_t>(deck_.integer("seed"))};
    if (deck_.text(factor + "symmetry") == "translations") options.symmetry = lattice_.translations();
    return options;
  }

  SrOptions sr_options() const {
    const std::string route = deck_.text("solver.route");
    return {.route = route == "dense"          ? SrRoute::dense
                     : route == "sample-space" ? SrRoute::sample_space
                     : route == "matrix-free"  ? SrRoute::matrix_free
                                               : SrRoute::automatic,
            .shift_absolute = deck_.real("solver.shift.absolute"),
            .shift_relative = deck_.real("solver.shift.relative"),
            .tolerance = deck_.real("solver.tolerance")};
  }

  double step_size() const {
    const double start = deck_.real("solver.step");
    if (!deck_.has("solver.step_end") || n_steps_ < 2) return start;
    return start * std::pow(deck_.real("solver.step_end") / start, static_cast<double>(step_) / static_cast<double>(n_steps_ - 1));
  }

  /// Chains are dealt to the ranks in units whose samples fill whole blocks of rows.
  void layout_chains() {
    const std::int64_t chains = deck_.integer("sampler.chains");
    const std::int64_t samples = deck_.integer("sampler.samples");
    if (samples % chains != 0) deck_.refuse("sampler.samples", fmt::format("{} is not a multiple of {} chains", samples, chains), "a multiple of chains");
    per_chain_ = samples / chains;
    const std::int64_t unit = rows_per_block / std::gcd(rows_per_block, per_chain_);
    const std::int64_t units = (chains + unit - 1) / unit;
    if (comm_.size() > units) {
      deck_.refuse("sampler.chains", fmt::format("{} chains make {} blocks, too few for {} ranks", chains, units, comm_.size()), "more chains or fewer ranks");
    }
    const RowRange share = share_of(units, comm_.rank(), comm_.size());
    const std::int64_t first = share.first * unit;
    chains_ = {chains, first, std::min(chains, (share.first + share.count) * unit) - first};
    rows_ = {samples, chains_.first * per_chain_, chains_.count * per_chain_};
    local_samples_ = rows_.count;
    walkers_ = rbm_.make_batch(chains_.count);
    samples_ = rbm_.make_batch(local_samples_);
    counts_ = Kokkos::View<std::int64_t* [2]>("koushi::study::counts", static_cast<std::size_t>(chains_.count));
  }

  /// The Hamiltonian's moves first, then the sampler's own.
  void layout_moves() {
    moves_ = hamiltonian_.moves;
    const double exchange = deck_.has("sampler.moves.exchange") ? deck_.real("sampler.moves.exchange") : 0.0;
    const double flip = deck_.has("sampler.moves.flip") ? deck_.real("sampler.moves.flip") : 0.0;
    if (exchange + flip <= 0) deck_.refuse("sampler.moves", "no move has a positive weight", "moves = { exchange = 1.0 } or { flip = 1.0 }");
    conserves_ = flip == 0;
    const bool flips_in_h = !hamiltonian_.moves.empty() && hamiltonian_.moves[0].j < 0;
    if (conserves_ && flips_in_h) deck_.refuse("sampler.moves", "exchanges alone keep the magnetisation, which this Hamiltonian does not", "flip > 0");
    double sum = 0;
    const auto add = [&](double weight, const std::vector<SpinMove>& list) {
      if (weight <= 0) return;
      sum += weight / (exchange + flip);
      kinds_.first[kinds_.n_kinds] = static_cast<int>(moves_.size());
      kinds_.count[kinds_.n_kinds] = static_cast<int>(list.size());
      kinds_.cumulative[kinds_.n_kinds++] = sum;
      moves_.insert(moves_.end(), list.begin(), list.end());
    };
    std::vector<SpinMove> pairs;
    for (const Bond& b : lattice_.bonds()) {
      if (b.shell <= deck_.integer("sampler.range")) pairs.push_back({b.i, b.j});
    }
    std::vector<SpinMove> sites;
    for (int i = 0; i < lattice_.n_sites(); ++i) sites.push_back({i, -1});
    add(exchange, pairs);
    add(flip, sites);
    const int n = lattice_.n_sites();
    const std::int64_t m = deck_.integer("sampler.magnetization");
    if (conserves_ && (std::abs(m) > n || (n + m) % 2 != 0)) {
      deck_.refuse("sampler.magnetization", fmt::format("{} cannot be the sum of {} spins +-1", m, n), "an integer of the parity of the number of sites");
    }
  }

  /// Random configurations of the wanted magnetisation (or any, where flips are made), by global chain number.
  void start_chains() {
    const int n = lattice_.n_sites();
    const auto up = static_cast<int>((n + deck_.integer("sampler.magnetization")) / 2);
    const auto spins = Kokkos::create_mirror_view(walkers_.spins);
    for (int w = 0; w < static_cast<int>(chains_.count); ++w) {
      for (int i = 0; i < n; ++i) spins(w, i) = i < up ? 1 : -1;
      for (int i = n - 1; i > 0; --i) {  // Fisher-Yates
        const auto r = philox(seed_, RandomPurpose::initial_configurations, 0, static_cast<std::uint64_t>(chains_.first + w), static_cast<std::uint32_t>(i));
        std::swap(spins(w, i), spins(w, uniform_below(r.word[0], i + 1)));
      }
    }
    Kokkos::deep_copy(walkers_.spins, spins);
    rbm_.refresh(walkers_);
    advance(warm_up_step, 0, 20 * lattice_.n_sites(), rbm_.tables(moves_));
  }

  void advance(std::uint64_t step, std::int64_t first_draw, int proposals, const RbmTables<is_complex>& tables) {
    metropolis(Kokkos::DefaultExecutionSpace{}, tables, kinds_, walkers_.spins, walkers_.t, counts_, seed_, step, chains_.first,
               static_cast<int>(first_draw), proposals);
  }

  void sample(std::uint64_t step, const RbmTables<is_complex>& tables, int attempt = 0) {
    tables_ = tables;
    rbm_.refresh(walkers_);
    const int proposals = std::max(1, static_cast<int>(std::lround(deck_.real("sampler.sweeps") * lattice_.n_sites())));
    Kokkos::deep_copy(counts_, 0);
    const auto walkers = walkers_;
    const auto samples = samples_;
    const int columns = rbm_.table_columns();
    const int sites = lattice_.n_sites();
    const int per_chain = static_cast<int>(per_chain_);
    for (int m = 0; m < per_chain; ++m) {
      advance(step, (static_cast<std::int64_t>(attempt) * per_chain + m) * proposals, proposals, tables);
      Kokkos::parallel_for(
          "koushi::study::keep_samples", Kokkos::RangePolicy<>(0, static_cast<int>(chains_.count)), KOKKOS_LAMBDA(int w) {
            for (int i = 0; i < sites; ++i) samples.spins(w * per_chain + m, i) = walkers.spins(w, i);
            for (int j = 0; j < columns; ++j) samples.t(w * per_chain + m, j) = walkers.t(w, j);
          });
    }
    Kokkos::fence("koushi::study::sampled");
    phases_.lap("sampling", static_cast<double>(chains_.count * per_chain_ * proposals), "proposals/rank");
  }

  std::vector<std::complex<double>> energies_of_samples() {
    Kokkos::View<Complex*> energies("koushi::study::energies", static_cast<std::size_t>(local_samples_));
    local_energies(Kokkos::DefaultExecutionSpace{}, tables_, terms_, samples_.spins, samples_.t, energies);
    const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, energies);
    std::vector<std::complex<double>> result;
    for (std::size_t s = 0; s < host.extent(0); ++s) result.emplace_back(host(s).real(), host(s).imag());
    phases_.lap("local energies", static_cast<double>(local_samples_), "samples/rank");
    return result;
  }

  /// All ranks' sums run over the gathered series, in chain order.
  Summary summarise(const std::vector<std::complex<double>>& energies) {
    std::vector<double> real;
    std::vector<double> square;
    for (const auto& e : energies) {
      real.push_back(e.real());
      square.push_back(std::norm(e));
    }
    const std::vector<double> all = comm_.all_gather(real);
    const std::vector<double> squares = comm_.all_gather(square);
    std::vector<double> means;
    for (std::int64_t c = 0; c < chains_.total; ++c) {
      double mean = 0;
      for (std::int64_t t = 0; t < per_chain_; ++t) mean += all[static_cast<std::size_t>(c * per_chain_ + t)];
      means.push_back(mean / static_cast<double>(per_chain_));
    }
    const Estimate estimate = estimate_from_chain_means(means);
    Summary summary{estimate.value, estimate.error, 0, split_r_hat(all, chains_.total), 0};
    for (const double s : squares) summary.variance += s / static_cast<double>(squares.size());
    summary.variance -= summary.energy * summary.energy;
    const auto counts = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, counts_);
    std::vector<double> local(2);
    for (std::size_t w = 0; w < counts.extent(0); ++w) {
      local[0] += static_cast<double>(counts(w, 0));
      local[1] += static_cast<double>(counts(w, 1));
    }
    const std::vector<double> totals = comm_.all_gather(local);
    double accepted = 0;
    double proposed = 0;
    for (std::size_t r = 0; r < totals.size(); r += 2) {
      accepted += totals[r];
      proposed += totals[r + 1];
    }
    summary.acceptance = proposed > 0 ? accepted / proposed : 0;
    phases_.lap("statistics");
    return summary;
  }

  bool bad(const Summary& now) const {
    if (!std::isfinite(now.energy) || !std::isfinite(now.variance)) return true;
    return now.energy - previous_energy_ > 3 * std::sqrt(previous_variance_) && !previous_parameters_.empty();
  }

  void record(const Summary& now, const SrReport& report) {
    const auto add = [&](const std::string& name, const std::string& unit, const std::string& help, double value) {
      auto found = std::find_if(history_.begin(), history_.end(), [&](const Series& s) { return s.name == name; });
      if (found == history_.end()) found = history_.insert(history_.end(), {name, unit, help, {}});
      found->values.push_back(value);
    };
    add("step", "", "number of the step, from 0", static_cast<double>(step_));
    add("energy", "J", "mean local energy", now.energy);
    add("energy_error", "J", "standard error from the means of the chains", now.error);
    add("variance", "J^2", "variance of the local energy", now.variance);
    add("r_hat", "", "split R-hat of the local energy in this step", now.r_hat);
    add("acceptance", "", "accepted among proposals that change the configuration", now.acceptance);
    add("v_score", "", "N Var(E) / E^2", v_score(lattice_.n_sites(), now.energy, now.variance, 0));
    add("step_size", "", "eta", step_size());
    add("shift", "", "lambda of S + lambda", report.shift);
    add("solver_iterations", "", "Krylov iterations", report.iterations);
    add("solver_residual", "", "relative residual of (S + lambda) delta = F", report.residual);
  }

  void measure() {
    const std::int64_t wanted = deck_.integer("study.measure.samples");
    if (wanted == 0) return;
    const auto tables = rbm_.tables(moves_);
    rbm_.refresh(walkers_);
    advance(measurement_step - 1, 0, static_cast<int>(deck_.integer("study.measure.warm_up")) * lattice_.n_sites(), tables);
    const std::int64_t rounds = (wanted + rows_.total - 1) / rows_.total;
    std::vector<double> local(static_cast<std::size_t>(chains_.count * per_chain_ * rounds));
    for (std::int64_t r = 0; r < rounds; ++r) {
      sample(measurement_step + static_cast<std::uint64_t>(r), tables);
      const auto energies = energies_of_samples();
      for (std::int64_t c = 0; c < chains_.count; ++c) {
        for (std::int64_t t = 0; t < per_chain_; ++t) {
          local[static_cast<std::size_t>((c * rounds + r) * per_chain_ + t)] = energies[static_cast<std::size_t>(c * per_chain_ + t)].real();
        }
      }
    }
    energy_ = gamma_method(comm_.all_gather(local), chains_.total);
    warnings_ = warnings(energy_, rounds * per_chain_);
    phases_.lap("statistics");
  }

  void checkpoint(const std::string& status) {
    ResultWriter writer(comm_);
    writer.write("deck/text", deck_.source());
    writer.write("deck/resolved", deck_.resolved());
    char host[256] = {};
    gethostname(host, sizeof host - 1);
    writer.write("provenance/version", std::string(KOUSHI_VERSION));
    writer.write("provenance/host", std::string(host));
    writer.write("provenance/ranks", std::vector<std::int64_t>{comm_.size()});
    writer.write("summary/study", deck_.text("study.kind"));
    writer.write("summary/status", status);
    writer.write("summary/title", deck_.text("title"));
    writer.write("summary/n_sites", std::vector<std::int64_t>{lattice_.n_sites()});
    for (const Series& series : history_) {
      writer.write("history/" + series.name, series.values);
      writer.describe("history/" + series.name, series.unit, series.help);
    }
    for (const auto& row : phases_.rows()) {
      writer.write("timing/phases/" + row.name, std::vector<double>{row.seconds});
      writer.describe("timing/phases/" + row.name, "s", "wall time of this segment of the run");
    }
    if (energy_.samples > 0) {
      for (const double per : {1.0, static_cast<double>(lattice_.n_sites())}) {
        const std::string path = per == 1.0 ? "observables/energy/" : "observables/energy_per_site/";
        writer.write(path + "value", std::vector<double>{energy_.value / per});
        writer.describe(path + "value", "J", "measured with fixed parameters");
        writer.write(path + "error", std::vector<double>{energy_.error / per});
        writer.write(path + "tau_int", std::vector<double>{energy_.tau_int});
        writer.write(path + "r_hat", std::vector<double>{energy_.r_hat});
        writer.write(path + "variance", std::vector<double>{energy_.variance / per / per});
        writer.write(path + "samples", std::vector<std::int64_t>{energy_.samples});
      }
    }
    if (deck_.has("study.reference.energy_per_site")) {
      writer.write("reference/value", std::vector<double>{deck_.real("study.reference.energy_per_site")});
      writer.write("reference/quantity", std::string("energy_per_site"));
      writer.write("reference/source", deck_.has("study.reference.source") ? deck_.text("study.reference.source") : std::string());
    }
    writer.write("state/step", std::vector<std::int64_t>{step_});
    writer.write("state/parameters", rbm_.parameters());
    writer.write("state/previous_parameters", previous_parameters_);
    writer.write("state/previous", std::vector<double>{previous_energy_, previous_variance_});
    const auto spins = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, walkers_.spins);
    writer.write_rows("state/chains", chains_, lattice_.n_sites(),
                      std::vector<std::int8_t>(spins.data(), spins.data() + spins.size()));
    writer.commit(file_);
    phases_.lap("checkpoints");
  }

  void load_parameters(const std::string& key) {
    const std::vector<double> parameters = ResultReader(comm_, deck_.text(key)).read_reals("state/parameters");
    if (static_cast<std::int64_t>(parameters.size()) != rbm_.n_parameters()) {
      deck_.refuse(key, fmt::format("that run has {} parameters", parameters.size()), fmt::format("{} parameters", rbm_.n_parameters()));
    }
    rbm_.set_parameters(parameters);
  }

  /// Fresh start or resume; false if there is nothing to do.
  bool begin() {
    const int exists = comm_.broadcast(access(file_.c_str(), F_OK) == 0 || access((file_ + ".previous").c_str(), F_OK) == 0 ? 1 : 0);
    if (exists != 0 && options_.existing == ExistingResult::refuse) {
      throw UsageError(fmt::format("{} exists already\n  expected: --resume to go on with it, --overwrite to start anew, or --output FILE", file_));
    }
    if (exists != 0 && options_.existing == ExistingResult::resume) return resume();
    if (measure_only_) load_parameters("study.parameters");
    if (deck_.has("study.initial_parameters")) load_parameters("study.initial_parameters");
    start_chains();
    return true;
  }

  bool resume() {
    std::string message;
    const ResultReader reader = open_result_or_previous(comm_, file_, message);
    if (comm_.is_root() && !message.empty()) fmt::print("warning: {}\n", message);
    if (reader.read_text("deck/resolved") != deck_.resolved()) {
      throw UsageError(fmt::format("{} was made with another deck\n  expected: the deck it was started with, or --output FILE", file_));
    }
    if (reader.read_text("summary/status") == "done") {
      if (comm_.is_root()) fmt::print("{} is done: nothing to resume\n", file_);
      return false;
    }
    step_ = reader.read_integers("state/step")[0];
    rbm_.set_parameters(reader.read_reals("state/parameters"));
    previous_parameters_ = reader.read_reals("state/previous_parameters");
    const std::vector<double> previous = reader.read_reals("state/previous");
    previous_energy_ = previous[0];
    previous_variance_ = previous[1];
    const auto chains = reader.read_rows("state/chains", chains_, lattice_.n_sites());
    const auto spins = Kokkos::create_mirror_view(walkers_.spins);
    std::copy(chains.begin(), chains.end(), spins.data());
    Kokkos::deep_copy(walkers_.spins, spins);
    for (const std::string& name : reader.list("history")) {
      history_.push_back({name, reader.unit("history/" + name), "", reader.read_reals("history/" + name)});
    }
    if (comm_.is_root()) fmt::print("resumed {} at step {}\n", file_, step_);
    return true;
  }

  std::string result_text() const {
    std::string text = fmt::format("\n{}\n{} steps, {} parameters, results in {}\n", deck_.text("title"), n_steps_, rbm_.n_parameters(), file_);
    if (energy_.samples == 0) return text;
    const double n = lattice_.n_sites();
    text += fmt::format("E      {} J\nE/N    {} J   (tau_int {:.2f} samples, {} samples, R-hat {:.4f})\nVar/N  {:.4g} J^2   V-score {:.3g}\n",
                        with_error(energy_.value, energy_.error), with_error(energy_.value / n, energy_.error / n), energy_.tau_int,
                        energy_.samples, energy_.r_hat, energy_.variance / n, v_score(lattice_.n_sites(), energy_.value, energy_.variance, 0));
    if (deck_.has("study.reference.energy_per_site")) {
      const double reference = deck_.real("study.reference.energy_per_site");
      const double difference = energy_.value / n - reference;
      text += fmt::format("exact  {} J   deviation {:+.5f} %, {:+.1f} sigma   ({})\n", reference, 100 * difference / std::abs(reference),
                          difference / (energy_.error / n), deck_.has("study.reference.source") ? deck_.text("study.reference.source") : "");
    }
    for (const std::string& warning : warnings_) text += "warning: " + warning + "\n";
    return text;
  }

  const Communicator& comm_;
  const Deck& deck_;
  RunOptions options_;
  std::string file_;
  Lattice lattice_;
  SpinHamiltonian hamiltonian_;
  Rbm<is_complex> rbm_;
  std::uint64_t seed_;
  bool measure_only_;
  std::int64_t n_steps_;
  bool conserves_ = true;
  std::int64_t per_chain_ = 1;
  std::int64_t local_samples_ = 0;
  RowRange chains_;
  RowRange rows_;
  std::vector<SpinMove> moves_;
  ProposalKinds kinds_;
  SpinTerms terms_;
  RbmTables<is_complex> tables_;
  SpinBatch walkers_;
  SpinBatch samples_;
  Kokkos::View<std::int64_t* [2]> counts_;
  std::int64_t step_ = 0;
  std::vector<double> previous_parameters_;
  double previous_energy_ = 0;
  double previous_variance_ = 0;
  std::vector<Series> history_;
  Estimate energy_;
  std::vector<std::string> warnings_;
  PhaseTable phases_;
};

}  // namespace

int run_ground_state(const Communicator& comm, const Deck& deck, const RunOptions& options) {
  if (deck.text(factor + "weights") == "complex") return GroundState<true>(comm, deck, options).run();
  return GroundState<false>(comm, deck, options).run();
}

std::string describe_ground_state(const Communicator& comm, const Deck& deck) {
  if (deck.text(factor + "weights") == "complex") return GroundState<true>(comm, deck, {}).describe();
  return GroundState<false>(comm, deck, {}).describe();
}

}  // namespace koushi
