#include "koushi/field/updater.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "koushi/base/text.hpp"
#include "koushi/field/field_action.hpp"

namespace koushi {

namespace {

/// Updaters that together leave something as it was for ever.
void refuse_incomplete(const Deck& deck, const std::vector<FieldUpdate>& updates) {
  bool moves = false;
  bool moves_action = false;
  bool moves_modulus = !field_action(deck).has_modulus;
  for (const FieldUpdate& update : updates) {
    if (update.ladder) continue;
    moves = true;
    moves_action = moves_action || update.changes_action;
    moves_modulus = moves_modulus || update.changes_modulus;
  }
  const DeckSection first(deck, "updater.0");
  if (!moves) first.refuse("kind", first.kind() + " alone makes no new configuration", "another updater beside it");
  if (!moves_action)
    first.refuse("kind", first.kind() + " alone never changes S", "an updater that does beside it, or in its place");
  if (!moves_modulus)
    first.refuse("kind", "clusters alone never change |phi|",
                 "another updater beside them, by local updates or molecular dynamics");
}

}  // namespace

std::vector<FieldUpdate> field_updates(const Deck& deck) {
  std::vector<FieldUpdate> all;
  for (const DeckSection& section : DeckSection(deck, "").sections("updater"))
    all.push_back(updater_kinds().of(section).make(section));
  return all;
}

std::vector<std::unique_ptr<Updater>> make_updaters(const Deck& deck, FieldTheory& theory) {
  const std::vector<FieldUpdate> updates = field_updates(deck);
  refuse_incomplete(deck, updates);
  std::vector<std::unique_ptr<Updater>> all;
  try {
    for (const FieldUpdate& update : updates) {
      all.push_back(update.ladder ? nullptr : update.make(theory));
      if (all.back()) all.back()->repetitions = update.repetitions;
    }
  } catch (const UsageError& error) {  // a colouring that cannot be
    deck.refuse("lattice.extents", problem_and_expected(error.what()).first,
                "larger or open extents, or an updater that does not go from site to site");
  }
  return all;
}

void refuse_updater(const DeckSection& section, const FieldTheory& theory, const std::string& missing) {
  std::vector<std::string> suited;
  const Deck nothing;  // kinds with their defaults
  for (const UpdaterKinds::OneKind& kind : updater_kinds().all()) {
    try {
      const FieldUpdate update = kind.make(DeckSection(nothing, "updater.0"));
      if (update.suits && update.suits(theory)) suited.push_back(kind.name);
    } catch (const Error&) {  // a kind that is nothing without its keys
    }
  }
  section.refuse("kind", fmt::format("this action, as the deck has it, has no {}", missing), "one of " + join(suited));
}

double fraction_of_sites(const Grid& grid, std::int64_t mine, int per_site) {
  std::vector<std::int64_t> all{mine};
  grid.world().sum(all);
  return static_cast<double>(all[0]) /
         (static_cast<double>(grid.n_sites()) * static_cast<double>(grid.n_replicas()) * per_site);
}

}  // namespace koushi
