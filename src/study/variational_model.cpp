#include "koushi/study/variational_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "koushi/base/text.hpp"
#include "koushi/manybody/hamiltonian.hpp"
#include "koushi/manybody/wavefunction_symmetry.hpp"
#include "koushi/study/model.hpp"

namespace koushi {

namespace {

const Charge* fixed_magnetization(const Space& space) {
  for (const Charge& charge : space.charges()) {
    if (charge.name == "magnetization" && charge.value) return &charge;
  }
  return nullptr;
}

}  // namespace

VariationalModel::VariationalModel(const Communicator& comm, const Deck& deck, PhaseTable& phases, int planned_ranks)
    : comm_(comm),
      deck_(deck),
      phases_(phases),
      lattice_(make_lattice(deck)),
      hamiltonian_(make_hamiltonian(deck, lattice_)),
      psi_(make_wavefunction(deck, lattice_, hamiltonian_)),
      sampler_(make_sampler(comm, deck, lattice_, hamiltonian_, *psi_, planned_ranks)),
      terms_(make_terms(hamiltonian_)) {}

VariationalModel::VariationalModel(const Communicator& comm, const Deck& deck, PhaseTable& phases, Lattice lattice,
                                   Operator hamiltonian, std::unique_ptr<Wavefunction> psi,
                                   std::unique_ptr<Sampler> sampler)
    : comm_(comm),
      deck_(deck),
      phases_(phases),
      lattice_(std::move(lattice)),
      hamiltonian_(std::move(hamiltonian)),
      psi_(std::move(psi)),
      sampler_(std::move(sampler)),
      terms_(make_terms(hamiltonian_)) {}

void VariationalModel::draw(std::uint64_t step, int attempt) {
  sampler_->draw(*psi_, step, attempt);
  Kokkos::fence("koushi::study::sampled");
  phases_.lap("sampling", static_cast<double>(sampler_->local_proposals()), "proposals/rank");
}

void VariationalModel::warm_up(std::uint64_t step, std::int64_t first_sweep, std::int64_t sweeps) {
  sampler_->warm_up(*psi_, step, first_sweep, static_cast<int>(sweeps));
  Kokkos::fence("koushi::study::warmed_up");
  phases_.lap("warm-up");
}

std::vector<std::complex<double>> VariationalModel::local_energies() {
  const auto rows = static_cast<std::size_t>(sampler_->rows().count);
  Kokkos::View<Complex*> energies("koushi::study::energies", rows);
  sampler_->for_pieces(*psi_, [&](const Batch& piece, std::int64_t first) {
    const auto count = static_cast<std::int64_t>(piece.states.local.extent(0));
    sampler_->moves().local_energies(Kokkos::DefaultExecutionSpace{}, terms_, piece,
                                     Kokkos::subview(energies, Kokkos::make_pair(first, first + count)));
  });
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, energies);
  std::vector<std::complex<double>> result;
  for (std::size_t s = 0; s < rows; ++s) result.emplace_back(host(s).real(), host(s).imag());
  phases_.lap("local energies", static_cast<double>(rows), "samples/rank");
  return result;
}

ChainMoments VariationalModel::moments(const std::vector<std::complex<double>>& energies) {
  std::vector<double> re;
  std::vector<double> im;
  for (const std::complex<double>& e : energies) {
    re.push_back(e.real());
    im.push_back(e.imag());
  }
  const ChainMoments moments =
      chain_moments(comm_, sampler_->rows(), sampler_->n_chains(), rows_per_block, re, im, sampler_->weights());
  phases_.lap("statistics");
  return moments;
}

RowRange VariationalModel::chains() const {
  const std::int64_t n = sampler_->n_chains();
  if (n == 0) return {};
  const RowRange rows = sampler_->rows();
  const std::int64_t length = rows.total / n;
  return {n, rows.first / length, rows.count / length};
}

double VariationalModel::energy_bound() const { return hamiltonian_.bound(); }

bool VariationalModel::possible(double energy, double error) const {
  const double noise = std::isfinite(error) ? std::min(6 * error, 0.02 * energy_bound()) : 0;
  return std::isfinite(energy) && std::abs(energy) <= energy_bound() * (1 + 1e-9) + noise;
}

std::string VariationalModel::remedy_of_images() const {
  if (psi_->n_images() == 0) return "";
  return "; or one image of a state was at a node of the product of factors, which their sum was not: give orbitals or "
         "pairings a positive width";
}

void VariationalModel::write(Archive& archive) const {
  archive.write("state/parameters", psi_->parameters());
  sampler_->write(archive, "state");
}

void VariationalModel::read(const Archive& archive) {
  psi_->set_parameters(archive.read_reals("state/parameters"));
  sampler_->read(archive, "state");
}

std::string VariationalModel::describe(int ranks, double solver_bytes) const {
  const double rows = static_cast<double>(sampler_->rows().total) / std::max(1, ranks);
  const auto columns = static_cast<double>(psi_->make_batch(0).table.extent(1));
  return fmt::format(
      "lattice      {} sites, {} bonds, {} translations\nstates       {}\nparameters   {} real numbers, {}\nsampler    "
      "  {} samples per "
      "step, {}\n"
      "memory       per rank of {}: {} for weights, {} for samples{}, {} for the table of {} moves, {} for log "
      "derivatives and S\n",
      lattice_.n_sites(), lattice_.bonds().size(), lattice_.translations().size(), hamiltonian_.space().description(),
      psi_->n_parameters(), psi_->description(), sampler_->rows().total,
      sampler_->n_chains() == 0 ? "every state there is" : fmt::format("{} chains", sampler_->n_chains()),
      std::max(1, ranks), format_bytes(hamiltonian_.space().n_places() * columns * 8),
      format_bytes(rows * bytes_per_sample(*psi_, sampler_->keeps_tables())),
      sampler_->keeps_tables() ? "" : " (without tables, which are made again where they are needed)",
      format_bytes(static_cast<double>(hamiltonian_.moves().size()) * psi_->bytes_per_move()),
      hamiltonian_.moves().size(), format_bytes(solver_bytes));
}

void VariationalModel::note_sector(const Charge& magnetization,
                                   const std::function<void(const std::string&)>& note) const {
  const Space& space = hamiltonian_.space();
  double field = 0;  // the uniform part of the linear terms, per unit of the magnetization
  int places = 0;
  for (int p = 0; p < space.n_places(); ++p) {
    const int weight = magnetization.weight[static_cast<std::size_t>(space.flavour_of(p))];
    if (weight == 0) continue;
    field += hamiltonian_.linear()[static_cast<std::size_t>(p)] / weight;
    ++places;
  }
  field /= places;
  double pairs = 0;
  for (const PairTerm& pair : hamiltonian_.pairs()) pairs += pair.weight;
  const std::string sector = fmt::format("the magnetization is fixed at {}{}", *magnetization.value,
                                         deck_.given("sampler.magnetization") ? "" : ", the default");
  if (std::abs(field) > 1e-14) {
    note(
        fmt::format("{}, where a uniform field adds {:.6g} to the energy and changes nothing else: states of another "
                    "sampler.magnetization may lie lower",
                    sector, field * *magnetization.value + 0.0));  // no "-0"
  } else if (pairs < 0 && !deck_.given("sampler.magnetization")) {
    note(sector +
         ": the couplings of S^z are ferromagnetic on the whole, and states of another sampler.magnetization may lie "
         "lower");
  }
}

void VariationalModel::note(const std::function<void(const std::string&)>& note) const {
  if (const int doubles = lattice_.doubled_pairs(lattice_.n_shells()); doubles > 0) {
    note(
        fmt::format("{} pairs of sites are joined by more than one bond of H, around a short periodic direction; all "
                    "bonds are kept, so the couplings add up there",
                    doubles));
  }
  for (const std::string& remark : lattice_.remarks()) note(remark);
  const DeckSection wavefunction(deck_, "wavefunction");
  const auto symmetry = WavefunctionSymmetry::keys().read(wavefunction);
  std::size_t largest = images_of(wavefunction, lattice_, hamiltonian_).size();
  if (largest > 0) {
    const std::string momentum =
        symmetry.momentum ? fmt::format("momentum [{}], ", fmt::join(*symmetry.momentum, ", ")) : "";
    const std::string representation =
        symmetry.representation ? "representation " + *symmetry.representation + ", " : "";
    const std::string inversion = symmetry.spin_inversion == 0  ? ""
                                  : symmetry.spin_inversion > 0 ? "even under spin inversion, "
                                                                : "odd under spin inversion, ";
    note(fmt::format("symmetry: {}{}{}the wavefunction is a sum over {} elements, those that are symmetries of H",
                     momentum, representation, inversion, largest));
  }
  const std::vector<DeckSection> factors = DeckSection(deck_, "").sections("wavefunction.factor");
  for (const DeckSection& factor : factors) {
    std::size_t elements = 1;
    for (const std::string key : {"symmetry", "projection"}) {
      std::size_t found = symmetry_group(factor, lattice_, hamiltonian_, key).size();
      if (found > 0 && factor.has("sublattice")) {
        found =
            sublattice_group(factor, SiteSymmetry::translations, factor.integers("sublattice"), lattice_, hamiltonian_)
                .size();
      }
      if (found == 0) continue;
      if (key == "projection" && found <= elements) {
        note("projection: without effect, the filters have these symmetries already");
        continue;
      }
      elements = found;
      note(fmt::format("{}: the {} is invariant under {} {}, those that are symmetries of H", key,
                       factors.size() == 1 ? "wavefunction" : "factor " + factor.kind(), elements,
                       factor.text(key) == "translations" ? "translations" : "elements of the space group"));
      if (key != "symmetry" || !factor.has("density")) continue;
      const std::int64_t hidden = factor.integer("density") * lattice_.n_sites();
      if (const auto filter = static_cast<std::int64_t>(elements); hidden % filter != 0) {
        note(fmt::format("density: filters of {} hidden units are rounded up to {} of them, {} hidden units", filter,
                         (hidden + filter - 1) / filter, (hidden + filter - 1) / filter * filter));
      }
    }
    largest = std::max(largest, elements);
  }
  if (const std::string remark = psi_->remark(); !remark.empty()) note(remark);
  if (const Charge* magnetization = fixed_magnetization(hamiltonian_.space())) note_sector(*magnetization, note);
  if (psi_->is_positive() && hamiltonian_.space().is_fermionic()) {
    note(
        "the wavefunction has no signs but that of the order of its fermions, which is right for open chains alone: "
        "remedy: a determinant, kind = \"slater\", or complex weights");
  } else if (psi_->is_positive() && hamiltonian_.has_positive_elements()) {
    note(
        "the wavefunction is positive and H has positive off-diagonal elements, so its ground state may change its "
        "sign and be out of reach; remedy: complex weights, or a Marshall rotation where H offers one");
  }
  // Perron and Frobenius: where no element is positive, the ground state is, and so invariant.
  const bool is_asked_for = symmetry.momentum || symmetry.representation || symmetry.spin_inversion != 0;
  if (largest > 1 && !is_asked_for && hamiltonian_.has_positive_elements() && !hamiltonian_.space().is_fermionic()) {
    note(
        "the ground state need not be invariant under these symmetries (ring of 10 spins without marshall: momentum "
        "pi), and is then out of reach; with neither symmetry nor projection it is not");
  }
}

}  // namespace koushi
