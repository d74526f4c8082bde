#pragma once

#include <vector>

#include "koushi/deck/keys.hpp"
#include "koushi/manybody/operator.hpp"

namespace koushi {

/// Keys that every Hamiltonian has: `disorder`, `realisation`, `extra_terms`.
const std::vector<Key>& common_hamiltonian_keys();

/// H with random factors of its parts and with further terms, as these keys of a section say. Terms of a part on the
/// same sites have the same factor, which is a function of realisation, part and sites alone.
/// Errors  DeckError
Operator with_common_keys(const DeckSection& section, Operator h);

}  // namespace koushi
