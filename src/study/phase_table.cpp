#include "koushi/study/phase_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "koushi/base/text.hpp"

namespace koushi {

void PhaseTable::lap(const std::string& phase, double work, const std::string& unit) {
  const Clock::time_point now = Clock::now();
  auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.name == phase; });
  if (row == rows_.end()) row = rows_.insert(rows_.end(), {phase, 0, 0, unit});
  row->seconds += std::chrono::duration<double>(now - last_).count();
  row->work += work;
  last_ = now;
}

double PhaseTable::seconds() const {
  double sum = 0;
  for (const Row& row : rows_) sum += row.seconds;
  return sum;
}

std::string PhaseTable::text() const {
  const double total = seconds();
  std::string text = fmt::format("{:<24}{:>12}{:>9}   {}\n", "phase", "time", "share", "rate");
  for (const Row& row : rows_) {
    const std::string rate =
        row.work > 0 && row.seconds > 0 ? fmt::format("{:.3g} {}/s", row.work / row.seconds, row.unit) : "";
    text += fmt::format("{:<24}{:>12}{:>8.1f}%   {}\n", row.name, format_seconds(row.seconds),
                        total > 0 ? 100 * row.seconds / total : 0.0, rate);
  }
  return text + fmt::format("{:<24}{:>12}\n", "all", format_seconds(total));
}

}  // namespace koushi
