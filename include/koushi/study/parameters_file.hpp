#pragma once

#include <string>

#include "koushi/study/variational_model.hpp"

namespace koushi {

/// Gives psi the parameters of the run in the file that a key of the deck names. They mean something only for the
/// ansatz and the lattice that they were found on: these must be the same, however the decks write them.
///
/// may_grow    whether that run may have a smaller density or another projection; psi keeps its (random) values for
///             what the smaller one lacks
/// Collective  yes
/// Errors      DeckError at the key
void load_parameters(VariationalModel& model, const std::string& key, bool may_grow);

}  // namespace koushi
