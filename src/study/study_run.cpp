#include "koushi/study/study_run.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/study/stop_request.hpp"

namespace koushi {

namespace {

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

StudyRun::StudyRun(const Communicator& comm, const Deck& deck, RunOptions options)
    : comm_(comm),
      deck_(deck),
      options_(std::move(options)),
      file_(options_.output.empty() ? deck.text("output.file") : options_.output),
      provenance_(comm) {}

StudyRun::Begin StudyRun::begin(const std::function<void(const ResultReader&)>& resume) {
  const int exists = comm_.broadcast(access(file_.c_str(), F_OK) == 0 || access((file_ + ".previous").c_str(), F_OK) == 0 ? 1 : 0);
  if (exists == 0 || options_.existing == ExistingResult::overwrite) return Begin::fresh;
  if (options_.existing == ExistingResult::refuse) {
    throw UsageError(fmt::format("{} exists already\n  expected: --resume to go on with it, --overwrite to start anew, or --output FILE", file_));
  }
  std::string message;
  const ResultReader reader = open_result_or_previous(comm_, file_, message);
  if (comm_.is_root() && !message.empty()) fmt::print("warning: {}\n", message);
  if (reader.read_text("deck/resolved") != deck_.resolved()) {
    throw UsageError(fmt::format("{} was made with another deck\n  expected: the deck it was started with, or --output FILE", file_));
  }
  if (reader.read_text("summary/status") == "done") {
    if (comm_.is_root()) fmt::print("{} is done: nothing to resume\n", file_);
    return Begin::done;
  }
  provenance_.read(reader);
  warnings_ = split_lines(reader.read_text("summary/warnings"));
  resume(reader);
  return Begin::resumed;
}

void StudyRun::start() {
  listen_for_stop_signals();
  started_ = last_checkpoint_ = Clock::now();
  phases_.start();
}

bool StudyRun::checkpoint_if_due(bool now, const std::function<void(ResultWriter&)>& write) {
  const bool stop = stop_is_requested(comm_, options_.time_limit > 0 && seconds_since(started_) > options_.time_limit);
  const int due = comm_.broadcast(seconds_since(last_checkpoint_) > deck_.seconds("output.checkpoint") ? 1 : 0);
  if (stop || now || due != 0) {
    checkpoint(stop ? "stopped" : "running", write);
    last_checkpoint_ = Clock::now();
  }
  return stop;
}

void StudyRun::checkpoint(const std::string& status, const std::function<void(ResultWriter&)>& write) {
  ResultWriter writer(comm_);
  writer.write("deck/text", deck_.source());
  writer.write("deck/resolved", deck_.resolved());
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
  writer.commit(file_);
  phases_.lap("checkpoints");
}

void StudyRun::warn(Progress& progress, const std::string& kind, const std::string& text) {
  if (std::any_of(warnings_.begin(), warnings_.end(), [&](const std::string& w) { return w.rfind(kind, 0) == 0; })) return;
  warnings_.push_back(kind + ": " + text);
  progress.say("warning: " + warnings_.back());
}

int StudyRun::stopped(Progress& progress, const std::string& where) const {
  progress.say(fmt::format("stopped on request after {}; {} is complete, go on with --resume", where, file_));
  return exit_stopped;
}

}  // namespace koushi
