#include "koushi/study/variational_results.hpp"

#include <fmt/format.h>

#include <cmath>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/study/parameters_file.hpp"

namespace koushi {

void write_known_energy(ResultWriter& writer, const Deck& deck) {
  if (!has_reference(deck, "energy_per_site")) return;
  writer.write("reference/value", std::vector<double>{deck.real("study.reference.energy_per_site")});
  writer.write("reference/quantity", std::string("energy_per_site"));
  writer.write("reference/source",
               deck.has("study.reference.source") ? deck.text("study.reference.source") : std::string());
}

void write_energy(ResultWriter& writer, const StoredObservable& energy, double n_sites) {
  write_observable(writer, "", energy);
  StoredObservable per_site = energy;
  per_site.name = std::string("energy_per_site");
  per_site.value /= n_sites;
  per_site.error /= n_sites;
  per_site.help.append(", per site");
  write_observable(writer, "", per_site);
}

std::string known_energy_text(const Deck& deck, double per_site, double error) {
  if (!has_reference(deck, "energy_per_site"))
    return deck.has("study.reference.energy_per_site") ? outdated_reference_line(deck) : std::string();
  const double reference = deck.real("study.reference.energy_per_site");
  return fmt::format(
      "known  {} J   deviation {}{}\n", reference,
      deviation_text(per_site, std::isfinite(error) ? error : 0, reference, 0),
      deck.has("study.reference.source") ? fmt::format("   ({})", deck.text("study.reference.source")) : "");
}

std::string variational_result_text(const StudyRun& run, const VariationalModel& model, const Measurement& measurement,
                                    const std::vector<StoredObservable>& others, std::int64_t n_steps) {
  const Deck& deck = model.deck();
  std::string text = fmt::format("\n{}\n{} steps, {} parameters, results in {}\n", deck.text("title"), n_steps,
                                 model.psi().n_parameters(), run.file());
  if (measurement.observables().empty()) return text;
  const double n = model.n_sites();
  const Estimate& energy = measurement.energy();
  const double error = measurement.quoted_error();
  const double score = v_score(model.lattice().n_sites(), energy.value, energy.variance,
                               model.hamiltonian().infinite_temperature_value());
  text += fmt::format(
      "E      {} J\nE/N    {} J   (tau_int {:.2f} samples, {} samples, R-hat {:.4f})\nVar/N  {:.4g} J^2   V-score {}\n",
      with_error(energy.value, error), with_error(energy.value / n, error / n), energy.tau_int, energy.samples,
      energy.r_hat, energy.variance / n, std::isfinite(score) ? fmt::format("{:.3g}", score) : "not defined for E = 0");
  text += known_energy_text(deck, energy.value / n, error / n);
  const auto line = [&](const StoredObservable& o) {
    text += fmt::format("{:<28}{:>22} {}\n", o.name, with_error(o.value, o.error), o.unit);
  };
  constexpr std::size_t printed = 2;  // the energy and that per site
  for (std::size_t k = printed; k < measurement.observables().size(); ++k) line(measurement.observables()[k]);
  for (const StoredObservable& o : others) line(o);
  return text + run.warning_lines();
}

void note_model(const StudyRun& run, VariationalModel& model, int ranks, const std::string& parameters_key,
                bool may_grow, RunEstimate& estimate) {
  const auto note = [&](const std::string& remark) { estimate.text += "note         " + remark + "\n"; };
  model.note(note);
  if (model.sampler().n_chains() > 0 && ranks > model.sampler().max_ranks()) {
    estimate.rejection =
        fmt::format("the samples can be shared by {} ranks at most: `run` will refuse {}; more samples or chains",
                    model.sampler().max_ranks(), ranks);
    note(estimate.rejection);
  }
  if (const std::string fault = run.fault_of_output(); !fault.empty()) note(fault);
  if (!model.deck().has(parameters_key)) return;
  try {
    if (const std::string anew = load_parameters(model, parameters_key, may_grow); !anew.empty()) note(anew);
  } catch (const DeckError& error) {  // the run that makes them may still be to come
    note(split_lines(error.what()).front());
  }
}

}  // namespace koushi
