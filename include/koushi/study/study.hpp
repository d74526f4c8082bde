#pragma once

#include <functional>
#include <string>
#include <vector>

#include "koushi/deck/deck.hpp"
#include "koushi/study/study_run.hpp"

namespace koushi {

/// A kind of study, study.kind = "name": everything that others ask of it. Each is defined at the end of its own file.
struct StudyKind {
  /// What a study makes configurations of, which says what sections its deck has.
  enum class Subject {
    finished_runs,
    states,
    levels,   ///< of a Hamiltonian, which are computed: there is neither a wavefunction nor a sampler
    fields,   ///< that are sampled
    theory,   ///< of fields, which is solved: it has no updaters
    networks  ///< whose parameters are drawn
  };
  std::string name;
  std::string help;
  std::vector<Key> keys;  ///< of [study]
  /// Runs it and returns the exit code: 0, or 75 if it was asked to stop and has written a checkpoint. Collective.
  std::function<int(const Communicator&, const Deck&, const RunOptions&)> run;
  /// What `koushi check` says for so many ranks (0: it was not asked). Collective.
  std::function<RunEstimate(const Communicator&, const Deck&, int ranks)> describe;
  std::vector<std::string> input_keys{};       ///< keys that name result files to be read
  std::vector<std::string> extendable_keys{};  ///< integers that may be larger when a finished run is resumed
  /// Keys, besides those of the model (model_keys.hpp), on which a known value in study.reference depends.
  std::vector<std::string> value_keys{};
  Subject subject = Subject::finished_runs;
  bool optimises = false;                        ///< has a [solver]
  bool has_networks = false;                     ///< has a [path]: fields are outputs of networks
  std::vector<std::string> template_settings{};  ///< of its template, as "action.kind=path", unless others are given
  std::string start_from{};  ///< what a new run can begin with, as "parameters: study.initial_parameters"
};

/// All kinds of study: koushi's own, and what is added before a deck is read.
class StudyKinds {
 public:
  using OneKind = StudyKind;
  explicit StudyKinds(std::vector<StudyKind> own) : all_(std::move(own)) {}

  /// Errors  InternalError if the name is empty or taken, if run or describe is missing, or if decks were checked
  /// already
  void add(const StudyKind& kind);
  /// The kinds as a deck declares them.
  std::vector<Section::Kind> declared();
  const std::vector<StudyKind>& all() const { return all_; }
  /// The kind of a checked deck.
  const StudyKind& of(const Deck& deck) const;
  /// The kind of this name, null if there is none.
  const StudyKind* find(const std::string& name) const;
  /// The names of those for which `holds` is true.
  std::vector<std::string> names(const std::function<bool(const StudyKind&)>& holds) const;

 private:
  std::vector<StudyKind> all_;
  bool read_ = false;
};

StudyKinds& studies();

}  // namespace koushi
