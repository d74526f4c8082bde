#include "koushi/study/analysis_results.hpp"

#include <fmt/format.h>

#include <cmath>

#include "koushi/base/text.hpp"

namespace koushi {

void write_reals(ResultWriter& writer, const std::string& path, const std::vector<double>& values,
                 const std::string& unit, const std::string& help) {
  writer.write(path, values);
  writer.describe(path, unit, help);
}

void write_curve(ResultWriter& writer, const std::string& path, const std::vector<double>& x, const std::string& axis,
                 const std::vector<double>& value, const std::vector<double>& error, const std::string& help,
                 const std::string& error_help) {
  write_reals(writer, path + "/x", x, "lattice units", axis);
  write_reals(writer, path + "/value", value, "lattice units", help);
  write_reals(writer, path + "/error", error, "lattice units", error_help);
}

void write_analysis_summary(ResultWriter& writer, std::int64_t n_sites, std::int64_t measurements,
                            const std::string& table) {
  writer.write("summary/n_sites", std::vector<std::int64_t>{n_sites});
  writer.write("summary/steps", std::vector<std::int64_t>{measurements});
  writer.write("summary/table", table);
}

std::string reference_line(const Deck& deck, const std::string& key, double value, double error) {
  if (!deck.has("study.reference." + key)) return "";
  if (!has_reference(deck, key)) return outdated_reference_line(deck);
  const double known = deck.real("study.reference." + key);
  const double known_error = deck.real("study.reference.error");
  const bool quoted = std::isfinite(error);
  return fmt::format(
      "{:<28}{:>22}   deviation {}{}\n", "  known",
      known_error > 0 ? with_error(known, known_error) : fmt::format("{}", known),
      deviation_text(value, quoted ? error : 0, known, quoted ? known_error : 0),
      deck.has("study.reference.source") ? fmt::format("   ({})", deck.text("study.reference.source")) : "");
}

void write_reference(ResultWriter& writer, const Deck& deck, const std::string& key, const std::string& quantity) {
  if (!has_reference(deck, key)) return;
  writer.write("reference/value", std::vector<double>{deck.real("study.reference." + key)});
  writer.write("reference/error", std::vector<double>{deck.real("study.reference.error")});
  writer.write("reference/quantity", quantity);
  writer.write("reference/source",
               deck.has("study.reference.source") ? deck.text("study.reference.source") : std::string());
}

void warn_of_equal_seeds(StudyRun& run, Progress& progress) {
  run.warn(progress, "equal seeds",
           "runs with the same seed take the same random numbers and are not independent: errors may be wrong; remedy: "
           "another seed for every run");
}

}  // namespace koushi
