#pragma once

#include <memory>
#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"
#include "koushi/field/field_action.hpp"
#include "koushi/field/updater.hpp"

namespace koushi {

/// Sections [lattice] and [action] of studies of lattice fields, [[updater]] of those that sample them, [path] of
/// those among them that do so in the parameters of networks.
std::vector<Section> field_sections(const std::vector<std::string>& sampling, const std::vector<std::string>& solving,
                                    const std::vector<std::string>& networks);

/// The real numbers that some kind of [action] takes, as "action.beta".
std::vector<std::string> action_numbers();

/// The lattice of a deck and its replicas, not divided over ranks yet. Errors: DeckError.
GridOptions grid_options(const Deck& deck);

/// The lattice of a deck, its replicas and their division over the ranks. Errors: DeckError.
Grid make_grid(const Communicator& comm, const Deck& deck);

/// Numbers that the theory of [action] and its updaters keep per site, all arrays together.
double numbers_per_site(const Deck& deck);
/// Bytes of all of them, in all replicas on all ranks.
double bytes_of_fields(const Deck& deck);

/// The theory of [action]. Errors: DeckError.
std::unique_ptr<FieldTheory> make_field_theory(const Deck& deck, const Grid& grid);

/// The series of the correlator at momentum n, in runs of a deck with study.momenta: p and -p have the same, with
/// average_momenta all that are averaged; empty if there is none.
std::string series_at_momentum(const Deck& deck, const Grid& grid, const std::vector<int>& n);

}  // namespace koushi
