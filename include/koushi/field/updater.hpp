#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "koushi/deck/kind.hpp"
#include "koushi/field/capabilities.hpp"

namespace koushi {

/// One entry of [[updater]] at work on one theory.
///
/// During the warm-up tune() moves the step size or the width towards the target acceptance, by log x += (acceptance -
/// target) gain with a gain that falls as 1 / sqrt(number of calls): a function of the chain alone, so it is the same
/// on any number of ranks.
/// Source  H. Robbins, S. Monro, Ann. Math. Stat. 22, 400 (1951)
class Updater {
 public:
  virtual ~Updater() = default;
  /// Updates every replica; `step` keys the random numbers. Returns the mean acceptance over all replicas, of clusters
  /// the flipped fraction of the sites. Collective.
  virtual double update(std::uint64_t step) = 0;
  virtual void tune(double) {}
  /// What helps against an acceptance that is far too low, or too high; empty where it is nothing to warn of.
  virtual std::string remedy(bool /*low*/) const { return ""; }
  /// What is tuned: the state of the updater.
  virtual std::vector<double> state() const { return {}; }
  virtual void set_state(const std::vector<double>&) {}
  /// The mean of e^{-dH} over all replicas in the last update; NaN where there is no H.
  virtual double mean_weight() const { return std::numeric_limits<double>::quiet_NaN(); }
  virtual std::string description() const = 0;
  int repetitions = 1;  ///< per sweep
};

/// A ladder of theories that differ in one number of [action], as a deck asks for it.
struct LadderRequest {
  std::string parameter;  ///< "action.beta"
  std::vector<double> values;
};

/// An entry of [[updater]] as a deck has it, before there is a theory: what others must know of it, and how it is made.
struct FieldUpdate {
  int repetitions = 1;
  bool changes_action = true;                       ///< false: S stays as it is
  bool changes_modulus = true;                      ///< false: |phi| stays as it is
  int arrays = 0;                                   ///< of the field's size that it adds to memory
  int numbers = 0;                                  ///< per site that it adds besides
  bool undivided_line = false;                      ///< a lattice of one direction stays on one rank
  std::function<bool(const FieldTheory&)> suits{};  ///< whether a theory has what it needs; empty: not to be offered
  std::optional<LadderRequest> ladder{};            ///< of updaters that exchange theories; they make no Updater
  std::function<std::unique_ptr<Updater>(FieldTheory&)> make{};  ///< keeps the reference. Errors: DeckError, UsageError
};

/// What [[updater]] kind can be.
using UpdaterKinds = Kinds<FieldUpdate>;
UpdaterKinds& updater_kinds();

/// The entries of [[updater]], in the order of the deck.
std::vector<FieldUpdate> field_updates(const Deck& deck);

/// The updaters of one theory, at work on it, in the order of the deck; null where the rungs of a ladder are exchanged.
/// The theory must stay where it is. Errors: DeckError, also for updaters that together leave something as it was for
/// ever.
std::vector<std::unique_ptr<Updater>> make_updaters(const Deck& deck, FieldTheory& theory);

/// Whether a theory has a capability: FieldUpdate::suits of updaters that need one.
template <typename Capability>
bool has(const FieldTheory& theory) {
  return dynamic_cast<const Capability*>(&theory) != nullptr;
}

/// Refuses an updater at its kind for a capability that its theory has not, with the updaters that suit the theory.
[[noreturn]] void refuse_updater(const DeckSection& section, const FieldTheory& theory, const std::string& missing);

/// A capability that an updater needs. Errors: DeckError, by refuse_updater().
template <typename Capability>
Capability& needed(const DeckSection& section, FieldTheory& theory) {
  auto* const found = dynamic_cast<Capability*>(&theory);
  if (found == nullptr) refuse_updater(section, theory, Capability::capability_name);
  return *found;
}

/// A count of all ranks over that of all sites and `per_site` updates of each. Collective.
double fraction_of_sites(const Grid& grid, std::int64_t mine, int per_site);

}  // namespace koushi
