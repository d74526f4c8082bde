#pragma once

#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"
#include "koushi/store/result_file.hpp"
#include "koushi/study/study_run.hpp"

namespace koushi {

/// Numbers with their unit and meaning.
void write_reals(ResultWriter& writer, const std::string& path, const std::vector<double>& values,
                 const std::string& unit, const std::string& help);

/// A curve below `path`: x, value, error, in lattice units. `axis` says what x is, `error_help` what the errors are.
void write_curve(ResultWriter& writer, const std::string& path, const std::vector<double>& x, const std::string& axis,
                 const std::vector<double>& value, const std::vector<double>& error, const std::string& help,
                 const std::string& error_help);

/// What `koushi report` shows of an analysis of finished runs: the table, the measurements it took, the sites of the
/// lattice.
void write_analysis_summary(ResultWriter& writer, std::int64_t n_sites, std::int64_t measurements,
                            const std::string& table);

/// The line of a table that puts study.reference.KEY beside a result, or says why it is left out; "" if the deck has
/// none.
std::string reference_line(const Deck& deck, const std::string& key, double value, double error);

/// The known value of a quantity, where there is one of what is run: study.reference.KEY of the deck with its error and
/// source.
void write_reference(ResultWriter& writer, const Deck& deck, const std::string& key, const std::string& quantity);

/// Of runs whose errors are taken as independent.
void warn_of_equal_seeds(StudyRun& run, Progress& progress);

}  // namespace koushi
