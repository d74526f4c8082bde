#pragma once

#include <string>
#include <vector>

#include "koushi/study/study_run.hpp"

namespace koushi {

/// The parameter values that study.targets and study.points ask for, rising. Errors: DeckError.
std::vector<double> reweighting_targets(const Deck& deck);

/// Observables of finished lattice-field runs at other values of one parameter of their action, S = S_0 + p E
/// (statistics/reweighting.hpp):
///
///   action.beta           spins: E = H;  gauge links: E = sum_P (1 - Re tr U_P / N)
///   action.mass_squared   phi^4 and free field: E = sum |phi|^2 (lattice form) or half of it (textbook)
///   action.lambda         phi^4: E = sum |phi|^4 (lattice form) or 1/24 of it (textbook)
///
/// Series into which p enters are moved along with it: action_density by (p - p_k) E / V, virial by (p - p_k) d E / (n
/// V), d the degree of E. Where fewer than study.fewest effective samples are left no error is quoted and a warning
/// says so.
///
/// Collective  yes
/// Errors      DeckError, StoreError; NumericalError where the runs do not overlap
int run_reweighting(const Communicator& comm, const Deck& deck, const RunOptions& options);

/// What `koushi check` prints.
std::string describe_reweighting(const Communicator& comm, const Deck& deck);

}  // namespace koushi
