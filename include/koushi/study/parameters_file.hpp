#pragma once

#include <string>

#include "koushi/study/variational_model.hpp"

namespace koushi {

/// Gives psi the parameters of the run in the file that a key of the deck names, factor by factor: the k-th of a kind
/// takes those of the k-th of that kind. They mean something only for the ansatz and the lattice that they were found
/// on: these must be the same, however the decks write them.
///
/// may_grow    whether that run may have fewer factors, a smaller density or another projection; psi keeps its (random)
///             values for what is not there
/// Returns     which factors begin anew, in words; empty if none does
/// Collective  yes
/// Errors      DeckError at the key
std::string load_parameters(VariationalModel& model, const std::string& key, bool may_grow);

}  // namespace koushi
