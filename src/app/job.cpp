#include "job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "embedded.hpp"
#include "koushi/base/error.hpp"
#include "koushi/base/lane_team.hpp"
#include "koushi/base/text.hpp"

namespace koushi {

namespace {

/// One word of a shell, whatever it holds.
std::string shell_word(const std::string& text) {
  std::string word;
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return fmt::format("'{}'", word);
}

/// Whether a value is TOML, not a bare word, which --set takes for text as well.
bool is_toml(const std::string& value) {
  if (value == "true" || value == "false" || std::string("[{\"'").find(value[0]) != std::string::npos) return true;
  char* end = nullptr;
  std::strtod(value.c_str(), &end);
  return end == value.c_str() + value.size();
}

/// Slurm's D-HH:MM:SS, in whole minutes, as its limits are.
std::string slurm_time(double seconds) {
  const auto minutes = static_cast<long long>(std::ceil(seconds / 60));
  return fmt::format("{}{:02}:{:02}:00", minutes >= 1440 ? fmt::format("{}-", minutes / 1440) : "", minutes % 1440 / 60,
                     minutes % 60);
}

/// `#SBATCH --NAME` or `#SBATCH --NAME=VALUE` becomes the line of a template that names it, commented out or not.
void set_directive(std::vector<std::string>& lines, const std::string& name, const std::string& value) {
  const auto line = std::find_if(lines.begin(), lines.end(), [&](const std::string& l) {
    return l.substr(l.rfind("##", 0) == 0 ? 1 : 0).rfind("#SBATCH --" + name, 0) == 0;
  });
  if (line == lines.end()) throw InternalError("the job template has no " + name);
  *line = fmt::format("#SBATCH --{}={}", name, value);
}

std::string script_text(const JobOptions& options, double limit, const std::vector<std::string>& remarks) {
  std::vector<std::string> lines;
  const std::string whole = options.array ? array_template : run_template;
  for (std::size_t at = 0; at < whole.size(); at = whole.find('\n', at) + 1)
    lines.push_back(whole.substr(at, whole.find('\n', at) - at));
  std::string name = std::filesystem::path(options.deck).stem().string();
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' ? c : '_';
  set_directive(lines, "job-name", name);
  set_directive(lines, "ntasks", fmt::format("{}", options.ranks));
  set_directive(lines, "time", slurm_time(limit));
  if (options.array) set_directive(lines, "array", fmt::format("0-{}", options.scan.size() - 1));
  if (options.gpus) set_directive(lines, "gpus-per-task", "1");
  const auto directive = [](const std::string& l) { return l.rfind("#SBATCH", 0) == 0 || l.rfind("##SBATCH", 0) == 0; };
  // Slurm may send it a minute early: in a short job it would come at the start.
  if (limit < 600)
    lines.erase(std::remove_if(lines.begin(), lines.end(),
                               [](const std::string& l) { return l.rfind("#SBATCH --signal", 0) == 0; }),
                lines.end());
  std::vector<std::string> words{"set --", shell_word(std::filesystem::absolute(options.deck).string())};
  for (const std::string& set : options.sets) words.insert(words.end(), {"--set", shell_word(set)});
  words.emplace_back("\"$@\"");
  // What the template says of itself is not so of a script with its words in it.
  const auto first = std::find_if(lines.begin(), lines.end(), directive);
  lines.erase(lines.begin() + 1, first);
  lines.insert(
      lines.begin() + 1,
      {fmt::format("# Written by koushi job; further words are those of koushi run: sbatch {} [--set key=value ...]",
                   options.output.empty() ? "SCRIPT" : options.output),
       "# koushi stops after a checkpoint in time for the end of the job and exits with 75; then the job requeues "
       "itself, and --resume goes on."});
  const auto body = std::find_if(lines.rbegin(), lines.rend(), directive).base();
  std::vector<std::string> added;
  for (const std::string& remark : remarks) added.push_back(fmt::format("# {}", remark));
  added.push_back(
      fmt::format("KOUSHI=${{KOUSHI:-{}}}", shell_word(std::filesystem::read_symlink("/proc/self/exe").string())));
  added.push_back(join(words, " "));
  lines.insert(body, added.begin(), added.end());
  return join(lines, "\n") + "\n";
}

void write_script(const std::string& file, const std::string& text) {
  if (std::filesystem::exists(file))
    throw UsageError(fmt::format("{} exists already\n  expected: another --output", file));
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream)
    throw StoreError(
        fmt::format("{} cannot be written\n  expected: --output FILE in a folder that can be written", file));
}

}  // namespace

std::string scan_override(const std::string& array) {
  const auto refuse = [&](const std::string& fault) {
    throw UsageError(
        fmt::format("--array {}: {}\n  expected: section.key=value,value,... , every value as --set takes it, or scan",
                    array, fault));
  };
  const std::size_t equals = array.find('=');
  if (equals == std::string::npos || equals == 0) refuse("no key");
  const std::string key = array.substr(0, equals);
  if (key == "output.file") refuse("every task has a file of its own");
  std::vector<std::string> values(1);
  int depth = 0;
  char quote = 0;
  for (std::size_t at = equals + 1; at < array.size(); ++at) {
    const char c = array[at];
    if (quote != 0) {
      if (quote == '"' && c == '\\' && at + 1 < array.size())
        values.back() += array[at++];
      else if (c == quote)
        quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth == 0) {
      values.emplace_back();
      continue;
    }
    values.back() += array[at];
  }
  if (depth != 0 || quote != 0) refuse("a bracket or quote is left open");
  for (std::string& value : values) {
    if (value.empty()) refuse("a value is empty");
    if (std::count(values.begin(), values.end(), value) > 1) refuse(fmt::format("{} twice", value));
  }
  for (std::string& value : values) {
    if (!is_toml(value)) value = fmt::format("'{}'", value);
  }
  return fmt::format("scan.{}=[{}]", key, join(values));
}

void write_job(const Communicator& comm, const JobOptions& options, const EstimateRun& estimate) {
  const double limit = parse_duration(options.time);
  if (limit <= 0)
    throw UsageError(
        fmt::format("--time {} is not a duration\n  expected: as 1:30:00, 90m, 1-12:00 or \"2 d\"", options.time));
  if (limit > 365 * 86400.0)
    throw UsageError(fmt::format("--time {} is longer than a year\n  expected: the limit of the job", options.time));
  if (options.array && options.scan.empty())
    throw UsageError(
        fmt::format("--array scan: {} has no [scan]\n  expected: section.key=value,value,... , or a deck with [scan]",
                    options.deck));
  RunEstimate slowest;
  std::string which;
  const int tasks = options.array ? static_cast<int>(options.scan.size()) : 1;
  for (int task = 0; task < tasks; ++task) {
    const RunEstimate here = estimate(options.array ? task : -1);
    if (!here.rejection.empty())
      throw UsageError(fmt::format("--ranks {}: {}\n  expected: a number of ranks that fits the deck", options.ranks,
                                   here.rejection));
    if (task > 0 && here.seconds <= slowest.seconds) continue;
    slowest = here;
    if (options.array) which = options.scan[static_cast<std::size_t>(task)].settings;
  }
  if (!comm.is_root()) return;
  std::vector<std::string> remarks;
  remarks.push_back(fmt::format("koushi check --ranks {}{}:", options.ranks,
                                which.empty() ? "" : fmt::format(" of the slowest task, {}", koushi::quoted(which))));
  for (const std::string& line : split_lines(slowest.text)) remarks.push_back(line);
  const auto warn = [&](const std::string& text) {
    remarks.push_back("warning: " + text);
    print_error(remarks.back() + "\n");
  };
  if (slowest.seconds > limit) {
    const bool stands = slowest.step_seconds > limit;
    warn(fmt::format("--time {} is shorter than {}, about {}: {}", options.time, stands ? "one step" : "the estimate",
                     format_seconds(stands ? slowest.step_seconds : slowest.seconds),
                     stands ? "the run would not move" : "the job will be requeued"));
  }
  if (options.gpus && kernels_on_host) warn("this koushi was built for CPUs and would leave the GPUs idle");
  const std::string text = script_text(options, limit, remarks);
  if (options.output.empty()) {
    print_out(text);
    return;
  }
  write_script(options.output, text);
  print_out(fmt::format("{}\nsbatch {}\n", join(remarks, "\n"), options.output));
}

}  // namespace koushi
