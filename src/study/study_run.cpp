#include "koushi/study/study_run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/resolved.hpp"
#include "koushi/study/model_keys.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

namespace {

/// Whether a descriptor is still that of the file of this name.
bool is_named(int descriptor, const std::string& name) {
  struct stat held = {};
  struct stat there = {};
  return fstat(descriptor, &held) == 0 && stat(name.c_str(), &there) == 0 && held.st_ino == there.st_ino &&
         held.st_dev == there.st_dev;
}

/// The file that a symbolic link names, however many lead to it: what is written is renamed into its place, and must
/// not replace the link.
std::string behind_links(const Communicator& comm, std::string name) {
  std::error_code fault;
  for (int links = 0; comm.is_root() && links < 40 && std::filesystem::is_symlink(name, fault); ++links) {
    name = (std::filesystem::path(name).parent_path() / std::filesystem::read_symlink(name)).string();
  }
  comm.broadcast(name);
  return name;
}

/// What is wrong with a name that a run will write, or "": one that is too long, or taken by no regular file.
std::string fault_of_names(const std::string& file) {
  for (const char* suffix : {"", ".part", ".link", ".previous", ".probe"}) {
    const std::string name = file + suffix;
    struct stat there = {};
    if (stat(name.c_str(), &there) == 0) {
      if (!S_ISREG(there.st_mode))
        return fmt::format("{} is {}", name, S_ISDIR(there.st_mode) ? "a folder" : "no regular file");
    } else if (errno == ENAMETOOLONG) {
      return fmt::format("{} cannot be created ({})", name, std::strerror(errno));
    }
  }
  return "";
}

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

StudyRun::StudyRun(const Communicator& comm, const Deck& deck, RunOptions options)
    : comm_(comm),
      deck_(deck),
      kind_(studies().of(deck)),
      options_(std::move(options)),
      file_(behind_links(comm, options_.output.empty() ? deck.text("output.file") : options_.output)),
      provenance_(comm) {
  limit_.seconds = options_.time_limit;
  if (file_.empty()) deck.refuse("output.file", "it is empty", "the name of the result file");
}

StudyRun::~StudyRun() {
  if (lock_ >= 0) {
    if (is_named(lock_, file_ + ".lock")) unlink((file_ + ".lock").c_str());
    close(lock_);
  }
}

std::string StudyRun::fault_of_output() const {
  std::string fault;
  if (comm_.is_root()) {
    const std::string probe = file_ + ".probe";
    fault = fault_of_names(file_);
    const int descriptor = fault.empty() ? open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (!fault.empty()) {
      // said below
    } else if (descriptor < 0) {
      fault = fmt::format("{} cannot be created ({})", file_, std::strerror(errno));
    } else {
      close(descriptor);
      unlink(probe.c_str());
    }
  }
  comm_.broadcast(fault);
  return fault;
}

/// fcntl's locks go with the process that holds them, however it ends, and work over most network file systems.
void StudyRun::lock() {
  std::string holder;
  if (comm_.is_root()) {
    const std::string name = file_ + ".lock";
    struct flock whole = {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    bool locked = false;
    for (int tries = 0; tries < 100; ++tries) {
      lock_ = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
      locked = lock_ >= 0 && fcntl(lock_, F_SETLK, &whole) == 0;
      if (!locked || is_named(lock_, name)) break;
      close(lock_);  // its last holder has removed it meanwhile
    }
    if (lock_ >= 0 && !locked && (errno == EACCES || errno == EAGAIN)) {
      char text[512] = {};
      if (read(lock_, text, sizeof text - 1) < 0) text[0] = 0;
      holder = text[0] != 0 ? text : "another process";
      close(lock_);
      lock_ = -1;
    } else if (lock_ < 0) {
      print_out(fmt::format("warning: {} cannot be made ({}): a second run of this file would not be kept away\n", name,
                            std::strerror(errno)));
    } else {  // a file system without locks gives an error of another kind: then runs go unguarded
      char host[256] = {};
      gethostname(host, sizeof host - 1);
      const std::string mine = fmt::format("process {} on {}", getpid(), host);
      if (ftruncate(lock_, 0) != 0 || write(lock_, mine.data(), mine.size()) < 0) holder.clear();
    }
  }
  comm_.broadcast(holder);
  if (!holder.empty())
    throw StoreError(
        fmt::format("{} is being written by {}\n  expected: one run per result file; wait for it, or --output FILE",
                    file_, holder));
}

void StudyRun::refuse_own_input() const {
  const auto check = [this](const std::string& key, const std::string& input) {
    std::error_code ignored;
    const bool same = comm_.is_root() && std::filesystem::equivalent(input, file_, ignored);
    if (comm_.broadcast(same ? 1 : 0) != 0)
      deck_.refuse(key, fmt::format("{} is the result file of this run, too", input),
                   "another --output or [output] file");
  };
  const std::vector<Key>& keys = kind_.keys;
  for (const std::string& key : kind_.input_keys) {
    if (!deck_.has(key)) continue;
    const bool list = std::any_of(keys.begin(), keys.end(), [&](const Key& declared) {
      return "study." + declared.path == key && declared.type == KeyType::texts;
    });
    for (const std::string& input : list ? deck_.texts(key) : std::vector<std::string>{deck_.text(key)})
      check(key, input);
  }
}

StudyRun::Begin StudyRun::begin(const std::function<void(const ResultReader&)>& resume) {
  refuse_own_input();
  const int exists = comm_.broadcast(result_exists(file_) ? 1 : 0);
  if (exists != 0 && options_.existing == ExistingResult::refuse) {
    const std::string there = comm_.is_root() && !std::filesystem::exists(file_) ? ".previous" : "";
    throw UsageError(fmt::format(
        "{}{} exists already\n  expected: --resume to go on with it, --overwrite to start anew, or --output FILE",
        file_, there));
  }
  if (comm_.broadcast(
          exists != 0 && options_.existing == ExistingResult::overwrite && holds_something_else(file_) ? 1 : 0) != 0) {
    throw StoreError(fmt::format(
        "{} is not a koushi result file\n  expected: --overwrite for results, --output FILE for others", file_));
  }
  lock();
  if (const std::string fault = fault_of_output(); !fault.empty())
    throw StoreError(fault + "\n  expected: [output] file or --output in a folder that can be written");
  if (exists == 0 || options_.existing == ExistingResult::overwrite) return Begin::fresh;
  std::string message;
  const ResultReader reader = open_result_or_previous(comm_, file_, message);
  if (comm_.is_root() && !message.empty()) print_out(fmt::format("warning: {}\n", message));
  const std::string theirs = reader.read_text("deck/resolved");
  std::vector<std::string> differing = differing_keys(deck_, theirs);
  std::erase_if(differing, [](const std::string& key) {
    return key.rfind("output.", 0) == 0;
  });  // when to write changes no result
  const bool done = reader.read_text("summary/status") == "done";
  std::vector<std::string> grown;
  for (const std::string& key : kind_.extendable_keys) {
    if (std::erase(differing, key) > 0) grown.push_back(key);
  }
  if (!differing.empty()) {
    throw UsageError(fmt::format(
        "{} was made with another deck, which differs in {}\n  expected: the deck it was started with, or "
        "--output FILE{}",
        file_, join(differing),
        kind_.start_from.empty() ? "" : fmt::format(" (a new run can start from its {})", kind_.start_from)));
  }
  for (const std::string& key : grown) {
    const std::string before = resolved_keys(theirs).at(key);
    if (deck_.integer(key) < std::stoll(before))
      deck_.refuse(key, fmt::format("{} was begun with {}", file_, before), "as many, or more to go on with");
  }
  if (grown.empty() && done) {
    if (comm_.is_root()) print_out(fmt::format("{} is done: nothing to resume\n", file_));
    return Begin::done;
  }
  source_ = reader.file();
  provenance_.read(reader);
  if (!done) warnings_ = split_lines(reader.read_text("summary/warnings"));  // the others are of what was shorter
  resume(reader);
  return Begin::resumed;
}

void StudyRun::start(bool with_steps) {
  if (with_steps) stop_on({SIGTERM, SIGINT, SIGHUP});
  last_checkpoint_ = step_began_ = Clock::now();
  phases_.start();
}

bool StudyRun::checkpoint_if_due(bool now, const std::function<void(ResultWriter&)>& write) {
  ++steps_;
  limit_.longest_step = std::max(limit_.longest_step, seconds_since(step_began_));
  const bool stop = stop_is_requested(comm_, limit_.is_near(seconds_since(constructed_)));
  const bool untimed = limit_.given() && limit_.longest_checkpoint == 0;
  // the first one soon
  const double interval = limit_.longest_checkpoint == 0 ? std::min(20.0, deck_.seconds("output.checkpoint"))
                                                         : deck_.seconds("output.checkpoint");
  const int due = comm_.broadcast(untimed || seconds_since(last_checkpoint_) > interval ? 1 : 0);
  if (stop || now || due != 0) {
    const auto began = Clock::now();
    checkpoint(stop ? "stopped" : "running", write);
    last_checkpoint_ = Clock::now();
    limit_.longest_checkpoint = std::max(limit_.longest_checkpoint, seconds_since(began));
  }
  step_began_ = Clock::now();
  return stop;
}

void StudyRun::checkpoint(const std::string& status, const std::function<void(ResultWriter&)>& write) {
  ResultWriter writer(comm_, file_, source_);
  writer.write("deck/text", deck_.source());
  writer.write("deck/resolved", deck_.resolved());
  std::vector<std::string> changes = deck_.changes();
  std::erase_if(changes, [](const std::string& change) {
    return change.rfind("output", 0) == 0 || change.rfind("title", 0) == 0;
  });
  writer.write("deck/changes", join(changes));
  provenance_.write(writer);
  writer.write("summary/study", deck_.text("study.kind"));
  writer.write("summary/status", status);
  writer.write("summary/title", deck_.text("title"));
  writer.write("summary/warnings", join(warnings_, "\n"));
  for (const auto& row : phases_.rows()) {
    writer.write("timing/phases/" + row.name, std::vector<double>{row.seconds});
    writer.describe("timing/phases/" + row.name, "s", "wall time of this segment of the run");
  }
  write(writer);
  writer.commit();
  source_ = file_;
  phases_.lap("checkpoints");
}

std::string keys_without_reference(const Deck& deck) {
  const std::vector<std::string>& of_the_study = studies().of(deck).value_keys;
  static const std::set<std::string> beside_the_value{"study.reference.observable", "study.reference.error",
                                                      "study.reference.source"};
  std::vector<std::string> keys;
  for (const std::string& change : deck.changes()) {
    const std::string key = change.substr(0, change.find(" = "));
    const bool of_reference = key.rfind("study.reference.", 0) == 0 && beside_the_value.count(key) == 0;
    if (key == "study" || key == "study.reference" || of_reference) return "";  // another value is given
    const bool of_the_sector = key == "sampler" && names_a_sector(deck);
    if (is_of_the_model(key) || of_the_sector || std::count(of_the_study.begin(), of_the_study.end(), key) > 0)
      keys.push_back(key);
  }
  return join(keys);
}

bool has_reference(const Deck& deck, const std::string& key) {
  return deck.has("study.reference." + key) && keys_without_reference(deck).empty();
}

std::string outdated_reference_line(const Deck& deck) {
  return fmt::format(
      "the known value of the deck is left out, for {} changed; --set study.reference... gives another\n",
      keys_without_reference(deck));
}

void StudyRun::warn(Progress& progress, const std::string& kind, const std::string& text) {
  if (std::any_of(warnings_.begin(), warnings_.end(), [&](const std::string& w) { return w.rfind(kind, 0) == 0; }))
    return;
  warnings_.push_back(kind + ": " + text);
  progress.say("warning: " + warnings_.back());
}

int StudyRun::finish(const std::function<void(ResultWriter&)>& write, const std::function<std::string()>& table) {
  checkpoint("done", write);
  if (comm_.is_root())
    print_out(fmt::format("\n{}\n{}results in {}\n\n{}", deck_.text("title"), table(), file_, phases_.text()));
  return 0;
}

std::string StudyRun::warning_lines() const {
  std::string text;
  for (const std::string& warning : warnings_) text += "warning: " + warning + "\n";
  return text;
}

int StudyRun::stopped(Progress& progress, const std::string& where) const {
  const bool by_limit = limit_.is_near(seconds_since(constructed_));
  if (by_limit && steps_ == 1)
    progress.say(
        "warning: the time limit leaves no room for a second step: every start makes one; remedy: a longer limit");
  progress.say(
      fmt::format("stopped on request after {}{}; {} is complete, go on with --resume", where,
                  by_limit ? fmt::format(" (time limit; steps take up to {}, checkpoints {})",
                                         format_seconds(limit_.longest_step), format_seconds(limit_.longest_checkpoint))
                           : "",
                  file_));
  return exit_stopped;
}

}  // namespace koushi
