#pragma once

#include <string>

#include "koushi/study/measurement.hpp"

namespace koushi {

/// Numbers of the steps at which measurements draw random numbers, away from every step of an optimisation: the
/// measurement of a run, and a later one of its file, which may have the same seed.
inline constexpr std::uint64_t own_measurement = std::uint64_t{1} << 41U;
inline constexpr std::uint64_t later_measurement = std::uint64_t{1} << 42U;

/// The known energy of the deck: reference/* of the file.
void write_known_energy(ResultWriter& writer, const Deck& deck);

/// Writes the observable "energy" and, divided by the number of sites, "energy_per_site".
void write_energy(ResultWriter& writer, const StoredObservable& energy, double n_sites);

/// The line of a table that puts the known energy per site beside a result; "" if the deck has none.
std::string known_energy_text(const Deck& deck, double per_site, double error);

/// What a run of ground states says at its end: title, energy, known value, further observables, warnings.
/// others: observables that the measurement does not hold.
std::string variational_result_text(const StudyRun& run, const VariationalModel& model, const Measurement& measurement,
                                    const std::vector<StoredObservable>& others, std::int64_t n_steps);

/// What `koushi check` notes of a model, its result file and the files in `input_keys`, with the rejection of `ranks`.
void note_model(const StudyRun& run, VariationalModel& model, int ranks, const std::string& parameters_key,
                bool may_grow, RunEstimate& estimate);

}  // namespace koushi
