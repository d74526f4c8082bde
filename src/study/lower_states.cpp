#include "koushi/study/lower_states.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/statistics/chain_moments.hpp"
#include "koushi/store/damaged_file.hpp"
#include "koushi/study/catalogue.hpp"
#include "koushi/study/measurement.hpp"
#include "koushi/study/model.hpp"
#include "koushi/study/model_keys.hpp"

namespace koushi {

namespace {

/// Random numbers of their chains begin here, away from those of psi.
std::uint64_t first_step(std::size_t i) { return (std::uint64_t{1} << 44U) * (i + 1); }

std::string group_of(std::size_t i) { return fmt::format("state/lower_{}", i); }

}  // namespace

std::vector<Key> lower_states_keys() {
  using namespace declare;
  return {
      key("orthogonal_to", KeyType::texts, "[]",
          "result files of runs of lower states, whose overlap with psi the optimisation makes small: it ends in an "
          "excited state"),
      optional(key("target", KeyType::text, "",
                   "result file of a run whose state psi is to become, with another network or other factors: the "
                   "optimisation makes 1 - |<phi|psi>|^2 small, and the energy is only measured")),
      at_least(positive,
               key("penalty", KeyType::real, "1.0",
                   "energy that is added per overlap |<phi|psi>|^2 with each of these states, in J; it must be "
                   "larger than the gap"))};
}

FinishedState::FinishedState(VariationalModel& model, const std::string& key, const std::string& file,
                             bool same_hamiltonian, std::size_t number)
    : model_(model), file_(file), number_(number) {
  const Deck& deck = model.deck();
  const auto refuse = [&](const std::string& fault, const std::string& expected) {
    deck.refuse(key, fmt::format("{}: {}", file, fault), expected);
  };
  const std::string finished = "the result file of a run of states of this Hamiltonian";
  std::vector<double> parameters;
  std::string resolved;
  try {
    const ResultReader reader(model.comm(), file);
    if (!reader.contains("state/parameters")) refuse("it holds no parameters of a wavefunction", finished);
    if (const std::string status = reader.read_text("summary/status"); status != "done")
      refuse(fmt::format("that run is not finished ({})", status), "a finished run: koushi run --resume");
    parameters = reader.read_reals("state/parameters");
    resolved = reader.read_text("deck/resolved");
  } catch (const DamagedFile&) {
    throw;
  } catch (const StoreError& error) {
    deck.refuse(key, error.what(), finished);
  }
  for (const std::string& path : differing_keys(deck, resolved)) {
    // A rotation of the basis is part of H.
    const bool of_h = path.rfind("hamiltonian.", 0) == 0 && path.find("marshall") == std::string::npos;
    if (is_of_the_model(path) && (same_hamiltonian || !of_h))
      refuse(fmt::format("that run has another {}", path),
             same_hamiltonian ? "a run of the same H and sector" : "a run on the same lattice, in the same sector");
  }
  const Deck theirs = Deck::parse_resolved(resolved, file, {}, catalogue());
  const Lattice lattice = make_lattice(theirs);
  const Operator hamiltonian = make_hamiltonian(theirs, lattice);
  if (hamiltonian.space().description() != model.hamiltonian().space().description())
    refuse(fmt::format("its states are those of {}", hamiltonian.space().description()),
           model.hamiltonian().space().description());
  psi_ = make_wavefunction(theirs, lattice, hamiltonian);
  if (psi_->n_parameters() != static_cast<std::int64_t>(parameters.size()))
    refuse(fmt::format("that run has {} parameters, and its deck makes {}", parameters.size(), psi_->n_parameters()),
           finished);
  psi_->set_parameters(parameters);
  const Sampler& own = model.sampler();
  if (own.proposes() || psi_->can_draw()) {
    sampler_ = make_sampler(model.comm(), deck, model.lattice(), model.hamiltonian(), *psi_);
    return;
  }
  // psi is drawn without chains, and phi cannot be: chains by the moves of H, as many as psi has groups of samples.
  MoveTable table(model.hamiltonian().move_list());
  table.propose(1.0, model.hamiltonian().move_list());
  table.finish();
  sampler_ = std::make_unique<MarkovChains>(model.comm(), *psi_, std::move(table),
                                            ChainOptions{.chains = own.n_chains(),
                                                         .samples = own.rows().total,
                                                         .sweeps = 1,
                                                         .seed = static_cast<std::uint64_t>(deck.integer("seed"))});
}

void FinishedState::start() {
  sampler_->start(*psi_);
  for (std::int64_t made = 0; made < 5 * sweeps_at_once; made += sweeps_at_once)
    sampler_->warm_up(*psi_, first_step(number_) - 1, made, sweeps_at_once);
}

void FinishedState::draw(std::uint64_t step, int attempt) {
  sampler_->draw(*psi_, first_step(number_) + step, attempt);
}

std::complex<double> FinishedState::mean(const Sampler& sampler, const std::vector<std::complex<double>>& values,
                                         double& error) {
  std::vector<double> re;
  std::vector<double> im;
  for (const std::complex<double>& z : values) {
    re.push_back(z.real());
    im.push_back(z.imag());
  }
  const auto moments = [&](const std::vector<double>& a, const std::vector<double>& b) {
    return chain_moments(model_.comm(), sampler.rows(), sampler.n_chains(), rows_per_block, a, b, sampler.weights());
  };
  const ChainMoments of_re = moments(re, im);
  const ChainMoments of_im = moments(im, re);
  error = std::hypot(of_re.error, of_im.error);
  return {of_re.mean, of_im.mean};
}

FinishedState::Ratios FinishedState::ratios() {
  const auto log_ratios = [&](const Batch& at, const Wavefunction& above, const Wavefunction& below) {
    std::vector<std::complex<double>> logs = above.log_amplitudes(at.states);
    const std::vector<std::complex<double>> of_below = below.log_amplitudes(at.states);
    for (std::size_t s = 0; s < logs.size(); ++s) {
      // A state where psi is 0 has no weight: enumeration has such states.
      logs[s] = std::isfinite(of_below[s].real()) ? logs[s] - of_below[s] : -std::numeric_limits<double>::infinity();
    }
    return logs;
  };
  Ratios result;
  result.of_samples = log_ratios(model_.sampler().samples(), *psi_, model_.psi());
  std::vector<std::complex<double>> of_phi = log_ratios(sampler_->samples(), model_.psi(), *psi_);
  double largest = -std::numeric_limits<double>::infinity();
  for (const std::complex<double>& z : result.of_samples) largest = std::max(largest, z.real());
  largest = model_.comm().max(largest);
  if (!std::isfinite(largest)) largest = 0;  // phi is 0 wherever psi was sampled
  for (auto& z : result.of_samples) z = std::exp(z - largest);
  for (auto& z : of_phi) z = std::exp(z + largest);
  double error_of_psi = 0;
  double error_of_phi = 0;
  result.mean = mean(model_.sampler(), result.of_samples, error_of_psi);
  result.inverse = mean(*sampler_, of_phi, error_of_phi);
  result.overlap.value = (result.mean * result.inverse).real();
  result.overlap.error = std::hypot(std::abs(result.inverse) * error_of_psi, std::abs(result.mean) * error_of_phi);
  result.overlap.samples = model_.sampler().rows().total;
  return result;
}

void FinishedState::write(Archive& archive) const {
  archive.write(group_of(number_) + "/parameters", psi_->parameters());
  sampler_->write(archive, group_of(number_));
}

void FinishedState::read(const Archive& archive) {
  const std::vector<double> parameters = archive.read_reals(group_of(number_) + "/parameters");
  if (static_cast<std::int64_t>(parameters.size()) != psi_->n_parameters())
    throw StoreError(file_ + " holds another wavefunction than the one that this run began with");
  psi_->set_parameters(parameters);
  sampler_->read(archive, group_of(number_));
}

LowerStates::LowerStates(VariationalModel& model) : model_(model) {
  const Deck& deck = model.deck();
  const std::vector<std::string> files = deck.texts("study.orthogonal_to");
  if (files.empty() && deck.given("study.penalty"))
    deck.refuse("study.penalty", "it is that of study.orthogonal_to, which names no run", "no penalty");
  for (const std::string& file : files) {
    if (std::count(files.begin(), files.end(), file) > 1)
      deck.refuse("study.orthogonal_to", file + " is named more than once", "every run once");
  }
  if (deck.has("study.target") && !files.empty())
    deck.refuse("study.target", "there are lower states too", "one of the two");
}

void LowerStates::load() {
  const Deck& deck = model_.deck();
  penalty_ = deck.real("study.penalty");
  for (const std::string& file : deck.texts("study.orthogonal_to")) {
    states_.emplace_back(model_, "study.orthogonal_to", file, true, states_.size());
    if (model_.psi().is_positive() && states_.back().psi().is_positive())
      deck.refuse("study.orthogonal_to",
                  file + ": neither its state nor psi changes its sign, so that they cannot be orthogonal",
                  "a wavefunction with signs, as one of complex weights or output");
  }
  is_target_ = deck.has("study.target");
  if (is_target_) states_.emplace_back(model_, "study.target", deck.text("study.target"), false, 0);
  overlaps_.resize(states_.size());
}

void LowerStates::start() {
  for (FinishedState& state : states_) state.start();
}

void LowerStates::draw(std::uint64_t step, int attempt) {
  for (FinishedState& state : states_) state.draw(step, attempt);
  if (!states_.empty()) model_.phases().lap("lower states");
}

void LowerStates::change(std::vector<std::complex<double>>& energies) {
  if (states_.empty()) return;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const FinishedState::Ratios ratios = states_[i].ratios();
    overlaps_[i] = ratios.overlap;
    for (std::size_t s = 0; s < energies.size(); ++s) {
      if (is_target_) {
        energies[s] = std::abs(ratios.mean) > 0 ? -ratios.of_samples[s] / ratios.mean : 0.0;
      } else {
        energies[s] += penalty_ * ratios.inverse * ratios.of_samples[s];
      }
    }
  }
  model_.phases().lap("lower states");
}

void LowerStates::measure(std::uint64_t step) {
  if (measured_ || states_.empty()) return;
  model_.draw(step);
  draw(step);
  std::vector<std::complex<double>> none(static_cast<std::size_t>(model_.sampler().rows().count));
  change(none);
  measured_ = true;
}

std::vector<StoredObservable> LowerStates::observables() const {
  std::vector<StoredObservable> all;
  for (std::size_t i = 0; i < states_.size() && measured_; ++i) {
    StoredObservable o;
    o.name = fmt::format("overlap_{}", i);
    o.help = "|<phi|psi>|^2 / (<phi|phi> <psi|psi>) with the state of " + states_[i].file();
    o.value = overlaps_[i].value;
    o.error = overlaps_[i].error;
    o.samples = overlaps_[i].samples;
    all.push_back(std::move(o));
  }
  return all;
}

void LowerStates::write(Archive& archive) const {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    states_[i].write(archive);
    const Estimate& o = overlaps_[i];
    if (measured_)
      archive.write(group_of(i) + "/overlap", std::vector<double>{o.value, o.error, static_cast<double>(o.samples)});
  }
}

void LowerStates::read(const Archive& archive) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    states_[i].read(archive);
    if (!archive.contains(group_of(i) + "/overlap")) continue;
    const std::vector<double> o = archive.read_reals(group_of(i) + "/overlap");
    overlaps_[i].value = o.at(0);
    overlaps_[i].error = o.at(1);
    overlaps_[i].samples = static_cast<std::int64_t>(o.at(2));
    measured_ = true;
  }
}

}  // namespace koushi
