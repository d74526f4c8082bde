#include "koushi/analysis/analysis_results.hpp"

namespace koushi {

void write_analysis_summary(ResultWriter& writer, std::int64_t n_sites, std::int64_t measurements,
                            const std::string& table) {
  writer.write("summary/n_sites", std::vector<std::int64_t>{n_sites});
  writer.write("summary/steps", std::vector<std::int64_t>{measurements});
  writer.write("summary/table", table);
}

void warn_of_equal_seeds(StudyRun& run, Progress& progress) {
  run.warn(progress, "equal seeds",
           "runs with the same seed take the same random numbers and are not independent: errors may be wrong; remedy: "
           "another seed for every run");
}

}  // namespace koushi
