#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"
#include "koushi/field/field_theory.hpp"
#include "koushi/store/result_file.hpp"

namespace koushi {

/// The value of one of the keys of a resolved deck; "not set" where it is not there.
std::string value_of(const std::map<std::string, std::string>& keys, const std::string& key);
/// Notes on the files of study.files that are not there yet, a line each. Collective.
std::string notes_on_missing_files(const Communicator& comm, const Deck& deck);

/// Whether a key says how a run was made (title, seed, [output], [study], [solver], [sampler], [[updater]], replicas,
/// ranks) and not what it is of.
bool is_bookkeeping(const std::string& path);

/// The ladder that a file holds, of a run with replica exchange.
struct StoredLadder {
  std::string parameter{};  ///< "" where there is none
  std::vector<double> values{};
  std::size_t own = 0;
  /// What the paths of a rung begin with: "" of the deck's own.
  std::string prefix(std::size_t rung) const;
};
StoredLadder read_ladder(const ResultReader& reader);

/// What a run of a lattice field left in its file: its deck and the series of its chains.
/// Collective  open()
class FieldRun {
 public:
  /// The run in a file; of a ladder in `free_key` all its rungs, as runs at one value each, of another ladder the
  /// deck's own rung.
  /// Errors  StoreError if the file cannot be read; UsageError if it is of another study or has no measurement
  static std::vector<FieldRun> open(const Communicator& comm, const std::string& file, const std::string& free_key);
  const std::string& file() const { return file_; }
  const Deck& deck() const { return deck_; }
  /// The deck with some keys replaced ("action.beta=0.4"), of one replica on one rank. Errors: DeckError.
  Deck deck_with(const std::vector<std::string>& overrides) const;
  std::int64_t measurements() const { return measurements_; }
  std::int64_t replicas() const { return replicas_; }
  const std::string& status() const { return status_; }
  /// Whether the runs of this file are the rungs of one ladder.
  bool on_ladder() const { return on_ladder_; }
  /// Errors  StoreError if there is no such series
  std::size_t width(const std::string& series) const;
  /// One column of a series as [replica * measurements + t].
  std::vector<double> column(const SeriesColumn& from) const;
  /// Value and error of an observable as the run itself gave them; NaN where it has none.
  std::pair<double, double> observable(const std::string& name) const;

 private:
  FieldRun(std::shared_ptr<const ResultReader> reader, const std::string& file, const StoredLadder& ladder,
           std::size_t rung, bool on_ladder);
  const std::vector<double>& series(const std::string& name) const;

  std::string file_;
  std::shared_ptr<const ResultReader> reader_;
  std::string prefix_;
  bool on_ladder_;
  std::string resolved_;
  Deck deck_;
  std::string status_;
  std::int64_t measurements_ = 0;
  std::int64_t replicas_ = 1;
  mutable std::map<std::string, std::vector<double>> cache_;
};

/// The runs that a deck names in study.files, which must agree in everything that is_bookkeeping does not name, but for
/// `free_key`.
///
/// `warnings` gets what a reader should know: runs that are not done.
/// Errors  DeckError at study.files: no file, one that cannot be read, one of another study, a difference (key by key,
///         with both values), the same
///         chains twice
std::vector<FieldRun> open_field_runs(const Communicator& comm, const Deck& deck, const std::string& free_key,
                                      std::vector<std::string>& warnings);

/// For `koushi check`: what open_field_runs would read, or that a file is not there yet. Errors: as open_field_runs,
/// but for files that are not there.
std::string describe_field_runs(const Communicator& comm, const Deck& deck, const std::string& free_key);

}  // namespace koushi
