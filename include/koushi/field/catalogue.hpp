#pragma once

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"
#include "koushi/field/field_theory.hpp"
#include "koushi/field/hmc.hpp"

namespace koushi {

/// Sections [lattice], [action] and [[updater]] of studies of lattice fields.
std::vector<Section> field_sections(const std::vector<std::string>& studies);

/// The lattice of a deck and its replicas, not divided over ranks yet. Errors: DeckError.
GridOptions grid_options(const Deck& deck);

/// The lattice of a deck, its replicas and their division over the ranks. Errors: DeckError.
Grid make_grid(const Communicator& comm, const Deck& deck);

/// Numbers that the theory of [action] keeps per site, all its arrays together.
double numbers_per_site(const Deck& deck);
/// Bytes of all of them, in all replicas on all ranks.
double bytes_of_fields(const Deck& deck);

/// The theory of [action]. Errors: DeckError.
std::unique_ptr<FieldTheory> make_field_theory(const Deck& deck, const Grid& grid);

/// The series of the correlator at momentum n, in runs of a deck with study.momenta: p and -p have the same, with
/// average_momenta all that are averaged; empty if there is none.
std::string series_at_momentum(const Deck& deck, const Grid& grid, const std::vector<int>& n);

/// One entry of [[updater]] at work.
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
  virtual double update(FieldTheory& theory, std::uint64_t step) = 0;
  virtual void tune(double) {}
  /// What helps against an acceptance that is far too low, or too high; empty where it is nothing to warn of.
  virtual std::string remedy(bool /*low*/) const { return ""; }
  /// What is tuned: the state of the updater.
  virtual std::vector<double> state() const { return {}; }
  virtual void set_state(const std::vector<double>&) {}
  /// e^{-dH} of the last update, mean over all replicas; NaN where there is no H.
  virtual double mean_weight() const { return std::numeric_limits<double>::quiet_NaN(); }
  virtual std::string description() const = 0;
  int repetitions = 1;  ///< per sweep
};

/// In the order of the deck; null where the replicas of a ladder are exchanged, which is no update of one theory.
std::vector<std::unique_ptr<Updater>> make_updaters(const Deck& deck, const FieldTheory& theory);

}  // namespace koushi
