#pragma once

#include <string>

#include "koushi/study/study_run.hpp"

namespace koushi {

/// An observable of finished runs of any kind at infinite size, zero spacing, ...: study.x is a number of their decks
/// or n_sites, and a_0 of
///
///   y = a_0 + sum_k a_k x^{p_k}       (study.powers: all < 0 for x -> infinity, all > 0 for x -> 0)
///
/// the limit (statistics/power_fit.hpp). The same fit without the x farthest from the limit, one after another, says
/// whether the powers are enough.
///
/// Collective  yes
/// Errors      DeckError, StoreError; NumericalError where the points do not determine the parameters
int run_extrapolation(const Communicator& comm, const Deck& deck, const RunOptions& options);

/// What `koushi check` prints.
std::string describe_extrapolation(const Communicator& comm, const Deck& deck);

}  // namespace koushi
