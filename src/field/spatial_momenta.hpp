#pragma once

#include "koushi/deck/deck.hpp"
#include "koushi/field/field_theory.hpp"

namespace koushi {

/// study.momenta of a deck that has them. Errors: DeckError.
SpatialMomenta spatial_momenta(const Deck& deck, const Grid& grid);

}  // namespace koushi
