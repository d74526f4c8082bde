#pragma once

#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"

namespace koushi {

/// Whether a key of a deck says what is computed: it is of the lattice, the action or the Hamiltonian, or names the
/// sector of states that the sampler stays in.
bool is_of_the_model(const std::string& key);

/// Whether a deck names the sector of its states instead of leaving it at its default.
bool names_a_sector(const Deck& deck);

/// Whether a key says how a run was made (title, seed, [output], [study], [solver], [sampler], [[updater]], replicas,
/// ranks) and not what it is of.
bool is_bookkeeping(const std::string& key);

/// Keys whose values differ from those of another deck's resolved() in what they mean: not those that stand at their
/// default here and that the other one, of an earlier version, does not have; nor boundaries that are the same in other
/// words ([] and ["periodic"]).
std::vector<std::string> differing_keys(const Deck& deck, const std::string& other_resolved);

/// Whether two values of lattice.boundary, as a resolved deck has them, mean the same.
bool same_boundary(const std::string& a, const std::string& b);

}  // namespace koushi
