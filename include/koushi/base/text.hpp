#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace koushi {

/// The candidate nearest to `name` by edit distance (insert, delete, replace, swap), or "" if none is near enough
/// (distance at most a third of the longer length, rounded up). Cost O(sum of length products).
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);
/// What a message of an error says before and after "expected: ".
std::pair<std::string, std::string> problem_and_expected(const std::string& message);
/// "     (did you mean ...?)" with the nearest of them, to stand behind what was expected; empty if none is near.
std::string hint(std::string_view name, const std::vector<std::string>& candidates);

/// "a, b, c"
std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ");

/// The text in double quotes, escaped as JSON and TOML both read it.
std::string quoted(const std::string& text);

/// The text with its control characters as escapes: "\\u000d" for a carriage return. What a user gave then stays on its
/// line of a message and cannot move a terminal's cursor.
std::string without_controls(const std::string& text);

/// The lines of a text, without empty ones.
std::vector<std::string> split_lines(const std::string& text);

/// A value with its error in the last digits, as the Particle Data Group prints it: -0.70178(12). "1 (exact)" for an
/// error of 0, "1.234 (no error)" where there is none, "-" where there is no value.
std::string with_error(double value, double error);

/// "+0.0012 %, +0.3 sigma": value with its error against a reference with its own. A reference of 0 gives the
/// difference itself; an error of 0 or none leaves the sigmas out.
std::string deviation_text(double value, double error, double reference, double reference_error);

/// Columns (name, cells) beside a first column x, four at a time, every block with its own head and x.
std::string column_blocks(const std::string& x_name, const std::vector<std::string>& x,
                          const std::vector<std::pair<std::string, std::vector<std::string>>>& columns);

/// Writes to the standard output and flushes it. A reader that went away is no reason to lose a run: failures are kept
/// quiet.
void print_out(const std::string& text);

/// Writes to the standard error; failures are kept quiet, for there is nowhere to say them.
void print_error(const std::string& text);

/// 93 -> "1 min 33 s", 0.0123 -> "12.3 ms", 7300 -> "2 h 1 min". Seconds in.
std::string format_seconds(double seconds);

/// 1536 -> "1.5 KiB".
std::string format_bytes(double bytes);

/// "5 min", "90 s", "1.5 h", "00:30:00", "90m", "1-12:00:00" (one day and a half) -> seconds; negative if the text is
/// not a duration.
double parse_duration(std::string_view text);

}  // namespace koushi
