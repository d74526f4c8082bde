#include "koushi/analysis/finished_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <utility>

#include "koushi/base/error.hpp"
#include "koushi/base/text.hpp"
#include "koushi/deck/declare.hpp"
#include "koushi/deck/resolved.hpp"
#include "koushi/store/damaged_file.hpp"
#include "koushi/study/catalogue.hpp"
#include "koushi/study/model_keys.hpp"
#include "koushi/study/stored_results.hpp"
#include "koushi/study/study.hpp"

namespace koushi {

Key files_of_field_runs() {
  return declare::key("files", KeyType::texts, "",
                      "result files of lattice-field runs; names are relative to the folder in which koushi is called");
}

std::string StoredLadder::prefix(std::size_t rung) const {
  return parameter.empty() || rung == own ? "" : fmt::format("ladder/{}/", rung);
}

StoredLadder read_ladder(const ResultReader& reader) {
  if (!reader.contains("ladder/values")) return {};
  return {reader.read_text("ladder/parameter"), reader.read_reals("ladder/values"),
          static_cast<std::size_t>(reader.read_integers("ladder/own").at(0))};
}

std::vector<FieldRun> FieldRun::open(const Communicator& comm, const std::string& file, const std::string& free_key) {
  const auto reader = std::make_shared<const ResultReader>(comm, file);
  const std::string study = reader->read_text("summary/study");
  const StudyKind* kind = studies().find(study);
  const auto is_of_fields = [](const StudyKind& one) { return one.subject == StudyKind::Subject::fields; };
  if (kind == nullptr || !is_of_fields(*kind)) {
    throw UsageError(fmt::format("{} is of study.kind = \"{}\"\n  expected: the file of a {}", file, study,
                                 join(studies().names(is_of_fields), " or a ")));
  }
  const StoredLadder ladder = read_ladder(*reader);
  const bool on_ladder = !ladder.parameter.empty() && ladder.parameter == free_key;
  std::vector<FieldRun> runs;
  for (std::size_t rung = 0; rung < (on_ladder ? ladder.values.size() : 1); ++rung)
    runs.push_back(FieldRun(reader, file, ladder, on_ladder ? rung : ladder.own, on_ladder));
  return runs;
}

FieldRun::FieldRun(std::shared_ptr<const ResultReader> reader, const std::string& file, const StoredLadder& ladder,
                   std::size_t rung, bool on_ladder)
    : file_(file),
      reader_(std::move(reader)),
      prefix_(ladder.prefix(rung)),
      on_ladder_(on_ladder),
      resolved_(reader_->read_text("deck/resolved")) {
  std::vector<std::string> at_rung;
  if (on_ladder) at_rung.push_back(fmt::format("{}={}", ladder.parameter, ladder.values[rung]));
  deck_ = Deck::parse_resolved(resolved_, file + ", /deck/resolved", at_rung, catalogue());
  status_ = reader_->read_text("summary/status");
  replicas_ = deck_.integer("lattice.replicas");
  series_ = MeasuredSeries(replicas_);
  if (reader_->contains(prefix_ + "series/action_density"))
    measurements_ = series("action_density").measured("action_density");
  if (measurements_ == 0)
    throw UsageError(fmt::format("{} holds no measurement\n  expected: a run that got beyond its warm_up", file));
}

Deck FieldRun::deck_with(const std::vector<std::string>& overrides) const {
  std::vector<std::string> all{"lattice.replicas=1"};
  if (deck_.has("lattice.ranks"))
    all.push_back(fmt::format("lattice.ranks=[{}]",
                              fmt::join(std::vector<int>(deck_.integers("lattice.extents").size(), 1), ",")));
  all.insert(all.end(), overrides.begin(), overrides.end());
  return Deck::parse_resolved(resolved_, file_ + ", /deck/resolved", all, catalogue());
}

const MeasuredSeries& FieldRun::series(const std::string& name) const {
  if (!series_.contains(name)) {
    std::vector<double> values = reader_->read_reals(prefix_ + "series/" + name);
    const std::int64_t numbers = std::max<std::int64_t>(1, measurements_) * replicas_;
    const std::int64_t width = measurements_ > 0 ? static_cast<std::int64_t>(values.size()) / numbers : 1;
    series_.set(name, width, std::move(values));
  }
  return series_;
}

std::size_t FieldRun::width(const std::string& name) const {
  return static_cast<std::size_t>(series(name).all().at(name).width);
}

std::vector<double> FieldRun::column(const SeriesColumn& from) const {
  if (const std::size_t entries = width(from.series); from.column >= entries)
    throw StoreError(
        fmt::format("{}: series {} has {} entries, number {} is not there", file_, from.series, entries, from.column));
  return series(from.series).column(from);
}

std::pair<double, double> FieldRun::observable(const std::string& name) const {
  if (!reader_->contains(prefix_ + "observables/" + name + "/value")) return {std::nan(""), std::nan("")};
  const StoredObservable result = read_observable(*reader_, prefix_, name);
  return {result.value, result.error};
}

std::vector<FieldRun> open_field_runs(const Communicator& comm, const Deck& deck, const std::string& free_key,
                                      std::vector<std::string>& warnings) {
  const std::vector<std::string> files = deck.texts("study.files");
  if (files.empty())
    deck.refuse("study.files", "there is none", "result files of lattice-field runs, as [\"a.h5\", \"b.h5\"]");
  std::vector<FieldRun> runs;
  for (const std::string& file : files) {
    try {
      for (FieldRun& run : FieldRun::open(comm, file, free_key)) runs.push_back(std::move(run));
    } catch (const DamagedFile&) {
      throw;
    } catch (const StoreError& error) {
      deck.refuse("study.files", error.what(),
                  "result files of lattice-field runs; names are relative to the folder in which koushi is called");
    } catch (const UsageError& error) {
      const auto [problem, expected] = problem_and_expected(error.what());
      deck.refuse("study.files", problem, expected);
    }
    if (runs.back().status() != "done")
      warnings.push_back(fmt::format("unfinished run: {} is {}; its {} measurements are used", file,
                                     runs.back().status(), runs.back().measurements()));
  }
  const auto first = resolved_keys(runs.front().deck().resolved());
  for (std::size_t k = 1; k < runs.size(); ++k) {
    const auto other = resolved_keys(runs[k].deck().resolved());
    std::vector<std::string> differing;
    for (const std::string& path : differing_keys(runs.front().deck(), runs[k].deck().resolved())) {
      if (!is_bookkeeping(path) && path != free_key)
        differing.push_back(fmt::format("{} ({} and {})", path, value_of(first, path), value_of(other, path)));
    }
    if (!differing.empty()) {
      deck.refuse(
          "study.files", fmt::format("{} and {} differ in {}", runs.front().file(), runs[k].file(), join(differing)),
          free_key.empty() ? "runs of one lattice and action" : fmt::format("runs that differ in {} alone", free_key));
    }
    for (std::size_t j = 0; j < k; ++j) {
      if (runs[j].column({"action_density"}) == runs[k].column({"action_density"})) {
        deck.refuse("study.files", fmt::format("{} and {} hold the same chains", runs[j].file(), runs[k].file()),
                    "runs with different seeds");
      }
    }
  }
  return runs;
}

std::string notes_on_missing_files(const Communicator& comm, const Deck& deck) {
  std::string text;
  for (const std::string& file : deck.texts("study.files")) {
    if (comm.broadcast(comm.is_root() && std::ifstream(file).good() ? 1 : 0) != 0) continue;
    text += fmt::format("note         {} is not there yet: run its deck before this one, in the same folder\n", file);
  }
  return text;
}

std::string describe_field_runs(const Communicator& comm, const Deck& deck, const std::string& free_key) {
  std::string text = notes_on_missing_files(comm, deck);
  if (!text.empty()) return text;
  std::vector<std::string> warnings;
  for (const FieldRun& run : open_field_runs(comm, deck, free_key, warnings)) {
    text += fmt::format(
        "file         {}: {} measurements of {} replicas{}\n", run.file(), run.measurements(), run.replicas(),
        free_key.empty() || !run.deck().has(free_key) ? ""
                                                      : fmt::format(", {} = {}", free_key, run.deck().real(free_key)));
  }
  for (const std::string& warning : warnings) text += "warning      " + warning + "\n";
  return text;
}

}  // namespace koushi
