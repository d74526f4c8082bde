#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "koushi/deck/kind.hpp"
#include "koushi/field/field_theory.hpp"
#include "koushi/field/path_options.hpp"

namespace koushi {

/// A number of [action] on which S depends, S = S_0 + p V factor (mean of the series): what ladders may vary and
/// reweighting may move.
struct Coupling {
  std::string key;       ///< of [action], as "beta"
  std::string series{};  ///< that gives dS/dp; empty where no measured one does
  double factor = 1;     ///< dS/dp / V = factor * series
  int degree = 0;        ///< of dS/dp in phi; 0 where phi cannot be scaled
};

/// What an action asks of a grid.
struct GridNeeds {
  int range = 1;               ///< longest step in one direction
  int numbers = 1;             ///< per site, of the field that kernels read at neighbours
  bool split_rows = false;     ///< even sites of a row before odd ones, where that can be
  bool fixed_ends = false;     ///< the boundary "fixed" has a meaning
  std::string undivided = "";  ///< why ranks may not divide a lattice; empty: they may
};

/// Averages over slices of the first direction, and what connects their correlator.
struct SliceCorrelator {
  double spacing = 1;       ///< time between two slices
  double mean_factor = 1;   ///< <phi>^2 of all components over that of the first
  bool has_source = false;  ///< a term linear in phi gives it a mean
};

/// The Gaussian part of the action of a scalar field along the first direction,
/// S = stiffness sum_t { (phi_{t+1} - phi_t)^2 + mass^2 phi^2 } + ...
struct GaussianPart {
  double stiffness = 1;
  double mass = 0;          ///< of the spectrum, or what comes near it; per step
  bool mid_points = false;  ///< phi^2 is that of the middle of a step
  double spacing = 1;       ///< time of a step
  double ends[2] = {0, 0};  ///< values before and behind a line, where they are fixed
};

/// An action as a deck has it, before there is a grid: what others must know of it, and how its theory is made.
struct FieldAction {
  GridNeeds grid{};
  double numbers_per_site = 0;  ///< of memory, all arrays together
  int components = 1;           ///< numbers per site of the field
  bool has_modulus = false;     ///< |phi| is a variable, which clusters of signs leave as it is
  std::vector<Coupling> couplings{};
  std::optional<SliceCorrelator> correlator{};
  std::optional<GaussianPart> gaussian{};  ///< of actions whose theory is a ScalarTheory
  /// What configurations are, in a word: those of two actions with the same word can start each other if also the keys
  /// of [action] in `configuration_keys` agree.
  std::string configuration{};
  std::vector<std::string> configuration_keys{};
  std::string note{};       ///< what `koushi check` says of it besides, as whole lines
  std::string variables{};  ///< the parameters of networks of which configurations are made; empty: of the field itself
  std::optional<PathOptions> path{};  ///< what its one coordinate does, where the theory is a path
  std::function<std::unique_ptr<FieldTheory>(const Grid&)> make{};  ///< Errors: DeckError, UsageError
};

/// What [action] kind can be. `make` gets the section and the lattice as the deck has it: extents, boundary, replicas.
using ActionKinds = Kinds<FieldAction, const GridOptions&>;
ActionKinds& action_kinds();

/// The action of a deck. Errors: DeckError.
FieldAction field_action(const Deck& deck);
/// The path of one coordinate that the action of a deck is. Errors: DeckError where it is none.
PathOptions required_path(const Deck& deck);

}  // namespace koushi
