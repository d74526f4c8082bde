#include <fmt/format.h>

#include <cmath>

#include "ground_state_run.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/study/hamiltonians.hpp"

namespace koushi {

SrRoute GroundState::route() const {
  const SrRoute asked = sr_schedule(deck_, 0, 1).options.route;
  return asked == SrRoute::automatic ? automatic_route(n_unknowns(), sampler_->rows().total) : asked;
}

/// Of one rank: its share of the factor; in sample space also the rows of all; dense, also its rows as real and
/// imaginary parts and the whole of S.
double GroundState::solver_bytes(int ranks) const {
  const double samples = static_cast<double>(sampler_->rows().total);
  const double planes = psi_->holomorphic() ? 2 : 1;
  const double columns = static_cast<double>(n_unknowns());
  if (route() == SrRoute::matrix_free || samples == 0) return 0;
  // the rows of all ranks
  if (route() == SrRoute::sample_space) return 4 * planes * samples * samples / ranks + samples * psi_->bytes_per_row();
  return 8 * planes * (samples * columns / ranks + columns * columns / 2 * (1 + 1.0 / ranks));
}

void GroundState::note_symmetries(const std::function<void(const std::string&)>& note) const {
  const auto hidden = static_cast<std::int64_t>(deck_.integer("wavefunction.factor.0.density")) * lattice_.n_sites();
  std::size_t elements = 1;
  for (const std::string key : {"symmetry", "projection"}) {
    const std::string name = deck_.text("wavefunction.factor.0." + key);
    if (name == "none") continue;
    const std::size_t found = symmetry_group(deck_, lattice_, hamiltonian_, key).size();
    if (key == "projection" && found <= elements) {
      note("projection: without effect, the filters have these symmetries already");
      continue;
    }
    elements = found;
    note(fmt::format("{}: the wavefunction is invariant under {} {}, those that are symmetries of H", key, elements,
                     name == "translations" ? "translations" : "elements of the space group"));
    if (const auto filter = static_cast<std::int64_t>(elements); key == "symmetry" && hidden % filter != 0) {
      note(fmt::format("density: filters of {} hidden units are rounded up to {} of them, {} hidden units", filter,
                       (hidden + filter - 1) / filter, (hidden + filter - 1) / filter * filter));
    }
  }
  // Perron and Frobenius: where no element is positive, the ground state is, and so invariant.
  if (elements > 1 &&
      std::any_of(hamiltonian_.elements.begin(), hamiltonian_.elements.end(), [](double x) { return x > 0; })) {
    note(
        "the ground state need not be invariant under these symmetries (ring of 10 spins without marshall: momentum "
        "pi), and is then out of reach; with neither symmetry nor projection it is not");
  }
}

RunEstimate GroundState::describe(int ranks) {
  const double rows = static_cast<double>(sampler_->rows().total) / std::max(1, ranks);
  const auto columns = static_cast<double>(sampler_->samples().table.extent(1));
  const double solver = measure_only_ ? 0 : solver_bytes(std::max(1, ranks)) + rows * psi_->bytes_per_row();
  RunEstimate estimate;
  std::string& text = estimate.text;
  text = fmt::format(
      "lattice      {} sites, {} bonds, {} translations\nparameters   {} real numbers, {}\nsampler      {} samples per "
      "step, {}\n"
      "memory       per rank of {}: {} for weights, {} for samples, {} for the table of {} moves, {} for log "
      "derivatives and S\n",
      lattice_.n_sites(), lattice_.bonds().size(), lattice_.translations().size(), psi_->n_parameters(),
      psi_->description(), sampler_->rows().total,
      sampler_->n_chains() == 0 ? "every state there is" : fmt::format("{} chains", sampler_->n_chains()),
      std::max(1, ranks), format_bytes(lattice_.n_sites() * columns * 8),
      format_bytes(rows * (columns * 8 + lattice_.n_sites())),
      format_bytes(static_cast<double>(hamiltonian_.moves.size()) * columns * 16), hamiltonian_.moves.size(),
      format_bytes(solver));
  if (!measure_only_) {
    const std::string kind = psi_->holomorphic() ? "complex" : "real";
    text += fmt::format("solver       {}\n",
                        route() == SrRoute::dense ? fmt::format("dense {} matrix of {} parameters", kind, n_unknowns())
                        : route() == SrRoute::sample_space
                            ? fmt::format("dense {} matrix of {} samples", kind, sampler_->rows().total)
                            : std::string("matrix-free iterations"));
  }
  const auto note = [&](const std::string& remark) { text += "note         " + remark + "\n"; };
  if (const int doubles = lattice_.doubled_pairs(hamiltonian_kind(deck_).shells(deck_)); doubles > 0) {
    note(
        fmt::format("{} pairs of sites are joined by more than one bond of H, around a short periodic direction; all "
                    "bonds are kept, so the couplings add up there",
                    doubles));
  }
  for (const std::string& remark : lattice_.remarks()) note(remark);
  note_symmetries(note);
  if (sampler_->n_chains() > 0 && ranks > sampler_->most_ranks()) {
    estimate.misfit =
        fmt::format("the samples can be shared by {} ranks at most: `run` will refuse {}; more samples or chains",
                    sampler_->most_ranks(), ranks);
    note(estimate.misfit);
  }
  if (const std::string fault = run_.fault_of_output(); !fault.empty()) note(fault);
  for (const std::string key : {"study.parameters", "study.initial_parameters"}) {
    if (!deck_.has(key)) continue;
    try {
      load_parameters(key);
    } catch (const DeckError& error) {  // the run that makes them may still be to come
      note(split_lines(error.what()).front());
    }
  }
  if (ranks > 0 && estimate.misfit.empty() && !measure_only_) {
    sampler_->start(*psi_);
    phases_.start();
    draw(0);
    const auto energies = energies_of_samples();
    summarise(energies);
    update(energies);
    double shared = 0;
    double alone = 0;
    for (const auto& row : phases_.rows())
      (row.name == "statistics" || (row.name == "solver" && route() == SrRoute::matrix_free) ? alone : shared) +=
          row.seconds;
    shared *= static_cast<double>(comm_.size()) / ranks;
    text += fmt::format(
        "time         {} per step on {} ranks of this processor: {} shared out, {} not (one step was made here)\n",
        format_seconds(shared + alone), ranks, format_seconds(shared), format_seconds(alone));
    const double rounds = sampler_->n_chains() == 0
                              ? 1
                              : std::ceil(static_cast<double>(deck_.integer("study.measure.samples")) /
                                          static_cast<double>(sampler_->rows().total));
    estimate.step_seconds = shared + alone;
    estimate.seconds = static_cast<double>(n_steps_) * estimate.step_seconds + rounds * shared;
  }
  return estimate;
}

RunEstimate describe_ground_state(const Communicator& comm, const Deck& deck, int ranks) {
  return GroundState(comm, deck, {}).describe(ranks);
}

}  // namespace koushi
