#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "koushi/deck/deck.hpp"

namespace koushi {

/// One section of a deck that has passed every check: keys are read by the names that the section declares, without the
/// place of the section in the deck. Keeps a reference to the deck.
class DeckSection {
 public:
  /// prefix: "hamiltonian", "wavefunction.factor.0"; empty: the top level.
  DeckSection(const Deck& deck, std::string prefix) : deck_(&deck), prefix_(std::move(prefix)) {}

  const Deck& deck() const { return *deck_; }
  /// The name of the section in the deck, as "wavefunction.factor.0".
  const std::string& name() const { return prefix_; }
  /// The whole path of a key of this section.
  std::string path(const std::string& key) const { return prefix_.empty() ? key : prefix_ + "." + key; }

  std::string kind() const { return text("kind"); }
  bool has(const std::string& key) const { return deck_->has(path(key)); }
  /// Whether the deck or --set gives this key: false where its default stands.
  bool given(const std::string& key) const { return deck_->given(path(key)); }
  bool boolean(const std::string& key) const { return deck_->boolean(path(key)); }
  std::int64_t integer(const std::string& key) const { return deck_->integer(path(key)); }
  double real(const std::string& key) const { return deck_->real(path(key)); }
  Deck::Complex complex(const std::string& key) const { return deck_->complex(path(key)); }
  std::string text(const std::string& key) const { return deck_->text(path(key)); }
  double seconds(const std::string& key) const { return deck_->seconds(path(key)); }
  std::vector<int> integers(const std::string& key) const { return deck_->integers(path(key)); }
  std::vector<double> reals(const std::string& key) const { return deck_->reals(path(key)); }
  std::vector<Deck::Complex> complexes(const std::string& key) const { return deck_->complexes(path(key)); }
  std::vector<std::string> texts(const std::string& key) const { return deck_->texts(path(key)); }
  const std::vector<std::vector<double>>& rows(const std::string& key) const { return deck_->rows(path(key)); }
  const std::vector<Deck::MixedRow>& mixed_rows(const std::string& key) const { return deck_->mixed_rows(path(key)); }

  /// Throws a DeckError at the place of a key of this section.
  [[noreturn]] void refuse(const std::string& key, const std::string& problem, const std::string& expected) const {
    deck_->refuse(path(key), problem, expected);
  }

  /// The same at one row of a list that may come from a file.
  [[noreturn]] void refuse_row(const std::string& key, std::size_t row, const std::string& problem,
                               const std::string& expected) const {
    deck_->refuse_row(path(key), row, problem, expected);
  }

  /// The sections of a list in this one: of [[wavefunction.factor.layer]] those of this factor by "layer"; from the top
  /// level by the whole name, "wavefunction.factor".
  std::vector<DeckSection> sections(const std::string& list) const {
    std::vector<DeckSection> all;
    for (int k = 0; k < deck_->count(path(list)); ++k) all.emplace_back(*deck_, path(list) + "." + std::to_string(k));
    return all;
  }

 private:
  const Deck* deck_;
  std::string prefix_;
};

}  // namespace koushi
