#pragma once

#include <string>

#include "koushi/study/stored_results.hpp"
#include "koushi/study/study_run.hpp"

namespace koushi {

/// What `koushi report` shows of an analysis of finished runs: the table, the measurements it took, the sites of the
/// lattice.
void write_analysis_summary(ResultWriter& writer, std::int64_t n_sites, std::int64_t measurements,
                            const std::string& table);

/// Warns that the errors of runs which are taken as independent may be wrong.
void warn_of_equal_seeds(StudyRun& run, Progress& progress);

}  // namespace koushi
